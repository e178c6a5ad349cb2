"""Folders of results: a command replaces and removes only what it can prove to be its own."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from foundations.atomic_file import write_json
from foundations.bounded_text import read_json_value

MARK = ".ecostep.json"
"""The manifest: written into a folder before anything else is, it says which command made what lies there."""


class ForeignFiles(ValueError):
    """A folder holds files of the user's own where a command would write; the message names them."""


def mark(folder: Path, kind: str, digests: dict[str, str] | None = None) -> None:
    """Say in a folder that the results of a `kind` ("training", ...) in it are ours.

    digests: SHA-256 by name of files that users are likely to edit.
    """
    write_json(folder / MARK, {"made_by": "ecostep", "kind": kind, "digests": digests or {}})


def is_marked(folder: Path, kind: str) -> bool:
    """Whether a command of this kind made the results in a folder."""
    return _manifest(folder).get("kind") == kind


def digest(folder: Path, name: str) -> str | None:
    """SHA-256 of a file as the command wrote it, None where the manifest has none."""
    digests = _manifest(folder).get("digests")
    return digests.get(name) if isinstance(digests, dict) else None


def _manifest(folder: Path) -> dict[str, object]:
    try:
        content = read_json_value(folder / MARK)
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) and content.get("made_by") == "ecostep" else {}


def present(folder: Path, patterns: Iterable[str]) -> list[str]:
    """Files, links and folders of a folder by glob patterns, relative to it; none where there is no such folder."""
    if not os.path.isdir(folder):  # noqa: PTH112 -- a name that is too long is an error of pathlib's
        return []
    return sorted(str(path.relative_to(folder)) for pattern in patterns for path in folder.glob(pattern))


def refuse_foreign(folder: Path, names: Sequence[str]) -> None:
    """ForeignFiles, naming some, unless `names` is empty."""
    if names:
        listing = ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
        message = f"{folder}: holds {listing}, which this command did not make and would replace; choose another --out"
        raise ForeignFiles(message)


def refuse_inputs(folder: Path, patterns: Iterable[str], inputs: Iterable[Path | str]) -> None:
    """ForeignFiles where an input is among what a command would replace or remove in a folder."""
    replaced = {(folder / name).resolve() for name in present(folder, patterns)}
    for path in inputs:
        if Path(path).resolve() in replaced:
            message = f"{path}: is an input and would be replaced in {folder}; choose another --out, or move it"
            raise ForeignFiles(message)


def remove(folder: Path, patterns: Iterable[str]) -> None:
    """Remove files by glob patterns, and the folders that they leave empty; whatever else is there stays."""
    parents: set[Path] = set()
    for name in present(folder, patterns):
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            continue
        path.unlink(missing_ok=True)
        parents.update(parent for parent in path.parents if folder in parent.parents)
    for parent in sorted(parents, key=lambda path: -len(path.parts)):
        if not any(parent.iterdir()):
            parent.rmdir()
