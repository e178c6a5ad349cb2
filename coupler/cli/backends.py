"""Which backends run an artefact here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coupler.cli.errors import CommandError
from coupler.python.errors import EcostepError
from coupler.python.model import Model

TORCHSCRIPT = "torchscript"
NOT_TRUSTED = "NOT_TRUSTED"


@dataclass(frozen=True)
class Backend:
    """A backend of an artefact: whether it works here (None = not tried), why not, and the model that it opened.

    ``refused``: it would run code that does more than compute, and the user has not said that it may.
    """

    name: str
    usable: bool | None
    reason: str
    model: Model | None = field(default=None, repr=False)
    refused: bool = False


def read_metadata(path: Path) -> dict[str, Any]:
    """The metadata of an artefact, also where no backend works; EcostepError tells what is wrong with the file."""
    return Model(path, "none").metadata


def try_backends(
    path: Path, metadata: dict[str, Any], *, with_torchscript: bool = True, trust: bool = False
) -> dict[str, Backend]:
    """Open the artefact with each backend that it names, in its order.

    Only `torchscript` runs code from the artefact, and takes a second to start torch: without `with_torchscript` it is
    not tried.
    """
    backends: dict[str, Backend] = {}
    for name in metadata["backends"]:
        if name == TORCHSCRIPT and not with_torchscript:
            backends[name] = Backend(name, None, "not tried; --backends does")
        else:
            backends[name] = _try(path, name, trust)
    return backends


def open_all(path: Path, names: list[str] | None, *, trust: bool = False) -> tuple[dict[str, Model], dict[str, str]]:
    """The artefact opened by each of some backends (None: by all that work here), and why the others do not work.

    EcostepError where one that was named does not work or one would run code that is not trusted, CommandError where
    none works.
    """
    if names:
        return {name: Model(path, name, trust=trust) for name in names}, {}
    backends = try_backends(path, read_metadata(path), trust=trust)
    refused = next((backend for backend in backends.values() if backend.refused), None)
    if refused is not None:
        raise EcostepError(NOT_TRUSTED, refused.reason)
    models = {name: backend.model for name, backend in backends.items() if backend.model is not None}
    absent = {name: backend.reason for name, backend in backends.items() if backend.model is None}
    if not models:
        message = f"{path}: no backend works here: {'; '.join(absent.values())}"
        raise CommandError(message)
    return models, absent


def default(metadata: dict[str, Any], tried: dict[str, Backend]) -> str | None:
    """The backend that a host gets which names none: the first that is not known to fail, `native` before others."""
    order = sorted(metadata["backends"], key=lambda name: name != "native")
    return next((name for name in order if tried[name].usable is not False), None)


def _try(path: Path, name: str, trust: bool) -> Backend:
    try:
        return Backend(name, True, "", Model(path, name, trust=trust))
    except EcostepError as error:
        return Backend(name, False, str(error), refused=error.status == NOT_TRUSTED)


def missing_native(metadata: dict[str, Any]) -> str:
    """Why an artefact of a network has no native program; "" where it has, or is a stub."""
    if {"native", "stub"} & set(metadata["backends"]):
        return ""
    return metadata.get("native_reason") or "the artefact holds no native program: export it again with this version"
