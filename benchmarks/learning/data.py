"""Datasets as memory-mapped arrays, so that each process has them at once and all share one copy in memory."""

import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from emulator.data.dataset import Dataset
from emulator.data.signature import Signature
from foundations.folder_lock import locked
from foundations.variables import Variable

TENSORS = ("drivers", "calendar", "static", "flux")
ARRAYS = ("site_id", "lat", "lon", "biome", "time")


def open_mapped(path: Path, signature: Signature, cache: Path) -> Dataset:
    """The dataset at `path`, from its copy under `cache`, which is made where it is missing or older.

    Arrays are mapped copy-on-write: writing to a tensor changes neither the file nor what other processes see.
    """
    path = path.resolve()
    folder = cache / _identity(path, signature)
    if not (folder / "about.json").exists():
        with locked(cache, "copying a dataset"):
            _copy(Dataset.open(path, signature), folder)
    contents: dict[str, Any] = json.loads((folder / "about.json").read_text())
    for name in TENSORS:
        contents[name] = torch.from_numpy(np.load(folder / f"{name}.npy", mmap_mode="c"))
    for name in ARRAYS:
        contents[name] = np.load(folder / f"{name}.npy")
    return Dataset(path=path, signature=signature, **contents)


def with_statics(dataset: Dataset, names: tuple[str, ...], values: np.ndarray) -> Dataset:
    """The dataset with more static variables, dimensionless; values: (N, P)."""
    extra = tuple(Variable(name, "1", "static", name.replace("_", " ")) for name in names)
    static = torch.cat([dataset.static, torch.as_tensor(values, dtype=torch.float32)], dim=1)
    signature = replace(dataset.signature, statics=dataset.signature.statics + extra)
    return replace(dataset, static=static, signature=signature)


def without_static(dataset: Dataset, name: str) -> Dataset:
    """The dataset without one of its static variables."""
    columns = [index for index, static in enumerate(dataset.signature.static_names) if static != name]
    signature = replace(dataset.signature, statics=tuple(dataset.signature.statics[index] for index in columns))
    return replace(dataset, static=dataset.static[:, columns], signature=signature)


def until(dataset: Dataset, last_year: int) -> Dataset:
    """The dataset up to the end of a year."""
    days = slice(0, dataset.days(last_year, last_year).stop)
    return replace(
        dataset,
        drivers=dataset.drivers[:, days],
        calendar=dataset.calendar[days],
        flux=dataset.flux[:, days],
        time=dataset.time[days],
    )


def _identity(path: Path, signature: Signature) -> str:
    state = path.stat()
    names = (signature.input_names, signature.static_names, signature.target_names)
    text = json.dumps([str(path), state.st_size, state.st_mtime_ns, names])
    return f"{path.parent.name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _copy(dataset: Dataset, folder: Path) -> None:
    """Write the arrays; the folder appears when all are there."""
    if folder.exists():
        return
    unfinished = folder.with_name(f".{folder.name}.{os.getpid()}")
    unfinished.mkdir(parents=True)
    try:
        for name in TENSORS:
            np.save(unfinished / f"{name}.npy", getattr(dataset, name).numpy())
        for name in ARRAYS:
            values = getattr(dataset, name)
            np.save(unfinished / f"{name}.npy", values.astype(str) if name == "site_id" else np.asarray(values))
        about = {"time_units": dataset.time_units, "calendar_name": dataset.calendar_name}
        (unfinished / "about.json").write_text(json.dumps(about))
        unfinished.replace(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
