"""What the report of an import holds: a row for each variable of each site, and the doubts."""

import re
from dataclasses import dataclass, replace

import numpy as np

from emulator.data.importers.notes import Note, Notes
from emulator.data.importers.report import magnitudes, signs
from emulator.data.importers.site_record import DRIVER_ROLES, SiteRecord
from foundations.units import unit_conversion

_NUMBER = re.compile(r"\d[\d.e+-]*")
MOST_SITES, MOST_NAMED = 100, 5
"""Sites that have rows of their own; sites that are named where many have the same note."""
SEGMENTS = 60
"""Parts of a site's period in the picture of what was measured."""


READ_IN = {"pr": "mm day-1", "evspsbl": "mm day-1"}
"""Units in which people read what has no unit of analysis."""


@dataclass(frozen=True)
class Row:
    """A variable at a site. Days of the period, with a value, measured, filled, of other years; the longest gap, days.

    low, mean, high: in `units`, those that people read; outside: days outside the plausible range before they were
    left out. coverage: share measured in each segment of the period.
    """

    site: str
    variable: str
    role: str
    units: str
    days: int
    present: int
    measured: int
    filled: int
    other_year: int
    gap: int
    low: float
    mean: float
    high: float
    outside: int
    coverage: tuple[float, ...]


@dataclass(frozen=True)
class Site:
    """A site: its name, files, first and last day, days with drivers all measured."""

    name: str
    label: str
    first: str
    last: str
    days: int
    complete_years: int


@dataclass(frozen=True)
class Contents:
    """The report of an import."""

    title: str
    sites: list[Site]
    rows: list[Row]
    notes: list[Note]

    @property
    def suspicions(self) -> list[Note]:
        """What is doubtful."""
        return [note for note in self.notes if note.kind == "suspicion"]


def contents_of(title: str, raw: list[SiteRecord], records: list[SiteRecord], notes: Notes) -> Contents:
    """The report of records: `raw` as the files have them, `records` as they are written. Doubts are added to notes."""
    add_suspicions(raw, notes)
    before = {record.site_id: record for record in raw}
    rows = [_row(record, before[record.site_id], name) for record in records for name in record.values]
    if len(records) > MOST_SITES:
        rows = [
            _of_all([row for row in rows if row.variable == name]) for name in dict.fromkeys(r.variable for r in rows)
        ]
    return Contents(title, [_site(record) for record in records], rows, _grouped(notes.lines))


def _of_all(rows: list[Row]) -> Row:
    """A variable at all sites: sums of days, the longest gap, the range and the mean."""
    days = sum(row.present for row in rows)
    return replace(
        rows[0],
        site=f"{len(rows)} sites",
        **{
            name: sum(getattr(row, name) for row in rows)
            for name in ("days", "present", "measured", "filled", "other_year")
        },
        gap=max(row.gap for row in rows),
        low=min(row.low for row in rows),
        mean=sum(row.mean * row.present for row in rows if row.present) / max(days, 1),
        high=max(row.high for row in rows),
        outside=sum(row.outside for row in rows),
        coverage=tuple(np.mean([row.coverage for row in rows if len(row.coverage) == len(rows[0].coverage)], axis=0)),
    )


def _grouped(notes: list[Note]) -> list[Note]:
    """Notes of which many sites have the same as one, with the first of their names."""
    groups: dict[tuple[str, str, str], list[Note]] = {}
    for note in notes:
        groups.setdefault((note.kind, note.variable, _NUMBER.sub("#", note.text)), []).append(note)
    grouped = []
    for alike in groups.values():
        if len(alike) <= MOST_NAMED:
            grouped += alike
            continue
        names = ", ".join(note.site for note in alike[:MOST_NAMED])
        site = f"{len(alike)} sites ({names}, ...)"
        text = alike[0].text if len({note.text for note in alike}) == 1 else f"at the first of them: {alike[0].text}"
        grouped.append(replace(alike[0], site=site, text=text, count=sum(note.count for note in alike)))
    return grouped


def add_suspicions(raw: list[SiteRecord], notes: Notes) -> None:
    """Note what is doubtful about the records as the files have them."""
    for record in raw:
        for name, text in (*magnitudes.doubts(record), *signs.doubts(record)):
            notes.add("suspicion", text, record.site_id, name)
    for site, name, text in signs.identical_sites(raw):
        notes.add("suspicion", text, site, name)


def _site(record: SiteRecord) -> Site:
    years, counts = np.unique(record.days.astype("datetime64[Y]"), return_counts=True)
    lengths = (years + 1).astype("datetime64[D]") - years.astype("datetime64[D]")
    whole = counts >= lengths.astype(int) - (1 if record.calendar == "noleap" else 0)
    days = record.days
    return Site(record.site_id, record.label, str(days[0]), str(days[-1]), len(days), int(whole.sum()))


def _row(record: SiteRecord, raw: SiteRecord, name: str) -> Row:
    values, about = record.values[name], record.variables[name]
    present = np.isfinite(values)
    source = record.source.get(name, record.quality.get(name, np.zeros(len(values))))
    measured = present & (source == 0)
    units = about.variable.analysis_units or READ_IN.get(name, about.variable.units)
    factor, offset = unit_conversion(about.variable.units, units, name)
    shown = factor * values[present] + offset
    low, mean, high = (shown.min(), shown.mean(), shown.max()) if shown.size else (np.nan,) * 3
    edges = np.linspace(0, len(measured), min(SEGMENTS, len(measured)) + 1).astype(int)[:-1]
    coverage = np.add.reduceat(measured.astype(float), edges) / np.diff(np.append(edges, len(measured)))
    driver = about.variable.role in DRIVER_ROLES
    return Row(
        site=record.site_id, variable=name, role=about.variable.role, units=units, days=len(values),
        present=int(present.sum()), measured=int(measured.sum()), filled=int((present & (source == 1)).sum()),
        other_year=int((present & (source == 2)).sum()) if driver else 0,
        gap=_longest_gap(measured), low=float(low), mean=float(mean), high=float(high),
        outside=_outside(raw, name), coverage=tuple(coverage.tolist()),
    )  # fmt: skip


def _longest_gap(measured: np.ndarray) -> int:
    edges = np.diff(np.concatenate([[0], (~measured).astype(np.int8), [0]]))
    lengths = np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)
    return int(lengths.max()) if lengths.size else 0


def _outside(raw: SiteRecord, name: str) -> int:
    low, high = raw.variables[name].daily_range
    values = raw.values.get(name, np.empty(0))
    with np.errstate(invalid="ignore"):
        outside = (values < (-np.inf if low is None else low)) | (values > (np.inf if high is None else high))
    return int(outside.sum())
