"""The numbers of a quickstart run in one file, summary.json, and whether they are as they must be."""

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from emulator.runs import provenance
from emulator.runs.run_folder import RunFolder
from foundations.json_record import read_record
from foundations.provenance import file_sha256, git_hash, now

PRIMARY_TARGET = "fch4"
SPLITS = ("temporal", "spatial")
WITHOUT_PAST_FLUX = "temporal_without_past_flux"
"""Held-out years as a model that takes past flux predicts them from drivers alone: like for like with the others."""

METRICS = ("rmse", "nrmse", "nrmse_sd", "r2", "bias", "kge")


def build_summary(out: Path, steps: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What summary.json holds; the keys are listed in docs/quickstart.md.

    `seconds` is the sum and `peak_rss_mb` the largest over the steps, whenever they were run.
    """
    exact = (
        *("equals_offline", "equals_offline_limit", "max_diff_over_scale", "max_abs_diff_over_sd"),
        *("restart_bitwise", "decomposition_bitwise", "speedup"),
    )
    coupled = read_record(out / "coupled" / "coupled.json", ("model", *exact), "run scripts/couple.py again")
    return {
        "models": {path.parents[1].name: _model(path) for path in sorted(out.glob("models/*/evaluation/metrics.json"))},
        "coupled": {"kind": coupled["model"]["kind"]} | {key: coupled[key] for key in exact},
        "peak_rss_mb": max(step["peak_rss_mb"] for step in steps.values()),
        "seconds": round(sum(step["seconds"] for step in steps.values()), 1),
        "steps": {name: {key: step[key] for key in ("seconds", "peak_rss_mb")} for name, step in steps.items()},
        "provenance": {
            "created": now(),
            "git_hash": git_hash(),
            "git_hash_of_steps": {name: step["git_hash"] for name, step in steps.items()},
            "dataset_hash": file_sha256(out / "sims" / "dataset.nc"),
            "cpus": os.cpu_count(),
            "versions": provenance.versions(),
        },
    }


def _model(path: Path) -> dict[str, Any]:
    """Pooled skill by split: of the primary target directly, of every target under `targets`."""
    metrics = RunFolder(path.parents[1]).read_metrics()
    splits = {name: metrics["splits"][name] for name in SPLITS if name in metrics["splits"]}
    if other := metrics.get("other_modes", {}).get("temporal_ungauged"):
        splits[WITHOUT_PAST_FLUX] = other
    skill = {}
    for name, split in splits.items():
        targets = {target: {"mode": split["mode"]} | _scores(scores) for target, scores in split["targets"].items()}
        skill[name] = targets[PRIMARY_TARGET] | {"targets": targets}
    return skill


def _scores(scores: dict[str, Any]) -> dict[str, Any]:
    baseline = scores["climatology"]["pooled"]
    site = scores.get("site_climatology", {}).get("pooled")
    return {
        **{metric: scores["pooled"][metric] for metric in METRICS},
        "r2_climatology": baseline["r2"],
        "rmse_climatology": baseline["rmse"],
        **({"r2_site_climatology": site["r2"], "rmse_site_climatology": site["rmse"]} if site else {}),
        "r2_median_site": scores["median_site"]["r2"],
        "r2_median_site_climatology": scores["climatology"]["median_site"]["r2"],
        "units": scores["units"],
    }


class Shortcoming(NamedTuple):
    """A line to print, and whether it makes the run a failure."""

    is_failure: bool
    line: str


def shortcomings(summary: dict[str, Any]) -> Iterator[Shortcoming]:
    """What is not as it must be; the verdicts on the coupled run are those of scripts/couple.py."""
    for kind, splits in summary["models"].items():
        for name, scores in splits.items():
            yield from _worse_than_climatology(kind, name, scores)
    coupled = summary["coupled"]
    if not coupled["equals_offline"]:
        worst, limit = _number(coupled["max_diff_over_scale"]), coupled["equals_offline_limit"]
        measure = "the target's standard deviation + |flux|"
        line = f"coupled and offline differ by {worst:.2g} of {measure} (limit {limit:g})"
        yield Shortcoming(True, line)
    for key in ("restart_bitwise", "decomposition_bitwise"):
        if not coupled[key]:
            yield Shortcoming(True, f"coupled run: {key} does not hold; see coupled/coupled.json")


def _worse_than_climatology(kind: str, split: str, scores: dict[str, Any]) -> Iterator[Shortcoming]:
    """Targets that the climatology of the biome predicts better, and whether that of the site does."""
    where = "temporal split without past flux" if split == WITHOUT_PAST_FLUX else f"{split} split"
    for target, skill in scores["targets"].items():
        model, baseline = _number(skill["rmse"]), _number(skill["rmse_climatology"])
        if not model < baseline:
            rmse = f"RMSE {model:.3g} against {baseline:.3g} {skill['units']}"
            yield Shortcoming(False, f"{kind} does not beat the climatology on {target}, {where}: {rmse}")
    if "r2_site_climatology" in scores:
        model, baseline = _number(scores["r2"]), _number(scores["r2_site_climatology"])
        if not model > baseline:
            what = f"the climatology of the site itself on {PRIMARY_TARGET}, {where}"
            yield Shortcoming(False, f"{kind} does not beat {what}: R2 {model:.4f} against {baseline:.4f}")


def _number(value: float | None) -> float:
    """JSON's null back to the NaN it was written for."""
    return math.nan if value is None else value
