"""Section 3 of docs/validation.md: the FLUXNET-CH4 towers."""

import numpy as np

from ecosys_sims.evaluation import tower_comparison
from ecosys_sims.evaluation.page_parts import FLUXES, Results, number, picture, score_row, score_table_head, tuned

TOWER_REMARKS = {
    "US-EDN": "tidal salt marsh: no tides, salt or sulphate in the model",
    "BW-Gum": "flooded by a river: its floods are not in the tower's weather",
    "DE-Zrk": "rewetted polder: its water does not follow the weather alone",
    "DE-Hte": "rewetted coastal fen: its water does not follow the weather alone",
}
HOW_JUDGED = (
    "Every site is first run with the default parameters of its class, then calibrated on one half of its years and "
    "judged on the other; all scores below are those of the **half that judges**. Calibration lowers the mean over "
    "fluxes of 1 - R² of daily (US-Ne1: monthly) values: a Latin hypercube over all ranges, then rounds around the "
    "best six members of each group of parameters; no defaults were changed by it. R² is 1 - SSE/SST, so below 0 the "
    "mean of the observations is better; nRMSE is RMSE over their standard deviation; r is Pearson's.\n"
)


def towers_section(towers: list[Results], figures: str) -> str:
    """Scores, calibrated parameters and water of all towers."""
    if not towers:
        return "### Towers\n\nSkipped: no daily files of FLUXNET-CH4 in the data.\n"
    members = towers[0]["members"]
    lines = [
        "### FLUXNET-CH4 towers\n",
        f"{len(towers)} towers (Delwiche et al. 2021), driven by their own daily weather, spread over the hours by "
        "the model. CH₄ is the mean of the measured half-hours, never gap-filled; NEE is the day's mean with its gaps "
        "filled, on days with measurements; GPP is derived from it (GPP_DT), no measurement. Where the weather begins "
        "or ends within a year, the same date of another year, or the day with the nearest height of the sun, "
        "completes it; no flux is scored there. pH, texture and depth of peat are not in the collection: typical "
        "values of the class. The water table is the model's own.\n",
        f"Tuned, with {members} members a tower: {tuned(tower_comparison.RANGES)}. Carbon parameters by GPP and NEE, "
        "the last four by CH₄. Years with measured CH₄ train and judge in turn (train | judge); at towers with one "
        "such year, weeks do, which is an easier test.\n",
        picture(figures, "tower_skill", "R² of daily values on the half that judges; those below -2 are drawn at -2."),
        _medians(towers),
        score_table_head("tower, class"),
    ]
    for tower in towers:
        name = f"{tower['site']}, {tower['biome'].replace('_', ' ')}"
        lines += [score_row(name, flux, tower["scores"]) for flux in FLUXES]
    lines += ["\nUnits: g C and mg CH₄ m⁻² d⁻¹.\n"]
    for flux, name in FLUXES.items():
        caption = f"{name}: weekly means of the measured days of the half that judges."
        lines.append(picture(figures, f"towers_{flux}", caption))
    lines += [_parameters(towers), _water(towers)]
    remarks = [f"{tower['site']}, {TOWER_REMARKS[tower['site']]}" for tower in towers if tower["site"] in TOWER_REMARKS]
    if remarks:
        lines.append(f"What the model cannot know of some towers: {'; '.join(remarks)}.\n")
    return "\n".join(lines)


def _medians(towers: list[Results]) -> str:
    medians = []
    for flux, name in FLUXES.items():
        scores = [tower["scores"] for tower in towers]
        pairs = [(kinds["default"][flux]["test"], kinds["calibrated"][flux]["test"]) for kinds in scores]
        pairs = [
            (default, calibrated)
            for default, calibrated in pairs
            if default and calibrated and default["r2"] is not None and calibrated["r2"] is not None
        ]
        if pairs:
            default_r2 = float(np.median([default["r2"] for default, _ in pairs]))
            calibrated_r2 = float(np.median([calibrated["r2"] for _, calibrated in pairs]))
            better = sum(calibrated["rmse"] < default["rmse"] for default, calibrated in pairs)
            medians.append(
                f"{name} {number(default_r2)} to {number(calibrated_r2)} "
                f"(RMSE lower at {better} of {len(pairs)} towers)"
            )
    return f"Median R² over towers, default to calibrated: {'; '.join(medians)}.\n"


def _parameters(towers: list[Results]) -> str:
    names = [parameter.name for parameter in tower_comparison.RANGES]
    lines = [
        "Calibrated values, with the default of the class in brackets:\n",
        f"| tower | train \\| judge | {' | '.join(f'`{name}`' for name in names)} |",
        f"|---|---|{'---|' * len(names)}",
    ]
    for tower in towers:
        values = [tower["parameters"][name] for name in names]
        cells = [f"{value['calibrated']:.3g} ({value['default']:.3g})" for value in values]
        split = tower["split"].replace("|", "\\|")
        lines.append(f"| {tower['site']} | {split} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _water(towers: list[Results]) -> str:
    tables, losses = [], []
    for tower in towers:
        scores, site = tower["scores"]["default"], tower["site"]
        depth, loss = (scores.get(name, {}).get("test") for name in ("wtd", "evspsbl"))
        if depth:
            tables.append(f"{site} {100 * depth['bias']:+.0f} cm (r {number(depth['correlation'])})")
        if loss:
            losses.append(f"{site} {100 * loss['bias'] / loss['observed_mean']:+.0f} %")
    lines = ["Water with default parameters, on the half that judges; it was not calibrated on:\n"]
    if tables:
        lines.append(f"- depth of the water table, simulated less observed: {'; '.join(tables)};")
    if losses:
        lines.append(f"- evapotranspiration, simulated beyond that from measured latent heat: {'; '.join(losses)}.")
    return "\n".join([*lines, ""]) if len(lines) > 1 else ""
