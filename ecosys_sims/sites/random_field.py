"""Gaussian random fields on the sphere, at any points, in time linear in their number."""

import numpy as np

from ecosys_sims.sites.land import EARTH_RADIUS_KM

WAVES = 1000  # one field's variance is then within a few per cent of 1


def unit_vectors(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Points on the unit sphere (N, 3) from degrees (N,)."""
    phi, lam = np.radians(lat), np.radians(lon)
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)


def gaussian_field(rng: np.random.Generator, lat: np.ndarray, lon: np.ndarray, range_km: float) -> np.ndarray:
    """A field (N,) with mean 0, variance 1 and Matern-3/2 covariance in the straight-line distance d between points.

    cov(d) = (1 + a) exp(-a) with a = sqrt(3) d / (range_km / 2): at `range_km` the correlation is 0.14. It is a sum
    of random plane waves in space (Rahimi and Recht 2007, eq. 1), whose wave vectors follow the covariance's
    spectrum, a multivariate Student t with 3 degrees of freedom; its restriction to the sphere is a valid field
    there, and a point's value does not depend on the other points.
    """
    length = range_km / 2.0 / EARTH_RADIUS_KM
    vectors = rng.standard_normal((WAVES, 3)) * np.sqrt(3.0 / rng.chisquare(3.0, WAVES))[:, None] / length
    phases = rng.uniform(0.0, 2.0 * np.pi, WAVES)
    points = unit_vectors(np.asarray(lat, float), np.asarray(lon, float))
    field = np.empty(len(points))
    for first in range(0, len(points), 2000):  # bounds the memory of a large ensemble
        part = slice(first, first + 2000)
        field[part] = np.cos(points[part] @ vectors.T + phases).sum(axis=1)
    return field * np.sqrt(2.0 / WAVES)
