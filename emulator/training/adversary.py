"""Domain-adversarial training (Ganin et al. 2016, JMLR 17, 59), one of the four transfers of X-MethaneWet (arXiv
2505.18355): a second network tells simulated from measured sites by the hidden states of the first, which is trained
against it, so that its states come to mean the same in both domains.
"""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.nn.utils.parametrizations import spectral_norm

from emulator.data import processes as parallel
from emulator.data.windows import Batch
from emulator.models.parts.layers import FluxHead
from emulator.models.streaming import ModelOutput, StreamingModel

POOLED_DAYS = 30
"""Hidden states are told apart by their means over so many days: weather is not what the domains differ in."""
STEEPNESS = 10.0
"""How the reversed gradient sets in over the share p of training: 2 / (1 + exp(-STEEPNESS p)) - 1 (Ganin et al.)."""

FASTER, MOMENTUM = 10.0, 0.5
"""Learning rate of the network that tells domains apart, in that of the model, and its momentum: with equal rates the
two circle around one another and the domains stay as separable as they were (Heusel et al. 2017, arXiv 1706.08500).
"""


class ReversedGradient(torch.autograd.Function):
    """The identity, whose gradient is turned round and multiplied by a strength."""

    @staticmethod
    def forward(context: Any, values: Tensor, strength: float) -> Tensor:
        context.strength = strength
        return values.view_as(values)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -context.strength * gradient, None


def reverse_gradient(values: Tensor, strength: float) -> Tensor:
    """The values, through which gradients flow back as -strength times what they were."""
    return ReversedGradient.apply(values, strength)


class HiddenStates:
    """What enters the output layers of a model in training, call by call.

    Every kind ends in FluxHead, so that this is the last layer that both domains share. Runs of a model in eval mode
    are passed over.
    """

    def __init__(self, model: nn.Module) -> None:
        self.calls: list[Tensor] = []
        heads = [module for module in model.modules() if isinstance(module, FluxHead)]
        trained = [head for head in heads if any(weights.requires_grad for weights in head.parameters())]
        for head in trained:
            head.linear.register_forward_pre_hook(self._note)
        self.size = trained[-1].linear.in_features

    def _note(self, layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if layer.training:
            self.calls.append(inputs[0])

    def pooled(self, sites: int) -> Tensor:
        """Means over POOLED_DAYS of the states of a batch of so many sites, (B, n, H); the calls are forgotten."""
        series = [hidden if hidden.shape[1] == sites else hidden.transpose(0, 1) for hidden in self.calls]
        self.calls = []
        hidden = torch.cat(series)  # (T, B, H)
        days = min(POOLED_DAYS, len(hidden))
        whole = len(hidden) // days * days
        return hidden[:whole].unflatten(0, (-1, days)).mean(1).transpose(0, 1)


class DomainAdversary(nn.Module):
    """A network that tells the domains apart, and the training outputs of a model that is trained against it.

    Its layers are kept from growing (spectral normalisation, Miyato et al. 2018, arXiv 1802.05957): one that tells the
    domains apart for sure would have no gradient to reverse.

    The model is not part of this module: checkpoints keep both apart, and what is exported knows of no adversary.
    """

    source: Tensor

    def __init__(self, model: StreamingModel, source: np.ndarray, *, weight: float, hidden: int, epochs: int) -> None:
        """source: (N,) bool, sites of the source domain."""
        super().__init__()
        self.trained = (model,)  # in a tuple, so that it is not registered
        self.states = HiddenStates(model)
        self.weight, self.epochs, self.strength = weight, epochs, 0.0
        self.network = nn.Sequential(
            spectral_norm(nn.Linear(self.states.size, hidden)), nn.GELU(), spectral_norm(nn.Linear(hidden, 1))
        )
        self.register_buffer("source", torch.as_tensor(source, dtype=torch.float32), persistent=False)

    def parameter_group(self, learning_rate: float) -> dict[str, Any]:
        """What an optimiser needs that trains the model at this learning rate."""
        return {"params": list(self.parameters()), "lr": FASTER * learning_rate, "betas": (MOMENTUM, 0.999)}

    def begin_epoch(self, epoch: int) -> None:
        """Set the strength of the reversed gradient."""
        self.strength = 2.0 / (1.0 + math.exp(-STEEPNESS * (epoch + 0.5) / self.epochs)) - 1.0

    def training_outputs(self, batch: Batch) -> ModelOutput:
        """Those of the model, with the loss of the network that tells domains apart."""
        output = self.trained[0].training_outputs(batch)
        states = parallel.gather_rows(self.states.pooled(len(batch.site)))
        source = self.source[parallel.gather_rows(batch.site)]
        return ModelOutput(output.prediction, output.auxiliary | {"domain": self.weight * self.loss(states, source)})

    def loss(self, states: Tensor, source: Tensor) -> Tensor:
        """Cross-entropy of telling domains apart by pooled states (B, n, H), each domain counting alike; source: (B,)
        1 or 0.
        """
        logit = self.network(reverse_gradient(states, self.strength)).squeeze(-1)
        entropy = binary_cross_entropy_with_logits(logit, source[:, None].expand_as(logit), reduction="none").mean(1)
        terms = [(entropy * of).sum() / of.sum() for of in (source, 1.0 - source) if bool(of.any())]
        return torch.stack(terms).mean()
