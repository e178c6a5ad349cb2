"""`ecostep verify`: does this machine compute what the exporter computed?"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from coupler.cli import backends
from coupler.cli.command import CommandError
from coupler.python.errors import EcostepError
from coupler.python.model import Model


def verify(path: Path, backend: str | None, *, as_json: bool) -> int:
    """Replay the reference run; 0 where all backends that work here agree with it, 1 otherwise."""
    if backend is not None:
        opened = {backend: Model(path, backend)}
        absent = {}
    else:
        tried = backends.try_backends(path, backends.read_metadata(path))
        opened = {name: model for name, (_, model) in tried.items() if model is not None}
        absent = {name: state.reason for name, (state, model) in tried.items() if model is None}
    if not opened:
        raise CommandError(f"{path}: no backend works here: {'; '.join(absent.values())}")
    results = {name: _replay(model) for name, model in opened.items()}
    agree = all(result["status"] == "OK" for result in results.values())
    if as_json:
        sys.stdout.write(json.dumps({"file": str(path), "agrees": agree, "backends": results, "absent": absent}) + "\n")
        return 0 if agree else 1
    for name, result in results.items():
        difference = result["difference"]
        said = result["message"] or f"agrees; largest difference {difference:.2g} of a target's largest value"
        sys.stdout.write(f"{name:12} {said}\n")
    for name, reason in absent.items():
        sys.stdout.write(f"{name:12} not here: {reason}\n")
    return 0 if agree else 1


def _replay(model: Model) -> dict[str, object]:
    try:
        return {"status": "OK", "difference": model.verify(), "message": ""}
    except EcostepError as error:
        return {"status": error.status, "difference": None, "message": str(error)}
