"""Gaps of drivers: filled from the file's filled columns, in time, by the mean diurnal course, or from other years.

Sub-daily gaps of up to `SHORT_HOURS` are interpolated, longer ones take the mean of the same time of day of the days
near by (`foundations.gap_filling`). Days that are missing still
take the same day of the nearest other year that has it.
"""

import numpy as np

from emulator.data.importers.site_record import FILLED, MEASURED, OTHER_YEAR
from foundations.gap_filling import bridged, diurnal_course

SHORT_HOURS, SHORT_DAYS = 2.0, 3
SEASON = 15
"""Days of the year to each side, of the mean course that stands in where no other year has the day."""
FEWEST_DAYS = 60
"""A driver that was measured on fewer days is not filled."""
NOT_INTERPOLATED = ("pr", "fertilisation")
"""Amounts that come and go: their gaps are not bridged by what was before and after."""


def fill_intervals(laid: np.ndarray, name: str) -> np.ndarray:
    """Sub-daily values (days, steps) with gaps filled where intervals near by tell them; NaN where not."""
    per_day = laid.shape[1]
    if per_day == 1 or name in NOT_INTERPOLATED:
        return laid
    values = bridged(laid.ravel(), int(SHORT_HOURS * per_day / 24.0)).reshape(laid.shape)
    return diurnal_course(values)


def fill_days(
    values: np.ndarray, source: np.ndarray, days: np.ndarray, name: str, role: str
) -> tuple[np.ndarray, np.ndarray]:
    """Daily values (D,) of a driver and their sources, with gaps filled as far as the record can tell.

    Slow drivers keep the last value. Where too few days were measured, what is missing stays so.
    """
    missing = np.isnan(values)
    if not missing.any():
        return values, source
    if role == "slow" and not missing.all():
        index = np.arange(len(values))
        nearest = np.interp(index, index[~missing], values[~missing])
        return np.where(missing, nearest, values), np.where(missing, np.int8(FILLED), source)
    if (~missing).sum() < FEWEST_DAYS:
        return values, source
    source = source.copy()
    if name not in NOT_INTERPOLATED:
        values = bridged(values, SHORT_DAYS)
        source[missing & np.isfinite(values)] = FILLED
    rest = np.isnan(values)
    if rest.any():
        values = np.where(rest, _other_years(values, days, name), values)
        source[rest & np.isfinite(values)] = OTHER_YEAR
    return values, source


def _other_years(values: np.ndarray, days: np.ndarray, name: str) -> np.ndarray:
    """For each day the value of that day in the nearest year that has it, else the mean course of the season."""
    years = days.astype("datetime64[Y]").astype(np.int64) + 1970
    position = np.minimum((days - days.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64), 364)
    first, last = int(years.min()), int(years.max())
    table = np.full((last - first + 1, 365), np.nan)
    table[years - first, position] = values
    filled = np.full(values.shape, np.nan)
    for distance in range(1, last - first + 1):
        for other in (years - distance, years + distance):
            open_days = np.isnan(filled) & (other >= first) & (other <= last)
            filled[open_days] = table[other[open_days] - first, position[open_days]]
    if np.isnan(filled).any():
        season = _season(table, name)
        filled = np.where(np.isnan(filled), season[position], filled)
    return filled


def _season(table: np.ndarray, name: str) -> np.ndarray:
    """Mean of the days of the year (365,) within `SEASON` of each; the nearest value where it is rain."""
    wide = np.concatenate([table[:, -SEASON:], table, table[:, :SEASON]], axis=1)
    with np.errstate(invalid="ignore"):
        present = np.isfinite(wide)
        total = np.concatenate([[0.0], np.cumsum(np.where(present, wide, 0.0).sum(axis=0))])
        count = np.concatenate([[0.0], np.cumsum(present.sum(axis=0))])
        span = 2 * SEASON + 1
        counts = count[span:] - count[:-span]
        mean = np.where(counts > 0, (total[span:] - total[:-span]) / np.maximum(counts, 1), np.nan)
    missing = np.isnan(mean)
    if missing.any() and not missing.all() and name not in NOT_INTERPOLATED:
        place = np.arange(365)
        mean = np.interp(place, place[~missing], mean[~missing], period=365)
    elif missing.any() and not missing.all():
        mean = np.where(missing, np.nanmean(mean), mean)
    return mean


def source_of(share: np.ndarray, least: float, days: int) -> np.ndarray:
    """Sources (D,) of days by the share of their intervals that was measured."""
    source = np.full(days, MEASURED, np.int8)
    source[share < least] = FILLED
    return source
