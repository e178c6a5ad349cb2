"""What models with codes of sites share: when codes are made room for, kriged and given to a batch."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from emulator.data.windows import Batch, TrainingSites
from emulator.models.parts.layers import StaticFeatures
from emulator.models.parts.site_code import SiteCode
from emulator.models.streaming import StreamingModel


class CodedModel(StreamingModel):
    """Base class. A subclass sets `static_features`, and `code`, which is None where sites have none."""

    if TYPE_CHECKING:  # TorchScript takes no annotations of submodules
        static_features: StaticFeatures
        code: SiteCode | None

    @torch.jit.unused
    def with_training_codes(self, embedding: Tensor, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Embedding and codes (B, E + Q) of the sites of a batch with embeddings (B, E): their own codes or, of a share
        of them, what neighbours tell; and the loss of the codes, where there are any.
        """
        if self.code is None:
            return embedding, {}
        codes = self.code.training_codes(batch.site)
        return torch.cat([embedding, codes.code], dim=1), {"codes": codes.loss}

    @torch.jit.unused
    def enrol(self, sites: TrainingSites) -> None:
        """See StreamingModel.enrol."""
        if self.code is not None:
            self.code.enrol(sites, self.static_features(sites.static.to(self.code.code.device)))

    @torch.jit.unused
    def begin_epoch(self, epoch: int) -> None:
        """See StreamingModel.begin_epoch."""
        if self.code is not None:
            self.code.begin_epoch(epoch)

    @torch.jit.unused
    def prepare(self) -> None:
        """See StreamingModel.prepare."""
        if self.code is not None:
            self.code.prepare()
