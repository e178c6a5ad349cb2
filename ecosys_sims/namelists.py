"""Writes the namelist of one block of sites with f90nml."""

from pathlib import Path

import f90nml

from ecosys_sims.config import SimulationConfig

CASE_NAME = "block"
SITE_TABLE = "sites.nc"
NAMELIST = "case.nml"


def block_namelist(config: SimulationConfig) -> f90nml.Namelist:
    """The namelist of any block: paths in it are relative to the block's own folder, so that it is the same for all."""
    period = config.period
    groups: dict[str, dict] = {
        "run_ctl": {
            "case_name": CASE_NAME,
            "start_date": f"{period.start_year:04d}-01-01",
            "stop_n": period.years,
            "stop_option": "nyears",
            "calendar": period.calendar,
            "seed": config.seed,
            "fsites": SITE_TABLE,
            "spinup_years": period.spinup_years,
            "outdir": ".",
        },
        "forcing_nl": {"source": "wgen"},
    }
    for group, keys in config.namelist.items():
        groups.setdefault(group, {}).update(keys)
    return f90nml.Namelist(groups)


def write_namelist(namelist: f90nml.Namelist, path: str | Path) -> None:
    """Write it in the usual form: lower case, no trailing commas."""
    namelist.uppercase = False
    namelist.end_comma = False
    namelist.write(str(path), force=True)


def as_text(namelist: f90nml.Namelist) -> str:
    """The namelist as it stands in a file."""
    namelist.uppercase = False
    return str(namelist) + "\n"


def resolved_text(folder: Path) -> str:
    """The namelist with all defaults as the program echoed it, else the one it was given."""
    resolved = folder / f"{CASE_NAME}.nml.resolved"
    return (resolved if resolved.exists() else folder / NAMELIST).read_text()
