"""The report's part on skill: tables, then pictures of where the emulators do well and where not."""

from collections.abc import Mapping

import numpy as np

from emulator.evaluation.climatology import day_slot, season_means
from emulator.evaluation.figures import skill as figures
from emulator.evaluation.figures.style import biome_order, to_svg
from emulator.evaluation.metrics import pooled
from emulator.evaluation.report.page import figure, folded_html, notice, paragraph
from emulator.evaluation.report.products import SPLIT_NAMES, ModelRun, Products, Simulations, target_name, target_units
from emulator.evaluation.report.skill_tables import overview_table, scored_targets, skill_table
from emulator.evaluation.report.uncertainty import uncertainty_part

SHOWN_SPLITS = ("temporal", "spatial")

_INTRO = (
    "Emulators are judged on years after those they learned from, at the same sites (there, models that take past "
    "flux are given that of earlier years), and on sites in other parts of the world than the training sites (from "
    "drivers and site properties alone). Pooled numbers are over all days of all sites together, and mostly tell "
    "whether a model knows which sites emit much; the median over sites tells whether it follows a site's own seasons "
    "and years, and is the harder of the two. Of the two baselines, the climatology by biome is the mean flux for "
    "that day of the year and biome over all site-years that are not tested; on held-out years there is a stricter "
    "one, the climatology of the site itself: the mean flux for that day of the year in the site's own earlier years."
)


LINEAR_WIDTHS = {"fch4": 10.0}
"""Flux, in analysis units, up to which axes of densities are linear, where it is not 1."""


def skill_section(products: Products) -> str:
    """Skill tables, seasonal cycles, densities and skill by biome."""
    if not products.models:
        return notice("No model was evaluated in this folder yet.")
    first, *others = scored_targets(products.models)
    more = "".join(skill_table(products.models, target) for target in others)
    parts = [paragraph(_INTRO), overview_table(products.models), skill_table(products.models, first)]
    parts.append(folded_html("The same for the other targets", more))
    parts.append(uncertainty_part(products.models, first))
    parts.append(_uncertainty_of_others(products.models, others))
    if products.places is not None and all(run.folder.predictions.exists() for run in products.models.values()):
        parts += _pictures(products.models, products.places, products.is_single_run)
    return "".join(parts)


def _uncertainty_of_others(models: Mapping[str, ModelRun], targets: list[str]) -> str:
    more = "".join(uncertainty_part(models, target, with_intro=False) for target in targets)
    return folded_html("Uncertainty of the other targets", more) if more else ""


def _pictures(models: Mapping[str, ModelRun], simulations: Simulations, single: bool) -> list[str]:
    parts = []
    source = "the dataset" if single else "the process model"
    scored = scored_targets(models)
    shown = [target for target in ("fch4", "gpp") if target in scored] or scored[:2]
    for target, splits in zip(shown, (SHOWN_SPLITS, ("spatial",)), strict=False):
        for split in splits:
            cycles, sites = _cycles(models, simulations, split, target, "observed" if single else "process")
            if not cycles:
                continue
            label = f"{target}, {target_units(target, models)}"
            title = f"Seasonal cycle of {target_name(target, models)} on {SPLIT_NAMES[split]}"
            parts.append(
                figure(
                    to_svg(figures.seasonal_cycles(cycles, label, sites), title), f"{title}: {_cycle_caption(source)}"
                )
            )
    if any(run.tables(split) for run in models.values() for split in SHOWN_SPLITS):
        parts += [_density(models, target, LINEAR_WIDTHS.get(target, 1.0), source) for target in shown]
        parts += [_biome_figure(models, simulations, target) for target in shown]
    return parts


def _cycle_caption(source: str) -> str:
    return (
        f"mean over the test sites and test years of each class of sites, smoothed over 15 days, from {source} and the "
        "emulators; dotted, the climatology of the class. Days of southern sites are shifted by half a year. Vertical "
        "scales differ."
    )


