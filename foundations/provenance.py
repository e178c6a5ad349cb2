"""Where a result came from: commit of the code, digests of its inputs, library versions, time."""

import hashlib
import json
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve()


@cache
def git_hash() -> str:
    """Commit of the running code, with `-dirty` where tracked files differ; `unknown` outside its repository.

    An installed copy may lie inside the repository of another project, so the commit counts only if it tracks this
    file.
    """
    if _git("ls-files", "--error-unmatch", _HERE.name) is None:
        return "unknown"
    commit = _git("rev-parse", "HEAD") or "unknown"
    return commit + ("-dirty" if _git("status", "--porcelain", "--untracked-files=no") else "")


def _git(*arguments: str) -> str | None:
    """Output of a git command in the folder of this file, or None where git or the repository is missing."""
    command = ["git", "-C", str(_HERE.parent), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def file_sha256(path: str | Path) -> str:
    """SHA-256 of a file's bytes, read in blocks of 1 MiB; of a folder, of the names and digests of all files in it."""
    digest = hashlib.sha256()
    if Path(path).is_dir():
        for part in sorted(part for part in Path(path).rglob("*") if part.is_file()):
            digest.update(f"{part.relative_to(path).as_posix()} {file_sha256(part)}\n".encode())
        return digest.hexdigest()
    with Path(path).open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def config_hash(config: Mapping[str, Any]) -> str:
    """SHA-256 of a configuration as canonical JSON, so that neither key order nor YAML layout matter."""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()


def now() -> str:
    """Present time, ISO 8601 in UTC to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Installed versions of packages; `unknown` for one that is not installed."""
    return {name: _version(name) for name in packages}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"
