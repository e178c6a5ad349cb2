"""Which reader reads the files of a mapping."""

from collections.abc import Sequence
from pathlib import Path

from emulator.data.importers.errors import ImportFault
from emulator.data.importers.mapping import Mapping
from emulator.data.importers.notes import Notes
from emulator.data.importers.readers.dssat import read_dssat
from emulator.data.importers.readers.ecosys_output import read_ecosys
from emulator.data.importers.readers.gridded import read_grids
from emulator.data.importers.readers.table import read_tables
from emulator.data.importers.readers.tem import read_tem
from emulator.data.importers.series import SiteSeries


def read_series(paths: Sequence[Path], mapping: Mapping, site_id: str | None, notes: Notes) -> list[SiteSeries]:
    """The columns of each site in the files; ImportFault for files that are not there or not of the kind."""
    for path in paths:
        if not path.exists():
            message = f"{path}: no such file"
            raise ImportFault(message)
    if mapping.reader == "table":
        return read_tables(paths, mapping, site_id)
    if mapping.reader == "ecosys":
        return read_ecosys(paths, site_id, notes)
    if mapping.reader == "grid":
        return read_grids(paths, mapping, site_id, notes)
    if mapping.reader == "dssat":
        return read_dssat(paths, site_id)
    if mapping.reader == "tem":
        return read_tem(paths, site_id, notes)
    message = f"{mapping.name}: no reader {mapping.reader}"
    raise ImportFault(message)
