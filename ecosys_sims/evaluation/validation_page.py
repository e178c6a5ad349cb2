"""Writes docs/validation.md from the results of a run."""

from pathlib import Path

import numpy as np

from ecosys_sims.evaluation import duke_forest, mead_maize, towers
from ecosys_sims.evaluation.calibration import Range

FLUXES = {"gpp": "GPP", "nee": "NEE", "fch4": "CH₄"}
# Why a row misses, where the reason is how the quantity is defined and not how the model works.
REMARKS = {
    "gpp.shrubland": "our class has 150 to 600 mm of rain a year, the range is that of deserts",
    "ratio.hr_npp": "the parameter `maturity` holds stocks below their steady state, so that sites gain carbon",
    "nep.forest": "set by the parameter `maturity`",
    "ch4.tropical": "the published mean, 199, is itself above the range of swamps in this table",
    "uptake.highest": "one number, not a spread over sites",
    "crop.soy_share": "one ratio of means",
}
TOWER_REMARKS = {
    "US-EDN": "tidal salt marsh: no tides, salt or sulphate in the model",
    "BW-Gum": "flooded by a river: its floods are not in the tower's weather",
    "DE-Zrk": "rewetted polder: its water does not follow the weather alone",
    "DE-Hte": "rewetted coastal fen: its water does not follow the weather alone",
}
HEAD = """# Validation

Written by `python benchmarks/validation.py`; do not edit. How the process model compares with published ranges
(section 1), what it looks like (section 2), and how it compares with measurements and with another model (section 3).
Numbers are in [results/validation.json](results/validation.json). Fluxes are positive upward; uptake of uplands is
given as a positive number.
"""


def page(results: dict, figures: str) -> str:
    """The page as Markdown; `figures` is the path of the figures as the page sees it."""
    parts = [HEAD, _made(results), _ranges(results), _pictures(results, figures)]
    if results["towers"] or results["duke"] or results["mead"]:
        parts += ["## 3. Measurements and another model\n", _how(), _towers(results["towers"], figures)]
        parts += [_duke(results["duke"], figures), _mead(results["mead"], figures)]
    else:
        parts.append(
            "## 3. Measurements and another model\n\nSkipped: the data were not there when this page was made "
            "(`--data`, "
            "or ECOSTEP_DATA). They are public, but not part of this repository.\n"
        )
    return "\n".join(part for part in parts if part).rstrip() + "\n"


def _made(r: dict) -> str:
    p = r["provenance"]
    total = sum(r["seconds"].values())
    return (
        f"Made {p['created'][:10]} with {p['program']}, code {p['git_hash'][:12]}, seed {p['seeds']['ensemble']}; "
        f"{p['machine']['processor']}, {p['workers']} workers, {total / 60:.0f} min of processes.\n"
    )


# ---- section 1 ------------------------------------------------------------------------------------------------------


def number(value: float | None) -> str:
    """Three digits, without exponents."""
    if value is None:
        return "-"
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def _ranges(r: dict) -> str:
    e = r["ensemble"]
    judged = [row for row in r["anchors"] if row["verdict"] != "not simulated"]
    count = {word: sum(row["verdict"] == word for row in judged) for word in ("inside", "partly", "outside")}
    lines = [
        "## 1. Published ranges\n",
        f"An ensemble of {e['sites']} sites over {e['years']} years, the same number of each class, all over the "
        f"globe, with default "
        "parameters and their usual spread between sites (`configs/sims/validation.yaml`). Sensitivities are pairs "
        "of smaller "
        "ensembles that differ in one thing. Crops are fields in Nebraska and on the North China Plain with "
        "generated weather, "
        "their spread that between years. The growing season is where the running mean of air temperature is above "
        "5 °C.\n",
        "**Verdict**: *inside*, the median is in the published range; *partly*, it is not, but some of the middle "
        "90 % of the "
        "sites are; **outside**, none of them are. Ranges of means ± standard error are narrow; sites scatter more.\n",
        f"Of {len(judged)} quantities {count['inside']} are inside, {count['partly']} partly, {count['outside']} "
        f"outside.\n",
        "| quantity | unit | published | median | 5-95 % | n | verdict |\n|---|---|---|---|---|---|---|",
    ]
    group = None
    for row in r["anchors"]:
        if row["group"] != group:
            group = row["group"]
            lines.append(f"| **{group}** | | | | | | |")
        lines.append(_row(row))
    lines += ["", _misses(r["anchors"])]
    return "\n".join(lines)


