"""Classes of an artefact's inputs and statics, such as the biome."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coupler.cli.errors import CommandError


def class_meanings(variable: Mapping[str, Any]) -> dict[int, str]:
    """Meanings by code of a variable of an artefact's metadata, "" where it gives none; empty for a number.

    CommandError where it has not as many of one as of the other.
    """
    codes = variable.get("flag_values") or []
    meanings = variable.get("flag_meanings") or [""] * len(codes)
    if len(meanings) != len(codes):
        message = (
            f"the artefact's '{variable.get('name')}' has {len(codes)} flag_values and {len(meanings)} flag_meanings; "
            "export it again"
        )
        raise CommandError(message)
    return dict(zip(codes, meanings, strict=True))
