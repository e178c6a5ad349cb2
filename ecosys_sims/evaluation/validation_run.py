"""Does all that docs/validation.md reports: an ensemble, pairs, crops, towers, two further comparisons."""

import logging
import multiprocessing
import os
import platform
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ecosys_sims import config as configuration
from ecosys_sims import provenance
from ecosys_sims.evaluation import (
    crop_cases,
    draw_ensemble,
    draw_reality,
    duke_forest,
    ensemble_quantities,
    mead_maize,
    paired_runs,
    published_ranges,
    towers,
)
from ecosys_sims.evaluation.calibration import Plan
from ecosys_sims.evaluation.ensemble_series import read_ensemble
from ecosys_sims.evaluation.flux_scores import rounded
from ecosys_sims.evaluation.steps import run_step, simulate_anew
from ecosys_sims.model import find_program, program_version

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
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


def run_validation(options: Options) -> dict:
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
    results |= _reality(options, digest, seconds)
    results["seconds"] = {name: round(value, 1) for name, value in seconds.items()}
    return results


def _sizes(options: Options) -> dict:
    return {"sites": options.pair_sites, "years": options.pair_years, "drainages": paired_runs.DRAINAGES}


def _listed(values: dict[str, np.ndarray]) -> dict[str, list]:
    return {name: [rounded(float(x), 5) for x in found] for name, found in values.items()}


def _ensemble(base, options: Options, seconds: dict[str, float]) -> tuple[dict[str, np.ndarray], dict]:
    out = options.work / "ensemble"
    summary = simulate_anew(base, out, options.workers)
    seconds["ensemble"] = summary["seconds"]
    ensemble = read_ensemble(out)
    pulse = draw_ensemble.draw_all(ensemble, options.figures)
    pulse = {name: rounded(value) if isinstance(value, float) else value for name, value in pulse.items()}
    return dict(ensemble_quantities.quantities(ensemble)), pulse


def _crops(options: Options, digest: str, seconds: dict[str, float]) -> dict:
    """Values of the crop rows, and the figure of a rotation; nothing where the program knows no crops."""
    picture = options.figures / "rotation.png"
    if not crop_cases.has_crops():
        picture.unlink(missing_ok=True)
        return {}
    series = options.work / "rotation.npz"
    if not series.exists():
        (options.work / "crops.json").unlink(missing_ok=True)

    def work() -> dict:
        found, rotation = crop_cases.crop_quantities(options.work / "crops")
        np.savez_compressed(series, **rotation)
        return _listed(found)

    found = run_step(options.work, "crops", {"program": digest}, work)
    seconds["crops"] = found.pop("seconds")
    draw_reality.draw_rotation(np.load(series), "2001", picture)
    return found


def _judged(values: dict) -> list[dict]:
    """Every published range, with a verdict where the model simulates the quantity."""
    rows = []
    for anchor in published_ranges.ANCHORS:
        found = values.get(anchor.key, [])
        verdict = published_ranges.judge(anchor, np.array([np.nan if x is None else x for x in found], dtype=float))
        plain = {name: value for name, value in asdict(anchor).items() if name != "key"}
        rows.append({"key": anchor.key} | (verdict.as_json() if verdict else plain | {"verdict": "not simulated"}))
    return rows


def _reality(options: Options, digest: str, seconds: dict[str, float]) -> dict:
    if options.data is None or not options.data.is_dir():
        return {"towers": [], "duke": None, "mead": None}
    plan = Plan(rounds=options.members)
    found = towers.compare_towers(options.data, options.work / "towers", plan, options.workers, digest)
    seconds["towers (sum over processes)"] = sum(item.pop("seconds") for item in found)
    if found:
        for flux in ("gpp", "nee", "fch4"):
            draw_reality.draw_tower_cycles(found, options.work / "towers", flux, options.figures / f"towers_{flux}.png")
        draw_reality.draw_skill(found, options.figures / "tower_skill.png")
    results = {"towers": found} | _two_more(options, digest, plan)
    for name, draw in (("duke", draw_reality.draw_duke), ("mead", draw_reality.draw_mead)):
        if results[name]:
            seconds[name] = results[name].pop("seconds")
            draw(results[name], np.load(options.work / name / f"{name}.npz"), options.figures / f"{name}.png")
    return results


def _two_more(options: Options, digest: str, plan: Plan) -> dict:
    """Duke Forest and Mead, side by side; None where the data of one are not there."""
    modules = {"duke": duke_forest, "mead": mead_maize}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=min(2, options.workers), mp_context=context) as pool:
        jobs = {
            name: pool.submit(_compare_once, name, options, digest, plan)
            for name, module in modules.items()
            if module.has_data(options.data)
        }
        return {name: jobs[name].result() if name in jobs else None for name in modules}


def _compare_once(name: str, options: Options, digest: str, plan: Plan) -> dict:
    """One of the two, kept in `options.work` when it is done."""
    compare = {"duke": duke_forest.compare_duke, "mead": mead_maize.compare_mead}[name]
    ranges = {"duke": duke_forest.RANGES, "mead": mead_maize.CARBON + mead_maize.CROP}[name]
    folder = options.work / name
    if not (folder / f"{name}.npz").exists():
        (options.work / f"{name}.json").unlink(missing_ok=True)
    depends = {"program": digest, "members": options.members, "ranges": ranges}
    return run_step(options.work, name, depends, lambda: compare(options.data, folder, plan))


def _provenance(options: Options, program: Path, seed: int) -> dict:
    return {
        "created": provenance.now(),
        "git_hash": provenance.git_hash(),
        "program": program_version(program),
        "program_sha256": provenance.file_sha256(program),
        "seeds": {"ensemble": seed, "calibration": Plan().seed},
        "machine": {"processor": _processor(), "processors": os.cpu_count(), "system": platform.platform()},
        "workers": options.workers,
        "members": list(options.members),
        "versions": provenance.versions(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"
