"""What an import saw, left out or filled: the lines of its report."""

import re
from dataclasses import dataclass, field
from typing import Literal

MOST_KEPT = 1000
"""Notes of sites that are alike, which are kept one by one."""
_NUMBER = re.compile(r"\d[\d.e+-]*")

Kind = Literal["dropped", "filled", "assumed", "absent", "duplicate", "suspicion", "conflict"]


@dataclass(frozen=True)
class Note:
    """A line of the report. count: values, days or sites concerned."""

    kind: Kind
    site: str
    variable: str
    text: str
    count: int = 0


@dataclass
class Alike:
    """Notes that differ in their site and in numbers: the first of them, how many, their counts together."""

    first: list[Note] = field(default_factory=list)
    notes: int = 0
    count: int = 0
    one_text: bool = True


class Notes:
    """Lines of a report, in the order in which they were made; of those that many sites have alike the first ones."""

    def __init__(self) -> None:
        self._alike: dict[tuple[str, str, str], Alike] = {}
        self._lines: list[Note] = []

    def add(self, kind: Kind, text: str, site: str = "", variable: str = "", count: int = 0) -> None:
        """Add a line."""
        note = Note(kind, site, variable, text, count)
        alike = self._alike.setdefault((kind, variable, _NUMBER.sub("#", text)), Alike())
        alike.one_text &= not alike.first or alike.first[0].text == text
        alike.notes += 1
        alike.count += count
        if alike.notes <= MOST_KEPT:
            alike.first.append(note)
            self._lines.append(note)

    @property
    def lines(self) -> list[Note]:
        """The lines, of notes alike at most MOST_KEPT."""
        return self._lines

    @property
    def groups(self) -> list[Alike]:
        """Notes that are alike, in the order of the first of each."""
        return list(self._alike.values())

    def of_kind(self, *kinds: Kind) -> list[Note]:
        """The lines of some kinds."""
        return [note for note in self._lines if note.kind in kinds]
