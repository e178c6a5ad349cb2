"""The file of a run's fitted quantiles, evaluation/quantiles.pt."""

import hashlib
from collections.abc import Mapping

from torch import Tensor, nn

from emulator.data.scalers import Scalers
from emulator.data.signature import Signature
from emulator.models.wrappers.quantiles import QuantileModel
from emulator.runs.checkpoint import load_tensors, save_tensors
from emulator.runs.run_folder import RunFolder, RunFolderError

FORMAT_VERSION = 2


def save(
    run: RunFolder, quantiles: QuantileModel, epoch: int, model: nn.Module, annual: Mapping[str, Tensor] | None = None
) -> None:
    """Write the quantiles that were fitted for a model, the checkpoint of an epoch or an ensemble.

    annual: tensors that tell how the errors of days add up to those of years.
    """
    content = {
        "format_version": FORMAT_VERSION,
        "epoch": epoch,
        "weights": weights_hash(model),
        "uses_spread": quantiles.uses_spread,
        "state": quantiles.state_dict(),
        "annual": dict(annual or {}),
    }
    save_tensors(run.quantiles, content)


def load(run: RunFolder, signature: Signature, epoch: int, model: nn.Module) -> QuantileModel | None:
    """The quantiles of a run in eval mode, None where it has not been evaluated.

    RunFolderError if they are not those of the model, because the run, or a member of an ensemble, went on or was
    trained anew since, or if another version wrote them.
    """
    if not run.quantiles.is_file():
        return None
    remedy = f"run python -m emulator.evaluate {run.path}"
    content = load_tensors(run.quantiles, "file of quantiles", remedy)
    if content.get("format_version") != FORMAT_VERSION:
        message = f"{run.quantiles}: of another version of ecostep; {remedy}"
        raise RunFolderError(message)
    # files of the first version do not say of which weights they are
    if not {"epoch", "uses_spread", "state", "annual"} <= content.keys():
        message = f"{run.quantiles}: of another version of ecostep; {remedy}"
        raise RunFolderError(message)
    if content["epoch"] != epoch or content.get("weights", weights_hash(model)) != weights_hash(model):
        message = f"{run.quantiles}: belongs to another checkpoint; {remedy}"
        raise RunFolderError(message)
    quantiles = QuantileModel(signature, Scalers.identity(signature), uses_spread=content["uses_spread"])
    try:
        quantiles.load_state_dict(content["state"])
    except (RuntimeError, TypeError, AttributeError) as error:
        message = f"{run.quantiles}: of another version of ecostep; {remedy}"
        raise RunFolderError(message) from error
    return quantiles.eval()


def load_annual(run: RunFolder) -> dict[str, Tensor]:
    """The tensors that `save` was given as `annual`; to be called after `load`."""
    content = load_tensors(run.quantiles, "file of quantiles", f"run python -m emulator.evaluate {run.path}")
    tensors: dict[str, Tensor] = content["annual"]
    return tensors


def weights_hash(model: nn.Module) -> str:
    """SHA-256 of all weights and buffers."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
