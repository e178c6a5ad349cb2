"""Times of a table: written dates or columns of year, day and hour, to the beginnings of its intervals."""

from pathlib import Path

import numpy as np
import pandas as pd

from emulator.data.importers.errors import ImportFault
from emulator.data.importers.mapping import TimeMapping
from emulator.data.importers.series import SECONDS_PER_DAY

SHORTEST_MONTH = 28


def starts_of(frame: pd.DataFrame, time: TimeMapping, path: Path) -> np.ndarray:
    """Beginnings (T,) of the intervals, numpy datetimes in seconds; ImportFault names the line of what is no time."""
    column = next((name for name in time.column if name in frame.columns), None)
    if column is not None:
        stamps = _written(frame, column, time, path)
    elif time.parts:
        stamps = _of_parts(frame, time, path)
    else:
        message = f"{path}: no column {' or '.join(time.column)}, which tells the time"
        raise ImportFault(message)
    if time.stamp == "start" or len(stamps) < 2:
        return stamps
    return stamps - to_start(stamps, time.stamp)


def to_start(stamps: np.ndarray, stamp: str) -> np.timedelta64:
    """What is taken from stamps (T,) at the middle or the end of intervals, so that they lie within these.

    Lines of several sites may have the same stamps, or go back in time where the next site begins. The end of a month
    is its last day or the first of the next; a day before lies within it.
    """
    distances, counts = np.unique(np.diff(np.unique(stamps)).astype(np.int64), return_counts=True)
    if not counts.size:
        return np.timedelta64(0, "s")
    length = int(distances[counts.argmax()])
    if length >= SHORTEST_MONTH * SECONDS_PER_DAY:
        return np.timedelta64(SECONDS_PER_DAY if stamp == "end" else 0, "s")
    return np.timedelta64(length if stamp == "end" else length // 2, "s")


def _written(frame: pd.DataFrame, column: str, time: TimeMapping, path: Path) -> np.ndarray:
    text = frame[column].str.strip()
    clock = next((name for name in time.clock if name in frame.columns), None)
    if clock is not None:
        text = text + " " + frame[clock].str.strip()
    first = text.iloc[0]
    for form in time.format:
        parsed = pd.to_datetime(first, format=form, errors="coerce")
        digits_differ = first.isdigit() and pd.notna(parsed) and parsed.strftime(form) != first
        if pd.notna(parsed) and not digits_differ:  # 200112 is a month, no 2 January
            stamps = pd.to_datetime(text, format=form, errors="coerce")
            break
    else:
        row = 0
        stamps = pd.Series([pd.NaT])
    if stamps.isna().any():
        row = int(np.flatnonzero(stamps.isna().to_numpy())[0])
        line = frame.index[row] + frame.attrs["first_line"]
        message = f"{path} line {line}: {column} {text.iloc[row]!r} is not a time such as {' or '.join(time.format)}"
        raise ImportFault(message)
    return stamps.to_numpy().astype("datetime64[s]")


def _of_parts(frame: pd.DataFrame, time: TimeMapping, path: Path) -> np.ndarray:
    parts = {}
    for part, names in time.parts.items():
        name = next((name for name in names if name in frame.columns), None)
        if name is None:
            message = f"{path}: no column {' or '.join(names)}, which tells the {part}"
            raise ImportFault(message)
        values = pd.to_numeric(frame[name], errors="coerce").to_numpy(float)
        if np.isnan(values).any():
            row = int(np.flatnonzero(np.isnan(values))[0])
            message = f"{path} line {frame.index[row] + frame.attrs['first_line']}: {name} is {frame[name].iloc[row]!r}"
            raise ImportFault(message)
        parts[part] = values
    if "year" not in parts:
        message = f"{path}: time.parts has no year"
        raise ImportFault(message)
    stamps = (parts["year"].astype(np.int64) - 1970).astype("datetime64[Y]")
    if "month" in parts:
        stamps = stamps.astype("datetime64[M]") + (parts["month"].astype(np.int64) - 1)
    days = parts.get("doy", parts.get("day", np.ones(len(stamps)))) - 1.0
    seconds = np.round((days * 24.0 + parts.get("hour", 0.0)) * 3600.0 + 60.0 * parts.get("minute", 0.0))
    return stamps.astype("datetime64[s]") + seconds.astype(np.int64)
