"""Runs the process model at one site with the weather of a forcing file, and writes a dataset.

    python -m ecosys_sims.tower forcing.nc --out runs/DE-Zrk --set ch4_nl.mgo=0.4

The forcing file also says where the site is; the adapters write it so. An adapter's name in front runs that adapter,
which converts a tower's own files and, with --run, runs the model at once:

    python -m ecosys_sims.tower fluxnet2015 FLX_DE-Geb_FLUXNET2015_FULLSET_HH_2001-2014_1-4.csv \\
        --lat 51.1 --lon 10.91 --biome cropland --out forcing.nc --run runs/DE-Geb
"""

import argparse
import importlib
import logging
import shutil
import sys
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import cftime
import f90nml
import netCDF4
import numpy as np

from ecosys_sims import biomes, namelists, provenance, variables
from ecosys_sims.atomic_file import replacing, write_json
from ecosys_sims.dataset import common_attributes, create_layout
from ecosys_sims.model import ModelError, find_program, program_version, run_program
from ecosys_sims.validation import FormatError, require_valid_dataset, require_valid_forcing

log = logging.getLogger(__name__)

CASE_NAME = "tower"
ADAPTERS = ("ecosim_climate", "ecosys_weather", "fluxnet2015", "fluxnet_ch4", "greenhouse_gases")

# What a run from tower weather sets itself, or writes into the dataset; a group alone stands for all its keys.
IN_FORCING = "follows from the forcing file; change it there or write it anew with the adapter"
NOT_CHANGED = {
    "run_ctl.case_name": "names the files that are read back",
    "run_ctl.start_date": "follows from the days of the forcing file; cut the file to run fewer",
    "run_ctl.stop_n": "follows from the days of the forcing file; cut the file to run fewer",
    "run_ctl.stop_option": "follows from the days of the forcing file; cut the file to run fewer",
    "run_ctl.calendar": IN_FORCING,
    "run_ctl.fsites": IN_FORCING,
    "run_ctl.spinup_years": "has an option of its own; use --spinup-years",
    "run_ctl.outdir": "has an option of its own; use --out",
    "forcing_nl.source": "is always netcdf here; for generated weather use scripts/gen_sims.py",
    "forcing_nl.file": "is the first argument of the command",
    "site_nl": IN_FORCING,
    "hist_nl.hist_fields": "would leave variables out that a dataset must hold",
    "hist_nl.hist_nhtfrq": "would give months where a dataset must hold days",
    "hist_nl.hist_split": "would cut the history, which is read back as one file",
}


class TowerError(ValueError):
    """The forcing file or a command-line option cannot be used for a run."""


@dataclass(frozen=True)
class Period:
    """Days that a forcing file covers entirely, whole years where there are any."""

    start: date
    days: int
    calendar: str

    @property
    def length(self) -> dict[str, int | str]:
        """As &run_ctl wants it."""
        return {"stop_n": self.days, "stop_option": "ndays"}


def read_period(forcing: Path, longitude_of_utc: float | None = None) -> Period:
    """The whole calendar years of a forcing file, or all its whole days where it has no whole year.

    Years and days are local; where the file's times are in UTC, `longitude_of_utc` of the site (degrees east) says so.
    """
    with netCDF4.Dataset(forcing) as file:
        time = file["time"]
        kind = getattr(time, "calendar", "standard")
        stamps = cftime.num2date(time[:], time.units, kind)
        shift = _start_of_interval(file)
    step = stamps[1] - stamps[0]
    begin, end = stamps[0] + shift * step, stamps[-1] + (shift + 1.0) * step
    if longitude_of_utc is not None and step < timedelta(days=1):
        records = round(longitude_of_utc / 360.0 * (timedelta(days=1) / step))  # as the program shifts them
        begin, end = begin + records * step, end + records * step
    noleap = kind in ("noleap", "365_day")
    first = _midnight_after(begin)
    last = date(end.year, end.month, end.day)  # the first day that is not covered
    year_start = first if (first.month, first.day) == (1, 1) else date(first.year + 1, 1, 1)
    year_end = date(last.year, 1, 1)
    if year_end > year_start:
        first, last = year_start, year_end
    days = (last.year - first.year) * 365 if noleap and year_end > year_start else (last - first).days
    if days < 1:
        raise TowerError(f"{forcing}: holds no whole day")
    return Period(first, days, "noleap" if noleap else "standard")


def _start_of_interval(file: netCDF4.Dataset) -> float:
    """Where an interval begins relative to its stamp, in intervals: by the attribute `stamp`, else by CF bounds."""
    time = file["time"]
    stamp, bounds = getattr(time, "stamp", None), getattr(time, "bounds", None)
    if stamp is None and bounds in file.variables:
        first, last = (float(edge) for edge in file[bounds][0])
        if last > first:
            return round(2.0 * (first - float(time[0])) / (last - first)) / 2.0
    return {"start": 0.0, "middle": -0.5, "end": -1.0}[stamp or "start"]


def _midnight_after(moment: cftime.datetime) -> date:
    day = date(moment.year, moment.month, moment.day)
    return day if (moment.hour, moment.minute, moment.second) == (0, 0, 0) else day + timedelta(days=1)


def read_site(forcing: Path) -> dict[str, float | int | str]:
    """The site's description in a forcing file; raises TowerError where the file has none."""
    names = (
        "site_number",
        "lat",
        "lon",
        "elevation",
        "sand",
        "clay",
        "ph",
        "biome",
        "annual_precip",
        "continentality",
        "t_ann",
    )
    with netCDF4.Dataset(forcing) as file:
        missing = [name for name in ("site_id", *names) if name not in file.variables]
        if missing:
            raise TowerError(
                f"{forcing}: does not describe its site (no variable {missing[0]}); write it with an adapter"
            )
        site: dict[str, float | int | str] = {name: _first(file[name]) for name in names}
        site["site_id"] = str(file["site_id"][0])
    site["biome"] = biomes.BY_FLAG[site["biome"]].name
    return site


