"""Checks a forcing file against docs/formats.md section 4."""

from pathlib import Path

import cftime
import netCDF4
import numpy as np

from ecosys_sims.formats.checks import faults_of_file, range_faults, require
from ecosys_sims.formats.forcing_variables import FORCING

CALENDARS = ("standard", "gregorian", "proleptic_gregorian", "noleap", "365_day")
STAMPS = ("start", "middle", "end")
SECONDS = {"days": 86400.0, "hours": 3600.0, "minutes": 60.0, "seconds": 1.0}
STEPS = (3600.0, 10800.0, 86400.0)  # s


def require_valid_forcing(path: str | Path) -> None:
    """Raise FormatError unless the file is a forcing file of section 4."""
    require(path, check_forcing)


def check_forcing(path: str | Path) -> list[str]:
    """Faults of a forcing file with ALMA names, one sentence each; empty where it is good."""
    return faults_of_file(path, _forcing_faults)


def _forcing_faults(file: netCDF4.Dataset) -> list[str]:
    if "time" not in file.variables:
        return ["variable 'time' is missing"]
    faults = _time_faults(file["time"])
    for name, expected in FORCING.items():
        if name not in file.variables:
            if not expected.optional:
                faults.append(f"variable {name!r} is missing")
            continue
        series = file[name]
        if series.dimensions not in (("time",), ("time", "site")):
            faults.append(f"{name}: dimensions are {series.dimensions}, expected (time) or (time, site)")
            continue
        units = getattr(series, "units", None)
        if units not in (expected.units, *expected.other_units):
            faults.append(f"{name}: units are {units!r}, expected {expected.units!r}")
        faults += range_faults(series, expected.lowest, expected.highest)
    return faults


def _time_faults(time: netCDF4.Variable) -> list[str]:
    calendar = getattr(time, "calendar", "standard")
    if calendar not in CALENDARS:
        return [f"time: calendar is {calendar!r}, expected one of {', '.join(CALENDARS)}"]
    stamp = getattr(time, "stamp", "start")
    if stamp not in STAMPS:
        return [f"time: stamp is {stamp!r}, expected start, middle or end"]
    try:
        unit = SECONDS[str(time.units).split(" since ")[0]]
        cftime.num2date(0, time.units, calendar)
    except (AttributeError, KeyError, ValueError):
        return [f"time: units are {getattr(time, 'units', None)!r}, expected such as 'hours since 2001-01-01 00:00:00'"]
    steps = np.diff(np.asarray(time[:], dtype=float)) * unit
    if steps.size == 0:
        return ["time: fewer than two values"]
    if min(abs(steps[0] - seconds) for seconds in STEPS) > 1.0:
        return [f"time: the step is {steps[0]:g} s, expected hourly, 3-hourly or daily"]
    uneven = np.flatnonzero(np.abs(steps - steps[0]) > 1.0)
    if uneven.size:
        before = cftime.num2date(float(time[uneven[0]]), time.units, calendar)
        return [f"time: after {before:%Y-%m-%d %H:%M} the step is {steps[uneven[0]]:g} s, expected {steps[0]:g} s"]
    return []
