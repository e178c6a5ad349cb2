"""models.json, models.md and the figures, from the results of the runs."""

import json
import math
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.learning import figures, plan
from benchmarks.learning.bars import Bar, all_bars
from benchmarks.learning.comparisons import TABLES, all_comparisons, baselines, best, gaps
from benchmarks.learning.figures import SPLIT_NAMES, entry_name, quantity_name
from benchmarks.learning.results import Case, Entry, Results
from benchmarks.learning.runner import Bench
from emulator import atomic_file, provenance
from emulator.data.variables import VARIABLES
from emulator.evaluation.metrics import to_json

COLUMNS = ("rmse", "nrmse", "nrmse_sd", "r2", "r2_median_site", "bias", "kge", "crps", "coverage90")
TITLES = {"rmse": "RMSE", "nrmse": "nRMSE", "nrmse_sd": "RMSE / sd", "r2": "R2", "r2_median_site": "R2, median site",
          "bias": "bias", "kge": "KGE", "crps": "CRPS", "coverage90": "90 % coverage"}  # fmt: skip


CURVES = ("reliability", "spread_skill")
"""Parts of records that only the figures need."""


def to_text(content: dict[str, Any]) -> str:
    """JSON with an entry of a list on each line, and numbers of six digits."""
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
    return float(f"{value:.6g}") if isinstance(value, float) else value


def write(bench: Bench, path: Path) -> None:
    """Write FILE.json, FILE.md beside it, and the figures into ../figures/FILE."""
    results = Results.read(bench.results)
    comparisons, shares = all_comparisons(results), list(gaps(results))
    bars = all_bars(results, comparisons, shares)
    content = {
        "records": [{key: value for key, value in r.items() if key not in CURVES} for r in results.records],
        "comparisons": comparisons,
        "gaps": shares,
        "bars": [bar.__dict__ for bar in bars],
        "failures": [
            {"key": item["key"], "error": item["error"].strip().splitlines()[-1]} for item in results.failures
        ],
        "provenance": origin(bench, results),
    }
    atomic_file.write_bytes(path, to_text(content).encode())
    folder = path.parent.parent / "figures" / path.stem
    drawn = figures.draw_all(results, folder)
    page = markdown(results, content, bars, drawn, os.path.relpath(folder, path.parent), path.name)
    atomic_file.write_bytes(path.with_suffix(".md"), page.encode())


def origin(bench: Bench, results: Results) -> dict[str, Any]:
    """Where the numbers come from."""
    datasets = {}
    for ensemble in plan.ENSEMBLES:
        dataset = bench.dataset_path(ensemble)
        if any(content["run"]["ensemble"] == ensemble for content in results.contents) and dataset.exists():
            datasets[ensemble] = provenance.file_hash(dataset)
    suite = bench.suite
    return {
        "created": provenance.now(),
        "git_hash": provenance.git_hash(),
        "git_hashes_of_runs": sorted({content["provenance"]["git_hash"] for content in results.contents}),
        "versions": provenance.versions(),
        "machine": {"cpu": _processor(), "processors": os.cpu_count()},
        "suite": {"name": suite.name, "hidden": suite.hidden, "training": suite.training, "split": suite.split,
                  "evaluation_sites": suite.evaluation_sites, "seeds": suite.seeds},
        "datasets": datasets,
        "tuned": {content["run"]["kind"]: content["provenance"]["tuned"] for content in results.contents},
        "runs": len(results.contents),
        "seconds_of_runs": round(sum(content["seconds"] for content in results.contents), 1),
    }  # fmt: skip


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


# ---- the page -----------------------------------------------------------------------------------------------------