def _row(row: dict) -> str:
    published = f"{number(row['low'])} to {number(row['high'])}"
    if row["verdict"] == "not simulated":
        return f"| {row['quantity']} | {row['unit']} | {published} | - | - | 0 | not simulated |"
    word = f"**{row['verdict']}**" if row["verdict"] == "outside" else row["verdict"]
    spread = f"{number(row['p05'])} to {number(row['p95'])}" if row["n"] > 1 else "-"
    cells = [row["quantity"], row["unit"], published, number(row["median"]), spread, str(row["n"]), word]
    return f"| {' | '.join(cells)} |"


def _misses(rows: list[dict]) -> str:
    missed = [row for row in rows if row["verdict"] in ("partly", "outside")]
    if not missed:
        return ""
    lines = ["**Where the median misses:**\n"]
    for row in missed:
        where = "below" if row["median"] < row["low"] else "above"
        bound = number(row["low"] if where == "below" else row["high"])
        unit = "" if row["unit"] == "1" else f" {row['unit']}"
        remark = f" ({REMARKS[row['key']]})" if row["key"] in REMARKS else ""
        share = f"{100 * row['share_inside']:.0f} % of {row['n']} inside"
        told = f"median {number(row['median'])}, {where} {bound}{unit}{remark}"
        lines.append(f"- {row['group']}, {row['quantity']}: {told}; {share}.")
    skipped = [row["quantity"] for row in rows if row["verdict"] == "not simulated"]
    if skipped:
        lines.append(f"- Not simulated by this version: {', '.join(skipped)}.")
    lines.append(
        "\nGlobal totals (wetlands 117 to 184, soils 22 to 34 Tg CH₄ a year) are left out: the sites are drawn by "
        "class, not by "
        "area, and the model has no map of wetlands to weight them with.\n"
    )
    groups: dict[str, list[str]] = {}
    for row in rows:
        if row["group"] not in groups.setdefault(row["source"], []):
            groups[row["source"]].append(row["group"])
    lines.append("Sources of the ranges, taken from reviews and not from the data behind them:\n")
    lines += [f"- {', '.join(names)}: {source}" for source, names in groups.items() if source != "general"]
    return "\n".join([*lines, ""])


# ---- section 2 ------------------------------------------------------------------------------------------------------


def _pictures(r: dict, figures: str) -> str:
    pulse = r["ensemble"]["pulse"]
    lines = [
        "## 2. What the ensemble looks like\n",
        _picture(figures, "seasons_wetlands", "Mean year of the wetland classes: median and 5-95 % over sites; "
                                              "sites of the "
                 "southern hemisphere are shifted by half a year."),
        _picture(figures, "seasons_uplands", "The same for uplands."),
        _picture(figures, "methane_controls", "Daily CH₄ against water table and soil temperature, medians of "
                                              "site-days."),
        _picture(figures, "pathways", "How methane leaves wetlands."),
        _picture(figures, "zones", "Annual GPP and CH₄ by 15° of latitude: median and 5-95 % of the sites drawn "
                                   "there (not "
                 "weighted by area)."),
    ]  # fmt: skip
    if pulse["pulses"]:
        lines.append(_picture(
            figures, "spring_pulse",
            f"The strongest spring pulse of the ensemble after a winter with snow "
            f"({pulse['biome'].replace('_', ' ')}, {pulse['lat']:.0f}° "
            f"N). Of "
            f"{pulse['pulses']} thaws of northern wetlands {100 * pulse['share_above_2']:.0f} % have a day within "
            f"ten days of thaw with "
            "more than twice the flux of a month later.",
        ))  # fmt: skip
    if r["crops"]:
        lines.append(_picture(figures, "rotation", "Four years of an irrigated maize-soybean rotation in Nebraska."))
    return "\n".join(lines)


def _picture(figures: str, name: str, caption: str) -> str:
    return f"![{name.replace('_', ' ')}]({figures}/{name}.png)\n\n{caption}\n"


# ---- section 3 ------------------------------------------------------------------------------------------------------


def _how() -> str:
    return (
        "Every site is first run with the default parameters of its class, then calibrated on one half of its years "
        "and judged on the "
        "other; all scores below are those of the **half that judges**. Calibration lowers the mean over fluxes of "
        "1 - R² of daily "
        "(US-Ne1: monthly) values: a Latin hypercube over all ranges, then rounds around the best six members of "
        "each group of "
        "parameters; no defaults were changed by it. R² is 1 - SSE/SST, so below 0 the mean of the observations is "
        "better; nRMSE is "
        "RMSE over their standard deviation; r is Pearson's.\n"
    )


