"""Whether predicted intervals mean what they say."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from emulator.evaluation.figures import style


@style.styled
def reliability(scores: Mapping[str, Mapping[str, Mapping[str, Any]]], label: str, names: Mapping[str, str]) -> Figure:
    """Left, share of days below each quantile; right, error by predicted spread.

    scores: {split: {model kind: `probabilistic.score`}}; label: name and unit of the flux; names: of the splits.
    """
    figure, grid = style.new_figure(9.6, 0.7 + 3.0 * len(scores), len(scores), 2, squeeze=False)
    kinds = dict.fromkeys(kind for by_kind in scores.values() for kind in by_kind)
    for (levels, spreads), (split, by_kind) in zip(grid, scores.items(), strict=True):
        levels.plot([0, 1], [0, 1], color=style.MUTED, linewidth=0.8, linestyle=(0, (3, 2)))
        ends: list[float] = []
        for kind, score in by_kind.items():
            line = style.model_line(kind)
            marker = style.MODEL_MARKERS.get(kind, "v")
            levels.plot(score["levels"], score["below"], marker=marker, markersize=3, **line)
            bins = score["spread_skill"]
            pairs = [(x, y) for x, y in zip(bins["spread"], bins["error"], strict=True) if x > 0 and y > 0]
            spreads.plot([x for x, _ in pairs], [y for _, y in pairs], marker=marker, markersize=3, **line)
            ends += [value for pair in pairs for value in pair]
        if ends:
            spreads.plot(
                [min(ends), max(ends)], [min(ends), max(ends)], color=style.MUTED, linewidth=0.8, linestyle=(0, (3, 2))
            )
            spreads.set(xscale="log", yscale="log")
            for axis in (spreads.xaxis, spreads.yaxis):
                axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
                axis.set_major_formatter("{x:g}")
                axis.set_minor_formatter(NullFormatter())
        levels.set(title=names[split], xlabel="level of the quantile", ylabel="share of days below it")
        spreads.set(title=names[split], xlabel=f"predicted spread, {label}", ylabel=f"error, {label}")
    handles = [Line2D([], [], marker=style.MODEL_MARKERS.get(kind, "v"), **style.model_line(kind)) for kind in kinds]
    style.shared_legend(figure, handles)
    return figure
