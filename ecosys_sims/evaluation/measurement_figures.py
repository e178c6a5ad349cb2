"""Figures of the model beside towers and beside the original ecosys."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ecosys_sims.evaluation.crop_cases import MAIZE, SOYBEAN
from ecosys_sims.evaluation.figure_style import (
    CALIBRATED,
    DEFAULT,
    GREY,
    NAMES,
    OBSERVED,
    UNITS,
    figure,
    months_below,
    zero_line,
)
from ecosys_sims.formats.units import DAYS_PER_YEAR

KINDS = {"observed": OBSERVED, "default": DEFAULT, "calibrated": CALIBRATED}
WEEK, WEEKS = 7, 53
FEWEST_DAYS = 3  # measured, of a week that is drawn

Series = Mapping[str, np.ndarray]
"""`default_NAME`, `calibrated_NAME`, `observed_NAME`, `train`, `test` -> (T,), as `comparison.compare` gives them."""


def draw_tower_cycles(towers: list[dict[str, Any]], work: Path, flux: str, path: Path) -> None:
    """Mean year of one flux at all towers, from the measured days of the half that judges, by week of the year."""
    columns = 5
    rows = -(-len(towers) // columns)
    with figure(path, rows, columns, (9.4, 1.75 * rows + 0.3), sharex=True) as (drawn, axes):
        for ax, tower in zip(axes.ravel(), towers, strict=False):
            series = np.load(work / f"{tower['site']}.npz")
            for kind, values in weekly(series, flux, tower["start"]).items():
                style = {"marker": "o", "markersize": 2.2, "linestyle": "none"} if kind == "observed" else {}
                measured = np.isfinite(values)
                week = np.flatnonzero(measured) * WEEK + 3.5
                ax.plot(week, values[measured], color=KINDS[kind], label=kind, **style)
            zero_line(ax)
            months_below(ax)
            ax.set_title(f"{tower['site']}, {tower['biome'].replace('_', ' ')}")
        for ax in axes.ravel()[len(towers) :]:
            ax.set_axis_off()
        drawn.supylabel(f"{NAMES[flux]} ({UNITS[flux]})", fontsize=8.5)
        handles, names = axes[0][0].get_legend_handles_labels()
        place = axes.ravel()[-1] if len(towers) < rows * columns else axes[0][0]
        place.legend(handles, names, loc="center")


def weekly(series: Series, flux: str, start: str) -> dict[str, np.ndarray]:
    """kind -> means (53,) of the measured days of the test half; NaN in weeks without three of them."""
    days = np.datetime64(start) + np.arange(len(series["test"]))
    week = (days - days.astype("datetime64[Y]")).astype(int) // WEEK
    judged = series["test"] & np.isfinite(series[f"observed_{flux}"])
    days_of_week = [judged & (week == number) for number in range(WEEKS)]
    means = {}
    for kind in KINDS:
        values = series[f"{kind}_{flux}"]
        means[kind] = np.array(
            [values[chosen].mean() if chosen.sum() >= FEWEST_DAYS else np.nan for chosen in days_of_week]
        )
    return means


def draw_skill(towers: list[dict[str, Any]], path: Path) -> None:
    """R2 of each tower and flux on the half that judges, default joined with calibrated."""
    with figure(path, 1, 3, (8.4, 3.4), sharey=True) as (drawn, axes):
        for ax, flux in zip(axes[0], ("gpp", "nee", "fch4"), strict=True):
            for row, tower in enumerate(towers):
                scores = [tower["scores"][kind][flux]["test"] for kind in ("default", "calibrated")]
                if None in scores:
                    continue
                default, calibrated = np.clip([score["r2"] for score in scores], -2.0, 1.0)
                ax.plot([default, calibrated], [row, row], color=GREY, linewidth=0.8, zorder=1)
                ax.plot(default, row, "D", color=DEFAULT, markersize=4, label="default" if row == 0 else None)
                ax.plot(calibrated, row, "o", color=CALIBRATED, markersize=5, label="calibrated" if row == 0 else None)
            ax.axvline(0.0, color=GREY, linewidth=0.5, zorder=0)
            ax.set_xlim(-2.1, 1.0)
            ax.set_xlabel(f"R² of daily {NAMES[flux]}")
        axes[0][0].set_yticks(range(len(towers)), [tower["site"] for tower in towers])
        axes[0][0].invert_yaxis()
        drawn.legend(*axes[0][0].get_legend_handles_labels(), loc="outside upper center", ncols=2)


def draw_duke(duke: dict[str, Any], series: Series, path: Path) -> None:
    """Annual sums of 14 years, and the mean year of the grown stand on the half that judges."""
    years = np.array(duke["annual"]["year"])
    with figure(path, 2, 3, (8.6, 4.6)) as (_, axes):
        days = np.datetime64(duke["start"]) + np.arange(duke["days"])
        day = np.minimum((days - days.astype("datetime64[Y]")).astype(int), 364) // WEEK
        for column, flux in enumerate(("gpp", "ra", "rh")):
            top, bottom = axes[0][column], axes[1][column]
            top.axvspan(1982.0, 1987.5, color=GREY, alpha=0.15, linewidth=0)
            for kind, colour in KINDS.items():
                name = "original ecosys" if kind == "observed" else kind
                top.plot(years, duke["annual"][f"{kind}_{flux}"], "o-", markersize=3, color=colour, label=name)
                values = series[f"{kind}_{flux}"]
                mean = [values[series["test"] & (day == w)].mean() for w in range(WEEKS)]
                bottom.plot(np.arange(WEEKS) * WEEK + 3.5, mean, color=colour)
            top.set_title(NAMES[flux])
            top.set_ylim(bottom=0)
            top.set_xticks(years[::4])
            months_below(bottom)
            zero_line(bottom)
        axes[0][0].set_ylabel("g C m⁻² yr⁻¹")
        axes[1][0].set_ylabel("g C m⁻² d⁻¹, grown stand")
        axes[0][0].legend(fontsize=7, loc="lower right")


def draw_mead(mead: dict[str, Any], series: Series, path: Path) -> None:
    """Monthly GPP and NEE; the shaded years trained."""
    month = np.datetime64(mead["start"], "M") + np.arange(mead["months"])
    x = month.astype(int) / 12.0 + 1970.0 + 1.0 / 24.0
    with figure(path, 2, 1, (8.0, 4.0), sharex=True) as (_, axes):
        for ax, flux in zip(axes[:, 0], ("gpp", "nee"), strict=True):
            for year in np.unique(np.floor(x[series["train"]])):
                ax.axvspan(year, year + 1, color=GREY, alpha=0.12, linewidth=0)
            for kind, colour in KINDS.items():
                style = {"marker": "o", "markersize": 3, "linestyle": "none"} if kind == "observed" else {}
                ax.plot(x, series[f"{kind}_{flux}"], color=colour, label=kind, **style)
            zero_line(ax)
            ax.set_ylabel(f"{NAMES[flux]} ({UNITS[flux]})")
        axes[0][0].legend(ncols=3, loc="upper left", bbox_to_anchor=(0.0, 1.18))
        axes[1][0].set_xlim(x[0] - 0.05, x[-1] + 0.05)


def draw_rotation(fields: Series, start: str, path: Path) -> None:
    """Four years of a maize-soybean rotation: leaf area, GPP and NEE by day, with the crop that stands."""
    crop_colours = {MAIZE: DEFAULT, SOYBEAN: CALIBRATED}
    x = np.arange(len(fields["gpp"])) / DAYS_PER_YEAR + float(start[:4])
    with figure(path, 3, 1, (8.0, 4.6), sharex=True) as (_, axes):
        for ax, name in zip(axes[:, 0], ("lai", "gpp", "nee"), strict=True):
            for crop, colour in crop_colours.items():
                stands = np.round(fields["crop"]) == crop
                ax.fill_between(x, 0, 1, where=stands, color=colour, alpha=0.13, linewidth=0,
                                transform=ax.get_xaxis_transform())  # fmt: skip
            ax.plot(x, fields[name], color=OBSERVED, linewidth=0.9)
            zero_line(ax)
            ax.set_ylabel(f"{NAMES[name]} ({UNITS[name]})")
        for crop, name in ((MAIZE, "maize"), (SOYBEAN, "soybean")):
            axes[0][0].fill_between([], [], color=crop_colours[crop], alpha=0.3, label=name)
        axes[0][0].legend(ncols=2, loc="upper left", bbox_to_anchor=(0.0, 1.25))
        axes[-1][0].set_xticks(range(int(x[0]), round(x[-1]) + 1))
