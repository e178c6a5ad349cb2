"""Maps of one time after another, turned round to series of one cell after another, with bounded memory."""

import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SLAB_VALUES = 1 << 22
"""Values of a variable, of all cells at some times, that are held before they are turned round."""
BLOCK_VALUES = 1 << 24
"""Values of all variables, of some cells at all times, that are read at a time."""
MEMORY = 256 << 20
"""Bytes that are held before they go to the file."""
Groups = list[tuple[np.ndarray, dict[str, np.ndarray]]]
"""Times (T,) and the columns (M, T) that have them."""


@dataclass(frozen=True)
class _Slab:
    """Values (N, T) of a column at some times, from `offset` of the file on."""

    starts: np.ndarray
    offset: int
    kind: np.dtype


class CellColumns:
    """Columns of N cells. Slabs (T, N) of a column are added in any order of time."""

    def __init__(self, folder: Path | None = None, memory: int = MEMORY) -> None:
        """folder: of the temporary file, which has no name there and ends with the process."""
        place = None if folder is None else str(folder)
        self._file = tempfile.SpooledTemporaryFile(max_size=memory, dir=place)  # noqa: SIM115 - lives with the columns
        weakref.finalize(self, self._file.close)
        self._end = 0
        self._slabs: dict[str, list[_Slab]] = {}
        self._waiting: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
        self._cells: dict[str, int] = {}
        self._finite: dict[str, np.ndarray] = {}
        self._missing: dict[str, bool] = {}

    @property
    def names(self) -> list[str]:
        """Columns that there are."""
        return list(self._cells)

    def add(self, name: str, starts: np.ndarray, values: np.ndarray) -> None:
        """Values (T, N) of a column at times (T,)."""
        waiting = self._waiting.setdefault(name, [])
        waiting.append((starts, values))
        self._cells[name] = values.shape[1]
        finite = np.isfinite(values)
        self._finite[name] = self._finite.get(name, False) | finite.any(axis=0)
        self._missing[name] = self._missing.get(name, False) or bool(np.isnan(values).any())
        if sum(part.size for _, part in waiting) >= SLAB_VALUES:
            self._write(name)

    def spread(self, count: int) -> None:
        """Give the values of the one cell that there is to `count` cells."""
        for name in self.names:
            ((starts, columns),) = next(iter(self._blocks_of([name], 1)))[1]
            for column in (self._slabs, self._finite, self._missing):
                column.pop(name, None)
            self.add(name, starts, np.repeat(columns[name].T, count, axis=1))

    def with_values(self, count: int) -> np.ndarray:
        """Which cells (N,) have a value in one of the columns that some cell has gaps in; all where none has."""
        if not any(self._missing.values()):
            return np.ones(count, bool)
        used = np.zeros(count, bool)
        for name, finite in self._finite.items():
            used |= finite if self._missing[name] else False
        return used

    def blocks(self, count: int) -> Iterator[tuple[int, Groups]]:
        """First cell of each block of cells, and the columns of its cells in groups with the same times."""
        if not self.names:
            yield 0, []
            return
        yield from self._blocks_of(self.names, count)

    def _blocks_of(self, names: list[str], count: int) -> Iterator[tuple[int, Groups]]:
        for name in names:
            self._write(name)
        values = sum(len(slab.starts) for name in names for slab in self._slabs[name])
        size = max(1, BLOCK_VALUES // max(values, 1))
        for first in range(0, count, size):
            yield first, self._read(names, first, min(size, count - first))

    def _write(self, name: str) -> None:
        """Turn what waits of a column round, and keep it."""
        waiting = self._waiting.pop(name, [])
        if not waiting:
            return
        starts = np.concatenate([times for times, _ in waiting])
        values = np.concatenate([part for _, part in waiting])
        self._file.seek(self._end)
        self._slabs.setdefault(name, []).append(_Slab(starts, self._end, values.dtype))
        self._end += self._file.write(np.ascontiguousarray(values.T).tobytes())

    def _read(self, names: list[str], first: int, count: int) -> Groups:
        groups: Groups = []
        for name in names:
            slabs = self._slabs[name]
            starts = np.concatenate([slab.starts for slab in slabs])
            values = np.concatenate([self._rows(slab, first, count) for slab in slabs], axis=1)
            order = np.argsort(starts, kind="stable")
            starts, values = starts[order], values[:, order]
            same = next((columns for other, columns in groups if np.array_equal(other, starts)), None)
            if same is None:
                groups.append((starts, {name: values}))
            else:
                same[name] = values
        return groups

    def _rows(self, slab: _Slab, first: int, count: int) -> np.ndarray:
        """Values (M, T) of some cells."""
        length = len(slab.starts)
        self._file.seek(slab.offset + first * length * slab.kind.itemsize)
        content = self._file.read(count * length * slab.kind.itemsize)
        return np.frombuffer(content, slab.kind).reshape(count, length)
