"""Designed ensembles: members, their parameters, what the program says that it used, and tables that are refused."""

import csv
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from ecosys_sims.ensemble import configuration
from ecosys_sims.ensemble.cluster import EnsembleError
from ecosys_sims.ensemble.configuration import DesignConfig, SimulationConfig
from ecosys_sims.ensemble.designs import expand
from ecosys_sims.ensemble.drawing import draw
from ecosys_sims.ensemble.simulation import simulate
from ecosys_sims.formats import biomes
from ecosys_sims.formats.dataset_check import check_dataset
from ecosys_sims.formats.site_table import read_site_table, read_true_parameters, write_site_table
from ecosys_sims.formats.site_table_check import check_site_table
from ecosys_sims.program.parameter_table import ParameterInfo, parameter_table
from ecosys_sims.sites.site_drawing import draw_sites
from foundations.configuration_file import ConfigError

TABLE = {
    name: ParameterInfo(name, "ch4_nl", "1", low, high, dict.fromkeys(biomes.BY_NAME, default))
    for name, low, high, default in (("mgo", 0.0, 5.0, 0.5), ("pq10", 1.0, 16.0, 4.0), ("odd", 0.0, 1.0, 0.5))
}


def design(**content) -> DesignConfig:
    return configuration.parse({"design": content}, "x").design


@pytest.fixture(scope="module")
def base():
    return draw_sites(configuration.parse({"sites": {"count": 3, "wetland_share": 1.0}}, "x").sites, 4)


def test_a_hypercube_has_one_member_in_each_stratum_of_each_site(base) -> None:
    hypercube = design(
        kind="lhs", members=20, parameters={"mgo": {"low": 0.05, "high": 2.0, "log": True}, "pq10": [2, 8]}
    )
    members = expand(hypercube, base, {}, TABLE, 7)
    assert len(members.sites) == 60 and list(np.unique(members.sites.site_id)) == sorted(members.sites.site_id)
    for number in range(3):
        of_site = members.base_site_id == base.site_id[number]
        assert list(members.realization[of_site]) == list(range(20))
        share = np.log(members.values["mgo"][of_site] / 0.05) / np.log(2.0 / 0.05)
        assert sorted(np.floor(20 * share).astype(int)) == list(range(20))
        assert sorted(np.floor(20 * (members.values["pq10"][of_site] - 2.0) / 6.0).astype(int)) == list(range(20))
        assert len(set(members.sites.site_number[of_site])) == 1  # the same weather
        assert abs(np.corrcoef(share, members.values["pq10"][of_site])[0, 1]) < 0.7
    repeated = expand(hypercube, base, {}, TABLE, 7)
    assert all(np.array_equal(members.values[name], repeated.values[name]) for name in members.values)
    assert not np.array_equal(members.values["mgo"][:20], members.values["mgo"][20:40])
    assert not np.array_equal(members.values["mgo"], expand(hypercube, base, {}, TABLE, 8).values["mgo"])


def test_one_at_a_time_starts_from_the_site_itself(base) -> None:
    drawn = {"mgo": np.array([0.7, np.nan, 0.9]), "odd": np.array([0.2, 0.3, np.nan])}
    levels = design(kind="oat", levels=3, parameters={"pq10": [2, 8], "mgo": {"low": 0.5, "high": 2, "relative": True}})
    members = expand(levels, base, drawn, TABLE, 1)
    assert len(members.sites) == 3 * 7
    first = members.base_site_id == base.site_id[0]
    assert list(members.perturbed[first]) == ["", "pq10", "pq10", "pq10", "mgo", "mgo", "mgo"]
    assert members.values["pq10"][first][1:4] == pytest.approx([2.0, 5.0, 8.0])
    assert np.isnan(members.values["pq10"][first][[0, 4, 5, 6]]).all()
    assert members.values["mgo"][first] == pytest.approx([0.7, 0.7, 0.7, 0.7, 0.35, 0.875, 1.4])
    assert members.values["odd"][first] == pytest.approx([0.2] * 7)
    second = members.values["mgo"][members.base_site_id == base.site_id[1]]
    assert second[4:] == pytest.approx([0.25, 0.625, 1.0])  # of the biome's default
    assert np.isnan(second[:4]).all()