def _tuned(ranges: tuple[Range, ...]) -> str:
    return ", ".join(
        f"`{item.name}` {item.lowest:g} to {item.highest:g}{' of the default' if item.relative else ''}"
        for item in ranges
    )


def _towers(found: list[dict], figures: str) -> str:
    if not found:
        return "### Towers\n\nSkipped: no daily files of FLUXNET-CH4 in the data.\n"
    members = found[0]["members"]
    lines = [
        "### FLUXNET-CH4 towers\n",
        f"{len(found)} towers (Delwiche et al. 2021), driven by their own daily weather, spread over the hours by "
        f"the model. CH₄ is "
        "the mean of the measured half-hours, never gap-filled; NEE is the day's mean with its gaps filled, on days "
        "with "
        "measurements; GPP is derived from it (GPP_DT), no measurement. Where the weather begins or ends within a "
        "year, the "
        "same date of another year, or the day with the nearest height of the sun, completes it; no flux is scored "
        "there. pH, "
        "texture and depth of peat are not in the collection: typical values of the class. The water table is the "
        "model's own.\n",
        f"Tuned, with {members} members a tower: {_tuned(towers.RANGES)}. Carbon parameters by GPP and NEE, the "
        f"last four by CH₄. "
        "Years with measured CH₄ train and judge in turn (train | judge); at towers with one such year, weeks do, "
        "which is an easier test.\n",
        _picture(figures, "tower_skill", "R² of daily values on the half that judges; those below -2 are drawn at -2."),
        _medians(found),
        "| tower, class | flux | n | mean | default: bias | RMSE | nRMSE | R² | r | calibrated: bias | RMSE | nRMSE "
        "| R² | r |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    lines += [
        _score_row(f"{t['site']}, {t['biome'].replace('_', ' ')}", flux, t["scores"]) for t in found for flux in FLUXES
    ]
    lines += ["\nUnits: g C and mg CH₄ m⁻² d⁻¹.\n"]
    for flux, name in FLUXES.items():
        lines.append(
            _picture(figures, f"towers_{flux}", f"{name}: weekly means of the measured days of the half that judges.")
        )
    lines += [_parameters(found), _water(found)]
    known = [f"{t['site']}, {TOWER_REMARKS[t['site']]}" for t in found if t["site"] in TOWER_REMARKS]
    if known:
        lines.append(f"What the model cannot know of some towers: {'; '.join(known)}.\n")
    return "\n".join(lines)


def _medians(found: list[dict]) -> str:
    told = []
    for flux, name in FLUXES.items():
        both = [[t["scores"][kind][flux]["test"] for kind in ("default", "calibrated")] for t in found]
        both = [pair for pair in both if None not in pair and pair[0]["r2"] is not None and pair[1]["r2"] is not None]
        if both:
            r2 = [float(np.median([pair[k]["r2"] for pair in both])) for k in (0, 1)]
            better = sum(pair[1]["rmse"] < pair[0]["rmse"] for pair in both)
            told.append(f"{name} {number(r2[0])} to {number(r2[1])} (RMSE lower at {better} of {len(both)} towers)")
    return f"Median R² over towers, default to calibrated: {'; '.join(told)}.\n"


def _score_row(where: str, flux: str, scores: dict) -> str:
    both = [scores[kind][flux]["test"] for kind in ("default", "calibrated")]
    name = {"ra": "Ra", "rh": "Rh"}.get(flux) or FLUXES[flux]
    if None in both:
        return f"| {where} | {name} | too few | | | | | | | | | | | |"
    cells = [number(item[key]) for item in both for key in ("bias", "rmse", "nrmse", "r2", "correlation")]
    return f"| {where} | {name} | {both[0]['n']} | {number(both[0]['observed_mean'])} | {' | '.join(cells)} |"


