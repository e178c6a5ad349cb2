"""summary.json: the keys that others read, and the lines printed where a run is not as it must be."""

import copy
import json
from pathlib import Path

import pytest

from tests.emulator.evaluation.fake_run import write_run


@pytest.fixture(autouse=True)
def scripts_on_path(project_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(project_root / "scripts"))


@pytest.fixture(scope="module")
def fake_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("run") / "quickstart", sites=20, years=3)


@pytest.fixture
def summary(fake_run: Path) -> dict:
    from run_summary import build_summary

    return build_summary(fake_run, json.loads((fake_run / "steps.json").read_text()))


def test_the_promised_keys_exist(summary: dict) -> None:
    assert set(summary["models"]) == {"lstm", "cham_net", "raci"}
    for splits in summary["models"].values():
        for split in ("temporal", "spatial"):
            assert {"rmse", "nrmse", "r2", "r2_climatology"} <= set(splits[split])
            assert set(splits[split]["targets"]) == {"gpp", "ra", "rh", "nee", "fch4"}
    coupled = {
        "equals_offline",
        "max_diff_over_scale",
        "max_abs_diff_over_sd",
        "restart_bitwise",
        "decomposition_bitwise",
        "speedup",
    }
    assert coupled <= set(summary["coupled"])
    assert {"peak_rss_mb", "seconds", "provenance"} <= set(summary)
    json.dumps(summary, allow_nan=False)


def test_the_numbers_are_those_of_the_evaluation_of_methane(summary: dict, fake_run: Path) -> None:
    metrics = json.loads((fake_run / "models" / "raci" / "evaluation" / "metrics.json").read_text())
    methane = metrics["splits"]["spatial"]["targets"]["fch4"]
    skill = summary["models"]["raci"]["spatial"]
    assert skill["r2"] == methane["pooled"]["r2"] == skill["targets"]["fch4"]["r2"]
    assert skill["r2_climatology"] == methane["climatology"]["pooled"]["r2"]


def test_the_climatology_of_the_site_is_beside_that_of_the_biome_on_held_out_years(
    summary: dict, fake_run: Path
) -> None:
    metrics = json.loads((fake_run / "models" / "lstm" / "evaluation" / "metrics.json").read_text())
    climatologies = {
        target: scores["site_climatology"]["pooled"]
        for target, scores in metrics["splits"]["temporal"]["targets"].items()
    }
    skill = summary["models"]["lstm"]["temporal"]
    assert skill["r2_site_climatology"] == climatologies["fch4"]["r2"] != skill["r2_climatology"]
    assert skill["targets"]["gpp"]["rmse_site_climatology"] == climatologies["gpp"]["rmse"]
    assert "r2_site_climatology" not in summary["models"]["lstm"]["spatial"]  # a held-out site has no past of its own


def test_the_summary_tells_what_past_flux_a_model_saw_and_its_score_without(summary: dict, fake_run: Path) -> None:
    modes = {kind: splits["temporal"]["mode"] for kind, splits in summary["models"].items()}
    assert modes == {"lstm": "no past flux", "cham_net": "gauged", "raci": "no past flux"}
    metrics = json.loads((fake_run / "models" / "cham_net" / "evaluation" / "metrics.json").read_text())
    without = summary["models"]["cham_net"]["temporal_without_past_flux"]
    assert without["mode"] == without["targets"]["gpp"]["mode"] == "ungauged"
    ungauged = metrics["other_modes"]["temporal_ungauged"]["targets"]["fch4"]
    assert without["r2"] == ungauged["pooled"]["r2"] < summary["models"]["cham_net"]["temporal"]["r2"]
    assert without.keys() == summary["models"]["cham_net"]["temporal"].keys()
    assert "temporal_without_past_flux" not in summary["models"]["raci"]


def test_seconds_add_up_and_memory_is_the_largest(fake_run: Path) -> None:
    from run_summary import build_summary

    step = {"finished": "", "git_hash": "0"}
    steps = {"a": {"seconds": 10.0, "peak_rss_mb": 700} | step, "b": {"seconds": 2.5, "peak_rss_mb": 900} | step}
    built = build_summary(fake_run, steps)
    assert (built["seconds"], built["peak_rss_mb"]) == (12.5, 900)


def test_a_model_worse_than_climatology_is_named(summary: dict) -> None:
    from run_summary import shortcomings

    worse = copy.deepcopy(summary)
    scores = worse["models"]["lstm"]["temporal"]["targets"]["fch4"]
    scores["rmse"] = 2 * scores["rmse_climatology"]
    lines = [line for _, line in shortcomings(worse)]
    assert any("lstm does not beat the climatology on fch4, temporal split" in line for line in lines)
    assert not any("fch4, temporal" in line for _, line in shortcomings(summary))


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ("temporal", "fch4, temporal split"),
        ("temporal_without_past_flux", "fch4, temporal split without past flux"),
    ],
)
def test_a_model_worse_than_the_climatology_of_the_site_is_named_without_failing(
    summary: dict, split: str, words: str
) -> None:
    from run_summary import shortcomings

    def lines(r2: float) -> list[tuple[bool, str]]:
        changed = copy.deepcopy(summary)
        changed["models"]["cham_net"][split] |= {"r2": r2, "r2_site_climatology": 0.83}
        beginning = f"cham_net does not beat the climatology of the site itself on {words}: "
        return [
            (is_failure, line.removeprefix(beginning))
            for is_failure, line in shortcomings(changed)
            if line.startswith(beginning)
        ]

    assert lines(0.82) == [(False, "R2 0.8200 against 0.8300")]
    assert lines(0.84) == []


def test_a_skill_that_is_not_a_number_beats_nothing(summary: dict) -> None:
    from run_summary import shortcomings

    broken = copy.deepcopy(summary)
    scores = broken["models"]["raci"]["temporal"]
    scores["r2"] = scores["targets"]["fch4"]["rmse"] = None
    lines = [line for _, line in shortcomings(broken) if "raci" in line and "fch4, temporal" in line]
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("max_diff_over_scale", 1.1e-5, "coupled and offline differ by 1.1e-05"),
        ("max_diff_over_scale", float("nan"), "coupled and offline differ by nan"),
        ("max_diff_over_scale", None, "coupled and offline differ by nan"),  # how coupled.json writes it
        ("restart_bitwise", False, "restart_bitwise does not hold"),
        ("decomposition_bitwise", False, "decomposition_bitwise does not hold"),
    ],
)
def test_a_broken_coupling_is_a_failure(summary: dict, key: str, value: object, words: str) -> None:
    from run_summary import shortcomings

    broken = copy.deepcopy(summary)
    broken["coupled"][key] = value
    if key == "max_diff_over_scale":
        broken["coupled"]["equals_offline"] = False
    assert [line for is_failure, line in shortcomings(broken) if is_failure and words in line]
    assert not [line for is_failure, line in shortcomings(summary) if is_failure]
