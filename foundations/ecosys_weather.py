"""Reads weather files of the original ecosys (R. F. Grant), one a year, sub-hourly, hourly or 3-hourly.

Two header lines say what the columns are. In `HJ0311XDHTXHXWXPXXXR`: step (S sub-hourly, H hourly, 3 3-hourly),
calendar (J day of the year, C month and day), 03 columns of time (Y or X year, M month, D day, H hour, in any order),
11 of weather (T temperature, H humidity, W wind, P precipitation, R shortwave, L longwave, X not used, in any order).
The second gives their units in that order, `UNITS`. Two lines of site constants follow, the third number of the first
of them is the hour of solar noon. Hours are 1 to 24, sub-hourly ones also hours and minutes (0030, 0100, ...), and mark
the end of the interval. Files with 18 columns also hold pressure (kPa, 12th), longwave (W m-2, 16th) and CO2 (ppm,
18th). The format is that of `reads.f` (jinyun1tang/ECOSYS).
"""

import calendar
import itertools
import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from foundations.air import humidity_from_vapour, saturation_vapour_pressure, standard_pressure
from foundations.file_faults import SourceFault

log = logging.getLogger(__name__)

HEADER_LINES = 4
STEPS = {"H": 1, "3": 3, "S": 1}
"""Hours of an interval; sub-hourly ones are put together, as in ecosys."""
NAMES = {
    "T": "temperature", "H": "humidity", "W": "wind", "P": "precipitation", "R": "shortwave", "L": "longwave",
}  # fmt: skip
UNITS = {"T": "CKF", "H": "GRHSMDFX", "W": "SHM", "P": "MCI", "R": "WJK", "L": "WJK"}
"""T: degC, K, F. H: g g-1, %, fraction, g kg-1, hPa, dew point in degC or F, kPa. W: m s-1, km h-1, miles h-1.
P: mm, cm, inches of the interval. R, L: W m-2, and per hour J cm-2, kJ m-2."""
REQUIRED = ("T", "H", "W", "P", "R")
RANGES = {
    "temperature": (-75.0, 60.0), "humidity": (0.0, 0.06), "wind": (0.0, 60.0), "precipitation": (0.0, 300.0),
    "shortwave": (-10.0, 1500.0), "pressure": (40.0, 115.0), "longwave": (50.0, 700.0), "co2": (150.0, 3000.0),
}  # fmt: skip
EXTRA_COLUMNS, EXTRAS = 18, {"pressure": 11, "longwave": 15, "co2": 17}
HOURS_OF_DAY = 24
NOON_LINE, NOON_COLUMN = 3, 3  # counted from 1
ZERO_CELSIUS = 273.15
SUMS = ("precipitation",)


class Column(NamedTuple):
    """Where a quantity stands (from 0), and the letter of its unit."""

    number: int
    unit: str


@dataclass(frozen=True)
class Layout:
    """What a file's header says: letter of its step, of its calendar, places of year, month, day and hour, columns."""

    step: str
    calendar: str
    times: dict[str, int]
    columns: dict[str, Column]

    @property
    def step_hours(self) -> int:
        """Hours of an interval of the result."""
        return STEPS[self.step]


class WeatherYear(NamedTuple):
    """One file: its year, step in hours, and quantities (T,) from 1 January 00:00 on."""

    year: int
    step_hours: int
    quantities: dict[str, np.ndarray]


def read_header(path: Path, lines: list[str]) -> Layout:
    """Understand the first two lines; raises SourceFault naming the letter that it does not know."""
    header, units = (line.split(",")[0].strip() for line in lines[:2])
    try:
        step, clock, time_columns, weather_columns = header[0], header[1], int(header[2:4]), int(header[4:6])
    except (IndexError, ValueError) as error:
        message = f"{path} line 1: {header!r} is not the header of an ecosys weather file"
        raise SourceFault(message) from error
    first_weather, end = 6 + time_columns, 6 + time_columns + weather_columns
    time_letters, letters = header[6:first_weather], header[first_weather:end]
    times = _time_places(path, header, clock, time_letters)
    if step not in STEPS or len(letters) != weather_columns:
        message = f"{path} line 1: {header!r}: expected sub-hourly (S), hourly (H) or 3-hourly (3) data"
        raise SourceFault(message)
    if len(units) != weather_columns:
        message = f"{path} line 2: {len(units)} units {units!r} for the {weather_columns} columns of line 1"
        raise SourceFault(message)
    columns: dict[str, Column] = {}
    for index, (letter, unit) in enumerate(zip(letters, units, strict=True), start=time_columns):
        if letter == "X":
            continue
        if letter not in NAMES or unit not in UNITS[letter]:
            message = f"{path} line 2: unit {unit!r} of column {letter!r} is not known here"
            raise SourceFault(message)
        columns[NAMES[letter]] = Column(index, unit)
    missing = sorted({NAMES[letter] for letter in REQUIRED} - set(columns))
    if missing:
        message = f"{path} line 1: no column of {missing[0]}"
        raise SourceFault(message)
    return Layout(step, clock, times, columns)


