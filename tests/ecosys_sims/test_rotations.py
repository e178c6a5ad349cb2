"""Crop rotations of an ensemble's fields."""

import numpy as np
import pytest

from ecosys_sims.ensemble import configuration as config
from ecosys_sims.formats import biomes
from ecosys_sims.formats.site_table import SiteTable
from ecosys_sims.sites.configuration import CropsConfig, SitesConfig
from ecosys_sims.sites.rotations import draw_rotations, suits
from ecosys_sims.sites.site_drawing import draw_sites
from foundations.configuration_file import ConfigError

WEIGHTS = {"12": 3.0, "1": 1.0, "3": 1.0, "5": 1.0}


@pytest.fixture(scope="module")
def sites() -> SiteTable:
    return draw_sites(SitesConfig(count=900, wetland_share=0.0, biome_weights={"cropland": 5.0}), 2)


def test_fields_get_rotations_that_suit_their_climate_in_any_phase(sites) -> None:
    drawn = draw_rotations(sites, CropsConfig(rotations=WEIGHTS), 1)["rotation"]
    field = sites.biome == biomes.BY_NAME["cropland"].flag
    assert np.isnan(drawn[~field]).all()
    rotations = [f"{value:.0f}" for value in drawn[field & np.isfinite(drawn)]]
    assert set(rotations) == {"12", "21", "1", "3", "5"}
    assert 0.3 < rotations.count("12") / (rotations.count("12") + rotations.count("21")) < 0.7
    warm = [
        suits(f"{value:.0f}", t - 273.15) for value, t in zip(drawn, sites.t_ann, strict=True) if np.isfinite(value)
    ]
    assert all(warm)
    assert draw_rotations(sites, CropsConfig(), 1) == {}


def test_weights_count_where_all_suit(sites) -> None:
    drawn = draw_rotations(sites, CropsConfig(rotations={"1": 3.0, "4": 1.0}), 1)["rotation"]
    suitable = (sites.biome == biomes.BY_NAME["cropland"].flag) & (sites.t_ann > 286) & (sites.t_ann < 300)
    share = np.mean(drawn[suitable] == 1)
    assert abs(share - 0.75) < 4 * np.sqrt(0.75 * 0.25 / suitable.sum())


@pytest.mark.parametrize("name", ["01", "16", "x", "123451"])
def test_what_is_no_rotation_is_refused(name) -> None:
    with pytest.raises(ConfigError, match=f"{name}' is not a rotation"):
        config.parse({"crops": {"rotations": {name: 1.0}}}, "case.yaml")
