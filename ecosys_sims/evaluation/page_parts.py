"""What the sections of docs/validation.md share: numbers, pictures, rows of scores, and lists of parameters."""

from typing import Any

from ecosys_sims.evaluation.calibration import Range

Results = dict[str, Any]
"""What docs/results/validation.json holds, or a part of it."""

FLUXES = {"gpp": "GPP", "nee": "NEE", "fch4": "CH₄"}
FLUX_NAMES = FLUXES | {"ra": "Ra", "rh": "Rh"}
SCORES = ("bias", "rmse", "nrmse", "r2", "correlation")


def number(value: float | None) -> str:
    """Three digits, without exponents."""
    if value is None:
        return "-"
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def picture(figures: str, name: str, caption: str) -> str:
    return f"![{name.replace('_', ' ')}]({figures}/{name}.png)\n\n{caption}\n"


SCORE_COLUMNS = "n | mean | default: bias | RMSE | nRMSE | R² | r | calibrated: bias | RMSE | nRMSE | R² | r |"


def score_table_head(first: str) -> str:
    """Head of a table whose rows are `score_row`s; `first` names what a row is about."""
    return f"| {first} | flux | {SCORE_COLUMNS}\n|" + "---|" * 14


def score_row(place: str, flux: str, scores: Results) -> str:
    """Scores of one flux with default and with calibrated parameters, on the half that judges."""
    default, calibrated = (scores[kind][flux]["test"] for kind in ("default", "calibrated"))
    if default is None or calibrated is None:
        return f"| {place} | {FLUX_NAMES[flux]} | too few | | | | | | | | | | | |"
    cells = [number(skill[name]) for skill in (default, calibrated) for name in SCORES]
    observed = f"{default['n']} | {number(default['observed_mean'])}"
    return f"| {place} | {FLUX_NAMES[flux]} | {observed} | {' | '.join(cells)} |"


def tuned(ranges: tuple[Range, ...]) -> str:
    """Parameters with the ranges in which they were calibrated."""
    return ", ".join(
        f"`{parameter.name}` {parameter.lowest:g} to {parameter.highest:g}"
        f"{' of the default' if parameter.relative else ''}"
        for parameter in ranges
    )


def calibrated_values(comparison: Results) -> str:
    """Calibrated parameters of one site, with their defaults."""
    values = (
        f"`{name}` {value['calibrated']:.3g} ({value['default']:.3g})"
        for name, value in comparison["parameters"].items()
    )
    return f"Calibrated values (default): {', '.join(values)}.\n"
