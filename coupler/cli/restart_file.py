"""State of a run between two days, in a netCDF file."""

from __future__ import annotations

import hashlib
import json
import logging
import zlib
from dataclasses import dataclass
from pathlib import Path

import cftime
import netCDF4
import numpy as np
from numpy.typing import NDArray

from coupler.cli.alignment import Cells, by_place
from coupler.cli.errors import CommandError
from coupler.cli.netcdf_file import open_netcdf
from coupler.cli.time_axis import format_day, parse_day
from foundations.cf_calendar import calendar_of
from foundations.netcdf_file import writing

log = logging.getLogger(__name__)
CHECKSUM = "state_checksum"


@dataclass(frozen=True)
class Restart:
    """State rows (N, state_size) of cells known by site_id, by latitude and longitude, or by their place in a grid.

    shape: sizes of the whole grid; None in files of earlier versions, which held no coordinates either.
    """

    artefact: str
    name: str
    calendar: str
    next_day: cftime.datetime
    index: NDArray[np.int64]
    site_id: NDArray | None
    state: NDArray[np.float32]
    lat: NDArray[np.float64] | None = None
    lon: NDArray[np.float64] | None = None
    shape: tuple[int, ...] | None = None
    path: Path | None = None

    def rows(self, index: NDArray, cells: Cells) -> NDArray[np.float32]:
        """The rows of the cells at some places of the drivers' grid; CommandError where they cannot be matched."""
        chosen = cells.at(index)
        if chosen.site_id is None or self.site_id is None:
            return self.state[self._row_of_places(index, chosen, cells)]
        row_of = {name: row for row, name in enumerate(self.site_id.tolist())}
        missing = [name for name in chosen.site_id if name not in row_of]
        if missing:
            message = f"{self.path}: has no state of site '{missing[0]}' ({len(missing)} are missing)"
            raise CommandError(message)
        rows = np.array([row_of[name] for name in chosen.site_id], np.int64)
        if far := chosen.far_from(self.lat, self.lon, rows):
            message = f"{self.path}: site '{far}' is at another place than in {cells.path}; rename one of them"
            raise CommandError(message)
        return self.state[rows]

    def _row_of_places(self, index: NDArray, chosen: Cells, cells: Cells) -> NDArray[np.int64]:
        """Rows of cells without names: by coordinates, or by place where neither side has any."""
        if self.lat is not None and self.lon is not None and chosen.lat is not None and chosen.lon is not None:
            whole = Cells(self.path or Path(), (len(self.index),), None, self.lat, self.lon, {})
            return by_place(chosen, whole, whole=False)
        if self.shape is not None and (self.lat is not None or chosen.lat is not None or self.shape != cells.shape):
            message = (
                f"{self.path}: which of its cells are those of {cells.path} cannot be told; both need site_id, or "
                "latitudes and longitudes"
            )
            raise CommandError(message)
        row_of = {place: row for row, place in enumerate(self.index.tolist())}
        missing = [place for place in index.tolist() if place not in row_of]
        if missing:
            message = f"{self.path}: has no state of cell '{missing[0]}' ({len(missing)} are missing)"
            raise CommandError(message)
        return np.array([row_of[place] for place in index.tolist()], np.int64)


def write_restart(path: Path, restart: Restart) -> None:
    """Write atomically."""
    with writing(path) as file:
        file.setncatts(
            {
                "title": "state of an ecostep run",
                "artefact_name": restart.name,
                "artefact_sha256": restart.artefact,
                "next_day": format_day(restart.next_day),
                "calendar": restart.calendar,
                "ecostep_restart_version": np.int32(1),
                "fingerprint": _fingerprint(restart),
            }
        )
        if restart.shape:
            file.grid_shape = np.array(restart.shape, np.int64)
        file.createDimension("cell", len(restart.index))
        file.createDimension("value", restart.state.shape[1])
        file.createVariable("cell", "i8", ("cell",))[:] = restart.index
        if restart.site_id is not None:
            file.createVariable("site_id", str, ("cell",))[:] = restart.site_id
        for name, values, units in (("lat", restart.lat, "degrees_north"), ("lon", restart.lon, "degrees_east")):
            if values is not None:
                coordinate = file.createVariable(name, "f8", ("cell",), fill_value=False)
                coordinate.units = units
                coordinate[:] = values
        state = file.createVariable("state", "f4", ("cell", "value"), fill_value=False)
        state.long_name = "memory of the emulator, one row a cell"
        state[:] = restart.state
        checksum = file.createVariable(CHECKSUM, "u4", ("cell",), fill_value=False)
        checksum.long_name = "CRC-32 of the cell's state, its numbers as little-endian bytes"
        checksum[:] = state_checksums(restart.state)


