"""What the trials say: RMSE by model, and ratios of our models to the best baselines with a paired bootstrap."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from emulator.evaluation.bootstrap import RatioTest, by_site, rmse_ratio

OURS = ("raci/fair", "unified/fair", "cham_net/fair")
REFERENCES = ("lstm/fair+true", "lstm/fair+kriged")
"""Told the hidden parameters, which no emulator knows, or their kriging."""
NETWORKS = ("lstm",)
"""Kinds among the baselines that are networks."""
TRIED = ("@", "+code", "+no_code", "+functional", "+local", "+roles")
"""Marks of models that are no baselines: former ones, ablations, and baselines with our codes."""


class Case(NamedTuple):
    """What models are compared on: an ensemble, a protocol, new sites or later years, a target, and whether past flux
    is visible.
    """

    ensemble: str
    protocol: str
    part: str
    target: str
    mode: str


class Score(NamedTuple):
    """RMSE over all site-days, and the rows of sites with the mean squared error of each."""

    rmse: float
    sites: np.ndarray
    squared: np.ndarray


Results = dict[Case, dict[str, dict[int, Score]]]
"""Case -> model -> seed -> score."""


def read(folder: Path) -> Results:
    """All trials in a folder."""
    results: Results = {}
    for path in sorted(folder.glob("*.json")):
        content = json.loads(path.read_text())
        trial = content["trial"]
        for case, score in _scores(trial, content["scores"]):
            results.setdefault(case, {}).setdefault(trial["model"], {})[trial["seed"]] = score
    return results


def _scores(trial: dict[str, Any], scores: dict[str, Any]) -> Iterator[tuple[Case, Score]]:
    for mode, parts in scores.items():
        for part, of_targets in parts.items():
            for target, score in of_targets.items():
                if target != "sites" and part != "validation":
                    case = Case(trial["ensemble"], trial["protocol"], part, target, mode)
                    squared = np.asarray(score["site_rmse"], float) ** 2
                    yield case, Score(score["rmse"], np.asarray(of_targets["sites"]), squared)


def ratio(models: dict[str, dict[int, Score]], model: str, reference: str) -> tuple[RatioTest, list[int]]:
    """RMSE of a model over that of a reference over the seeds that both have, and these."""
    seeds = sorted(set(models[model]) & set(models[reference]))
    sites = np.concatenate([models[model][seed].sites for seed in seeds])
    ours, theirs = (np.concatenate([models[name][seed].squared for seed in seeds]) for name in (model, reference))
    _, *sums = by_site(sites, ours, theirs, np.ones(len(sites)))
    return rmse_ratio(*sums), seeds


def best(models: dict[str, dict[int, Score]], names: list[str], seeds: set[int]) -> str | None:
    """The model with the lowest mean RMSE among those that have all of these seeds."""
    whole = [name for name in names if name in models and seeds <= set(models[name])]
    return min(whole, key=lambda name: np.mean([models[name][seed].rmse for seed in seeds]), default=None)


def baselines(models: dict[str, dict[int, Score]]) -> list[str]:
    """Names of the models that ours must beat."""
    ours = {name.partition("/")[0] for name in OURS}
    return [
        name
        for name in models
        if name.partition("/")[0] not in ours and name not in REFERENCES and not any(mark in name for mark in TRIED)
    ]


def comparisons(results: Results) -> list[dict[str, Any]]:
    """Our models against the best baseline, the best network among them and the references, by case."""
    rows = []
    for case, models in results.items():
        for model in (name for name in OURS if name in models):
            seeds = set(models[model])
            names = baselines(models)
            networks = [name for name in names if name.partition("/")[0] in NETWORKS]
            opponents = {
                "best baseline": best(models, names, seeds),
                "best network": best(models, networks, seeds),
                "kriged parameters": best(models, ["lstm/fair+kriged"], seeds),
                "true parameters": best(models, ["lstm/fair+true"], seeds),
            }
            for kind, opponent in opponents.items():
                if opponent is not None:
                    test, shared = ratio(models, model, opponent)
                    rows.append(
                        {**case._asdict(), "model": model, "over": kind, "opponent": opponent, "seeds": shared,
                         "rmse_ratio": round(test.ratio, 4), "low": round(test.low, 4), "high": round(test.high, 4),
                         "p_value": round(test.p_value, 4)}
                    )  # fmt: skip
    return rows


def report(folder: Path) -> str:
    """Tables in Markdown: RMSE, mean over seeds, and ratios with intervals of 95 % of bootstraps over sites."""
    results = read(folder)
    lines = ["| ensemble | protocol | sites | target | past flux | model | seeds | RMSE |", "|---" * 8 + "|"]
    for case, models in sorted(results.items()):
        for model, scores in sorted(models.items(), key=lambda entry: np.mean([s.rmse for s in entry[1].values()])):
            mean = np.mean([score.rmse for score in scores.values()])
            lines.append(f"| {' | '.join(case)} | {model} | {' '.join(map(str, sorted(scores)))} | {mean:.4g} |")
    lines += [
        "",
        "| ensemble | protocol | sites | target | past flux | model | over | seeds | RMSE ratio | p |",
        "|---" * 10 + "|",
    ]
    for row in sorted(comparisons(results), key=lambda row: (row["model"], *(row[name] for name in Case._fields))):
        interval = f"{row['rmse_ratio']:.3f} ({row['low']:.3f} to {row['high']:.3f})"
        place = " | ".join(row[name] for name in Case._fields)
        seeds = " ".join(map(str, row["seeds"]))
        over = f"{row['over']}: {row['opponent']}"
        lines.append(f"| {place} | {row['model']} | {over} | {seeds} | {interval} | {row['p_value']:.4f} |")
    return "\n".join(lines)
