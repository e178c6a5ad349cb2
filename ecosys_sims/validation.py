"""Checks the files that ecosys_sims reads and writes against docs/formats.md; all faults of a file are told at once.

python -m ecosys_sims.validation dataset runs/sims/dataset.nc
"""

import argparse
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import cftime
import netCDF4
import numpy as np

from ecosys_sims import biomes, variables

log = logging.getLogger(__name__)

ROLES = ("static", "slow", "fast", "state", "target")
CALENDARS = ("standard", "noleap")
FORCING_CALENDARS = ("standard", "gregorian", "proleptic_gregorian", "noleap", "365_day")
GLOBAL_ATTRIBUTES = (
    "Conventions", "featureType", "title", "institution", "source", "history", "references", "ecostep_dataset_version",
    "git_hash",
)  # fmt: skip
# name -> (units accepted, lowest, highest); the ALMA names of docs/formats.md section 4
FORCING: dict[str, tuple[tuple[str, ...], float, float]] = {
    "Tair": (("K",), 170.0, 345.0),
    "Qair": (("kg kg-1", "kg/kg", "1"), 0.0, 0.06),
    "SWdown": (("W m-2", "W/m2"), -10.0, 1500.0),
    "LWdown": (("W m-2", "W/m2"), 30.0, 700.0),
    "Rainf": (("kg m-2 s-1", "kg/m2/s"), 0.0, 0.1),
    "Snowf": (("kg m-2 s-1", "kg/m2/s"), 0.0, 0.1),
    "Wind": (("m s-1", "m/s"), 0.0, 90.0),
    "PSurf": (("Pa",), 3.0e4, 1.2e5),
    "CO2air": (("1e-6", "ppm"), 150.0, 3000.0),
    "CH4air": (("1e-9", "ppb"), 300.0, 2.0e4),
    "Tmin": (("K",), 160.0, 345.0),
    "Tmax": (("K",), 170.0, 350.0),
}
OPTIONAL_FORCING = ("LWdown", "CO2air", "CH4air", "Snowf", "Tmin", "Tmax")


class FormatError(ValueError):
    """A file is not what docs/formats.md asks for; the message lists the faults."""


def require_valid_dataset(path: str | Path) -> None:
    """Raise FormatError unless the file is a dataset of section 1."""
    _require(path, check_dataset)


def require_valid_site_table(path: str | Path) -> None:
    """Raise FormatError unless the file is a site table of section 3."""
    _require(path, check_site_table)


def require_valid_forcing(path: str | Path) -> None:
    """Raise FormatError unless the file is a forcing file of section 4."""
    _require(path, check_forcing)


def check_dataset(path: str | Path) -> list[str]:
    """Faults of a dataset, one sentence each; empty where it is good."""
    return _inspect(path, _dataset_faults)


def check_site_table(path: str | Path) -> list[str]:
    """Faults of a site table."""
    return _inspect(path, _site_table_faults)


def check_forcing(path: str | Path) -> list[str]:
    """Faults of a forcing file with ALMA names."""
    return _inspect(path, _forcing_faults)


def _require(path: str | Path, check: Callable[[str | Path], list[str]]) -> None:
    faults = check(path)
    if faults:
        raise FormatError(f"{path}: " + "; ".join(faults))


def _inspect(path: str | Path, faults: Callable[[netCDF4.Dataset], list[str]]) -> list[str]:
    if not Path(path).exists():
        return ["no such file"]
    try:
        with netCDF4.Dataset(path) as file:
            file.set_auto_mask(False)
            return faults(file)
    except (OSError, RuntimeError) as error:
        return [f"not a readable netCDF file; is it truncated? ({error})"]


def _dataset_faults(file: netCDF4.Dataset) -> list[str]:
    faults = [f"global attribute {name!r} is missing" for name in GLOBAL_ATTRIBUTES if name not in file.ncattrs()]
    if getattr(file, "featureType", "timeSeries") != "timeSeries":
        faults.append(f"featureType is {file.featureType!r}, expected 'timeSeries'")
    version = getattr(file, "ecostep_dataset_version", variables.DATASET_VERSION)
    if version != variables.DATASET_VERSION:
        faults.append(f"ecostep_dataset_version is {version}, this version reads {variables.DATASET_VERSION}")
    missing = [name for name in ("site", "time") if name not in file.dimensions]
    if missing:
        return faults + [f"dimension {name!r} is missing" for name in missing]
    faults += _site_id_faults(file) + _daily_time_faults(file)
    faults += [f for variable in variables.STATICS for f in _static_faults(file, variable)]
    daily = [name for name, v in file.variables.items() if v.dimensions == ("site", "time")]
    if not daily:
        faults.append("no variable has the dimensions (site, time)")
    for name in daily:
        faults += _daily_faults(file[name])
    return faults + _carbon_faults(file)


