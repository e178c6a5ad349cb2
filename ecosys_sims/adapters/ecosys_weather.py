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

import numpy as np

from ecosys_sims.adapters import command
from ecosys_sims.adapters import tower_weather as weather
from ecosys_sims.adapters.forcing_file import TowerSite, write_forcing
from ecosys_sims.adapters.tower_weather import AdapterError
from ecosys_sims.validation import require_valid_forcing

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


@dataclass(frozen=True)
class Layout:
    """What a file's header says: step in hours, column and unit of each quantity (columns from 0)."""

    step_hours: int
    columns: dict[str, tuple[int, str]]


def read_header(path: Path, lines: list[str]) -> Layout:
    """Understand the first two lines; raises AdapterError naming the letter that it does not know."""
    first, units = (line.split(",")[0].strip() for line in lines[:2])
    try:
        step, clock, n_time, n_weather = first[0], first[1], int(first[2:4]), int(first[4:6])
        time_letters, letters = first[6 : 6 + n_time], first[6 + n_time : 6 + n_time + n_weather]
    except (IndexError, ValueError) as error:
        raise AdapterError(f"{path} line 1: {first!r} is not the header of an ecosys weather file") from error
    if step not in STEPS or clock != "J" or time_letters != "XDH" or len(letters) != n_weather:
        raise AdapterError(f"{path} line 1: {first!r}: expected hourly (H) or 3-hourly (3) data with time columns XDH")
    if len(units) != n_weather:
        raise AdapterError(f"{path} line 2: {len(units)} units {units!r} for the {n_weather} columns of line 1")
    columns: dict[str, tuple[int, str]] = {}
    for index, (letter, unit) in enumerate(zip(letters, units, strict=True)):
        if letter == "X":
            continue
        if letter not in NAMES or unit not in UNITS[letter]:
            raise AdapterError(f"{path} line 2: unit {unit!r} of column {letter!r} is not known here")
        columns[NAMES[letter]] = (n_time + index, unit)
    missing = sorted(set(NAMES.values()) - set(columns))
    if missing:
        raise AdapterError(f"{path} line 1: no column of {missing[0]}")
    return Layout(STEPS[step], columns)


def read_noon(path: str | Path) -> float:
    """Hour of solar noon in the times of a file, by its third line; AdapterError where there is none."""
    try:
        with open(path) as file:
            line = list(itertools.islice(file, HEADER_LINES))[2]
        noon = float(line.split(",")[2])
    except (OSError, UnicodeDecodeError, IndexError, ValueError) as error:
        raise AdapterError(f"{path} line 3: no hour of solar noon (third number)") from error
    if not 0.0 <= noon <= 24.0:
        raise AdapterError(f"{path} line 3: solar noon at {noon:g} h, expected 0 to 24")
    return noon


def offset_to_local(paths: list[Path]) -> float:
    """Hours from the times of the files to local solar time, by their headers; they must agree."""
    noons = {read_noon(path) for path in paths}
    if len(noons) > 1:
        raise AdapterError(f"{paths[0]} line 3: solar noon differs between the files: {sorted(noons)}")
    return 12.0 - noons.pop()


def read_year(path: str | Path, elevation: float) -> tuple[int, int, dict[str, np.ndarray]]:
    """One file: its year, step in hours, and quantities (T,) from 1 January 00:00 on.

    They are in degC, kg kg-1, m s-1, mm, W m-2, kPa, ppm. Years of 365 days are sometimes padded with a 366th day; it
    is left out. Raises AdapterError for gaps and impossible values.
    """
    path = Path(path)
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise AdapterError(f"{path}: cannot be read: {error}") from error
    if len(lines) <= HEADER_LINES:
        raise AdapterError(f"{path}: only {len(lines)} lines")
    layout = read_header(path, lines)
    table = _numbers(path, lines)
    year = _check_times(path, table, layout.step_hours)
    count = (366 if calendar.isleap(year) else 365) * 24 // layout.step_hours
    if len(table) > count:
        log.info("%s: %d lines after 31 December are left out", path.name, len(table) - count)
    elif len(table) < count:
        raise AdapterError(f"{path}: {len(table)} data lines, expected {count} for {year}; the file is truncated")
    found = {name: table[:count, column] for name, (column, _) in layout.columns.items()}
    if table.shape[1] >= EXTRA_COLUMNS:
        found.update({name: table[:count, column] for name, column in EXTRAS.items()})
    found.setdefault("pressure", np.full(count, weather.standard_pressure(elevation) / 1000.0))
    _to_common_units(found, layout)
    _check_ranges(path, found)
    return year, layout.step_hours, found


def _numbers(path: Path, lines: list[str]) -> np.ndarray:
    rows = []
    width = len(lines[HEADER_LINES].split(","))
    for number, line in enumerate(lines[HEADER_LINES:], start=HEADER_LINES + 1):
        cells = line.split(",")
        try:
            rows.append([float(cell) for cell in cells])
        except ValueError as error:
            raise AdapterError(f"{path} line {number}: not numbers only: {line[:60]!r}") from error
        if len(cells) != width:
            raise AdapterError(f"{path} line {number}: {len(cells)} columns, expected {width}")
    return np.array(rows)


