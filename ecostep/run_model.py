"""A run folder as a model: predicted by torch from its best checkpoint."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import xarray as xr

from ecostep.artefact_model import ArtefactModel
from ecostep.errors import told_of
from ecostep.model import Model, PastFlux, Quantiles
from ecostep.scores import metrics_table
from ecostep.site_series import SiteSeries, label_of, open_dataset
from emulator.artefact.exporting import export
from emulator.baselines import runs as baselines
from emulator.data.dataset_file import DatasetError
from emulator.data.normals import driver_of, is_normal
from emulator.evaluation.held_out import evaluate
from emulator.evaluation.offline import PredictionError
from emulator.evaluation.prediction import predict
from emulator.runs.run_folder import RunFolder
from foundations.file_faults import FileFault

if TYPE_CHECKING:
    import pandas as pd


class RunModel(Model):
    """The best checkpoint of a run folder, of an ensemble or of a baseline. Drivers are daily.

    Raises CheckpointError or RunFolderError (ValueErrors) for a folder that is no run, or damaged.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.run = RunFolder(self.path)
        self.trained = baselines.load(self.run)
        self.kind = self.trained.config.model.kind
        signature = self.trained.signature
        self.inputs, self.statics = signature.inputs, signature.statics
        self.targets = [replace(target, units=target.analysis_units) for target in signature.targets]

    def evaluate(self, data: xr.Dataset | str | os.PathLike[str] | None = None) -> pd.DataFrame:
        """Scores by part of the split: 'temporal' (later years), 'spatial' (other sites), 'spatiotemporal' (both).

        Without `data` on the run's own dataset, as the command `ecostep evaluate` does: RUN/evaluation/ holds all of it
        then, and the quantiles are fitted. On other data all days are scored but those, of its sites, that the run
        learned from. See :meth:`Model.evaluate`; units are the model's.
        """
        if data is None or not isinstance(data, xr.Dataset):
            path = None if data is None else Path(data)
            return metrics_table(evaluate(self.run, path, load=lambda _: self.trained))
        fluxes = [target.name for target in self.targets]
        qualities = [f"{name}_qc" for name in fluxes]
        series = SiteSeries.of(
            data, [v.name for v in self.inputs], self._needed_statics(data),
            (*fluxes, *qualities, "driver_source", "biome"), self._classes(),
        )  # fmt: skip
        with (
            TemporaryDirectory(prefix="ecostep-") as folder,
            told_of(label_of(data), Path(folder) / "data.nc", self._errors()),
        ):
            series.write(Path(folder) / "data.nc", slice(None))
            metrics = evaluate(self.run, Path(folder) / "data.nc", out=Path(folder), load=lambda _: self.trained)
        return metrics_table(metrics)

    def export(
        self, path: str | os.PathLike[str] | None = None, *, past_flux: str | None = None, name: str | None = None
    ) -> ArtefactModel:
        """Export to an artefact that hosts couple, default RUN/model.pt, and open it.

        past_flux: what a host's step puts in the history of a model that has one, 'ungauged' or 'self_fed', default as
        configured; name: label in the artefact. The run's dataset must be where it was.
        """
        out = self.run.artefact if path is None else Path(path)
        export(self.run, out, past_flux=past_flux, name=name)
        return ArtefactModel(out)

    def training_data(self) -> xr.Dataset:
        """The dataset that the run learned from, opened."""
        return open_dataset(self.trained.config.data.path)

    def _predict_file(self, drivers: Path, out: Path, past_flux: PastFlux | None, quantiles: Quantiles | None) -> None:
        predict(self.run, drivers, out, past_flux=past_flux or "none", quantiles=quantiles, load=lambda _: self.trained)

    def _require_options(self, past_flux: PastFlux | None, quantiles: Quantiles | None) -> None:
        for what, value, choice in (
            ("past_flux", past_flux, ("none", "observed", "self_fed")),
            ("quantiles", quantiles, ("new", "trained_on")),
        ):
            if value is not None and value not in choice:
                message = f"{what} is '{value}', expected one of {', '.join(choice)}"
                raise ValueError(message)

    def _errors(self) -> tuple[type[Exception], ...]:
        return DatasetError, PredictionError, FileFault

    def _classes(self) -> Mapping[str, Mapping[int, str]]:
        signature = self.trained.signature
        return {v.name: v.classes for v in (*signature.inputs, *signature.statics)}

    def _needed_statics(self, data: xr.Dataset) -> list[str]:
        """All but climate normals that the dataset makes of drivers."""
        drivers = {v.name for v in self.inputs}
        return [
            v.name
            for v in self.statics
            if v.name in data.variables or not (is_normal(v.name) and driver_of(v.name) in drivers)
        ]
