"""State of a run between two days, in a netCDF file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cftime
import netCDF4
import numpy as np
from numpy.typing import NDArray

from coupler.cli.errors import CommandError
from coupler.cli.time_axis import format_day, parse_day
from foundations.atomic_file import replacing


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
        if site_id is not None and self.site_id is not None:
            what, cells, state_cells = "site", site_id.tolist(), self.site_id.tolist()
        else:
            what, cells, state_cells = "cell", index.tolist(), self.index.tolist()
        row_of = {cell: row for row, cell in enumerate(state_cells)}
        missing = [cell for cell in cells if cell not in row_of]
        if missing:
            message = f"{self.path}: has no state of {what} '{missing[0]}' ({len(missing)} are missing)"
            raise CommandError(message)
        return self.state[[row_of[cell] for cell in cells]]


def write_restart(path: Path, restart: Restart) -> None:
    """Write atomically."""
    with replacing(path) as temporary, netCDF4.Dataset(temporary, "w") as file:
        file.setncatts(
            {
                "title": "state of an ecostep run",
                "artefact_name": restart.name,
                "artefact_sha256": restart.artefact,
                "next_day": format_day(restart.next_day),
                "calendar": restart.calendar,
                "ecostep_restart_version": np.int32(1),
            }
        )
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
        message = f"{path}: {error.strerror or error}"
        raise CommandError(message) from error
    with file:
        file.set_auto_mask(False)
        if getattr(file, "ecostep_restart_version", None) != 1:
            message = f"{path}: is not a restart file of `ecostep run`"
            raise CommandError(message)
        if file.artefact_sha256 != artefact:
            message = (
                f"{path}: holds the state of another artefact, '{file.artefact_name}' ({file.artefact_sha256[:12]})"
            )
            raise CommandError(message)
        if len(file.dimensions["value"]) != state_size:
            message = f"{path}: {len(file.dimensions['value'])} values a cell; the model needs {state_size}"
            raise CommandError(message)
        next_day = parse_day(file.next_day, file.calendar, str(path))
        site_id = np.array(file["site_id"][:], dtype=object) if "site_id" in file.variables else None
        index = np.asarray(file["cell"][:], np.int64)
        state = np.asarray(file["state"][:])
        return Restart(artefact, file.artefact_name, file.calendar, next_day, index, site_id, state, path)