def test_without_a_choice_all_parameters_with_a_known_range_are_taken(base, ecosys_exe: Path) -> None:
    table = parameter_table(ecosys_exe)
    members = expand(design(kind="oat"), base.part(0, 1), {}, table, 1)
    names = set(members.perturbed) - {""}
    assert {"mgo", "pq10", "porosity", "som_mult", "tau_sub"} <= names
    for name in names:
        values = members.values[name][members.perturbed == name]
        assert table[name].minimum <= values.min() < values.max() <= table[name].maximum


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"kind": "lhs", "parameters": {"mgoo": [0.1, 1]}}, r"no parameter 'mgoo'; did you mean 'mgo'\?"),
        ({"kind": "lhs", "parameters": {"mgo": [0.1, 6]}}, r"design.parameters.mgo: 6 is outside .* 0 to 5 1"),
        ({"kind": "oat", "parameters": {"odd": None}}, r"design.parameters.odd: no range of the literature is known"),
    ],
)
def test_parameters_that_cannot_be_set_are_named(base, content: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        expand(design(**content), base, {}, TABLE, 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{kind: lhs, parameters: {mgo: [2, 1]}}", "low must be less than high"),
        ("{kind: lhs, parameters: {mgo: [1, 2, 3]}}", "expected [low, high]"),
        ("{kind: lhs, parameters: {mgo: {low: 0, high: 1, log: true}}}", "low must be above 0 where log is true"),
        ("{kind: lhs, parameters: {mgo: {low: 0, hihg: 1}}}", "did you mean 'high'?"),
        ("table", "belongs to kind: table, which needs it"),
        ("{kind: sites, parameters: {mgo: [1, 2]}}", "design.parameters belong to lhs and oat"),
        ("random", "design.kind: Input should be 'sites', 'lhs', 'oat' or 'table'"),
        ("{kind: lhs, members: 1}", "design.members: Input should be greater than or equal to 2"),
    ],
)
def test_wrong_designs_are_told_when_the_configuration_is_read(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "sims.yaml"
    path.write_text(f"design: {content}\n")
    with pytest.raises(ConfigError) as error:
        configuration.load(path)
    assert message in str(error.value) and str(path) in str(error.value)


# ---- tables -------------------------------------------------------------------------------------------------------


def write_csv(path: Path, rows: list[list]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def test_a_table_gives_a_member_for_each_row(base, tmp_path: Path) -> None:
    rows = [["site_id", "mgo", "pq10"], [base.site_id[2], 0.4, 3], [base.site_id[0], 0.1, 2.5], [base.site_id[2], 1, 4]]
    path = write_csv(tmp_path / "members.csv", rows)
    members = expand(design(kind="table", table=str(path)), base, {"odd": np.array([0.1, 0.2, 0.3])}, TABLE, 1)
    assert list(members.base_site_id) == [base.site_id[2], base.site_id[0], base.site_id[2]]
    assert list(members.realization) == [0, 0, 1]
    assert list(members.values["mgo"]) == [0.4, 0.1, 1.0] and list(members.values["odd"]) == [0.3, 0.1, 0.3]
    assert list(members.sites.lat) == [base.lat[2], base.lat[0], base.lat[2]]


def test_rows_without_a_site_are_members_of_every_site_and_netcdf_is_read(base, tmp_path: Path) -> None:
    with netCDF4.Dataset(tmp_path / "members.nc", "w") as file:
        file.createDimension("member", 2)
        file.createVariable("mgo", "f8", ("member",))[:] = [0.25, 1.0 / 3.0]
    members = expand(design(kind="table", table=str(tmp_path / "members.nc")), base, {}, TABLE, 1)
    assert list(members.values["mgo"]) == [0.25, 1.0 / 3.0] * 3
    assert list(members.base_site_id) == [name for name in base.site_id for _ in range(2)]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([["mgo", "pq100"], [0.4, 3]], r"column 'pq100': the program has no parameter 'pq100'; did you mean 'pq10'\?"),
        ([["mgo", "pq10"], [0.4, 3], [0.4, 17]], r"row 2, column 'pq10' is 17, expected 1 to 16 1"),
        ([["mgo", "pq10"], ["", 3]], r"row 1, column 'mgo' is not a number"),
        ([["mgo", "pq10"], [0.3, 3], ["nan", 3]], r"row 2, column 'mgo' is not a number"),
        ([["mgo", "pq10"], [0.3, 3], [0.2]], r"row 2 has 1 cells, the header 2"),
        ([["mgo", "mgo"], [0.3, 0.3]], r"column 'mgo' is there twice"),
        ([["site_id", "mgo"], ["Z9", 0.3]], r"row 1, column 'site_id': there is no site 'Z9' \(known: S00001, S00002"),
        ([["mgo"]], r"has no rows"),
        ([["site_id"], ["S00001"]], r"has no column of a parameter"),
    ],
)
def test_faults_of_a_table_are_named_by_row_and_column(base, tmp_path: Path, rows: list[list], message: str) -> None:
    path = write_csv(tmp_path / "members.csv", rows)
    with pytest.raises(ConfigError, match=message) as error:
        expand(design(kind="table", table=str(path)), base, {}, TABLE, 1)
    assert str(path) in str(error.value)


