"""Sites: on land, of plausible classes and climates, reproducible."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from ecosys_sims.formats import biomes
from ecosys_sims.formats.annual_temperature import annual_temperature
from ecosys_sims.formats.errors import FormatError
from ecosys_sims.formats.site_table import read_true_parameters, write_true_parameters
from ecosys_sims.sites import climate, land
from ecosys_sims.sites.configuration import SitesConfig
from ecosys_sims.sites.site_drawing import draw_sites

# fmt: off
PLACES = {  # lat, lon
    "land": [
        (41.2, -96.4), (61.8, 24.2), (-3.0, -60.0), (62.0, 129.7), (0.0, 22.0), (-25.0, 134.0), (27.0, 80.0),
        (52.5, -1.5),
    ],
    "water": [
        (0.0, -30.0), (45.0, -40.0), (59.0, -86.0), (42.0, 50.5), (43.0, 34.0), (38.0, 10.5), (47.5, -88.0),
        (-45.0, 100.0),
    ],
}
CLIMATES = [  # lat, lon, elevation m, annual mean degC, annual precipitation kg m-2: rounded, from general knowledge
    (41.2, -96.4, 360, 10, 750), (61.8, 24.2, 160, 3.5, 650), (64.8, -147.8, 150, -3, 290), (-3, -60, 50, 27, 2300),
    (62, 129, 100, -9, 240),
]
# fmt: on


@pytest.fixture(scope="module")
def sites():
    return draw_sites(SitesConfig(count=260), seed=3)


def test_known_places_are_land_or_water() -> None:
    for kind, places in PLACES.items():
        lat, lon = np.array(places).T
        assert (land.is_land(lat, lon) == (kind == "land")).all(), kind


def test_the_land_area_is_that_of_the_earth() -> None:
    lat, _, grid = land.land_grid()
    share = (grid * np.cos(np.radians(lat))[:, None]).sum() / np.cos(np.radians(lat)).sum() / grid.shape[1]
    assert 0.24 < share < 0.27  # 0.29 with Antarctica, Greenland and the islands that are not drawn


def test_sites_are_on_land_of_both_kinds_and_all_latitudes(sites) -> None:
    assert land.is_land(sites.lat.astype(float), sites.lon.astype(float)).mean() > 0.995  # float32
    wetland = biomes.is_wetland(sites.biome)
    assert wetland.sum() == 182
    assert set(sites.biome) == set(biomes.FLAG_VALUES)
    bands = np.histogram(sites.lat[wetland], bins=[-56, -23, 23, 45, 60, 76])[0]
    assert (bands >= 5).all(), bands


def test_biomes_have_their_climate(sites) -> None:
    warmth = {b.name: sites.t_ann[sites.biome == b.flag].mean() - 273.15 for b in biomes.BIOMES}
    assert warmth["wet_tundra"] < 0 < warmth["fen"] < warmth["marsh"] < warmth["swamp"]
    assert warmth["tundra"] < warmth["boreal_forest"] < warmth["temperate_forest"] < warmth["tropical_forest"]
    rain = {b.name: sites.annual_precip[sites.biome == b.flag].mean() for b in biomes.BIOMES}
    assert rain["shrubland"] < rain["grassland"] < rain["tropical_forest"]
    acid = {b.name: sites.ph[sites.biome == b.flag].mean() for b in biomes.BIOMES}
    assert acid["bog"] < acid["fen"] < acid["marsh"]


def test_numbers_are_possible(sites) -> None:
    assert len(set(sites.site_id)) == len(set(sites.site_number)) == 260
    assert ((sites.sand > 0) & (sites.clay > 0) & (sites.sand + sites.clay < 1)).all()
    assert ((sites.continentality > 0) & (sites.continentality < 90)).all()
    assert ((sites.annual_precip > 80) & (sites.annual_precip < 6000)).all()


@pytest.mark.parametrize(("lat", "lon", "elevation", "t_ann", "rain"), CLIMATES)
def test_the_climate_of_known_places_is_near(lat, lon, elevation, t_ann, rain) -> None:
    lat, lon = np.array([lat]), np.array([lon])
    inland = climate.continentality(lat, lon)
    assert abs(annual_temperature(lat, np.array([elevation]), inland)[0] - t_ann) < 3.5
    assert 0.6 < climate.annual_precipitation(lat, lon)[0] / rain < 1.6


def test_the_same_seed_gives_the_same_sites_and_another_others() -> None:
    config = SitesConfig(count=20)
    first, repeated, other = draw_sites(config, 5), draw_sites(config, 5), draw_sites(config, 6)
    for column in fields(first):
        assert np.array_equal(getattr(first, column.name), getattr(repeated, column.name))
    assert not np.array_equal(first.lat, other.lat)


def test_a_region_without_a_biome_is_refused_with_advice() -> None:
    config = SitesConfig(count=10, lat_min=-10, lat_max=10, biome_weights={"swamp": 0, "rice": 0})
    with pytest.raises(ValueError, match=r"no wetland biome occurs between lat_min -10 and lat_max 10"):
        draw_sites(config, 1)


def test_a_region_keeps_its_limits() -> None:
    sites = draw_sites(SitesConfig(count=30, lat_min=50, lat_max=70), 1)
    assert ((sites.lat >= 50) & (sites.lat <= 70)).all()
    assert len(sites) == 30


def test_true_parameters_are_found_by_the_names_of_sites(tmp_path: Path) -> None:
    sites = draw_sites(SitesConfig(count=4), 3)
    write_true_parameters(tmp_path / "truth.nc", sites, {"mgo": np.arange(4.0)}, {}, 1)
    names = list(sites.site_id)
    assert read_true_parameters(tmp_path / "truth.nc", names[::-1])["mgo"].tolist() == [3.0, 2.0, 1.0, 0.0]
    assert read_true_parameters(tmp_path / "truth.nc", names[2:3])["mgo"].tolist() == [2.0]
    with pytest.raises(FormatError, match=r"truth\.nc: has no site 'X1', and no other of 1 that are asked for"):
        read_true_parameters(tmp_path / "truth.nc", ["X1", names[0], "X2"])
    sites.site_id[1] = names[0]
    write_true_parameters(tmp_path / "truth.nc", sites, {"mgo": np.arange(4.0)}, {}, 1)
    with pytest.raises(FormatError, match=rf"truth\.nc: site '{names[0]}' is there twice"):
        read_true_parameters(tmp_path / "truth.nc", names[:1])
