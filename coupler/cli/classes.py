"""Classes of an artefact's inputs and statics, such as the biome."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def class_meanings(variable: Mapping[str, Any]) -> dict[int, str]:
    """Meanings by code of a variable of an artefact's metadata, "" where it gives none; empty for a number."""
    codes = variable.get("flag_values") or []
    return dict(zip(codes, variable.get("flag_meanings") or [""] * len(codes), strict=True))
