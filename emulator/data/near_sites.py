"""Sites that are as good as one, because they share weather, soils and often the flux itself."""

import math

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from emulator.data.splits import EARTH_RADIUS_KM

NEAR_KM = 5.0
"""Sites that are closer are one group."""


def near_groups(lat: np.ndarray, lon: np.ndarray, distance_km: float = NEAR_KM) -> np.ndarray:
    """Group of each site, (N,), counted from 0: sites that a chain of steps of at most `distance_km` joins are one."""
    phi, lam = np.deg2rad(np.asarray(lat, np.float64)), np.deg2rad(np.asarray(lon, np.float64))
    xyz = np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=1)
    pairs = cKDTree(xyz).query_pairs(2.0 * math.sin(0.5 * distance_km / EARTH_RADIUS_KM), output_type="ndarray")
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(xyz), len(xyz)))
    return np.asarray(connected_components(links, directed=False)[1])
