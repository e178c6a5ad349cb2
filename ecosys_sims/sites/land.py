"""Places on the globe's land: drawn evenly, or the cells of a grid."""

import numpy as np

from foundations import coastlines

EARTH_RADIUS_KM = 6371.0
SOUTHERNMOST = -60.0  # south of it there is ice only


def random_land_points(
    rng: np.random.Generator,
    count: int,
    lat_range: tuple[float, float] = (-56.0, 76.0),
    lon_range: tuple[float, float] = (-180.0, 180.0),
) -> tuple[np.ndarray, np.ndarray]:
    """`count` points drawn evenly over the land area between these: latitude and longitude, degrees.

    ValueError where there is hardly any land.
    """
    lat_on_land, lon_on_land, points = [], [], 0
    lowest, highest = np.sin(np.radians(lat_range))
    for _ in range(1000):
        lat, lon = np.degrees(np.arcsin(rng.uniform(lowest, highest, 4 * count))), rng.uniform(*lon_range, 4 * count)
        land = coastlines.is_land(lat, lon)
        lat_on_land.append(lat[land])
        lon_on_land.append(lon[land])
        points += int(land.sum())
        if points >= count:
            return np.concatenate(lat_on_land)[:count], np.concatenate(lon_on_land)[:count]
        if points == 0:
            break
    message = f"no land between {lat_range[0]:g} and {lat_range[1]:g} N, {lon_range[0]:g} and {lon_range[1]:g} E"
    raise ValueError(message)


def land_cells(
    degrees: float, lat_range: tuple[float, float], lon_range: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Centres of the cells of a regular grid within these bounds that are on land: latitude and longitude, degrees.

    ValueError where there are none.
    """
    centres = [
        first + degrees * (np.arange(round((last - first) / degrees)) + 0.5) for first, last in (lat_range, lon_range)
    ]
    lat, lon = (axis.ravel() for axis in np.meshgrid(*centres, indexing="ij"))
    land = coastlines.is_land(lat, lon)
    if not land.any():
        message = f"no land between {lat_range[0]:g} and {lat_range[1]:g} N, {lon_range[0]:g} and {lon_range[1]:g} E"
        raise ValueError(message)
    return lat[land], lon[land]
