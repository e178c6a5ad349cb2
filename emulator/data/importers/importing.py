"""An import: files and a mapping to the records of sites, then to a dataset and its report."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from emulator.data.importers.assembling import record_of, variables_of
from emulator.data.importers.completing import complete, only_common_drivers
from emulator.data.importers.dataset_writer import About, write_dataset
from emulator.data.importers.definitions import Described, described
from emulator.data.importers.errors import ImportFault, NoValues
from emulator.data.importers.mapping import Definition, Mapping
from emulator.data.importers.notes import Notes
from emulator.data.importers.preset_files import mapping_text
from emulator.data.importers.readers.reading import read_series
from emulator.data.importers.record_store import RecordStore
from emulator.data.importers.report.contents import Contents, RowsOfSites
from emulator.data.importers.series import SiteSeries
from emulator.data.importers.site_record import SiteRecord
from emulator.data.importers.sites import SiteTable, is_missing, read_sites, statics_of
from emulator.data.importers.targets import Choices

log = logging.getLogger(__name__)

USUAL_STATICS = ("lat", "lon", "elevation", "sand", "clay", "ph", "biome")


@dataclass
class Imported:
    """Records of sites, what was seen on the way, and the rows of the report.

    folder: for what does not fit into memory, default that of the system.
    """

    folder: Path | None = None
    records: RecordStore = field(init=False)
    statics: dict[str, Described] = field(default_factory=dict)
    notes: Notes = field(default_factory=Notes)
    rows: RowsOfSites = field(default_factory=RowsOfSites)

    def __post_init__(self) -> None:
        self.records = RecordStore(self.folder)

    def contents(self, title: str) -> Contents:
        """The report."""
        return self.rows.contents(title, set(self.records.names()), self.notes)


def import_files(
    mapping: Mapping,
    paths: Sequence[Path],
    sites: Path | None = None,
    given: dict[str, float | str] | None = None,
    choices: Choices | None = None,
    folder: Path | None = None,
) -> Imported:
    """Read files by a mapping, site by site. given: properties of the one site, `site_id` its name.

    folder: see `Imported`. Raises ImportFault.
    """
    imported = Imported(folder)
    add_files(imported, mapping, paths, read_sites(sites), given, choices)
    return finished(imported, mapping)


def add_files(
    imported: Imported,
    mapping: Mapping,
    paths: Sequence[Path],
    table: SiteTable,
    given: dict[str, float | str] | None = None,
    choices: Choices | None = None,
) -> None:
    """Add the sites of some files to an import, which `finished` ends."""
    given = dict(given or {})
    notes, variables = imported.notes, variables_of(mapping)
    name = given.pop("site_id", None)
    before = len(imported.records)
    empty: NoValues | None = None
    for parts in read_series(paths, mapping, None if name is None else str(name), notes, imported.folder):
        site_id = parts[0].site_id
        if given and len(imported.records) > before:
            message = f"several sites, but {', '.join(given)} is given for one; use --sites"
            raise ImportFault(message)
        statics = statics_of(site_id, table, mapping, variables, given, parts[0].properties)
        local = [_in_local_time(part, mapping, float(statics["lon"])) for part in parts]
        raw = record_of(local, mapping, variables, statics, notes, choices or Choices())
        try:
            record = complete(raw, notes)
        except NoValues as error:
            empty = empty or error
            notes.add("dropped", "the site: no day has values", site_id)
            continue
        imported.rows.add(raw, record, notes)
        imported.records.add(record)
    if len(imported.records) == before:
        if empty is not None:
            raise empty
        message = f"{paths[0]}: no site of it has a column that changes with time"
        raise ImportFault(message)


def finished(imported: Imported, mapping: Mapping) -> Imported:
    """An import of all its sites: drivers that a site lacks are left out at all, and statics are what any has."""
    outlines = imported.records.outlines
    log.info("%d site%s from %s", len(outlines), "s" if len(outlines) > 1 else "", min(r.days[0] for r in outlines))
    only_common_drivers(imported.records, imported.notes)
    imported.statics = _statics(outlines, mapping, imported.notes)
    return imported


def _in_local_time(series: SiteSeries, mapping: Mapping, lon: float) -> SiteSeries:
    """Sub-daily times in UTC moved to those of the longitude, by whole intervals."""
    if mapping.time.zone == "local" or series.steps_per_day == 1 or series.step is None:
        return series
    steps = round(lon / 15.0 * 3600.0 / series.step)
    return replace(series, starts=series.starts + np.timedelta64(steps * series.step, "s"))


def _statics(records: list[SiteRecord], mapping: Mapping, notes: Notes) -> dict[str, Described]:
    """What is known of any site, besides the place; what is known of none is left out, and said."""
    named = dict.fromkeys((*USUAL_STATICS, *(name for record in records for name in record.statics)))
    statics = {}
    for name in named:
        missing = [record.site_id for record in records if is_missing(record.statics.get(name))]
        if len(missing) == len(records):
            text = "not told for any site, and not assumed; left out. Give it in --sites, or train without it"
            notes.add("absent", text, "", name, len(missing))
            continue
        if missing:
            places = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
            notes.add("absent", f"not told, and not assumed, for {places}", "", name, len(missing))
        about = next((record.variables[name] for record in records if name in record.variables), None)
        definition = mapping.variables[name].definition if name in mapping.variables else Definition()
        statics[name] = about or described(name, definition, None, mapping.name)
    return statics


def write_imported(imported: Imported, mapping: Mapping, paths: Sequence[Path], out: Path) -> None:
    """Write the dataset of an import."""
    files = ", ".join(path.name for path in paths[:5]) + (", ..." if len(paths) > 5 else "")
    about = About(
        title=f"{mapping.name}: {len(imported.records)} site{'s' if len(imported.records) > 1 else ''}",
        institution=mapping.institution,
        source=f"{mapping.description or mapping.name} ({files})",
        history=f"python -m emulator.data.importers {mapping.name}",
        references=mapping.references,
        config=mapping_text(mapping),
    )
    write_dataset(out, imported.records, imported.statics, about)
