"""Which reader reads the files of a mapping."""

from collections.abc import Iterator, Sequence
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


def read_series(
    paths: Sequence[Path], mapping: Mapping, site_id: str | None, notes: Notes, folder: Path | None = None
) -> Iterator[list[SiteSeries]]:
    """The series of one site after another; ImportFault for files that are not there or not of the kind.

    folder: for what does not fit into memory, default that of the system.
    """
    for path in paths:
        if not path.exists():
            message = f"{path}: no such file"
            raise ImportFault(message)
    if mapping.reader == "table":
        yield from read_tables(paths, mapping, site_id)
    elif mapping.reader == "ecosys":
        yield read_ecosys(paths, site_id, notes)
    elif mapping.reader == "grid":
        yield from read_grids(paths, mapping, site_id, notes, folder)
    elif mapping.reader == "dssat":
        yield from ([series] for series in read_dssat(paths, site_id))
    elif mapping.reader == "tem":
        yield from read_tem(paths, site_id, notes, folder)
    else:
        message = f"{mapping.name}: no reader {mapping.reader}"
        raise ImportFault(message)
