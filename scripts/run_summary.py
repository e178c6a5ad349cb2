"""The numbers of a quickstart run in one file, summary.json, and whether they are as they must be."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from emulator import provenance

PRIMARY_TARGET = "fch4"
SPLITS = ("temporal", "spatial")
METRICS = ("rmse", "nrmse", "nrmse_sd", "r2", "bias", "kge")


def build_summary(out: Path, steps: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What summary.json holds; the keys are listed in docs/quickstart.md.

    `seconds` is the sum and `peak_rss_mb` the largest over the steps, whenever they were run.
    """
    coupled = json.loads((out / "coupled" / "coupled.json").read_text())
    exact = ("max_abs_diff_over_sd", "restart_bitwise", "decomposition_bitwise", "speedup")
    return {
        "models": {path.parents[1].name: _model(path) for path in sorted(out.glob("models/*/evaluation/metrics.json"))},
        "coupled": {"kind": coupled["model"]["kind"]} | {key: coupled[key] for key in exact},
        "peak_rss_mb": max(step["peak_rss_mb"] for step in steps.values()),
        "seconds": round(sum(step["seconds"] for step in steps.values()), 1),
        "steps": {name: {key: step[key] for key in ("seconds", "peak_rss_mb")} for name, step in steps.items()},
        "provenance": {
            "created": provenance.now(),
            "git_hash": provenance.git_hash(),
            "git_hash_of_steps": {name: step["git_hash"] for name, step in steps.items()},
            "dataset_hash": provenance.file_hash(out / "sims" / "dataset.nc"),
            "cpus": os.cpu_count(),
            "versions": provenance.versions(),
        },
    }


def _model(path: Path) -> dict[str, Any]:
    """Pooled skill by split: of the primary target directly, of every target under `targets`."""
    splits = json.loads(path.read_text())["splits"]
    found = {}
    for split in (name for name in SPLITS if name in splits):
        targets = {name: _scores(scores) for name, scores in splits[split]["targets"].items()}
        found[split] = targets[PRIMARY_TARGET] | {"targets": targets}
    return found


def _scores(scores: dict[str, Any]) -> dict[str, Any]:
    baseline = scores["climatology"]["pooled"]
    return {
        **{metric: scores["pooled"][metric] for metric in METRICS},
        "r2_climatology": baseline["r2"],
        "rmse_climatology": baseline["rmse"],
        "r2_median_site": scores["median_site"]["r2"],
        "r2_median_site_climatology": scores["climatology"]["median_site"]["r2"],
        "units": scores["units"],
    }


def shortcomings(summary: dict[str, Any], limit: float = 1e-5) -> Iterator[tuple[bool, str]]:
    """What is not as it must be: (whether it makes the run a failure, the line to print)."""
    for kind, splits in summary["models"].items():
        for split, scores in splits.items():
            for target, one in scores["targets"].items():
                if not one["rmse"] < one["rmse_climatology"]:
                    rmse = f"RMSE {one['rmse']:.3g} against {one['rmse_climatology']:.3g} {one['units']}"
                    yield False, f"{kind} does not beat the climatology on {target}, {split} split: {rmse}"
    coupled = summary["coupled"]
    if not coupled["max_abs_diff_over_sd"] <= limit:
        worst = f"{coupled['max_abs_diff_over_sd']:.2g}"
        yield True, f"coupled and offline differ by {worst} standard deviations of the target (limit {limit:g})"
    for key in ("restart_bitwise", "decomposition_bitwise"):
        if not coupled[key]:
            yield True, f"coupled run: {key} does not hold; see coupled/coupled.json"
