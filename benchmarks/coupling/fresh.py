"""What only a fresh process shows: start-up, and memory beyond what the host holds. Prints JSON.

python -m benchmarks.coupling.fresh start|memory ARTEFACT BACKEND CELLS
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def measure(what: str, path: Path, backend: str, cells: int = 1) -> dict[str, Any]:
    """Run this file in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.coupling.fresh", what, str(path), backend, str(cells)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        message = f"{' '.join(command)} failed:\n{done.stderr[-2000:]}"
        raise RuntimeError(message)
    return json.loads(done.stdout)


def start(path: str, backend: str) -> dict[str, Any]:
    """Time from the call that opens the artefact to the end of the first step, ms; was libtorch loaded?"""
    from coupler import Model
    from coupler.cli.bench import Host

    began = time.perf_counter()
    model = Model(path, backend)
    opened = time.perf_counter()
    host = Host(model, 1)  # drawing values is a host's work
    ready = time.perf_counter()
    host.cells.init_state()
    host.cells.step(2001, 1, 2)
    seconds = time.perf_counter() - ready + opened - began
    maps = Path("/proc/self/maps")
    return {"ms": 1e3 * seconds, "libtorch": "libtorch" in maps.read_text() if maps.exists() else None}


def memory(path: str, backend: str, cells: int) -> dict[str, Any]:
    """Peak of resident memory over a fresh start and days of all kinds, beyond model, state and host arrays, MB."""
    from coupler import Model
    from coupler.cli.bench import Host

    model = Model(path, backend)
    days = ((1, 2), (1, 31), (12, 31))
    small = Host(model, 1)
    for month, day in days:
        small.time(2001, month, day)
    host = Host(model, cells, start=False)
    host.cells.state[:] = 0.0  # touches the pages
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM starts anew
    host.cells.init_state()
    for month, day in days:
        host.time(2001, month, day)
    return {
        "mb": (_status("VmHWM") - before) / 1024,
        "state_mb": host.cells.state.nbytes / 2**20,
        "host_arrays_mb": sum(array.nbytes for array in (*host.drivers.values(), *host.statics.values())) / 2**20,
    }


def _status(key: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line for line in lines if line.startswith(key)).split()[1])


if __name__ == "__main__":
    what, path, backend, cells = sys.argv[1:5]
    measurement = start(path, backend) if what == "start" else memory(path, backend, int(cells))
    sys.stdout.write(json.dumps(measurement) + "\n")
