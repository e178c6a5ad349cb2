"""Hidden parameters: distribution, structure, correlations, reproducibility."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecosys_sims.formats import biomes
from ecosys_sims.program.parameter_table import ParameterInfo
from ecosys_sims.sites.configuration import HiddenParametersConfig, SharesConfig, SitesConfig
from ecosys_sims.sites.hidden_parameters import (
    cut_normal,
    draw_parameters,
    latin_hypercube,
    net_primary_production,
    structured_share,
    variance_shares,
)
from ecosys_sims.sites.parameter_spread import UPLAND, WETLAND
from ecosys_sims.sites.random_field import gaussian_field
from ecosys_sims.sites.random_streams import stream
from ecosys_sims.sites.site_drawing import draw_sites

SEED = 4


def make_table(between: float) -> dict[str, ParameterInfo]:
    """A program's table whose biomes differ by `between` times the spread within them."""
    defaults: dict[str, dict[str, float]] = {}
    for wetland, spreads in ((True, WETLAND), (False, UPLAND)):
        members = [biome.name for biome in biomes.BIOMES if biome.wetland == wetland]
        for spread in spreads:
            lowest = max(spread.lowest, 0.05 * spread.highest) if spread.log else spread.lowest
            middle = (np.log(lowest) + np.log(spread.highest)) / 2 if spread.log else (lowest + spread.highest) / 2
            steps = middle + between * spread.sd * np.linspace(-1.5, 1.5, len(members))
            values = np.exp(steps) if spread.log else steps
            defaults.setdefault(spread.name, dict.fromkeys(biomes.BY_NAME, 0.0)).update(
                zip(members, values, strict=True)
            )
    return {name: ParameterInfo(name, "ch4_nl", "1", -1e3, 1e3, by_biome) for name, by_biome in defaults.items()}


@pytest.fixture(scope="module")
def sites():
    return draw_sites(SitesConfig(count=900, wetland_share=0.8), SEED)


@pytest.fixture(scope="module")
def drawn(sites):
    return draw_parameters(sites, make_table(0.7), HiddenParametersConfig(), SEED)


def test_a_field_has_unit_variance_and_its_range() -> None:
    lat, lon = np.array([50.0, 50.0, 50.0]), np.array([0.0, 2.79, 14.0])  # 0, 200 and 1000 km apart
    fields = np.array([gaussian_field(stream(seed, "test"), lat, lon, 1000.0) for seed in range(600)])
    assert fields.var() == pytest.approx(1.0, abs=0.1)
    correlation = np.corrcoef(fields.T)
    assert correlation[0, 1] == pytest.approx(0.84, abs=0.06)  # (1 + a) exp(-a), a = sqrt(3) 200 / 500
    assert correlation[0, 2] == pytest.approx(0.14, abs=0.12)


