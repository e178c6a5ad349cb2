"""The file of a split, a CSV of site, from, to and part: what a user gives, and what a run folder keeps."""

import csv
import io
import itertools
from pathlib import Path

import numpy as np

from emulator.data.calendar import day_numbers
from emulator.data.dataset import Dataset
from emulator.data.dataset_file import DatasetError
from emulator.data.split_days import LABELS, AnySplit, DaySplit, part_codes
from emulator.data.splits import spatial_blocks, unknown_name

COLUMNS = ["site", "from", "to", "part"]
PLACE = ["lat", "lon"]
"""Columns that a run folder's file has beside, by which sites of other datasets are known again."""
SHORT = ("validation", "test")
"""Parts that become 'temporal' at sites that have training days, else 'spatial'."""


class SplitFileError(DatasetError):
    """A file that is no split of a dataset; the message names line and remedy."""


def split_text(split: AnySplit, dataset: Dataset) -> str:
    """The split as CSV: a line for each run of days of one part; days of no part have none."""
    dates = [
        f"{number // 10_000:04d}-{number // 100 % 100:02d}-{number % 100:02d}"
        for number in day_numbers(dataset.calendar)
    ]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*COLUMNS, *PLACE])
    sites = zip(dataset.site_id, dataset.lat.tolist(), dataset.lon.tolist(), part_codes(split, dataset), strict=True)
    for site, lat, lon, codes in sites:
        edges = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
        for start, stop in itertools.pairwise(edges):
            if codes[start]:
                writer.writerow([site, dates[start], dates[stop - 1], LABELS[codes[start]], f"{lat:.5f}", f"{lon:.5f}"])
    return stream.getvalue()


def read_split(path: Path, dataset: Dataset, block_degrees: float, *, foreign: bool = False) -> DaySplit:
    """The split of a dataset that a CSV tells; days that it leaves out are of no part.

    `part` is one of LABELS, or 'validation' or 'test', which stand for later days at sites with training days and for
    new sites elsewhere; an empty `from` or `to` is the begin or end of the dataset. foreign: sites that the dataset
    does not have are passed over. SplitFileError names file and line.
    """
    rows = _rows(path)
    positions = {str(name): row for row, name in enumerate(dataset.site_id)}
    trained = {row["site"] for _, row in rows if row["part"] == "train"}
    numbers = day_numbers(dataset.calendar)
    part = np.zeros((dataset.n_sites, len(dataset.time)), np.int8)
    for line, row in rows:
        place = f"{path}: line {line}"
        if row["site"] not in positions:
            if foreign:
                continue
            message = f"{place}: {unknown_name(row['site'], list(positions))}"
            raise SplitFileError(message)
        first, last = _date(row["from"], place, 0), _date(row["to"], place, 99_999_999)
        if first > last:
            message = f"{place}: from {row['from']} to {row['to']} is no day; give the earlier date first"
            raise SplitFileError(message)
        start, stop = int(np.searchsorted(numbers, first)), int(np.searchsorted(numbers, last, side="right"))
        days = part[positions[row["site"]], start:stop]
        if days.any():
            message = f"{place}: days of site {row['site']} are in two parts; let every day be in one"
            raise SplitFileError(message)
        days[:] = LABELS.index(_full_name(row["part"], row["site"] in trained, place))
    return DaySplit(part, spatial_blocks(dataset.lat, dataset.lon, block_degrees))


def read_places(path: Path) -> dict[str, tuple[float, float]]:
    """Latitude and longitude of the sites of a run folder's split."""
    return {row["site"]: (float(row["lat"]), float(row["lon"])) for _, row in _rows(path) if set(PLACE) <= set(row)}


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Lines of the file with their numbers."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        message = f"{path}: is not a text file in UTF-8; give a CSV with the columns {', '.join(COLUMNS)}"
        raise SplitFileError(message) from None
    reader = csv.reader(io.StringIO(text))
    header = [name.strip() for name in next(reader, [])]
    if not set(COLUMNS) <= set(header):
        message = f"{path}: the columns are {', '.join(header) or 'none'}; expected {', '.join(COLUMNS)}"
        raise SplitFileError(message)
    rows = []
    for values in reader:
        if not any(value.strip() for value in values):
            continue
        if len(values) != len(header):
            message = f"{path}: line {reader.line_num} has {len(values)} values; expected {', '.join(header)}"
            raise SplitFileError(message)
        rows.append((reader.line_num, dict(zip(header, (value.strip() for value in values), strict=True))))
    return rows


def _date(text: str, place: str, default: int) -> int:
    """A date as yyyymmdd; it need not be one of the dataset's calendar."""
    if not text:
        return default
    year, _, rest = text.partition("-")
    month, _, day = rest.partition("-")
    if not (year.isdigit() and month.isdigit() and day.isdigit() and 1 <= int(month) <= 12 and 1 <= int(day) <= 31):
        message = f"{place}: '{text}' is not a date; write it as 2010-12-31"
        raise SplitFileError(message)
    return 10_000 * int(year) + 100 * int(month) + int(day)


def _full_name(part: str, trained: bool, place: str) -> str:
    if part in SHORT:
        kind = "temporal" if trained else "spatial"
        return kind if part == "test" else f"validation_{kind}"
    if part not in LABELS:
        message = f"{place}: part '{part}' is not one of {', '.join((*LABELS, *SHORT))}"
        raise SplitFileError(message)
    return part
