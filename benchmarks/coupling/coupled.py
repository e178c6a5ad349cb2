"""Biogeochemistry of the land model `ecosys`, computed and emulated: time by the program's own profile."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from benchmarks.model_runs import run_case, usual_sites, write_case_sites

PARTS = ("forcing", "physics", "biogeochemistry", "history")


def run(program: Path, artefact: Path | None, work: Path, *, sites: int, years: int, seed: int, dt_call: int = 3600,
        backend: str = "") -> dict[str, Any]:  # fmt: skip
    """One run from a cold start, without spin-up, on one processor; computed where `artefact` is None."""
    folder = work / ("process" if artefact is None else f"emulator_{artefact.parent.name}_{dt_call}")
    shutil.rmtree(folder, ignore_errors=True)
    table = write_case_sites(folder, usual_sites(sites, seed))
    groups: dict[str, dict[str, Any]] = {
        "run_ctl": {"fsites": table, "stop_n": years, "spinup_years": 0, "seed": seed, "bgc_scheme": "process"},
        "hist_nl": {"hist_fields": "gpp,fch4"},
    }
    if artefact is not None:
        groups["run_ctl"]["bgc_scheme"] = "emulator"
        groups["emulator_nl"] = {"file": str(artefact), "dt_call": dt_call, "backend": backend}
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})  # the child's, too
    try:
        done = run_case(program, folder, groups)
    finally:
        os.sched_setaffinity(0, allowed)
    if done.code != 0:
        message = f"{folder}: exit code {done.code}: {done.message}"
        raise RuntimeError(message)
    shutil.rmtree(folder)
    return {f"{part}_s": done.timing[f"{part}_s"] for part in PARTS} | {
        "wall_s": done.timing["wall_s"], "cpu_s": done.cpu_s, "peak_rss_mb": done.peak_rss_mb,
        "biogeochemistry_cpu_s": done.timing["biogeochemistry_s"] * min(1.0, done.cpu_s / done.wall_s),
    }  # fmt: skip
