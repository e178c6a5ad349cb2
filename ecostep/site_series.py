"""Any Dataset of drivers as series of sites: points or a grid, in whatever order its dimensions are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from ecostep.errors import DataError
from foundations.site_names import site_names

UNITS = {"lat": "degrees_north", "lon": "degrees_east"}
LATITUDE = ("lat", "latitude", "degrees_north")
LONGITUDE = ("lon", "longitude", "degrees_east")
KEPT_ATTRIBUTES = (
    "units", "long_name", "standard_name", "cell_methods", "role", "analysis_units", "minimum", "maximum", "valid_min",
    "valid_max", "identity", "flag_values", "flag_meanings", "bounded_classes",
)  # fmt: skip
"""What docs/formats.md reads of a variable."""


LOADED_BYTES = 1 << 29
"""Files up to this size are read at once and closed: the HDF5 library has been seen to crash when a verb opened a file
that a Dataset of the caller's held open.
"""


def open_dataset(path: str | os.PathLike[str]) -> xr.Dataset:
    """Open a dataset (docs/formats.md, section 1) or any other CF file: netCDF, or a Zarr store.

    Values of stores, and of files over 0.5 GB, are read later.

    Raises a FileFault (an OSError) that names a file which is damaged or absent. Times far from the present, or of a
    calendar without leap days, are cftime dates.
    """
    from foundations.netcdf_file import refuse_damaged
    from foundations.zarr_dataset import is_store

    path = Path(path)
    if path.is_dir() and is_store(path):
        return xr.open_zarr(path)
    if not path.exists():
        raise FileNotFoundError(2, "No such file", str(path))
    refuse_damaged(path)
    if Path(path).is_file() and Path(path).stat().st_size <= LOADED_BYTES:
        return xr.load_dataset(path)
    return xr.open_dataset(path)


def opened(data: xr.Dataset | str | os.PathLike[str]) -> xr.Dataset:
    """A Dataset as it is, and a path opened; TypeError for anything else."""
    if isinstance(data, xr.Dataset):
        return data
    if isinstance(data, str | os.PathLike):
        return open_dataset(data)
    message = f"expected an xarray.Dataset or a path, not {type(data).__name__}"
    raise TypeError(message)


def label_of(data: xr.Dataset) -> str:
    """What messages call a Dataset: the file that it was opened from, where it was."""
    source = data.encoding.get("source")
    return str(source) if source else "the Dataset"


@dataclass(frozen=True)
class SiteSeries:
    """Variables of N sites: drivers over (site, time), properties over (site), with `site_id`, `lat`, `lon`.

    dims: dimensions of the cells in the order of the drivers, empty for a single place without any; active: (N of the
    cells,) bool, those that are sites here: all but the cells of a grid that lack a property, such as the sea.
    """

    data: xr.Dataset
    source: xr.Dataset
    dims: tuple[str, ...]
    order: tuple[str, ...]
    active: np.ndarray

    @classmethod
    def of(
        cls,
        data: xr.Dataset,
        drivers: Iterable[str],
        statics: Iterable[str],
        others: Iterable[str] = (),
        classes: Mapping[str, Mapping[int, str]] | None = None,
    ) -> SiteSeries:
        """Take drivers, statics, and `others` where they are there, such as fluxes.

        classes: meanings by code of statics, which may be given as words. DataError names a variable that is missing.
        """
        label = label_of(data)
        data = with_time(data, label)
        drivers, statics = list(drivers), list(statics)
        given = {"lat": _coordinate(data, LATITUDE, label), "lon": _coordinate(data, LONGITUDE, label)}
        _require_present(data, [name for name in (*drivers, *statics) if name not in given], label)
        dims, order = _cell_dimensions(data, drivers, label)
        names = [name for name in (*drivers, *others, *statics) if name in data.variables and name not in given]
        columns = {name: _as_codes(data[name], (classes or {}).get(name, {}), label) for name in dict.fromkeys(names)}
        sizes = {str(dim): size for dim, size in data.sizes.items()}
        laid = {str(name): _laid_out(values, dims, sizes, label) for name, values in (columns | given).items()}
        for name in drivers:
            laid[name] = laid[name].set_dims({"site": laid[name].sizes["site"], "time": sizes["time"]})
        for name in given:
            laid[name].attrs.setdefault("units", UNITS[name])
        table = xr.Dataset(laid).assign(_time_axis(data))
        table["site_id"] = ("site", _site_names(data, dims, table), {"cf_role": "timeseries_id"})
        local = [name for name in drivers if set(data[name].dims) & set(dims)]
        active = _active(table, statics, local) if len(dims) > 1 else np.ones(table.sizes["site"], bool)
        return cls(table.isel(site=np.flatnonzero(active)), data, dims, order, active)

    @property
    def site_bytes(self) -> int:
        """Size of the series of one site, at least 1."""
        return sum(values.nbytes for values in self.data.values()) // max(1, self.data.sizes["site"]) + 1

    def write(self, path: Path, sites: slice) -> None:
        """Write some of the sites as a dataset of docs/formats.md."""
        part = self.data.isel(site=sites)
        part.attrs = {"Conventions": "CF-1.11", "featureType": "timeSeries"}
        first = part["time"].dt
        date = f"{int(first.year[0]):04d}-{int(first.month[0]):02d}-{int(first.day[0]):02d}"
        encoding: dict[str, dict[str, object]] = {
            str(name): {"_FillValue": np.nan} for name, values in part.variables.items() if values.dtype.kind == "f"
        }
        time = part["time"]
        calendar = time.dt.calendar
        encoding["time"] = {"units": f"days since {date} 00:00:00", "calendar": calendar, "dtype": "float64"}
        for values in part.variables.values():
            values.encoding = {}
        part.to_netcdf(path, encoding=encoding, engine="netcdf4")

    def on_cells(self, values: np.ndarray, dtype: type = np.float32) -> tuple[tuple[str, ...], np.ndarray]:
        """Values (N, T) of the sites in the order of the source's dimensions; cells that are no sites are NaN."""
        whole: np.ndarray = np.full((len(self.active), values.shape[1]), np.nan, dtype)
        whole[self.active] = values
        dims = (*self.dims, "time")
        whole = whole.reshape(*(self.source.sizes[dim] for dim in self.dims), values.shape[1])
        return self.order, np.transpose(whole, [dims.index(dim) for dim in self.order])


