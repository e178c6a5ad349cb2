"""Predictions of a large dataset by many processes: parts of its sites, each in a file of its own until all are there.

A part is complete or absent, so that the same command goes on after any interruption.
"""

import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emulator.data.reading import opened
from emulator.evaluation.prediction import content_of, predict, sites_of_block
from emulator.evaluation.series_file import FILL, file_attributes, series_file
from emulator.runs import trained_model
from emulator.runs.run_folder import RunFolder
from emulator.runs.trained_model import TrainedModel
from foundations.folder_lock import locked
from foundations.json_record import read_record, write_record
from foundations.netcdf_file import reading
from foundations.provenance import file_sha256

log = logging.getLogger(__name__)

OF_WHAT = "of.json"  # in the folder of parts: the run, the data and the options that they are of


@dataclass(frozen=True)
class Part:
    """Sites first..last-1 of a dataset, and the file of their predictions; all that a worker needs to know."""

    run: Path
    data: Path
    out: Path
    first: int
    last: int
    past_flux: str
    quantiles: str | None
    load: Callable[[RunFolder], TrainedModel]

    def __call__(self) -> None:
        """Predict the sites unless that is done."""
        if not self.out.exists():
            predict(
                RunFolder(self.run),
                self.data,
                self.out,
                past_flux=self.past_flux,
                quantiles=self.quantiles,
                load=self.load,
                sites=np.arange(self.first, self.last),
            )


def predict_in_parts(
    run: RunFolder,
    data: Path,
    out: Path,
    *,
    workers: int,
    scheduler: str | None = None,
    past_flux: str = "none",
    quantiles: str | None = None,
    load: Callable[[RunFolder], TrainedModel] = trained_model.load,
) -> None:
    """As `predict`, by processes of this machine (`workers`), or of a Dask cluster at the address `scheduler`.

    Workers of a cluster see the same folders. The numbers are those of one process. FolderBusy where another command
    writes the same file.
    """
    trained = load(run)
    with opened(data, trained.signature, require_targets=past_flux == "observed") as reader:
        table = reader.table
    folder = out.with_name(f"{out.name}.parts")
    size = sites_of_block(len(table.time))
    with locked(folder, "predicting"):
        _drop_others(folder, _identity(run, data, past_flux, quantiles))
        parts = [
            Part(run.path.resolve(), data.resolve(), folder.resolve() / f"s{first:07d}.nc", first,
                 min(first + size, len(table.site_id)), past_flux, quantiles, load)
            for first in range(0, len(table.site_id), size)
        ]  # fmt: skip
        missing = [part for part in parts if not part.out.exists()]
        log.info("%d sites: %d of %d parts to do", len(table.site_id), len(missing), len(parts))
        _compute(missing, workers, scheduler)
        attributes = file_attributes(trained) | {"past_flux": past_flux, "drivers": data.name}
        content = content_of(trained.signature, quantiles is not None)
        with series_file(out, table, content, attributes) as file:
            for part in parts:
                with reading(part.out, "remove it, and the same command predicts it again") as source:
                    series = {name: np.ma.filled(source[name][:], FILL) for name in content.series}
                file.put(slice(part.first, part.last), series)
        shutil.rmtree(folder)


def _compute(parts: list[Part], workers: int, scheduler: str | None) -> None:
    """Do all parts. Dask's own processes listen at no socket; a cluster is reached as its configuration says."""
    import dask

    if scheduler is not None:
        from distributed import Client

        with Client(scheduler) as client:
            client.gather([client.submit(part, pure=False) for part in parts])
    elif workers == 1 or len(parts) < 2:
        for part in parts:
            part()
    else:
        dask.compute(*[dask.delayed(part)() for part in parts], scheduler="processes", num_workers=workers)


def _identity(run: RunFolder, data: Path, past_flux: str, quantiles: str | None) -> dict[str, Any]:
    """What predictions depend on; of the data, which may be large, its place and when it was changed."""
    checkpoints = {path.name: file_sha256(path) for path in run.files() if path.is_file()}
    if run.members.exists():
        checkpoints |= {path: file_sha256(RunFolder(path).best) for path in trained_model.member_paths(run)}
    changed = max(path.stat().st_mtime_ns for path in [data, *(data.glob("zarr.json") if data.is_dir() else ())])
    return {
        "run": checkpoints, "data": str(data.resolve()), "data_changed_ns": changed, "past_flux": past_flux,
        "quantiles": quantiles,
    }  # fmt: skip


def _drop_others(folder: Path, identity: dict[str, Any]) -> None:
    """Remove parts of another run, other data or other options."""
    record = folder / OF_WHAT
    if record.exists() and read_record(record, tuple(identity), "remove it") == identity:
        return
    for part in folder.glob("s*.nc"):
        part.unlink()
    write_record(record, identity)
