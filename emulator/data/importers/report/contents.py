"""What the report of an import holds: a row for each variable of each site, and the doubts."""

from dataclasses import dataclass, replace

import numpy as np

from emulator.data.importers.notes import Note, Notes
from emulator.data.importers.report import magnitudes, signs
from emulator.data.importers.site_record import DRIVER_ROLES, SiteRecord
from foundations.units import unit_conversion

_COUNTS = ("days", "present", "measured", "filled", "other_year", "outside")
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


class RowsOfSites:
    """What the report says of each site and of each variable, gathered site by site; of many sites of all as one."""

    def __init__(self) -> None:
        self.sites: list[Site] = []
        self.same_fluxes = signs.SameFluxes()
        self._rows: list[Row] = []
        self._of_all: dict[str, _Total] = {}

    def add(self, raw: SiteRecord, record: SiteRecord, notes: Notes) -> None:
        """A site: `raw` as its files have it, `record` as it is written. Doubts are added to notes."""
        doubts = (*magnitudes.doubts(raw), *signs.doubts(raw), *self.same_fluxes.doubts(raw))
        for name, text in doubts:
            notes.add("suspicion", text, raw.site_id, name)
        self.sites.append(_site(record))
        rows = [_row(record, raw, name) for name in record.values]
        for row in rows:
            self._of_all.setdefault(row.variable, _Total()).add(row)
        self._rows = self._rows + rows if len(self.sites) <= MOST_SITES else []

    def contents(self, title: str, names: set[str], notes: Notes) -> Contents:
        """The report, of the variables with these names."""
        rows = self._rows if len(self.sites) <= MOST_SITES else [total.row() for total in self._of_all.values()]
        return Contents(title, self.sites, [row for row in rows if row.variable in names], grouped(notes))


class _Total:
    """A variable at all sites: sums of days, the longest gap, the range and the mean."""

    def __init__(self) -> None:
        self.rows = 0
        self.sum, self.coverage, self.covered = 0.0, np.zeros(0), 0
        self.row_of_all: Row | None = None

    def add(self, row: Row) -> None:
        """Add the row of a site."""
        former = self.row_of_all
        self.rows += 1
        self.sum += row.mean * row.present if row.present else 0.0
        if former is None:
            self.coverage = np.zeros(len(row.coverage))
            self.row_of_all = row
        else:
            counts = {name: getattr(former, name) + getattr(row, name) for name in _COUNTS}
            low, high = (
                float(choose([getattr(former, name), getattr(row, name)]))
                for name, choose in (("low", np.fmin.reduce), ("high", np.fmax.reduce))
            )
            self.row_of_all = replace(former, **counts, gap=max(former.gap, row.gap), low=low, high=high)
        if len(row.coverage) == len(self.coverage):
            self.coverage, self.covered = self.coverage + row.coverage, self.covered + 1

    def row(self) -> Row:
        """The row of all."""
        assert self.row_of_all is not None
        row = self.row_of_all
        coverage = tuple((self.coverage / self.covered).tolist())
        return replace(row, site=f"{self.rows} sites", mean=self.sum / max(row.present, 1), coverage=coverage)


def grouped(notes: Notes) -> list[Note]:
    """Notes of which many sites have the same as one, with the first of their names."""
    lines = []
    for alike in notes.groups:
        if alike.notes <= MOST_NAMED:
            lines += alike.first
            continue
        names = ", ".join(note.site for note in alike.first[:MOST_NAMED])
        first = alike.first[0]
        text = first.text if alike.one_text else f"at the first of them: {first.text}"
        lines.append(replace(first, site=f"{alike.notes} sites ({names}, ...)", text=text, count=alike.count))
    return lines


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
