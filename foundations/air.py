"""Air near the ground: vapour, pressure, and what it holds of greenhouse gases."""

import numpy as np


def saturation_vapour_pressure(celsius: np.ndarray) -> np.ndarray:
    """Over water, and over ice below 0 degC; Pa (Murray 1967)."""
    water = 610.8 * np.exp(17.27 * celsius / (celsius + 237.3))
    ice = 610.8 * np.exp(21.87 * celsius / (celsius + 265.5))
    return np.where(celsius < 0.0, ice, water)


def humidity_from_deficit(celsius: np.ndarray, deficit: np.ndarray, pressure: np.ndarray) -> np.ndarray:
    """Specific humidity, kg kg-1, from degC and Pa.

    The day's mean deficit may exceed the saturation pressure at the day's mean temperature; air is then taken as 5 %
    humid.
    """
    saturated = saturation_vapour_pressure(celsius)
    return humidity_from_vapour(np.maximum(saturated - deficit, 0.05 * saturated), pressure)


def humidity_from_vapour(vapour: np.ndarray, pressure: np.ndarray) -> np.ndarray:
    """Specific humidity, kg kg-1, from vapour pressure and pressure, Pa."""
    return 0.622 * vapour / (pressure - 0.378 * vapour)


def standard_pressure(elevation: float) -> float:
    """Pressure of the standard atmosphere, Pa, at a height in m."""
    return 101325.0 * (1.0 - 2.25577e-5 * elevation) ** 5.25588


# Rounded global means (NOAA Global Monitoring Laboratory), the same as in the process model.
_GAS_YEARS = (1960, 1970, 1981, 1990, 2000, 2007, 2014, 2020, 2024)
_CARBON_DIOXIDE = (317, 325, 340, 354, 369, 383, 398, 413, 424)
_METHANE = (1260, 1400, 1655, 1714, 1773, 1781, 1823, 1879, 1930)


def carbon_dioxide(year: np.ndarray) -> np.ndarray:
    """Global annual mean mole fraction, 1e-6."""
    return np.interp(year, _GAS_YEARS, _CARBON_DIOXIDE)


def methane(year: np.ndarray) -> np.ndarray:
    """Global annual mean mole fraction, 1e-9."""
    return np.interp(year, _GAS_YEARS, _METHANE)
