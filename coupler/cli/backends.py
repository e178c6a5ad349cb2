"""Which backends run an artefact here."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coupler.cli.errors import CommandError
from coupler.python.errors import EcostepError
from coupler.python.model import Model

METADATA = "extra/ecostep.json"
SLOW_TO_START = "torchscript"


@dataclass(frozen=True)
class Backend:
    """A backend of an artefact: whether it works here (None = not tried), why not, and the model that it opened."""

    name: str
    usable: bool | None
    reason: str
    model: Model | None = field(default=None, repr=False)


def read_metadata(path: Path) -> dict[str, Any]:
    """The metadata of an artefact, also where no backend works; EcostepError tells what is wrong with the file."""
    try:
        return Model(path).metadata
    except EcostepError as error:
        if error.status not in ("NO_BACKEND", "BACKEND_FAILED"):
            raise
    with zipfile.ZipFile(path) as archive:
        entry = next(name for name in archive.namelist() if name.endswith(METADATA))
        metadata: dict[str, Any] = json.loads(archive.read(entry))
        return metadata


def try_backends(path: Path, metadata: dict[str, Any], all_of_them: bool = True) -> dict[str, Backend]:
    """Open the artefact with each backend that it names, in its order.

    Without `all_of_them`, torch is not started where another backend works.
    """
    backends: dict[str, Backend] = {}
    for name in sorted(metadata["backends"], key=lambda name: name == SLOW_TO_START):
        others_work = any(backend.usable for backend in backends.values())
        if name == SLOW_TO_START and others_work and not all_of_them:
            backends[name] = Backend(name, None, "not tried; --backends does")
        else:
            backends[name] = _try(path, name)
    return {name: backends[name] for name in metadata["backends"]}


def open_all(path: Path, names: list[str] | None) -> tuple[dict[str, Model], dict[str, str]]:
    """The artefact opened by each of some backends (None: by all that work here), and why the others do not work.

    EcostepError where one that was named does not work, CommandError where none works.
    """
    if names:
        return {name: Model(path, name) for name in names}, {}
    backends = try_backends(path, read_metadata(path))
    models = {name: backend.model for name, backend in backends.items() if backend.model is not None}
    absent = {name: backend.reason for name, backend in backends.items() if backend.model is None}
    if not models:
        message = f"{path}: no backend works here: {'; '.join(absent.values())}"
        raise CommandError(message)
    return models, absent


def _try(path: Path, name: str) -> Backend:
    try:
        return Backend(name, True, "", Model(path, name))
    except EcostepError as error:
        return Backend(name, False, str(error))


def missing_native(metadata: dict[str, Any]) -> str:
    """Why an artefact of a network has no native program; "" where it has, or is a stub."""
    if {"native", "stub"} & set(metadata["backends"]):
        return ""
    return metadata.get("native_reason") or "the artefact holds no native program: export it again with this version"
