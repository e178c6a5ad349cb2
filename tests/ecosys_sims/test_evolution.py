"""Which sites of an ensemble change over the years, and how."""

import numpy as np
import pytest

from ecosys_sims.formats import biomes
from ecosys_sims.formats.site_table import SiteTable
from ecosys_sims.program.executable import find_program
from ecosys_sims.program.parameter_table import parameter_table
from ecosys_sims.sites.configuration import EvolutionConfig, PeriodConfig, SitesConfig
from ecosys_sims.sites.evolution import PERMAFROST_T_ANN, draw_evolution
from ecosys_sims.sites.site_drawing import draw_sites

PERIOD = PeriodConfig(start_year=1995, years=20)
ALL = EvolutionConfig(drained_share=0.3, shifted_share=0.4, thawing_share=0.5, mgo_walk=0.05, cultivar_trend=0.01)


@pytest.fixture(scope="module")
def sites() -> SiteTable:
    return draw_sites(SitesConfig(count=800, wetland_share=0.6), 3)


def test_nothing_changes_unless_asked_for(sites) -> None:
    assert draw_evolution(sites, EvolutionConfig(), PERIOD, 1) == {}


def test_shares_are_those_asked_for(sites) -> None:
    drawn = draw_evolution(sites, ALL, PERIOD, 1)
    crops = np.isin(sites.biome, [biomes.BY_NAME["cropland"].flag, biomes.BY_NAME["rice"].flag])
    wetland = biomes.is_wetland(sites.biome)
    for name, able, share in [
        ("drain_year", wetland & ~crops, 0.3),
        ("shift_year", ~crops, 0.4),
        ("thaw_depth", sites.t_ann < PERMAFROST_T_ANN, 0.5),
    ]:
        chosen = np.isfinite(drawn[name])
        assert not chosen[~able].any(), name
        assert abs(chosen[able].mean() - share) < 4 * np.sqrt(share * (1 - share) / able.sum()), name
    assert np.array_equal(np.isfinite(drawn["mgo_walk"]), wetland)
    assert np.array_equal(np.isfinite(drawn["cultivar_trend"]), crops)


def test_values_are_within_the_program_s_bounds_and_the_period(sites, ecosys_exe) -> None:
    table = parameter_table(find_program())
    drawn = draw_evolution(sites, ALL, PERIOD, 1)
    for name, values in drawn.items():
        changed = values[np.isfinite(values)]
        assert (changed >= table[name].minimum).all() and (changed <= table[name].maximum).all(), name
    years = drawn["drain_year"][np.isfinite(drawn["drain_year"])]
    assert years.min() >= 1995 and years.max() <= 2014 and np.array_equal(years, np.floor(years))
    factor = drawn["drain_factor"][np.isfinite(drawn["drain_factor"])]
    assert 0.3 < (factor > 1).mean() < 0.7 and ((factor > 1.5) | (factor < 0.6)).all()


def test_a_site_s_change_does_not_depend_on_the_other_shares(sites) -> None:
    alone = draw_evolution(sites, EvolutionConfig(drained_share=0.3), PERIOD, 1)
    together = draw_evolution(sites, ALL, PERIOD, 1)
    for name in ("drain_year", "drain_span", "drain_factor"):
        assert np.array_equal(alone[name], together[name], equal_nan=True)
    other = draw_evolution(sites, ALL, PERIOD, 2)
    assert not np.array_equal(other["drain_year"], together["drain_year"], equal_nan=True)
