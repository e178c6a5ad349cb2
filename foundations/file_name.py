"""Names of files as users have them: bytes, which are not always UTF-8."""

import os
from pathlib import Path
from typing import TypedDict


class NetcdfName(TypedDict):
    """The arguments of `netCDF4.Dataset` that name a file."""

    filename: str
    encoding: str


def netcdf_name(path: str | Path) -> NetcdfName:
    """The arguments by which `netCDF4.Dataset(**netcdf_name(path))` opens exactly the bytes of a file's name."""
    return {"filename": os.fsencode(path).decode("latin-1"), "encoding": "latin-1"}


def printable(name: str | Path) -> str:
    """A file's name as text of UTF-8, for attributes and reports; bytes that are none are written as \\\\xNN."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
