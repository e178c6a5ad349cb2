"""A dataset as a Zarr store (version 3), read like a netCDF file and written in blocks of sites by several processes.

Names, dimensions and attributes are those of docs/formats.md, section 1, as xarray reads them. Each daily variable is
cut into shards of whole blocks of sites, one file each, so that processes that write different blocks never share a
file; a shard holds one compressed chunk for each site and at most `CHUNK_DAYS` days, so that a window of one site is
read without the rest. Chunks and the index of a shard carry checksums.
"""

import base64
import struct
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from foundations.file_faults import DamagedFile

SUFFIX = ".zarr"
CHUNK_DAYS = 4096
"""Days of a chunk: 16 KiB of float32."""
SERIES = ("site", "time")
WHOLE = "ecostep_whole_shards"
"""Global attribute of stores of ours: all shards are written, also those without values, so a missing one is lost."""
REMEDY = "restore it from a copy, or make it again"
_FILL = "_FillValue"


def is_store(path: Path) -> bool:
    """Whether a path is, or by its name should be, a Zarr store."""
    return path.suffix == SUFFIX or (path / "zarr.json").is_file()


class Dimension:
    """A dimension and its size."""

    def __init__(self, name: str, size: int) -> None:
        self.name, self.size = name, size

    def __len__(self) -> int:
        return self.size


class _Attributes:
    """Attributes as netCDF4 gives them: by name, or as Python attributes; `_what` holds them, for messages."""

    _attributes: dict[str, Any]
    _what: str

    def ncattrs(self) -> list[str]:
        """Names of the attributes."""
        return list(self._attributes)

    def getncattr(self, name: str) -> Any:
        """An attribute; AttributeError where there is none."""
        return self.__getattr__(name)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["_attributes"][name]
        except KeyError:
            message = f"{self.__dict__.get('_what', 'dataset')}: has no attribute '{name}'"
            raise AttributeError(message) from None


class ZarrVariable(_Attributes):
    """One array, with those parts of the interface of a netCDF4 variable that readers of datasets use."""

    def __init__(self, name: str, array: Any, path: Path) -> None:
        self.name = self._what = name
        self.dimensions: tuple[str, ...] = tuple(array.metadata.dimension_names or ())
        self.shape: tuple[int, ...] = tuple(array.shape)
        text = array.dtype.kind in "OTU"
        self.dtype: Any = str if text else np.dtype(array.dtype)
        self._array, self._path, self._masked = array, path, True
        self._attributes = {key: _attribute(key, value, array.dtype) for key, value in array.attrs.items()}

    def set_auto_mask(self, masked: bool) -> None:
        """Whether values equal to `_FillValue` are masked when they are read."""
        self._masked = masked

    set_auto_maskandscale = set_auto_mask

    def set_auto_chartostring(self, _joined: bool) -> None:
        """Text is stored as strings, so there is nothing to join."""

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> Any:
        """Stored values of some rows; DamagedFile where a chunk does not fit its checksum or cannot be read."""
        try:
            values = _selected(self._array, rows)
        except (RuntimeError, ValueError, OSError) as error:
            fault = f"{self.name}: is damaged or cannot be read ({_first_line(error)})"
            raise DamagedFile(self._path, fault, REMEDY) from error
        if self.dtype is str:
            return np.asarray(values, dtype=object)
        fill = self._attributes.get(_FILL)
        return np.ma.masked_values(values, fill, copy=False) if self._masked and fill is not None else values


