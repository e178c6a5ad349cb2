"""The land cells of a grid as sites."""

import numpy as np
import pytest

from ecosys_sims.ensemble import configuration
from ecosys_sims.formats import biomes
from ecosys_sims.sites.grid_cells import grid_sites
from foundations import coastlines
from foundations.configuration_file import ConfigError


def cells(resolution: float, **sites):
    content = {"lat_max": 84, "wetland_share": 0.1, "grid": {"resolution": resolution}, **sites}
    config = configuration.parse({"sites": content}, "x").sites
    return grid_sites(config, config.grid, 1)


@pytest.fixture(scope="module")
def globe():
    return cells(4.0)


def test_the_globe_is_its_ice_free_land(globe) -> None:
    area = 4.0**2 * 111.2**2 * np.cos(np.radians(globe.lat.astype(float))).sum() / 1e6
    assert 122 < area < 138  # 10^6 km2: 149 without Antarctica's 14 and most of Greenland's 2.2
    assert ((globe.lat + 90) % 4 == 2).all() and ((globe.lon + 180) % 4 == 2).all()
    assert (np.diff(globe.site_number) > 0).all()
    greenland = (globe.lat > 66) & (globe.lat < 80) & (globe.lon > -48) & (globe.lon < -34)
    assert not greenland.any()
    assert len(set(globe.site_id)) == len(globe)


def test_cells_have_the_class_of_their_climate(globe) -> None:
    def classes(lat, lon):
        box = (abs(globe.lat - lat) < 6) & (abs(globe.lon - lon) < 8)
        return {biomes.BY_FLAG[flag].name for flag in globe.biome[box]}

    assert classes(24, 10) == {"shrubland"}  # the Sahara: the driest class there is
    assert "tropical_forest" in classes(-4, -64)
    assert classes(70, 100) <= {"tundra", "wet_tundra", "fen", "bog", "boreal_forest"}
    assert 0.04 < biomes.is_wetland(globe.biome).mean() < 0.11


def test_a_cell_is_the_same_in_any_region(globe) -> None:
    region = cells(4.0, lat_min=0, lat_max=60, lon_min=0, lon_max=90)
    where = np.searchsorted(globe.site_number, region.site_number)
    for name in ("site_id", "site_number", "lat", "lon", "biome", "elevation", "t_month", "p_month"):
        assert np.array_equal(getattr(region, name), getattr(globe, name)[where]), name


def test_half_a_degree_is_the_global_run() -> None:
    config = configuration.load("configs/sims/global.yaml")
    assert config.run.store == "zarr" and config.sites.grid.resolution == 0.5
    lat = np.arange(-89.75, 90, 0.5)
    fraction = coastlines.land_fraction(0.5)[(lat > -56) & (lat < 84)]
    assert 60_000 < (fraction >= 0.5).sum() < 63_000  # 59,510 without the ice caps


@pytest.mark.parametrize(("sites", "message"), [
    ({"grid": {"resolution": 0.07}}, r"resolution 0.07: expected a multiple of 0.05 that divides 180"),
    ({"grid": {}, "count": 5}, r"leave out sites.count and sites.table"),
])  # fmt: skip
def test_grids_that_cannot_be_are_refused(sites, message) -> None:
    with pytest.raises(ConfigError, match=message):
        configuration.parse({"sites": sites}, "x")


def test_a_region_of_ice_or_sea_is_refused_with_advice() -> None:
    with pytest.raises(ValueError, match=r"no cell of the region is land that is free of ice; widen it"):
        cells(2.0, lat_min=-10, lat_max=10, lon_min=-28, lon_max=-20)
