"""Configurations: what is accepted, and what errors say."""

from pathlib import Path

import pytest

from ecosys_sims.ensemble import configuration
from ecosys_sims.ensemble.blocks import block_namelist
from ecosys_sims.formats import biomes
from ecosys_sims.sites.site_drawing import draw_sites
from foundations.configuration_file import ConfigError

CONFIGURATIONS = sorted((Path(__file__).resolve().parents[2] / "configs" / "sims").glob("*.yaml"))


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda path: path.name)
def test_the_configurations_we_ship_are_valid(path: Path) -> None:
    config = configuration.load(path)
    assert config.sites.count >= 4
    assert configuration.parse(config.model_dump(mode="json"), "again") == config


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("wetland", {"bog", "fen", "marsh", "swamp", "wet_tundra"}),
        (
            "upland",
            {"boreal_forest", "temperate_forest", "tropical_forest", "grassland", "shrubland", "tundra"},
        ),
        ("cropland", {"cropland", "rice"}),
    ],
)
def test_each_large_ensemble_has_a_thousand_sites_of_its_kind(name: str, kinds: set[str]) -> None:
    config = configuration.load(next(path for path in CONFIGURATIONS if path.stem == name))
    assert (config.sites.count, config.period.years) == (1000, 20)
    sites = draw_sites(config.sites, config.seed)
    assert {biomes.BY_FLAG[flag].name for flag in sites.biome} == kinds
    assert len(sites) == 1000 and len(set(zip(sites.lat, sites.lon, strict=True))) == 1000


def test_an_unknown_key_names_file_key_section_and_what_is_known(tmp_path: Path) -> None:
    path = tmp_path / "sims.yaml"
    path.write_text("sites:\n  cuont: 12\n")
    with pytest.raises(ConfigError) as error:
        configuration.load(path)
    assert str(error.value) == (
        f"{path}: unknown key 'cuont' in sites; did you mean 'count'? "
        "(known: count, wetland_share, biome_weights, lat_min, lat_max, lon_min, lon_max, grid_degrees, grid, table)"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sites: {count: 0}", "sites.count: Input should be greater than or equal to 1 (found 0)"),
        ("sites: {count: many}", "sites.count: Input should be a valid integer"),
        ("sites: {biome_weights: {bogg: 1}}", "unknown biome 'bogg'"),
        ("namelist: {run_ctl: {seed: 3}}", "namelist.run_ctl.seed is set by the simulation itself"),
        ("namelist: {RUN_CTL: {Seed: 3}}", "namelist.run_ctl.seed is set by the simulation itself; use seed"),
        (
            "namelist: {run_ctl: {spinup_years: 9}}",
            "spinup_years is set by the simulation itself; use period.spinup_years",
        ),
        ("namelist: {run_ctl: {bgc_scheme: emulator}}", "bgc_scheme is set by the simulation itself; remove it"),
        ("namelist: {run_ctl: {finidat: a.nc}}", "finidat is set by the simulation itself; remove it"),
        ("namelist: {run_ctl: {rest_frq: end}}", "rest_frq is set by the simulation itself; remove it"),
        ("namelist: {ch4_nl: {mgo: 0.3, MGO: 0.4}}", "namelist: ch4_nl.MGO is there twice, in upper and lower case"),
        ("namelist: {hist_nl: {hist_nhtfrq: 0}}", "hist_nl.hist_nhtfrq: a dataset needs all variables, daily"),
        ("sites: 3", "sites: Input should be a valid dictionary"),
        ("- a\n- b", "expected keys and values at the top level, found list"),
        ("a: [1", "not valid YAML"),
    ],
)
def test_wrong_values_are_told_with_file_and_key(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "sims.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        configuration.load(path)
    assert str(error.value).startswith(str(path))
    assert message in str(error.value)


def test_keys_of_the_namelist_may_be_in_upper_case() -> None:
    upper = configuration.parse({"namelist": {"CH4_NL": {"MGO": 0.3}, "Wgen_nl": {"CO2": 400}}}, "x")
    lower = configuration.parse({"namelist": {"ch4_nl": {"mgo": 0.3}, "wgen_nl": {"co2": 400}}}, "x")
    assert upper == lower
    assert block_namelist(upper)["ch4_nl"]["mgo"] == 0.3


def test_an_empty_section_has_its_defaults_and_options_still_win(tmp_path: Path) -> None:
    path = tmp_path / "sims.yaml"
    path.write_text("sites:\n  # count: 12\nnamelist:\n")
    assert configuration.load(path) == configuration.parse({}, "x")
    assert configuration.load(path, {"sites.count": 3}).sites.count == 3
    path.write_text("sites: 12\n")
    with pytest.raises(ConfigError, match=r"sims\.yaml: sites: Input should be a valid dictionary"):
        configuration.load(path, {"sites.count": 3})


def test_a_wrong_value_of_an_option_is_told_with_the_option(tmp_path: Path) -> None:
    path = tmp_path / "sims.yaml"
    path.write_text("sites: {count: 5}\nperiod: {years: 0}\n")
    with pytest.raises(ConfigError) as error:
        configuration.load(path, {"sites.count": 0}, {"sites.count": "--sites"})
    assert str(error.value) == (
        "--sites: Input should be greater than or equal to 1 (found 0)\n"
        f"{path}: period.years: Input should be greater than or equal to 1 (found 0)"
    )


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.yaml: cannot read the configuration"):
        configuration.load(tmp_path / "nothing.yaml")


def test_yaml_is_1_2_and_options_win(tmp_path: Path) -> None:
    path = tmp_path / "sims.yaml"
    path.write_text("institution: NO\nsites: {count: 5}\nnamelist: {wgen_nl: {annual_t_sd: 1e-1}}\n")
    config = configuration.load(path, {"sites.count": 9, "period.years": 3})
    assert (config.institution, config.sites.count, config.period.years) == ("NO", 9, 3)
    assert config.namelist["wgen_nl"]["annual_t_sd"] == 0.1


def test_the_resolved_configuration_reads_back_the_same(tmp_path: Path) -> None:
    config = configuration.parse({"seed": 8, "sites": {"count": 3}, "hidden_parameters": {"spread": 0.5}}, "x")
    (tmp_path / "again.yaml").write_text(configuration.to_yaml(config))
    assert configuration.load(tmp_path / "again.yaml") == config


def test_the_hash_follows_what_results_depend_on() -> None:
    def hash_of(**content) -> str:
        return configuration.result_hash(configuration.parse(content, "x"))

    assert hash_of(title="one", run={"keep_block_histories": True}) == hash_of(title="two")
    assert hash_of(seed=1) != hash_of(seed=2)
    assert hash_of(hidden_parameters={"shares": {"structured": 0.6}}) != hash_of()
