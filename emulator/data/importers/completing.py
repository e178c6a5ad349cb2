"""From records of sites to what a dataset holds: each site its period, drivers complete within it."""

from dataclasses import replace

import numpy as np

from emulator.data.importers.errors import NoValues
from emulator.data.importers.filling import fill_days
from emulator.data.importers.notes import Notes
from emulator.data.importers.record_store import RecordStore
from emulator.data.importers.site_record import DRIVER_ROLES, FILLED, OTHER_YEAR, SiteRecord

LEAST_DRIVERS = 0.5
"""Share of the drivers that a day at either end of a record must have, where no flux was measured."""


def complete(record: SiteRecord, notes: Notes) -> SiteRecord:
    """The record cut to its period, with drivers filled as far as it can tell."""
    return _filled(_period(_possible(record, notes), notes), notes)


def only_common_drivers(records: RecordStore, notes: Notes) -> None:
    """Leave out the drivers that a site lacks or that have gaps at a site, each noted."""
    roles = {name: about.variable.role for record in records.outlines for name, about in record.variables.items()}
    for name in sorted(name for name in records.names() if roles[name] in DRIVER_ROLES):
        lacking = records.lacking(name)
        if lacking:
            first_sites = ", ".join(lacking[:5]) + (", ..." if len(lacking) > 5 else "")
            where = "every site" if len(lacking) == len(records) else first_sites
            text = f"left out at all sites: has gaps that cannot be filled, or is not there, at {where}"
            notes.add("dropped", text, "", name, len(lacking))
            records.leave_out(name)


def _possible(record: SiteRecord, notes: Notes) -> SiteRecord:
    """The record without values that cannot be, by the range of the table or of the mapping."""
    values, quality = dict(record.values), dict(record.quality)
    for name, series in record.values.items():
        low, high = record.variables[name].daily_range
        with np.errstate(invalid="ignore"):
            outside = (series < (-np.inf if low is None else low)) | (series > (np.inf if high is None else high))
        if not outside.any():
            continue
        units = record.variables[name].variable.units
        text = f"days outside {low:g} to {high:g} {units}, which cannot be" if None not in (low, high) else "impossible"
        notes.add("dropped", text, record.site_id, name, int(outside.sum()))
        values[name] = np.where(outside, np.nan, series)
        if name in quality:
            quality[name] = np.where(outside, np.nan, quality[name])
    return replace(record, values=values, quality=quality)


def _period(record: SiteRecord, notes: Notes) -> SiteRecord:
    """The record from its first to its last day with a measured flux or with enough drivers."""
    drivers, targets = record.of_role(*DRIVER_ROLES), record.of_role("target")
    told = [name for name in drivers if not _constant_over_years(record, name)] or drivers
    present = np.zeros(len(record.days), bool)
    if told:
        share = np.mean([np.isfinite(record.values[name]) for name in told], axis=0)
        present |= share >= LEAST_DRIVERS
    for name in targets:
        present |= np.isfinite(record.values[name])
    if not present.any():
        message = f"{record.label}: site {record.site_id}: no day has values; is the mark of missing values right?"
        raise NoValues(message)
    first, last = np.flatnonzero(present)[[0, -1]]
    before, after = int(first), int(len(present) - 1 - last)
    if before or after:
        text = f"days without values before {record.days[first]} and after {record.days[last]}"
        notes.add("dropped", text, record.site_id, count=before + after)
    return record.part(np.arange(first, last + 1))


def _constant_over_years(record: SiteRecord, name: str) -> bool:
    """Whether a driver is one that is there on any day, as global means are."""
    return record.variables[name].variable.role == "slow" and bool(np.isfinite(record.values[name]).all())


def _filled(record: SiteRecord, notes: Notes) -> SiteRecord:
    values, source = dict(record.values), dict(record.source)
    for name in record.of_role(*DRIVER_ROLES):
        before = np.isnan(values[name])
        if not before.any():
            continue
        role = record.variables[name].variable.role
        values[name], source[name] = fill_days(values[name], source[name], record.days, name, role)
        now = before & np.isfinite(values[name])
        for flag, text in ((FILLED, "days filled from days near by"), (OTHER_YEAR, "days filled from other years")):
            count = int((now & (source[name] == flag)).sum())
            if count:
                notes.add("filled", text, record.site_id, name, count)
    return replace(record, values=values, source=source)
