"""The records of all runs that are done, and where they came from."""

import json
from pathlib import Path
from typing import Any

from benchmarks.machine import processor
from benchmarks.observing.scores import record
from foundations.provenance import git_hash, now, versions


def collect(folder: Path) -> dict[str, Any]:
    """Records of every run, view and target, and provenance."""
    records, commits = [], set()
    for path in sorted(folder.glob("*.json")):
        content = json.loads(path.read_text())
        commits.add(content["provenance"]["git_hash"])
        run = content["run"]
        for view in content["scores"]:
            for target, sums in view["targets"].items():
                records.append(
                    {
                        "source": run["source"],
                        "protocol": view["protocol"],
                        "strict": view["strict"],
                        "method": run["method"],
                        "target": target,
                        "seed": run["seed"],
                        **record(sums),
                    }
                )
    return {
        "records": records,
        "provenance": {
            "created": now(),
            "git_hash": git_hash(),
            "git_hashes_of_runs": sorted(commits),
            "processor": processor(),
            "versions": versions(("torch", "numpy", "xgboost-cpu")),
        },
    }


def to_text(content: dict[str, Any]) -> str:
    """JSON with a record a line and numbers of five digits."""
    lines = ",\n".join(json.dumps({key: _rounded(value) for key, value in line.items()}) for line in content["records"])
    return f'{{"records": [\n{lines}\n],\n"provenance": {json.dumps(content["provenance"])}}}\n'


def _rounded(value: Any) -> Any:
    return float(f"{value:.5g}") if isinstance(value, float) else value
