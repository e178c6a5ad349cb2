"""Parts of models.md that list: skill of all models by quantity and test, skill by group, and what models cost."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.learning import plan
from benchmarks.learning.comparisons import BASELINE_MODES, baselines, best
from benchmarks.learning.labels import SPLIT_NAMES, Quantity, cases_of, entry_name, leaders, quantity_name
from benchmarks.learning.markdown import number, share_done, spread, table
from benchmarks.learning.results import Case, Results
from benchmarks.learning.skill_figures import by_group
from emulator.evaluation.figures import style
from foundations.variables import VARIABLES

TITLES = {
    "rmse": "RMSE", "nrmse": "nRMSE", "nrmse_sd": "RMSE / sd", "r2": "R2", "r2_median_site": "R2, median site",
    "bias": "bias", "kge": "KGE", "crps": "CRPS", "coverage90": "90 % coverage", "spread_skill_ratio": "spread / error",
}  # fmt: skip
"""Columns of the tables of skill."""

MODES = {"without past flux": ("none", "ungauged", "self_fed"), "with past flux": ("gauged",)}
"""Ways of running a model that see no measured flux of the test sites, and those that do, by the table's title."""

COSTS = ("params", "cpu_ms_per_site_year", "epoch_seconds", "train_seconds")


def skill_section(results: Results, quantity: Quantity, seeds: int) -> str:
    """Two tables for each test: without past flux for anyone, and with past flux for everyone; then skill by group."""
    parts = [
        f"## {quantity_name(*quantity)}, {VARIABLES[quantity.target].analysis_units}",
        "**Bold**: the best baseline of the table; *italics*: oracles. After ±: standard deviation over seeds.",
    ]
    for case in cases_of(results, quantity):
        left_out = _left_out(results, quantity.ensemble) if case.split == "leave_biome_out" else ""
        for title, modes in MODES.items():
            rows = list(_skill_rows(results, case, modes, seeds))
            if rows:
                header = ["model", "seeds", *TITLES.values()]
                parts.append(f"### {SPLIT_NAMES[case.split].capitalize()}, {title}\n\n{left_out}" + table(header, rows))
        parts += _groups(results, case)
    return "\n\n".join(parts)


def _left_out(results: Results, ensemble: str) -> str:
    """Which biome each seed leaves out."""
    biomes = {
        content["run"]["seed"]: content["left_out_biome"].replace("_", " ")
        for content in results.contents
        if content["run"]["ensemble"] == ensemble and content.get("left_out_biome")
    }
    listed = ", ".join(f"{biomes[seed]} (seed {seed})" for seed in sorted(biomes))
    return f"Left out: {listed}; what stands after ± is more the difference of biomes than of trainings.\n\n"


def _groups(results: Results, case: Case) -> list[str]:
    """Skill by biome and season of the models that the figures show."""
    if case.split not in ("temporal", "spatial"):
        return []
    errors = {leader.entry: by_group(results, case, leader.entry) for leader in leaders(results, case)}
    if not errors:
        return []
    biomes = list(dict.fromkeys(name for by_entry in errors.values() for name in by_entry.biome))
    seasons = list(dict.fromkeys(name for by_entry in errors.values() for name in by_entry.season))
    rows = [
        [
            entry_name(entry),
            *(number(by_entry.biome.get(name)) for name in biomes),
            *(number(by_entry.season.get(name)) for name in seasons),
        ]
        for entry, by_entry in errors.items()
    ]
    title = f"### {SPLIT_NAMES[case.split].capitalize()}, RMSE / sd by biome and by season of the site's hemisphere"
    return [f"{title}\n\n" + table(["model", *biomes, *seasons], rows)]


def _skill_rows(results: Results, case: Case, modes: tuple[str, ...], seeds: int) -> Iterator[list[Any]]:
    entries = [
        entry
        for entry in results.entries(case)
        if entry.past_flux in modes and entry.variant in ("", *plan.ORACLES, plan.RETRIEVED)
    ]
    leading = {best(results, case, baselines(results, case, name), range(seeds)).entry for name in BASELINE_MODES}
    for entry in sorted(entries, key=lambda entry: results.mean(case, entry, "rmse")):
        name = entry_name(entry)
        yield [
            f"*{name}*" if "/" in entry.model else f"**{name}**" if entry in leading else name,
            share_done(len(results.seeds(case, entry)), seeds),
            *(spread(results.values(case, entry, metric)) for metric in TITLES),
        ]


def cost_section(results: Results) -> str:
    """Parameters and times of each model, over all its main runs."""
    rows = []
    for kind in plan.MODELS:
        for history in (False, True):
            records = list(_main_records(results, kind, history))
            if not records:
                continue
            costs = ([record[name] for record in records if record[name] is not None] for name in COSTS)
            medians = (number(float(np.median(values))) if values else "-" for values in costs)
            name = style.model_name(kind) + (" with past flux" if history else "")
            rows.append([name, *medians, len(records)])
    if not rows:
        return ""
    text = (
        "## Cost\n\nMedians over runs, one thread each. Prediction: processor time for a year of a site, in batches "
        "of 32 sites. Times of training are by the clock of a machine that did other work beside."
    )
    header = ["model", "parameters", "prediction, ms per site-year", "s per epoch", "s of training", "runs"]
    return f"{text}\n\n" + table(header, rows)


def _main_records(results: Results, kind: str, history: bool) -> Iterator[dict[str, Any]]:
    """The first record of each main run of a model."""
    for content in results.contents:
        run = content["run"]
        for record in content["records"][:1]:
            is_model = record["model"] == kind and record["trained_with_past_flux"] is history
            if is_model and run["task"] == "score" and run["split"] == "folds":
                yield record
