"""The models there are. To add one: write its file with a config class that has `label`, `kind` and `build`, and add
the class here.
"""

from typing import Annotated, Union

from pydantic import Field

from emulator.data.scalers import Scalers
from emulator.data.signature import Signature
from emulator.models.kinds.cham_net import ChamNetConfig
from emulator.models.kinds.ea_lstm import EALSTMConfig
from emulator.models.kinds.gradient_free import (
    ClimatologyConfig,
    GaussianProcessConfig,
    GradientFreeConfig,
    NearestConfig,
    RidgeConfig,
    XGBoostConfig,
)
from emulator.models.kinds.gru import GRUConfig
from emulator.models.kinds.itransformer import ITransformerConfig
from emulator.models.kinds.lstm import LSTMConfig
from emulator.models.kinds.raci import RaciConfig
from emulator.models.kinds.tcn import TCNConfig
from emulator.models.kinds.transformer import TransformerConfig
from emulator.models.kinds.unified import UnifiedConfig
from emulator.models.streaming import StreamingModel
from emulator.models.wrappers.bounded import keep_class_bounds
from emulator.models.wrappers.departure import DepartureModel, departure_signature
from emulator.models.wrappers.derived import keep_identities
from emulator.models.wrappers.prior import with_prior
from emulator.models.wrappers.residual import with_base

MODEL_CONFIGS = (
    LSTMConfig,
    GRUConfig,
    EALSTMConfig,
    TCNConfig,
    TransformerConfig,
    ITransformerConfig,
    ChamNetConfig,
    RaciConfig,
    UnifiedConfig,
)

GRADIENT_FREE_CONFIGS = (ClimatologyConfig, NearestConfig, RidgeConfig, XGBoostConfig, GaussianProcessConfig)
"""Kinds that are fitted at once, by `emulator.baselines`."""

ALL_CONFIGS = (*MODEL_CONFIGS, *GRADIENT_FREE_CONFIGS)

LABELS: dict[str, str] = {config.model_fields["kind"].default: config.label for config in ALL_CONFIGS}
"""What figures and tables call a kind."""

ModelConfig = Annotated[  # built from the tuple above
    Union[ALL_CONFIGS],  # type: ignore[valid-type] # noqa: UP007
    Field(discriminator="kind"),
]


def is_gradient_free(config: object) -> bool:
    """Whether a model is fitted at once, and so has no daily step."""
    return isinstance(config, GradientFreeConfig)


def build(
    config: ModelConfig,
    signature: Signature,
    scalers: Scalers,
    *,
    base: tuple[StreamingModel, Signature] | None = None,
    departure: Scalers | None = None,
) -> StreamingModel:
    """A new model of the kind that `config` names.

    base: a trained model and its signature, of which the new one learns the residual. departure: scalers whose targets
    are departures from base or prior, default those of the fluxes, which will do where weights are loaded.
    """
    if base is None and not signature.priors:
        model = config.build(signature, scalers)  # type: ignore[attr-defined]
    else:
        model = departure_model(config, signature, scalers, base=base, departure=departure)
    return keep_identities(keep_class_bounds(model, signature, scalers), signature)


def departure_model(
    config: ModelConfig,
    signature: Signature,
    scalers: Scalers,
    *,
    base: tuple[StreamingModel, Signature] | None,
    departure: Scalers | None,
) -> DepartureModel:
    """A model that learns departures from a base, or from the priors of the signature; see `build`."""
    network = config.build(departure_signature(signature), departure or scalers)  # type: ignore[attr-defined]
    if base is None:
        return with_prior(network, signature, scalers)
    return with_base(network, *base, signature, scalers)
