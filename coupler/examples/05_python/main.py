"""A land model in Python: three cells by the hour, and the last day again from a restart file.

python main.py ARTEFACT RESTART_FILE
"""

import sys
from pathlib import Path

import numpy as np

from coupler import Cells, EcostepError, Model

LAT = np.array([52.0, 61.8, 68.4])
FORCING = {"tas": np.zeros(3), "pr": np.full(3, 2.0), "wtd": np.array([5.0, 12.0, 0.0])}  # read in place at every step
UNITS = {"tas": "degC", "pr": "mm day-1", "wtd": "cm"}
CH4 = np.zeros(3)  # written in place at every step


def make_cells(model: Model) -> Cells:
    """Cells that know the host's arrays."""
    cells = model.cells(len(LAT), calendar="noleap")
    for variable in model.inputs:
        cells.set_input(variable.name, FORCING[variable.name], UNITS[variable.name])
    cells.set_static("lat", LAT, "degrees_north")
    cells.set_output("fch4", CH4, "mg m-2 day-1")
    return cells


def run_day(cells: Cells, day: int) -> None:
    """24 hourly steps."""
    for hour in range(24):
        FORCING["tas"][:] = [14.0, 9.0, 4.0] + 4.0 * np.sin(0.2618 * (hour - 9))
        cells.step(2001, 7, day, 3600 * hour, 3600)
    print(f"July {day}  CH4 {CH4} mg m-2 day-1")


def main() -> int:
    artefact, restart = Path(sys.argv[1]), Path(sys.argv[2])
    model = Model(artefact)
    print(f"{model.name}, backend {model.backend}, {model.state_size} numbers of state per cell")
    cells = make_cells(model)
    cells.init_state()
    for day in (1, 2):
        run_day(cells, day)
    np.savez(restart, state=cells.state, checksum=cells.state_checksum(), artefact=model.fingerprint)
    run_day(cells, 3)
    straight = CH4.copy()

    cells = make_cells(model)
    with np.load(restart) as written:
        if written["artefact"] != model.fingerprint:
            print(f"{restart}: written with another artefact")
            return 1
        cells.state = written["state"]
        cells.check_state(written["checksum"])  # is it what was written?
    run_day(cells, 3)

    try:  # errors name variable and cell, and leave state and fluxes as they were
        FORCING["tas"][1] = np.nan
        cells.step(2001, 7, 4, 0, 3600)
    except EcostepError as error:
        print(f"{error.status}: {error}")
    return int((straight != CH4).any())


if __name__ == "__main__":
    sys.exit(main())
