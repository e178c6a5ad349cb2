"""Write the report of a run: `python -m emulator.evaluation.report --run-dir OUT --out OUT/report.html`."""

import argparse
import logging
import sys
from pathlib import Path

from emulator.evaluation.figures.style import model_name
from emulator.evaluation.report.coupled import coupled_section, equals_offline
from emulator.evaluation.report.learning import learning_section
from emulator.evaluation.report.page import number, page
from emulator.evaluation.report.products import Products, read_products
from emulator.evaluation.report.provenance import provenance_section
from emulator.evaluation.report.simulation import simulation_section
from emulator.evaluation.report.skill import skill_section
from emulator.evaluation.report.skill_tables import R2_DIGITS
from emulator.evaluation.report.split import split_section
from emulator.evaluation.report.towers import towers_section
from emulator.runs.run_folder import RunFolderError
from foundations import atomic_file
from foundations.command_end import ends_clearly
from foundations.file_faults import explain
from foundations.output_file import OutputError, require_own_outputs
from foundations.terminal import start_logging

log = logging.getLogger("emulator.evaluation.report")

LEAD = (
    "A Fortran ecosystem model was run over the globe, networks learned its carbon and methane fluxes, and one of "
    "them took the place of the "
    "model's biogeochemistry inside the running land model."
)


def build_report(products: Products) -> str:
    """The whole page as HTML."""
    if products.is_single_run:
        return _report_of_run(products)
    sections = [
        ("simulated", "What was simulated", simulation_section(products)),
        ("learning", "Learning", learning_section(products)),
        ("skill", "Skill on years and sites never seen", skill_section(products)),
        ("coupled", "Coupled against process", coupled_section(products)),
        ("provenance", "Provenance", provenance_section(products)),
    ]
    return page("ecostep: from simulation to coupled emulator", LEAD, _cards(products), sections)


def _report_of_run(products: Products) -> str:
    """The page of a single run folder: its data, learning, skill and provenance."""
    (run,) = products.models.values()
    dataset = run.metrics.get("provenance", {}).get("dataset", "a dataset")
    sections = [
        ("data", "What it learned from", split_section(run)),
        ("learning", "Learning", learning_section(products)),
        ("skill", "Skill", skill_section(products)),
        ("sites", "Site by site", towers_section(run, products.places)),
        ("provenance", "Provenance", provenance_section(products)),
    ]
    tested = "days that it did not learn from"
    if set(run.metrics["splits"]) == {"train"}:
        tested = "the days that it learned from, for nothing was held out"
    lead = f"A model of kind {model_name(run.kind)}, trained on {dataset} and judged on {tested}."
    return page(f"ecostep: {products.folder.resolve().name}", lead, _cards(products), sections)


def _cards(products: Products) -> list[tuple[str, str, str]]:
    """Headline numbers: (value, label, detail)."""
    cards = []
    if products.simulations is not None:
        sizes, total = products.simulations.dataset.sizes, products.simulations.facts.get("total")
        detail = f"{total['block_seconds']:.0f} s of one core with spin-up" if total else ""
        cards.append((f"{sizes['site']} × {sizes['time'] / 365.25:.0f} years", "simulated sites and years", detail))
    for split, label in (("temporal", "methane R² on held-out years"), ("spatial", "methane R² on held-out sites")):
        if card := _skill_card(products, split, label):
            cards.append(card)
    if products.coupled is not None:
        worst, exact = (
            products.coupled.get("max_diff_over_scale"),
            products.coupled["restart_bitwise"] and products.coupled["decomposition_bitwise"],
        )
        bits = "restart and decomposition exact to the bit" if exact else "restart or decomposition NOT exact"
        verdict = "coupled = offline" if equals_offline(products.coupled) else "coupled ≠ offline: FAILS"
        size = "not a number" if worst is None else f"{number(worst, 2)}"
        cards.append((size, verdict, f"largest difference on any day over sd + |flux|; {bits}"))
    if products.steps:
        seconds, memory = (
            combine(step[key] for step in products.steps.values())
            for key, combine in (("seconds", sum), ("peak_rss_mb", max))
        )
        cards.append(
            (f"{seconds / 60:.1f} min", "for the whole chain", f"with at most {memory / 1000:.1f} GB of memory")
        )
    return cards


def _skill_card(products: Products, split: str, label: str) -> tuple[str, str, str] | None:
    """Best pooled R2 of methane in a split, what that model saw, and the R2 of the climatologies."""
    scored = {}
    for kind, run in products.models.items():
        target = run.tables(split).get("fch4")
        if target and target["pooled"].get("r2") is not None:
            scored[kind] = target
    if not scored:
        return None
    best = max(scored, key=lambda kind: scored[kind]["pooled"]["r2"])
    run, name = products.models[best], model_name(best)
    if run.sees_past_flux(split):
        name += " with past flux"
        if without := run.tables_without_past_flux(split):
            name += f" (without {number(without['fch4']['pooled']['r2'], R2_DIGITS)})"
    baselines = ", ".join(
        f"{words} {number(scored[best][key]['pooled']['r2'], R2_DIGITS)}"
        for key, words in (("climatology", "by biome"), ("site_climatology", "of the site itself"))
        if key in scored[best]
    )
    value = number(scored[best]["pooled"]["r2"], R2_DIGITS)
    return value, label, f"{name}, the best of {len(scored)}; climatology {baselines}"


def _products(folder: Path) -> list[Path]:
    """Files of a run that a page may show, and must not replace."""
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".html"]


def command_parser(program: str = "python -m emulator.evaluation.report") -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(prog=program, description=__doc__.split(":")[0] + ".")
    parser.add_argument(
        "--run-dir", type=Path, required=True, help="folder that scripts/quickstart.sh wrote, or a single run"
    )
    parser.add_argument("--out", type=Path, help="the page to write; default RUN_DIR/report.html")
    return parser


@ends_clearly
def main(arguments: list[str] | None = None, program: str = "python -m emulator.evaluation.report") -> int:
    """Command line; returns the exit status. program: what the command is called in its help."""
    options = command_parser(program).parse_args(arguments)
    start_logging("%(message)s")
    out = options.out or options.run_dir / "report.html"
    try:
        require_own_outputs({"--out": out}, _products(options.run_dir))
        document = build_report(read_products(options.run_dir))
    except (RunFolderError, OutputError, OSError) as error:
        log.error("report: %s", explain(error))
        return 1
    atomic_file.write_bytes(out, document.encode())
    log.info("report: wrote %s (%.1f MB)", out, len(document) / 1e6)
    return 0


if __name__ == "__main__":
    sys.exit(main())
