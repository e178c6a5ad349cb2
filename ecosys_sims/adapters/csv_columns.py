"""Columns of a large CSV file of a flux collection, read once and only those that are asked for."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecosys_sims.formats.errors import AdapterError

MISSING = -9999.0


@dataclass(frozen=True)
class CsvColumns:
    """Text of some columns; row 0 is line 2 of the file."""

    path: Path
    stamp_name: str
    cells: dict[str, list[str]]

    @property
    def stamps(self) -> list[str]:
        """Time stamps as they are written."""
        return self.cells[self.stamp_name]

    def place(self, row: int) -> str:
        """Where a row is, for messages."""
        return f"{self.path} line {row + 2} ({self.stamps[row]})"

    def numbers(self, name: str) -> np.ndarray:
        """Values (T,), NaN where the cell is -9999 or empty; AdapterError for text."""
        cells = [cell or "nan" for cell in self.cells[name]]
        try:
            values = np.array(cells, dtype=float)
        except ValueError:
            row = next(row for row, cell in enumerate(cells) if not _is_number(cell))
            message = f"{self.place(row)}: {name} = {cells[row]!r} is not a number"
            raise AdapterError(message) from None
        return np.where(values == MISSING, np.nan, values)

    def require_range(self, name: str, values: np.ndarray, lowest: float, highest: float) -> None:
        """Raise AdapterError at the first value that is missing or outside the range."""
        impossible = ~((values >= lowest) & (values <= highest))
        if impossible.any():
            row = int(np.flatnonzero(impossible)[0])
            message = (
                f"{self.place(row)}: {name} = {self.cells[name][row] or 'missing'}, "
                f"expected {lowest:g} to {highest:g}; weather must have no gaps"
            )
            raise AdapterError(message)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def read_header(path: Path) -> list[str]:
    """Names of the columns; AdapterError where the file cannot be read."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        message = f"{path}: cannot be read: {error}"
        raise AdapterError(message) from error


def read_columns(path: Path, stamp_name: str, names: list[str]) -> CsvColumns:
    """Read columns that the header holds; AdapterError for lines that are cut and for files without data."""
    header = read_header(path)
    positions = {name: header.index(name) for name in dict.fromkeys([stamp_name, *names])}
    cells: dict[str, list[str]] = {name: [] for name in positions}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = csv.reader(file)
            next(lines)
            for number, line in enumerate(lines, start=2):
                if len(line) != len(header):
                    message = f"{path} line {number}: {len(line)} cells for {len(header)} columns"
                    raise AdapterError(message)
                for name, position in positions.items():
                    cells[name].append(line[position].strip())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        message = f"{path}: cannot be read: {error}"
        raise AdapterError(message) from error
    if not cells[stamp_name]:
        message = f"{path}: no data lines"
        raise AdapterError(message)
    return CsvColumns(path, stamp_name, cells)
