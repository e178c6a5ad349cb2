"""Checks a site table against docs/formats.md section 3."""

from pathlib import Path

import netCDF4
import numpy as np

from ecosys_sims.formats import variables
from ecosys_sims.formats.checks import faults_of_file, require, site_id_faults, static_faults, texture_faults
from foundations.netcdf_values import numbers


def require_valid_site_table(path: str | Path) -> None:
    """Raise FormatError unless the file is a site table of section 3."""
    require(path, check_site_table)


def check_site_table(path: str | Path) -> list[str]:
    """Faults of a site table, one sentence each; empty where it is good."""
    return faults_of_file(path, _site_table_faults)


def _site_table_faults(file: netCDF4.Dataset) -> list[str]:
    if "site" not in file.dimensions:
        return ["dimension 'site' is missing"]
    faults = site_id_faults(file)
    for variable in variables.STATICS + variables.SITE_ONLY:
        if variable.name == "t_ann" and "t_ann" not in file.variables:
            continue
        faults += static_faults(file, variable)
    if all(name in file.variables for name in ("site_number", "lat", "lon")):
        faults += _site_number_faults(*(numbers(file[name]) for name in ("site_number", "lat", "lon")))
    if not faults:
        faults += texture_faults(numbers(file["sand"]), numbers(file["clay"]))
    return faults


def _site_number_faults(number: np.ndarray, lat: np.ndarray, lon: np.ndarray) -> list[str]:
    """Members of one site share its number and its weather; sites of different places may not."""
    order = np.argsort(number, kind="stable")
    before, after = order[:-1], order[1:]
    apart = (lat[before] != lat[after]) | (lon[before] != lon[after])
    shared = np.flatnonzero((number[before] == number[after]) & apart)
    if not shared.size:
        return []
    return [f"site_number: {number[before[shared[0]]]:g} is that of two places; their weather would be the same"]
