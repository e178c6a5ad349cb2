"""An exported artefact as a model: predicted by the coupler's library, as a host would, without torch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import xarray as xr

import coupler
from coupler.cli.classes import class_meanings
from coupler.cli.command import command_parser
from coupler.cli.errors import CommandError
from coupler.cli.run import run
from ecostep.model import Model, PastFlux, Quantiles
from ecostep.scores import scores_table
from ecostep.site_series import opened

if TYPE_CHECKING:
    import pandas as pd

CELLS_AT_ONCE = 4096


class ArtefactModel(Model):
    """An artefact, NAME.pt (docs/formats.md, section 2); `handle` is its :class:`coupler.Model`, for single steps.

    backend: 'native', 'torchscript' or 'stub', default the first that works here. trust: let TorchScript code use any
    operation (docs/security.md). Raises :class:`coupler.EcostepError` for a file that is no artefact or damaged.
    """

    def __init__(self, path: str | os.PathLike[str], backend: str | None = None, *, trust: bool = False) -> None:
        self.path = Path(path)
        self.handle = coupler.Model(self.path, backend, trust=trust)
        self.kind = self.handle.kind
        self.inputs, self.statics, self.targets = self.handle.inputs, self.handle.statics, self.handle.targets
        self._options = [*(["--backend", backend] if backend else []), *(["--trust"] if trust else [])]

    def evaluate(self, data: xr.Dataset | str | os.PathLike[str]) -> pd.DataFrame:
        """Scores on all days of `data` that have a flux; an artefact does not know which of them it learned from.

        See :meth:`Model.evaluate`; the part is 'all'.
        """
        data = opened(data)
        return scores_table(data, self.predict(data), self.targets)

    def _needed_statics(self, data: xr.Dataset) -> list[str]:  # noqa: ARG002
        return [static.name for static in self.statics]

    def _predict_file(
        self,
        drivers: Path,
        out: Path,
        past_flux: PastFlux | None,
        quantiles: Quantiles | None,  # noqa: ARG002
    ) -> None:
        words = ["run", str(self.path), "--forcing", str(drivers), "--out", str(out), *self._options]
        words += ["--chunk", str(CELLS_AT_ONCE), *(["--observed"] if past_flux == "observed" else [])]
        run(command_parser().parse_args(words))

    def _require_options(self, past_flux: PastFlux | None, quantiles: Quantiles | None) -> None:
        exported = self.handle.past_flux
        if quantiles is not None:
            message = f"{self.path}: an artefact gives no quantiles; load the run folder that it was exported from"
            raise ValueError(message)
        if past_flux in (None, "none") and exported != "self_fed":
            return
        fits = {"observed": exported != "none", "self_fed": exported == "self_fed", None: True, "none": False}
        if not fits[past_flux]:
            message = f"{self.path}: past_flux is '{past_flux}', and the artefact was exported with '{exported}'"
            raise ValueError(message)

    def _errors(self) -> tuple[type[Exception], ...]:
        return CommandError, coupler.EcostepError

    def _classes(self) -> Mapping[str, Mapping[int, str]]:
        metadata = self.handle.metadata
        return {v["name"]: class_meanings(v) for v in (*metadata["inputs"], *metadata["statics"])}
