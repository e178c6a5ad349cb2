"""Text output and input of TEM and TEM-MDM: a line for each cell and year, or each cell, year and month.

    LON, LAT, NAME, (any number of columns), YEAR, SUM, MAX, MEAN, MIN, 12 months, (region)
    LON, LAT, NAME, (any number of columns), YEAR, MONTH, SUM, MAX, MEAN, MIN, 28 to 31 days, (region)
    LON, LAT, NAME, (area), VALUE, (region)                                            a property of the cell

Which one it is follows from the number of values after the year. Columns are called by NAME. Lines of a cell that come
again (cohorts, double lines) are averaged. -9999, -99999, -999999 are missing. Source: public readers of TEM-MDM
(KGML-CH4/wetland_methane_ML).
"""

import calendar
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from emulator.data.importers.errors import ImportFault
from emulator.data.importers.notes import Notes
from emulator.data.importers.readers.cells import Cells
from emulator.data.importers.series import SECONDS_PER_DAY, SiteSeries

FIRST_YEAR, LAST_YEAR = 1600, 2500
STATISTICS, MONTHS = 4, 12
SHORTEST_MONTH, LONGEST_MONTH = 28, 31
LEAST_MISSING = -9998.0
MEMORY = 64 << 20
"""Bytes of text whose cells are held at a time."""

Place = tuple[float, float]
Key = tuple[int, int]
"""Year and month; month 0 where the line is of the year."""


def read_tem(
    paths: Sequence[Path], site_id: str | None, notes: Notes, folder: Path | None = None
) -> Iterator[list[SiteSeries]]:
    """The series of one cell after another: one of days and one of months, where it has both.

    Lines of more than `MEMORY` bytes go to temporary files in `folder` first, all of a cell to the same one.
    """
    label, none, again = ", ".join(str(path) for path in paths[:3]), True, 0
    parts = -(-sum(path.stat().st_size for path in paths) // MEMORY)
    for lines in _lines_by_cell(paths, parts, folder):
        columns_of: dict[Place, dict[tuple[str, int, int], np.ndarray]] = {}
        counts: dict[tuple[Place, str, int, int], int] = {}
        for where, line in lines:
            _add_line(columns_of, counts, line, where)
        again += sum(count - 1 for count in counts.values())
        alone = site_id is not None and parts <= 1 and len(columns_of) == 1
        for place, columns in columns_of.items():
            name = str(site_id) if alone else Cells(np.array([place[0]]), np.array([place[1]])).name(0)
            series = _series(name, place, columns, label)
            if series:
                none = False
                yield series
    if again:
        notes.add("duplicate", "lines of a cell that come again (cohorts), averaged", count=again)
    if none:
        message = f"{paths[0]}: no lines LON, LAT, NAME, ..., YEAR, ...; is it a text file of TEM?"
        raise ImportFault(message)


def _lines_by_cell(paths: Sequence[Path], parts: int, folder: Path | None) -> Iterator[Iterable[tuple[str, str]]]:
    """Places (file and number) and texts of lines, in so many parts, of which each has all lines of its cells."""
    if parts <= 1:
        yield _lines(paths)
        return
    with ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile("w+", dir=folder, encoding="utf-8")) for _ in range(parts)]
        for where, line in _lines(paths):
            place = ",".join(line.split(",", 2)[:2]).replace(" ", "")
            files[zlib.crc32(place.encode()) % parts].write(f"{where}\t{line}\n")
        for file in files:
            file.seek(0)
            yield ((where, line) for where, _, line in (text.rstrip("\n").partition("\t") for text in file))


def _lines(paths: Sequence[Path]) -> Iterator[tuple[str, str]]:
    for path in paths:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield f"{path} line {number}", line.rstrip("\n")


def _add_line(
    lines: dict[Place, dict[tuple[str, int, int], np.ndarray]],
    counts: dict[tuple[Place, str, int, int], int],
    line: str,
    where: str,
) -> None:
    cells = [cell.strip() for cell in line.split(",")]
    while cells and not cells[-1]:
        cells.pop()
    try:
        place = (float(cells[1]), float(cells[0]))
        name, rest = cells[2], cells[3:]
        if rest and not _is_number(rest[-1]):
            rest = rest[:-1]  # the region
        numbers = np.array([float(cell) for cell in rest])
    except (IndexError, ValueError):
        message = f"{where}: {line.strip()[:60]!r} is not LON, LAT, NAME, numbers"
        raise ImportFault(message) from None
    year, month, values = _parts(numbers, where)
    values = np.where(values < LEAST_MISSING, np.nan, values)
    key = (name, year, month)
    columns = lines.setdefault(place, {})
    count = counts.get((place, *key), 0)
    columns[key] = values if count == 0 else (columns[key] * count + values) / (count + 1)
    counts[place, name, year, month] = count + 1


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _parts(numbers: np.ndarray, where: str) -> tuple[int, int, np.ndarray]:
    """Year, month (0 for a year of months) and values; year 0 for a property of the cell."""
    for at, number in enumerate(numbers):
        if not (FIRST_YEAR <= number <= LAST_YEAR and number == int(number)):
            continue
        after = len(numbers) - at - 1
        if after in (STATISTICS + MONTHS, STATISTICS + MONTHS + 1):
            first = at + 1 + STATISTICS
            return int(number), 0, numbers[first : first + MONTHS]
        month = numbers[at + 1] if after else 0.0
        days = after - 1 - STATISTICS
        if 1 <= month <= MONTHS and SHORTEST_MONTH <= days <= LONGEST_MONTH + 1:
            length = calendar.monthrange(int(number), int(month))[1]
            first = at + 2 + STATISTICS
            if days < length and not (month == 2 and days == SHORTEST_MONTH):
                message = f"{where}: {days} values for {length} days"
                raise ImportFault(message)
            values = np.full(length, np.nan)
            values[: min(days, length)] = numbers[first : first + min(days, length)]
            return int(number), int(month), values
    if not len(numbers):
        message = f"{where}: no values"
        raise ImportFault(message)
    return 0, 0, numbers[-1:]


def _series(name: str, place: Place, columns: dict[tuple[str, int, int], np.ndarray], label: str) -> list[SiteSeries]:
    """The series of a cell."""
    days: dict[str, dict[np.datetime64, float]] = {}
    months: dict[str, dict[np.datetime64, float]] = {}
    constants = {column: float(values[0]) for (column, year, _), values in columns.items() if year == 0}
    for (column, year, month), values in columns.items():
        if year and month:
            begin = np.datetime64(f"{year:04d}-{month:02d}-01", "s")
            days.setdefault(column, {}).update(
                zip(begin + np.arange(len(values)) * SECONDS_PER_DAY, values, strict=True)
            )
        elif year:
            begins = np.array([np.datetime64(f"{year:04d}-{m:02d}-01", "s") for m in range(1, MONTHS + 1)])
            months.setdefault(column, {}).update(zip(begins, values, strict=True))
    parts = []
    for step, kind in ((SECONDS_PER_DAY, days), (None, months)):
        if kind:
            starts = np.array(sorted({start for by_start in kind.values() for start in by_start}))
            laid = {c: np.array([by_start.get(s, np.nan) for s in starts]) for c, by_start in kind.items()}
            parts.append((starts, step, laid))
    properties: dict[str, float | str] = {"lat": place[0], "lon": place[1]}
    return [
        SiteSeries(name, label, starts, step, laid, properties=properties, constants=constants)
        for starts, step, laid in parts
    ]