def with_time(data: xr.Dataset, label: str) -> xr.Dataset:
    """The Dataset with its axis of time called `time`, decoded."""
    if "time" not in data.dims:
        names = [str(dim) for dim in data.dims if dim in data.coords and data[dim].dtype.kind == "M"]
        if len(names) != 1:
            message = f"{label}: has no dimension 'time' (its dimensions: {', '.join(map(str, data.dims))})"
            raise DataError(message)
        data = data.rename({names[0]: "time"})
    if "time" not in data.coords:
        message = f"{label}: the dimension 'time' has no coordinate; give the dates"
        raise DataError(message)
    if data["time"].dtype.kind in "iuf":
        if " since " not in str(data["time"].attrs.get("units", "")):
            message = f"{label}: time: is numbers without units such as 'days since 2001-01-01'; give dates"
            raise DataError(message)
        data = xr.decode_cf(data)
    return data


def _time_axis(data: xr.Dataset) -> dict[str, xr.Variable]:
    """Time with its bounds, where there are any."""
    time = data["time"].variable.copy(deep=False)
    time.attrs = {name: text for name, text in time.attrs.items() if name in ("bounds", "stamp", "standard_name")}
    bounds = str(time.attrs.get("bounds", ""))
    if bounds not in data.variables:
        time.attrs.pop("bounds", None)
        return {"time": time}
    return {"time": time, bounds: data[bounds].variable.to_base_variable().load()}


def _require_present(data: xr.Dataset, names: list[str], label: str) -> None:
    """DataError with the variables that are missing, and those that are there."""
    absent = [name for name in names if name not in data.variables]
    if absent:
        message = (
            f"{label}: has no variable '{absent[0]}', which the model needs ({len(absent)} missing: "
            f"{', '.join(absent)}); give it under that name, as by ds.rename (it has "
            f"{', '.join(sorted(map(str, data.variables)))})"
        )
        raise DataError(message)


