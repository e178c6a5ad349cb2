"""A framework in small, in the manner of NextGen: it knows nothing of the component but BMI 2.0.

python framework.py component.yaml
"""

import sys

import numpy as np
from bmipy import Bmi

from coupler.bmi import EcostepBmi


def run_day(component: Bmi, number: int) -> None:
    """Set all drivers and go on to the end of the day."""
    drivers = {"land_surface_air__temperature": 280.0 + number, "atmosphere_water__precipitation_mass_flux": 2e-5}
    for name in component.get_input_var_names():
        component.set_value(name, np.full(size_of(component, name), drivers.get(name, 0.1)))
    component.update_until(86400.0 * number)


def size_of(component: Bmi, name: str) -> int:
    """Number of values of a variable."""
    return component.get_grid_size(component.get_var_grid(name))


def main() -> int:
    component: Bmi = EcostepBmi()
    component.initialize(sys.argv[1])
    for name in (*component.get_input_var_names(), *component.get_output_var_names()):
        print(f"  {name} [{component.get_var_units(name)}]")
    flux = component.get_output_var_names()[0]

    for day in range(1, 11):  # ten days, the state put by after five
        if day == 6:
            saved = {name: component.get_value_ptr(name).copy() for name in ("ecostep__state", "ecostep__time")}
        run_day(component, day)
    straight = component.get_value(flux, np.empty(size_of(component, flux)))
    component.finalize()

    component.initialize(sys.argv[1])  # and the last five again from that state
    for name, values in saved.items():
        component.set_value(name, values)
    for day in range(6, 11):
        run_day(component, day)
    again = component.get_value(flux, np.empty(size_of(component, flux)))
    component.finalize()
    print(f"{flux} of the last day {straight[0]:.15e}, after a restart {again[0]:.15e}")
    return int((straight != again).any())


if __name__ == "__main__":
    sys.exit(main())
