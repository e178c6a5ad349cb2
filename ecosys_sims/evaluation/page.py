"""Writes docs/validation.md from the results of a run."""

from pathlib import Path

from ecosys_sims.evaluation.page_ensemble import ensemble_section, ranges_section
from ecosys_sims.evaluation.page_other_sites import duke_section, mead_section
from ecosys_sims.evaluation.page_parts import Results
from ecosys_sims.evaluation.page_towers import HOW_JUDGED, towers_section
from foundations.atomic_file import write_text

HEAD = """# Validation

Written by `python benchmarks/validation.py`; do not edit. How the process model compares with published ranges
(section 1), what it looks like (section 2), and how it compares with measurements and with another model (section 3).
Numbers are in [results/validation.json](results/validation.json). Fluxes are positive upward; uptake of uplands is
given as a positive number.
"""
MEASUREMENTS = "## 3. Measurements and another model\n"
NO_MEASUREMENTS = (
    "Skipped: the data were not there when this page was made (`--data`, or ECOSTEP_DATA). "
    "They are public, but not part of this repository.\n"
)


def page(results: Results, figures: str) -> str:
    """The page as Markdown; `figures` is the path of the figures as the page sees it."""
    sections = [HEAD, _provenance(results), ranges_section(results), ensemble_section(results, figures), MEASUREMENTS]
    if results["towers"] or results["duke"] or results["mead"]:
        sections += [HOW_JUDGED, towers_section(results["towers"], figures)]
        sections += [duke_section(results["duke"], figures), mead_section(results["mead"], figures)]
    else:
        sections.append(NO_MEASUREMENTS)
    return "\n".join(section for section in sections if section).rstrip() + "\n"


def _provenance(results: Results) -> str:
    made = results["provenance"]
    minutes = sum(results["seconds"].values()) / 60
    return (
        f"Made {made['created'][:10]} with {made['program']}, code {made['git_hash'][:12]}, "
        f"seed {made['seeds']['ensemble']}; {made['machine']['processor']}, {made['workers']} workers, "
        f"{minutes:.0f} min of processes.\n"
    )


def write_page(results: Results, path: Path, figures: str) -> None:
    """Write the page."""
    write_text(path, page(results, figures))
