"""CHAM-net: an LSTM whose behaviour is set, per site and year, by the history of the site.

After CHAM-net (arXiv 2606.00338), of which the abstract is public: a hierarchical encoder-decoder whose encoder
conditions the decoder through an adaptive meta-network, with a contrastive term on the site representation. The layers
are our reading of it (`adaptive_decoder.py`, `history.py`).
"""

from typing import ClassVar, Literal

from emulator.data.scalers import Scalers
from emulator.data.signature import Signature
from emulator.models.parts.adaptive_decoder import AdaptiveDecoder, AdaptiveDecoderConfig


class ChamNetConfig(AdaptiveDecoderConfig):
    """Options of CHAM-net: those of the decoder."""

    label: ClassVar[str] = "CHAM-net"
    kind: Literal["cham_net"] = "cham_net"

    def build(self, signature: Signature, scalers: Scalers) -> "ChamNet":
        return ChamNet(self, signature, scalers)


class ChamNet(AdaptiveDecoder):
    """Without neighbours, a site is expected to respond as all do: the prior is 0."""
