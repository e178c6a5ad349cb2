"""Writes the namelist of a run with f90nml."""

from pathlib import Path

import f90nml

NAMELIST = "case.nml"
SITE_TABLE = "sites.nc"


def write_namelist(namelist: f90nml.Namelist, path: str | Path) -> None:
    """Write it in the usual form: lower case, no trailing commas."""
    namelist.uppercase = False
    namelist.end_comma = False
    namelist.write(str(path), force=True)


def as_text(namelist: f90nml.Namelist) -> str:
    """The namelist as it stands in a file."""
    namelist.uppercase = False
    return str(namelist) + "\n"


def resolved_text(folder: Path, case_name: str) -> str:
    """The namelist of a run with all defaults as the program echoed it, else the one it was given."""
    resolved = folder / f"{case_name}.nml.resolved"
    return (resolved if resolved.exists() else folder / NAMELIST).read_text()