def markdown(
    results: Results,
    content: dict[str, Any],
    bars: list[Bar],
    drawn: list[tuple[str, str]],
    figure_path: str,
    name: str,
) -> str:
    """The whole page."""
    parts = [_head(content, name), _bars(bars), _comparisons(content["comparisons"]), _gap_table(content["gaps"])]
    for ensemble, target in figures.quantities(results):
        parts.append(_tables(results, ensemble, target))
    parts += [_ablations(content["comparisons"]), _costs(results)]
    images = [f"![{caption}]({figure_path}/{file})\n\n*{caption}.*" for file, caption in drawn]
    parts.append("## Figures\n\n" + "\n\n".join(images) if images else "")
    if content["failures"]:
        rows = [[f"`{item['key']}`", item["error"]] for item in content["failures"]]
        parts.append("## Runs that failed\n\n" + table(["run", "error"], rows))
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(content: dict[str, Any], name: str) -> str:
    source = content["provenance"]
    suite = source["suite"]
    split = suite["split"]
    return f"""# Benchmark of the emulators

Written by `python benchmarks/models.py`; do not edit. Every number is in [{name}]({name}); [README.md](README.md) says what the keys mean.

Suite `{suite["name"]}`, {source["runs"]} runs, {source["seconds_of_runs"] / 3600:.1f} hours of processes, code {source["git_hash"][:12]}, {source["created"][:10]}, {source["machine"]["cpu"]}. Hidden size {suite["hidden"]}, {suite["training"].get("epochs")} epochs, batches of {suite["training"].get("batch_size")} sites and {suite["training"].get("years_per_window")} years. The last {split["test_years"]} years are tested and the {split["validation_years"]} before choose the checkpoint; {split["folds"]} folds of blocks of {split["block_degrees"]:g} degrees with a buffer of {split["buffer_km"]:g} km, another fold for each seed.

`none`: the model takes no past flux. `gauged`: it sees the measured flux of all years before the one it predicts, at new sites too. `ungauged`: the same model with none. `self-fed`: with its own. Baselines *with past flux* get last year's same-day flux, the mean of past years on that day and the mean of the site."""  # noqa: E501


def _bars(bars: list[Bar]) -> str:
    groups = ("/ raci/", "/ cham_net/", "/ unified/")
    shown = [bar for bar in bars if not any(text in bar.what for text in groups)]
    met, missed = (sum(bar.met is value for bar in shown) for value in (True, False))
    rows = [
        [
            bar.what,
            bar.bar,
            _number(bar.value),
            {True: "met", False: "**missed**", None: "not measured"}[bar.met],
            bar.note,
        ]
        for bar in shown
    ]
    text = (
        f"## Bars\n\n{met} met, {missed} missed, {len(shown) - met - missed} not measured. Ablations are further below."
    )
    return f"{text}\n\n" + table(["bar", "wanted", "found", "", "against; 95 % interval"], rows)


def _comparisons(comparisons: list[dict[str, Any]]) -> str:
    rows = [
        [
            quantity_name(item["ensemble"], item["target"]),
            SPLIT_NAMES[item["split"]],
            entry_name(Entry(item["model"], item["past_flux"])),
            entry_name(Entry(item["baseline"], item["baseline_past_flux"])),
            f"{_number(item['rmse_ratio'])} ({_number(item['low'])} to {_number(item['high'])})",
            _p_value(item["p_value"]),
            len(item["seeds"]),
        ]
        for item in comparisons
        if item["kind"] in ("baseline", "unified") and item["target"] in plan.ENSEMBLES[item["ensemble"]].scored
    ]
    if not rows:
        return ""
    text = (
        "## Against the best baseline\n\nThe best baseline is that with the lowest mean test RMSE, which favours the "
        "baselines. Ratio of RMSE with its 95 % interval, and one-sided p, from 10,000 resamples of the test sites, "
        "pooled over seeds."
    )
    header = ["quantity", "test", "model", "against", "ratio of RMSE", "p", "seeds"]
    return f"{text}\n\n" + table(header, rows)


def _gap_table(shares: list[dict[str, Any]]) -> str:
    rows = [
        [
            quantity_name(item["ensemble"], item["target"]),
            SPLIT_NAMES[item["split"]],
            entry_name(Entry(item["model"], item["past_flux"])),
            item["oracle"].replace("_", " "),
            f"{_number(item['rmse_baseline'])} ({entry_name(Entry(item['baseline'], item['baseline_past_flux']))})",
            _number(item["rmse"]),
            _number(item["rmse_oracle"]),
            f"{item['share_closed']:.0%}" if math.isfinite(item["share_closed"]) else "no gap",
        ]
        for item in shares
        if item["target"] in plan.ENSEMBLES[item["ensemble"]].scored
    ]
    if not rows:
        return ""
    text = (
        "## Share of the gap to oracles closed\n\nAn oracle is the same network, run in the same mode, given the "
        "hidden parameters of the site as inputs, or their kriging from the training sites."
    )
    header = ["quantity", "test", "model", "oracle", "RMSE of the baseline", "of the model", "of the oracle", "closed"]
    return f"{text}\n\n" + table(header, rows)


