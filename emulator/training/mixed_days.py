"""Training outputs of batches whose sites differ in their days, as the records of towers do."""

from typing import Protocol

import torch
from torch import Tensor

from emulator.data import processes as parallel
from emulator.data.windows import Batch
from emulator.models.streaming import ModelOutput


class Learner(Protocol):
    """A model, or what it is trained with."""

    def training_outputs(self, batch: Batch) -> ModelOutput:
        """See StreamingModel.training_outputs."""


def training_outputs(model: Learner, batch: Batch) -> ModelOutput:
    """`model.training_outputs`, of a batch of different days by groups of sites with the same.

    Predictions are padded with 0 where a window is shorter than the longest; auxiliary losses are means over the sites
    of the whole batch, of terms of each group.
    """
    if batch.length is None:
        return model.training_outputs(batch)
    total = parallel.total([float(len(batch.site))])[0]
    predictions, order = [], []
    auxiliary: dict[str, Tensor] = {}
    with parallel.apart():
        for rows, group in batch.groups():
            outputs = model.training_outputs(group)
            padding = batch.target.shape[1] - outputs.prediction.shape[1]
            predictions.append(torch.nn.functional.pad(outputs.prediction, (0, 0, 0, padding)))
            order.append(rows)
            for name, term in outputs.auxiliary.items():
                share = term * (len(rows) / total)
                auxiliary[name] = auxiliary[name] + share if name in auxiliary else share
    prediction = torch.cat(predictions)[torch.cat(order).argsort().to(batch.target.device)]
    return ModelOutput(prediction, auxiliary)
