"""Weather files of the original ecosys (R. F. Grant) to a forcing file: hourly or 3-hourly years, one file each.

    python -m ecosys_sims.adapters.ecosys_weather me01w.csv me02w.csv --site US-Ne --lat 41.18 --lon -96.44 \\
        --elevation 361 --biome cropland --out forcing.nc

Two header lines say what the columns are. In `HJ0311XDHTXHXWXPXXXR`: H hourly (3: 3-hourly), J day of year, 03
columns of time (X year, D day, H hour), 11 of weather (T temperature, H humidity, W wind, P precipitation, R
shortwave, X not used). The second gives their units in that order: C or K, G (g g-1) or R (%), S (m s-1), M (mm per
interval), W (W m-2). Two lines of site constants follow, the third number of the first of them is the hour of solar
noon: times are moved by whole intervals so that it is 12 (files in UTC have others). Hours are 1 to 24 and mark the
end of the interval. Files with 18 columns also hold pressure (kPa, 12th), longwave (W m-2, 16th) and CO2 (ppm, 18th).
"""

import argparse
import calendar
import itertools
import logging
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ecosys_sims.adapters import command
from ecosys_sims.adapters import tower_weather as weather
from ecosys_sims.formats.errors import AdapterError
from ecosys_sims.formats.forcing_check import require_valid_forcing
from ecosys_sims.formats.forcing_file import TowerSite, write_forcing
from ecosys_sims.formats.units import ZERO_CELSIUS
from foundations.command_end import ends_clearly

log = logging.getLogger(__name__)

HEADER_LINES = 4
STEPS = {"H": 1, "3": 3}
NAMES = {"T": "temperature", "H": "humidity", "W": "wind", "P": "precipitation", "R": "shortwave"}
UNITS = {"T": "CK", "H": "GR", "W": "S", "P": "M", "R": "W"}
RANGES = {
    "temperature": (-75.0, 60.0), "humidity": (0.0, 0.06), "wind": (0.0, 60.0), "precipitation": (0.0, 300.0),
    "shortwave": (-10.0, 1500.0), "pressure": (40.0, 115.0), "longwave": (50.0, 700.0), "co2": (150.0, 3000.0),
}  # fmt: skip
EXTRA_COLUMNS, EXTRAS = 18, {"pressure": 11, "longwave": 15, "co2": 17}
HOURS_OF_DAY = 24
NOON_LINE, NOON_COLUMN = 3, 3  # counted from 1


class Column(NamedTuple):
    """Where a quantity stands (from 0), and the letter of its unit."""

    number: int
    unit: str


@dataclass(frozen=True)
class Layout:
    """What a file's header says: step in hours, and the column of each quantity."""

    step_hours: int
    columns: dict[str, Column]


class WeatherYear(NamedTuple):
    """One file: its year, step in hours, and quantities (T,) from 1 January 00:00 on."""

    year: int
    step_hours: int
    quantities: dict[str, np.ndarray]


def read_header(path: Path, lines: list[str]) -> Layout:
    """Understand the first two lines; raises AdapterError naming the letter that it does not know."""
    header, units = (line.split(",")[0].strip() for line in lines[:2])
    try:
        step, clock, time_columns, weather_columns = header[0], header[1], int(header[2:4]), int(header[4:6])
    except (IndexError, ValueError) as error:
        message = f"{path} line 1: {header!r} is not the header of an ecosys weather file"
        raise AdapterError(message) from error
    first_weather, end = 6 + time_columns, 6 + time_columns + weather_columns
    time_letters, letters = header[6:first_weather], header[first_weather:end]
    if step not in STEPS or clock != "J" or time_letters != "XDH" or len(letters) != weather_columns:
        message = f"{path} line 1: {header!r}: expected hourly (H) or 3-hourly (3) data with time columns XDH"
        raise AdapterError(message)
    if len(units) != weather_columns:
        message = f"{path} line 2: {len(units)} units {units!r} for the {weather_columns} columns of line 1"
        raise AdapterError(message)
    columns: dict[str, Column] = {}
    for index, (letter, unit) in enumerate(zip(letters, units, strict=True), start=time_columns):
        if letter == "X":
            continue
        if letter not in NAMES or unit not in UNITS[letter]:
            message = f"{path} line 2: unit {unit!r} of column {letter!r} is not known here"
            raise AdapterError(message)
        columns[NAMES[letter]] = Column(index, unit)
    missing = sorted(set(NAMES.values()) - set(columns))
    if missing:
        message = f"{path} line 1: no column of {missing[0]}"
        raise AdapterError(message)
    return Layout(STEPS[step], columns)


