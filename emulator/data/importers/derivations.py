"""Formulas for what files do not hold but imply; arguments (T,) in the units of `ARGUMENTS`."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from foundations.air import saturation_vapour_pressure

ZERO_CELSIUS = 273.15


class Formula(NamedTuple):
    """A formula, the units of its arguments by name, and of its result."""

    compute: Callable[..., np.ndarray]
    arguments: dict[str, str]
    units: str


def _deficit_of_relative(tas: np.ndarray, hurs: np.ndarray) -> np.ndarray:
    saturated = saturation_vapour_pressure(tas - ZERO_CELSIUS)
    return saturated * (1.0 - np.clip(hurs, 0.0, 1.0))


def _deficit_of_specific(tas: np.ndarray, huss: np.ndarray, ps: np.ndarray) -> np.ndarray:
    vapour = huss * ps / (0.622 + 0.378 * huss)
    return np.maximum(saturation_vapour_pressure(tas - ZERO_CELSIUS) - vapour, 0.0)


def _deficit_of_vapour(tas: np.ndarray, vapour: np.ndarray) -> np.ndarray:
    return np.maximum(saturation_vapour_pressure(tas - ZERO_CELSIUS) - vapour, 0.0)


def _speed(eastward: np.ndarray, northward: np.ndarray) -> np.ndarray:
    return np.hypot(eastward, northward)


def _evaporation(latent: np.ndarray) -> np.ndarray:
    return latent / 2.501e6  # J kg-1, as in the process model


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(denominator > 0.0, numerator / denominator, np.nan)


FORMULAS = {
    "vpd_of_relative_humidity": Formula(_deficit_of_relative, {"tas": "K", "hurs": "1"}, "Pa"),
    "vpd_of_specific_humidity": Formula(_deficit_of_specific, {"tas": "K", "huss": "1", "ps": "Pa"}, "Pa"),
    "vpd_of_vapour_pressure": Formula(_deficit_of_vapour, {"tas": "K", "vapour": "Pa"}, "Pa"),
    "wind_of_components": Formula(_speed, {"eastward": "m s-1", "northward": "m s-1"}, "m s-1"),
    "evaporation_of_latent_heat": Formula(_evaporation, {"latent": "W m-2"}, "kg m-2 s-1"),
    "ratio": Formula(_ratio, {"numerator": "", "denominator": ""}, ""),
}
"""By the name in `derive`. An argument without units is taken as it is, the result then has the mapping's units."""
