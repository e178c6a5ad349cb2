"""Towers of a dataset as the process model runs them: the site, and weather of whole years."""

import logging
import math
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import cftime
import netCDF4
import numpy as np

from ecosys_sims.adapters import tower_weather as weather
from ecosys_sims.adapters.daily_record import SCALE_HEIGHT, SEA_LEVEL_PRESSURE, TowerRecord
from ecosys_sims.formats.errors import AdapterError
from ecosys_sims.formats.forcing_file import TowerSite
from ecosys_sims.formats.units import SECONDS_PER_DAY, ZERO_CELSIUS
from foundations.netcdf_file import reading
from foundations.netcdf_values import numbers, texts
from foundations.units import unit_conversion
from foundations.variables import VARIABLES

log = logging.getLogger(__name__)

COLUMNS = {
    "tas": ("TA_F", 1.0, -ZERO_CELSIUS), "vpd": ("VPD_F", 0.01, 0.0), "ps": ("PA_F", 0.001, 0.0),
    "rsds": ("SW_IN_F", 1.0, 0.0), "rlds": ("LW_IN_F", 1.0, 0.0), "pr": ("P_F", SECONDS_PER_DAY, 0.0),
    "sfcWind": ("WS_F", 1.0, 0.0),
}  # fmt: skip
"""Driver of a dataset -> column of a tower's record, factor and offset."""
MIDSUMMER = 171
"""Day of the year of the solstice, from 0."""
PROPERTIES = ("elevation", "sand", "clay", "ph")
"""Statics that a dataset may lack."""


@dataclass(frozen=True)
class Tower:
    """A site of a dataset. row, first: its row, and its first day there; record: its weather of whole calendar years;
    days: those of the record that the dataset has.
    """

    site: TowerSite
    row: int
    first: int
    record: TowerRecord
    days: slice


def read_towers(path: Path) -> list[Tower]:
    """All sites of a dataset; AdapterError where it does not say what drives the process model."""
    if path.is_dir():
        message = f"{path}: is a store; give the towers as a netCDF file"
        raise AdapterError(message)
    with reading(path) as file:
        absent = [name for name in (*COLUMNS, "biome") if name not in file.variables]
        if absent:
            message = f"{path}: has no {', '.join(absent)}, without which the process model cannot run"
            raise AdapterError(message)
        days = _dates(file, path)
        series = {name: _in_table_units(file[name], path) for name in COLUMNS}
        places = {name: numbers(file[name]) for name in ("lat", "lon")}
        properties = {name: numbers(file[name]) for name in PROPERTIES if name in file.variables}
        classes = _classes(file["biome"], path)
        towers = []
        for row, site_id in enumerate(texts(file["site_id"])):
            present = np.flatnonzero(np.isfinite(series["tas"][row]))
            if not present.size:
                log.warning("%s: %s has no weather and is left out", path, site_id)
                continue
            record = slice(int(present[0]), int(present[-1]) + 1)
            weather_there = {name: values[row, record] for name, values in series.items()}
            gaps = [name for name, values in weather_there.items() if not np.isfinite(values).all()]
            if gaps:
                message = f"{path}: site {site_id}: {gaps[0]} has gaps; the process model needs all of its weather"
                raise AdapterError(message)
            soil = {name: float(values[row]) for name, values in properties.items() if np.isfinite(values[row])}
            place = {name: float(values[row]) for name, values in places.items()}
            towers.append(_tower(path, site_id, row, record, days[record], weather_there, place | soil, classes[row]))
    return towers


def _tower(
    path: Path,
    site_id: str,
    row: int,
    record: slice,
    days: np.ndarray,
    series: dict[str, np.ndarray],
    properties: dict[str, float],
    biome: str,
) -> Tower:
    """A tower with days (T,) of weather in the units of the table."""
    whole, source = whole_years(days)
    columns = {column: factor * series[name][source] + offset for name, (column, factor, offset) in COLUMNS.items()}
    pressure = float(columns["PA_F"].mean())
    height = max(0.0, -SCALE_HEIGHT * math.log(pressure / SEA_LEVEL_PRESSURE))
    climate = weather.climate_from_weather(properties["lat"], whole, columns["TA_F"], columns["P_F"])
    site = TowerSite(site_id=site_id, biome=biome, **({"elevation": height} | climate | properties))
    first: date = whole[0].astype(object)
    begin = int((days[0] - whole[0]).astype(int))
    return Tower(site, row, record.start, TowerRecord(path, first, columns), slice(begin, begin + len(days)))


def whole_years(days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Days (M,) of the calendar years that consecutive days (T,) touch, and for each the position among those whose
    weather it has: its own, else of the same date in the nearest year, else of the date that is about as far from
    midsummer and so has the light that is most like its own.
    """
    years = days.astype("datetime64[Y]")
    whole = np.arange(years[0].astype("datetime64[D]"), (years[-1] + 1).astype("datetime64[D]"))
    position = (whole - days[0]).astype(int)
    source = np.clip(position, 0, len(days) - 1)
    dates, there = _day_of_year(days), _day_of_year(whole)
    for index in np.flatnonzero((position < 0) | (position >= len(days))):
        same = np.flatnonzero(dates == there[index])
        if not same.size:
            darker = np.abs(_from_midsummer(dates) - _from_midsummer(there[index]))
            same = np.flatnonzero(darker == darker.min())
        source[index] = same[np.argmin(np.abs(same - position[index]))]
    return whole, source


def _day_of_year(days: np.ndarray) -> np.ndarray:
    """Number of days (T,) in their years, from 0."""
    return np.asarray((days - days.astype("datetime64[Y]").astype("datetime64[D]")).astype(int))


def _from_midsummer(day_of_year: np.ndarray) -> np.ndarray:
    """Days between dates and the solstice, at most half a year."""
    away = np.abs(day_of_year - MIDSUMMER)
    return np.minimum(away, 365 - away)


def _dates(file: netCDF4.Dataset, path: Path) -> np.ndarray:
    time = file["time"]
    calendar = str(getattr(time, "calendar", "standard")).lower()
    if calendar not in ("standard", "gregorian", "proleptic_gregorian"):
        message = f"{path}: time: calendar is {calendar}; towers have the standard one"
        raise AdapterError(message)
    stamps = cftime.num2date(numbers(time), time.units, calendar)
    return np.array([f"{stamp.year:04d}-{stamp.month:02d}-{stamp.day:02d}" for stamp in stamps], "datetime64[D]")


def _in_table_units(column: netCDF4.Variable, path: Path) -> np.ndarray:
    try:
        factor, offset = unit_conversion(str(column.units), VARIABLES[column.name].units, column.name)
    except ValueError as error:
        message = f"{path}: {column.name}: {error}"
        raise AdapterError(message) from None
    return np.asarray(factor * numbers(column) + offset)


def _classes(column: netCDF4.Variable, path: Path) -> list[str]:
    """Word of each site's class."""
    try:
        meaning = dict(zip(np.atleast_1d(column.flag_values).tolist(), str(column.flag_meanings).split(), strict=True))
        return [meaning[code] for code in numbers(column).tolist()]
    except (AttributeError, KeyError, ValueError) as error:
        message = f"{path}: biome: flag_values and flag_meanings do not tell the class of every site ({error})"
        raise AdapterError(message) from None
