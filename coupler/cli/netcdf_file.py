"""Opening of netCDF files by any name, with errors of ours."""

from __future__ import annotations

from pathlib import Path

import netCDF4

from coupler.cli.errors import CommandError
from foundations.file_name import netcdf_name


def open_netcdf(path: Path) -> netCDF4.Dataset:
    """Open a file to read; CommandError with its name and the reason."""
    try:
        with path.open("rb"):
            return netCDF4.Dataset(**netcdf_name(path))
    except OSError as error:
        reason = error.strerror or str(error)
        ours = error.errno is None or error.errno < 0  # netCDF's numbers are negative
        message = f"{path}: {'cannot be read as netCDF, it is truncated or of another format: ' * ours}{reason}"
    except UnicodeError:  # of netCDF4's own message, where the name is not UTF-8
        message = f"{path}: cannot be read as netCDF"
    raise CommandError(message)
