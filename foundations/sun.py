"""Where and when the sun can be: light above the air, the hour about which light is centred, and what is impossible.

The limits are those of the program (forcing_file.f90).
"""

import numpy as np

SOLAR_CONSTANT = 1361.0  # W m-2
NOON, FARTHEST_NOON = 12.0, 3.0  # h: how far the sun's highest hour may be from noon of local standard time
LEAST_COURSE = 0.2  # of the light, below which radiation has no daily course
LEAST_LIGHT = 5.0  # W m-2, mean below which the hour of the sun is not judged
LIGHT_FACTOR, LIGHT_MARGIN = 1.1, 30.0  # more light than factor * (above the air) + margin (W m-2) is impossible
DAYS_AT_ONCE, FEWEST_DAYS, FEWEST_RECORDS = 31, 5, 4  # days that are judged together; records of a day with a course


def radiation_above_atmosphere(lat: float, day_of_year: np.ndarray) -> np.ndarray:
    """Daily mean shortwave radiation at the top of the atmosphere, W m-2 (Allen et al. 1998, FAO-56 eqs. 21-25)."""
    phi = np.radians(lat)
    declination = 0.409 * np.sin(2.0 * np.pi * day_of_year / 365.0 - 1.39)
    distance = 1.0 + 0.033 * np.cos(2.0 * np.pi * day_of_year / 365.0)
    sunset = np.arccos(np.clip(-np.tan(phi) * np.tan(declination), -1.0, 1.0))
    height = sunset * np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.sin(sunset)
    return SOLAR_CONSTANT / np.pi * distance * np.maximum(height, 0.0)


def mean_equation_of_time(days: np.ndarray) -> float:
    """Mean of what the sun is ahead of the clock on days (D,), numpy dates; hours (Allen et al. 1998, eq. 32)."""
    day_of_year = (days - days.astype("datetime64[Y]").astype("datetime64[D]")).astype(int) + 1
    angle = 2.0 * np.pi * (day_of_year - 81) / 364.0
    return float((0.1645 * np.sin(2.0 * angle) - 0.1255 * np.cos(angle) - 0.025 * np.sin(angle)).mean())


def hour_of_sun(shortwave: np.ndarray, per_day: int) -> float:
    """Hour about which shortwave radiation is centred; NaN where it has no daily course.

    shortwave (T,) begins at midnight and has `per_day` values a day. The hours are averaged on the circle.
    """
    angle = 2.0 * np.pi * (np.arange(len(shortwave)) % per_day + 0.5) / per_day
    light = np.maximum(shortwave, 0.0)
    east, north = (light * np.sin(angle)).sum(), (light * np.cos(angle)).sum()
    if np.hypot(east, north) < LEAST_COURSE * light.sum() or light.sum() <= 0.0:
        return float("nan")
    return float(np.arctan2(east, north) * 12.0 / np.pi % 24.0)


def foreign_hour(shortwave: np.ndarray, per_day: int) -> tuple[int, str] | None:
    """The first day from which on the light (T,) is highest far from noon, and the reason; None where it never is.

    shortwave begins at midnight. Days are judged a month at once, all of the record; those of dim light are not.
    """
    days = len(shortwave) // per_day
    for first in range(0, days if per_day >= FEWEST_RECORDS else 0, DAYS_AT_ONCE):
        last = min(days, first + DAYS_AT_ONCE)
        light = np.maximum(shortwave[first * per_day : last * per_day], 0.0)
        hour = hour_of_sun(light, per_day)
        judged = last - first >= min(FEWEST_DAYS, days) and light.mean() >= LEAST_LIGHT
        if judged and abs(hour - NOON) > FARTHEST_NOON:
            clock = f"{int(hour):02d}:{int(hour % 1 * 60):02d}"
            return first, f"the sun is highest at {clock}; times must be local, not UTC"
    return None


def excessive_light(shortwave: np.ndarray, day_of_year: np.ndarray, lat: float) -> tuple[int, str] | None:
    """The first day from which on more light (days,) falls than arrives above the air, and the reason, else None."""
    for first in range(0, len(shortwave), DAYS_AT_ONCE):
        light = shortwave[first : first + DAYS_AT_ONCE]
        above = float(radiation_above_atmosphere(lat, day_of_year[first : first + DAYS_AT_ONCE]).mean())
        if len(light) >= FEWEST_DAYS and light.mean() > LIGHT_FACTOR * above + LIGHT_MARGIN:
            return first, (
                f"{light.mean():.0f} W m-2 in the mean of {len(light)} days, above the air arrive {above:.0f} at "
                f"latitude {lat:g}; are the sign of the latitude, the dates and the units right?"
            )
    return None
