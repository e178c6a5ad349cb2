"""All FLUXNET-CH4 towers of a folder, driven by their own weather: with defaults and calibrated."""

import logging
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np

from ecosys_sims.adapters.daily_record import site_id_of
from ecosys_sims.evaluation.calibration import Plan, Range
from ecosys_sims.evaluation.comparison import CalibrationTask, compare
from ecosys_sims.evaluation.flux_scores import rounded
from ecosys_sims.evaluation.steps import run_step, write_arrays
from ecosys_sims.evaluation.tower_observations import read_tower

log = logging.getLogger(__name__)

DAILY_FOLDER, META_FOLDER = "fluxnet_ch4_daily", "fluxnet_ch4_meta"

# What is tuned at a tower; ranges are those of the literature (docs/process_model.md), or our choice where they are
# factors on the biome's default.
RANGES: tuple[Range, ...] = (
    Range("kphio", "carbon", 0.5, 1.6, relative=True),
    Range("lai_max", "carbon", 0.4, 2.0, relative=True),
    Range("rm25", "carbon", 0.4, 2.2, relative=True, log=True),
    Range("maturity", "carbon", 0.4, 1.3),
    Range("mgo", "methane", 0.05, 2.0, log=True),
    Range("pq10", "methane", 1.7, 8.0),
    Range("tveg", "methane", 0.3, 15.0, log=True),
    Range("q_in", "methane", 0.0, 4.0),
)
JUDGED_BY = {"carbon": ("gpp", "nee"), "methane": ("fch4",)}


def daily_files(data: Path) -> list[Path]:
    """The collection's daily files, the longest first."""
    return sorted((data / DAILY_FOLDER).glob("FLX_*_DD_*.csv"), key=lambda path: -path.stat().st_size)


def compare_towers(data: Path, work: Path, plan: Plan, workers: int, program_hash: str) -> list[dict[str, Any]]:
    """One result a tower, in the order of their codes; each is kept in `work` when it is done."""
    files = daily_files(data)
    meta = sorted((data / META_FOLDER).glob("*META*.csv"))
    if not files or not meta:
        log.warning("%s: no daily files of FLUXNET-CH4 or no site table; towers are left out", data)
        return []
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=workers, mp_context=context) as pool:
        jobs = [pool.submit(compare_tower, path, meta[0], work, plan, program_hash) for path in files]
        for job in as_completed(jobs):
            log.info("%s done", job.result()["site"])
    return sorted((job.result() for job in jobs), key=lambda result: result["site"])


def compare_tower(csv: Path, meta: Path, work: Path, plan: Plan, program_hash: str) -> dict[str, Any]:
    """One tower; the series of its figure are beside the results, `SITE.npz`."""
    site_id = site_id_of(csv)
    depends = {"csv": csv.name, "size": csv.stat().st_size, "plan": plan, "ranges": RANGES, "program": program_hash}
    if not (work / f"{site_id}.npz").exists():
        (work / f"{site_id}.json").unlink(missing_ok=True)
    return run_step(work, site_id, depends, lambda: _compare(csv, meta, work, plan, site_id))


def _compare(csv: Path, meta: Path, work: Path, plan: Plan, site_id: str) -> dict[str, Any]:
    tower = read_tower(csv, meta, work / "forcing")
    task = CalibrationTask(tower.case, tower.observed, tower.split, RANGES, JUDGED_BY, plan)
    results, series = compare(task, work / f".{site_id}", tower.water)
    write_arrays(work / f"{site_id}.npz", series)
    site = tower.case.site
    return {
        "site": site_id, "biome": site.biome, "lat": rounded(site.lat), "lon": rounded(site.lon),
        "start": tower.case.start.isoformat(), "days": tower.case.days, "filled_days": tower.filled_days,
        "measured_days": {name: int(np.isfinite(values).sum()) for name, values in tower.observed.items()},
        **results,
    }  # fmt: skip
