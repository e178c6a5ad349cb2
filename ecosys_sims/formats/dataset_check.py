"""Checks a dataset, simulated or observed, against docs/formats.md section 1."""

from pathlib import Path

import cftime
import netCDF4
import numpy as np

from ecosys_sims.formats import variables
from ecosys_sims.formats.checks import (
    ROWS_AT_ONCE,
    faults_of_file,
    range_faults,
    require,
    site_id_faults,
    static_faults,
    texture_faults,
    units_faults,
)
from foundations.flux_range import MISSING_MARKS
from foundations.netcdf_values import numbers
from foundations.units import unit_conversion

_MARKS = np.concatenate([MISSING_MARKS, np.array(MISSING_MARKS, np.float32)])  # also read from single precision
PLACES = ("lat", "lon")
"""Statics that no dataset may lack."""
ROLES = ("static", "slow", "fast", "state", "target")
CALENDARS = ("standard", "noleap")
VERSIONS = (variables.DATASET_VERSION, 2)
"""Ours, and that of variables of other names."""
GLOBAL_ATTRIBUTES = (
    "Conventions", "featureType", "title", "institution", "source", "history", "references", "ecostep_dataset_version",
    "git_hash",
)  # fmt: skip
CARBON_BALANCE = ("nee", "ra", "rh", "gpp")  # nee = ra + rh - gpp


def require_valid_dataset(path: str | Path) -> None:
    """Raise FormatError unless the file is a dataset of section 1."""
    require(path, check_dataset)


def require_valid_frame(path: str | Path) -> None:
    """Raise FormatError unless all but the daily series is as section 1 says, of which the workers looked at each."""
    require(path, lambda file: faults_of_file(file, _frame_faults))


def check_dataset(path: str | Path) -> list[str]:
    """Faults of a dataset, one sentence each; empty where it is good."""
    return faults_of_file(path, lambda file: _frame_faults(file) or series_faults(file, own_periods=True))


def dataset_doubts(path: str | Path) -> list[str]:
    """What a trainer refuses where it is asked for: properties that are not told everywhere, states with gaps."""
    return faults_of_file(path, _doubts)


def _doubts(file: netCDF4.Dataset) -> list[str]:
    doubts = []
    for name, column in file.variables.items():
        role = getattr(column, "role", None)
        if role == "static" and column.dimensions == ("site",) and name not in PLACES:
            missing = int(np.isnan(numbers(column)).sum())
            if missing:
                doubts.append(f"{name}: {missing} sites lack it; a model that takes it is refused")
        if role == "state" and column.dimensions == ("site", "time"):
            outside = _outside_periods(file)
            gaps = sum(int((np.isnan(numbers(column, rows)) & ~outside[rows]).sum()) for rows in _blocks(len(outside)))
            if gaps:
                text = f"{gaps} values are missing within the sites' periods; a model that takes it is refused"
                doubts.append(f"{name}: {text}")
    return doubts


def series_faults(file: netCDF4.Dataset, own_periods: bool = False) -> list[str]:
    """Faults of the daily series of a dataset, or of the history of a block.

    own_periods: drivers may be missing before the first and after the last day of each site.
    """
    daily = _daily_names(file)
    outside = _outside_periods(file) if own_periods else np.zeros((0, 0), bool)
    faults = []
    empty = np.flatnonzero(outside.all(axis=1) if outside.size else np.zeros(0, bool))
    if empty.size:
        faults.append(f"site {empty[0]} has no drivers on any day")
    for name in daily:
        faults += _flag_faults(file[name]) if _is_ancillary(name) else _daily_faults(file[name], outside)
    return faults + _carbon_faults(file)


def _daily_names(file: netCDF4.Dataset) -> list[str]:
    return [name for name, column in file.variables.items() if column.dimensions == ("site", "time")]


def _frame_faults(file: netCDF4.Dataset) -> list[str]:
    faults = [f"global attribute {name!r} is missing" for name in GLOBAL_ATTRIBUTES if name not in file.ncattrs()]
    if getattr(file, "featureType", "timeSeries") != "timeSeries":
        faults.append(f"featureType is {file.featureType!r}, expected 'timeSeries'")
    version = getattr(file, "ecostep_dataset_version", variables.DATASET_VERSION)
    if version not in VERSIONS:
        faults.append(f"ecostep_dataset_version is {version}, this version reads {VERSIONS[0]} to {VERSIONS[-1]}")
    missing = [name for name in ("site", "time") if name not in file.dimensions]
    if missing:
        return faults + [f"dimension {name!r} is missing" for name in missing]
    faults += site_id_faults(file) + _time_faults(file)
    if "CF-" not in str(getattr(file, "Conventions", "CF-")):
        faults.append(f"Conventions is {file.Conventions!r}, expected {variables.CONVENTIONS!r}")
    present = [variable for variable in variables.STATICS if variable.name in (*PLACES, *file.variables)]
    static = [fault for variable in present for fault in static_faults(file, variable, variable.name not in PLACES)]
    if not static and {"sand", "clay"} <= set(file.variables):
        static = texture_faults(numbers(file["sand"]), numbers(file["clay"]))
    faults += static
    if not _daily_names(file):
        faults.append("no variable has the dimensions (site, time)")
    return faults


def _is_ancillary(name: str) -> bool:
    """Whether a variable tells of others, and is none itself."""
    return name == "driver_source" or name.endswith(("_qc", "_sd"))


