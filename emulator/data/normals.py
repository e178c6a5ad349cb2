"""Climate normals: statics that a dataset makes of a driver where its file has none, `tas_normal` of `tas`.

`NAME_normal` is the mean of a driver over the record of a site, `NAME_spread` its standard deviation. They are of
drivers alone, never of flux; a host has them from its forcing or from a climatology, and gives them as it gives other
statics.
"""

from dataclasses import replace
from pathlib import Path

import netCDF4
import numpy as np

from emulator.data.dataset_file import check_variable, read_values
from emulator.data.series import site_blocks
from foundations.variables import Variable

STATISTICS = {"normal": "mean", "spread": "standard deviation"}
"""Endings of names, and what they mean."""


def is_normal(name: str) -> bool:
    """Whether a static of this name is a normal."""
    return name.rpartition("_")[2] in STATISTICS and "_" in name


def driver_of(name: str) -> str:
    """The driver that a normal is of."""
    return name.rpartition("_")[0]


def normal_of(driver: Variable, name: str) -> Variable:
    """A normal of a driver, as a static."""
    statistic = name.rpartition("_")[2]
    spread = statistic == "spread"
    return replace(
        driver,
        name=name,
        role="static",
        long_name=f"{STATISTICS[statistic]} of {driver.long_name}",
        standard_name="",
        accumulate="mean",
        valid_min=0.0 if spread else driver.valid_min,
        valid_max=None if spread else driver.valid_max,
        daily_min=None,
        daily_max=None,
        skewed=False,
        least_spread=0.0,
    )


def climate_normal(file: netCDF4.Dataset, path: Path, normal: Variable, sites: np.ndarray | slice) -> np.ndarray:
    """A normal (N,) of sites over their whole records, in its unit; DatasetError where the driver is missing or bad."""
    name = driver_of(normal.name)
    role = str(getattr(file.variables.get(name), "role", normal.role))
    factor, offset = check_variable(file, path, replace(normal, name=name, role=role), ("site", "time"))
    spread = normal.name.endswith("_spread")
    chosen = np.arange(len(file.dimensions["site"]))[sites]
    normals = np.empty(len(chosen))
    for block in site_blocks(len(normals), len(file.dimensions["time"])):
        rows = slice(chosen[block][0], chosen[block][-1] + 1) if isinstance(sites, slice) else chosen[block]
        values = read_values(file.variables[name], path, (rows, slice(None)))
        normals[block] = (np.nanstd if spread else np.nanmean)(values, axis=1)
    return abs(factor) * normals if spread else factor * normals + offset