def _cycles(
    models: Mapping[str, ModelRun], simulations: Simulations, split: str, target: str, truth: str
) -> tuple[dict[str, dict[str, np.ndarray]], dict[str, int]]:
    """Mean seasonal cycles {biome: {truth, "climatology", model kind: (366,)}} and numbers of sites; truth: "process"
    or "observed".
    """
    slots = day_slot(simulations.dates.month.values, simulations.dates.day.values)
    south = simulations.dataset["lat"].values < 0.0
    first = next(iter(models.values()))
    pairs = {kind: run.pairs(split, target) for kind, run in models.items()}
    observed = pairs[first.kind][0]
    scored = np.isfinite(observed)
    series = {truth: observed, "climatology": np.where(scored, first.climatology(target), np.nan)}
    series |= {kind: predicted for kind, (_, predicted) in pairs.items()}
    cycles, sites = {}, {}
    for biome in sorted(set(simulations.biome[scored.any(axis=1)]), key=biome_order):
        members = simulations.biome == biome
        sites[biome] = int((scored.any(axis=1) & members).sum())
        cycles[biome] = {name: seasonal_mean(values[members], slots, south[members]) for name, values in series.items()}
    return cycles, sites


def seasonal_mean(values: np.ndarray, slots: np.ndarray, south: np.ndarray | None = None) -> np.ndarray:
    """Mean over sites and years by calendar day, over a circular window of 15 days; (N, T), slots (T,) -> (366,).

    south: (N,) bool, sites of the southern hemisphere, whose days are counted half a year on.
    """
    south = np.zeros(len(values), bool) if south is None else south
    return season_means(values[..., None], slots, south)[:, 0]


def _density(models: Mapping[str, ModelRun], target: str, linear_width: float, source: str) -> str:
    splits = [split for split in SHOWN_SPLITS if all(run.tables(split) for run in models.values())]
    pairs = {}
    for kind, run in models.items():
        by_split = {split: run.pairs(split, target) for split in splits}
        pairs[kind] = {
            split: tuple(values[np.isfinite(o) & np.isfinite(p)] for values in (o, p))
            for split, (o, p) in by_split.items()
        }
    truth = "simulated" if source == "the process model" else "dataset"
    drawing = figures.density(pairs, target_units(target, models), linear_width, SPLIT_NAMES, truth)
    caption = (
        f"Every test day: {target_name(target, models)} of {source} against that of the emulator, "
        f"{target_units(target, models)}; from yellow (one) to blue (many), "
        f"logarithmically. Axes are linear up to ±{linear_width:g} and logarithmic beyond; the dashed line is "
        "equality."
    )
    return figure(to_svg(drawing, f"{truth.capitalize()} against emulated {target_name(target, models)}"), caption)


def _biome_figure(models: Mapping[str, ModelRun], simulations: Simulations, target: str) -> str:
    of = simulations.class_name
    skill: dict[str, dict[str, dict[str, float]]] = {}
    for split in SHOWN_SPLITS:
        for kind, run in models.items():
            if not run.tables(split):
                continue
            observed, predicted = run.pairs(split, target)
            baseline = run.climatology(target)
            for biome in set(simulations.biome[np.isfinite(observed).any(axis=1)]):
                members = simulations.biome == biome
                error = pooled(observed[members], predicted[members])["rmse"]
                reference = pooled(observed[members], baseline[members])["rmse"]
                skill.setdefault(split, {}).setdefault(biome, {})[kind] = (
                    1.0 - (error / reference) ** 2 if reference > 0 else np.nan
                )
    caption = (
        f"{target_name(target, models).capitalize()} by {of}: 1 − (RMSE / RMSE of the climatology by {of})², over "
        f"all test days of the {of}. 1 is perfect, 0 as good as the climatology, left of the line worse; an "
        "arrow at the left edge stands for less than −1."
    )
    return figure(
        to_svg(figures.biome_skill(skill, SPLIT_NAMES), f"Skill by {of} for {target_name(target, models)}"), caption
    )
