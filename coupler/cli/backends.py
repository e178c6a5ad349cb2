"""Which backends run an artefact here."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coupler.python.errors import EcostepError
from coupler.python.model import Model

METADATA = "extra/ecostep.json"
SLOW_TO_START = "torchscript"


@dataclass(frozen=True)
class Backend:
    """A backend of an artefact: whether it works here (None = not tried), and why not."""

    name: str
    usable: bool | None
    reason: str


def read_metadata(path: Path) -> dict[str, Any]:
    """The metadata of an artefact, also where no backend works; EcostepError tells what is wrong with the file."""
    try:
        return Model(path).metadata
    except EcostepError as error:
        if error.status not in ("NO_BACKEND", "BACKEND_FAILED"):
            raise
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if name.endswith(METADATA))
        return json.loads(archive.read(name))


def try_backends(
    path: Path, metadata: dict[str, Any], all_of_them: bool = True
) -> dict[str, tuple[Backend, Model | None]]:
    """Open the artefact with each backend that it names.

    Without `all_of_them`, torch is not started where another backend works.
    """
    found: dict[str, tuple[Backend, Model | None]] = {}
    for name in sorted(metadata["backends"], key=lambda name: name == SLOW_TO_START):
        others_work = any(backend.usable for backend, _ in found.values())
        if name == SLOW_TO_START and others_work and not all_of_them:
            found[name] = Backend(name, None, "not tried; --backends does"), None
            continue
        found[name] = _try(path, name)
    return {name: found[name] for name in metadata["backends"]}


def _try(path: Path, name: str) -> tuple[Backend, Model | None]:
    try:
        return Backend(name, True, ""), Model(path, name)
    except EcostepError as error:
        return Backend(name, False, str(error)), None


def missing_native(metadata: dict[str, Any]) -> str:
    """Why an artefact of a network has no native program; "" where it has, or is a stub."""
    if {"native", "stub"} & set(metadata["backends"]):
        return ""
    return metadata.get("native_reason") or "the artefact holds no native program: export it again with this version"
