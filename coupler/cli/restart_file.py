"""State of a run between two days, in a netCDF file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import cftime
import netCDF4
import numpy as np
from numpy.typing import NDArray

from coupler.cli.command import CommandError
from coupler.cli.files import replacing
from coupler.cli.forcing import parse_day, show


@dataclass(frozen=True)
class Restart:
    """State rows (N, state_size) of cells known by their place in the grid, and by site_id where there is one."""

    artefact: str
    name: str
    calendar: str
    next_day: cftime.datetime
    index: NDArray[np.int64]
    site_id: NDArray | None
    state: NDArray[np.float32]
    path: Path | None = None

    def rows(self, index: NDArray, site_id: NDArray | None) -> NDArray[np.float32]:
        """The rows of some cells, by site_id where both sides have one."""
        by_site = self.site_id is not None and site_id is not None
        wanted, there = (site_id, self.site_id) if by_site else (index, self.index)
        places = {key: i for i, key in enumerate(there.tolist())}
        missing = [key for key in wanted.tolist() if key not in places]
        if missing:
            what = "site" if by_site else "cell"
            raise CommandError(f"{self.path}: has no state of {what} '{missing[0]}' ({len(missing)} are missing)")
        return self.state[[places[key] for key in wanted.tolist()]]


def file_sha256(path: Path) -> str:
    """Checksum of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def write_restart(path: Path, restart: Restart) -> None:
    """Write atomically."""
    with replacing(path) as temporary, netCDF4.Dataset(temporary, "w") as file:
        file.setncatts({
            "title": "state of an ecostep run", "artefact_name": restart.name, "artefact_sha256": restart.artefact,
            "next_day": show(restart.next_day), "calendar": restart.calendar, "ecostep_restart_version": np.int32(1),
        })  # fmt: skip
        file.createDimension("cell", len(restart.index))
        file.createDimension("value", restart.state.shape[1])
        file.createVariable("cell", "i8", ("cell",))[:] = restart.index
        if restart.site_id is not None:
            file.createVariable("site_id", str, ("cell",))[:] = restart.site_id
        state = file.createVariable("state", "f4", ("cell", "value"), fill_value=False)
        state.long_name = "memory of the emulator, one row a cell"
        state[:] = restart.state


def read_restart(path: Path, artefact: str, state_size: int) -> Restart:
    """Read; CommandError where the file is of another artefact."""
    try:
        file = netCDF4.Dataset(path)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror or error}") from error
    with file:
        file.set_auto_mask(False)
        if getattr(file, "ecostep_restart_version", None) != 1:
            raise CommandError(f"{path}: is not a restart file of `ecostep run`")
        if file.artefact_sha256 != artefact:
            raise CommandError(
                f"{path}: holds the state of another artefact, '{file.artefact_name}' ({file.artefact_sha256[:12]})"
            )
        if len(file.dimensions["value"]) != state_size:
            raise CommandError(f"{path}: {len(file.dimensions['value'])} values a cell; the model needs {state_size}")
        next_day = parse_day(file.next_day, file.calendar, str(path))
        site_id = np.array(file["site_id"][:], dtype=object) if "site_id" in file.variables else None
        index = np.asarray(file["cell"][:], np.int64)
        return Restart(
            artefact, file.artefact_name, file.calendar, next_day, index, site_id, np.asarray(file["state"][:]), path
        )
