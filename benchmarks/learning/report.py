"""Tables, comparisons and figures from the results of the runs."""

from pathlib import Path

from benchmarks.learning.runner import Bench, read_result
from emulator import atomic_file


def write(bench: Bench, path: Path) -> None:
    """Write FILE.json."""
    results = [read_result(found) for found in sorted(bench.results.glob("*.json"))]
    records = [record for result in results for record in result.get("records", [])]
    atomic_file.write_json(path, {"records": records})
