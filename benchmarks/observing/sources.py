"""The observations: files of a collection, through the importers, to a dataset in memory.

Every day on which a flux was measured counts, whether or not the weather of that day was filled.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from emulator.data import vocabulary
from emulator.data.dataset import Dataset
from emulator.data.importers import command
from foundations.netcdf_file import reading
from foundations.variables import Variable

WEATHER = ("tas", "pr", "rsds", "rlds", "vpd", "sfcWind", "ps")


@dataclass(frozen=True)
class Source:
    """Files below the folder of data by pattern, words for the importer, and the variables that are used.

    record_target: the flux by which years of a record are counted.
    """

    preset: str
    files: tuple[str, ...]
    words: tuple[str, ...]
    statics: tuple[str, ...]
    targets: tuple[str, ...]
    record_target: str


SOURCES = {
    "towers": Source(
        "fluxnet_ch4",
        ("fluxnet_ch4_daily/FLX_*_DD_*.csv",),
        ("--sites", "fluxnet_ch4_meta/FLX_AA-Flx_CH4-META*.csv"),
        ("lat", "lon", "biome"),
        ("gpp", "nee", "fch4"),
        "fch4",
    ),
    "us_tw3": Source(
        "ameriflux_base",
        ("ameriflux_base/AMF_US-Tw3_*.csv*",),
        ("--lat", "38.1159", "--lon", "-121.6467", "--biome", "cropland"),
        ("lat", "lon", "biome"),
        ("gpp", "nee"),
        "nee",
    ),
    "duke_forest": Source(
        "ecosys",
        ("ecosys_dukeforest/output_daily/*", "ecosys_dukeforest/forcing/*"),
        ("--site", "DukeForest", "--lat", "35.875", "--lon", "-79.1", "--elevation", "130"),
        ("lat", "lon", "elevation"),
        ("gpp", "nee"),
        "nee",
    ),
}


class MissingData(FileNotFoundError):
    """Files of a source are not in the folder of data."""


def import_source(name: str, data: Path, work: Path) -> Path:
    """The dataset of a source in the folder `work`, made where it is not there yet."""
    path = work / f"{name}.nc"
    if path.exists():
        return path
    source = SOURCES[name]
    files = [str(file) for pattern in source.files for file in sorted(data.glob(pattern))]
    if not files:
        message = f"{data}: holds none of {', '.join(source.files)}; set --data or ECOSTEP_DATA"
        raise MissingData(message)
    words = [str(next(data.glob(word))) if word.endswith(".csv") else word for word in source.words]
    if command.main([source.preset, *files, *words, "--out", str(path)]) != 0:
        message = f"{path}: the import of {name} failed"
        raise MissingData(message)
    return path


def open_source(name: str, path: Path) -> Dataset:
    """The dataset with every measured flux scored."""
    source = SOURCES[name]
    signature = vocabulary.resolve(path, WEATHER, source.statics, source.targets, {"nee": ""})
    return replace(Dataset.open(path, signature), measured=None)


LONGEST_GAP = 30
"""Days of a gap of the water table that a straight line fills."""


def with_water_table(dataset: Dataset) -> Dataset:
    """The dataset with one more driver: how far the water table is from its mean at the site, 0 where not measured.

    A host land model has it; towers measure it at some sites.
    """
    with reading(dataset.path) as file:
        depth = np.ma.filled(np.ma.asarray(file.variables["wtd"][:], np.float64), np.nan).T
    filled = pd.DataFrame(depth - np.nanmean(np.where(np.isfinite(depth).any(0), depth, 0.0), axis=0))
    anomaly = filled.interpolate(limit=LONGEST_GAP).fillna(0.0).to_numpy().T[..., None]
    inside = np.where(dataset.in_record().numpy()[..., None], anomaly, np.nan)
    driver = Variable("wtd_anomaly", "m", "state", "water table depth, departure from its mean")
    signature = replace(dataset.signature, inputs=(*dataset.signature.inputs, driver))
    drivers = torch.cat([dataset.drivers, torch.as_tensor(inside, dtype=torch.float32)], dim=2)
    return replace(dataset, drivers=drivers, signature=signature)