def _time_places(path: Path, header: str, clock: str, letters: str) -> dict[str, int]:
    """Place of year, month, day and hour among the columns of time."""
    places = {letter: letters.index(letter) for letter in "MDH" if letter in letters}
    year = next((letter for letter in "YX" if letter in letters), None)
    needed = "DH" if clock == "J" else "MDH"
    if clock not in "JC" or year is None or any(letter not in places for letter in needed):
        message = (
            f"{path} line 1: {header!r}: expected columns of year (Y or X), day (D) and hour (H), "
            "and of the month (M) where the second letter is C"
        )
        raise SourceFault(message)
    return places | {"Y": letters.index(year)}


def read_noon(path: str | Path) -> float:
    """Hour of solar noon in the times of a file, by its third line; SourceFault where there is none."""
    try:
        with Path(path).open() as file:
            line = list(itertools.islice(file, HEADER_LINES))[NOON_LINE - 1]
        noon = float(line.split(",")[NOON_COLUMN - 1])
    except (OSError, UnicodeDecodeError, IndexError, ValueError) as error:
        message = f"{path} line 3: no hour of solar noon (third number)"
        raise SourceFault(message) from error
    if not 0.0 <= noon <= HOURS_OF_DAY:
        message = f"{path} line 3: solar noon at {noon:g} h, expected 0 to 24"
        raise SourceFault(message)
    return noon


def offset_to_local(paths: list[Path]) -> float:
    """Hours from the times of the files to local solar time, by their headers; they must agree."""
    noons = {read_noon(path) for path in paths}
    if len(noons) > 1:
        message = f"{paths[0]} line 3: solar noon differs between the files: {sorted(noons)}"
        raise SourceFault(message)
    return 12.0 - noons.pop()


def read_year(path: str | Path, elevation: float) -> WeatherYear:
    """One file; its quantities are in degC, kg kg-1, m s-1, mm, W m-2, kPa, ppm.

    Years of 365 days are sometimes padded with a 366th day; it is left out. Raises SourceFault for gaps and
    impossible values.
    """
    path = Path(path)
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path}: cannot be read: {error}"
        raise SourceFault(message) from error
    if len(lines) <= HEADER_LINES:
        message = f"{path}: only {len(lines)} lines"
        raise SourceFault(message)
    layout = read_header(path, lines)
    table = _numbers(path, lines)
    year, per_hour = _check_times(path, table, layout)
    step = layout.step_hours
    records = (366 if calendar.isleap(year) else 365) * HOURS_OF_DAY // step
    count = len(table) // per_hour
    if count > records:
        log.info("%s: %d lines after 31 December are left out", path.name, len(table) - records * per_hour)
    elif count < records:
        message = f"{path}: {len(table)} data lines, expected {records * per_hour} for {year}; the file is truncated"
        raise SourceFault(message)
    table = table[: records * per_hour]
    quantities = {
        name: _whole_hours(table[:, column.number], per_hour, name in SUMS) for name, column in layout.columns.items()
    }
    if table.shape[1] >= EXTRA_COLUMNS:
        quantities.update({name: _whole_hours(table[:, column], per_hour) for name, column in EXTRAS.items()})
    quantities.setdefault("pressure", np.full(records, standard_pressure(elevation) / 1000.0))
    _to_common_units(quantities, layout)
    _check_ranges(path, quantities, per_hour)
    return WeatherYear(year, step, quantities)


def _whole_hours(values: np.ndarray, per_hour: int, summed: bool = False) -> np.ndarray:
    rows = values.reshape(-1, per_hour)
    return rows.sum(axis=1) if summed else rows.mean(axis=1)


def _numbers(path: Path, lines: list[str]) -> np.ndarray:
    rows = []
    width = len(lines[HEADER_LINES].split(","))
    for number, line in enumerate(lines[HEADER_LINES:], start=HEADER_LINES + 1):
        cells = line.split(",")
        try:
            rows.append([float(cell) for cell in cells])
        except ValueError as error:
            message = f"{path} line {number}: not numbers only: {line[:60]!r}"
            raise SourceFault(message) from error
        if len(cells) != width:
            message = f"{path} line {number}: {len(cells)} columns, expected {width}"
            raise SourceFault(message)
    return np.array(rows)


