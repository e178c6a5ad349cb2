"""Does all that docs/validation.md reports: an ensemble, pairs, crops, towers, two further comparisons."""

import logging
import multiprocessing
import os
import platform
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecosys_sims.ensemble import configuration
from ecosys_sims.ensemble.configuration import SimulationConfig
from ecosys_sims.evaluation import (
    crop_cases,
    duke_forest,
    ensemble_figures,
    ensemble_quantities,
    mead_maize,
    measurement_figures,
    paired_runs,
    published_ranges,
    tower_comparison,
)
from ecosys_sims.evaluation.calibration import Plan
from ecosys_sims.evaluation.ensemble_series import read_ensemble_series
from ecosys_sims.evaluation.flux_scores import rounded
from ecosys_sims.evaluation.page_parts import Results
from ecosys_sims.evaluation.steps import run_step, simulate_anew, write_arrays
from ecosys_sims.program.executable import find_program, library_versions, program_version
from foundations import provenance

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EvaluationOptions:
    """What a run is made of; paths, sizes and processes."""

    config: Path
    work: Path
    figures: Path
    data: Path | None  # None: comparisons with measurements are left out
    sites: int
    years: int
    pair_sites: int
    pair_years: int
    members: tuple[int, ...]  # of each round of calibration
    workers: int


def run_evaluation(options: EvaluationOptions) -> Results:
    """Run what is missing in `options.work`, draw the figures, and return what docs/results/validation.json holds."""
    program = find_program()
    digest = provenance.file_sha256(program)
    base = configuration.load(
        options.config, {"sites.count": options.sites, "period.years": options.years}, {"sites.count": "--sites"}
    )
    seconds: dict[str, float] = {}
    values, pulse = _ensemble(base, options, seconds)
    pairs = run_step(
        options.work, "pairs", {"program": digest, "base": base.model_dump(mode="json"), **_sizes(options)},
        lambda: _listed(paired_runs.run_pairs(
            base, options.pair_sites, options.pair_years, options.work / "pairs", options.workers
        )),
    )  # fmt: skip
    seconds["pairs"] = pairs.pop("seconds")
    values |= pairs
    values |= _crops(options, digest, seconds)
    results = {
        "provenance": _provenance(options, program, base.seed),
        "ensemble": {"sites": options.sites, "years": options.years, "pulse": pulse},
        "anchors": _judged(values),
        "crops": crop_cases.has_crops(),
    }
    results |= _measurements(options, digest, seconds)
    results["seconds"] = {name: round(value, 1) for name, value in seconds.items()}
    return results


def _sizes(options: EvaluationOptions) -> dict[str, Any]:
    return {"sites": options.pair_sites, "years": options.pair_years, "drainages": paired_runs.DRAINAGES}


def _listed(quantities: dict[str, np.ndarray]) -> dict[str, list[float | int | None]]:
    return {name: [rounded(float(value), 5) for value in values] for name, values in quantities.items()}