def _coordinate(data: xr.Dataset, words: tuple[str, ...], label: str) -> xr.DataArray:
    """Latitude or longitude: by name, else by standard name, else by units."""
    numbers = [(str(name), values.attrs) for name, values in data.variables.items() if values.dtype.kind in "fiu"]
    for told in (
        {name: name.lower() for name, _ in numbers},
        {name: attributes.get("standard_name") for name, attributes in numbers},
        {name: attributes.get("units") for name, attributes in numbers},
    ):
        if name := next((name for name, word in told.items() if word in words), None):
            return data[name]
    message = f"{label}: has no '{words[0]}'; every site needs its place, as ds.assign_coords({words[0]}=...) gives it"
    raise DataError(message)


def _cell_dimensions(data: xr.Dataset, drivers: list[str], label: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Dimensions of the cells, and these with `time` in the order of the driver that has most of them.

    Dimensions of length 1 that another driver lacks are passed over, such as a height.
    """
    timed = [data[name] for name in drivers if "time" in data[name].dims]
    if not timed:
        message = f"{label}: no driver has the dimension 'time' (drivers: {', '.join(drivers)})"
        raise DataError(message)
    widest = max(timed, key=lambda values: len(values.dims))
    order = tuple(
        str(dim)
        for dim in widest.dims
        if dim == "time" or data.sizes[dim] > 1 or all(dim in values.dims for values in timed)
    )
    return tuple(dim for dim in order if dim != "time"), order


def _laid_out(values: xr.DataArray, dims: tuple[str, ...], sizes: Mapping[str, int], label: str) -> xr.Variable:
    """A variable over (site,) or (site, time), repeated along dimensions of the cells that it lacks."""
    over = (*dims, "time") if "time" in values.dims else dims
    extra = [str(dim) for dim in values.dims if dim not in over]
    if long := [dim for dim in extra if values.sizes[dim] != 1]:
        message = f"{label}: {values.name}: has the dimension '{long[0]}', which the drivers have not; choose by isel"
        raise DataError(message)
    variable = values.variable.to_base_variable().isel(dict.fromkeys(extra, 0))
    variable = variable.set_dims({dim: sizes[dim] for dim in over}).transpose(*over)
    shape = (-1, sizes["time"]) if "time" in over else (-1,)
    attributes = {name: text for name, text in values.attrs.items() if name in KEPT_ATTRIBUTES}
    return xr.Variable(("site", "time")[: len(shape)], variable.data.reshape(shape), attributes)


def _as_codes(values: xr.DataArray, classes: Mapping[int, str], label: str) -> xr.DataArray:
    """Classes given as words by their codes; numbers as they are."""
    if values.dtype.kind not in "OUS" or not classes:
        return values
    codes = {meaning: code for code, meaning in classes.items()}
    words = np.asarray(values.values, str)
    strange = [word for word in np.unique(words).tolist() if word not in codes]
    if strange:
        message = f"{label}: {values.name}: '{strange[0]}' is not one of {', '.join(codes)}"
        raise DataError(message)
    numbers = np.vectorize(codes.__getitem__, otypes=[np.int32])(words)
    return values.copy(data=numbers)


def _site_names(data: xr.Dataset, dims: tuple[str, ...], table: xr.Dataset) -> np.ndarray:
    """Names (N,) of the sites: as the Dataset has them, else by their place, else by number."""
    marked = [name for name, values in data.variables.items() if values.attrs.get("cf_role") == "timeseries_id"]
    words = [dim for dim in dims if dim in data.variables and data[dim].dtype.kind in "OUS"]
    for name in ("site_id", *marked, *words):
        if name in data.variables and data[name].dims == dims and len(dims) <= 1:
            return np.array(site_names(np.atleast_1d(data[name].values)), object)
    places = [f"{lat:g} {lon:g}" for lat, lon in zip(table["lat"].values, table["lon"].values, strict=True)]
    numbers = [str(number + 1) for number in range(len(places))]
    return np.array(places if len(set(places)) == len(places) else numbers, object)


def _active(table: xr.Dataset, statics: list[str], drivers: list[str]) -> np.ndarray:
    """Which cells of a grid (N,) have all properties and any of the drivers on the first, middle or last day.

    drivers: those that differ from cell to cell.
    """
    active = np.ones(table.sizes["site"], bool)
    for name in statics:
        active &= np.asarray(table[name].notnull().values)
    days = sorted({0, table.sizes["time"] // 2, table.sizes["time"] - 1})
    present = [table[name].isel(time=day).notnull().values for name in drivers for day in days]
    return active & np.any(present, axis=0)
