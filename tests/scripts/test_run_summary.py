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


def test_the_promised_keys_are_there(summary: dict) -> None:
    assert set(summary["models"]) == {"lstm", "cham_net", "raci"}
    for splits in summary["models"].values():
        for split in ("temporal", "spatial"):
            assert {"rmse", "nrmse", "r2", "r2_climatology"} <= set(splits[split])
            assert set(splits[split]["targets"]) == {"gpp", "ra", "rh", "nee", "fch4"}
    coupled = {"max_abs_diff_over_sd", "restart_bitwise", "decomposition_bitwise", "speedup"}
    assert coupled <= set(summary["coupled"])
    assert {"peak_rss_mb", "seconds", "provenance"} <= set(summary)
    json.dumps(summary, allow_nan=False)


def test_the_numbers_are_those_of_the_evaluation_of_methane(summary: dict, fake_run: Path) -> None:
    metrics = json.loads((fake_run / "models" / "raci" / "evaluation" / "metrics.json").read_text())
    methane = metrics["splits"]["spatial"]["targets"]["fch4"]
    found = summary["models"]["raci"]["spatial"]
    assert found["r2"] == methane["pooled"]["r2"] == found["targets"]["fch4"]["r2"]
    assert found["r2_climatology"] == methane["climatology"]["pooled"]["r2"]


def test_seconds_add_up_and_memory_is_the_largest(fake_run: Path) -> None:
    from run_summary import build_summary

    step = {"finished": "", "git_hash": "0"}
    steps = {"a": {"seconds": 10.0, "peak_rss_mb": 700} | step, "b": {"seconds": 2.5, "peak_rss_mb": 900} | step}
    found = build_summary(fake_run, steps)
    assert (found["seconds"], found["peak_rss_mb"]) == (12.5, 900)


def test_a_model_worse_than_climatology_is_named(summary: dict) -> None:
    from run_summary import shortcomings

    worse = copy.deepcopy(summary)
    scores = worse["models"]["lstm"]["temporal"]["targets"]["fch4"]
    scores["rmse"] = 2 * scores["rmse_climatology"]
    lines = [line for _, line in shortcomings(worse)]
    assert any("lstm does not beat the climatology on fch4, temporal split" in line for line in lines)
    assert not any("fch4, temporal" in line for _, line in shortcomings(summary))


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("max_abs_diff_over_sd", 3e-4, "coupled and offline differ by 0.0003"),
        ("max_abs_diff_over_sd", float("nan"), "coupled and offline differ by nan"),
        ("restart_bitwise", False, "restart_bitwise does not hold"),
        ("decomposition_bitwise", False, "decomposition_bitwise does not hold"),
    ],
)
def test_a_broken_coupling_is_a_failure(summary: dict, key: str, value: object, words: str) -> None:
    from run_summary import shortcomings

    broken = copy.deepcopy(summary)
    broken["coupled"][key] = value
    assert [line for is_failure, line in shortcomings(broken) if is_failure and words in line]
    assert not [line for is_failure, line in shortcomings(summary) if is_failure]
