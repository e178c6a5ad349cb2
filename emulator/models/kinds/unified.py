"""The unified model: neighbours tell what to expect of a site, its own past then tells better.

CHAM-net (arXiv 2606.00338) and RACI (arXiv 2603.03531) in one, our own combination: the decoder, the history of the
site and the regression on its past are CHAM-net's (`adaptive_decoder.py`); the code of the site, which neighbours tell
where the network was not trained on it, is RACI's (`site_code.py`). Without past flux the code stands; as the site's
own years come in, history and regression correct what it gives.
"""

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from emulator.data.scalers import Scalers
from emulator.data.signature import Signature
from emulator.models.parts.adaptive_decoder import AdaptiveDecoder, AdaptiveDecoderConfig
from emulator.models.parts.site_code import refuse_former_options


class UnifiedConfig(AdaptiveDecoderConfig):
    """Options of the unified model: those of CHAM-net, with a code of the site.

    Ablations of retrieval: `functional: false`, `local: false`; `code_size: 0` is CHAM-net.
    """

    label: ClassVar[str] = "unified"
    kind: Literal["unified"] = "unified"
    static_size: int = Field(default=4, ge=1)
    code_size: int = Field(default=8, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _is_of_site_codes(cls, options: Any) -> Any:
        return refuse_former_options(options, "unified")

    def build(self, signature: Signature, scalers: Scalers) -> "Unified":
        return Unified(self, signature, scalers)


class Unified(AdaptiveDecoder):
    """An adaptive decoder with a code of the site."""
