"""`ecostep verify`: does this machine compute what the exporter computed?"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from coupler.cli import backends
from coupler.python.errors import EcostepError
from coupler.python.model import Model


@dataclass(frozen=True)
class Replay:
    """A reference run replayed: status, largest difference relative to a target's largest value, and what failed."""

    status: str
    difference: float | None
    message: str


def verify(path: Path, backend: str | None, *, as_json: bool, trust: bool = False) -> int:
    """Replay the reference run; 0 where all backends that work here agree with it, 1 otherwise."""
    models, absent = backends.open_all(path, [backend] if backend is not None else None, trust=trust)
    replays = {name: _replay(model) for name, model in models.items()}
    agree = all(replay.status == "OK" for replay in replays.values())
    if as_json:
        results = {name: asdict(replay) for name, replay in replays.items()}
        sys.stdout.write(json.dumps({"file": str(path), "agrees": agree, "backends": results, "absent": absent}) + "\n")
        return 0 if agree else 1
    for name, replay in replays.items():
        verdict = replay.message or f"agrees; largest difference {replay.difference:.2g} of a target's largest value"
        sys.stdout.write(f"{name:12} {verdict}\n")
    for name, reason in absent.items():
        sys.stdout.write(f"{name:12} not here: {reason}\n")
    return 0 if agree else 1


def _replay(model: Model) -> Replay:
    try:
        return Replay("OK", model.verify(), "")
    except EcostepError as error:
        return Replay(error.status, None, str(error))
