"""The report's part on the data of a single run: which days trained, chose and tested, and what there is none of."""

import numpy as np

from emulator.evaluation.report.page import notice, paragraph, table
from emulator.evaluation.report.products import ModelRun
from emulator.evaluation.report.skill_tables import scored_targets

PART_NAMES = {
    "train": "training",
    "validation_temporal": "validation, later days",
    "validation_spatial": "validation, other sites",
    "temporal": "test, later days",
    "spatial": "test, other sites",
    "spatiotemporal": "test, later days at other sites",
}


def split_section(run: ModelRun) -> str:
    """A table of the parts of the split, and a notice for each that is missing."""
    notices = "".join(notice(line[0].upper() + line[1:] + ".") for line in run.metrics.get("missing", []))
    targets = scored_targets({run.kind: run})
    if not run.folder.predictions.exists() or not targets:
        return notices
    days = run.predictions["time"].dt.strftime("%Y-%m-%d").values
    rows = []
    for part, name in PART_NAMES.items():
        known = [np.isfinite(run.pairs(part, target)[0]) for target in targets]
        used = np.logical_or.reduce(known)
        if used.any():
            dates = days[used.any(axis=0)]
            counts = [f"{values.sum():,}" for values in known]
            rows.append([name, str(int(used.any(axis=1).sum())), dates[0], dates[-1], *counts])
    sites = len(run.predictions["site_id"])
    intro = (
        f"The dataset has {sites} site{'s' if sites != 1 else ''}. Days with flux that predictions may be judged by:"
    )
    return paragraph(intro) + table(["part", "sites", "from", "to", *targets], rows) + notices
