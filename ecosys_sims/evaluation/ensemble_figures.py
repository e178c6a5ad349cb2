"""Figures of the ensemble: seasons, what methane follows, pathways, zones, and a spring pulse."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from ecosys_sims.evaluation.ensemble_quantities import PATHWAYS, UPLANDS, WETLANDS, pathway_shares
from ecosys_sims.evaluation.ensemble_series import EnsembleSeries, running_mean
from ecosys_sims.evaluation.figure_style import (
    BIOME_COLOURS,
    BLACK,
    BLUE,
    GREEN,
    GREY,
    NAMES,
    ORANGE,
    PINK,
    RED,
    SKY,
    UNITS,
    figure,
    label,
    months_below,
    zero_line,
)
from ecosys_sims.formats import biomes

SEASON_DAYS = 15  # width of the running mean of a seasonal cycle
GROWING_SOIL = 5.0  # degC
FEWEST = 30  # site-days of a bin that is drawn
PATHWAY_COLOURS = {"fch4_plant": GREEN, "fch4_ebul": SKY, "fch4_diff": ORANGE}
PATHWAY_NAMES = {"fch4_plant": "plants", "fch4_ebul": "bubbles", "fch4_diff": "diffusion"}
BAND = 15.0  # degrees of latitude
BEFORE, AFTER = 40, 60  # days around thaw
PULSE_DAYS = 10
LEAST_SNOW = 20.0  # kg m-2, in the days before thaw
FROZEN_SOIL, THAWED_SOIL, FROZEN_DAYS = 0.2, 0.5, 60  # degC, degC, of 90 days before thaw
NORTHERN = 50.0  # degrees north
LEAST_LABELLED = 0.06  # share of the emission that gets a number
LEAST_SUMMER = 5.0  # mg CH4 m-2 day-1 after thaw: a pulse over nothing tells little


class Pulse(NamedTuple):
    """A spring pulse: highest flux around thaw over that of a month later; site, and day of thaw in the series."""

    ratio: float
    site: int
    day: int


def draw_all(ensemble: EnsembleSeries, folder: Path) -> dict[str, Any]:
    """Write all figures; returns the numbers that their captions need."""
    draw_seasons(ensemble, WETLANDS, folder / "seasons_wetlands.png")
    draw_seasons(ensemble, UPLANDS, folder / "seasons_uplands.png")
    draw_controls(ensemble, folder / "methane_controls.png")
    draw_pathways(ensemble, folder / "pathways.png")
    draw_zones(ensemble, folder / "zones.png")
    return draw_pulse(ensemble, folder / "spring_pulse.png")


def seasonal_cycle(ensemble: EnsembleSeries, name: str, sites: np.ndarray) -> np.ndarray:
    """Mean year (n, 365) of chosen sites (N,) bool, smoothed; southern years begin in July."""
    values, day = ensemble[name][sites].astype(float), np.minimum(ensemble.day_of_year, 364)
    mean = np.stack([values[:, day == d].mean(axis=1) for d in range(365)], axis=1)
    south = ensemble.sites.lat[sites] < 0.0
    mean[south] = np.roll(mean[south], 184, axis=1)
    wrapped = np.concatenate([mean[:, -SEASON_DAYS:], mean, mean[:, :SEASON_DAYS]], axis=1)
    return running_mean(wrapped, SEASON_DAYS)[:, SEASON_DAYS:-SEASON_DAYS]


def draw_seasons(ensemble: EnsembleSeries, classes: tuple[str, ...], path: Path) -> None:
    """GPP, NEE and CH4 through the year: median and 5th to 95th percentile over the sites of each class."""
    colours = {"gpp": GREEN, "nee": BLUE, "fch4": RED}
    with figure(path, 3, len(classes), (1.45 * len(classes) + 0.4, 5.2), sharex=True, sharey="row") as (_, axes):
        for column, name in enumerate(classes):
            for row, flux in enumerate(colours):
                ax = axes[row][column]
                low, middle, high = np.percentile(
                    seasonal_cycle(ensemble, flux, ensemble.of(name)), [5, 50, 95], axis=0
                )
                ax.fill_between(np.arange(365), low, high, color=colours[flux], alpha=0.22, linewidth=0)
                ax.plot(middle, color=colours[flux])
                zero_line(ax)
                months_below(ax)
                if row == 0:
                    ax.set_title(label(name))
                if column == 0:
                    ax.set_ylabel(f"{NAMES[flux]} ({UNITS[flux]})")


def draw_controls(ensemble: EnsembleSeries, path: Path) -> None:
    """Daily CH4 against water table and soil temperature: median of site-days in bins, by wetland class."""
    with figure(path, 1, 2, (7.6, 3.3)) as (_, axes):
        left, right = axes[0]
        for name in WETLANDS:
            sites = ensemble.of(name)
            depth, warm, flux = (ensemble[key][sites].ravel() for key in ("wtd", "tsl", "fch4"))
            growing = warm > GROWING_SOIL
            _binned(left, 100.0 * depth[growing], flux[growing], np.arange(-32.5, 52.6, 5.0), name)
            wet = depth < 0.10
            _binned(right, warm[wet], flux[wet], np.arange(-10.0, 32.1, 2.0), name)
        left.set_xlabel("water table depth (cm below the surface)\nsoil above 5 °C")
        right.set_xlabel("soil temperature at 10 cm (°C)\nwater table above 10 cm")
        left.axvline(0.0, color=GREY, linewidth=0.5, zorder=0)
        for ax in (left, right):
            ax.set_ylabel(f"CH₄ ({UNITS['fch4']})")
            ax.set_yscale("symlog", linthresh=1.0)
            ax.set_ylim(bottom=0.0)
            ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        left.legend(ncols=2, fontsize=7)


def _binned(ax: Axes, x: np.ndarray, y: np.ndarray, edges: np.ndarray, name: str) -> None:
    place = np.digitize(x, edges) - 1
    bins = [k for k in range(len(edges) - 1) if (place == k).sum() >= FEWEST]
    middle = [np.median(y[place == k]) for k in bins]
    ax.plot(
        [(edges[k] + edges[k + 1]) / 2 for k in bins], middle, "o-", markersize=2.5,
        color=BIOME_COLOURS[name], label=label(name),
    )  # fmt: skip


def draw_pathways(ensemble: EnsembleSeries, path: Path) -> None:
    """Mean shares of plants, bubbles and diffusion in the emission of each wetland class."""
    shares = pathway_shares(ensemble)
    with figure(path, 1, 1, (5.6, 2.5)) as (_, axes):
        ax = axes[0][0]
        left = np.zeros(len(WETLANDS))
        for name in PATHWAYS:
            width = np.array([np.nanmean(shares[name][ensemble.of(biome)]) for biome in WETLANDS])
            ax.barh(range(len(WETLANDS)), width, left=left, color=PATHWAY_COLOURS[name], label=PATHWAY_NAMES[name])
            for row, (start, value) in enumerate(zip(left, width, strict=True)):
                if value > LEAST_LABELLED:
                    ax.text(start + value / 2, row, f"{100 * value:.0f}", ha="center", va="center", fontsize=7)
            left += width
        ax.set_yticks(range(len(WETLANDS)), [label(name) for name in WETLANDS])
        ax.invert_yaxis()
        ax.set_xlim(0, 1)
        ax.set_xticks(np.linspace(0, 1, 6), [f"{x:.0f}" for x in np.linspace(0, 100, 6)])
        ax.set_xlabel("share of the emission (%), mean over sites")
        ax.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))


def draw_zones(ensemble: EnsembleSeries, path: Path) -> None:
    """Annual GPP and CH4 by latitude: median and 5th to 95th percentile over the sites of a band."""
    gpp, methane = ensemble.annual("gpp"), ensemble["fch4"].mean(axis=1)
    wet, dry = ensemble.of(*WETLANDS), ensemble.of(*UPLANDS)
    panels = (
        ("GPP, uplands (g C m⁻² yr⁻¹)", gpp, dry, GREEN),
        ("GPP, wetlands (g C m⁻² yr⁻¹)", gpp, wet, BLUE),
        ("CH₄, wetlands (mg m⁻² d⁻¹)", methane, wet, RED),
        ("CH₄, uplands (mg m⁻² d⁻¹)", methane, dry, PINK),
    )
    edges = np.arange(-60.0, 76.0, BAND)
    with figure(path, 1, 4, (9.2, 3.0), sharey=True) as (_, axes):
        for ax, (title, values, kind, colour) in zip(axes[0], panels, strict=True):
            for low in edges[:-1]:
                inside = kind & (ensemble.sites.lat >= low) & (ensemble.sites.lat < low + BAND)
                if inside.sum() >= 3:
                    p05, p50, p95 = np.percentile(values[inside], [5, 50, 95])
                    ax.plot([p05, p95], [low + BAND / 2] * 2, color=colour, linewidth=2, alpha=0.45)
                    ax.plot(p50, low + BAND / 2, "o", color=colour, markersize=5)
            ax.set_xlabel(title)
            if values is methane:
                ax.axvline(0.0, color=GREY, linewidth=0.5, zorder=0)
        axes[0][0].set_ylabel("latitude (°N)")


def thaw_days(ensemble: EnsembleSeries, site: int) -> list[int]:
    """First day of each year on which the soil at 10 cm is above 0.5 degC after 60 frozen days in the 90 before."""
    thaws = []
    frozen = ensemble["tsl"][site] < FROZEN_SOIL
    for year in np.unique(ensemble.years)[1:]:
        for day in np.flatnonzero(ensemble.years == year):
            if (
                BEFORE <= day < len(frozen) - AFTER
                and ensemble["tsl"][site, day] > THAWED_SOIL
                and frozen[max(0, day - 90) : day].sum() > FROZEN_DAYS
            ):
                thaws.append(int(day))
                break
    return thaws


def pulse_ratio(ensemble: EnsembleSeries, site: int, day: int) -> float:
    """Highest flux within 10 days of thaw over the mean of the 20 days from 30 days after it; NaN if small."""
    thaw_peak = ensemble["fch4"][site, day - PULSE_DAYS : day + PULSE_DAYS].max()
    later = ensemble["fch4"][site, day + 30 : day + 50].mean()
    return float(thaw_peak / later) if later > LEAST_SUMMER else np.nan


def draw_pulse(ensemble: EnsembleSeries, path: Path) -> dict[str, Any]:
    """The days around the thaw of the snowy northern wetland with the strongest pulse; and how common pulses are."""
    pulses = []
    for site in np.flatnonzero(ensemble.of(*WETLANDS) & (ensemble.sites.lat > NORTHERN)):
        for day in thaw_days(ensemble, int(site)):
            ratio = pulse_ratio(ensemble, int(site), day)
            if np.isfinite(ratio):
                pulses.append(Pulse(ratio, int(site), day))
    if not pulses:
        return {"pulses": 0}
    snowy = [p for p in pulses if ensemble["snw"][p.site, p.day - BEFORE : p.day].max() > LEAST_SNOW]
    strongest = max(snowy or pulses)
    _draw_pulse(ensemble, strongest, path)
    ratios = np.array([pulse.ratio for pulse in pulses])
    return {
        "pulses": len(pulses), "strongest": float(strongest.ratio), "share_above_2": float((ratios > 2.0).mean()),
        "lat": float(ensemble.sites.lat[strongest.site]),
        "biome": biomes.BY_FLAG[int(ensemble.sites.biome[strongest.site])].name,
    }  # fmt: skip


def _draw_pulse(ensemble: EnsembleSeries, pulse: Pulse, path: Path) -> None:
    """CH4 by pathway, soil temperature and snow around the day of thaw."""
    site, day = pulse.site, pulse.day
    window = slice(day - BEFORE, day + AFTER)
    t = np.arange(-BEFORE, AFTER)
    with figure(path, 2, 1, (5.6, 3.8), sharex=True, height_ratios=(2, 1)) as (_, axes):
        top, bottom = axes[0][0], axes[1][0]
        total = np.zeros(len(t))
        for name in PATHWAYS:
            emitted = np.maximum(ensemble[name][site, window], 0.0)
            top.fill_between(
                t, total, total + emitted, color=PATHWAY_COLOURS[name], linewidth=0, label=PATHWAY_NAMES[name]
            )
            total = total + emitted
        top.plot(t, ensemble["fch4"][site, window], color=BLACK, linewidth=1.0, label="net flux")
        top.set_ylabel(f"CH₄ ({UNITS['fch4']})")
        top.legend(ncols=2)
        bottom.plot(t, ensemble["tsl"][site, window], color=RED)
        bottom.set_ylabel("soil at 10 cm (°C)", color=RED)
        snow = bottom.twinx()
        snow.fill_between(t, ensemble["snw"][site, window], color=SKY, alpha=0.4, linewidth=0)
        snow.set_ylabel("snow (kg m⁻²)", color=BLUE)
        snow.spines["right"].set_visible(True)
        zero_line(bottom)
        bottom.set_xlabel("days from the thaw of the soil at 10 cm")
