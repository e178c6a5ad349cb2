"""The report's part on where its numbers come from."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from emulator.evaluation.figures.style import model_name
from emulator.evaluation.report.page import definitions, folded, table
from emulator.evaluation.report.products import Products
from emulator.runs import provenance
from foundations.file_faults import read_text
from foundations.json_record import read_record
from foundations.provenance import git_hash, now

RESTORE_RUN = "restore it, or train again with --overwrite"


def provenance_section(products: Products) -> str:
    """Code, versions, seeds, machine, time and memory by step, and the configurations in full."""
    parts = [definitions(_facts(products))]
    if products.steps:
        rows = [
            (name, f"{step['seconds']:.0f}", f"{step['peak_rss_mb']:.0f}", step["finished"], step["git_hash"][:12])
            for name, step in products.steps.items()
        ]
        caption = (
            "Steps: wall time; largest resident memory of the step's processes together; end; version of the code."
        )
        parts.append(table(("step", "seconds", "memory, MB", "finished", "code"), rows, caption))
    for kind, run in products.models.items():
        if run.folder.config.exists():
            configuration = read_text(run.folder.config, RESTORE_RUN)
            parts.append(folded(f"Configuration of {model_name(kind)}", configuration))
    if products.simulations is not None:
        parts.append(folded("How the dataset was made", json.dumps(products.simulations.facts, indent=2)))
    return "".join(parts)


def _facts(products: Products) -> Iterator[tuple[str, str]]:
    yield "report made", now()
    yield "code (git)", git_hash()
    yield from provenance.versions().items()
    if products.simulations is not None:
        attributes = products.simulations.dataset.attrs
        yield "dataset", f"{products.simulations.path.name}, {attributes.get('source', '')}"
        yield "dataset made by (git)", str(attributes.get("git_hash", "unknown"))
        yield "seed of the simulations", str(attributes.get("seed", "unknown"))
    for kind, run in products.models.items():
        made = _read(run.folder.provenance)
        yield f"{model_name(kind)}: code, seed", f"{made.get('git_hash', 'unknown')}, {made.get('seed', 'unknown')}"
        yield f"{model_name(kind)}: dataset hash", str(made.get("dataset_hash", "unknown"))
    if products.coupled is not None:
        yield "coupled artefact (SHA-256)", str(products.coupled["model"].get("sha256", "unknown"))


def _read(path: Path) -> Mapping[str, Any]:
    return read_record(path, (), RESTORE_RUN) if path.exists() else {}
