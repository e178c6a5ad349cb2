"""Compare the process model with published ranges, towers and another model, and write docs/validation.md.

    python benchmarks/validation.py --workers 2

Takes some eight minutes on two idle processors; run the same command again after an interruption: what is done is kept
in --work. Comparisons with measurements need the data of --data (default: ECOSTEP_DATA, else ../shared/data), which
are not part of the repository; without them the page says that they were left out. `--quick` is a small trial.
"""

import argparse
import logging
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # works from a source tree that is not installed

from ecosys_sims.ensemble.cluster import EnsembleError, default_workers
from ecosys_sims.ensemble.output_folder import StaleOutputError
from ecosys_sims.evaluation.page import write_page
from ecosys_sims.evaluation.run import EvaluationOptions, run_evaluation
from ecosys_sims.formats.errors import AdapterError
from ecosys_sims.program.executable import ModelError
from foundations.atomic_file import write_json
from foundations.command_end import ends_clearly
from foundations.terminal import start_logging

log = logging.getLogger("benchmarks.validation")

ROOT = Path(__file__).resolve().parents[1]


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default_data = os.environ.get("ECOSTEP_DATA") or ROOT.parent / "shared" / "data"
    parser.add_argument("--data", type=Path, default=Path(default_data), help="folder with the measurements")
    parser.add_argument("--config", type=Path, default=ROOT / "configs/sims/validation.yaml", help="of the ensemble")
    parser.add_argument("--work", type=Path, default=ROOT / "runs/validation", help="folder of the runs")
    parser.add_argument("--page", type=Path, default=ROOT / "docs/validation.md")
    parser.add_argument("--figures", type=Path, default=ROOT / "docs/figures/validation")
    parser.add_argument("--json", type=Path, default=ROOT / "docs/results/validation.json")
    parser.add_argument("--sites", type=int, default=364, help="of the ensemble")
    parser.add_argument("--years", type=int, default=6, help="of the ensemble")
    parser.add_argument("--pair-sites", type=int, default=52, help="of each ensemble of a pair")
    parser.add_argument("--pair-years", type=int, default=2)
    parser.add_argument("--members", default="96,64,64", help="parameter sets of each round of calibration")
    parser.add_argument("--workers", type=int, default=default_workers(), help="processes")
    parser.add_argument("--quick", action="store_true", help="78 sites, 3 years, rounds of 24, 16 members")
    options = parser.parse_args(arguments)
    try:
        options.members = tuple(int(text) for text in options.members.split(","))
    except ValueError:
        parser.error(f"--members {options.members}: expected numbers with commas between, for example 96,64,64")
    if min(options.members) < 8 or options.workers < 1:
        parser.error("--members must be 8 or more each, --workers 1 or more")
    if options.quick:
        trial = ROOT / "runs/validation_quick"  # what is committed comes from whole runs
        for name, path in (("work", trial), ("page", trial / "validation.md"), ("figures", trial / "figures"),
                           ("json", trial / "validation.json")):  # fmt: skip
            if getattr(options, name) == parser.get_default(name):
                setattr(options, name, path)
        options.sites, options.years, options.pair_sites, options.members = 78, 3, 26, (24, 16)
    return options


@ends_clearly
def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 done, 1 failed."""
    options = parse_arguments(arguments)
    start_logging()
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    if not options.data.is_dir():
        log.warning("no data in %s: comparisons with measurements are left out", options.data)
    started = time.perf_counter()
    run = EvaluationOptions(
        config=options.config, work=options.work, figures=options.figures,
        data=options.data if options.data.is_dir() else None, sites=options.sites, years=options.years,
        pair_sites=options.pair_sites, pair_years=options.pair_years, members=options.members, workers=options.workers,
    )  # fmt: skip
    try:
        results = run_evaluation(run)
        options.json.parent.mkdir(parents=True, exist_ok=True)
        write_json(options.json, results)
        write_page(results, options.page, os.path.relpath(options.figures, options.page.parent))
    except (AdapterError, EnsembleError, ModelError, StaleOutputError, OSError, ValueError) as error:
        log.error("%s", error)
        return 1
    log.info("%s in %.0f s", options.page, time.perf_counter() - started)
    return 0


if __name__ == "__main__":
    sys.exit(main())
