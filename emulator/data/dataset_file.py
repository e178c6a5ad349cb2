"""Checks of `dataset.nc` against docs/formats.md; every message names the file, the variable and how to mend it."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from emulator.data.day_axis import DayAxisError, dates_of, days_of_stamps
from foundations.cf_calendar import is_mixed
from foundations.file_faults import FileFault
from foundations.flux_range import doubtful_flux, impossible_flux
from foundations.netcdf_file import reading
from foundations.units import unit_conversion
from foundations.variables import Variable
from foundations.zarr_dataset import is_store

log = logging.getLogger(__name__)

DATASET_VERSION = 2
ROLES = ("static", "slow", "fast", "state", "target")
SERVES_AS = {"target": ("fast",), "state": ("target",)}
"""Roles in which a model may take a variable besides that of the file: a flux as driver, a state as target."""
CALENDARS = ("standard", "gregorian", "proleptic_gregorian", "noleap", "365_day")
_REMEDY = "see docs/formats.md, section 1"


class DatasetError(ValueError):
    """A dataset file that cannot be used; the message names the file and what is wrong."""


@contextmanager
def open_checked(path: Path) -> Iterator[netCDF4.Dataset]:
    """Open a file as a dataset of ours and check its frame: global attributes, dimensions, site_id and time."""
    if not path.is_file() and not is_store(path):
        message = f"{path}: no such file; make one with scripts/gen_sims.py"
        raise DatasetError(message)
    try:
        with reading(path, "restore it from a copy, or make it again") as file:
            _check_frame(file, path)
            yield file
    except FileFault as error:
        raise DatasetError(str(error)) from None


def _check_frame(file: netCDF4.Dataset, path: Path) -> None:
    conventions = str(getattr(file, "Conventions", ""))
    if "CF-" not in conventions:
        message = f"{path}: not a CF file: attribute Conventions is '{conventions}', expected 'CF-1.11'; {_REMEDY}"
        raise DatasetError(message)
    if getattr(file, "featureType", "") != "timeSeries":
        message = f"{path}: attribute featureType is not 'timeSeries'; {_REMEDY}"
        raise DatasetError(message)
    version = int(getattr(file, "ecostep_dataset_version", 0))
    if version > DATASET_VERSION:
        message = f"{path}: ecostep_dataset_version {version} is newer than {DATASET_VERSION}; update ecostep"
        raise DatasetError(message)
    for dimension in ("site", "time"):
        if dimension not in file.dimensions:
            message = f"{path}: dimension '{dimension}' is missing; {_REMEDY}"
            raise DatasetError(message)
        if len(file.dimensions[dimension]) == 0:
            message = f"{path}: dimension '{dimension}' is empty"
            raise DatasetError(message)
    for name in ("site_id", "time", "lat", "lon"):
        if name not in file.variables:
            message = f"{path}: variable '{name}' is missing; {_REMEDY}"
            raise DatasetError(message)


def check_time(file: netCDF4.Dataset, path: Path) -> np.ndarray:
    """Dates (T,) as cftime objects, 12:00 of each day; the days must be consecutive and one a day."""
    time = file.variables["time"]
    units = str(getattr(time, "units", ""))
    calendar = str(getattr(time, "calendar", "standard"))
    if " since " not in units or not units.startswith("days"):
        message = f"{path}: time: units '{units}' are not 'days since YYYY-01-01 00:00:00'; {_REMEDY}"
        raise DatasetError(message)
    if calendar not in CALENDARS:
        message = f"{path}: time: calendar '{calendar}' is not 'standard' or 'noleap'"
        raise DatasetError(message)
    values = read_values(time, path)
    if not np.isfinite(values).all():
        message = f"{path}: time: has missing values"
        raise DatasetError(message)
    try:
        dates_of(values[:1], units, calendar)
    except ValueError as error:
        message = f"{path}: time: units '{units}' are not understood ({error})"
        raise DatasetError(message) from None
    offset = _offset_of_midnight(units, calendar)
    _require_consecutive(np.abs(np.diff(values) - 1.0) < 0.5, values, time, path)
    try:
        since_midnight = days_of_stamps(file, values + offset, path, offset)
    except DayAxisError as error:
        message = f"{path}: time: {error}"
        raise DatasetError(message) from None
    _require_consecutive(np.diff(since_midnight) == 1.0, since_midnight - offset, time, path)
    dates = np.array(dates_of(since_midnight - offset + 0.5, units, calendar), object)
    if is_mixed(calendar, (dates[0].year, dates[0].month, dates[0].day)):
        message = (
            f"{path}: time: begins on {dates[0].strftime('%Y-%m-%d')}, and calendar '{calendar}' is Julian before "
            "1582-10-15, which models do not know; give the days in proleptic_gregorian"
        )
        raise DatasetError(message)
    return dates


def _require_consecutive(follows: np.ndarray, days: np.ndarray, time: netCDF4.Variable, path: Path) -> None:
    """DatasetError unless each day (T - 1,) follows the one before; days (T,) in the units of `time`."""
    gaps = np.flatnonzero(~follows)
    if gaps.size:
        calendar = str(getattr(time, "calendar", "standard"))
        before, after = dates_of(days[gaps[0] : gaps[0] + 2], str(time.units), calendar)
        message = f"{path}: time: one value a day is expected, but {after} follows {before}"
        raise DatasetError(message)


def _offset_of_midnight(units: str, calendar: str) -> float:
    """The time of day of the units' date, in days: 0.25 of `days since 2003-01-01 06:00`."""
    (origin,) = dates_of(np.zeros(1), units, calendar)
    return float(origin.hour / 24.0 + origin.minute / 1440.0 + origin.second / 86400.0)


