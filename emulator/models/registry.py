"""The models there are. To add one: write its file with a config class that has `kind` and `build`, and add the class
here.
"""

from typing import Annotated, Union

from pydantic import Field

from emulator.data.scalers import Scalers
from emulator.data.variables import Signature
from emulator.models.bounded import keep_class_bounds
from emulator.models.cham_net import ChamNetConfig
from emulator.models.ea_lstm import EALSTMConfig
from emulator.models.gru import GRUConfig
from emulator.models.itransformer import ITransformerConfig
from emulator.models.lstm import LSTMConfig
from emulator.models.raci import RaciConfig
from emulator.models.streaming import StreamingModel
from emulator.models.tcn import TCNConfig
from emulator.models.transformer import TransformerConfig
from emulator.models.unified import UnifiedConfig

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

ModelConfig = Annotated[Union[MODEL_CONFIGS], Field(discriminator="kind")]  # noqa: UP007 - built from the tuple above


def build(config: ModelConfig, signature: Signature, scalers: Scalers) -> StreamingModel:
    """A new model of the kind that `config` names."""
    return keep_class_bounds(config.build(signature, scalers), signature, scalers)
