"""Towers of a dataset to runs of the process model, whose fluxes and states become inputs of the dataset.

    python -m ecosys_sims.tower dataset towers.nc --out towers_process.nc --runs runs/towers

An emulator may take them as they are, or learn what measurements depart from them (`data.prior` of emulator.train). The
process model is driven by the weather of the dataset; of a site it knows what the statics say, and nothing of its
fluxes.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import netCDF4
import numpy as np

from ecosys_sims.adapters import command
from ecosys_sims.adapters.daily_record import ESTIMATED_EXTREMES, drivers
from ecosys_sims.adapters.dataset_towers import Tower, read_towers
from ecosys_sims.formats import variables
from ecosys_sims.formats.errors import AdapterError
from ecosys_sims.formats.forcing_file import write_forcing
from ecosys_sims.program.executable import ModelError
from ecosys_sims.towers.errors import TowerError
from ecosys_sims.towers.namelist_changes import NamelistGroups, parse_changes
from ecosys_sims.towers.tower_run import run_tower
from foundations import provenance
from foundations.command_end import ends_clearly
from foundations.netcdf_file import reading, writing
from foundations.netcdf_values import numbers
from foundations.variables import VARIABLES, Variable

log = logging.getLogger(__name__)

SUFFIX = "_process"
"""What a flux of the process model is called beside a measured one, and a state that the dataset has already."""
RESPIRATION = replace(VARIABLES["ra"], name="reco", long_name="ecosystem respiration", standard_name="")


def run_towers(
    dataset: Path, runs: Path, changes: NamelistGroups, spinup_years: int
) -> tuple[list[Tower], list[dict[str, np.ndarray]]]:
    """Run the process model at all sites; the towers, and of each its daily fluxes and states (T,) by name.

    Each run is a folder of `runs`, with its forcing file beside it.
    """
    towers, series = read_towers(dataset), []
    runs.mkdir(parents=True, exist_ok=True)
    for tower in towers:
        forcing = runs / f"{tower.site.site_id}.nc"
        start = datetime.combine(tower.record.start, datetime.min.time())
        weather = drivers(tower.record, tower.site.lat)
        write_forcing(forcing, tower.site, start, 24, weather, f"dataset {dataset.name}", ESTIMATED_EXTREMES)
        result = run_tower(forcing, runs / tower.site.site_id, changes, spinup_years)
        with reading(result) as file:
            names = [v.name for v in (*variables.TARGETS, *variables.STATES) if v.name in file.variables]
            simulated = {name: numbers(file[name])[0][tower.days] for name in names}
        series.append(simulated | {"reco": simulated["ra"] + simulated["rh"]})
        log.info("%s: %s, %d days from %s", tower.site.site_id, tower.site.biome, tower.days.stop - tower.days.start,
                 tower.record.start)  # fmt: skip
    return towers, series


def write_with_process(
    dataset: Path, out: Path, towers: Sequence[Tower], series: Sequence[dict[str, np.ndarray]]
) -> list[str]:
    """Write the dataset again with the series of the process model beside; their names."""
    with reading(dataset) as source, writing(out) as file:
        _copy(source, file)
        file.history = f"{provenance.now()} inputs of the process model added by ecosys_sims.tower\n{file.history}"
        written = []
        for variable in (*variables.TARGETS, RESPIRATION, *variables.STATES):
            if any(variable.name not in site or not np.isfinite(site[variable.name]).all() for site in series):
                continue
            if variable.role == "target" and variable.name not in source.variables:
                continue
            taken = variable.role == "target" or variable.name in source.variables
            name = f"{variable.name}{SUFFIX}" if taken else variable.name
            if name in source.variables:
                message = f"{dataset}: has the variable {name} already; give the dataset without the process model"
                raise AdapterError(message)
            _write(file, name, variable, towers, [site[variable.name] for site in series])
            written.append(name)
    return written


def _copy(source: netCDF4.Dataset, file: netCDF4.Dataset) -> None:
    """All of a file, values as they are stored."""
    file.setncatts({name: source.getncattr(name) for name in source.ncattrs()})
    for name, dimension in source.dimensions.items():
        file.createDimension(name, dimension.size)
    for name, column in source.variables.items():
        attributes = {key: column.getncattr(key) for key in column.ncattrs()}
        fill = attributes.pop("_FillValue", None)
        series = column.dimensions == ("site", "time")
        copy = file.createVariable(
            name, column.dtype, column.dimensions, fill_value=fill, zlib=series, fletcher32=series
        )
        copy.setncatts(attributes)
        if column.dtype is not str:
            column.set_auto_maskandscale(False)
            copy.set_auto_maskandscale(False)
        copy[:] = column[:]


def _write(
    file: netCDF4.Dataset, name: str, variable: Variable, towers: Sequence[Tower], values: Sequence[np.ndarray]
) -> None:
    column = file.createVariable(
        name, "f4", ("site", "time"), fill_value=np.float32(variables.FILL), zlib=True, fletcher32=True
    )
    attributes = variables.attributes(variable) | {"role": "state"}
    attributes["long_name"] = f"{variable.long_name} of the process model"
    attributes.pop("analysis_units", None)
    if variable.name == "fch4":
        attributes["skewed"] = "yes"
    column.setncatts(attributes)
    for tower, series in zip(towers, values, strict=True):
        column[tower.row, tower.first : tower.first + len(series)] = series


@ends_clearly
def main(arguments: list[str] | None = None) -> int:
    """Command line; 0 done, 1 the dataset cannot be used, or a run failed."""
    parser = argparse.ArgumentParser(
        prog="python -m ecosys_sims.tower dataset", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("dataset", type=Path, help="dataset of towers, netCDF")
    parser.add_argument("--out", type=Path, required=True, help="dataset to write")
    parser.add_argument("--runs", type=Path, metavar="DIR", help="folder of the runs (default: OUT_runs)")
    parser.add_argument("--set", action="append", default=[], metavar="GROUP.KEY=VALUE", help="as of ecosys_sims.tower")
    parser.add_argument("--spinup-years", type=int, default=5, help="years before the first, with repeated weather")
    options = parser.parse_args(sys.argv[1:] if arguments is None else arguments)

    def work() -> None:
        runs = options.runs or options.out.with_name(f"{options.out.stem}_runs")
        try:
            towers, series = run_towers(options.dataset, runs, parse_changes(options.set), options.spinup_years)
        except (TowerError, ModelError) as error:
            raise AdapterError(str(error)) from error
        names = write_with_process(options.dataset, options.out, towers, series)
        log.info("%s: %d sites with %s", options.out, len(towers), ", ".join(names))

    return command.complete(work, {"--out": options.out}, [options.dataset])
