"""The weather of a forcing file (docs/formats.md, section 4), as the external simulators read it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import cftime
import netCDF4
import numpy as np

from ecosys_sims.formats.errors import AdapterError
from foundations.netcdf_values import numbers, texts

ZERO_CELSIUS = 273.15
NAMES = ("Tair", "Qair", "SWdown", "LWdown", "Rainf", "Snowf", "Wind", "PSurf")
OPTIONAL = ("LWdown", "Snowf")
LONGEST_YEAR = 366
HOURS = 24
UNITS = {"Tair": "K", "Qair": "kg kg-1", "SWdown": "W m-2", "LWdown": "W m-2", "Wind": "m s-1", "PSurf": "Pa"}


@dataclass(frozen=True)
class SiteWeather:
    """Hourly or 3-hourly weather (T,) of whole years from 1 January 00:00, in SI units, by names of a forcing file."""

    start: datetime
    hours: int
    columns: dict[str, np.ndarray]

    def times(self) -> np.ndarray:
        """Beginnings of the intervals (T,), numpy datetimes."""
        count = len(self.columns["Tair"])
        return np.datetime64(self.start, "h") + np.arange(count) * np.timedelta64(self.hours, "h")


def read_weather(path: Path, site_id: str, first_year: int, last_year: int) -> SiteWeather:
    """The weather of a site for whole years; AdapterError where the file lacks site, years or variables."""
    try:
        with netCDF4.Dataset(path) as file:
            return _read(file, path, site_id, first_year, last_year)
    except (OSError, RuntimeError) as error:
        message = f"{path}: cannot be read: {error}"
        raise AdapterError(message) from error


def _read(file: netCDF4.Dataset, path: Path, site_id: str, first_year: int, last_year: int) -> SiteWeather:
    missing = [name for name in NAMES if name not in file.variables and name not in OPTIONAL]
    if missing:
        message = f"{path}: variable {missing[0]} is missing; give a forcing file with ALMA names"
        raise AdapterError(message)
    names = texts(file["site_id"]) if "site_id" in file.variables else []
    if names and site_id not in names:
        message = f"{path}: has no site {site_id}; it has {', '.join(names[:5])}"
        raise AdapterError(message)
    place = names.index(site_id) if names else 0
    time = file["time"]
    dates = cftime.num2date(numbers(time), time.units, getattr(time, "calendar", "standard"))
    years = np.array([date.year for date in dates])
    inside = (years >= first_year) & (years <= last_year)
    steps = np.diff(numbers(time)[:2])
    hours = round(float(steps[0]) * (HOURS if str(time.units).startswith("days") else 1)) if steps.size else HOURS
    columns = {name: _column(file[name], place)[inside] for name in NAMES if name in file.variables}
    days = (datetime(last_year + 1, 1, 1) - datetime(first_year, 1, 1)).days
    if hours not in (1, 3) or int(inside.sum()) != days * HOURS // hours:
        message = (
            f"{path}: site {site_id}: {int(inside.sum())} values every {hours} h in {first_year} to {last_year}; "
            "external simulators need every hour, or every third, of whole years"
        )
        raise AdapterError(message)
    return SiteWeather(datetime(first_year, 1, 1), hours, columns)


def _column(variable: netCDF4.Variable, place: int) -> np.ndarray:
    values = numbers(variable)
    return values[:, place] if values.ndim > 1 else values


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
    """One LDASIN file for each interval, of a grid of one cell."""
    column = weather.columns
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
