"""The training loop. It is given built objects and never reads a configuration.

A run that is killed at any moment and started again gives the same numbers, bit for bit, as one that is not: everything
random is drawn from generators whose state is in the checkpoint, and batches of an epoch depend on the seed and the
epoch alone.
"""

import logging
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any, Protocol

import torch
from torch import nn
from tqdm import tqdm

from emulator.data import processes as parallel
from emulator.data.windows import Batch
from emulator.models.streaming import StreamingModel
from emulator.runs import checkpoint
from emulator.runs.checkpoint import Checkpoint, Progress
from emulator.runs.run_folder import RunFolder
from emulator.training import precision, random_states
from emulator.training.adversary import DomainAdversary
from emulator.training.averaging import WeightAverage
from emulator.training.likeness import WindowWeights
from emulator.training.mixed_days import training_outputs
from emulator.training.schedule import Schedule
from foundations.time_left import duration, time_left

log = logging.getLogger(__name__)


class TrainingDiverged(RuntimeError):
    """The loss is no longer a number."""


class Interrupted(RuntimeError):
    """Training was asked to stop by a signal; its state is saved."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(signal_number).name}; the same command goes on from here")
        self.exit_status = 128 + signal_number


class EpochBatches(Protocol):
    """Batches by epoch: the same epoch number always gives the same batches in the same order."""

    def __len__(self) -> int:
        """Batches in an epoch."""

    def epoch(self, number: int) -> Iterator[Batch]:
        """Batches of an epoch."""


@dataclass(frozen=True)
class Settings:
    """What steers the loop itself."""

    epochs: int
    patience: int
    gradient_clip: float
    auxiliary_weight: float
    seed: int
    validation_every: int = 1
    precision: str = "float32"


@dataclass
class Parts:
    """The objects that training works on.

    `validate` gives the validation loss. `description` and the hashes are stored
    in every checkpoint. `adversary` is trained with the model, and against it; `weights` are those of windows in the
    loss.
    """

    model: StreamingModel
    loss: nn.Module
    batches: EpochBatches
    validate: Callable[[StreamingModel], float]
    optimizer: torch.optim.Optimizer
    schedule: Schedule
    average: WeightAverage
    description: dict[str, Any]
    git_hash: str
    config_hash: str
    adversary: DomainAdversary | None = None
    weights: WindowWeights | None = None

    def trained(self) -> list[nn.Parameter]:
        """All parameters that are trained, and those of the model that stay."""
        return [*self.model.parameters(), *(() if self.adversary is None else self.adversary.parameters())]


class Trainer:
    """Trains to the end, or until validation has not improved for `patience` epochs, or until a signal."""

    def __init__(self, parts: Parts, settings: Settings, run: RunFolder) -> None:
        self.parts = parts
        self.settings = settings
        self.run = run
        self.progress = Progress()
        self.device = next(parts.model.parameters()).device
        self.after_epoch: Callable[[dict[str, Any]], None] = lambda _: None
        """Called in process 0 with each new entry of the log."""
        self._received = 0
        self._stop = 0

    def resume(self) -> None:
        """Take up the state of `checkpoints/last.pt`."""
        saved = checkpoint.load(self.run.last)
        if saved.config_hash != self.parts.config_hash:
            message = f"{self.run.last}: from another configuration; --overwrite discards that run"
            raise checkpoint.CheckpointError(message)
        try:
            checkpoint.load_weights(self.parts.model, saved.model)
            if self.parts.adversary is not None:
                self.parts.adversary.load_state_dict(saved.adversary)
            self.parts.average.load_state_dict(saved.average)
            self.parts.optimizer.load_state_dict(saved.optimizer)
            self.parts.schedule.load_state_dict(saved.scheduler)
            random_states.restore(saved.random_states)
        except (KeyError, ValueError, TypeError, RuntimeError, AttributeError) as error:
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            message = f"{self.run.last}: of another version of ecostep ({reason}); --overwrite discards that run"
            raise checkpoint.CheckpointError(message) from None
        self.progress = saved.progress
        if parallel.rank() == 0:
            self.run.truncate_log(self.progress.epoch)

    def train(self) -> Progress:
        """Run the remaining epochs. Raises Interrupted after saving, TrainingDiverged if the loss is not finite."""
        if self.finished:
            return self.progress
        with self._signals_held():
            if self.progress.epoch == 0 and self.progress.batch == 0:
                self.parts.model.prepare()
            while not self.finished:
                self._train_epoch()
                self._close_epoch()
        return self.progress

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or validation has stalled."""
        done = self.progress
        stalled = done.epoch - done.best_epoch > self.settings.patience and done.best_epoch >= 0
        return done.epoch >= self.settings.epochs or (done.batch == 0 and stalled)

    def _train_epoch(self) -> None:
        """The batches of the present epoch from the present batch on."""
        parts, progress = self.parts, self.progress
        if progress.batch == 0:
            torch.manual_seed(self.settings.seed * 1_000_003 + progress.epoch + parallel.rank() * 7_368_787)
            parts.model.begin_epoch(progress.epoch)
        if parts.adversary is not None:
            parts.adversary.begin_epoch(progress.epoch)
        parts.model.train()
        started = time.perf_counter()
        bar = tqdm(
            parts.batches.epoch(progress.epoch),
            f"epoch {progress.epoch}",
            len(parts.batches),
            leave=False,
            disable=None if parallel.rank() == 0 else True,
        )
        for index, batch in enumerate(bar):
            if index < progress.batch:
                continue
            progress.loss_sum += self._train_batch(batch)
            progress.batch += 1
            if self._stop:
                progress.seconds += time.perf_counter() - started
                self._save(self.run.last)
                raise Interrupted(self._stop)
        progress.seconds += time.perf_counter() - started

    def _train_batch(self, batch: Batch) -> float:
        """One gradient step; returns the loss. `batch` is this process's share of the batch."""
        parts = self.parts
        if self.device.type != "cpu":
            batch = batch.to(self.device)
        parts.optimizer.zero_grad(set_to_none=True)
        with precision.autocast(self.device, self.settings.precision):
            outputs = training_outputs(parts.model if parts.adversary is None else parts.adversary, batch)
        rows = {"prediction": outputs.prediction.float(), "target": batch.target, "site": batch.site}
        if parts.weights is not None:
            rows["weight"] = parts.weights.of(batch)
        if batch.deviation is not None:
            rows["deviation"] = batch.deviation
        loss = parts.loss(**{name: parallel.gather_rows(values) for name, values in rows.items()})
        for term in outputs.auxiliary.values():
            loss = loss + self.settings.auxiliary_weight * term.float()
        loss.backward()
        self._stop = parallel.sum_gradients(parts.trained(), self._received)
        norm = nn.utils.clip_grad_norm_(parts.model.parameters(), self.settings.gradient_clip)
        if parts.adversary is not None:
            nn.utils.clip_grad_norm_(parts.adversary.parameters(), self.settings.gradient_clip)
        loss_value, norm_value = torch.stack([loss.detach(), norm]).tolist()
        if not (math.isfinite(loss_value) and math.isfinite(norm_value)):
            message = (
                f"loss {loss_value}, gradient norm {norm_value} in epoch {self.progress.epoch}, "
                f"batch {self.progress.batch}: lower training.learning_rate or training.gradient_clip, and check the "
                "dataset for extreme values"
            )
            raise TrainingDiverged(message)
        parts.optimizer.step()
        parts.schedule.after_batch()
        parts.average.update(parts.model)
        return loss_value

    def _close_epoch(self) -> None:
        """Validate, log, and save; in this order, so that a kill in between only repeats the epoch."""
        parts, progress = self.parts, self.progress
        started = time.perf_counter()
        learning_rate = parts.schedule.learning_rate
        train_loss = progress.loss_sum / max(1, progress.batch)
        epoch = progress.epoch
        progress.epoch, progress.batch, progress.loss_sum = epoch + 1, 0, 0.0
        val_loss, improved = None, False
        if progress.epoch % self.settings.validation_every == 0 or progress.epoch == self.settings.epochs:
            val_loss, improved = self._validate(epoch)
            parts.schedule.after_epoch(val_loss)
        progress.seconds += time.perf_counter() - started
        if parallel.rank() == 0:
            entry = {
                "epoch": epoch,
                "train_loss": train_loss,
                "val_loss": val_loss,
                "lr": learning_rate,
                "seconds": round(progress.seconds, 3),
                "best": improved,
            }
            self.run.append_log(entry)
            self.after_epoch(entry)
        shown = "" if val_loss is None else f", validation {val_loss:.4f}"
        pace = f"; {duration(progress.seconds / progress.epoch)} an epoch"
        left = time_left(progress.seconds, progress.epoch, self.settings.epochs)
        best = ", best so far" if improved else ""
        log.info("epoch %d: train %.4f%s%s%s%s", epoch, train_loss, shown, best, pace, f", {left}" if left else "")
        self._save(self.run.last)
        self._stop = parallel.agree(self._received)
        if self._stop and not self.finished:
            raise Interrupted(self._stop)

    def _validate(self, epoch: int) -> tuple[float, bool]:
        """Validation loss of the averaged weights, and whether it is the lowest so far, in which case they are kept."""
        parts, progress = self.parts, self.progress
        with parts.average.applied(parts.model):
            parts.model.prepare()
            parts.model.eval()
            val_loss = parts.validate(parts.model)
            if not math.isfinite(val_loss):
                message = (
                    f"{self.run.path}: the validation loss of epoch {epoch} is {val_loss}; a lower "
                    "training.learning_rate may help, in a new --out or with --overwrite"
                )
                raise TrainingDiverged(message)
            improved = val_loss < progress.best_val_loss
            if improved:
                progress.best_epoch, progress.best_val_loss = epoch, val_loss
                self._save(self.run.best)
        return val_loss, improved

    def _save(self, path: Any) -> None:
        """Write a checkpoint; all processes must call this, and process 0 writes."""
        parts = self.parts
        generators = random_states.collect()
        if parallel.rank() != 0:
            return
        checkpoint.save(
            path,
            Checkpoint(
                model=parts.model.state_dict(),
                description=parts.description,
                progress=self.progress,
                average=parts.average.state_dict(),
                optimizer=parts.optimizer.state_dict(),
                scheduler=parts.schedule.state_dict(),
                random_states=generators,
                git_hash=parts.git_hash,
                config_hash=parts.config_hash,
                adversary={} if parts.adversary is None else parts.adversary.state_dict(),
            ),
        )

    @contextmanager
    def _signals_held(self) -> Iterator[None]:
        """Within the context SIGTERM, SIGINT and SIGHUP end the run after the present batch, with its state saved.

        A SIGHUP that is ignored, as nohup does, stays so.
        Python lets the main thread alone handle signals; elsewhere they are left to whoever does.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def note(number: int, _: FrameType | None) -> None:
            self._received = number

        stopping = [signal.SIGTERM, signal.SIGINT]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            stopping.append(signal.SIGHUP)
        former = {number: signal.signal(number, note) for number in stopping}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)
