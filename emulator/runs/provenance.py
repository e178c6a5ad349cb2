"""What every result of the emulators carries: code version, configuration, data, seeds, library versions."""

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch

from foundations.provenance import config_hash, file_sha256, git_hash, now


def versions() -> dict[str, str]:
    """Versions of Python, torch, numpy, the platform, and of ecostep itself where it is installed."""
    try:
        ecostep = metadata.version("ecostep")
    except metadata.PackageNotFoundError:
        ecostep = "not installed"
    return {
        "ecostep": ecostep,
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
        "dataset_hash": file_sha256(dataset) if Path(dataset).exists() else None,
        "seed": seed,
        "threads": torch.get_num_threads(),
        "cpus": os.cpu_count(),
        "versions": versions(),
    }