def _site_id_faults(file: netCDF4.Dataset) -> list[str]:
    if "site_id" not in file.variables:
        return ["variable 'site_id' is missing"]
    ids = [str(name) for name in file["site_id"][:]]
    faults = []
    if getattr(file["site_id"], "cf_role", None) != "timeseries_id":
        faults.append("site_id: cf_role is not 'timeseries_id'")
    repeated = sorted({name for name in ids if ids.count(name) > 1}) if len(set(ids)) < len(ids) else []
    if repeated:
        faults.append(f"site_id: {repeated[0]!r} occurs more than once")
    return faults


def _daily_time_faults(file: netCDF4.Dataset) -> list[str]:
    if "time" not in file.variables:
        return ["variable 'time' is missing"]
    time = file["time"]
    units, calendar = getattr(time, "units", ""), getattr(time, "calendar", "standard")
    faults = []
    if not str(units).startswith("days since "):
        faults.append(f"time: units are {units!r}, expected 'days since YYYY-01-01 00:00:00'")
    if calendar not in CALENDARS:
        faults.append(f"time: calendar is {calendar!r}, expected one of {', '.join(CALENDARS)}")
    if getattr(time, "bounds", None) != "time_bnds" or "time_bnds" not in file.variables:
        faults.append("time: bounds = 'time_bnds' and that variable are missing")
    values = np.asarray(time[:], dtype=float)
    steps = np.flatnonzero(np.abs(np.diff(values) - 1.0) > 1e-6)
    if steps.size and not faults:
        when = cftime.num2date(values[steps[0]], units, calendar)
        faults.append(
            f"time: after {when:%Y-%m-%d} the next value is {np.diff(values)[steps[0]]:g} days later, expected 1"
        )
    if values.size and abs(values[0] % 1.0 - 0.5) > 1e-6:
        faults.append("time: values are not stamped 12:00")
    return faults


def _static_faults(file: netCDF4.Dataset, variable: variables.Variable) -> list[str]:
    if variable.name not in file.variables:
        return [f"variable {variable.name!r} is missing"]
    found = file[variable.name]
    if found.dimensions != ("site",):
        return [f"{variable.name}: dimensions are {found.dimensions}, expected ('site',)"]
    faults = _units_faults(found, variable.units)
    if variable.name == "biome":
        unknown = np.setdiff1d(found[:], biomes.FLAG_VALUES)
        return faults + ([f"biome: {unknown[0]} is not a flag of docs/formats.md"] if unknown.size else [])
    return faults + _range_faults(found, variable.lowest, variable.highest)


def _units_faults(found: netCDF4.Variable, expected: str) -> list[str]:
    units = getattr(found, "units", None)
    return [] if units == expected else [f"{found.name}: units are {units!r}, expected {expected!r}"]


def _daily_faults(found: netCDF4.Variable) -> list[str]:
    faults = [
        f"{found.name}: attribute {name!r} is missing" for name in ("long_name", "units") if name not in found.ncattrs()
    ]
    role = getattr(found, "role", None)
    if role not in ROLES:
        faults.append(f"{found.name}: role is {role!r}, expected one of {', '.join(ROLES)}")
    if role == "target" and "analysis_units" not in found.ncattrs():
        faults.append(f"{found.name}: attribute 'analysis_units' is missing")
    known = variables.BY_NAME.get(found.name)
    if known is None:
        return faults
    if role in ROLES and role != known.role:
        faults.append(f"{found.name}: role is {role!r}, expected {known.role!r}")
    if "units" in found.ncattrs():
        faults += _units_faults(found, known.units)
    gaps = known.role == "target" or known.role == "state"  # observations have gaps there, never in drivers
    return faults + _range_faults(found, known.lowest, known.highest, gaps)


def _range_faults(found: netCDF4.Variable, lowest: float, highest: float, gaps: bool = False) -> list[str]:
    """The first value that is missing or impossible, with its place; read by rows to stay small."""
    fill = getattr(found, "_FillValue", None)
    for start in range(0, found.shape[0], 64):
        values = np.asarray(found[start : start + 64], dtype=float)
        absent = np.isnan(values) | (values == fill if fill is not None else False)
        bad = (~absent & ~((values >= lowest) & (values <= highest))) | (absent & (not gaps))
        if bad.any():
            place = np.argwhere(bad)[0]
            value = values[tuple(place)]
            text = "is missing" if absent[tuple(place)] else f"= {value:g} is outside {lowest:g} to {highest:g}"
            index = ", ".join(
                f"{dimension} {number}"
                for dimension, number in zip(found.dimensions, [start + place[0], *place[1:]], strict=True)
            )
            return [f"{found.name}: the value at {index} {text}"]
    return []


