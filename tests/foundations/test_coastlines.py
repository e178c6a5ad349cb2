"""Coastlines and the land within them."""

import numpy as np
import pytest

from foundations import coastlines

# fmt: off
PLACES = {  # lat, lon
    "land": [
        (41.2, -96.4), (61.8, 24.2), (-3.0, -60.0), (62.0, 129.7), (0.0, 22.0), (-25.0, 134.0), (27.0, 80.0),
        (52.5, -1.5), (78.2, 16.0), (-42.0, 146.6), (64.9, -18.5), (28.1, -15.5), (-17.8, 178.0), (45.7, -82.2),
    ],  # the last is an island in Lake Huron
    "water": [
        (0.0, -30.0), (45.0, -40.0), (59.0, -86.0), (42.0, 50.5), (43.0, 34.0), (38.0, 10.5), (47.5, -88.0),
        (-45.0, 100.0), (-1.0, 33.0), (54.5, 109.0), (65.9, -121.0), (57.5, 18.0),
    ],
}
# fmt: on


@pytest.mark.parametrize("kind", PLACES)
def test_known_places_are_land_or_water(kind: str) -> None:
    lat, lon = np.array(PLACES[kind]).T
    assert (coastlines.is_land(lat, lon) == (kind == "land")).all()
    assert (coastlines.is_land(lat, lon + 360.0) == (kind == "land")).all()


def test_the_land_area_is_that_of_the_earth() -> None:
    fraction = coastlines.land_fraction(0.5)
    area = np.cos(np.radians(np.arange(-89.75, 90.0, 0.5)))
    assert fraction.shape == (360, 720)
    assert abs((fraction.mean(axis=1) * area).sum() / area.sum() - 0.287) < 0.005  # 149 of 510 million km2, less lakes


def test_cells_that_do_not_fit_the_mask_are_refused() -> None:
    with pytest.raises(ValueError, match=r"cells of 0\.07 degrees: expected a multiple of 0\.05 that divides 180"):
        coastlines.land_fraction(0.07)


def test_thinned_outlines_keep_the_shape_of_continents() -> None:
    thinned, full = coastlines.outlines(), coastlines.shores()
    assert sum(map(len, thinned)) < 0.25 * sum(map(len, full))
    largest = max(thinned, key=len)
    assert np.ptp(largest[:, 0]) > 150
    assert all((ring[0] == ring[-1]).all() for ring in thinned)
