"""The report's part on learning."""

from collections.abc import Mapping, Sequence
from typing import Any

from emulator.evaluation.figures.learning import learning_curves
from emulator.evaluation.figures.style import model_name, to_svg
from emulator.evaluation.report.page import figure, notice, paragraph
from emulator.evaluation.report.products import ModelRun, Products


def _best_epoch(run: ModelRun) -> int:
    """The epoch that was evaluated; -1 where the metrics do not say."""
    epoch = (run.metrics.get("checkpoint") or {}).get("epoch", -1)
    return epoch if isinstance(epoch, int) else -1


def learning_section(products: Products) -> str:
    """Learning curves of every model."""
    logs = {kind: run.folder.read_log_to(_best_epoch(run)) for kind, run in products.models.items()}
    logs = {kind: log for kind, log in logs.items() if log}
    if not logs:
        return notice("No model was trained in this folder yet.")
    times = ", ".join(f"{model_name(kind)} {_seconds(log):.0f} s" for kind, log in logs.items())
    sizes = ", ".join(
        f"{model_name(kind)} {run.metrics['parameters']:,}"
        for kind, run in products.models.items()
        if "parameters" in run.metrics
    )
    intro = (
        "Each model learns all fluxes at once from daily drivers and site properties, on the training years of the "
        "training "
        f"sites. Training took: {times}. Weights: {sizes}."
    )
    caption = (
        "Loss on training and on validation data by epoch; the dot marks the epoch with the smallest validation loss, "
        "whose weights were kept. Validation uses sites and years of its own; the test years and test sites below "
        "chose nothing."
    )
    return paragraph(intro) + figure(to_svg(learning_curves(logs), "Learning curves"), caption)


def _seconds(log: Sequence[Mapping[str, Any]]) -> float:
    """Training time; the log counts from the start of training, interruptions left out."""
    return max((entry.get("seconds") or 0.0 for entry in log), default=0.0)