def _carbon_faults(file: netCDF4.Dataset) -> list[str]:
    """nee = ra + rh - gpp, to the rounding of float32, where all four are there."""
    names = ("nee", "ra", "rh", "gpp")
    if any(name not in file.variables or file[name].dimensions != ("site", "time") for name in names):
        return []
    for start in range(0, file.dimensions["site"].size, 64):
        nee, ra, rh, gpp = (np.asarray(file[name][start : start + 64], dtype=float) for name in names)
        present = (np.abs(np.stack([nee, ra, rh, gpp])) < 1.0).all(axis=0)
        size = np.abs(ra) + np.abs(rh) + np.abs(gpp)
        wrong = present & (np.abs(ra + rh - gpp - nee) > 1e-6 * size + 1e-15)
        if wrong.any():
            site, day = np.argwhere(wrong)[0]
            return [f"nee differs from ra + rh - gpp at site {start + site}, time {day}"]
    return []


def _site_table_faults(file: netCDF4.Dataset) -> list[str]:
    if "site" not in file.dimensions:
        return ["dimension 'site' is missing"]
    faults = _site_id_faults(file)
    for variable in variables.STATICS + variables.SITE_ONLY:
        if variable.name == "t_ann" and "t_ann" not in file.variables:
            continue
        faults += _static_faults(file, variable)
    if all(name in file.variables for name in ("site_number", "lat", "lon")):
        faults += _site_number_faults(*(np.asarray(file[name][:]) for name in ("site_number", "lat", "lon")))
    return faults


def _site_number_faults(number: np.ndarray, lat: np.ndarray, lon: np.ndarray) -> list[str]:
    """Members of one site share its number and its weather; sites of different places may not."""
    order = np.argsort(number, kind="stable")
    before, after = order[:-1], order[1:]
    apart = (lat[before] != lat[after]) | (lon[before] != lon[after])
    wrong = np.flatnonzero((number[before] == number[after]) & apart)
    if not wrong.size:
        return []
    return [f"site_number: {number[before[wrong[0]]]} is that of two places; their weather would be the same"]


def _forcing_faults(file: netCDF4.Dataset) -> list[str]:
    if "time" not in file.variables:
        return ["variable 'time' is missing"]
    faults = _forcing_time_faults(file["time"])
    for name, (units, lowest, highest) in FORCING.items():
        if name not in file.variables:
            if name not in OPTIONAL_FORCING:
                faults.append(f"variable {name!r} is missing")
            continue
        found = file[name]
        if found.dimensions not in (("time",), ("time", "site")):
            faults.append(f"{name}: dimensions are {found.dimensions}, expected (time) or (time, site)")
            continue
        given = getattr(found, "units", None)
        if given not in units:
            faults.append(f"{name}: units are {given!r}, expected {units[0]!r}")
        faults += _range_faults(found, lowest, highest)
    return faults


def _forcing_time_faults(time: netCDF4.Variable) -> list[str]:
    calendar = getattr(time, "calendar", "standard")
    if calendar not in FORCING_CALENDARS:
        return [f"time: calendar is {calendar!r}, expected one of {', '.join(FORCING_CALENDARS)}"]
    stamp = getattr(time, "stamp", "start")
    if stamp not in ("start", "middle", "end"):
        return [f"time: stamp is {stamp!r}, expected start, middle or end"]
    try:
        unit = {"days": 86400.0, "hours": 3600.0, "minutes": 60.0, "seconds": 1.0}[str(time.units).split(" since ")[0]]
        cftime.num2date(0, time.units, calendar)
    except (AttributeError, KeyError, ValueError):
        return [f"time: units are {getattr(time, 'units', None)!r}, expected such as 'hours since 2001-01-01 00:00:00'"]
    steps = np.diff(np.asarray(time[:], dtype=float)) * unit
    if steps.size == 0:
        return ["time: fewer than two values"]
    if min(abs(steps[0] - s) for s in (3600.0, 10800.0, 86400.0)) > 1.0:
        return [f"time: the step is {steps[0]:g} s, expected hourly, 3-hourly or daily"]
    uneven = np.flatnonzero(np.abs(steps - steps[0]) > 1.0)
    if uneven.size:
        when = cftime.num2date(float(time[uneven[0]]), time.units, calendar)
        return [f"time: after {when:%Y-%m-%d %H:%M} the step is {steps[uneven[0]]:g} s, expected {steps[0]:g} s"]
    return []


def main(arguments: list[str] | None = None) -> int:
    """Command line: 0 where the file is good, 1 where it has faults."""
    checks = {"dataset": check_dataset, "sites": check_site_table, "forcing": check_forcing}
    parser = argparse.ArgumentParser(description="Check a file against docs/formats.md.")
    parser.add_argument("kind", choices=checks)
    parser.add_argument("file", type=Path)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    faults = checks[options.kind](options.file)
    for fault in faults:
        log.error("%s: %s", options.file, fault)
    if not faults:
        log.info("%s: a good %s file", options.file, options.kind)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