@given(st.integers(1, 200), st.integers(0, 1000))
def test_a_latin_hypercube_has_one_value_in_each_stratum_and_keeps_the_order(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    ranked = rng.standard_normal(count)
    probability = latin_hypercube(ranked, rng)
    assert sorted(np.floor(probability * count).astype(int)) == list(range(count))
    assert (np.argsort(probability) == np.argsort(ranked)).all()


def test_the_distribution_of_deviations_is_a_normal_without_tails() -> None:
    values = cut_normal((np.arange(20000) + 0.5) / 20000)
    assert values.std() == pytest.approx(1.0, abs=1e-3)
    assert 2.5 < values.max() < 2.8
    assert np.quantile(values, 0.75) == pytest.approx(0.70, abs=0.01)


def test_the_deviations_fill_all_strata(sites) -> None:
    """Without differences between biomes a parameter's own values are stratified: their ranks are spread evenly."""
    drawn = draw_parameters(sites, make_table(0.0), HiddenParametersConfig(), SEED)
    wetland = biomes.is_wetland(sites.biome)
    values = np.log(drawn.values["pq10"][wetland])
    below_median = (values < np.median(values)).mean()
    assert below_median == 0.5
    deviation = (values - values.mean()) / values.std()
    assert np.quantile(deviation, [0.05, 0.25, 0.75, 0.95]) == pytest.approx([-1.64, -0.67, 0.67, 1.64], abs=0.1)


def test_values_stay_in_the_ranges_of_the_literature(sites, drawn) -> None:
    wetland = biomes.is_wetland(sites.biome)
    for spreads, members in ((WETLAND, wetland), (UPLAND, ~wetland)):
        for spread in spreads:
            values = drawn.values[spread.name][members]
            drawn_values = values[~np.isnan(values)]
            assert drawn_values.min() >= spread.lowest - 1e-12, spread.name
            assert drawn_values.max() <= spread.highest + 1e-12, spread.name
    assert np.isnan(drawn.values["mgo"][~wetland]).all()  # uplands keep the default of their biome
    assert np.isnan(drawn.values["d_water"][wetland]).all()


def test_about_seventy_per_cent_of_the_variance_is_structured(sites, drawn) -> None:
    """What biome, climate, soil and the true field explain by regression is what the shares claim."""
    wetland = np.flatnonzero(biomes.is_wetland(sites.biome))
    for name in ("pq10", "mgo", "tau_sub", "c_r"):
        values = np.log(drawn.values[name][wetland])
        rng = stream(SEED, f"field {name}")
        field = gaussian_field(rng, sites.lat[wetland], sites.lon[wetland], rng.uniform(300.0, 1000.0))
        columns = [field]
        columns += [
            np.asarray(getattr(sites, c)[wetland], float) for c in ("t_ann", "ph", "sand", "clay", "continentality")
        ]
        columns.append(np.log(sites.annual_precip[wetland]))
        columns.append(net_primary_production(sites.t_ann[wetland] - 273.15, sites.annual_precip[wetland]))
        columns += [(sites.biome[wetland] == flag).astype(float) for flag in np.unique(sites.biome[wetland])]
        design = np.column_stack(columns)
        design = (design - design.mean(0)) / design.std(0)
        target = values - values.mean()
        residual = target - design @ np.linalg.lstsq(design, target, rcond=None)[0]
        explained = 1.0 - residual.var() / target.var()
        claimed = 1.0 - drawn.shares[name]["wetland"]["noise"]
        assert claimed == pytest.approx(0.7, abs=0.06)
        assert explained == pytest.approx(claimed, abs=0.06), name
    assert structured_share(drawn.shares) == pytest.approx(0.7, abs=0.1)


def test_correlations_have_the_signs_of_the_processes(sites, drawn) -> None:
    wetland = biomes.is_wetland(sites.biome)

    def correlation(name: str, other: np.ndarray) -> float:
        return np.corrcoef(np.log(drawn.values[name][wetland]), other[wetland])[0, 1]

    production = net_primary_production(sites.t_ann - 273.15, sites.annual_precip)
    assert correlation("mgo", production) > 0.1
    assert correlation("mgo", sites.ph) > 0.1
    affinity = np.log(np.nan_to_num(drawn.values["kch4"], nan=1.0))
    assert correlation("omax", affinity) > max(0.35, correlation("pq10", affinity) + 0.15)


def test_near_sites_are_alike(sites, drawn) -> None:
    wetland = np.flatnonzero(biomes.is_wetland(sites.biome))
    lat, lon = np.radians(sites.lat[wetland]), np.radians(sites.lon[wetland])
    cosine = np.sin(lat) * np.sin(lat)[:, None] + np.cos(lat) * np.cos(lat)[:, None] * np.cos(lon - lon[:, None])
    distance = 6371.0 * np.arccos(np.clip(cosine, -1, 1))
    values = np.log(drawn.values["tau_sub"][wetland])
    values = (values - values.mean()) / values.std()
    product = np.outer(values, values)
    near = product[(distance > 0) & (distance < 150)].mean()
    far = product[distance > 3000].mean()
    assert near > 0.3
    assert near > far + 0.3


@pytest.mark.parametrize(
    ("between", "structured", "noise"), [(0.0, 0.7, 0.3), (1.0, 0.7, 0.25), (0.0, 0.0, 1.0), (0.5, 1.0, 0.0)]
)
def test_shares_sum_to_one_and_noise_has_its_part(between: float, structured: float, noise: float) -> None:
    shares = variance_shares(between, 1.0, SharesConfig(structured=structured))
    assert sum(shares.values()) == pytest.approx(1.0)
    assert min(shares.values()) >= 0.0
    assert shares["noise"] == pytest.approx(noise)


def test_the_seed_decides_and_spread_zero_gives_defaults(sites) -> None:
    part = sites.part(0, 60)
    table = make_table(0.7)
    drawn = draw_parameters(part, table, HiddenParametersConfig(), 1)
    repeated = draw_parameters(part, table, HiddenParametersConfig(), 1)
    other = draw_parameters(part, table, HiddenParametersConfig(), 2)
    assert all(np.array_equal(drawn.values[name], repeated.values[name], equal_nan=True) for name in drawn.values)
    assert not np.array_equal(drawn.values["som_mult"], other.values["som_mult"])
    none = draw_parameters(part, table, HiddenParametersConfig(spread=0.0), 1)
    defaults = [table["som_mult"].biome_defaults[biomes.BY_FLAG[flag].name] for flag in part.biome]
    assert none.values["som_mult"] == pytest.approx(defaults)


def test_parameters_fixed_by_the_namelist_are_not_drawn(sites) -> None:
    drawn = draw_parameters(sites.part(0, 30), make_table(0.5), HiddenParametersConfig(), 1, fixed={"mgo"})
    assert "mgo" not in drawn.values
    assert "omax" in drawn.values


def test_a_program_without_a_parameter_is_told(sites) -> None:
    table = make_table(0.5)
    del table["t_pr"]
    with pytest.raises(ValueError, match="the program has no parameter 't_pr'"):
        draw_parameters(sites.part(0, 30), table, HiddenParametersConfig(), 1)


def told_by_a_linear_sum(sites, values: np.ndarray, flag: int) -> float:
    """Share of the variance of a parameter among the sites of a class that a linear sum of climate and soil tells."""
    members = (sites.biome == flag) & np.isfinite(values)
    names = ("t_ann", "annual_precip", "continentality", "sand", "clay", "ph")
    columns = np.stack([np.ones(members.sum()), *(getattr(sites, name)[members] for name in names)], axis=1)
    columns[:, 1:] = (columns[:, 1:] - columns[:, 1:].mean(0)) / columns[:, 1:].std(0)
    wanted = np.log(values[members])
    left = wanted - columns @ np.linalg.lstsq(columns, wanted, rcond=None)[0]
    return float(1.0 - left.var() / wanted.var())


def test_a_map_of_each_class_is_curved_and_its_own(sites) -> None:
    """Where climate and soil tell all, a linear sum tells it of linear maps and little of curved ones."""
    shares = SharesConfig(structured=1.0, climate_soil=1.0)
    values = {
        kind: draw_parameters(
            sites, make_table(0.0), HiddenParametersConfig(shares=shares, climate_soil_map=kind), SEED
        ).values["som_mult"]
        for kind in ("linear", "by_class")
    }
    flags = [biome.flag for biome in biomes.BIOMES if biome.wetland and (sites.biome == biome.flag).sum() > 60]
    linear = [told_by_a_linear_sum(sites, values["linear"], flag) for flag in flags]
    curved = [told_by_a_linear_sum(sites, values["by_class"], flag) for flag in flags]
    assert min(linear) > 0.85
    assert np.mean(curved) < 0.7
    assert (
        np.ptp([np.corrcoef(values["by_class"][sites.biome == f], sites.ph[sites.biome == f])[0, 1] for f in flags])
        > 0.3
    )
