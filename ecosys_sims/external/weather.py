"""The weather of a forcing file (docs/formats.md, section 4), as the external simulators read it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import cftime
import netCDF4
import numpy as np

from ecosys_sims.formats.errors import AdapterError
from ecosys_sims.formats.forcing_check import TimeAxis, read_time_axis
from ecosys_sims.formats.forcing_variables import FORCING, RELATIVE_HUMIDITY, conversion
from foundations.netcdf_file import reading
from foundations.netcdf_values import StoredValueError, numbers, texts

ZERO_CELSIUS = 273.15
NAMES = ("Tair", "Qair", "SWdown", "LWdown", "Rainf", "Snowf", "Wind", "PSurf")
OPTIONAL = ("LWdown", "Snowf")
LONGEST_YEAR = 366
HOURS = 24


@dataclass(frozen=True)
class SiteWeather:
    """Hourly or 3-hourly weather (T,) of whole years from 1 January 00:00, in SI units, by names of a forcing file.

    Times are local standard time at `lon`, degrees east.
    """

    start: datetime
    hours: int
    columns: dict[str, np.ndarray]
    lon: float = 0.0

    def times(self) -> np.ndarray:
        """Beginnings of the intervals (T,), numpy datetimes."""
        count = len(self.columns["Tair"])
        return np.datetime64(self.start, "h") + np.arange(count) * np.timedelta64(self.hours, "h")

    def in_utc(self) -> dict[str, np.ndarray]:
        """The columns at these times of UTC; hours that lack at one end are those left over at the other."""
        return {name: np.roll(values, -_records(self.lon, self.hours)) for name, values in self.columns.items()}


def _records(lon: float, hours: int) -> int:
    """Intervals by which local time is ahead of UTC."""
    return round(lon / 15.0 / hours)


def read_weather(path: Path, site_id: str, first_year: int, last_year: int, lon: float = 0.0) -> SiteWeather:
    """The weather of a site at `lon`, degrees east, for whole years.

    AdapterError or FileFault where the file lacks site, years or variables, or units are others than theirs.
    """
    try:
        with reading(path) as file:
            return _read(file, path, site_id, (first_year, last_year), lon)
    except StoredValueError as error:
        message = f"{path}: {error}"
        raise AdapterError(message) from None


def _read(file: netCDF4.Dataset, path: Path, site_id: str, years: tuple[int, int], lon: float) -> SiteWeather:
    missing = [name for name in NAMES if name not in file.variables and name not in OPTIONAL]
    if missing:
        message = f"{path}: variable {missing[0]} is missing; give a forcing file with ALMA names"
        raise AdapterError(message)
    place = _place(file, path, site_id)
    axis, faults = read_time_axis(file)
    if axis is None:
        message = f"{path}: {faults[0]}"
        raise AdapterError(message)
    hours = HOURS // axis.per_day
    first, last = _records_of(file, axis, years)
    count = file["time"].size
    days = (datetime(years[1] + 1, 1, 1) - datetime(years[0], 1, 1)).days
    if hours not in (1, 3) or first < 0 or last > count or last - first != days * axis.per_day:
        there = max(0, min(last, count) - max(first, 0))
        message = (
            f"{path}: site {site_id}: {there} values every {hours} h in {years[0]} to {years[1]}; "
            "external simulators need every hour, or every third, of whole years with their leap days"
        )
        raise AdapterError(message)
    in_utc = str(getattr(file["time"], "time_zone", "")).lower() == "utc"
    columns = {}
    for name in NAMES:
        if name in file.variables:
            values = _column(file[name], path, place, axis.step)[first:last]
            if np.isnan(values).any():
                message = (
                    f"{path}: site {site_id}: {name} is missing at record {first + int(np.isnan(values).argmax())}"
                )
                raise AdapterError(message)
            columns[name] = np.roll(values, _records(lon, hours)) if in_utc else values
    return SiteWeather(datetime(years[0], 1, 1), hours, columns, lon)


def _place(file: netCDF4.Dataset, path: Path, site_id: str) -> int:
    """Row of the site in the file."""
    names = texts(file["site_id"]) if "site_id" in file.variables else []
    if site_id in names:
        return names.index(site_id)
    several = "site" in file.dimensions and file.dimensions["site"].size > 1
    if names or several:
        message = f"{path}: has no site {site_id}; it has {', '.join(names[:5]) or 'several without site_id'}"
        raise AdapterError(message)
    return 0


def _records_of(file: netCDF4.Dataset, axis: TimeAxis, years: tuple[int, int]) -> tuple[int, int]:
    """First record of the years and the first after them, in the calendar of the file; they may not be there."""
    calendar = str(getattr(file["time"], "calendar", "standard")).lower() or "standard"
    begin, end = (cftime.datetime(year, 1, 1, calendar=calendar) for year in (years[0], years[1] + 1))
    return tuple(axis.first_record + (day - axis.midnight).days * axis.per_day for day in (begin, end))


def _column(variable: netCDF4.Variable, path: Path, place: int, interval: float) -> np.ndarray:
    """Values (T,) of a variable in the units of its name."""
    units, expected = str(getattr(variable, "units", "")).strip(), FORCING[variable.name]
    relative = variable.name == "Qair" and units in RELATIVE_HUMIDITY
    converted = conversion(units, expected, interval) if units and not relative else None
    if converted is None:
        message = f"{path}: {variable.name}: units are {units or None!r}, expected {expected.units!r}"
        raise AdapterError(message)
    values = numbers(variable)
    factor, offset = converted
    return factor * values.reshape(len(values), -1)[:, place if values.ndim > 1 else 0] + offset


def write_ecosys(weather: SiteWeather, folder: Path, pattern: str) -> list[Path]:
    """One text file a year, in the format of `foundations.ecosys_weather`; stamps at the end of the interval."""
    times = weather.times()
    years = times.astype("datetime64[Y]").astype(int) + 1970
    longwave = "LWdown" in weather.columns
    step, letters, units = ("3" if weather.hours == 3 else "H"), "THWPR", "KGSMW"
    header = f"{step}J03{5 + longwave:02d}XDH{letters}{'L' * longwave}\n{units}{'W' * longwave}\n10,1,12\n7,0,0\n"
    rain = (weather.columns["Rainf"] + weather.columns.get("Snowf", 0.0)) * 3600.0 * weather.hours
    columns = [
        weather.columns["Tair"],
        weather.columns["Qair"],
        weather.columns["Wind"],
        rain,
        weather.columns["SWdown"],
    ]
    columns += [weather.columns["LWdown"]] if longwave else []
    paths = []
    for year in np.unique(years):
        of_year = np.flatnonzero(years == year)
        hour = (np.arange(len(of_year)) + 1) * weather.hours
        day, clock = (hour - 1) // HOURS + 1, (hour - 1) % HOURS + 1
        rows = [
            f"{year},{d},{h}," + ",".join(f"{column[index]:.9g}" for column in columns)
            for d, h, index in zip(day, clock, of_year, strict=True)
        ]
        paths.append(folder / pattern.format(year=year))
        paths[-1].write_text(header + "\n".join(rows) + "\n")
    return paths


def write_ecosim(weather: SiteWeather, folder: Path, pattern: str) -> list[Path]:
    """One climate file of EcoSIM: (year, day = 366, hour, ngrid), hourly."""
    if weather.hours != 1:
        message = "EcoSIM reads hourly weather; the forcing file has a value every 3 hours"
        raise AdapterError(message)
    years = np.unique(weather.times().astype("datetime64[Y]").astype(int) + 1970)
    column = weather.columns
    vapour = column["Qair"] * column["PSurf"] / (0.622 + 0.378 * column["Qair"])
    quantities = {
        "TMPH": ("oC", column["Tair"] - ZERO_CELSIUS), "WINDH": ("m s^-1", column["Wind"]),
        "RAINH": ("mm m^-2 hr^-1", (column["Rainf"] + column.get("Snowf", 0.0)) * 3600.0),
        "DWPTH": ("kPa", vapour / 1000.0), "SRADH": ("W m^-2", column["SWdown"]),
    }  # fmt: skip
    path = folder / pattern
    with netCDF4.Dataset(path, "w") as file:
        for name, size in (("year", len(years)), ("day", LONGEST_YEAR), ("hour", HOURS), ("ngrid", 1)):
            file.createDimension(name, size)
        file.createVariable("year", "i4", ("year",))[:] = years
        of_year = weather.times().astype("datetime64[Y]").astype(int) + 1970
        for name, (units, values) in quantities.items():
            variable = file.createVariable(name, "f4", ("year", "day", "hour", "ngrid"))
            variable.units = units
            for row, year in enumerate(years):
                days = values[of_year == year].reshape(-1, HOURS)
                variable[row, :, :, 0] = np.concatenate([days, days[-1:]])[:LONGEST_YEAR]
    return [path]


def write_noahmp(weather: SiteWeather, folder: Path, pattern: str) -> list[Path]:
    """One LDASIN file for each interval, of a grid of one cell; times are UTC, as Noah-MP reads them."""
    column = weather.in_utc()
    quantities = {
        "T2D": column["Tair"], "Q2D": column["Qair"], "PSFC": column["PSurf"], "SWDOWN": column["SWdown"],
        "U2D": column["Wind"], "V2D": np.zeros_like(column["Wind"]),
        "RAINRATE": column["Rainf"] + column.get("Snowf", 0.0),
    }  # fmt: skip
    if "LWdown" in column:
        quantities["LWDOWN"] = column["LWdown"]
    paths = []
    for index, time in enumerate(weather.times()):
        stamp = str(time).replace("-", "").replace("T", "")[:10]
        paths.append(folder / pattern.format(stamp=stamp))
        with netCDF4.Dataset(paths[-1], "w") as file:
            for name, size in (("Time", 1), ("DateStrLen", 19), ("south_north", 1), ("west_east", 1)):
                file.createDimension(name, size)
            text = str(time.astype("datetime64[s]")).replace("T", "_")
            file.createVariable("Times", "S1", ("Time", "DateStrLen"))[0] = np.array(list(text), "S1")
            for name, values in quantities.items():
                file.createVariable(name, "f4", ("Time", "south_north", "west_east"))[:] = values[index]
    return paths


WRITERS: dict[str, Callable[[SiteWeather, Path, str], list[Path]]] = {
    "ecosys": write_ecosys,
    "ecosim": write_ecosim,
    "noahmp": write_noahmp,
}