def _ensemble(
    base: SimulationConfig, options: EvaluationOptions, seconds: dict[str, float]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Values of the quantities, and what the caption of the spring pulse tells."""
    out = options.work / "ensemble"
    summary = simulate_anew(base, out, options.workers)
    seconds["ensemble"] = summary["seconds"]
    ensemble = read_ensemble_series(out)
    pulse = ensemble_figures.draw_all(ensemble, options.figures)
    pulse = {name: rounded(value) if isinstance(value, float) else value for name, value in pulse.items()}
    return dict(ensemble_quantities.quantities(ensemble)), pulse


def _crops(options: EvaluationOptions, digest: str, seconds: dict[str, float]) -> dict[str, Any]:
    """Values of the crop rows, and the figure of a rotation; nothing where the program knows no crops."""
    picture = options.figures / "rotation.png"
    if not crop_cases.has_crops():
        picture.unlink(missing_ok=True)
        return {}
    series = options.work / "rotation.npz"
    if not series.exists():
        (options.work / "crops.json").unlink(missing_ok=True)

    def work() -> dict[str, Any]:
        crop_quantities, rotation = crop_cases.crop_quantities(options.work / "crops")
        write_arrays(series, rotation)
        return _listed(crop_quantities)

    quantities = run_step(options.work, "crops", {"program": digest}, work)
    seconds["crops"] = quantities.pop("seconds")
    measurement_figures.draw_rotation(np.load(series), "2001", picture)
    return quantities


def _judged(values: Mapping[str, Any]) -> list[Results]:
    """Every published range, with a verdict where the model simulates the quantity."""
    rows = []
    for anchor in published_ranges.ANCHORS:
        simulated = [np.nan if value is None else value for value in values.get(anchor.key, [])]
        verdict = published_ranges.judge(anchor, np.array(simulated, dtype=float))
        not_simulated = {name: value for name, value in asdict(anchor).items() if name != "key"}
        not_simulated["verdict"] = "not simulated"
        rows.append({"key": anchor.key} | (verdict.as_json() if verdict else not_simulated))
    return rows


def _measurements(options: EvaluationOptions, digest: str, seconds: dict[str, float]) -> Results:
    """Comparisons with towers, Duke Forest and Mead; empty where there are no data."""
    if options.data is None or not options.data.is_dir():
        return {"towers": [], "duke": None, "mead": None}
    plan = Plan(rounds=options.members)
    folder = options.work / "towers"
    towers = tower_comparison.compare_towers(options.data, folder, plan, options.workers, digest)
    seconds["towers (sum over processes)"] = sum(tower.pop("seconds") for tower in towers)
    if towers:
        for flux in ("gpp", "nee", "fch4"):
            measurement_figures.draw_tower_cycles(towers, folder, flux, options.figures / f"towers_{flux}.png")
        measurement_figures.draw_skill(towers, options.figures / "tower_skill.png")
    results: Results = {"towers": towers} | _other_sites(options, options.data, digest, plan)
    for name, draw in (("duke", measurement_figures.draw_duke), ("mead", measurement_figures.draw_mead)):
        if results[name]:
            seconds[name] = results[name].pop("seconds")
            draw(results[name], np.load(options.work / name / f"{name}.npz"), options.figures / f"{name}.png")
    return results


def _other_sites(options: EvaluationOptions, data: Path, digest: str, plan: Plan) -> Results:
    """Duke Forest and Mead, side by side; None where the data of one are not there."""
    modules = {"duke": duke_forest, "mead": mead_maize}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=min(2, options.workers), mp_context=context) as pool:
        jobs = {
            name: pool.submit(_compare_once, name, options, data, digest, plan)
            for name, module in modules.items()
            if module.has_data(data)
        }
        return {name: jobs[name].result() if name in jobs else None for name in modules}


def _compare_once(name: str, options: EvaluationOptions, data: Path, digest: str, plan: Plan) -> Results:
    """One of the two, kept in `options.work` when it is done."""
    compare = {"duke": duke_forest.compare_duke, "mead": mead_maize.compare_mead}[name]
    ranges = {"duke": duke_forest.RANGES, "mead": mead_maize.CARBON + mead_maize.CROP}[name]
    folder = options.work / name
    if not (folder / f"{name}.npz").exists():
        (options.work / f"{name}.json").unlink(missing_ok=True)
    depends = {"program": digest, "members": options.members, "ranges": ranges}
    return run_step(options.work, name, depends, lambda: compare(data, folder, plan))


def _provenance(options: EvaluationOptions, program: Path, seed: int) -> Results:
    return {
        "created": provenance.now(),
        "git_hash": provenance.git_hash(),
        "program": program_version(program),
        "program_sha256": provenance.file_sha256(program),
        "seeds": {"ensemble": seed, "calibration": Plan().seed},
        "machine": {"processor": _processor(), "processors": os.cpu_count(), "system": platform.platform()},
        "workers": options.workers,
        "members": list(options.members),
        "versions": library_versions(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"
