"""What measured or simulated daily fluxes can be (docs/formats.md, section 1): a test of values in any unit.

The numbers are those of foundations/variables.csv (daily_min, daily_max) and foundations/flux_values.csv, of which the
coupler's table is made as well: marks that files have for missing flux where they do not say so, units that people
write fluxes in, and the shares of the largest possible flux that the largest value of a series reaches in its right
unit (usual_share), or stays below where its unit is surely wrong (too_small_share).
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foundations.units import unit_conversion
from foundations.variables import Variable

with Path(__file__).with_name("flux_values.csv").open(encoding="utf-8", newline="") as _table:
    _ROWS = [(row["kind"], row["value"]) for row in csv.DictReader(_table)]
MISSING_MARKS = tuple(float(value) for kind, value in _ROWS if kind == "missing_mark")
FLUX_UNITS = tuple(value for kind, value in _ROWS if kind == "unit")
USUAL_SHARE, TOO_SMALL_SHARE = (
    float(value) for name in ("usual_share", "too_small_share") for kind, value in _ROWS if kind == name
)

LARGEST = float(np.finfo(np.float32).max)
"""What no flux without a range of its own is beyond."""


@dataclass(frozen=True)
class FluxFault:
    """A flux that cannot be: the first place in the array, how many there are, and what is wrong."""

    place: tuple[int, ...]
    count: int
    text: str


def impossible_flux(variable: Variable, values: NDArray, units: str) -> FluxFault | None:
    """The first value of a flux that cannot be, with the unit that all values would fit; None where all can be.

    values: of any shape in `units`, NaN = missing. Without `daily_min` and `daily_max`, or in another quantity's unit,
    no range is tested.
    """
    low, high = _limits(variable, units) or (-LARGEST, LARGEST)
    marked = np.isin(values, [*MISSING_MARKS, *np.array(MISSING_MARKS, np.float32)])  # also read from single precision
    if marked.any():
        place = _first(marked)
        mark = f"{values[place]:g}"
        text = f"is {mark} {units}, the usual mark of a missing value; give the variable a _FillValue of {mark}, or NaN"
        return FluxFault(place, int(marked.sum()), text)
    bad = (values < low) | (values > high)
    if not bad.any():
        return None
    place = _first(bad)
    likely = likely_units(variable, values)
    hint = f"the values would fit the unit '{likely}'" if likely else "missing flux is NaN or _FillValue"
    text = f"is {values[place]:g} {units}, a flux is within {low:.3g} and {high:.3g}; {hint}; check the unit"
    return FluxFault(place, int(bad.sum()), text)


def doubtful_flux(variable: Variable, values: NDArray, units: str) -> str:
    """What is to be said of fluxes that are all of them far too small for their unit; '' of others."""
    limits, present = _limits(variable, units), np.abs(values[np.isfinite(values)])
    if limits is None or not present.size or not 0.0 < present.max() < TOO_SMALL_SHARE * limits[1]:
        return ""
    likely = likely_units(variable, values)
    hint = f"; the values would fit the unit '{likely}'" if likely else ""
    return f"the largest value is {present.max():g} {units}, far less than such fluxes are{hint}; check the unit"


def likely_units(variable: Variable, values: NDArray) -> str:
    """The common unit of a flux that makes all its values possible and usual, '' where there is none."""
    present = values[np.isfinite(values)]
    for units in (variable.analysis_units, *FLUX_UNITS):
        limits = _limits(variable, units)
        if limits is None or not present.size:
            continue
        low, high = limits
        if present.min() >= low and present.max() <= high and np.abs(present).max() >= USUAL_SHARE * high:
            return units
    return ""


def _limits(variable: Variable, units: str) -> tuple[float, float] | None:
    """Lowest and highest possible flux in a unit; None where the variable has none, or not in such a unit."""
    if variable.daily_min is None or variable.daily_max is None:
        return None
    try:
        factor, offset = unit_conversion(variable.units, units, variable.name)
    except ValueError:
        return None
    return variable.daily_min * factor + offset, variable.daily_max * factor + offset


def _first(marked: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(marked)[0])
