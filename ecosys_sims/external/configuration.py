"""What an ensemble of an external simulator is: its case, its sites, its weather."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class ExternalConfig(BaseModel):
    """An ensemble. Paths are relative to the folder in which the command is given.

    case: a folder with a case that works for one site; in its files that `fill` matches, `{site_id}`, `{lat}`, `{lon}`,
        `{elevation}`, `{first_year}`, `{last_year}` and any column of the table of sites are replaced.
    sites: table (CSV) with site_id, lat, lon and whatever the case needs. forcing: a forcing file (docs/formats.md,
        section 4) with these sites, written as weather of the simulator; without it the case brings its own.
    arguments, outputs, preset: in place of those of the simulator.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    simulator: Literal["ecosys", "ecosim", "noahmp"]
    case: Path
    sites: Path
    first_year: int
    last_year: int
    forcing: Path | None = None
    fill: tuple[str, ...] = ("*.namelist", "*.nml", "namelist.*", "run", "*.txt")
    arguments: tuple[str, ...] | None = None
    outputs: tuple[str, ...] | None = None
    preset: str | None = None
    timeout_s: float | None = Field(default=None, gt=0.0)
