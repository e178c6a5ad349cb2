"""Climate normals of sites, made of the drivers of a dataset that has none: means, and the spread of temperature.

They are of the whole record of a site: of drivers alone, never of flux, as a host has them from its forcing or from a
climatology.
"""

from pathlib import Path

import netCDF4
import numpy as np

from emulator.data.dataset_file import check_variable, read_values
from foundations.variables import VARIABLES, Variable


def climate_normal(file: netCDF4.Dataset, path: Path, normal: Variable, sites: np.ndarray | slice) -> np.ndarray:
    """A normal (N,) of sites, in its unit; DatasetError where the file lacks the driver."""
    name, _, statistic = normal.name.rpartition("_")
    driver = VARIABLES[name]
    factor, offset = check_variable(file, path, driver, ("site", "time"))
    values = factor * read_values(file.variables[name], path, (sites, slice(None))) + offset
    return np.nanstd(values, axis=1) if statistic == "spread" else np.nanmean(values, axis=1)
