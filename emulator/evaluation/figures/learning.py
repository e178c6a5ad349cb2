"""How the models learned: loss by epoch."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from emulator.evaluation.figures import style


@style.styled
def learning_curves(logs: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    """Training and validation loss of each model kind; the epoch whose weights were kept is marked."""
    figure, grid = style.new_figure(9.6, 2.9, 1, len(logs), sharey=True, squeeze=False)
    for axes, (kind, log) in zip(grid[0], logs.items(), strict=True):
        epochs = [entry["epoch"] + 1 for entry in log]
        scored = [(epoch, entry["val_loss"]) for epoch, entry in zip(epochs, log, strict=True) if entry["val_loss"]]
        line = style.model_line(kind)
        axes.plot(epochs, [entry["train_loss"] for entry in log], color=style.MUTED, linewidth=1.2, label="training")
        axes.plot(*zip(*scored, strict=True), color=line["color"], linewidth=1.6, label="validation")
        best_epoch, lowest = min(scored, key=lambda point: point[-1])
        axes.plot(best_epoch, lowest, marker="o", color=line["color"], markersize=6, linestyle="")
        axes.annotate(
            f"epoch {best_epoch}",
            (best_epoch, lowest),
            (0, 7),
            textcoords="offset points",
            ha="center",
            fontsize=8,
        )
        axes.set(title=style.model_name(kind), xlabel="epoch", xlim=(0.5, max(epochs) + 0.5))
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(loc="upper right")
    grid[0, 0].set_ylabel("loss (in scaled units)")
    return figure
