"""Days of a tower of a flux collection, with gap-filled weather: whole years, and the drivers of the process model."""

import logging
import re
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from ecosys_sims.adapters import tower_weather as weather
from ecosys_sims.formats.errors import AdapterError
from ecosys_sims.formats.units import SECONDS_PER_DAY, ZERO_CELSIUS
from foundations.sun import radiation_above_atmosphere

log = logging.getLogger(__name__)

ESTIMATED = "estimated from the clearness of the sky (Bristow and Campbell 1984)"
ESTIMATED_EXTREMES = {"Tmin": ESTIMATED, "Tmax": ESTIMATED}  # comments of a forcing file
SEA_LEVEL_PRESSURE = 101.325  # kPa
SCALE_HEIGHT = 8434.0  # m, of the atmosphere


@dataclass(frozen=True)
class TowerRecord:
    """A daily file: consecutive days from `start`, columns (T,) with NaN where missing."""

    path: Path
    start: date
    columns: dict[str, np.ndarray]

    def days(self) -> np.ndarray:
        """Dates (T,) as numpy days."""
        return np.datetime64(self.start) + np.arange(len(self.columns["TA_F"]))

    def whole_years(self) -> "TowerRecord":
        """The part from the first 1 January to the last 31 December; AdapterError where there is no whole year."""
        days = self.days()
        last = self.start + timedelta(days=len(days) - 1)
        first = self.start if self.start == date(self.start.year, 1, 1) else date(self.start.year + 1, 1, 1)
        end_year = last.year if last == date(last.year, 12, 31) else last.year - 1
        if end_year < first.year:
            message = f"{self.path}: {self.start} to {last} holds no whole calendar year"
            raise AdapterError(message)
        inside = (days >= np.datetime64(first)) & (days <= np.datetime64(date(end_year, 12, 31)))
        return TowerRecord(self.path, first, {name: values[inside] for name, values in self.columns.items()})


def site_id_of(path: str | Path) -> str:
    """The site's code from the usual name of a file; raises AdapterError for other names."""
    name = re.match(r"FLX_([A-Z]{2}-\w{3})_", Path(path).name)
    if not name:
        message = f"{path}: the name does not begin with FLX_<SITE>_; give --site"
        raise AdapterError(message)
    return name[1]


def forest_of(lat: float) -> str:
    """Class of a forest by its latitude, degrees, without sign: our choice."""
    if lat >= 50.0:
        return "boreal_forest"
    return "temperate_forest" if lat >= 24.0 else "tropical_forest"


def drivers(record: TowerRecord, lat: float) -> dict[str, np.ndarray]:
    """Daily weather (T,) under the names of a forcing file, in its units."""
    column = record.columns
    celsius, pressure = column["TA_F"], 1000.0 * column["PA_F"]
    days = record.days()
    day_of_year = (days - days.astype("datetime64[Y]")).astype(int) + 1
    half = 0.5 * weather.daily_range(column["SW_IN_F"], radiation_above_atmosphere(lat, day_of_year))
    rain, snow = weather.rain_and_snow(column["P_F"] / SECONDS_PER_DAY, celsius)
    return {
        "Tair": celsius + ZERO_CELSIUS,
        "Tmin": celsius + ZERO_CELSIUS - half,
        "Tmax": celsius + ZERO_CELSIUS + half,
        "Qair": weather.humidity_from_deficit(celsius, 100.0 * column["VPD_F"], pressure),
        "SWdown": np.maximum(column["SW_IN_F"], 0.0),
        "LWdown": column["LW_IN_F"],
        "Rainf": rain,
        "Snowf": snow,
        "Wind": column["WS_F"],
        "PSurf": pressure,
    }


def without_faults(path: Path, name: str, values: np.ndarray, lowest: float, highest: float) -> np.ndarray:
    """Values (T,), NaN where an instrument cannot have measured them; a warning tells how many."""
    with np.errstate(invalid="ignore"):
        faulty = (values < lowest) | (values > highest)
    if faulty.any():
        log.warning("%s: %d values of %s are faulty and left out", path.name, faulty.sum(), name)
    return np.where(faulty, np.nan, values)
