"""netCDF files, read and written: whatever is wrong with one is told by its name, never by a library's error."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import netCDF4

from foundations.atomic_file import replacing
from foundations.file_faults import DamagedFile, FileFault
from foundations.file_name import netcdf_name
from foundations.file_seal import is_as_sealed, seal
from foundations.hdf5_structure import structural_damage
from foundations.zarr_dataset import ZarrDataset, is_store

RESTORE = "restore it from a copy, or make it again"


@contextmanager
def writing(path: str | Path) -> Iterator[netCDF4.Dataset]:
    """Make a file of the format NETCDF4 that is complete, with a checksum at its end, or absent (`replacing`)."""
    with replacing(path) as temporary:
        with netCDF4.Dataset(**netcdf_name(temporary), mode="w", format="NETCDF4") as file:
            yield file
        seal(temporary)


@contextmanager
def reading(path: str | Path, remedy: str = RESTORE) -> Iterator[netCDF4.Dataset]:
    """Open a file, or a Zarr store, to read, and close it.

    DamagedFile, naming it and the `remedy`, where it cannot be read as expected. So are told, within the context too: a
    file that is cut short or of another format, data whose checksum does not fit, a variable or attribute that is
    missing, and names that are not UTF-8. FileFault where there is no such file.
    """
    path = Path(path)
    if path.is_dir() and is_store(path):
        with ZarrDataset(path) as store:
            yield cast("netCDF4.Dataset", store)
        return
    try:
        refuse_damaged(path, remedy)
        with path.open("rb"), netCDF4.Dataset(**netcdf_name(path)) as file:
            yield file
    except FileFault:
        raise
    except (OSError, RuntimeError, IndexError, AttributeError, KeyError, UnicodeError, MemoryError) as error:
        explained = _explained(path, error, remedy)
        if explained is None:
            raise
        raise explained from None


def refuse_damaged(path: Path, remedy: str = RESTORE) -> None:
    """DamagedFile for a file that its checksum tells is damaged, or that a library would fail on without a word."""
    if not is_as_sealed(path):
        raise DamagedFile(path, "is damaged: it does not fit the checksum at its end", remedy)
    damage = structural_damage(path)
    if damage:
        raise DamagedFile(path, damage, remedy)


def _explained(path: Path, error: Exception, remedy: str) -> FileFault | None:
    """The error of a library as a fault of the file; None where it is about something else."""
    text = str(error)
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        named = error.filename is None or Path(error.filename) == path
        return FileFault(error.errno, f"{path}: cannot be read: {error.strerror}") if named else None
    if isinstance(error, OSError | RuntimeError | MemoryError):
        if isinstance(error, RuntimeError) and not text.startswith("NetCDF:"):
            return None
        reason = text or "it asks for too much memory"
        fault = f"cannot be read as netCDF, it is truncated, damaged or of another format ({reason})"
        return DamagedFile(path, fault, remedy)
    if isinstance(error, IndexError) and " not found in " in text:
        return DamagedFile(path, f"has no variable '{text.partition(' ')[0]}'", remedy)
    if isinstance(error, AttributeError) and text.startswith("NetCDF:"):
        return DamagedFile(path, "lacks an attribute of a variable, such as its units", remedy)
    if isinstance(error, KeyError) and len(error.args) == 1 and isinstance(error.args[0], str):
        return DamagedFile(path, f"has no variable or dimension '{error.args[0]}'", remedy)
    if isinstance(error, UnicodeError):
        return DamagedFile(path, "has a name or text that is not UTF-8", remedy)
    return None