def _outside_periods(file: netCDF4.Dataset) -> np.ndarray:
    """Which days of which sites (N, T) lie before the first or after the last day with any driver."""
    shape = (file.dimensions["site"].size, file.dimensions["time"].size)
    present, drivers = np.zeros(shape, bool), 0
    for column in file.variables.values():
        if column.dimensions == ("site", "time") and getattr(column, "role", None) in ("fast", "slow"):
            for rows in _blocks(shape[0]):
                present[rows] |= np.isfinite(numbers(column, rows))
            drivers += 1
    if not drivers:
        return np.zeros((0, 0), bool)
    begun = np.logical_or.accumulate(present, axis=1)
    ahead = np.logical_or.accumulate(present[:, ::-1], axis=1)[:, ::-1]
    return ~(begun & ahead)


def _flag_faults(column: netCDF4.Variable) -> list[str]:
    """Flags of sources and of quality are those that they say."""
    if "flag_values" not in column.ncattrs():
        return [] if column.name.endswith("_sd") else [f"{column.name}: attribute 'flag_values' is missing"]
    values = numbers(column)
    unknown = np.setdiff1d(values[np.isfinite(values)], np.atleast_1d(column.flag_values))
    return [f"{column.name}: {unknown[0]:g} is not one of its flag_values"] if unknown.size else []


def _time_faults(file: netCDF4.Dataset) -> list[str]:
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
    days = numbers(time)
    gaps = np.flatnonzero(np.abs(np.diff(days) - 1.0) > 1e-6)
    if gaps.size and not faults:
        before = cftime.num2date(days[gaps[0]], units, calendar)
        faults.append(
            f"time: after {before:%Y-%m-%d} the next value is {np.diff(days)[gaps[0]]:g} days later, expected 1"
        )
    if days.size and abs(days[0] % 1.0 - 0.5) > 1e-6:
        faults.append("time: values are not stamped 12:00")
    return faults


def _daily_faults(series: netCDF4.Variable, outside: np.ndarray) -> list[str]:
    needed = ("long_name",) if "flag_values" in series.ncattrs() else ("long_name", "units")
    faults = [f"{series.name}: attribute {name!r} is missing" for name in needed if name not in series.ncattrs()]
    role = getattr(series, "role", None)
    if role not in ROLES:
        faults.append(f"{series.name}: role is {role!r}, expected one of {', '.join(ROLES)}")
    if role == "static":
        faults.append(f"{series.name}: role is 'static', but it has a value a day")
    expected = variables.BY_NAME.get(series.name)
    if expected is None or _is_another_quantity(series, expected):
        sentinel = _sentinel(series) if role == "target" else ""
        return faults + ([sentinel] if sentinel else [])
    if role == "target" and "analysis_units" not in series.ncattrs():
        faults.append(f"{series.name}: attribute 'analysis_units' is missing")
    if "units" in series.ncattrs():
        faults += units_faults(series, expected.units)
    if role == "target" and (sentinel := _sentinel(series)):
        return [*faults, sentinel]
    may_miss: bool | np.ndarray = outside if outside.size else False
    if expected.role in ("target", "state"):  # observations have gaps there
        may_miss = True
    return faults + range_faults(series, *variables.possible_range(expected), may_miss)


def _sentinel(series: netCDF4.Variable) -> str:
    """A mark of missing values that the file does not declare, which a trainer refuses."""
    for rows in _blocks(series.shape[0]):
        values = numbers(series, rows)
        marked = np.isin(values, _MARKS) | np.isinf(values)
        if marked.any():
            site, day = np.argwhere(marked)[0]
            place = f"site {rows.start + site}, time {day}"
            return f"{series.name}: the value at {place} is {values[site, day]:g}, a mark of missing values; write fill"
    return ""


def _blocks(sites: int) -> list[slice]:
    """Rows that are looked at together."""
    return [slice(first, first + ROWS_AT_ONCE) for first in range(0, sites, ROWS_AT_ONCE)]


def _is_another_quantity(series: netCDF4.Variable, expected: variables.Variable) -> bool:
    """Whether a file means something else by a name of the table: neither role nor units are those."""
    if getattr(series, "role", expected.role) == expected.role or "units" not in series.ncattrs():
        return False
    try:
        unit_conversion(str(series.units), expected.units, expected.name)
    except ValueError:
        return True
    return False


def _carbon_faults(file: netCDF4.Dataset) -> list[str]:
    """nee = ra + rh - gpp, to the rounding of float32, where all four are there."""
    if any(name not in file.variables or file[name].dimensions != ("site", "time") for name in CARBON_BALANCE):
        return []
    for first in range(0, file.dimensions["site"].size, ROWS_AT_ONCE):
        sites = slice(first, first + ROWS_AT_ONCE)
        nee, ra, rh, gpp = (numbers(file[name], sites) for name in CARBON_BALANCE)
        present = np.isfinite(np.stack([nee, ra, rh, gpp])).all(axis=0)
        size = np.abs(ra) + np.abs(rh) + np.abs(gpp)
        unbalanced = present & (np.abs(ra + rh - gpp - nee) > 1e-6 * size + 1e-15)
        if unbalanced.any():
            site, day = np.argwhere(unbalanced)[0]
            return [f"nee differs from ra + rh - gpp at site {first + site}, time {day}"]
    return []
