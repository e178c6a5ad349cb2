"""Which day each value of a dataset is of, whatever form its stamps and time bounds have."""

import logging
from pathlib import Path

import cftime
import netCDF4
import numpy as np

log = logging.getLogger(__name__)

TOLERANCE = 1e-3
"""Days; time bounds are rounded."""


class DayAxisError(ValueError):
    """Times from which the days cannot be told; the message says why, without the file's name."""


def days_of_stamps(file: netCDF4.Dataset, stamps: np.ndarray, path: Path, offset: float = 0.0) -> np.ndarray:
    """Days (T,) since the midnight before the date of the units of `time`, whole numbers, of stamps (T,) in days.

    offset: the time of day of that date, in days; it is in the stamps, and is added to the bounds.

    Where the file has time bounds (CF 1.11, section 7.1), they say it, whether a day is stamped at its beginning, its
    middle or its end; else a stamp is of the day that it lies in, and one of 00:00 of the day that begins. Warns where
    that reads like stamps at the end of days. DayAxisError where bounds are not of one day.
    """
    bounds = _bounds(file)
    if bounds is None:
        _doubt_stamps(file, stamps, path, offset)
        return np.asarray(np.floor(stamps + TOLERANCE))
    bounds = bounds + offset
    if bounds.shape != (len(stamps), 2) or not np.isfinite(bounds).all():
        message = f"its bounds have the shape {bounds.shape} or gaps, expected two for each of {len(stamps)} times"
        raise DayAxisError(message)
    lengths = np.abs(bounds[:, 1] - bounds[:, 0])
    wrong = np.flatnonzero(np.abs(lengths - 1.0) > TOLERANCE)
    if wrong.size:
        message = f"its bounds span {lengths[wrong[0]]:g} days at value {wrong[0] + 1}, expected one day"
        raise DayAxisError(message)
    middles = bounds.mean(axis=1)
    outside = np.flatnonzero(np.abs(stamps - middles) > 0.5 + TOLERANCE)
    if outside.size:
        message = f"value {outside[0] + 1} lies outside its bounds"
        raise DayAxisError(message)
    return np.asarray(np.floor(middles))


def dates_of(stamps: np.ndarray, units: str, calendar: str) -> list[cftime.datetime]:
    """Dates of stamps (T,); ValueError where the units are not understood."""
    dates = netCDF4.num2date(stamps, units, calendar, only_use_cftime_datetimes=True)
    return list(np.asarray(dates, object).ravel())


def _bounds(file: netCDF4.Dataset) -> np.ndarray | None:
    """Time bounds (T, 2) in the units of `time`, None where there are none; DayAxisError where they are others'."""
    time = file.variables["time"]
    name = getattr(time, "bounds", None)
    if name is None:
        return None
    if name not in file.variables:
        message = f"its bounds '{name}' are not in the file; add them, or remove the attribute bounds"
        raise DayAxisError(message)
    variable = file.variables[name]
    for attribute in ("units", "calendar"):
        of_bounds = getattr(variable, attribute, None)
        if of_bounds is not None and of_bounds != getattr(time, attribute, of_bounds):
            message = f"its bounds have the {attribute} '{of_bounds}', time has '{getattr(time, attribute)}'"
            raise DayAxisError(message)
    return np.ma.filled(np.ma.asarray(variable[...], np.float64), np.nan)


def _doubt_stamps(file: netCDF4.Dataset, stamps: np.ndarray, path: Path, offset: float) -> None:
    """Warn of a record of whole years whose stamps would be right if they were at the end of each day."""
    time = file.variables["time"]
    if np.any(np.abs(stamps - np.rint(stamps)) > TOLERANCE):
        return
    calendar = str(getattr(time, "calendar", "standard"))
    first, last = dates_of(stamps[[0, -1]] - offset, str(time.units), calendar)
    if (first.month, first.day, last.month, last.day) == (1, 2, 1, 1):
        log.warning(
            "%s: time: 00:00 of a day is read as its beginning, so the record begins on 2 January and ends on 1 "
            "January; if stamps are at the end of days (24:00), give the file time bounds",
            path,
        )
