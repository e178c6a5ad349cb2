"""The netCDF file of predicted series, written block of sites by block."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from emulator.data.dataset import Dataset
from emulator.data.reading import SiteTable
from emulator.runs.trained_model import TrainedModel
from foundations.netcdf_file import reading, writing
from foundations.variables import Variable

FILL = np.float32(9.96921e36)
SITES_OF_CHUNK, DAYS_OF_CHUNK = 32, 4096
"""A compressed piece of a series; blocks of sites begin at multiples of its sites, so that each is written once."""
BLOCK_SITE_DAYS = 1 << 20
"""Site-days that are made before they are written; it bounds memory: about 250 MB for 13 drivers and 5 fluxes."""
_SERIES: dict[str, Any] = {
    "dimensions": ("site", "time"), "zlib": True, "complevel": 1, "fletcher32": True, "chunk_cache": 1 << 20,
}  # fmt: skip


@dataclass(frozen=True)
class Content:
    """What a file holds: of each series, by name, the target that it belongs to and what it is, for `long_name`.

    labels: meanings of the codes 0, 1, ... of the parts of a split, where the file says which one a site-day is in.
    """

    series: Mapping[str, tuple[Variable, str]]
    labels: tuple[str, ...] = ()


class SeriesFile:
    """An open file, to which blocks of sites are written in any order."""

    def __init__(self, file: netCDF4.Dataset, table: SiteTable, content: Content) -> None:
        self.file = file
        _write_axes(file, table)
        chunks = (min(SITES_OF_CHUNK, len(table.site_id)), min(DAYS_OF_CHUNK, len(table.time)))
        for name, (target, what) in content.series.items():
            out = file.createVariable(name, "f4", **_SERIES, chunksizes=chunks, fill_value=FILL)
            out.setncatts(
                {
                    "long_name": f"{target.long_name}, {what}",
                    "units": target.analysis_units,
                    "file_units": target.units,
                    "cell_methods": "time: mean",
                    "coordinates": "lat lon site_id",
                }
            )
        if content.labels:
            _create_labels(file, content.labels, chunks)

    def put(self, rows: slice, series: Mapping[str, np.ndarray], codes: np.ndarray | None = None) -> None:
        """Write a block: values (n, T) by name, in analysis units, and the codes (n, T) of the parts of the split."""
        for name, values in series.items():
            self.file[name][rows] = np.where(np.isfinite(values), values, FILL)
        if codes is not None:
            self.file["split"][rows] = codes


@contextmanager
def series_file(path: Path, table: SiteTable, content: Content, attributes: Mapping[str, str]) -> Iterator[SeriesFile]:
    """Make a CF netCDF file of (site, time) series, complete or absent."""
    with writing(path) as file:
        file.setncatts({"Conventions": "CF-1.11", "featureType": "timeSeries", **attributes})
        yield SeriesFile(file, table, content)


def write_predictions(
    path: Path,
    dataset: Dataset,
    fluxes: Mapping[str, tuple[Variable, np.ndarray, str]],
    attributes: Mapping[str, str],
    labels: tuple[np.ndarray, tuple[str, ...]] | None = None,
) -> None:
    """Write series of all sites of a dataset at once.

    fluxes: by name in the file, the target it belongs to, its values (N, T) in analysis units and what it is.
    labels: codes (N, T) of the split that each site-day belongs to, with their meanings.
    """
    content = Content({name: (target, what) for name, (target, _, what) in fluxes.items()}, labels[1] if labels else ())
    with series_file(path, dataset.table, content, attributes) as out:
        values = {name: values for name, (_, values, _) in fluxes.items()}
        out.put(slice(0, dataset.n_sites), values, labels[0] if labels else None)


def sites_of_block(days: int) -> int:
    """Sites of a block: whole chunks of the file, about BLOCK_SITE_DAYS."""
    return max(1, BLOCK_SITE_DAYS // (days * SITES_OF_CHUNK)) * SITES_OF_CHUNK


def read_predictions(path: Path, targets: tuple[Variable, ...]) -> np.ndarray:
    """Predictions of the targets in a file of `emulator.evaluation.prediction`, (N, T, C) float32, NaN = none."""
    with reading(path) as file:
        return np.stack([np.ma.filled(file[target.name][:], np.nan) for target in targets], axis=-1)


def _write_axes(file: netCDF4.Dataset, table: SiteTable) -> None:
    file.createDimension("site", len(table.site_id))
    file.createDimension("time", len(table.time))
    file.createDimension("nv", 2)
    names = file.createVariable("site_id", str, ("site",))
    names.cf_role = "timeseries_id"
    names[:] = table.site_id.astype(object)
    time = file.createVariable("time", "f8", ("time",), fletcher32=True)
    time.setncatts(
        {
            "standard_name": "time",
            "units": table.time_units,
            "calendar": table.calendar_name,
            "bounds": "time_bnds",
        }
    )
    time[:] = table.time
    bounds = file.createVariable("time_bnds", "f8", ("time", "nv"), fletcher32=True)
    bounds[:] = np.floor(table.time)[:, None] + np.array([0.0, 1.0])
    for name, units, values in (("lat", "degrees_north", table.lat), ("lon", "degrees_east", table.lon)):
        out = file.createVariable(name, "f4", ("site",), fletcher32=True)
        out.setncatts({"units": units, "standard_name": {"lat": "latitude", "lon": "longitude"}[name]})
        out[:] = values
    for name, classes in table.groups.items():
        out = file.createVariable(name, "i4", ("site",), fletcher32=True)
        out.setncatts(
            {
                "long_name": "site class",
                "flag_values": np.array(list(classes.meanings), np.int32),
                "flag_meanings": " ".join(classes.meanings.values()),
            }
        )
        out[:] = classes.codes


def _create_labels(file: netCDF4.Dataset, meanings: tuple[str, ...], chunks: tuple[int, int]) -> None:
    out = file.createVariable("split", "i1", **_SERIES, chunksizes=chunks)
    out.setncatts(
        {
            "long_name": "part of the split that a site-day belongs to",
            "flag_values": np.arange(len(meanings), dtype=np.int8),
            "flag_meanings": " ".join(meanings),
            "coordinates": "lat lon site_id",
        }
    )


def file_attributes(trained: TrainedModel) -> dict[str, str]:
    """Global attributes that say where predictions came from."""
    origin = trained.provenance
    return {
        "title": f"predictions of ecostep model {trained.config.model.kind}",
        "source": f"ecostep {trained.config.model.kind}, epoch {trained.epoch}",
        "git_hash": origin["git_hash"],
        "config_hash": origin["config_hash"],
        "dataset_hash": origin["dataset_hash"] or "none",  # of a dataset in memory
        "seed": str(origin["seed"]),
    }


def site_blocks_of(dataset: Dataset) -> Iterator[slice]:
    """Blocks of the sites of a dataset."""
    at_once = sites_of_block(len(dataset.time))
    for first in range(0, dataset.n_sites, at_once):
        yield slice(first, min(first + at_once, dataset.n_sites))
