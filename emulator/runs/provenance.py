"""Where a result came from: code version, configuration, data, seeds, library versions."""

import hashlib
import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch

PACKAGE_DIRECTORY = Path(__file__).resolve().parent


def _git(*arguments: str) -> str | None:
    """Output of a git command in the package's directory, or None where git or the repository is missing."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=PACKAGE_DIRECTORY, capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def git_hash() -> str:
    """Commit of the running code, with `-dirty` where tracked files differ; `unknown` outside a repository.

    An installed copy may lie inside the repository of another project, so the commit counts only if it tracks this
    file.
    """
    if _git("ls-files", "--error-unmatch", Path(__file__).name) is None:
        return "unknown"
    commit = _git("rev-parse", "HEAD") or "unknown"
    changed = _git("status", "--porcelain", "--untracked-files=no")
    return commit + ("-dirty" if changed else "")


def file_hash(path: str | Path) -> str:
    """SHA-256 of a file's bytes, read in blocks of 1 MiB."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def config_hash(config: dict[str, Any]) -> str:
    """SHA-256 of a configuration as canonical JSON, so that neither key order nor YAML layout matter."""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()


def now() -> str:
    """Present time, ISO 8601 in UTC to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def versions() -> dict[str, str]:
    """Versions of Python, torch, numpy, the platform, and of ecostep itself where it is installed."""
    try:
        own = metadata.version("ecostep")
    except metadata.PackageNotFoundError:
        own = "not installed"
    return {
        "ecostep": own,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "platform": platform.platform(),
    }


def collect(*, config: dict[str, Any], dataset: str | Path, seed: int) -> dict[str, Any]:
    """Everything that a result must carry, ready for JSON; the hash of a dataset without a file is None."""
    return {
        "created": now(),
        "git_hash": git_hash(),
        "config_hash": config_hash(config),
        "dataset": Path(dataset).name,
        "dataset_hash": file_hash(dataset) if Path(dataset).is_file() else None,
        "seed": seed,
        "threads": torch.get_num_threads(),
        "cpus": os.cpu_count(),
        "versions": versions(),
    }
