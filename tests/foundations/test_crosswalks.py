"""Classes of others become ours, by name or number."""

import pytest

from ecosys_sims.adapters import fluxnet2015_site
from foundations.crosswalks import crosswalk, schemes, texture_fractions
from foundations.variables import BIOMES


def test_names_and_numbers_are_the_same_class() -> None:
    assert schemes() == ("igbp", "clm_pft", "usda_texture")
    assert crosswalk("igbp", "WSA") == crosswalk("igbp", 8) == crosswalk("igbp", "8") == "grassland"
    assert crosswalk("clm_pft", "C3 arctic grass") == crosswalk("clm_pft", 12) == "tundra"
    assert crosswalk("usda_texture", "Silty Clay") == crosswalk("usda_texture", 11) == "silty_clay"


@pytest.mark.parametrize(
    ("name", "lat", "biome"),
    [
        ("ENF", -70.0, "boreal_forest"), ("EBF", 50.0, "boreal_forest"), ("DBF", 49.9, "temperate_forest"),
        ("DNF", -24.0, "temperate_forest"), ("MF", 23.9, "tropical_forest"), ("WET", 66.0, "wet_tundra"),
        ("WET", -65.9, "fen"), ("WET", 24.0, "fen"), ("WET", 0.0, "swamp"), ("CVM", 10.0, "cropland"),
    ],
)  # fmt: skip
def test_forests_and_wetlands_go_by_latitude_as_for_towers(name: str, lat: float, biome: str) -> None:
    assert crosswalk("igbp", name, lat) == fluxnet2015_site.biome_of("x", name, lat) == biome


def test_every_meaning_is_one_of_ours() -> None:
    for code in (*range(17), 17, 18, 19, 20, 23, 24, 41, 42, 61, 62, 67, 68, 75, 76, 77, 78):
        if code > 0:
            assert crosswalk("clm_pft", code) in BIOMES.values()
    for code in range(1, 13):
        sand, clay = texture_fractions(code)
        assert 0.0 < sand < 1.0
        assert 0.0 < clay < 1.0 - sand


@pytest.mark.parametrize(
    ("scheme", "name", "message"),
    [
        ("modis", "GRA", "'modis' is not one of the schemes igbp, clm_pft, usda_texture"),
        ("igbp", "GRASS", "igbp: 'GRASS' is no class; did you mean gra"),
        ("igbp", "ENF", "goes by latitude .*boreal_forest from 50 degrees.*: give the latitude"),
        ("igbp", "URB", "igbp URB is like none of our classes of biome"),
        ("clm_pft", 0, "clm_pft not_vegetated is like none"),
        ("clm_pft", 99, "'99' is no class; there are not_vegetated"),
    ],
)
def test_what_cannot_be_crossed_is_told(scheme: str, name: str | int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        crosswalk(scheme, name)
