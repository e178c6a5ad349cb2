"""The CF netCDF file of daily fluxes that `ecostep run` writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import netCDF4
import numpy as np
from numpy.typing import NDArray

from coupler.cli.alignment import Places
from coupler.cli.forcing import Block, Grid
from coupler.cli.time_axis import format_day
from foundations.netcdf_file import writing

FILL = np.float32(9.96921e36)


class FluxFile:
    """Fluxes over (site, time), or (time, ...) for cells with several dimensions; it takes its name when complete."""

    def __init__(
        self,
        path: Path,
        sources: Sequence[tuple[netCDF4.Dataset, Places]],
        grid: Grid,
        targets: Sequence[tuple[str, str, str]],
        attributes: Mapping[str, str],
        site_id: Sequence[str] | None = None,
    ):
        """Make the file.

        sources: files with coordinates, and where the cells are in them; targets: name, units and long name of each.
        """
        self._grid = grid
        self._coordinates: list[str] = []
        with ExitStack() as stack:
            self._file = stack.enter_context(writing(path))
            self._file.setncatts({"Conventions": "CF-1.11", "title": "daily fluxes of an emulator", **attributes})
            self._make_axes(sources, site_id)
            self._make_variables(targets)
            self._opened = stack.pop_all()

    def __enter__(self) -> FluxFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.__exit__(kind, error, trace)

    def _make_axes(self, sources: Sequence[tuple[netCDF4.Dataset, Places]], site_id: Sequence[str] | None) -> None:
        file, grid, dims = self._file, self._grid, self._grid.dims
        for name, size in zip(dims, grid.shape, strict=True):
            file.createDimension(name, size)
        file.createDimension("time", grid.count)
        file.createDimension("nv", 2)
        time = file.createVariable("time", "f8", ("time",), fletcher32=True)
        time.units, time.calendar = f"days since {format_day(grid.start)} 00:00:00", grid.calendar
        time.setncatts({"standard_name": "time", "axis": "T", "bounds": "time_bnds"})
        time[:] = np.arange(grid.count) + 0.5
        file.createVariable("time_bnds", "f8", ("time", "nv"))[:] = np.arange(grid.count)[:, None] + [0.0, 1.0]
        for source, places in sources:
            for name in ("site_id", "lat", "lon", *dims):
                new = name in source.variables and name not in file.variables
                if new and set(source[name].dimensions) <= set(dims):
                    self._copy(source[name], places)
                    if name not in dims:
                        self._coordinates.append(name)
        if site_id is not None and dims and "site_id" not in file.variables:  # stored otherwise than as strings
            file.createVariable("site_id", str, dims)[:] = np.array(site_id, dtype=object)
            file["site_id"].cf_role = "timeseries_id"
            self._coordinates.append("site_id")
        if "site_id" in file.variables:
            file.featureType = "timeSeries"

    def _copy(self, variable: netCDF4.Variable, places: Places) -> None:
        copy = self._file.createVariable(variable.name, variable.dtype, variable.dimensions)
        keys = [key for key in variable.ncattrs() if key not in ("_FillValue", "role", "coordinates", "bounds")]
        copy.setncatts({key: variable.getncattr(key) for key in keys})
        values = variable[...]
        for axis, dim in enumerate(variable.dimensions):
            values = values if dim not in places else np.take(values, places[dim], axis=axis)
        copy[...] = values

    def _make_variables(self, targets: Sequence[tuple[str, str, str]]) -> None:
        dims = self._grid.dims
        over = (*dims, "time") if len(dims) == 1 else ("time", *dims)
        for name, units, long_name in targets:
            flux = self._file.createVariable(name, "f4", over, fill_value=FILL, zlib=True, complevel=1, fletcher32=True)
            flux.setncatts({"units": units, "long_name": long_name, "cell_methods": "time: mean"})
            if self._coordinates:
                flux.coordinates = " ".join(self._coordinates)

    def write(self, first: int, block: Block, active: NDArray, fluxes: Mapping[str, NDArray]) -> None:
        """Write days from `first` on of some rows; fluxes (days, active cells) by target, the other cells are fill."""
        for name, values in fluxes.items():
            filled = np.full((len(values), block.size), FILL, np.float32)
            filled[:, active] = values
            days = slice(first, first + len(values))
            if len(self._grid.dims) == 1:
                self._file[name][block.rows, days] = filled.T
            elif block.shape:
                self._file[name][days, block.rows] = filled.reshape(len(values), *block.shape)
            else:
                self._file[name][days] = filled[:, 0]