def _check_times(path: Path, table: np.ndarray, step: int) -> int:
    """The year of the file; its lines must be regular from the first interval of 1 January on."""
    hours = (table[:, 1] - 1) * 24 + table[:, 2]
    expected = step * (1 + np.arange(len(table)))
    wrong = (hours != expected) | (table[:, 0] != table[0, 0])
    if wrong.any():
        index = int(np.flatnonzero(wrong)[0])
        year, day, hour = (f"{value:g}" for value in table[index, :3])
        raise AdapterError(
            f"{path} line {index + HEADER_LINES + 1}: year {year}, day {day}, hour {hour} is out of sequence; "
            f"expected day {(expected[index] - 1) // 24 + 1}, hour {(expected[index] - 1) % 24 + 1} of {table[0, 0]:g}"
        )
    return int(table[0, 0])


def _to_common_units(found: dict[str, np.ndarray], layout: Layout) -> None:
    if layout.columns["temperature"][1] == "K":
        found["temperature"] = found["temperature"] - weather.ZERO_CELSIUS
    if layout.columns["humidity"][1] == "R":
        relative = np.clip(found["humidity"], 1.0, 100.0) / 100.0
        vapour = relative * weather.saturation_vapour_pressure(found["temperature"])
        found["humidity"] = weather.humidity_from_vapour(vapour, 1000.0 * found["pressure"])


def _check_ranges(path: Path, found: dict[str, np.ndarray]) -> None:
    for name, values in found.items():
        lowest, highest = RANGES[name]
        bad = ~((values >= lowest) & (values <= highest))
        if bad.any():
            index = int(np.flatnonzero(bad)[0])
            raise AdapterError(
                f"{path} line {index + HEADER_LINES + 1}: {name} = {values[index]:g}, "
                f"expected {lowest:g} to {highest:g}"
            )


def read_years(
    paths: list[Path], elevation: float, utc_offset: float = 0.0
) -> tuple[datetime, int, dict[str, np.ndarray]]:
    """Consecutive years: start, step in hours, and the quantities of all years joined.

    Times are moved by `utc_offset` hours, rounded to whole intervals; the hours that are then missing at the end of the
    last day (or the beginning of the first) are those left over at the other end.
    """
    parts = sorted((read_year(path, elevation) for path in paths), key=lambda part: part[0])
    for (year, step, columns), (after, step_after, columns_after) in itertools.pairwise(parts):
        if after != year + 1:
            raise AdapterError(f"years {year} and {after} are not consecutive; give every year once")
        if step != step_after or set(columns) != set(columns_after):
            raise AdapterError(f"years {year} and {after} have different steps or columns")
    step = parts[0][1]
    records = round(utc_offset / step)
    if records:
        log.info("times are moved by %d h to local solar time", records * step)
    joined = {name: np.roll(np.concatenate([part[2][name] for part in parts]), records) for name in parts[0][2]}
    return datetime(parts[0][0], 1, 1), step, joined


def drivers(found: dict[str, np.ndarray], step_hours: int) -> dict[str, np.ndarray]:
    """Weather (T,) under the names of a forcing file, in its units."""
    rain, snow = weather.rain_and_snow(found["precipitation"] / (3600.0 * step_hours), found["temperature"])
    given = {
        "Tair": found["temperature"] + weather.ZERO_CELSIUS,
        "Qair": found["humidity"],
        "SWdown": np.maximum(found["shortwave"], 0.0),
        "Rainf": rain,
        "Snowf": snow,
        "Wind": found["wind"],
        "PSurf": 1000.0 * found["pressure"],
    }
    for name, source in (("LWdown", "longwave"), ("CO2air", "co2")):
        if source in found:
            given[name] = found[source]
    return given


def describe_site(
    start: datetime, step_hours: int, found: dict[str, np.ndarray], options: argparse.Namespace
) -> TowerSite:
    """The site of the command line, its climate from its own weather."""
    times = np.datetime64(start) + np.arange(len(found["temperature"])) * np.timedelta64(step_hours, "h")
    daily_precipitation = found["precipitation"] * 24.0 / step_hours
    return TowerSite(
        site_id=options.site,
        lat=options.lat,
        lon=options.lon,
        biome=options.biome,
        elevation=options.elevation,
        sand=options.sand,
        clay=options.clay,
        ph=options.ph,
        **weather.climate_from_weather(options.lat, times, found["temperature"], daily_precipitation),
    )


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
    return command.complete(lambda: _convert(options)) or command.run_model(options.out, options)


def _convert(options: argparse.Namespace) -> None:
    if options.elevation is None:
        options.elevation = 0.0
    offset = offset_to_local(options.files) if options.utc_offset is None else options.utc_offset
    start, step, found = read_years(options.files, options.elevation, offset)
    site = describe_site(start, step, found, options)
    source = "ecosys weather files " + ", ".join(path.name for path in options.files)
    weather.check_local_time(f"{options.files[0]}: shortwave", found["shortwave"], 24 // step)
    write_forcing(options.out, site, start, step, drivers(found, step), source)
    require_valid_forcing(options.out)
    log.info("%s: %s, %s, every %d h from %s", options.out, site.site_id, site.biome, step, start)


if __name__ == "__main__":
    sys.exit(main())