def check_places(lat: np.ndarray, lon: np.ndarray, path: Path, site_id: np.ndarray) -> None:
    """DatasetError, naming the site, where a place (N,) is missing or not on the globe."""
    for name, values, low, high in (("lat", lat, -90.0, 90.0), ("lon", lon, -360.0, 360.0)):
        bad = np.flatnonzero(~((values >= low) & (values <= high)))
        if bad.size:
            value = "missing" if np.isnan(values[bad[0]]) else f"{values[bad[0]]:g} degrees"
            message = f"{path}: {name}: is {value} at site {site_id[bad[0]]} ({bad.size} such sites); give its place"
            raise DatasetError(message)


def check_variable(
    file: netCDF4.Dataset, path: Path, variable: Variable, dimensions: Sequence[str]
) -> tuple[float, float]:
    """Check presence, shape, role and unit; return the conversion (factor, offset) to the unit of the table.

    Targets are converted to their analysis unit.
    """
    name = variable.name
    if name not in file.variables:
        message = f"{path}: variable '{name}' is missing; leave it out of the configuration or add it to the file"
        raise DatasetError(message)
    in_file = file.variables[name]
    if in_file.dimensions != tuple(dimensions):
        message = f"{path}: {name}: dimensions are {in_file.dimensions}, expected {tuple(dimensions)}"
        raise DatasetError(message)
    role = getattr(in_file, "role", None)
    if role is not None and variable.role not in (role, *SERVES_AS.get(role, ())):
        message = f"{path}: {name}: role is '{role}', expected '{variable.role}'"
        raise DatasetError(message)
    if variable.flag_values:
        return 1.0, 0.0
    if not hasattr(in_file, "units"):
        message = f"{path}: {name}: attribute units is missing; expected '{variable.units}'"
        raise DatasetError(message)
    try:
        return unit_conversion(str(in_file.units), variable.analysis_units or variable.units, name)
    except ValueError as error:
        message = f"{path}: {name}: {error}"
        raise DatasetError(message) from None


