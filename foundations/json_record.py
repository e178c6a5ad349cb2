"""JSON files that we write and read back: with a checksum of their content, so that no damaged value is believed."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from foundations.atomic_file import write_json
from foundations.file_faults import DamagedFile, read_json

CHECKSUM = "checksum"
"""The key that holds the SHA-256 of all other keys and values; files of former versions have none, and are read."""


def write_record(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write a JSON object with its checksum, atomically; ValueError for NaN, as of `write_json`."""
    write_json(path, sealed(content))


def read_record(path: str | Path, keys: Iterable[str], remedy: str) -> dict[str, Any]:
    """Content of a JSON file that `write_record` wrote, without its checksum.

    DamagedFile, with the `remedy`, where it is not as it was written or lacks one of the keys.
    """
    content = read_json(path, remedy)
    if not isinstance(content, dict):
        raise DamagedFile(path, "is damaged or of another kind, it holds no JSON object", remedy)
    if not is_as_sealed(content):
        raise DamagedFile(path, f"is damaged or was changed, it does not fit its '{CHECKSUM}'", remedy)
    missing = [key for key in keys if key not in content]
    if missing:
        raise DamagedFile(path, f"is damaged or of another kind, it has no '{missing[0]}'", remedy)
    return {key: value for key, value in content.items() if key != CHECKSUM}


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """The same with the checksum as its last key."""
    plain = json.loads(json.dumps({key: value for key, value in content.items() if key != CHECKSUM}, allow_nan=False))
    return {**plain, CHECKSUM: _digest(plain)}


def is_as_sealed(content: dict[str, Any]) -> bool:
    """Whether a JSON object fits its checksum; true where it has none, false where the checksum has another key."""
    if CHECKSUM in content:
        return bool(content[CHECKSUM] == _digest({key: value for key, value in content.items() if key != CHECKSUM}))
    last = next(reversed(content), None) if content else None
    return last is None or content[last] != _digest({key: value for key, value in content.items() if key != last})


def _digest(plain: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