def read_noon(path: str | Path) -> float:
    """Hour of solar noon in the times of a file, by its third line; AdapterError where there is none."""
    try:
        with Path(path).open() as file:
            line = list(itertools.islice(file, HEADER_LINES))[NOON_LINE - 1]
        noon = float(line.split(",")[NOON_COLUMN - 1])
    except (OSError, UnicodeDecodeError, IndexError, ValueError) as error:
        message = f"{path} line 3: no hour of solar noon (third number)"
        raise AdapterError(message) from error
    if not 0.0 <= noon <= HOURS_OF_DAY:
        message = f"{path} line 3: solar noon at {noon:g} h, expected 0 to 24"
        raise AdapterError(message)
    return noon


def offset_to_local(paths: list[Path]) -> float:
    """Hours from the times of the files to local solar time, by their headers; they must agree."""
    noons = {read_noon(path) for path in paths}
    if len(noons) > 1:
        message = f"{paths[0]} line 3: solar noon differs between the files: {sorted(noons)}"
        raise AdapterError(message)
    return 12.0 - noons.pop()


def read_year(path: str | Path, elevation: float) -> WeatherYear:
    """One file; its quantities are in degC, kg kg-1, m s-1, mm, W m-2, kPa, ppm.

    Years of 365 days are sometimes padded with a 366th day; it is left out. Raises AdapterError for gaps and
    impossible values.
    """
    path = Path(path)
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path}: cannot be read: {error}"
        raise AdapterError(message) from error
    if len(lines) <= HEADER_LINES:
        message = f"{path}: only {len(lines)} lines"
        raise AdapterError(message)
    layout = read_header(path, lines)
    table = _numbers(path, lines)
    year = _check_times(path, table, layout.step_hours)
    records = (366 if calendar.isleap(year) else 365) * HOURS_OF_DAY // layout.step_hours
    if len(table) > records:
        log.info("%s: %d lines after 31 December are left out", path.name, len(table) - records)
    elif len(table) < records:
        message = f"{path}: {len(table)} data lines, expected {records} for {year}; the file is truncated"
        raise AdapterError(message)
    quantities = {name: table[:records, column.number] for name, column in layout.columns.items()}
    if table.shape[1] >= EXTRA_COLUMNS:
        quantities.update({name: table[:records, column] for name, column in EXTRAS.items()})
    quantities.setdefault("pressure", np.full(records, weather.standard_pressure(elevation) / 1000.0))
    _to_common_units(quantities, layout)
    _check_ranges(path, quantities)
    return WeatherYear(year, layout.step_hours, quantities)


def _numbers(path: Path, lines: list[str]) -> np.ndarray:
    rows = []
    width = len(lines[HEADER_LINES].split(","))
    for number, line in enumerate(lines[HEADER_LINES:], start=HEADER_LINES + 1):
        cells = line.split(",")
        try:
            rows.append([float(cell) for cell in cells])
        except ValueError as error:
            message = f"{path} line {number}: not numbers only: {line[:60]!r}"
            raise AdapterError(message) from error
        if len(cells) != width:
            message = f"{path} line {number}: {len(cells)} columns, expected {width}"
            raise AdapterError(message)
    return np.array(rows)


def _check_times(path: Path, table: np.ndarray, step: int) -> int:
    """The year of the file; its lines must be regular from the first interval of 1 January on."""
    years, days, hours_of_day = table[:, :3].T
    first_year = years[0]
    hours = (days - 1) * HOURS_OF_DAY + hours_of_day
    expected = step * (1 + np.arange(len(table)))
    irregular = (hours != expected) | (years != first_year)
    if irregular.any():
        row = int(np.flatnonzero(irregular)[0])
        expected_day, expected_hour = divmod(expected[row] - 1, HOURS_OF_DAY)
        message = (
            f"{path} line {row + HEADER_LINES + 1}: year {years[row]:g}, day {days[row]:g}, hour {hours_of_day[row]:g} "
            f"is out of sequence; expected day {expected_day + 1}, hour {expected_hour + 1} of {first_year:g}"
        )
        raise AdapterError(message)
    return int(first_year)


