"""Sites: on land, of plausible classes and climates, reproducible."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from ecosys_sims.formats import biomes
from ecosys_sims.formats.errors import FormatError
from ecosys_sims.formats.site_table import (
    read_site_table,
    read_true_parameters,
    write_site_table,
    write_true_parameters,
)
from ecosys_sims.sites import climate
from ecosys_sims.sites.biome_climates import CLIMATES
from ecosys_sims.sites.configuration import SitesConfig
from ecosys_sims.sites.site_drawing import draw_sites, places_of, suitability
from foundations import coastlines

# fmt: off
# lat, lon, annual mean degC, annual precipitation kg m-2: normals of the weather services (WMO 1991-2020 where there
# are such), rounded to what the test can tell.
DESERTS = {
    "Cairo": (30.1, 31.4, 22, 25), "In Salah": (27.2, 2.5, 26, 16), "Riyadh": (24.7, 46.7, 27, 105),
    "Walvis Bay": (-23.0, 14.6, 17, 14), "Keetmanshoop": (-26.5, 18.1, 21, 150), "Antofagasta": (-23.4, -70.4, 17, 4),
    "Calama": (-22.5, -68.9, 12.5, 5), "Ruoqiang": (39.0, 88.2, 12, 30), "Kashgar": (39.5, 76.0, 12.5, 75),
    "Dalanzadgad": (43.6, 104.4, 5, 125), "Oodnadatta": (-27.6, 135.4, 22, 175), "Phoenix": (33.4, -112.0, 24, 185),
    "Yuma": (32.7, -114.6, 24, 80),
}
OTHERS = {
    "Delhi": (28.6, 77.2, 25, 790), "Nagpur": (21.1, 79.1, 27, 1080), "Mumbai": (19.1, 72.9, 27.5, 2300),
    "Kolkata": (22.5, 88.3, 27, 1800), "Manaus": (-3.1, -60.0, 27, 2300), "Iquitos": (-3.8, -73.3, 26.5, 2900),
    "Kisangani": (0.5, 25.2, 25, 1700), "Singapore": (1.4, 104.0, 28, 2110), "Pontianak": (-0.2, 109.4, 27, 3200),
    "Darwin": (-12.4, 130.9, 27.5, 1800), "Berlin": (52.5, 13.4, 10, 580), "Moscow": (55.8, 37.6, 6.3, 710),
    "Yakutsk": (62.0, 129.7, -8, 240), "Fairbanks": (64.8, -147.9, -2.4, 300), "Omaha": (41.3, -95.9, 11, 785),
    "Winnipeg": (49.9, -97.2, 3, 520), "Buenos Aires": (-34.6, -58.5, 18, 1260), "Tokyo": (35.7, 139.8, 16, 1600),
}
# fmt: on


ONLY_FIELDS = {biome.name: float(biome.name == "cropland") for biome in biomes.BIOMES}


@pytest.fixture(scope="module")
def sites():
    return draw_sites(SitesConfig(count=260), seed=3)


def test_sites_are_on_land_of_both_kinds_and_all_latitudes(sites) -> None:
    assert coastlines.is_land(sites.lat, sites.lon).mean() > 0.995  # float32
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
    assert ((sites.continentality >= 0) & (sites.continentality < 100)).all()
    assert ((sites.annual_precip > 100) & (sites.annual_precip < 6000)).all()


@pytest.mark.parametrize("place", OTHERS)
def test_the_climate_of_known_places_is_near(place: str) -> None:
    lat, lon, t_ann, rain = OTHERS[place]
    normals = climate.normals(np.array([lat]), np.array([lon]))
    assert abs(normals.t_ann[0] - t_ann) < 1.6
    assert 0.7 < normals.annual_precip[0] / rain < 1.45  # a reanalysis is too wet where it is cold or steep


@pytest.mark.parametrize("place", DESERTS)
def test_deserts_are_dry(place: str) -> None:
    lat, lon, t_ann, rain = DESERTS[place]
    normals = climate.normals(np.array([lat]), np.array([lon]))
    assert abs(normals.t_ann[0] - t_ann) < 2.5
    assert abs(normals.annual_precip[0] - rain) < 95.0
    assert normals.wetness[0] < 0.3
    for biome in ("cropland", "temperate_forest", "tropical_forest", "swamp"):
        assert suitability(CLIMATES[biome], places_of(normals, np.array([lon]), 1)) == 0, biome


def test_the_seasons_of_rain_are_those_of_the_place() -> None:
    wettest = climate.normals(np.array([19.1, 36.7, -15.8]), np.array([72.9, 3.2, -47.9])).p_month.argmax(axis=1) + 1
    assert wettest[0] in (6, 7, 8)  # Mumbai: monsoon
    assert wettest[1] in (11, 12, 1, 2)  # Algiers: winter rain
    assert wettest[2] in (11, 12, 1)  # Brasilia: southern summer


def test_the_sea_has_no_climate_normals() -> None:
    with pytest.raises(ValueError, match=r"no climate normals at 0\.00, -30\.00: not on land"):
        climate.normals(np.array([0.0]), np.array([-30.0]))


def test_fields_are_where_rain_feeds_them(sites) -> None:
    fields_only = {biome.name: float(biome.name in ("cropland", "rice")) for biome in biomes.BIOMES}
    field = draw_sites(SitesConfig(count=400, wetland_share=0, biome_weights=fields_only), 5)
    assert field.annual_precip.min() > 300
    places = climate.normals(field.lat, field.lon)
    assert places.wetness.min() > 0.25  # UNEP's arid zone ends at 0.2 of a potential evaporation that is less
    sahara = (field.lat > 18) & (field.lat < 28) & (field.lon > -12) & (field.lon < 32)
    assert not sahara.any()


def test_the_same_seed_gives_the_same_sites_and_another_others() -> None:
    config = SitesConfig(count=20)
    first, repeated, other = draw_sites(config, 5), draw_sites(config, 5), draw_sites(config, 6)
    for column in fields(first):
        assert np.array_equal(getattr(first, column.name), getattr(repeated, column.name))
    assert not np.array_equal(first.lat, other.lat)


def test_a_region_without_a_biome_is_refused_with_advice() -> None:
    config = SitesConfig(count=10, lat_min=-10, lat_max=10, biome_weights={"swamp": 0, "rice": 0})
    with pytest.raises(ValueError, match=r"no wetland biome occurs at 7 places between lat_min -10 and lat_max 10"):
        draw_sites(config, 1)


def test_a_region_keeps_its_limits() -> None:
    sites = draw_sites(SitesConfig(count=30, lat_min=50, lat_max=70), 1)
    assert ((sites.lat >= 50) & (sites.lat <= 70)).all()
    assert len(sites) == 30


def test_normals_by_month_survive_the_file(sites, tmp_path: Path) -> None:
    write_site_table(tmp_path / "sites.nc", sites)
    read = read_site_table(tmp_path / "sites.nc")
    for column in fields(sites):
        assert np.array_equal(getattr(read, column.name), getattr(sites, column.name)), column.name
    assert np.allclose(read.p_month.sum(axis=1), read.annual_precip, rtol=1e-4)


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


def test_sites_of_a_box_are_cells_of_its_grid() -> None:
    box = SitesConfig(count=60, wetland_share=0.0, biome_weights=ONLY_FIELDS, lat_min=38, lat_max=44, lon_min=-98,
                      lon_max=-88, grid_degrees=0.5)  # fmt: skip
    sites = draw_sites(box, 3)
    for degrees, first, last in ((sites.lat, 38, 44), (sites.lon, -98, -88)):
        cell = (degrees - first) / 0.5 - 0.5
        assert np.allclose(cell, np.round(cell)) and degrees.min() > first and degrees.max() < last
    assert len({*zip(sites.lat.tolist(), sites.lon.tolist(), strict=True)}) == 60, "a cell is a site once"


def test_a_box_in_the_sea_is_refused() -> None:
    for grid in (0.0, 0.5):
        with pytest.raises(ValueError, match="no land between 30 and 40 N, -50 and -40 E"):
            draw_sites(SitesConfig(count=4, lat_min=30, lat_max=40, lon_min=-50, lon_max=-40, grid_degrees=grid), 3)
