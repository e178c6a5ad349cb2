"""What measured or simulated daily fluxes can be (docs/formats.md, section 1): a test of values in any unit."""

import numpy as np
from numpy.typing import NDArray

from foundations.units import unit_conversion
from foundations.variables import VARIABLES

SENTINELS = (-999.0, -9999.0, -99999.0, -8888.0, -7777.0, -6999.0, 9999.0, 99999.0, 1e20, -1e20)
"""Numbers that files have for missing flux where they do not say so."""


def impossible_flux(name: str, values: NDArray, units: str) -> tuple[tuple[int, ...], str] | None:
    """Place of the first value of a flux that cannot be, and what is wrong with it; None where all can be.

    values: of any shape in `units`, NaN = missing. Fluxes that the table does not have are not tested.
    """
    variable = VARIABLES.get(name)
    if variable is None or variable.daily_min is None or variable.daily_max is None:
        return None
    try:
        factor, offset = unit_conversion(variable.units, units, name)
    except ValueError:
        return None
    low, high = variable.daily_min * factor + offset, variable.daily_max * factor + offset
    bad = (values < low) | (values > high) | np.isin(values, SENTINELS)
    if not bad.any():
        return None
    place = tuple(int(i) for i in np.argwhere(bad)[0])
    text = (
        f"is {values[place]:g} {units}, a flux is within {low:.3g} and {high:.3g} ({int(bad.sum())} such values); "
        "mark missing values by _FillValue or NaN, and see to the units"
    )
    return place, text