def _to_common_units(quantities: dict[str, np.ndarray], layout: Layout) -> None:
    if layout.columns["temperature"].unit == "K":
        quantities["temperature"] = quantities["temperature"] - ZERO_CELSIUS
    if layout.columns["humidity"].unit == "R":
        relative = np.clip(quantities["humidity"], 1.0, 100.0) / 100.0
        vapour = relative * weather.saturation_vapour_pressure(quantities["temperature"])
        quantities["humidity"] = weather.humidity_from_vapour(vapour, 1000.0 * quantities["pressure"])


def _check_ranges(path: Path, quantities: dict[str, np.ndarray]) -> None:
    for name, values in quantities.items():
        lowest, highest = RANGES[name]
        impossible = ~((values >= lowest) & (values <= highest))
        if impossible.any():
            row = int(np.flatnonzero(impossible)[0])
            message = (
                f"{path} line {row + HEADER_LINES + 1}: {name} = {values[row]:g}, expected {lowest:g} to {highest:g}"
            )
            raise AdapterError(message)


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
            raise AdapterError(message)
        if before.step_hours != after.step_hours or set(before.quantities) != set(after.quantities):
            message = f"years {before.year} and {after.year} have different steps or columns"
            raise AdapterError(message)
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


def drivers(quantities: dict[str, np.ndarray], step_hours: int) -> dict[str, np.ndarray]:
    """Weather (T,) under the names of a forcing file, in its units."""
    rain, snow = weather.rain_and_snow(quantities["precipitation"] / (3600.0 * step_hours), quantities["temperature"])
    forcing = {
        "Tair": quantities["temperature"] + ZERO_CELSIUS,
        "Qair": quantities["humidity"],
        "SWdown": np.maximum(quantities["shortwave"], 0.0),
        "Rainf": rain,
        "Snowf": snow,
        "Wind": quantities["wind"],
        "PSurf": 1000.0 * quantities["pressure"],
    }
    for name, source in (("LWdown", "longwave"), ("CO2air", "co2")):
        if source in quantities:
            forcing[name] = quantities[source]
    return forcing


def describe_site(
    start: datetime, step_hours: int, quantities: dict[str, np.ndarray], options: argparse.Namespace
) -> TowerSite:
    """The site of the command line, its climate from its weather."""
    temperature = quantities["temperature"]
    times = np.datetime64(start) + np.arange(len(temperature)) * np.timedelta64(step_hours, "h")
    daily_precipitation = quantities["precipitation"] * 24.0 / step_hours
    return TowerSite(
        site_id=options.site,
        lat=options.lat,
        lon=options.lon,
        biome=options.biome,
        elevation=options.elevation,
        sand=options.sand,
        clay=options.clay,
        ph=options.ph,
        **weather.climate_from_weather(options.lat, times, temperature, daily_precipitation),
    )


@ends_clearly
def main(arguments: list[str] | None = None) -> int:
    """Command line; 0 done, 1 a file cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, help="weather files, one a year, of consecutive years")
    parser.add_argument("--out", type=Path, required=True, help="forcing file to write")
    command.add_site(parser, required=("site", "lat", "lon", "biome"))
    parser.add_argument(
        "--utc-offset", type=float, help="hours from the file's times to local time (default: by the header's noon)"
    )
    command.add_run(parser)
    options = parser.parse_args(arguments)
    outputs, inputs = {"--out": options.out}, [*options.files]
    return command.complete(lambda: _convert(options), outputs, inputs) or command.run_model(options.out, options)


def _convert(options: argparse.Namespace) -> None:
    if options.elevation is None:
        options.elevation = 0.0
    offset = offset_to_local(options.files) if options.utc_offset is None else options.utc_offset
    start, step, quantities = read_years(options.files, options.elevation, offset)
    site = describe_site(start, step, quantities, options)
    source = "ecosys weather files " + ", ".join(path.name for path in options.files)
    weather.check_local_time(f"{options.files[0]}: shortwave", quantities["shortwave"], HOURS_OF_DAY // step)
    write_forcing(options.out, site, start, step, drivers(quantities, step), source)
    require_valid_forcing(options.out)
    log.info("%s: %s, %s, every %d h from %s", options.out, site.site_id, site.biome, step, start)


if __name__ == "__main__":
    sys.exit(main())
