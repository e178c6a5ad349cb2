"""The variables of datasets and site tables by the groups that simulations write; their CF attributes.

Names, units and ranges are those of the common table (`foundations.variables`), which docs/formats.md shows.
"""

import math
from typing import Any

from ecosys_sims.formats import biomes
from foundations.variables import SITE_VARIABLES, VARIABLES, Variable

FILL = 9.96921e36  # netCDF's own default for float32
DATASET_VERSION = 1
CONVENTIONS = "CF-1.11"

STATICS: tuple[Variable, ...] = tuple(variable for variable in VARIABLES.values() if variable.role == "static")
DAILY: tuple[Variable, ...] = tuple(variable for variable in VARIABLES.values() if variable.role != "static")
STATES: tuple[Variable, ...] = tuple(variable for variable in DAILY if variable.role == "state")
TARGETS: tuple[Variable, ...] = tuple(variable for variable in DAILY if variable.role == "target")
SITE_ONLY: tuple[Variable, ...] = tuple(SITE_VARIABLES.values())
MANAGEMENT = ("crop", "fertilisation")
COMMON_TARGETS = ("gpp", "ra", "rh", "nee", "fch4")  # in every dataset, as missing values where they were not measured
# Daily variables that the program writes and observations may lack.
OPTIONAL = (*MANAGEMENT, *(target.name for target in TARGETS if target.name not in COMMON_TARGETS))
BY_NAME: dict[str, Variable] = {**VARIABLES, **SITE_VARIABLES}
INTEGERS = ("biome", "site_number")
LOCATED = ("sand", "clay", "ph", "elevation", "biome")  # statics that refer to the site coordinates


def possible_range(variable: Variable) -> tuple[float, float]:
    """The range outside which a value in a file is surely a mistake: of daily values, or of a site's properties."""
    daily = bool(variable.cell_method)
    lowest = variable.daily_min if daily else variable.valid_min
    highest = variable.daily_max if daily else variable.valid_max
    return (-math.inf if lowest is None else lowest), (math.inf if highest is None else highest)


def attributes(variable: Variable, coordinates: bool = True) -> dict[str, Any]:
    """The netCDF attributes of a variable (without _FillValue); daily ones refer to the site coordinates."""
    described: dict[str, Any] = {"units": variable.units, "long_name": variable.long_name, "role": variable.role}
    if variable.standard_name:
        described["standard_name"] = variable.standard_name
    if variable.cell_method:
        described["cell_methods"] = f"time: {variable.cell_method}"
    if variable.analysis_units:
        described["analysis_units"] = variable.analysis_units
    if "temperature" in variable.standard_name:
        described["units_metadata"] = "temperature: on_scale"
    if coordinates and (variable.cell_method or variable.name in LOCATED):
        described["coordinates"] = "lat lon site_id"
    if variable.name == "biome":
        described["flag_values"] = biomes.FLAG_VALUES
        described["flag_meanings"] = biomes.FLAG_MEANINGS
    return described
