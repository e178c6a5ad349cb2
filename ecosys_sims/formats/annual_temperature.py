"""Annual mean temperature of a place, for site tables that do not give it and for sites that are drawn."""

import numpy as np

LAPSE_RATE = 0.0065  # K m-1


def annual_temperature(lat: np.ndarray, elevation: np.ndarray, continentality: np.ndarray) -> np.ndarray:
    """Annual mean air temperature (N,), degC: min(27.5, 14.9 - 28 P2(sin lat) + 12 (1 - K/60) sin2 lat) - 0.0065 z.

    North (1975) with a maritime term; lat degrees, elevation z m, K Conrad index 0..100. Good to about 3 K.
    """
    sine2 = np.sin(np.radians(lat)) ** 2
    legendre = (3.0 * sine2 - 1.0) / 2.0
    sea_level = 14.9 - 28.0 * legendre + 12.0 * (1.0 - continentality / 60.0) * sine2
    return np.minimum(sea_level, 27.5) - LAPSE_RATE * elevation
