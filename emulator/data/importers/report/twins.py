"""A measured column beside the filled one of the same quantity: the factor between them tells a confusion of units."""

import numpy as np

FEWEST = 30
METHANE_FACTORS = {
    1.3861: "mg CH4 m-2 day-1, said to be nmol m-2 s-1",
    1.0 / 1.3861: "nmol CH4 m-2 s-1, said to be mg m-2 day-1",
}
FACTORS = {
    1000.0: "a prefix is wrong by 1000", 1e-3: "a prefix is wrong by 1000", 10.0: "wrong by 10, as hPa for kPa",
    0.1: "wrong by 10, as kPa for hPa", 100.0: "wrong by 100, as Pa for hPa", 0.01: "wrong by 100, as hPa for Pa",
    24.0: "per day and per hour", 1.0 / 24.0: "per hour and per day", 86400.0: "per day and per second",
    12.011: "mass of C and mol", 1.0 / 12.011: "mol and mass of C", 16.043: "mass of CH4 and mol",
    44.01 / 12.011: "mass of CO2 and of C", 12.011 / 44.01: "mass of C and of CO2",
}  # fmt: skip
CLOSE, CORRELATED, CLEARLY = 0.06, 0.8, 0.15
WELL_CORRELATED = 0.9
"""What the small factor of methane asks for, which a mean of hours may come near."""


def factor_between(measured: np.ndarray, filled: np.ndarray, name: str) -> str:
    """What is doubtful about two columns (T,) or (days, steps) that mean the same; empty where nothing is."""
    present = np.isfinite(measured) & np.isfinite(filled)
    if present.sum() < FEWEST:
        return ""
    first, second = measured[present], filled[present]
    if first.std() == 0.0 or second.std() == 0.0 or (first * second).sum() == 0.0:
        return ""
    correlation = float(np.corrcoef(first, second)[0, 1])
    slope = float(first @ second / (second @ second))
    if correlation < -CORRELATED and slope < 0.0:
        return "has the opposite sign"
    if correlation < CORRELATED or abs(slope - 1.0) < CLEARLY:
        difference = float(np.median(first - second))
        if correlation > CORRELATED and abs(abs(difference) - 273.15) < 1.0:
            return f"differs by {difference:.2f}: K and degC"
        return ""
    methane = name == "fch4" and correlation > WELL_CORRELATED
    for factor, text in (METHANE_FACTORS | FACTORS if methane else FACTORS).items():
        if abs(slope / factor - 1.0) < CLOSE:
            return f"is {slope:.4g} times as large: {text}?"
    return ""
