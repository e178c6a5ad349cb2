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
from emulator.models.wrappers.derived import keep_identities

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


def build(config: ModelConfig, signature: Signature, scalers: Scalers) -> StreamingModel:
    """A new model of the kind that `config` names."""
    model = keep_class_bounds(config.build(signature, scalers), signature, scalers)  # type: ignore[attr-defined]
    return keep_identities(model, signature)