def _parameters(found: list[dict]) -> str:
    names = [item.name for item in towers.RANGES]
    lines = [
        "Calibrated values, with the default of the class in brackets:\n",
        f"| tower | train \\| judge | {' | '.join(f'`{name}`' for name in names)} |",
        f"|---|---|{'---|' * len(names)}",
    ]
    for t in found:
        cells = [f"{t['parameters'][n]['calibrated']:.3g} ({t['parameters'][n]['default']:.3g})" for n in names]
        split = t["split"].replace("|", "\\|")
        lines.append(f"| {t['site']} | {split} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _water(found: list[dict]) -> str:
    tables, losses = [], []
    for t in found:
        depth, loss = (t["scores"]["default"].get(name, {}).get("test") for name in ("wtd", "evspsbl"))
        if depth:
            tables.append(f"{t['site']} {100 * depth['bias']:+.0f} cm (r {number(depth['correlation'])})")
        if loss:
            losses.append(f"{t['site']} {100 * loss['bias'] / loss['observed_mean']:+.0f} %")
    lines = ["Water with default parameters, on the half that judges; it was not calibrated on:\n"]
    if tables:
        lines.append(f"- depth of the water table, simulated less observed: {'; '.join(tables)};")
    if losses:
        lines.append(f"- evapotranspiration, simulated beyond that from measured latent heat: {'; '.join(losses)}.")
    return "\n".join([*lines, ""]) if len(lines) > 1 else ""


def _duke(duke: dict | None, figures: str) -> str:
    if not duke:
        return ""
    annual, lines = duke["annual"], []
    for name, told in (("gpp", "GPP"), ("ra", "Ra"), ("rh", "Rh")):
        for kind, title in (("observed", "original ecosys"), ("default", "default"), ("calibrated", "calibrated")):
            values = dict(zip(annual["year"], annual[f"{kind}_{name}"], strict=True))
            lines.append((told, title, values))
    years = [str(y) for y in annual["year"]]
    table = [f"| g C m⁻² yr⁻¹ | | {' | '.join(years)} |", f"|---|---|{'---|' * len(years)}"]
    table += [f"| {a} | {b} | {' | '.join(f'{v[int(y)]:.0f}' for y in years)} |" for a, b, v in lines]
    scores = [_score_row("Duke Forest", flux, duke["scores"]) for flux in ("gpp", "ra", "rh")]
    return "\n".join([
        "### The original ecosys at Duke Forest\n",
        "Not a measurement: a run of ecosys (R. F. Grant) over 1980 to 1993, and ours with its own 3-hourly "
        "weather, texture, pH and CO₂, "
        f"as class temperate forest. Tuned on every other year of the grown stand ({duke['members']} members): "
        f"{_tuned(duke_forest.RANGES)}. Split (train \\| judge): {duke['split']}.\n".replace("\\|", "|"),
        "**Not represented**: the stand was felled in 1982 and replanted in 1983. Our leaf area follows the season, "
        "not the carbon of the "
        "plants, so the model does not know the years until the new stand has closed; 1982 to 1987 (shaded) are "
        "shown and not "
        "scored. Its Rh of 1980 and 1981 is that of a stand with little litter; ours starts near the steady state "
        "of its inputs.\n",
        _picture(figures, "duke", "Annual sums, and the mean year of the years that judge."),
        *table, "",
        "| site | flux | n | mean | default: bias | RMSE | nRMSE | R² | r | calibrated: bias | RMSE | nRMSE | R² | "
        "r |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
        *scores, "",
        _values(duke),
    ])  # fmt: skip


def _values(result: dict) -> str:
    return "Calibrated values (default): " + ", ".join(
        f"`{name}` {v['calibrated']:.3g} ({v['default']:.3g})" for name, v in result["parameters"].items()
    ) + ".\n"  # fmt: skip


def _mead(mead: dict | None, figures: str) -> str:
    if not mead:
        return ""
    grown = (
        "as irrigated, fertilised maize every year, which is what its fluxes show for 2001 to 2006: the rotation of "
        "the ecosys case, "
        "whose weather this is, was grown on the fields beside it" if mead["crops"]
        else "as the class cropland, for this version of the model knows no crops"
    )  # fmt: skip
    ranges = mead_maize.CARBON + (mead_maize.CROP if mead["crops"] else ())
    return "\n".join([
        "### Maize at Mead, Nebraska (US-Ne1)\n",
        f"Monthly fluxes of FLUXNET2015 (Pastorello et al. 2020) beside a run with hourly weather, {grown}. Sowing "
        f"and harvest are the "
        "model's own. Months with less than half of their half-hours measured or well filled are left out. Tuned on "
        "odd years, "
        f"judged on even ones ({mead['members']} members): {_tuned(ranges)}.\n",
        _picture(figures, "mead", "Monthly GPP and NEE; shaded years trained."),
        "| site | flux | n | mean | default: bias | RMSE | nRMSE | R² | r | calibrated: bias | RMSE | nRMSE | R² | "
        "r |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
        *[_score_row("US-Ne1", flux, mead["scores"]) for flux in ("gpp", "nee")], "",
        _values(mead),
    ])  # fmt: skip


def write_page(results: dict, path: Path, figures: str) -> None:
    """Write the page."""
    from ecosys_sims.atomic_file import write_text

    write_text(path, page(results, figures))
