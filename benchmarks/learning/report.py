"""models.json, models.md and the figures, from the results of the runs."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.learning import figures, page, plan
from benchmarks.learning.bars import all_bars
from benchmarks.learning.comparisons import all_comparisons, gaps
from benchmarks.learning.results import Results, run_name
from benchmarks.learning.workspace import Workspace
from benchmarks.machine import processor
from emulator.evaluation.metrics import to_json
from emulator.runs import provenance
from foundations import atomic_file
from foundations.provenance import file_sha256, git_hash, now

KEYS = (
    "suite", "ensemble", "model", "past_flux", "history_years", "target", "split", "seed", "sites", "rmse", "nrmse",
    "nrmse_sd", "r2", "r2_median_site", "bias", "kge", "crps", "coverage90", "width90", "spread_skill_slope",
    "spread_skill_ratio", "params", "cpu_ms_per_site_year", "epoch_seconds", "train_seconds",
)  # fmt: skip
"""Of the records of the runs, what models.json holds."""


def to_text(content: dict[str, Any]) -> str:
    """JSON with an entry of a list on each line, and numbers of five digits."""
    parts = []
    for key, value in to_json(content).items():
        if isinstance(value, list):
            lines = ",\n".join("    " + json.dumps(_rounded(item), allow_nan=False) for item in value)
            parts.append(f'  "{key}": [\n{lines}\n  ]' if value else f'  "{key}": []')
        else:
            parts.append(f'  "{key}": {json.dumps(value, allow_nan=False)}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


def write(workspace: Workspace, path: Path) -> None:
    """Write FILE.json, FILE.md beside it, and the figures into ../figures/FILE."""
    results = Results.read(workspace.results)
    comparisons, shares = all_comparisons(results), list(gaps(results))
    bars = all_bars(results, comparisons, shares)
    content: dict[str, Any] = {
        "records": [{key: r[key] for key in KEYS if key in r} for r in results.records if _is_listed(r)],
        "comparisons": comparisons,
        "gaps": shares,
        "bars": [bar.__dict__ for bar in bars],
        "failures": [
            {"key": failure["key"], "error": failure["error"].strip().splitlines()[-1]} for failure in results.failures
        ],
        "runs": [{"part": part} | counts for part, counts in coverage(workspace, results).items()],
        "provenance": origin(workspace, results),
    }
    atomic_file.write_bytes(path, to_text(content).encode())
    folder = path.parent.parent / "figures" / path.stem
    drawings = figures.draw_all(results, folder)
    text = page.markdown(results, content, bars, drawings, os.path.relpath(folder, path.parent), path.name)
    atomic_file.write_bytes(path.with_suffix(".md"), text.encode())


def _is_listed(record: dict[str, Any]) -> bool:
    """Variants and curves are listed for the targets of the tables only, which keeps the file small."""
    is_main = "/" not in record["model"] and "history_years" not in record
    return is_main or record["target"] in plan.ENSEMBLES[record["ensemble"]].scored


def coverage(workspace: Workspace, results: Results) -> dict[str, dict[str, list[int]]]:
    """Numbers of runs that are done and that the suite has, by part of the suite and ensemble."""
    done = {run_name(content["key"]) for content in results.contents}
    number_done: Counter[tuple[str, str]] = Counter()
    number_planned: Counter[tuple[str, str]] = Counter()
    for run in plan.build(workspace.suite):
        place = (_part(run), run.ensemble)
        number_planned[place] += 1
        number_done[place] += run.name in done
    parts: dict[str, dict[str, list[int]]] = {}
    for (part, ensemble), planned in number_planned.items():
        parts.setdefault(part, {})[ensemble] = [number_done[part, ensemble], planned]
    return dict(sorted(parts.items()))


def _part(run: plan.Run) -> str:
    """The part of the suite that a run is of."""
    if run.parameters:
        return "oracles"
    if run.task != "score":
        return {"self_fed": "tests of self-fed models", "history_length": "curves of the length of history"}[run.task]
    if run.split == "biome":
        return "biome left out"
    if run.share < 1.0:
        return "curves of the number of sites"
    return "ablations" if run.variant else f"all models, seed {run.seed}"


def origin(workspace: Workspace, results: Results) -> dict[str, Any]:
    """Where the numbers come from."""
    datasets = {}
    for ensemble in plan.ENSEMBLES:
        dataset = workspace.dataset_path(ensemble)
        if any(content["run"]["ensemble"] == ensemble for content in results.contents) and dataset.exists():
            datasets[ensemble] = file_sha256(dataset)
    suite = workspace.suite
    return {
        "created": now(),
        "git_hash": git_hash(),
        "git_hashes_of_runs": sorted({content["provenance"]["git_hash"] for content in results.contents}),
        "versions": provenance.versions(),
        "machine": {"cpu": processor(), "processors": os.cpu_count()},
        "suite": {"name": suite.name, "hidden": suite.hidden, "training": suite.training, "split": suite.split,
                  "evaluation_sites": suite.evaluation_sites, "seeds": suite.seeds},
        "datasets": datasets,
        "tuned": {content["run"]["kind"]: content["provenance"]["tuned"] for content in results.contents},
        "runs": len(results.contents),
        "seconds_of_runs": round(sum(content["seconds"] for content in results.contents), 1),
    }  # fmt: skip