def _tables(results: Results, ensemble: str, target: str) -> str:
    """Two tables for each split: without past flux for anyone, and with past flux for everyone."""
    parts = [f"## {quantity_name(ensemble, target)}, {VARIABLES[target].analysis_units}"]
    for case in results.main_cases():
        if (case.ensemble, case.target) != (ensemble, target):
            continue
        for title, modes in (
            ("without past flux in the test", ("none", "ungauged")),
            ("with past flux", ("gauged", "self_fed")),
        ):
            rows = list(_rows(results, case, modes))
            if rows:
                header = ["model", "seeds", *(TITLES[column] for column in COLUMNS)]
                parts.append(f"### {SPLIT_NAMES[case.split].capitalize()}, {title}\n\n" + table(header, rows))
    return "\n\n".join(parts)


def _rows(results: Results, case: Case, modes: tuple[str, ...]) -> Iterator[list[Any]]:
    entries = [
        entry
        for entry in results.entries(case)
        if entry.past_flux in modes and entry.model.partition("/")[2] in ("", *plan.ORACLES, plan.RETRIEVED)
    ]
    leading = {best(results, case, baselines(results, case, name), (0, 1, 2))[0] for name in TABLES}
    for entry in sorted(entries, key=lambda entry: results.mean(case, entry, "rmse")):
        name = entry_name(entry)
        yield [
            f"*{name}*" if "/" in entry.model else f"**{name}**" if entry in leading else name,
            len(results.seeds(case, entry)),
            *(_spread(results.values(case, entry, column)) for column in COLUMNS),
        ]


def _ablations(comparisons: list[dict[str, Any]]) -> str:
    rows = [
        [
            quantity_name(item["ensemble"], item["target"]),
            SPLIT_NAMES[item["split"]],
            entry_name(Entry(item["model"], item["past_flux"])),
            item["baseline"].partition("/")[2].replace("_", " "),
            f"{_number(1.0 / item['rmse_ratio'])} ({_number(1.0 / item['high'])} to {_number(1.0 / item['low'])})",
            _p_value(item["p_value"]),
            len(item["seeds"]),
        ]
        for item in comparisons
        if item["kind"] == "ablation"
        and item["target"] in plan.ENSEMBLES[item["ensemble"]].scored
        and math.isfinite(item["rmse_ratio"])
    ]
    if not rows:
        return ""
    text = (
        "## Ablations\n\nRMSE without a part over RMSE with it: above 1 the part helps. p, one-sided, that it does not."
    )
    header = ["quantity", "test", "model", "without", "ratio of RMSE", "p", "seeds"]
    return f"{text}\n\n" + table(header, rows)


def _costs(results: Results) -> str:
    """Parameters and times of each model, over all its main runs."""
    rows = []
    for content_kind in plan.MODELS:
        for history in (False, True):
            records = [
                (content, record)
                for content in results.contents
                for record in content["records"][:1]
                if record["model"] == content_kind
                and record["trained_with_past_flux"] is history
                and content["run"]["task"] == "score"
                and content["run"]["split"] == "folds"
            ]
            if not records:
                continue
            rows.append(
                [
                    figures.style.model_name(content_kind) + (" with past flux" if history else ""),
                    *(
                        _number(float(np.median(values))) if values else "-"
                        for values in (
                            [record[name] for _, record in records if record[name] is not None]
                            for name in ("params", "cpu_ms_per_site_year", "epoch_seconds", "train_seconds")
                        )
                    ),
                    len(records),
                ]
            )
    if not rows:
        return ""
    text = (
        "## Cost\n\nMedians over runs, one thread each. Prediction: processor time for a year of a site, in batches "
        "of 32 sites. Times of training are by the clock of a machine that did other work beside."
    )
    header = ["model", "parameters", "prediction, ms per site-year", "s per epoch", "s of training", "runs"]
    return f"{text}\n\n" + table(header, rows)


def table(header: list[str], rows: list[list[Any]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _spread(values: list[float]) -> str:
    """Mean, and the standard deviation over seeds where there are several."""
    if not values:
        return "-"
    mean = float(np.mean(values))
    return _number(mean) if len(values) == 1 else f"{_number(mean)} ± {_number(float(np.std(values, ddof=1)))}"


def _number(value: float | None) -> str:
    """Three significant digits, without an exponent where a reader does not need one."""
    if value is None or not math.isfinite(value):
        return "-"
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        digits = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
        return f"{value:.{min(digits, 5)}f}"
    return f"{value:.2e}"


def _p_value(value: float) -> str:
    if not math.isfinite(value):
        return "-"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
