"""What weather at a tower implies but its files do not hold: humidity, snow, daily extremes, climate normals."""

import numpy as np

from ecosys_sims.formats.errors import AdapterError
from ecosys_sims.formats.units import DAYS_PER_YEAR, ZERO_CELSIUS
from foundations.air import (
    carbon_dioxide,
    humidity_from_deficit,
    humidity_from_vapour,
    methane,
    saturation_vapour_pressure,
    standard_pressure,
)
from foundations.sun import foreign_hour

__all__ = (
    "carbon_dioxide", "check_local_time", "climate_from_weather", "conrad_continentality", "daily_range",
    "humidity_from_deficit", "humidity_from_vapour", "methane", "rain_and_snow", "saturation_vapour_pressure",
    "standard_pressure",
)  # fmt: skip


def rain_and_snow(precipitation: np.ndarray, celsius: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split precipitation: all snow below 0 degC, all rain above 2 degC, linear between, as in the process model."""
    snow = precipitation * np.clip((2.0 - celsius) / 2.0, 0.0, 1.0)
    return precipitation - snow, snow


def daily_range(shortwave: np.ndarray, above: np.ndarray) -> np.ndarray:
    """Difference between the day's highest and lowest temperature, K, from the clearness of the sky.

    The relation of Bristow and Campbell (1984), transmission = 0.7 (1 - exp(-0.008 range^2.4)), read backwards; 2 to
    20 K, and 5 K where the sun hardly rises.
    """
    dark = above < 20.0
    transmission = np.clip(shortwave / np.where(dark, 1.0, above), 0.05, 0.68)
    span = (-np.log(1.0 - transmission / 0.7) / 0.008) ** (1.0 / 2.4)
    return np.where(dark, 5.0, np.clip(span, 2.0, 20.0))


def conrad_continentality(lat: float, warmest: float, coldest: float) -> float:
    """Conrad's (1946) index from the mean temperatures of the warmest and coldest month, degC; within 0 to 100."""
    return float(np.clip(1.7 * (warmest - coldest) / np.sin(np.radians(abs(lat) + 10.0)) - 14.0, 0.0, 100.0))


def climate_from_weather(
    lat: float, times: np.ndarray, celsius: np.ndarray, daily_precipitation: np.ndarray
) -> dict[str, float]:
    """Annual precipitation (mm), continentality and annual mean temperature (K) of a record.

    times (T,) are numpy datetimes of even spacing, precipitation is in mm per day.
    """
    months = times.astype("datetime64[M]").astype(int) % 12
    by_month = [np.nanmean(celsius[months == month]) for month in np.unique(months)]
    return {
        "annual_precip": float(np.nanmean(daily_precipitation) * DAYS_PER_YEAR),
        "continentality": conrad_continentality(lat, max(by_month), min(by_month)),
        "t_ann": float(np.nanmean(celsius) + ZERO_CELSIUS),
    }


def check_local_time(place: str, shortwave: np.ndarray, per_day: int) -> None:
    """Refuse records whose sun is highest more than 3 hours from noon in any month: their times are no local times.

    Zones and the equation of time move the noon of local standard time by up to 3 hours (west China).
    """
    fault = foreign_hour(shortwave, per_day)
    if fault:
        message = f"{place}: {fault[1]} (from day {fault[0] + 1} on)"
        raise AdapterError(message)
