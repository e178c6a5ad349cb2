"""Runs many parameter sets of one site in one call of the program: each set is a site of the block."""

import shutil
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path

import f90nml
import netCDF4
import numpy as np

from ecosys_sims import biomes, namelists
from ecosys_sims.adapters.forcing_file import TowerSite
from ecosys_sims.model import find_program, run_program
from ecosys_sims.site_table import write_site_table
from ecosys_sims.sites import SiteTable

CASE = "members"
GRAMS = 86400.0 * 1000.0  # kg m-2 s-1 to g m-2 day-1
MILLIGRAMS = 1000.0 * GRAMS
TO_ANALYSIS_UNITS = {"gpp": GRAMS, "ra": GRAMS, "rh": GRAMS, "nee": GRAMS, "fch4": MILLIGRAMS, "evspsbl": 86400.0}


@dataclass(frozen=True)
class SiteCase:
    """A place with its weather: all that does not differ between parameter sets."""

    site: TowerSite
    forcing: Path | None  # variables (time), without a site dimension: the same weather for all; None: generated
    start: date
    days: int
    spinup_years: int = 2
    namelist: tuple[tuple[str, tuple[tuple[str, object], ...]], ...] = ()  # further groups, with their keys

    def with_namelist(self, **groups: dict) -> "SiteCase":
        """The same case with more namelist keys."""
        extra = tuple((name, tuple(keys.items())) for name, keys in groups.items())
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return SiteCase(**(values | {"namelist": self.namelist + extra}))


def drop_site_dimension(source: Path, target: Path) -> Path:
    """Copy a forcing file of one site without its site dimension, so that any number of sites can share it."""
    with netCDF4.Dataset(source) as one, netCDF4.Dataset(target, "w", format="NETCDF4") as shared:
        shared.createDimension("time", len(one.dimensions["time"]))
        for name, variable in one.variables.items():
            if "time" not in variable.dimensions:
                continue
            copy = shared.createVariable(name, variable.dtype, ("time",))
            kept = ("_FillValue", "coordinates")
            copy.setncatts({key: variable.getncattr(key) for key in variable.ncattrs() if key not in kept})
            copy[:] = variable[:].reshape(len(one.dimensions["time"]))
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
        write_site_table(folder / "sites.nc", table, parameters)
        namelists.write_namelist(_namelist(case), folder / namelists.NAMELIST)
        run_program(find_program(), Path(namelists.NAMELIST), folder)
        with netCDF4.Dataset(folder / f"{CASE}.h0.{case.start}-00000.nc") as file:
            file.set_auto_mask(False)
            written = [name for name in names if name in file.variables]
            return {name: file[name][:] * TO_ANALYSIS_UNITS.get(name, 1.0) for name in written}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _table(site: TowerSite, count: int) -> SiteTable:
    """The same site many times; the shared site_number gives all members the same hours of rain."""
    columns = site.columns()
    repeated = {
        item.name: np.full(count, columns[item.name])
        for item in fields(SiteTable)
        if item.name not in ("site_id", "biome")
    }
    flag = biomes.BY_NAME[site.biome].flag
    return SiteTable(
        site_id=np.array([f"M{n:05d}" for n in range(count)]), biome=np.full(count, flag, dtype=np.int32), **repeated
    )


def _namelist(case: SiteCase) -> f90nml.Namelist:
    groups: dict[str, dict] = {
        "run_ctl": {
            "case_name": CASE, "start_date": case.start.isoformat(), "stop_n": case.days, "stop_option": "ndays",
            "fsites": "sites.nc", "spinup_years": case.spinup_years, "outdir": ".",
        },
        "forcing_nl": {"source": "netcdf", "file": str(case.forcing.resolve())} if case.forcing else {"source": "wgen"},
        "hist_nl": {"hist_diagnostics": True},
    }  # fmt: skip
    for group, keys in case.namelist:
        groups.setdefault(group, {}).update(dict(keys))
    return f90nml.Namelist(groups)
