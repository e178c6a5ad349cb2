"""The report's part on the coupled run: the land model with its biogeochemistry computed and emulated."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from emulator.evaluation.figures import coupled as figures
from emulator.evaluation.figures.style import biome_name, model_name, to_svg
from emulator.evaluation.report.page import figure, notice, number, paragraph, table
from emulator.evaluation.report.products import (
    COUPLE_AGAIN,
    Products,
    example_sites,
    ordered_targets,
    readable,
    target_name,
    target_units,
)

SERIES_TARGETS = ("fch4", "gpp", "nee")
SERIES_DAYS = 3 * 366


def equals_offline(coupled: Mapping[str, Any]) -> bool:
    """The verdict of scripts/couple.py, the same as in its log, its exit status and summary.json."""
    return bool(coupled.get("equals_offline", False))


def coupled_section(products: Products) -> str:
    """Checks, skill, series and timings of the coupled run."""
    coupled = products.coupled
    if coupled is None:
        return notice("The land model was not run with an emulator in this folder yet.")
    parts = [paragraph(_intro(coupled)), _checks(coupled), _skill(coupled)]
    if products.coupled_series is not None:
        with readable(products.folder / "coupled" / "series.nc", COUPLE_AGAIN):
            parts.append(_series(products.coupled_series, coupled["model"]["kind"]))
    parts.append(_timings(coupled))
    return "".join(parts)


def _intro(coupled: Mapping[str, Any]) -> str:
    return (
        f"The exported {model_name(coupled['model']['kind'])} was called by the Fortran land model at each of its "
        "hourly steps in place of its own "
        f"biogeochemistry, for {coupled['sites']} sites from {coupled['start_date']} over {coupled['days']:,} days. "
        "Both runs compute the same weather, soil "
        "temperature, water and leaf area; only the fluxes come from elsewhere. The emulator starts without history "
        "and sees no flux."
    )


def _checks(coupled: Mapping[str, Any]) -> str:
    worst = coupled.get("max_diff_over_scale")
    size = "not a number" if worst is None else f"{number(worst)} of the target's standard deviation + |flux|"
    limit = f"largest difference on any day and site: {size} (limit {number(coupled.get('equals_offline_limit'))})"
    restart = f"stopped on {coupled['restart']['date']}, written, read, gone on: history compared bit for bit"
    rows = [
        ("coupled = offline", limit, _verdict(equals_offline(coupled))),
        ("exact restart", restart, _verdict(coupled["restart_bitwise"])),
        ("exact decomposition", coupled["decomposition"]["description"], _verdict(coupled["decomposition_bitwise"])),
    ]
    return table(("check", "what was compared", "result"), rows, text_columns=3)


def _verdict(passed: bool) -> str:
    return "*✓ holds" if passed else "*✗ FAILS"


def _skill(coupled: Mapping[str, Any]) -> str:
    rows = []
    for target in ordered_targets(coupled["targets"]):
        comparison = coupled["targets"][target]
        skill = comparison["emulated_against_process"]
        differences = (comparison["max_abs_diff"], comparison.get("max_diff_over_scale"))
        values = [number(value) for value in (*differences, skill["r2"], skill["rmse"], skill["bias"])]
        rows.append([f"{target_name(target)} ({target})", target_units(target), *values])
    head = ("target", "unit", "coupled − offline, largest", "over sd + |flux|, largest", "R²", "RMSE", "bias")
    caption = (
        "Left: the coupled run against offline prediction from the same drivers, a test of the coupling. Right: "
        "emulated against process run "
        "over all days, most of them of sites and years that the emulator was trained on, so no test of its skill."
    )
    return table(head, rows, caption, text_columns=2)


def _series(series: xr.Dataset, kind: str) -> str:
    caption = (
        "The last three years of the coupled run at a northern wetland, another wetland and an upland (of each group "
        "the site with median methane flux): fluxes computed by the process model and by the "
        "emulator inside the same land "
        "model, daily. Net ecosystem exchange is positive to the atmosphere. Vertical scales differ."
    )
    drawing = draw_series(series, kind, SERIES_TARGETS)
    return figure(to_svg(drawing, "Process and emulated fluxes in the land model"), caption)


def draw_series(series: xr.Dataset, kind: str, targets: Sequence[str]) -> Figure:
    """The last years of some sites under both schemes; series as scripts/couple.py writes it."""
    sites = example_sites(series["biome"].values.astype(str), np.nanmean(series["fch4_process"].values, axis=1))
    days = series["time"].dt
    year = days.year.values + (days.dayofyear.values - 1) / 365.25
    shown = slice(max(0, len(year) - SERIES_DAYS), None)
    rows = []
    for target in (name for name in targets if f"{name}_process" in series):
        columns = [
            figures.CoupledSeries(
                title=f"{biome_name(str(series['biome'].values[k]))} ({series['site_id'].values[k]})",
                year=year[shown],
                process=series[f"{target}_process"].values[k, shown],
                emulator=series[f"{target}_emulator"].values[k, shown],
            )
            for k in sites
        ]
        rows.append((f"{target}\n{target_units(target)}", columns))
    return figures.coupled_series(rows, kind)


def _timings(coupled: Mapping[str, Any]) -> str:
    timing, kind = coupled["timing"], model_name(coupled["model"]["kind"])
    runs = {"process": timing["process"], f"emulated ({kind})": timing["emulator"]}
    speedup, total = coupled["speedup"], coupled["speedup_total"]
    computed, emulated = (number(timing[scheme]["biogeochemistry_s"], 2) for scheme in ("process", "emulator"))
    words = (
        f"Biogeochemistry took {computed} s computed, spin-up included, and {emulated} s emulated. Per simulated year "
        f"the emulator is {_times(speedup)}; the whole run, spin-up included, is {_times(total)}. "
        "The process model here is compiled Fortran on one core and already cheap; what an emulator saves depends on "
        "the model that it stands for."
    )
    caption = "Wall time of the two runs by part, one process, per site and simulated year (milliseconds)."
    return paragraph(words) + figure(to_svg(figures.timings(runs), "Timings of the land model"), caption)


def _times(ratio: float) -> str:
    return f"{number(ratio, 2)} times as fast"
