"""`ecostep info`: what an artefact needs and gives."""

from __future__ import annotations

import itertools
import json
import math
import sys
from pathlib import Path
from typing import Any

from coupler.cli import backends
from coupler.python.model import library_version


def show(path: Path, *, as_json: bool, all_backends: bool) -> int:
    """Print the description of an artefact; 0, also where no backend runs it here."""
    about = describe(path, all_backends)
    sys.stdout.write(json.dumps(about, indent=1) + "\n" if as_json else _as_text(about))
    return 0


def describe(path: Path, all_backends: bool = True) -> dict[str, Any]:
    """Metadata of the artefact and what this machine can do with it. Limits that it does not give are None."""
    metadata = backends.read_metadata(path)
    tried = backends.try_backends(path, metadata, all_backends)
    opened = next((model for _, model in tried.values() if model is not None), None)
    listed = [{"name": b.name, "usable": b.usable, "reason": b.reason} for b, _ in tried.values()]
    if reason := backends.missing_native(metadata):
        listed.append({"name": "native", "usable": False, "reason": reason})
    flops = getattr(opened, "flops", None)
    return {
        "file": str(path),
        "bytes": path.stat().st_size,
        **{key: metadata.get(key) for key in ("name", "kind", "created", "format_version", "past_flux")},
        "members": metadata.get("members", 1),
        "quantiles": metadata.get("quantiles"),
        "step_seconds": metadata["native_step_seconds"],
        "state_size": opened.state_size if opened else None,
        "model_state_size": metadata["state_size"],
        "flops_per_cell": flops() if callable(flops) else flops,
        "inputs": metadata["inputs"],
        "statics": metadata["statics"],
        "targets": metadata["targets"],
        "backends": listed,
        "backend": next((name for name in metadata["backends"] if tried[name][0].usable), None),
        "reference": metadata.get("reference"),
        "provenance": metadata.get("provenance", {}),
        "library": library_version(),
    }


def _as_text(about: dict[str, Any]) -> str:
    members = f", mean of {about['members']} models" if about["members"] > 1 else ""
    size = "unknown without a backend" if about["state_size"] is None else str(about["state_size"])
    lines = [
        f"{about['name']}: {about['kind']}{members}, {about['bytes'] / 1e6:.1f} MB, made {about['created']}",
        f"steps of     {about['step_seconds'] / 86400:g} day, from any host step that divides it",
        f"state        {size} floats a cell ({about['model_state_size']} of the model)",
        f"past flux    {about['past_flux']}",
    ]
    if about["flops_per_cell"]:
        lines.append(f"work         {about['flops_per_cell'] / 1e3:.1f} kFLOP a cell and day")
    if about["quantiles"]:
        lines.append(f"quantiles    {' '.join(f'{level:g}' for level in about['quantiles'])} (in Python only)")
    for title in ("inputs", "statics", "targets"):
        lines += ["", title, *_table(title, about[title])]
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
    keys = ("min", "max") if title == "targets" else ("valid_min", "valid_max")
    rows = [("name", "units", "day's", "allowed", "trained on", "")]
    for one in variables:
        classes = one.get("flag_values")
        allowed = _classes(classes) if classes else _range(one.get(keys[0]), one.get(keys[1]))
        trained = _range(one.get("train_min"), one.get("train_max"))
        rows.append((one["name"], one["units"], one.get("accumulate") or "", allowed, trained, one["long_name"]))
    if title != "inputs":
        rows = [(*row[:2], *row[3:]) for row in rows]
    if title == "targets":
        rows = [(*row[:3], row[-1]) for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  " + "  ".join(f"{cell:{w}}" for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]


def _classes(codes: list[float]) -> str:
    """The codes of a class, in short where they follow one another."""
    if len(codes) > 2 and all(after == before + 1 for before, after in itertools.pairwise(codes)):
        return f"classes {codes[0]:g} .. {codes[-1]:g}"
    return f"classes {' '.join(f'{code:g}' for code in codes)}"


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
