"""Intervals of a file to days: regular grids of intervals, means and sums, differences of what adds up."""

from typing import NamedTuple

import numpy as np

from emulator.data.importers.notes import Notes
from emulator.data.importers.series import SECONDS_PER_DAY, SiteSeries


class DayGrid(NamedTuple):
    """Where the intervals of a series stand among days: row and step of each, and whether it is counted.

    days (D,) numpy days; counted (T,) is False for intervals that come a second time. ends: first day after each long
    interval, empty for days and shorter ones.
    """

    days: np.ndarray
    row: np.ndarray
    step: np.ndarray
    counted: np.ndarray
    per_day: int
    ends: np.ndarray


def day_grid(series: SiteSeries, notes: Notes) -> DayGrid:
    """The days of a series; intervals that come twice are noted and counted once, the first of them."""
    order_day = series.starts.astype("datetime64[D]")
    if series.step is None:
        return _long_intervals(series, notes)
    per_day = series.steps_per_day
    seconds = (series.starts - order_day).astype("timedelta64[s]").astype(np.int64)
    step = np.floor_divide(seconds, series.step) if per_day > 1 else np.zeros(len(seconds), np.int64)
    first, last = order_day.min(), order_day.max()
    days = np.arange(first, last + 1)
    row = (order_day - first).astype(np.int64)
    counted = _first_of_each(row * per_day + step)
    if not counted.all():
        again = int((~counted).sum())
        where = series.starts[~counted][0]
        notes.add(
            "duplicate",
            f"times that come twice, the first at {where}; the first value counts",
            series.site_id,
            count=again,
        )
    return DayGrid(days, row, step, counted, per_day, np.empty(0, "datetime64[D]"))


def _first_of_each(keys: np.ndarray) -> np.ndarray:
    counted = np.zeros(len(keys), bool)
    counted[np.unique(keys, return_index=True)[1]] = True
    return counted


def _long_intervals(series: SiteSeries, notes: Notes) -> DayGrid:
    starts = series.starts.astype("datetime64[D]")
    months = len(starts) < 2 or int(np.median(np.diff(starts).astype(np.int64))) < 300
    unit = "M" if months else "Y"
    begin = starts.astype(f"datetime64[{unit}]")
    ends = (begin + 1).astype("datetime64[D]")
    begin = begin.astype("datetime64[D]")
    counted = _first_of_each(begin.astype(np.int64))
    if not counted.all():
        notes.add(
            "duplicate", "months that come twice; the first value counts", series.site_id, count=int((~counted).sum())
        )
    days = np.arange(begin.min(), ends.max())
    return DayGrid(days, (begin - days[0]).astype(np.int64), np.zeros(len(starts), np.int64), counted, 1, ends)


def spread(grid: DayGrid, values: np.ndarray) -> np.ndarray:
    """Values (T,) on the grid, (days, steps of a day), NaN where there is none; months stand on each of their days."""
    laid = np.full((len(grid.days), grid.per_day), np.nan)
    if grid.ends.size:
        for index in np.flatnonzero(grid.counted):
            laid[grid.row[index] : int((grid.ends[index] - grid.days[0]).astype(np.int64)), 0] = values[index]
    else:
        laid[grid.row[grid.counted], grid.step[grid.counted]] = values[grid.counted]
    return laid


def interval_seconds(grid: DayGrid) -> np.ndarray:
    """Length of the intervals, seconds, of the shape of `spread` or broadcast to it."""
    if not grid.ends.size:
        return np.full((1, 1), SECONDS_PER_DAY / grid.per_day)
    lengths = (grid.ends - grid.days[0]).astype(np.int64) - grid.row
    return spread(grid, lengths * float(SECONDS_PER_DAY))


def increments(laid: np.ndarray, days: np.ndarray, since: str, calendar: str) -> np.ndarray:
    """What was added in each interval (days, steps), of amounts that add up since 1 January or since the beginning.

    The first interval of a record that begins later is not known, nor is one after a gap.
    """
    flat = laid.ravel()
    added = np.full(flat.shape, np.nan)
    added[1:] = np.diff(flat)
    if since == "year":
        new_year = days == days.astype("datetime64[Y]").astype("datetime64[D]")
        firsts = np.flatnonzero(new_year) * laid.shape[1]
        added[firsts] = flat[firsts]
    else:
        added[0] = flat[0]
    if calendar == "noleap":  # 1 March follows 28 February
        leap = np.flatnonzero(_is_leap_day(days)) * laid.shape[1]
        after = leap[leap + laid.shape[1] < len(flat)] + laid.shape[1]
        added[after] = flat[after] - flat[after - laid.shape[1] - 1]
    return added.reshape(laid.shape)


def _is_leap_day(days: np.ndarray) -> np.ndarray:
    months = days.astype("datetime64[M]")
    return (months.astype(np.int64) % 12 == 1) & ((days - months.astype("datetime64[D]")).astype(np.int64) == 28)


def without_leap_days(days: np.ndarray) -> np.ndarray:
    """Which days (D,) a calendar without 29 February has."""
    return ~_is_leap_day(days)


def day_values(laid: np.ndarray, aggregate: str, least_share: float) -> tuple[np.ndarray, np.ndarray]:
    """Values of days (D,), NaN where less than `least_share` of the intervals has one, and that share (D,).

    Sums are those of the intervals that have a value, over the share of them.
    """
    present = np.isfinite(laid)
    share = present.mean(axis=1)
    counts = present.sum(axis=1)
    filled = np.where(present, laid, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        if aggregate == "mean":
            values = filled.sum(axis=1) / counts
        elif aggregate == "sum":
            values = filled.sum(axis=1) / share
        elif aggregate == "last":
            values = laid[:, -1]
        else:
            worst = -np.inf if aggregate == "max" else np.inf
            values = getattr(np, aggregate)(np.where(present, laid, worst), axis=1)
    enough = (counts > 0) & (share >= least_share - 1e-9)
    return np.where(enough, values, np.nan), share
