"""CF netCDF and Zarr files: grids, unstructured cells, points, columns and patches of land models; one file or many."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import cftime
import numpy as np
import xarray

from emulator.data.importers.errors import ImportFault
from emulator.data.importers.mapping import Mapping
from emulator.data.importers.notes import Notes
from emulator.data.importers.readers.asked import asked_names
from emulator.data.importers.readers.cell_columns import SLAB_VALUES, CellColumns
from emulator.data.importers.readers.cells import Cells, cells_of
from emulator.data.importers.readers.stamps import SHORTEST_MONTH, to_start
from emulator.data.importers.series import SiteSeries, interval
from foundations.cf_calendar import calendar_of
from foundations.file_faults import FileFault
from foundations.netcdf_file import refuse_damaged

TIMES = ("time", "Time", "valid_time")
WRITTEN_TIMES = ("Times", "times")
DAY_IN = {"day": 1.0, "hour": 24.0, "minute": 1440.0, "second": 86400.0}
SAME_PLACE, FINEST = 4, 6
"""Decimals of a degree within which cells of two files are the same, and of names of cells that are very near."""


@dataclass
class Gathered:
    """All files: series by column, values that do not change, units, and the cells by their key."""

    columns: CellColumns
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    cells: Cells | None = None
    calendar: str = "standard"
    order_assumed: str = ""


def read_grids(
    paths: Sequence[Path], mapping: Mapping, site_id: str | None, notes: Notes, folder: Path | None = None
) -> Iterator[list[SiteSeries]]:
    """The columns of one cell after another that has values; ImportFault where no file has a variable of the mapping.

    Files are read once, in order of time, and turned round to series of cells; what of these does not fit into memory
    lies in a temporary file of `folder`.
    """
    gathered = Gathered(CellColumns(folder))
    names = asked_names(mapping)
    for path in paths:
        with _opened(path) as file:
            _add_file(gathered, file, path, mapping, names)
    if gathered.cells is None or not (gathered.columns.names or gathered.constants):
        message = f"{paths[0]}: has none of the variables of {mapping.name} ({', '.join(names[:8])} ...)"
        raise ImportFault(message)
    yield from _sites(gathered, paths, site_id, notes)


def _opened(path: Path) -> xarray.Dataset:
    try:
        if path.is_dir():
            return xarray.open_zarr(path, decode_times=False, consolidated=False)
        refuse_damaged(path)
        return xarray.open_dataset(path, decode_times=False, engine="netcdf4")
    except FileFault:
        raise
    except (OSError, ValueError, RuntimeError, KeyError, ImportError) as error:
        message = f"{path}: cannot be read as netCDF or Zarr: {str(error).splitlines()[0]}"
        raise ImportFault(message) from None


def _add_file(gathered: Gathered, file: xarray.Dataset, path: Path, mapping: Mapping, names: list[str]) -> None:
    present = [name for name in names if name in file.variables]
    if not present:
        return
    starts = _starts(file, path, mapping)
    for name in present:
        variable = _selected(file[name], name, mapping, path)
        time = next((dim for dim in variable.dims if str(dim) in (*TIMES, *WRITTEN_TIMES, *_time_dims(file))), None)
        space = [str(dim) for dim in variable.dims if dim != time]
        if "units" in variable.attrs:
            units = str(variable.attrs["units"])
            if gathered.units.setdefault(name, units) != units:
                message = f"{path}: {name}: units are '{units}', in a file before '{gathered.units[name]}'; convert one"
                raise ImportFault(message)
        if time is None:
            cells, values = cells_of(file, variable, time, space, path)
            gathered.constants[name] = _in_order(gathered, cells, values, path, name)[0]
            continue
        if starts is None:
            message = f"{path}: {name} changes with time, but there is no coordinate of time"
            raise ImportFault(message)
        gathered.calendar = starts[1]
        length = variable.sizes[time]
        slab = max(1, SLAB_VALUES * length // max(variable.size, 1))
        for first in range(0, length, slab):
            part = variable.isel({time: slice(first, first + slab)})
            cells, values = cells_of(file, part, time, space, path)
            values = _in_order(gathered, cells, values, path, name)
            gathered.columns.add(name, starts[0][first : first + slab], values)


def _time_dims(file: xarray.Dataset) -> tuple[str, ...]:
    """Dimensions of the variables of time, which may have another name than they."""
    names = [name for name in (*TIMES, *WRITTEN_TIMES) if name in file.variables]
    return tuple(str(file[name].dims[0]) for name in names if file[name].dims)


def _selected(variable: xarray.DataArray, name: str, mapping: Mapping, path: Path) -> xarray.DataArray:
    """The layers that the mapping selects; dimensions of length 1 fall away."""
    for source in mapping.variables.values():
        columns = [source, *source.inputs.values()]
        for column in columns:
            if column.select and name in (*column.column, *(term.removeprefix("-") for term in column.sum)):
                for dim, index in column.select.items():
                    if dim in variable.dims:
                        if not -variable.sizes[dim] <= index < variable.sizes[dim]:
                            message = (
                                f"{path}: {name}: dimension {dim} has {variable.sizes[dim]} values, there is no {index}"
                            )
                            raise ImportFault(message)
                        variable = variable.isel({dim: index})
    return variable


def _starts(file: xarray.Dataset, path: Path, mapping: Mapping) -> tuple[np.ndarray, str] | None:
    """Beginnings (T,) of the intervals and their calendar; None for a file without time."""
    written = next((name for name in WRITTEN_TIMES if name in file.variables), None)
    name = next((name for name in TIMES if name in file.variables and "units" in file[name].attrs), None)
    if name is None and written is None:
        return None
    if name is None:
        stamps = _written_times(file[str(written)], path)
        return (stamps if mapping.time.stamp == "start" else stamps - to_start(stamps, mapping.time.stamp)), "standard"
    return _coded_times(file, name, path, mapping.time.stamp)


def _coded_times(file: xarray.Dataset, name: str, path: Path, stamp: str) -> tuple[np.ndarray, str]:
    """Beginnings of intervals by CF: the lower bounds where there are any, else by what the stamps tell.

    They are moved before they become dates, so that the day before 1 March is one of the calendar.
    """
    time = file[name]
    units, calendar = str(time.attrs["units"]), str(time.attrs.get("calendar", "standard"))
    bounds = next((b for b in (time.attrs.get("bounds"), time.attrs.get("climatology")) if b in file.variables), None)
    if bounds:
        return dates_of(np.ravel(np.asarray(file[bounds].values)[..., 0]), units, calendar, f"{path}: {name}")
    values = np.ravel(np.asarray(time.values)).astype(float)
    day = DAY_IN.get(units.split(maxsplit=1)[0].lower().rstrip("s"), 1.0)
    length = float(np.median(np.diff(values))) if len(values) > 1 else day
    long = length >= SHORTEST_MONTH * day
    if stamp != "start":
        values = values - (day if long else length) * (1.0 if stamp == "end" else 0.0 if long else 0.5)
    stamps, calendar = dates_of(values, units, calendar, f"{path}: {name}")
    return (stamps.astype("datetime64[M]").astype("datetime64[s]") if long else stamps), calendar


def dates_of(values: np.ndarray, units: str, calendar: str, where: str) -> tuple[np.ndarray, str]:
    """Numpy datetimes (T,) in seconds of CF times, and the calendar, `standard` or `noleap`; ImportFault for others."""
    try:
        calendar = calendar_of(calendar)
    except ValueError as error:
        message = f"{where}: {error}"
        raise ImportFault(message) from None
    if calendar not in ("standard", "proleptic_gregorian", "noleap"):
        message = f"{where}: calendar {calendar} has days that a dataset cannot have; convert it to noleap first"
        raise ImportFault(message)
    try:
        dates = np.atleast_1d(cftime.num2date(values, units, calendar, only_use_cftime_datetimes=True))
    except (ValueError, OverflowError) as error:
        message = f"{where}: units '{units}' are not understood ({error})"
        raise ImportFault(message) from None
    rounded = dates + timedelta(seconds=0.5)  # 00:29:59.999999 is half past
    stamps = np.array([np.datetime64(date.strftime("%Y-%m-%dT%H:%M:%S"), "s") for date in rounded])
    return stamps, "noleap" if calendar == "noleap" else "standard"


def _written_times(variable: xarray.DataArray, path: Path) -> np.ndarray:
    """Times as text, `2001-01-31_06:00:00`."""
    text = np.asarray(variable.values)
    if text.dtype.kind == "S" and text.ndim > 1:
        text = np.array([row.tobytes() for row in text])
    texts = [t.decode() if isinstance(t, bytes) else str(t) for t in np.ravel(text)]
    try:
        return np.array([np.datetime64(t.strip("\0 ").replace("_", "T"), "s") for t in texts])
    except ValueError:
        message = f"{path}: {variable.name}: {texts[0]!r} is not a time such as 2001-01-31_06:00:00"
        raise ImportFault(message) from None


def _in_order(gathered: Gathered, cells: Cells, values: np.ndarray, path: Path, name: str) -> np.ndarray:
    """Values (T, N) in the order of the cells that came first."""
    if gathered.cells is None:
        gathered.cells = cells
        return values
    known = gathered.cells
    if known.keys(SAME_PLACE) == cells.keys(SAME_PLACE):
        return values
    if len(cells) == len(known) > 1 and not (_is_told(cells) and _is_told(known)):
        gathered.order_assumed = f"{path.name}: {name}"
        gathered.cells = cells if _is_told(cells) else known
        return values
    if len(cells) == 1 and not _is_told(cells):  # one value for all cells, such as CO2
        return np.repeat(values, len(known), axis=1)
    if len(known) == 1 and not known.located:
        gathered.cells = cells
        gathered.constants = {key: np.repeat(old, len(cells)) for key, old in gathered.constants.items()}
        gathered.columns.spread(len(cells))
        return values
    place = {key: position for position, key in enumerate(cells.keys(SAME_PLACE))}
    missing = [key for key in known.keys(SAME_PLACE) if key not in place]
    if missing:
        message = (
            f"{path}: {name}: its cells are others than those of the variables before; {missing[0]} is not among them"
        )
        raise ImportFault(message)
    return values[:, [place[key] for key in known.keys(SAME_PLACE)]]


def _is_told(cells: Cells) -> bool:
    """Whether a file tells which cells these are."""
    return cells.located or bool(cells.names)


def _sites(gathered: Gathered, paths: Sequence[Path], site_id: str | None, notes: Notes) -> Iterator[list[SiteSeries]]:
    cells = gathered.cells
    if cells is None:
        return
    label = str(paths[0]) + (f" and {len(paths) - 1} more" if len(paths) > 1 else "")
    if gathered.order_assumed:
        text = f"some files do not tell the places of their cells ({gathered.order_assumed}); taken in the same order"
        notes.add("assumed", text)
    used = gathered.columns.with_values(len(cells))
    if not used.all():
        notes.add("dropped", "cells without values, as of the sea", count=int((~used).sum()))
    if not used.any():
        message = f"{label}: no cell has values"
        raise ImportFault(message)
    names = [site_id] if site_id is not None and used.sum() == 1 else _names(cells, np.flatnonzero(used), label)
    name_of = dict(zip(np.flatnonzero(used).tolist(), names, strict=True))
    for first, groups in gathered.columns.blocks(len(cells)):
        if not groups:
            return
        steps = [interval(starts, label) for starts, _ in groups]
        count = len(next(iter(groups[0][1].values())))
        for row in range(count):
            cell = first + row
            if cell not in name_of:
                continue
            constants = {key: float(values[cell]) for key, values in gathered.constants.items()}
            yield [
                SiteSeries(
                    name_of[cell], label, starts, step, {key: np.asarray(v[row], float) for key, v in columns.items()},
                    units=gathered.units, properties=cells.place(cell), calendar=gathered.calendar, constants=constants,
                )
                for (starts, columns), step in zip(groups, steps, strict=True)
            ]  # fmt: skip


def _names(cells: Cells, used: np.ndarray, label: str) -> list[str]:
    """Names of cells, which are unique; ImportFault where those of the file are not, or two cells are at one place."""
    names: list[str] = []
    for decimals in (3, FINEST):
        names = [cells.name(int(cell), decimals) for cell in used]
        if len(set(names)) == len(names):
            return names
    twice = next(name for place, name in enumerate(names) if name in names[:place])
    message = f"{label}: the cell {twice} is there twice; names and places must be unique"
    raise ImportFault(message)