class ZarrDataset(_Attributes):
    """A store opened for reading, with those parts of the interface of `netCDF4.Dataset` that readers use."""

    def __init__(self, path: Path) -> None:
        """Raises DamagedFile where the path is no store of version 3."""
        import zarr

        self._path, self._what = path, str(path)
        try:
            group = zarr.open_group(path, mode="r", zarr_format=3)
            arrays = dict(group.arrays())
            self._attributes = dict(group.attrs)
            self.variables = {name: ZarrVariable(name, arrays[name], path) for name in sorted(arrays)}
        except (OSError, ValueError, KeyError, TypeError) as error:
            fault = f"cannot be read as a Zarr store of version 3 ({_first_line(error)})"
            raise DamagedFile(path, fault, REMEDY) from error
        self._refuse_lost_shards(arrays)
        self.dimensions: dict[str, Dimension] = {}
        for variable in self.variables.values():
            for name, size in zip(variable.dimensions, variable.shape, strict=False):
                if self.dimensions.setdefault(name, Dimension(name, size)).size != size:
                    fault = f"{variable.name}: dimension '{name}' has {size} values, elsewhere another number"
                    raise DamagedFile(path, fault, REMEDY)

    def _refuse_lost_shards(self, arrays: dict[str, Any]) -> None:
        if not self._attributes.pop(WHOLE, False):
            return
        for name, array in arrays.items():
            if array.shards is None:
                continue
            rows, columns = (-(-size // shard) for size, shard in zip(array.shape, array.shards, strict=True))
            for row, column in np.ndindex(rows, columns):
                if not (self._path / name / "c" / str(row) / str(column)).is_file():
                    fault = f"{name}: the shard c/{row}/{column} is missing"
                    raise DamagedFile(self._path, fault, REMEDY)

    def __getitem__(self, name: str) -> ZarrVariable:
        try:
            return self.variables[name]
        except KeyError:
            message = f"{name} not found in {self._path}"
            raise IndexError(message) from None  # as netCDF4 does

    def set_auto_mask(self, masked: bool) -> None:
        """Whether fill values are masked when they are read, for all variables."""
        for variable in self.variables.values():
            variable.set_auto_mask(masked)

    def close(self) -> None:
        """Nothing is held open between reads."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()


def create(path: Path, layout: Any, block_sites: int) -> None:
    """Make a store after a netCDF file that is open for reading: its attributes, coordinates and statics.

    Its daily variables (site, time) are made without values, in shards of `block_sites` sites.
    """
    import zarr

    layout.set_auto_maskandscale(False)
    group = zarr.create_group(path, attributes=_json_attributes(layout), zarr_format=3)
    for name, variable in layout.variables.items():
        series = variable.dimensions == SERIES
        values = None if series else variable[...]
        _create_array(group, name, variable, values, block_sites)


def _create_array(group: Any, name: str, variable: Any, values: np.ndarray | None, block_sites: int) -> None:
    from zarr.codecs import ZstdCodec

    shape = variable.shape
    attributes = _json_attributes(variable)
    fill = getattr(variable, _FILL, None)
    text = variable.dtype is str
    layout: dict[str, Any] = {"chunks": shape or (1,)}
    if values is None:
        days = min(CHUNK_DAYS, shape[1])
        layout = {"chunks": (1, days), "shards": (min(block_sites, shape[0]), -(-shape[1] // days) * days)}
    array = group.create_array(
        name,
        shape=shape,
        dtype=str if text else variable.dtype,
        fill_value="" if text else (0 if fill is None else fill),
        compressors=ZstdCodec(level=1, checksum=True),
        dimension_names=variable.dimensions,
        attributes=attributes,
        **layout,
    )
    if values is not None:
        array[...] = np.asarray(values, dtype=object) if text else values


def write_rows(path: Path, first: int, series: dict[str, np.ndarray]) -> None:
    """Write daily values {name: (M, T)} of the sites first..first+M-1; whole shards, whatever was there before.

    The same values give the same bytes, so that a block may be written again, also by two processes at a time.
    """
    import zarr

    with zarr.config.set({"array.write_empty_chunks": True}):
        group: Any = zarr.open_group(path, mode="r+", zarr_format=3)
        for name, values in series.items():
            group[name][first : first + len(values), :] = values


def has_rows(path: Path, firsts: Sequence[int]) -> list[bool]:
    """Whether the store has all shards of the blocks of sites that begin with these."""
    import zarr

    group = zarr.open_group(path, mode="r", zarr_format=3)
    rows = {name: array.shards[0] for name, array in group.arrays() if array.shards is not None}
    return [
        all((path / name / "c" / str(first // sites) / "0").is_file() for name, sites in rows.items())
        for first in firsts
    ]


def finish(path: Path, attributes: dict[str, Any]) -> None:
    """Finish a store all of whose rows are written: set global attributes, by which readers miss what is lost."""
    import zarr

    plain = {WHOLE: 1, **{name: _json_value(value) for name, value in attributes.items()}}
    zarr.open_group(path, mode="r+", zarr_format=3).attrs.update(plain)


def _selected(array: Any, rows: Any) -> np.ndarray:
    """Slices as they are; positions of sites by the orthogonal selection of netCDF."""
    keys = rows if isinstance(rows, tuple) else (rows,)
    if any(isinstance(key, (np.ndarray, list)) for key in keys):
        return np.asarray(array.get_orthogonal_selection(keys + (slice(None),) * (array.ndim - len(keys))))
    return np.asarray(array[rows])


def _attribute(name: str, value: Any, dtype: np.dtype) -> Any:
    """An attribute as netCDF4 gives it: numbers as numpy's, of the type of the variable where they are real."""
    if name == _FILL and isinstance(value, str):
        kind = np.dtype(dtype)
        return kind.type(struct.unpack("<d", base64.b64decode(value))[0]) if kind.kind == "f" else value
    if isinstance(value, list) and value and all(isinstance(item, (int, float)) for item in value):
        return np.asarray(value)
    return value


def _json_attributes(holder: Any) -> dict[str, Any]:
    """Attributes of a netCDF file or variable for JSON; fill values of reals as xarray writes them in stores."""
    attributes = {}
    for name in holder.ncattrs():
        value = holder.getncattr(name)
        if name == _FILL and np.dtype(type(value)).kind == "f":
            value = base64.standard_b64encode(struct.pack("<d", float(value))).decode()
        attributes[name] = _json_value(value)
    return attributes


def _json_value(value: Any) -> Any:
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
