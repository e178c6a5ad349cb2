"""A stand-in for the Fortran program: the same command line and files, with formulas for fluxes. It fails on demand.

FAKE_ECOSYS in the environment: `fail SITE_ID` stops with exit code 3 in the block of that site; `badkey` stops with
2; `full` says that the disk is full; `forget` uses other
parameters than it is given; `kill FILE` kills the worker that started it, once, and leaves FILE; `slow
SECONDS` takes that long.
"""

import os
import signal
import sys
import time
from datetime import date
from pathlib import Path

import f90nml
import netCDF4
import numpy as np

from ecosys_sims.formats import biomes, variables
from ecosys_sims.formats.dataset import create_layout
from ecosys_sims.sites.parameter_spread import UPLAND, WETLAND


def parameters() -> None:
    spreads = {spread.name: spread for spread in UPLAND + WETLAND}.values()
    print("| name | group | units | minimum | maximum | meaning |\n|---|---|---|---|---|---|")
    for spread in spreads:
        print(f"| `{spread.name}` | &ch4_nl | 1 | -1000 | 1000 | a parameter |")
    print("| name |" + "".join(f" {biome.name} |" for biome in biomes.BIOMES))
    for spread in spreads:
        low, high = (spread.lowest + 0.01, spread.highest) if spread.log else (spread.lowest, spread.highest)
        low, high = (np.log(low), np.log(high)) if spread.log else (low, high)
        values = np.linspace(0.55 * low + 0.45 * high, 0.45 * low + 0.55 * high, len(biomes.BIOMES))
        print(f"| `{spread.name}` |" + "".join(f" {v:.5g} |" for v in (np.exp(values) if spread.log else values)))


def misbehave(site_ids: list[str]) -> None:
    action, _, argument = os.environ.get("FAKE_ECOSYS", "").partition(" ")
    if action == "fail" and argument in site_ids:
        print(f"ecosys: site {argument}: carbon does not balance by 1.5 g m-2", file=sys.stderr)
        sys.exit(3)
    if action == "badkey":
        print("ecosys: case.nml: unknown key 'mgoo' in &ch4_nl (known: mgo, pq10)", file=sys.stderr)
        sys.exit(2)
    if action == "full":
        print("ecosys: block.h0.nc: cannot close (NetCDF: HDF error); is the disk full?", file=sys.stderr)
        sys.exit(4)
    if action == "kill" and not Path(argument).exists():
        Path(argument).touch()
        os.kill(os.getppid(), signal.SIGKILL)
    if action == "slow":
        time.sleep(float(argument))


def simulate(namelist: str) -> None:
    groups = f90nml.read(namelist)
    run = groups["run_ctl"]
    with netCDF4.Dataset(run["fsites"]) as file:
        file.set_auto_mask(False)
        columns = {name: file[name][:] for name in file.variables}
    misbehave(list(columns["site_id"]))
    first = date.fromisoformat(run["start_date"])
    days = (date(first.year + run["stop_n"], 1, 1) - first).days
    path = f"{run['case_name']}.h0.{first}-00000.nc"
    with netCDF4.Dataset(path + ".tmp", "w") as file:
        statics = {name: columns[name] for name in ("site_id", *(v.name for v in variables.STATICS))}
        create_layout(file, statics, first, days, run["calendar"], 16)
        for variable in variables.DAILY:
            for row, number in enumerate(columns["site_number"]):
                rng = np.random.default_rng([run["seed"], number, variable.name.encode()[0]])
                lowest, highest = variables.possible_range(variable)
                low, high = max(lowest, -1e-7), min(highest, 400.0)
                share = 0.4 + 0.2 * rng.random(days) + 1e-3 * columns["som_mult"][row]
                file[variable.name][row, :] = low + share * (high - low) if high > low else np.full(days, lowest + 1)
        file["nee"][:] = file["ra"][:] + file["rh"][:] - file["gpp"][:]
    Path(path + ".tmp").rename(path)
    with netCDF4.Dataset(f"{run['case_name']}.params.nc", "w") as file:
        file.createDimension("site", len(columns["site_id"]))
        file.createVariable("site_id", str, ("site",))[:] = np.asarray(columns["site_id"], dtype=object)
        wrong = os.environ.get("FAKE_ECOSYS") == "forget"
        for name, values in columns.items():
            if values.dtype == np.float64:
                file.createVariable(name, "f8", ("site",))[:] = values * (1.0 + 1e-15 * wrong)
    print("SUCCESSFUL COMPLETION")


if __name__ == "__main__":
    if "--parameters" in sys.argv:
        parameters()
    elif "--version" in sys.argv:
        print("ecosys fake")
    else:
        simulate(sys.argv[1])
