"""Sites one by one: what was measured and when, what is predicted, and annual budgets; narrow, for phones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from emulator.evaluation.figures import style

WIDTH = 4.8
"""Inches; two stand beside each other on a desk, one on a phone."""


@dataclass(frozen=True)
class SiteSeries:
    """Days (T,) datetime64 of a site's record; measured flux, predicted flux and the ends of its 90 % interval, (T,),
    NaN where there are none; tested: (T,) bool.
    """

    title: str
    days: np.ndarray
    measured: np.ndarray
    predicted: np.ndarray
    low: np.ndarray
    high: np.ndarray
    tested: np.ndarray


@style.styled
def measured_days(sites: Sequence[SiteSeries], label: str) -> Figure:
    """Which days of each site's record were measured, and which of them test."""
    figure, axes = style.new_figure(WIDTH, 0.9 + 0.2 * len(sites))
    for row, site in enumerate(sites):
        position = len(sites) - 1 - row
        day = date2num(site.days)
        axes.barh(position, day[-1] - day[0] + 1.0, left=day[0], height=0.62, color=style.LAND, zorder=1)
        is_measured = np.isfinite(site.measured)
        for marks, colour in ((is_measured & ~site.tested, style.BLUE), (is_measured & site.tested, style.ORANGE)):
            pieces = [(float(day[start]), float(stop - start)) for start, stop in _runs(marks)]
            axes.broken_barh(pieces, (position - 0.31, 0.62), color=colour, linewidth=0, zorder=2)
    axes.set_yticks(range(len(sites)), labels=[site.title for site in reversed(sites)])
    axes.set_ylim(-0.6, len(sites) - 0.4)
    _date_axis(axes)
    handles = [Patch(color=style.BLUE, label="measured"), Patch(color=style.ORANGE, label="measured, test")]
    style.shared_legend(figure, [*handles, Patch(color=style.LAND, label="record")])
    axes.set_title(label)
    return figure


def _runs(marks: np.ndarray) -> list[tuple[int, int]]:
    """First and one after the last of each run of marked days."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marks, [False]]).astype(int)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


@style.styled
def site_series(site: SiteSeries, label: str) -> Figure:
    """Measured days, the prediction and its 90 % interval at one site; test days on a shade."""
    figure = Figure(figsize=(WIDTH, 2.05))
    axes = figure.add_axes((0.13, 0.12, 0.85, 0.76))  # all alike, and sooner than by a layout of each
    day = date2num(site.days)
    for start, stop in _runs(site.tested):
        axes.axvspan(day[start], day[stop - 1], color=style.LAND, linewidth=0, zorder=0)
    if np.isfinite(site.low).any():
        axes.fill_between(day, site.low, site.high, color=style.BLUE, alpha=0.2, linewidth=0, zorder=1)
    is_measured = np.isfinite(site.measured)
    dashes = (day[is_measured][:, None] + np.array([-0.4, 0.4, 0.4])).ravel()
    heights = (site.measured[is_measured][:, None] + np.array([0.0, 0.0, np.nan])).ravel()
    axes.plot(dashes, heights, color=style.INK, linewidth=1.4, solid_capstyle="round", zorder=2)
    axes.plot(day, site.predicted, color=style.BLUE, linewidth=1.0, zorder=3)
    axes.set_ylim(*_limits(site, is_measured))
    axes.axhline(0, color=style.MUTED, linewidth=0.6)
    axes.set(title=site.title, ylabel=label)
    axes.set_xlim(day[0], day[-1])
    _date_axis(axes)
    return figure


def _limits(site: SiteSeries, is_measured: np.ndarray) -> tuple[float, float]:
    """Of the flux axis: measurements and prediction stay in, the far ends of wide intervals may not."""
    values = np.concatenate([site.measured[is_measured], site.predicted[np.isfinite(site.predicted)]])
    bands = [np.nanpercentile(end, share) for end, share in ((site.low, 10), (site.high, 90)) if np.isfinite(end).any()]
    low, high = min([float(values.min()), *bands]), max([float(values.max()), *bands])
    margin = 0.06 * (high - low) or 1.0
    return low - margin, high + margin


@style.styled
def series_key() -> Figure:
    """What the lines of `site_series` are."""
    figure = Figure(figsize=(WIDTH, 0.3))
    handles = [
        Line2D([], [], color=style.INK, linewidth=1.4, linestyle=":", label="measured"),
        Line2D([], [], color=style.BLUE, linewidth=1.0, label="predicted"),
        Patch(color=style.BLUE, alpha=0.2, label="90 % interval"),
        Patch(color=style.LAND, label="test"),
    ]
    figure.legend(handles=handles, loc="center", ncols=4)
    return figure


@dataclass(frozen=True)
class Budget:
    """A year of a site: sum of the prediction, its 90 % interval, and the budget of measured days and filled gaps."""

    label: str
    predicted: float
    low: float
    high: float
    budget: float
    tested: bool


@style.styled
def annual_budgets(budgets: Sequence[Budget], label: str) -> Figure:
    """A line for each site and year; an interval only where there is one."""
    figure, axes = style.new_figure(WIDTH, 0.9 + 0.155 * len(budgets))
    for row, budget in enumerate(budgets):
        position = len(budgets) - 1 - row
        colour = style.ORANGE if budget.tested else style.BLUE
        if np.isfinite(budget.low):
            axes.plot([budget.low, budget.high], [position] * 2, color=colour, linewidth=2.2, alpha=0.45, zorder=1)
        axes.plot(budget.predicted, position, marker="o", markersize=3.5, color=colour, linestyle="", zorder=2)
        axes.plot(budget.budget, position, marker="|", markersize=7, color=style.INK, linestyle="", zorder=3)
    axes.axvline(0, color=style.MUTED, linewidth=0.6)
    axes.set_yticks(range(len(budgets)), labels=[budget.label for budget in reversed(budgets)], fontsize=7)
    axes.set_ylim(-0.7, len(budgets) - 0.3)
    axes.set_xlabel(label)
    handles = [
        Line2D([], [], marker="|", markersize=7, color=style.INK, linestyle="", label="measured, gaps filled"),
        Line2D([], [], marker="o", markersize=3.5, color=style.BLUE, linewidth=2.2, label="predicted"),
        Line2D([], [], marker="o", markersize=3.5, color=style.ORANGE, linewidth=2.2, label="test year"),
    ]
    style.shared_legend(figure, handles)
    return figure


def _date_axis(axes: Axes) -> None:
    locator = AutoDateLocator(minticks=3, maxticks=7)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
