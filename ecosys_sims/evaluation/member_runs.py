"""Runs many parameter sets of one site in one call of the program: each set is a site of the block."""

import shutil
from dataclasses import dataclass, fields, replace
from datetime import date
from pathlib import Path

import f90nml
import netCDF4
import numpy as np

from ecosys_sims.formats import biomes
from ecosys_sims.formats.forcing_file import TowerSite
from ecosys_sims.formats.site_table import MONTHLY, SiteTable, write_site_table
from ecosys_sims.program import namelists
from ecosys_sims.program.executable import find_program, run_program
from ecosys_sims.program.history import history_path, read_series

CASE_NAME = "members"


@dataclass(frozen=True)
class SiteCase:
    """A place with its weather: all that does not differ between parameter sets."""

    site: TowerSite
    forcing: Path | None  # variables (time), without a site dimension: the same weather for all; None: generated
    start: date
    days: int
    spinup_years: int = 2
    namelist: tuple[tuple[str, tuple[tuple[str, object], ...]], ...] = ()  # further groups, with their keys

    def with_namelist(self, **groups: dict[str, object]) -> "SiteCase":
        """The same case with more namelist keys."""
        extra = tuple((name, tuple(keys.items())) for name, keys in groups.items())
        return replace(self, namelist=self.namelist + extra)


def drop_site_dimension(source: Path, target: Path) -> Path:
    """Copy a forcing file of one site without its site dimension, so that any number of sites can share it."""
    with netCDF4.Dataset(source) as of_site, netCDF4.Dataset(target, "w", format="NETCDF4") as shared:
        shared.createDimension("time", len(of_site.dimensions["time"]))
        for column, variable in of_site.variables.items():
            if "time" not in variable.dimensions:
                continue
            copy = shared.createVariable(column, variable.dtype, ("time",), fletcher32=True)
            names = [name for name in variable.ncattrs() if name not in ("_FillValue", "coordinates")]
            copy.setncatts({name: variable.getncattr(name) for name in names})
            copy[:] = variable[:].reshape(len(of_site.dimensions["time"]))
    return target


def run_members(
    case: SiteCase,
    parameters: dict[str, np.ndarray],
    folder: Path,
    names: tuple[str, ...] = ("gpp", "nee", "fch4"),
    site_numbers: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Simulate the members (M,) of `parameters`; daily series name -> (M, days) in g or mg m-2 day-1, else as on file.

    NaN in a parameter means the default of the biome. site_numbers (M,) seed the weather of each member, by default
    the same for all. Names that this version of the program does not write are left out. `folder` is made anew and
    removed. Raises ModelError.
    """
    count = len(next(iter(parameters.values())))
    folder = folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        table = _table(case.site, count)
        if site_numbers is not None:
            table.site_number[:] = site_numbers
        write_site_table(folder / namelists.SITE_TABLE, table, parameters)
        namelists.write_namelist(_namelist(case), folder / namelists.NAMELIST)
        run_program(find_program(), Path(namelists.NAMELIST), folder)
        return read_series(history_path(folder, CASE_NAME, case.start), names)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _table(site: TowerSite, count: int) -> SiteTable:
    """The same site many times; the shared site_number gives all members the same hours of rain."""
    columns = site.columns()
    names = [column.name for column in fields(SiteTable) if column.name not in ("site_id", "biome", *MONTHLY)]
    repeated = {name: np.full(count, columns[name]) for name in names}
    flag = biomes.BY_NAME[site.biome].flag
    return SiteTable(
        site_id=np.array([f"M{n:05d}" for n in range(count)]), biome=np.full(count, flag, dtype=np.int32), **repeated
    )


def _namelist(case: SiteCase) -> f90nml.Namelist:
    groups: dict[str, dict[str, object]] = {
        "run_ctl": {
            "case_name": CASE_NAME, "start_date": case.start.isoformat(), "stop_n": case.days, "stop_option": "ndays",
            "fsites": namelists.SITE_TABLE, "spinup_years": case.spinup_years, "outdir": ".",
        },
        "forcing_nl": {"source": "netcdf", "file": str(case.forcing.resolve())} if case.forcing else {"source": "wgen"},
        "hist_nl": {"hist_diagnostics": True},
    }  # fmt: skip
    for group, keys in case.namelist:
        groups.setdefault(group, {}).update(dict(keys))
    return f90nml.Namelist(groups)