def read_values(variable: netCDF4.Variable, path: Path, index: Any = ...) -> np.ndarray:
    """Values of a numeric variable, or of a part of it, as float64, fill = NaN; a truncated file is an error here."""
    try:
        values = variable[index]
    except (OSError, RuntimeError) as error:
        message = f"{path}: {variable.name}: cannot be read, the file is truncated or damaged ({error})"
        raise DatasetError(message) from None
    return np.ma.filled(np.ma.asarray(values, np.float64), np.nan)


def check_deviation(values: np.ndarray, path: Path, name: str, site_id: np.ndarray, dates: np.ndarray) -> None:
    """No standard deviation (N, T) below 0 or without end; NaN is not known. Names the first bad site and day."""
    bad = np.argwhere((values < 0.0) | np.isinf(values))
    if len(bad):
        site, day = bad[0]
        message = (
            f"{path}: {name}: {values[site, day]:g} at site {site_id[site]}, {dates[day]:%Y-%m-%d}, "
            "is no standard deviation; leave it missing where it is not known"
        )
        raise DatasetError(message)


def check_range(
    values: np.ndarray, path: Path, variable: Variable, site_id: np.ndarray, dates: np.ndarray | None
) -> None:
    """Nothing outside the valid range in a driver (N, T), whose NaN is judged by `check_complete`, and no NaN in a
    static (N,), `dates` None; names the first bad site and day.
    """
    low = -np.inf if variable.valid_min is None else variable.valid_min
    high = np.inf if variable.valid_max is None else variable.valid_max
    margin = 1e-6 * max(abs(low) if np.isfinite(low) else 0.0, abs(high) if np.isfinite(high) else 0.0)
    bad = ~((values >= low - margin) & (values <= high + margin))
    if variable.flag_values:
        bad = ~np.isin(values, variable.flag_values)
    if dates is not None:
        bad &= ~np.isnan(values)
    if not bad.any():
        return
    site, *day = np.unravel_index(int(np.argmax(bad)), bad.shape)
    place = f"site {site_id[site]}" + "".join(f", {dates[t].strftime('%Y-%m-%d')}" for t in day if dates is not None)
    value = values[(site, *day)]
    if np.isnan(value):
        text = "is NaN or fill; give the value or drop the site"
    elif variable.flag_values:
        text = f"is {value:g}, not one of the flag values {', '.join(_class_texts(variable))}"
    else:
        text = f"is {value:g} {variable.units}, outside {low:g} to {high:g}; check the unit"
    message = f"{path}: {variable.name}: {text} ({place}; {int(bad.sum())} such values)"
    raise DatasetError(message)


def _class_texts(variable: Variable) -> list[str]:
    """ "1 bog" for each class, or the number alone."""
    return [f"{code}" if f"{code}" == word else f"{code} {word}" for code, word in variable.classes.items()]


def driver_periods(present: np.ndarray, path: Path, site_id: np.ndarray) -> np.ndarray:
    """First and last day with any driver of each site, (N, T) -> (N, 2); DatasetError names a site that has none."""
    without = ~present.any(axis=1)
    if without.any():
        message = f"{path}: site {site_id[np.argmax(without)]} has no drivers on any day; drop the site"
        raise DatasetError(message)
    return np.stack([present.argmax(axis=1), present.shape[1] - 1 - present[:, ::-1].argmax(axis=1)], axis=1)


def check_complete(
    missing: np.ndarray, path: Path, variable: Variable, periods: np.ndarray, site_id: np.ndarray, dates: np.ndarray
) -> None:
    """No NaN of a driver, `missing` (N, T), within the period (N, 2) of its site; names the first site and day."""
    day = np.arange(missing.shape[1])
    bad = missing & (day >= periods[:, :1]) & (day <= periods[:, 1:])
    if not bad.any():
        return
    site, first = np.unravel_index(int(np.argmax(bad)), bad.shape)
    start, end = (dates[edge].strftime("%Y-%m-%d") for edge in periods[site])
    message = (
        f"{path}: {variable.name}: is NaN or fill within the record of the site, {start} to {end}; models need "
        f"gap-free drivers, fill the gap or drop the site (site {site_id[site]}, {dates[first].strftime('%Y-%m-%d')}; "
        f"{int(bad.sum())} such values)"
    )
    raise DatasetError(message)


