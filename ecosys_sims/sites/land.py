"""Places on the globe's land: drawn evenly, or the cells of a grid."""

import numpy as np

from foundations import coastlines

EARTH_RADIUS_KM = 6371.0
SOUTHERNMOST = -60.0  # south of it there is ice only


def random_land_points(
    rng: np.random.Generator, count: int, lat_min: float = -56.0, lat_max: float = 76.0
) -> tuple[np.ndarray, np.ndarray]:
    """`count` points drawn evenly over the land area: latitude and longitude, degrees."""
    lat_on_land, lon_on_land, points = [], [], 0
    while points < count:
        sine = rng.uniform(np.sin(np.radians(lat_min)), np.sin(np.radians(lat_max)), 4 * count)
        lat, lon = np.degrees(np.arcsin(sine)), rng.uniform(-180.0, 180.0, 4 * count)
        land = coastlines.is_land(lat, lon)
        lat_on_land.append(lat[land])
        lon_on_land.append(lon[land])
        points += int(land.sum())
    return np.concatenate(lat_on_land)[:count], np.concatenate(lon_on_land)[:count]
