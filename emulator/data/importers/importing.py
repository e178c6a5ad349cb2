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
from emulator.data.importers.errors import ImportFault
from emulator.data.importers.mapping import Definition, Mapping
from emulator.data.importers.notes import Notes
from emulator.data.importers.preset_files import mapping_text
from emulator.data.importers.readers.reading import read_series
from emulator.data.importers.series import SiteSeries
from emulator.data.importers.site_record import SiteRecord
from emulator.data.importers.sites import is_missing, read_sites, statics_of
from emulator.data.importers.targets import Choices

log = logging.getLogger(__name__)

USUAL_STATICS = ("lat", "lon", "elevation", "sand", "clay", "ph", "biome")


@dataclass(frozen=True)
class Imported:
    """Records of sites, what the statics are, and what was seen on the way."""

    records: list[SiteRecord]
    statics: dict[str, Described]
    notes: Notes
    raw: list[SiteRecord] = field(default_factory=list)


def import_files(
    mapping: Mapping,
    paths: Sequence[Path],
    sites: Path | None = None,
    given: dict[str, float | str] | None = None,
    choices: Choices | None = None,
) -> Imported:
    """Read files by a mapping. given: properties of the one site, `site_id` its name. Raises ImportFault."""
    given = dict(given or {})
    notes = Notes()
    name = given.pop("site_id", None)
    series = read_series(paths, mapping, None if name is None else str(name), notes)
    by_site: dict[str, list[SiteSeries]] = {}
    for part in series:
        by_site.setdefault(part.site_id, []).append(part)
    if given and len(by_site) > 1:
        message = f"{len(by_site)} sites, but {', '.join(given)} is given for one; use --sites"
        raise ImportFault(message)
    table = read_sites(sites)
    variables = variables_of(mapping)
    raw = []
    for site_id, parts in by_site.items():
        statics = statics_of(site_id, table, mapping, variables, given, parts[0].properties)
        local = [_in_local_time(part, mapping, float(statics["lon"])) for part in parts]
        raw.append(record_of(local, mapping, variables, statics, notes, choices or Choices()))
    log.info("%d site%s from %s", len(raw), "s" if len(raw) > 1 else "", min(record.days[0] for record in raw))
    records = complete(raw, notes)
    return Imported(records, _statics(records, mapping, notes), notes, raw)


def join_imports(parts: Sequence[Imported]) -> Imported:
    """Imports of one mapping as one: drivers that a site lacks are left out at all."""
    notes = Notes([note for part in parts for note in part.notes.lines])
    records = only_common_drivers([record for part in parts for record in part.records], notes)
    statics = {name: about for part in parts for name, about in part.statics.items()}
    return Imported(records, statics, notes, [record for part in parts for record in part.raw])


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
    write_dataset(
        out, [replace(record, values=_float32(record.values)) for record in imported.records], imported.statics, about
    )


def _float32(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: series.astype(np.float32) for name, series in values.items()}