class FluxCheck:
    """Looks at a flux of a file, block of sites by block, for what cannot be and at last for what can hardly be."""

    def __init__(self, file: netCDF4.Dataset, path: Path, variable: Variable) -> None:
        self.path, self.variable = path, variable
        self.units = str(getattr(file.variables.get(variable.name), "units", ""))
        self.extremes: list[float] = []

    def add(self, values: np.ndarray, site_id: np.ndarray, dates: np.ndarray) -> None:
        """Values (N, T), in the analysis unit, NaN = missing.

        DatasetError names the first impossible value with site and day, and the unit that all values would fit.
        """
        factor, _ = unit_conversion(self.units, self.variable.analysis_units, self.variable.name)
        in_file = values / factor
        fault = impossible_flux(self.variable, in_file, self.units)
        if fault is not None:
            site, day = fault.place
            place = f"site {site_id[site]}, {dates[day].strftime('%Y-%m-%d')}"
            message = f"{self.path}: {self.variable.name}: {fault.text} ({place}; {fault.count} such values)"
            raise DatasetError(message)
        present = in_file[np.isfinite(in_file)]
        if present.size:
            self.extremes += [float(present.min()), float(present.max())]

    def tell_doubts(self) -> None:
        """Warn of fluxes that are all of them far too small."""
        if doubt := doubtful_flux(self.variable, np.array(self.extremes), self.units):
            log.warning("%s: %s: %s", self.path, self.variable.name, doubt)


def declared_classes(in_file: netCDF4.Variable, path: Path) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """flag_values and flag_meanings of a variable, empty where it has no classes; a file may give numbers alone."""
    words = tuple(str(getattr(in_file, "flag_meanings", "")).split())
    numbers = np.atleast_1d(getattr(in_file, "flag_values", np.empty(0)))
    unlike = len(words) not in (0, len(numbers)) if "flag_values" in in_file.ncattrs() else len(words) > 0
    if unlike or len(set(numbers.tolist())) != len(numbers):
        message = f"{path}: {in_file.name}: flag_values and flag_meanings are not as many, or not unique; {_REMEDY}"
        raise DatasetError(message)
    if numbers.dtype.kind not in "iuf" or (numbers != np.round(numbers)).any():
        message = f"{path}: {in_file.name}: flag_values {numbers.tolist()} are not whole numbers"
        raise DatasetError(message)
    return tuple(int(number) for number in numbers), words


def class_codes(values: np.ndarray, in_file: netCDF4.Variable, path: Path, variable: Variable) -> np.ndarray:
    """Classes by the numbers of `variable`, by the meanings that the file gives its own numbers.

    A file that gives none uses the variable's numbers. DatasetError where a class has no meaning, or one that is
    unknown.
    """
    if not variable.flag_meanings:
        return values
    numbers, words = declared_classes(in_file, path)
    codes = {word: code for code, word in variable.classes.items()}
    if not words or dict(zip(numbers, words, strict=True)).items() <= variable.classes.items():
        return values
    translated = np.full(values.shape, np.nan)
    for number, word in zip(numbers, words, strict=True):
        of_class = values == number
        if word not in codes and of_class.any():
            message = f"{path}: {variable.name}: class '{word}' is not one of {', '.join(codes)}"
            raise DatasetError(message)
        translated[of_class] = codes.get(word, np.nan)
    lost = np.isfinite(values) & np.isnan(translated)
    if lost.any():
        message = f"{path}: {variable.name}: is {values[lost][0]:g}, not one of its flag_values {list(numbers)}"
        raise DatasetError(message)
    return translated
