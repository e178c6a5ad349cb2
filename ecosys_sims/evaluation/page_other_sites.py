"""Section 3 of docs/validation.md: Duke Forest and Mead."""

from ecosys_sims.evaluation import duke_forest, mead_maize
from ecosys_sims.evaluation.page_parts import (
    FLUX_NAMES,
    Results,
    calibrated_values,
    picture,
    score_row,
    score_table_head,
    tuned,
)

KIND_NAMES = {"observed": "original ecosys", "default": "default", "calibrated": "calibrated"}


def duke_section(duke: Results | None, figures: str) -> str:
    """Duke Forest beside the original ecosys: annual sums and scores."""
    if not duke:
        return ""
    introduction = (
        "Not a measurement: a run of ecosys (R. F. Grant) over 1980 to 1993, and ours with its own 3-hourly weather, "
        "texture, pH and CO₂, as class temperate forest. Tuned on every other year of the grown stand "
        f"({duke['members']} members): {tuned(duke_forest.RANGES)}. Split (train | judge): {duke['split']}.\n"
    )
    not_represented = (
        "**Not represented**: the stand was felled in 1982 and replanted in 1983. Our leaf area follows the season, "
        "not the carbon of the plants, so the model does not know the years until the new stand has closed; 1982 to "
        "1987 (shaded) are shown and not scored. Its Rh of 1980 and 1981 is that of a stand with little litter; ours "
        "starts near the steady state of its inputs.\n"
    )
    return "\n".join(
        [
            "### The original ecosys at Duke Forest\n",
            introduction,
            not_represented,
            picture(figures, "duke", "Annual sums, and the mean year of the years that judge."),
            *_annual_sums(duke["annual"]),
            "",
            score_table_head("site"),
            *[score_row("Duke Forest", flux, duke["scores"]) for flux in duke_forest.COLUMNS],
            "",
            calibrated_values(duke),
        ]
    )


def _annual_sums(annual: Results) -> list[str]:
    """Lines of a table: a column a year, a row for each flux and kind of run."""
    years = [str(year) for year in annual["year"]]
    lines = [f"| g C m⁻² yr⁻¹ | | {' | '.join(years)} |", f"|---|---|{'---|' * len(years)}"]
    for flux in duke_forest.COLUMNS:
        for kind, name in KIND_NAMES.items():
            sums = " | ".join(f"{value:.0f}" for value in annual[f"{kind}_{flux}"])
            lines.append(f"| {FLUX_NAMES[flux]} | {name} | {sums} |")
    return lines


def mead_section(mead: Results | None, figures: str) -> str:
    """Mead beside its monthly measurements: figure and scores."""
    if not mead:
        return ""
    grown = "as the class cropland, for this version of the model knows no crops"
    if mead["crops"]:
        grown = (
            "as irrigated, fertilised maize every year, which is what its fluxes show for 2001 to 2006: the rotation "
            "of the ecosys case, whose weather this is, was grown on the fields beside it"
        )
    ranges = mead_maize.CARBON + (mead_maize.CROP if mead["crops"] else ())
    introduction = (
        f"Monthly fluxes of FLUXNET2015 (Pastorello et al. 2020) beside a run with hourly weather, {grown}. Sowing "
        "and harvest are the model's own. Months with less than half of their half-hours measured or well filled are "
        f"left out. Tuned on odd years, judged on even ones ({mead['members']} members): {tuned(ranges)}.\n"
    )
    return "\n".join(
        [
            "### Maize at Mead, Nebraska (US-Ne1)\n",
            introduction,
            picture(figures, "mead", "Monthly GPP and NEE; shaded years trained."),
            score_table_head("site"),
            *[score_row("US-Ne1", flux, mead["scores"]) for flux in mead_maize.COLUMNS],
            "",
            calibrated_values(mead),
        ]
    )
