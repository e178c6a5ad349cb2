"""What an import saw, left out or filled: the lines of its report."""

from dataclasses import dataclass, field
from typing import Literal

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
class Notes:
    """Lines of a report, in the order in which they were made."""

    lines: list[Note] = field(default_factory=list)

    def add(self, kind: Kind, text: str, site: str = "", variable: str = "", count: int = 0) -> None:
        """Add a line."""
        self.lines.append(Note(kind, site, variable, text, count))

    def of_kind(self, *kinds: Kind) -> list[Note]:
        """The lines of some kinds."""
        return [note for note in self.lines if note.kind in kinds]