def _first(variable: netCDF4.Variable) -> float | int:
    """The one value; float32 as the decimal number that it stands for."""
    value = variable[:].ravel()[0].item()
    return float(f"{value:.7g}") if isinstance(value, float) else value


def run_tower(
    forcing: Path, out: Path, changes: dict[str, dict] | None = None, spinup_years: int = 2, seed: int = 1
) -> Path:
    """Run the process model over the whole years of a forcing file; returns the path of the dataset, `out/dataset.nc`.

    changes: namelist group -> key -> value, over what this function sets. Raises FormatError, TowerError or ModelError.
    """
    _refuse_own_keys(changes or {})
    program = find_program()
    forcing, out = forcing.resolve(), out.resolve()
    require_valid_forcing(forcing)
    site = read_site(forcing)
    in_utc = str((changes or {}).get("forcing_nl", {}).get("time_zone", "")).lower() == "utc"
    period = read_period(forcing, float(site["lon"]) if in_utc else None)
    working = out / "run"
    shutil.rmtree(working, ignore_errors=True)
    working.mkdir(parents=True)
    groups: dict[str, dict] = {
        "run_ctl": {
            "case_name": CASE_NAME, "start_date": period.start.isoformat(), **period.length,
            "calendar": period.calendar, "seed": seed, "spinup_years": spinup_years, "outdir": ".",
        },
        "site_nl": site,
        "forcing_nl": {"source": "netcdf", "file": str(forcing)},
    }  # fmt: skip
    for group, keys in (changes or {}).items():
        groups.setdefault(group, {}).update(keys)
    namelists.write_namelist(f90nml.Namelist(groups), working / namelists.NAMELIST)
    run_program(program, Path(namelists.NAMELIST), working)
    history = working / f"{CASE_NAME}.h0.{period.start}-00000.nc"
    _write_dataset(out / "dataset.nc", history, site, period, program_version(program), forcing)
    require_valid_dataset(out / "dataset.nc")
    summary = {"site": site["site_id"], "start": str(period.start), "days": period.days, "forcing": str(forcing)}
    write_json(out / "simulation.json", summary | {"git_hash": provenance.git_hash(), "created": provenance.now()})
    return out / "dataset.nc"


def _refuse_own_keys(changes: dict[str, dict]) -> None:
    for group, keys in changes.items():
        for key in keys:
            name = f"{group}.{key}".lower()
            reason = NOT_CHANGED.get(name) or NOT_CHANGED.get(group.lower())
            if reason:
                raise TowerError(f"--set {name}: {reason}")


def _write_dataset(path: Path, history: Path, site: dict, period: Period, version: str, forcing: Path) -> None:
    statics = {"site_id": np.array([site["site_id"]])}
    statics |= {v.name: np.array([site[v.name]]) for v in variables.STATICS if v.name != "biome"}
    statics["biome"] = np.array([biomes.BY_NAME[site["biome"]].flag])
    with (
        replacing(path) as temporary,
        netCDF4.Dataset(temporary, "w", format="NETCDF4") as file,
        netCDF4.Dataset(history) as simulated,
    ):
        simulated.set_auto_mask(False)
        title = f"process model at {site['site_id']}"
        file.setncatts(
            common_attributes(title, "not given", f"process model {version}", "written by ecosys_sims.tower")
        )
        file.setncatts({"forcing": forcing.name, "namelist": (history.parent / namelists.NAMELIST).read_text()})
        create_layout(file, statics, period.start, period.days, period.calendar, 1)
        for variable in variables.DAILY:
            file[variable.name][:] = simulated[variable.name][:]


def parse_changes(texts: list[str]) -> dict[str, dict]:
    """`group.key=value` items as namelist groups; raises TowerError for anything else."""
    found: dict[str, dict] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        group, dot, key = name.strip().lower().partition(".")
        if not (equals and dot and group and key):
            raise TowerError(f"--set {text}: expected GROUP.KEY=VALUE, for example ch4_nl.mgo=0.4")
        parsed = f90nml.reads(f"&{group} {key} = {value} /") if _is_literal(value) else {group: {key: value}}
        found.setdefault(group, {})[key] = parsed[group][key]
    return found


def _is_literal(value: str) -> bool:
    """Whether a value stands in a namelist without quotes: a number or a logical."""
    if value.lower() in (".true.", ".false."):
        return True
    try:
        float(value)
    except ValueError:
        return False
    return True


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0 done, 1 failed."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and arguments[0] in ADAPTERS:
        return importlib.import_module(f"ecosys_sims.adapters.{arguments[0]}").main(arguments[1:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "forcing", type=Path, help=f"forcing file, or the name of an adapter ({', '.join(ADAPTERS)}) and its arguments"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--set", action="append", default=[], metavar="GROUP.KEY=VALUE", help="change a namelist value")
    parser.add_argument("--spinup-years", type=int, default=2, help="years before the first, with repeated weather")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        changes = parse_changes(options.set)
        dataset = run_tower(options.forcing, options.out, changes, options.spinup_years)
    except (FormatError, TowerError, ModelError) as error:
        log.error("%s", error)
        return 1
    log.info("%s", dataset)
    return 0


if __name__ == "__main__":
    sys.exit(main())