def read_restart(path: Path, artefact: str, state_size: int) -> Restart:
    """Read; CommandError where the file is of another artefact, or not as it was written."""
    with open_netcdf(path) as file:
        file.set_auto_mask(False)
        if getattr(file, "ecostep_restart_version", None) != 1:
            message = f"{path}: is not a restart file of `ecostep run`"
            raise CommandError(message)
        try:
            restart = _restart(path, file)
            fingerprint = getattr(file, "fingerprint", None)
            checksums = np.asarray(file[CHECKSUM][:]) if CHECKSUM in file.variables else None
            _require_shapes(restart, checksums)
        except (AttributeError, IndexError, KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
            message = f"{path}: is damaged ({error}); write it again with --restart-out"
            raise CommandError(message) from error
    if restart.artefact != artefact:
        message = f"{path}: holds the state of another artefact, '{restart.name}' ({restart.artefact[:12]})"
        raise CommandError(message)
    if restart.state.shape[1] != state_size:
        message = f"{path}: {restart.state.shape[1]} values a cell; the model needs {state_size}"
        raise CommandError(message)
    _require_state(path, restart, checksums)
    if checksums is None and fingerprint is None:
        log.warning("%s: holds no checksums, as of an earlier version: damage of its state would not be seen", path)
    if fingerprint is not None and fingerprint != _fingerprint(restart):
        message = f"{path}: is damaged, its content is not what was written; write it again with --restart-out"
        raise CommandError(message)
    return restart


def state_checksums(state: NDArray[np.float32]) -> NDArray[np.uint32]:
    """Checksum (N,) of each state row (N, state_size), as of ecostep_state_checksum."""
    return np.array([zlib.crc32(row.tobytes()) for row in np.asarray(state, "<f4")], np.uint32)


def _require_shapes(restart: Restart, checksums: NDArray[np.uint32] | None) -> None:
    """ValueError where the variables of a file are not of the same cells."""
    of_cells = (restart.index, restart.site_id, restart.lat, restart.lon, checksums)
    if restart.state.ndim != 2 or any(v is not None and v.shape != restart.state.shape[:1] for v in of_cells):
        message = f"its variables are not of the same cells: 'state' has shape {restart.state.shape}"
        raise ValueError(message)


def _require_state(path: Path, restart: Restart, checksums: NDArray[np.uint32] | None) -> None:
    """CommandError naming the first cell whose state is not what its checksum says, or holds NaN."""
    damaged = ~np.isfinite(restart.state).all(axis=1)
    if checksums is not None:
        damaged |= state_checksums(restart.state) != checksums
    if not damaged.any():
        return
    row = int(np.argmax(damaged))
    cell = f"site '{restart.site_id[row]}'" if restart.site_id is not None else f"cell {restart.index[row]}"
    message = (
        f"{path}: the state of {cell} is damaged, it is not what was written ({int(damaged.sum())} such cells); "
        "write it again with --restart-out"
    )
    raise CommandError(message)


def _restart(path: Path, file: netCDF4.Dataset) -> Restart:
    site_id = np.array(file["site_id"][:], dtype=object) if "site_id" in file.variables else None
    lat, lon = (np.asarray(file[name][:]) if name in file.variables else None for name in ("lat", "lon"))
    shape = getattr(file, "grid_shape", None)
    return Restart(
        str(file.artefact_sha256), str(file.artefact_name), str(file.calendar),
        parse_day(str(file.next_day), calendar_of(file.calendar), str(path)),
        np.asarray(file["cell"][:], np.int64), site_id, np.asarray(file["state"][:]), lat, lon,
        None if shape is None else tuple(int(size) for size in np.atleast_1d(shape)), path,
    )  # fmt: skip


def _fingerprint(restart: Restart) -> str:
    """SHA-256 of all that a restart says."""
    digest = hashlib.sha256()
    sites = [] if restart.site_id is None else [str(name) for name in restart.site_id]
    digest.update(
        json.dumps(
            [restart.artefact, restart.name, restart.calendar, format_day(restart.next_day), restart.shape, sites]
        ).encode()
    )
    for values in (restart.index, restart.lat, restart.lon, restart.state):
        digest.update(b"" if values is None else np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()
