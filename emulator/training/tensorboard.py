"""The log of a run as TensorBoard reads it: pip install 'ecostep[tensorboard]'; tensorboard --logdir RUN/tensorboard"""

from typing import Any

from emulator.runs.run_folder import TENSORBOARD_FILES, RunFolder, RunFolderError
from foundations import own_folder

SCALARS = {"train_loss": "loss/train", "val_loss": "loss/validation", "lr": "learning_rate", "seconds": "seconds"}


class Board:
    """Writes the epochs of `log.jsonl`, those of former sessions first, to RUN/tensorboard."""

    def __init__(self, run: RunFolder) -> None:
        """Raises RunFolderError where TensorBoard is not installed."""
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            message = (
                "--tensorboard needs the package tensorboard: pip install 'ecostep[tensorboard]'; log.jsonl has the "
                f"same numbers ({error})"
            )
            raise RunFolderError(message) from None
        own_folder.remove(run.tensorboard, [TENSORBOARD_FILES])
        self._writer = SummaryWriter(str(run.tensorboard))
        for entry in run.read_log():
            self.add(entry)

    def add(self, entry: dict[str, Any]) -> None:
        """One epoch of the log."""
        for name, tag in SCALARS.items():
            if entry[name] is not None:
                self._writer.add_scalar(tag, entry[name], entry["epoch"])
        self._writer.flush()