def test_a_table_is_found_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "sims.yaml").write_text("design: {kind: table, table: members.csv}\nsites: {table: sites.nc}\n")
    config = configuration.load(tmp_path / "sims.yaml")
    assert config.design.table == str(tmp_path / "members.csv") and config.sites.table == str(tmp_path / "sites.nc")
    moved = configuration.parse({"design": {"kind": "table", "table": "/elsewhere.csv"}, "sites": {"table": "x"}}, "x")
    assert configuration.result_hash(config) == configuration.result_hash(moved)
    with pytest.raises(ConfigError, match=r"design.table: cannot read /elsewhere.csv: No such file"):
        expand(moved.design, draw_sites(moved.sites, 1).part(0, 1), {}, TABLE, 1)


# ---- whole simulations --------------------------------------------------------------------------------------------


def small(**content) -> SimulationConfig:
    period = {"years": 1, "spinup_years": 0}
    return configuration.parse({"seed": 5, "period": period, "run": {"block_size": 4}} | content, "test")


def test_members_of_given_sites_in_one_dataset(ecosys_exe: Path, tmp_path: Path, monkeypatch) -> None:
    """The user's sites with a parameter of their own, one at a time, with the real program."""
    monkeypatch.setenv("ECOSTEP_ECOSYS", str(ecosys_exe))
    sites = draw_sites(configuration.parse({"sites": {"count": 2, "wetland_share": 1.0}}, "x").sites, 9)
    write_site_table(tmp_path / "mine.nc", sites, {"c_r": np.array([33.0, np.nan])})
    config = small(
        sites={"table": str(tmp_path / "mine.nc")}, hidden_parameters={"spread": 0.0},
        design={"kind": "oat", "parameters": {"mgo": [0.1, 1.9], "k_out": [0.5, 6.0]}},
    )  # fmt: skip
    out = tmp_path / "sims"
    summary = simulate(config, out, workers=1)
    assert check_dataset(out / "dataset.nc") == [] and check_site_table(out / "sites.nc") == []
    table = parameter_table(ecosys_exe)
    drawn = draw(config, table)[1].values
    compared = sum(np.isfinite(values).sum() for values in drawn.values())
    assert summary["total"]["parameters_read_back"] == compared > 10 * 20
    assert summary["total"]["sites"] == 10
    truth = read_true_parameters(out / "params_truth.nc", read_site_table(out / "sites.nc").site_id)
    assert list(truth["mgo"][:5]) == pytest.approx([default := sites_default(table, sites), 0.1, 1.9, default, default])
    assert list(truth["c_r"][:5]) == [33.0] * 5
    with netCDF4.Dataset(out / "dataset.nc") as file, netCDF4.Dataset(out / "params_truth.nc") as side:
        assert file.design == "oat" and file["realization"].standard_name == "realization"
        assert list(file["realization"][:]) == [0, 1, 2, 3, 4] * 2
        assert list(file["base_site_id"][:]) == [sites.site_id[0]] * 5 + [sites.site_id[1]] * 5
        assert file["gpp"].coordinates == "lat lon site_id realization base_site_id"
        assert list(side["perturbed_parameter"][:5]) == ["", "mgo", "mgo", "k_out", "k_out"]
        weather, methane, table_depth = (np.asarray(file[name][:]) for name in ("pr", "fch4", "wtd"))
    assert all(np.array_equal(weather[0], weather[member]) for member in range(5))
    assert not np.array_equal(weather[0], weather[5])
    annual = methane.mean(axis=1)
    assert annual[1] < annual[0] < annual[2] and np.array_equal(table_depth[0], table_depth[2])
    assert table_depth[3].mean() < table_depth[4].mean()
    assert not list(out.glob("blocks/*/*.nc"))


def sites_default(table: dict[str, ParameterInfo], sites) -> float:
    return table["mgo"].biome_defaults[biomes.BY_FLAG[sites.biome[0]].name]


def test_a_program_that_uses_other_parameters_is_caught(fake_ecosys: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("FAKE_ECOSYS", "forget")
    with pytest.raises(EnsembleError, match=r"block\.params\.nc: the program used \w+ = .* at site S00001, asked was"):
        simulate(small(sites={"count": 2}), tmp_path / "sims", workers=1)


def test_a_parameter_of_the_design_may_not_be_in_the_namelist(fake_ecosys: Path, tmp_path: Path) -> None:
    config = small(
        sites={"count": 2}, namelist={"ch4_nl": {"mgo": 0.4}}, design={"kind": "lhs", "parameters": {"mgo": [0.1, 1]}}
    )
    with pytest.raises(ConfigError, match=r"mgo has one value for all sites in the namelist and is in design\.param"):
        simulate(config, tmp_path / "sims", workers=1)
