"""Learning-rate schedules: constant, cosine, or lowered when validation stalls; all with a linear warm-up."""

import math
from typing import Any, Literal

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau

FINAL_FRACTION = 0.01
"""The cosine ends at this share of the peak rate; the last epochs then still learn a little."""


class Schedule:
    """Sets the learning rate of an optimizer after each batch and each epoch; its state goes into checkpoints."""

    def __init__(
        self,
        optimizer: Optimizer,
        kind: Literal["constant", "cosine", "plateau"],
        *,
        batches_per_epoch: int,
        epochs: int,
        warmup_epochs: float,
        plateau_patience: int = 3,
    ) -> None:
        """`plateau` halves the rate after `plateau_patience` epochs without improvement."""
        self.optimizer = optimizer
        total, warmup = epochs * batches_per_epoch, warmup_epochs * batches_per_epoch

        def factor(batch: int) -> float:
            rise = min(1.0, (batch + 1) / (warmup + 1))
            if kind != "cosine":
                return rise
            done = max(0.0, batch - warmup) / max(1.0, total - warmup)
            return rise * (FINAL_FRACTION + (1 - FINAL_FRACTION) * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))

        self._plateau = (
            ReduceLROnPlateau(optimizer, factor=0.5, patience=plateau_patience) if kind == "plateau" else None
        )
        self._warmup_batches = warmup
        self._by_batch = LambdaLR(optimizer, factor)

    @property
    def learning_rate(self) -> float:
        """The rate that the next batch uses."""
        return float(self.optimizer.param_groups[0]["lr"])

    def after_batch(self) -> None:
        """Move on by one batch. After warm-up a plateau schedule leaves the rate to `after_epoch`."""
        if self._plateau is None or self._by_batch.last_epoch < self._warmup_batches:
            self._by_batch.step()

    def after_epoch(self, validation_loss: float) -> None:
        """Move on by one epoch."""
        if self._plateau is not None:
            self._plateau.step(validation_loss)

    def state_dict(self) -> dict[str, Any]:
        """Plain containers only."""
        state = {"by_batch": self._by_batch.state_dict()}
        if self._plateau is not None:
            state["plateau"] = self._plateau.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a saved state; the optimizer's own state, with its rate, is loaded separately."""
        self._by_batch.load_state_dict(state["by_batch"])
        if self._plateau is None:  # more epochs than before stretch a cosine
            for group, base, factor in zip(
                self.optimizer.param_groups, self._by_batch.base_lrs, self._by_batch.lr_lambdas, strict=True
            ):
                group["lr"] = base * factor(self._by_batch.last_epoch)
        if self._plateau is not None:
            self._plateau.load_state_dict(state["plateau"])
