"""The file of a run's fitted quantiles, evaluation/quantiles.pt."""

from typing import Any

import torch

from emulator import atomic_file
from emulator.data.scalers import Scalers
from emulator.data.variables import Signature
from emulator.models.quantiles import QuantileModel
from emulator.run_folder import RunFolder, RunFolderError

FORMAT_VERSION = 1


def save(run: RunFolder, model: QuantileModel, epoch: int) -> None:
    """Write the quantiles that were fitted for the checkpoint of an epoch."""
    content = {
        "format_version": FORMAT_VERSION,
        "epoch": epoch,
        "uses_spread": model.uses_spread,
        "state": model.state_dict(),
    }
    with atomic_file.replacing(run.quantiles) as temporary:
        torch.save(content, temporary)


def load(run: RunFolder, signature: Signature, epoch: int) -> QuantileModel | None:
    """The quantiles of a run in eval mode, None where it has not been evaluated; RunFolderError if it went on since."""
    if not run.quantiles.is_file():
        return None
    content: dict[str, Any] = torch.load(run.quantiles, map_location="cpu", weights_only=True)
    if content.get("format_version") != FORMAT_VERSION or content["epoch"] != epoch:
        raise RunFolderError(
            f"{run.quantiles}: belongs to another checkpoint; run python -m emulator.evaluate {run.path}"
        )
    model = QuantileModel(signature, Scalers.identity(signature), uses_spread=content["uses_spread"])
    model.load_state_dict(content["state"])
    return model.eval()
