"""Records of many sites with bounded memory: small ones are held, what is more lies in a temporary file."""

import tempfile
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import overload

import numpy as np

from emulator.data.importers.daily import without_leap_days
from emulator.data.importers.definitions import Described
from emulator.data.importers.site_record import DRIVER_ROLES, SiteRecord

MEMORY = 128 << 20
"""Bytes of daily values that are held before they go to the file."""
_PARTS = ("values", "source", "quality", "uncertainty")
Layout = tuple[tuple[str, str], ...]
"""Part of a record and name of a variable, in the order of the file."""


@dataclass(frozen=True)
class _Entry:
    """A record without its daily values, which begin at `offset` of the file; gaps: drivers that have some."""

    outline: SiteRecord
    layout: Layout
    offset: int
    gaps: frozenset[str]


class RecordStore(Sequence[SiteRecord]):
    """Records in the order in which they were added, their daily values float32 (sources int8).

    `outlines` tells all else of them. A driver that is left out is so at all sites.
    """

    def __init__(self, folder: Path | None = None, memory: int = MEMORY) -> None:
        """folder: of the temporary file, default that of the system; it has no name, and ends with the process."""
        place = None if folder is None else str(folder)
        self._file = tempfile.SpooledTemporaryFile(max_size=memory, dir=place)  # noqa: SIM115 - lives with the store
        weakref.finalize(self, self._file.close)
        self._end = 0
        self._entries: list[_Entry] = []
        self._variables: dict[object, dict[str, Described]] = {}
        self._layouts: dict[Layout, Layout] = {}
        self._left_out: set[str] = set()

    def add(self, record: SiteRecord) -> None:
        """Keep a record; its course of the day is not kept."""
        layout = tuple((part, name) for part in _PARTS for name in getattr(record, part))
        self._file.seek(self._end)
        offset = self._end
        for part, name in layout:
            self._end += self._file.write(getattr(record, part)[name].astype(_kind(part)).tobytes())
        gaps = [name for name in record.of_role(*DRIVER_ROLES) if np.isnan(record.values[name]).any()]
        variables = {name: about for name, about in record.variables.items() if name in record.values}
        key = tuple((name, id(about)) for name, about in variables.items())
        outline = replace(
            record, days=record.days[[0, -1]], values={}, source={}, quality={}, uncertainty={}, diurnal={},
            variables=self._variables.setdefault(key, variables),
        )  # fmt: skip
        layout = self._layouts.setdefault(layout, layout)
        self._entries.append(_Entry(outline, layout, offset, frozenset(gaps)))

    def leave_out(self, name: str) -> None:
        """Leave a variable out of all records."""
        self._left_out.add(name)

    @property
    def outlines(self) -> list[SiteRecord]:
        """The records with their first and last day alone, and without daily values."""
        return [entry.outline for entry in self._entries]

    def names(self, part: str = "values") -> list[str]:
        """Variables that any record has in a part of it (`values`, `quality`, ...), in the order of the first."""
        layouts = dict.fromkeys(entry.layout for entry in self._entries)
        names = dict.fromkeys(name for layout in layouts for of, name in layout if of == part)
        return [name for name in names if name not in self._left_out]

    def lacking(self, name: str) -> list[str]:
        """Sites whose records lack a variable, or have gaps in a driver."""
        return [
            entry.outline.site_id
            for entry in self._entries
            if name in entry.gaps or ("values", name) not in entry.layout
        ]

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> SiteRecord: ...

    @overload
    def __getitem__(self, index: slice) -> list[SiteRecord]: ...

    def __getitem__(self, index: int | slice) -> SiteRecord | list[SiteRecord]:
        if isinstance(index, slice):
            return [self._read(entry) for entry in self._entries[index]]
        return self._read(self._entries[index])

    def __iter__(self) -> Iterator[SiteRecord]:
        return map(self._read, self._entries)

    def _read(self, entry: _Entry) -> SiteRecord:
        first, last = entry.outline.days
        days = np.arange(first, last + 1)
        days = days[without_leap_days(days)] if entry.outline.calendar == "noleap" else days
        parts: dict[str, dict[str, np.ndarray]] = {part: {} for part in _PARTS}
        self._file.seek(entry.offset)
        for part, name in entry.layout:
            kind = np.dtype(_kind(part))
            series = np.frombuffer(self._file.read(len(days) * kind.itemsize), kind)
            if name not in self._left_out:
                parts[part][name] = series
        values, source, quality, uncertainty = (parts[part] for part in _PARTS)
        return replace(entry.outline, days=days, values=values, source=source, quality=quality, uncertainty=uncertainty)


def _kind(part: str) -> str:
    return "i1" if part == "source" else "f4"
