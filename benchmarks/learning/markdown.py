"""Tables and numbers of a Markdown page."""

import math
from typing import Any

import numpy as np


def table(header: list[str], rows: list[list[Any]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def number(value: float | None) -> str:
    """Three significant digits, without an exponent where a reader does not need one."""
    if value is None or not math.isfinite(value):
        return "-"
    if abs(value) >= 1e5:
        return f"{value:,.0f}"
    if value == 0 or abs(value) >= 1e-3:
        digits = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
        return f"{value:.{min(digits, 5)}f}"
    return f"{value:.2e}"


def spread(values: list[float]) -> str:
    """Mean, and the standard deviation over seeds where there are several."""
    if not values:
        return "-"
    mean = float(np.mean(values))
    return number(mean) if len(values) == 1 else f"{number(mean)} ± {number(float(np.std(values, ddof=1)))}"


def share_done(done: int, planned: int) -> str:
    """A number of seeds, and the whole where some are missing."""
    return str(done) if done >= planned else f"{done} of {planned}"
