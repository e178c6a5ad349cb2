"""What the benchmark asks of a trained model, network or not."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from emulator.data.dataset import Dataset
from emulator.data.signature import Signature
from emulator.evaluation import offline as prediction
from emulator.models.streaming import StreamingModel
from emulator.models.wrappers.bounded import TargetBounds
from emulator.models.wrappers.derived import DerivedTargets, needs_derivation


class Predictor(Protocol):
    """A trained model."""

    @property
    def parameters(self) -> int:
        """Number of values learned from data."""
        ...

    def state(self) -> dict[str, Any]:
        """Tensors and plain containers, of which `rebuilt` of its module makes it again."""
        ...

    def predict(self, dataset: Dataset, visible_flux: Tensor | None = None) -> np.ndarray:
        """Fluxes of all sites and days, (N, T, C) float32 in analysis units.

        visible_flux: (N, T) bool, days whose flux the model may see, default none; the flux of a year moves the
        predictions of later years only.
        """
        ...


@dataclass(frozen=True)
class StreamingPredictor:
    """A network as a Predictor. self_fed: it reads its own predictions as past flux, `visible_flux` is not used."""

    model: StreamingModel
    self_fed: bool = False

    @property
    def parameters(self) -> int:
        return sum(weights.numel() for weights in self.model.parameters())

    def state(self) -> dict[str, Any]:
        """Weights of the network."""
        return self.model.state_dict()

    def predict(self, dataset: Dataset, visible_flux: Tensor | None = None) -> np.ndarray:
        """See Predictor.predict."""
        if self.self_fed:
            return prediction.predict_self_fed(self.model, dataset)
        return prediction.predict(self.model, dataset, visible_flux)


def seen_flux(dataset: Dataset, visible_flux: Tensor | None) -> Tensor:
    """Flux (N, T, C) with NaN on the days that may not be seen."""
    if visible_flux is None:
        return torch.full_like(dataset.flux, torch.nan)
    return torch.where(visible_flux[..., None], dataset.flux, torch.full_like(dataset.flux, torch.nan))


def keep_bounds(fluxes: np.ndarray, dataset: Dataset, signature: Signature) -> np.ndarray:
    """Fluxes (N, T, C) cut to the bounds of the signature that hold in the class of each site, with its identities, and
    to the records of sites: NaN outside.
    """
    low, high = TargetBounds(signature)(dataset.static)
    fluxes = np.clip(fluxes, low.numpy()[:, None], high.numpy()[:, None]).astype(np.float32)
    if needs_derivation(signature):
        fluxes = DerivedTargets(signature)(torch.from_numpy(fluxes), dataset.drivers).numpy()
    return fluxes if dataset.period is None else np.where(dataset.in_record().numpy()[..., None], fluxes, np.nan)
