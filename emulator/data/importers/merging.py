"""Datasets joined to one: sites of all, days of all; of what two have the first counts, and contradictions are told."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from emulator.data.importers.assembling import joined
from emulator.data.importers.completing import only_common_drivers
from emulator.data.importers.dataset_reader import StoredDataset, read_dataset
from emulator.data.importers.dataset_writer import About, write_dataset
from emulator.data.importers.definitions import Described
from emulator.data.importers.errors import ImportFault
from emulator.data.importers.notes import Notes
from emulator.data.importers.record_store import RecordStore
from emulator.data.importers.site_record import SiteRecord
from foundations.units import unit_conversion
from foundations.variables import Variable

SAME_PLACE = 0.01
"""Degrees within which two sites of one name are the same."""
SAME_VALUE = 1e-5
SOURCE = "source"
"""Static that says which dataset a site is of."""


def merge(paths: Sequence[Path], out: Path, sources: Sequence[str] = ()) -> tuple[RecordStore, Notes]:
    """Join datasets and write the result; the records and what was seen. ImportFault where they contradict.

    sources: a word for each dataset, such as simulation or towers, by which the static `source` tells sites apart.
    """
    notes = Notes()
    datasets = [read_dataset(path) for path in paths]
    if sources:
        datasets = _with_source(datasets, sources)
    variables: dict[str, Described] = {}
    for dataset in datasets:
        for name, about in dataset.variables.items():
            variables[name] = _common(variables[name], about, name, dataset.path) if name in variables else about
    by_site: dict[str, list[SiteRecord]] = {}
    for dataset in datasets:
        for record in dataset.records:
            by_site.setdefault(record.site_id, []).append(_in_terms_of(record, dataset, variables))
    records = RecordStore(out.parent)
    for parts in by_site.values():
        records.add(_one(parts, notes))
    only_common_drivers(records, notes)
    statics = {name: variables[name] for dataset in datasets for name in dataset.statics}
    files = ", ".join(path.name for path in paths)
    institutions = "; ".join(dict.fromkeys(dataset.institution for dataset in datasets))
    origins = "; ".join(dict.fromkeys(dataset.source for dataset in datasets))
    about_file = About(f"{len(records)} sites of {files}", institutions, origins, f"merge of {files}")
    write_dataset(out, records, statics, about_file)
    return records, notes


def _with_source(datasets: Sequence[StoredDataset], sources: Sequence[str]) -> list[StoredDataset]:
    """The datasets with the class static `source`."""
    if len(sources) != len(datasets):
        message = f"--sources: {len(sources)} words for {len(datasets)} datasets; give each one, by commas"
        raise ImportFault(message)
    if wrong := [word for word in sources if not word.isidentifier()]:
        message = f"--sources: '{wrong[0]}' is no word of letters, digits and _"
        raise ImportFault(message)
    flags = {word: code for code, word in enumerate(dict.fromkeys(sources), start=1)}
    variable = Variable(
        SOURCE, "1", "static", "where the data of the site come from",
        flag_values=tuple(flags.values()), flag_meanings=tuple(flags),
    )  # fmt: skip
    told = []
    for dataset, word in zip(datasets, sources, strict=True):
        if SOURCE in dataset.variables:
            message = f"{dataset.path}: has a variable '{SOURCE}' already; leave --sources out"
            raise ImportFault(message)
        records = [replace(r, statics=r.statics | {SOURCE: float(flags[word])}) for r in dataset.records]
        variables = dataset.variables | {SOURCE: Described(variable, flags)}
        told.append(replace(dataset, records=records, variables=variables, statics=[*dataset.statics, SOURCE]))
    return told


def _common(first: Described, other: Described, name: str, path: Path) -> Described:
    """What a variable is in the merged file: as the first has it, with the classes of both."""
    if first.variable.role != other.variable.role:
        message = f"{path}: {name}: role is '{other.variable.role}', in the file before it is '{first.variable.role}'"
        raise ImportFault(message)
    flags = dict(first.flags)
    for meaning, value in other.flags.items():
        if meaning not in flags:
            flags[meaning] = value if value not in flags.values() else max(flags.values()) + 1
    return Described(replace(first.variable, flag_values=tuple(flags.values()), flag_meanings=tuple(flags)), flags)


def _in_terms_of(record: SiteRecord, dataset: StoredDataset, variables: dict[str, Described]) -> SiteRecord:
    """A record in the units and classes of the merged file."""
    values, uncertainty, statics = dict(record.values), dict(record.uncertainty), dict(record.statics)
    for name, here in dataset.variables.items():
        there = variables[name]
        if here.flags != there.flags:
            codes = {float(value): float(there.flags[meaning]) for meaning, value in here.flags.items()}
            if name in statics:
                statics[name] = codes.get(float(statics[name]), np.nan)
            if name in values:
                values[name] = np.array([codes.get(value, np.nan) for value in values[name]])
        if here.variable.units != there.variable.units:
            try:
                factor, offset = unit_conversion(here.variable.units, there.variable.units, name)
            except ValueError as error:
                message = f"{dataset.path}: {name}: {error}, the unit of the file before"
                raise ImportFault(message) from None
            if name in values:
                values[name] = factor * values[name] + offset
            if name in uncertainty:
                uncertainty[name] = factor * uncertainty[name]
            if name in statics:
                statics[name] = factor * float(statics[name]) + offset
    own = {name: variables[name] for name in record.variables}
    return replace(record, values=values, uncertainty=uncertainty, statics=statics, variables=own)


def _one(parts: list[SiteRecord], notes: Notes) -> SiteRecord:
    """The records of a site as one."""
    first = parts[0]
    for other in parts[1:]:
        for name in ("lat", "lon"):
            here, there = float(first.statics[name]), float(other.statics[name])
            if abs(here - there) > SAME_PLACE:
                message = (
                    f"{other.label}: site {first.site_id}: {name} is {there:g}, in {first.label} it is {here:g}; "
                    "give one of the two sites another name"
                )
                raise ImportFault(message)
        _tell_contradictions(first, other, notes)
    return joined(parts) if len(parts) > 1 else first


def _tell_contradictions(first: SiteRecord, other: SiteRecord, notes: Notes) -> None:
    for name, value in other.statics.items():
        here = first.statics.get(name)
        if (
            isinstance(here, float)
            and isinstance(value, float)
            and abs(here - value) > SAME_VALUE * max(abs(here), 1.0)
        ):
            text = f"is {here:g} in {first.label} and {value:g} in {other.label}; the first counts"
            notes.add("conflict", text, first.site_id, name)
    shared, left, right = np.intersect1d(first.days, other.days, return_indices=True)
    if not shared.size:
        return
    for name in set(first.values) & set(other.values):
        one, two = first.values[name][left], other.values[name][right]
        both = np.isfinite(one) & np.isfinite(two)
        differ = both & (np.abs(one - two) > SAME_VALUE * np.maximum(np.abs(one), np.abs(two)))
        if differ.any():
            text = f"differs between {first.label} and {other.label}; the first counts"
            notes.add("conflict", text, first.site_id, name, int(differ.sum()))


def require_datasets(paths: Sequence[Path]) -> None:
    """Raise ImportFault unless there are two files or more."""
    if len(paths) < 2:
        message = "merge: give two datasets or more"
        raise ImportFault(message)
