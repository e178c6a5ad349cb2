"""`ecostep info`: what an artefact needs and gives."""

from __future__ import annotations

import itertools
import json
import math
import sys
import textwrap
from pathlib import Path
from typing import Any

from coupler.cli import backends
from coupler.cli.classes import class_meanings
from coupler.cli.errors import CommandError
from coupler.python.model import Model, library_version
from foundations.terminal import printable


def show(path: Path, *, as_json: bool, all_backends: bool, trust: bool = False) -> int:
    """Print the description of an artefact; 0, also where no backend runs it here."""
    try:
        about = describe(path, all_backends=all_backends, trust=trust)
        text = json.dumps(about, indent=1) + "\n" if as_json else printable(_as_text(about), lines=True)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        message = f"{path}: its metadata are not what docs/formats.md says ({error!r}); export it again"
        raise CommandError(message) from None
    sys.stdout.write(text)
    return 0


def describe(path: Path, *, all_backends: bool = True, trust: bool = False) -> dict[str, Any]:
    """Metadata of the artefact and what this machine can do with it. Limits that it does not give are None.

    Without `all_backends` no code of the artefact is run, not even code that may be.
    """
    described = Model(path, "none")
    metadata = described.metadata
    tried = backends.try_backends(path, metadata, with_torchscript=all_backends, trust=trust)
    model = next((backend.model for backend in tried.values() if backend.model is not None), None)
    listed: list[dict[str, Any]] = [
        {"name": backend.name, "usable": backend.usable, "reason": backend.reason} for backend in tried.values()
    ]
    if reason := backends.missing_native(metadata):
        listed.append({"name": "native", "usable": False, "reason": reason})
    return {
        "file": str(path),
        "bytes": path.stat().st_size,
        "fingerprint": described.fingerprint,
        **{key: metadata.get(key) for key in ("name", "kind", "created", "format_version", "past_flux")},
        "members": metadata.get("members", 1),
        "quantiles": metadata.get("quantiles"),
        "step_seconds": metadata["native_step_seconds"],
        "state_size": described.state_size,
        "model_state_size": metadata["state_size"],
        "flops_per_cell": model.flops if model else None,
        "inputs": metadata["inputs"],
        "statics": metadata["statics"],
        "targets": metadata["targets"],
        "backends": listed,
        "backend": backends.default(metadata, tried),
        "reference": metadata.get("reference"),
        "provenance": metadata.get("provenance", {}),
        "library": library_version(),
    }


def _as_text(about: dict[str, Any]) -> str:
    members = f", mean of {about['members']} models" if about["members"] > 1 else ""
    lines = [
        f"{about['name']}: {about['kind']}{members}, {about['bytes'] / 1e6:.1f} MB, made {about['created']}",
        f"steps of     {about['step_seconds'] / 86400:g} day, from any host step that divides it",
        f"state        {about['state_size']} floats a cell ({about['model_state_size']} of the model)",
        f"past flux    {about['past_flux']}",
    ]
    if about["fingerprint"]:
        lines.append(f"fingerprint  {about['fingerprint']}")
    if about["flops_per_cell"]:
        lines.append(f"work         {about['flops_per_cell'] / 1e3:.1f} kFLOP a cell and day")
    if about["quantiles"]:
        lines.append(f"quantiles    {' '.join(f'{level:g}' for level in about['quantiles'])} (in Python only)")
    for title in ("inputs", "statics", "targets"):
        lines += ["", title, *_table(title, about[title])]
    if classes := _meanings([*about["inputs"], *about["statics"]]):
        lines += ["", "classes", *classes]
    lines += ["", "backends"]
    marks = {True: "works", False: "does not work", None: "in the artefact"}
    for backend in about["backends"]:
        reason = f": {backend['reason']}" if backend["reason"] else ""
        chosen = " (taken by default)" if backend["name"] == about["backend"] else ""
        lines.append(f"  {backend['name']:12} {marks[backend['usable']]}{chosen}{reason}")
    lines += ["", "provenance"]
    for key, value in about["provenance"].items():
        if key != "metrics":
            lines.append(f"  {key:14} {value}")
    lines += [f"  {line}" for line in _metrics(about["provenance"].get("metrics") or {})]
    return "\n".join(lines) + "\n"


def _table(title: str, variables: list[dict[str, Any]]) -> list[str]:
    limits = ("min", "max") if title == "targets" else ("valid_min", "valid_max")
    columns = {
        "name": [variable["name"] for variable in variables],
        "units": [variable["units"] for variable in variables],
        "day's": [variable.get("accumulate") or "" for variable in variables],
        "allowed": [_allowed(variable, *limits) for variable in variables],
        "trained on": [_range(variable.get("train_min"), variable.get("train_max")) for variable in variables],
        "": [variable["long_name"] for variable in variables],
    }
    if title != "inputs":
        del columns["day's"]
    if title == "targets":
        del columns["trained on"]
    widths = [max(len(cell) for cell in (head, *cells)) for head, cells in columns.items()]
    rows = [tuple(columns), *zip(*columns.values(), strict=True)]
    return ["  " + "  ".join(f"{cell:{w}}" for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]


def _allowed(variable: dict[str, Any], low: str, high: str) -> str:
    classes = class_meanings(variable)
    return _classes(list(classes)) if classes else _range(variable.get(low), variable.get(high))


def _classes(codes: list[int]) -> str:
    """The codes of a class, in short where they follow one another."""
    if len(codes) > 2 and all(after == before + 1 for before, after in itertools.pairwise(codes)):
        return f"classes {codes[0]:g} .. {codes[-1]:g}"
    return f"classes {' '.join(f'{code:g}' for code in codes)}"


def _meanings(variables: list[dict[str, Any]]) -> list[str]:
    """What the codes of classes mean, a paragraph a variable."""
    lines = []
    for variable in variables:
        classes = class_meanings(variable)
        if any(classes.values()):
            words = " ".join(f"{code}={meaning}" for code, meaning in classes.items())
            lines += textwrap.wrap(
                f"{variable['name']}: {words}", 110, initial_indent="  ", subsequent_indent=" " * 6,
                break_long_words=False, break_on_hyphens=False,
            )  # fmt: skip
    return lines


def _range(low: float | None, high: float | None) -> str:
    def number(value: float | None) -> str:
        return "" if value is None or math.isinf(value) else f"{value:.4g}"

    return f"{number(low)} .. {number(high)}" if number(low) or number(high) else ""


def _metrics(metrics: dict[str, Any]) -> list[str]:
    return [
        f"{part:14} "
        + ", ".join(f"{name} R2 {score['r2']:.2f}" for name, score in targets.items() if score.get("r2") is not None)
        for part, targets in metrics.items()
    ]
