"""Opening of netCDF files by any name, with errors of ours."""

from __future__ import annotations

from pathlib import Path

import netCDF4

from coupler.cli.errors import CommandError
from foundations.file_faults import DamagedFile, FileFault
from foundations.file_name import netcdf_name
from foundations.file_seal import is_as_sealed
from foundations.hdf5_structure import structural_damage


def open_netcdf(path: Path) -> netCDF4.Dataset:
    """Open a file to read; CommandError with its name and the reason."""
    remedy = "restore it from a copy, or make it again"
    try:
        if not is_as_sealed(path):
            raise DamagedFile(path, "is damaged: it does not fit the checksum at its end", remedy)
        damage = structural_damage(path)
        if damage:
            raise DamagedFile(path, damage, remedy)
        with path.open("rb"):
            return netCDF4.Dataset(**netcdf_name(path))
    except FileFault as error:
        message = str(error)
    except OSError as error:
        reason = error.strerror or str(error)
        ours = error.errno is None or error.errno < 0  # netCDF's numbers are negative
        message = f"{path}: {'cannot be read as netCDF, it is truncated or of another format: ' * ours}{reason}"
    except (RuntimeError, MemoryError) as error:
        message = f"{path}: cannot be read as netCDF, it is truncated or damaged ({error})"
    except UnicodeError:  # of netCDF4's own message, where the name is not UTF-8
        message = f"{path}: cannot be read as netCDF"
    raise CommandError(message)
