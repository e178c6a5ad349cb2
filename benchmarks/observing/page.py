"""docs/results/observations.md: tables of all methods, and tests against the baselines."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from emulator.evaluation.bootstrap import rmse_ratio

UNITS = {"gpp": "GPP", "nee": "NEE", "fch4": "CH4"}
REFERENCES = ("climatology", "xgboost", "lstm")
"""What every method is tested against: the best of them."""
COLUMNS = ("r2", "nrmse", "rmse", "r2_median_site", "r2_worst_site", "coverage90")
HEAD = ("R2", "RMSE / mean", "RMSE", "R2, median site", "R2, worst site", "90 % interval")
FEWEST_SITES = 5
"""Of a bootstrap over sites."""
Case = tuple[str, str, bool, str]
"""Source, protocol, strict, target."""


def write(folder: Path, content: dict[str, Any]) -> str:
    """The page of the runs in a folder."""
    by_case: dict[Case, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for record in content["records"]:
        case = (record["source"], record["protocol"], record["strict"], record["target"])
        by_case[case][record["method"]].append(record)
    sums = _sums(folder)
    parts = [
        "# Emulators at towers",
        "Written by `python benchmarks/observations.py --report`; do not edit. Protocols, methods and what was found: "
        "[README.md](README.md). RMSE is in mg CH4 or g C m-2 day-1; means over seeds; days that were measured alone. "
        "Ratio: RMSE over that of the best of climatology, XGBoost and LSTM, with the 95 % interval and the one-sided "
        "p-value of a paired bootstrap over sites.",
    ]
    for case in sorted(by_case, key=lambda case: (case[0] != "towers", case[1] != "temporal", *map(str, case))):
        source, protocol, strict, target = case
        kind = protocol if strict else f"{protocol}, rolling"
        parts += [f"## {source}: {UNITS.get(target, target)}, {kind}", _table(by_case[case], sums[case])]
    return "\n\n".join(parts) + "\n"


def _table(methods: dict[str, list[dict[str, Any]]], sums: dict[str, np.ndarray]) -> str:
    means = {name: {key: _mean(records, key) for key in COLUMNS} for name, records in methods.items()}
    rmse = {name: float(np.mean([record["rmse"] for record in records])) for name, records in methods.items()}
    reference = min(set(REFERENCES) & set(means), key=rmse.__getitem__, default=None)
    any_method = next(iter(methods.values()))[0]
    head = ["method", "seeds", *HEAD, "ratio"]
    lines = [f"{any_method['n_days']} days of {any_method['n_sites']} sites.", ""]
    lines += [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name in sorted(means, key=rmse.__getitem__):
        cells = [name, str(len(methods[name])), *(_cell(means[name][key]) for key in COLUMNS)]
        lines.append(f"| {' | '.join([*cells, _ratio(sums, name, reference)])} |")
    return "\n".join(lines)


def _ratio(sums: dict[str, np.ndarray], name: str, reference: str | None) -> str:
    if reference in {None, name}:
        return "-"
    days, model = sums[name].T
    test = rmse_ratio(model, sums[str(reference)][:, 1], days)
    if test.sites < FEWEST_SITES:
        return f"{test.ratio:.3f}"
    return f"{test.ratio:.3f} ({test.low:.3f} to {test.high:.3f}, p = {test.p_value:.2g})"


def _sums(folder: Path) -> dict[Case, dict[str, np.ndarray]]:
    """Days and squared error, mean over seeds, of each site (sites, 2), by case and method."""
    squared: dict[Case, dict[str, list[np.ndarray]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted(folder.glob("*.json")):
        content = json.loads(path.read_text())
        run = content["run"]
        for view in content["scores"]:
            for target, sums in view["targets"].items():
                rows = [(sums[site]["days"], sums[site]["error_squared"]) for site in sorted(sums)]
                case = (run["source"], view["protocol"], view["strict"], target)
                squared[case][run["method"]].append(np.array(rows))
    return {case: {name: np.mean(rows, axis=0) for name, rows in methods.items()} for case, methods in squared.items()}


def _mean(records: list[dict[str, Any]], key: str) -> float | None:
    values = [record[key] for record in records if record[key] is not None]
    return float(np.mean(values)) if values else None


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