def _check_times(path: Path, table: np.ndarray, layout: Layout) -> tuple[int, int]:
    """Year of the file and records of an hour; its lines must be regular from the first interval of 1 January on."""
    years, days, stamps = (table[:, layout.times[letter]] for letter in "YDH")
    first_year = years[0]
    if layout.calendar == "C":
        days = _days_of_year(table[:, layout.times["M"]], days, int(first_year))
    per_hour = 1
    hours_of_day = stamps
    if layout.step == "S":
        hours_of_day = np.floor(stamps / 100.0) + stamps % 100.0 / 60.0
        later = hours_of_day[1:] - hours_of_day[:-1]
        per_hour = max(1, round(1.0 / later[later > 0].min())) if (later > 0).any() else 1
    hours = (days - 1) * HOURS_OF_DAY + hours_of_day
    step = layout.step_hours / per_hour
    expected = step * (1 + np.arange(len(table)))
    irregular = (np.abs(hours - expected) > 1e-6) | (years != first_year)
    if irregular.any():
        row = int(np.flatnonzero(irregular)[0])
        expected_day, expected_hour = divmod(expected[row] - step, HOURS_OF_DAY)
        message = (
            f"{path} line {row + HEADER_LINES + 1}: year {years[row]:g}, day {days[row]:g}, hour {stamps[row]:g} "
            f"is out of sequence; expected day {expected_day + 1:g}, hour {expected_hour + step:g} of {first_year:g}"
        )
        raise SourceFault(message)
    return int(first_year), per_hour


def _days_of_year(months: np.ndarray, days: np.ndarray, year: int) -> np.ndarray:
    before = np.concatenate([[0], np.cumsum([calendar.monthrange(year, month)[1] for month in range(1, 13)])])
    return before[np.clip(months.astype(int), 1, 12) - 1] + days


def _to_common_units(quantities: dict[str, np.ndarray], layout: Layout) -> None:
    unit = {name: column.unit for name, column in layout.columns.items()}
    temperature = quantities["temperature"]
    if unit["temperature"] == "K":
        temperature = temperature - ZERO_CELSIUS
    elif unit["temperature"] == "F":
        temperature = (temperature - 32.0) / 1.8
    quantities["temperature"] = temperature
    quantities["humidity"] = _specific_humidity(
        quantities["humidity"], unit["humidity"], temperature, 1000.0 * quantities["pressure"]
    )
    quantities["wind"] = quantities["wind"] * {"S": 1.0, "H": 1.0 / 3.6, "M": 0.44704}[unit["wind"]]
    quantities["precipitation"] = quantities["precipitation"] * {"M": 1.0, "C": 10.0, "I": 25.4}[unit["precipitation"]]
    for name in ("shortwave", "longwave"):
        if name in unit:
            quantities[name] = quantities[name] * {"W": 1.0, "J": 1e4 / 3600.0, "K": 1e3 / 3600.0}[unit[name]]


def _specific_humidity(values: np.ndarray, unit: str, celsius: np.ndarray, pressure: np.ndarray) -> np.ndarray:
    """kg kg-1 from what the letter says; kg kg-1 as they are."""
    if unit in "GS":
        return values * (1.0 if unit == "G" else 1e-3)
    if unit in "RH":
        relative = np.clip(values / (100.0 if unit == "R" else 1.0), 0.01, 1.0)
        vapour = relative * saturation_vapour_pressure(celsius)
    elif unit in "DF":
        vapour = saturation_vapour_pressure(values if unit == "D" else (values - 32.0) / 1.8)
    else:
        vapour = values * (100.0 if unit == "M" else 1000.0)
    return humidity_from_vapour(vapour, pressure)


def _check_ranges(path: Path, quantities: dict[str, np.ndarray], per_hour: int) -> None:
    for name, values in quantities.items():
        lowest, highest = RANGES[name]
        impossible = ~((values >= lowest) & (values <= highest))
        if impossible.any():
            row = int(np.flatnonzero(impossible)[0])
            message = (
                f"{path} line {row * per_hour + HEADER_LINES + 1}: {name} = {values[row]:g}, "
                f"expected {lowest:g} to {highest:g}"
            )
            raise SourceFault(message)


def read_years(
    paths: list[Path], elevation: float, utc_offset: float = 0.0
) -> tuple[datetime, int, dict[str, np.ndarray]]:
    """Consecutive years: start, step in hours, and the quantities of all years joined.

    Times are moved by `utc_offset` hours, rounded to whole intervals; the hours that are then missing at the end of the
    last day (or the beginning of the first) are those left over at the other end.
    """
    years = sorted((read_year(path, elevation) for path in paths), key=lambda weather_year: weather_year.year)
    for before, after in itertools.pairwise(years):
        if after.year != before.year + 1:
            message = f"years {before.year} and {after.year} are not consecutive; give every year once"
            raise SourceFault(message)
        if before.step_hours != after.step_hours or set(before.quantities) != set(after.quantities):
            message = f"years {before.year} and {after.year} have different steps or columns"
            raise SourceFault(message)
    first = years[0]
    step = first.step_hours
    records = round(utc_offset / step)
    if records:
        log.info("times are moved by %d h to local solar time", records * step)
    joined = {
        name: np.roll(np.concatenate([weather_year.quantities[name] for weather_year in years]), records)
        for name in first.quantities
    }
    return datetime(first.year, 1, 1), step, joined
