"""Whether values are as large as such quantities are, and in which other unit they would be."""

from dataclasses import dataclass

import numpy as np

from emulator.data.importers.site_record import SiteRecord
from foundations.air import saturation_vapour_pressure
from foundations.sun import radiation_above_atmosphere
from foundations.units import unit_conversion

ZERO_CELSIUS = 273.15
FEWEST, COLD = 30, 8.0
"""Days below which nothing is judged; degC that hardly any day of a cold record exceeds."""


@dataclass(frozen=True)
class Usual:
    """What a percentile of the absolute values usually is, in `units`, and confusions: factor -> what was confused."""

    percentile: float
    low: float
    high: float
    units: str
    confusions: dict[float, str]


_THOUSANDS = dict.fromkeys((1000000.0, 1000.0, 0.001, 1e-06), "a wrong prefix (kilo, milli, micro, nano)")
_CARBON = _THOUSANDS | {
    86400.0: "per second, said to be per day", 1.0 / 86400.0: "per day, said to be per second",
    24.0: "per hour, said to be per day", 1.0 / 24.0: "per day, said to be per hour",
}  # fmt: skip
_VAPOUR = {
    10.0: "kPa, said to be hPa", 0.1: "hPa, said to be kPa", 1e3: "kPa, said to be Pa", 100.0: "hPa, said to be Pa",
    0.01: "Pa, said to be hPa", 1e-3: "Pa, said to be kPa",
}  # fmt: skip
_WATER = _THOUSANDS | {28.35: "W m-2, said to be mm", 1.0 / 28.35: "mm, said to be W m-2"}
_CARBON_FLUX = Usual(95, 0.05, 45.0, "g m-2 day-1", _CARBON)
USUAL: dict[str, Usual] = {
    "tas": Usual(50, 225.0, 313.0, "K", {}),
    "vpd": Usual(95, 100.0, 7000.0, "Pa", _VAPOUR),
    "rlds": Usual(50, 110.0, 460.0, "W m-2", {11.574: "MJ m-2 day-1, said to be W m-2"}),
    "ps": Usual(50, 50000.0, 108000.0, "Pa", _VAPOUR),
    "sfcWind": Usual(50, 0.1, 15.0, "m s-1", {1.0 / 3.6: "km h-1, said to be m s-1"}),
    "co2": Usual(50, 150.0, 1500.0, "1e-6", {1e6: "mol mol-1, said to be ppm"}),
    "gpp": _CARBON_FLUX,
    "reco": _CARBON_FLUX,
    "ra": Usual(95, 0.02, 45.0, "g m-2 day-1", _CARBON),
    "rh": Usual(95, 0.02, 45.0, "g m-2 day-1", _CARBON),
    "nee": _CARBON_FLUX,
    "fch4": Usual(95, 0.02, 3000.0, "mg m-2 day-1", _CARBON),
    "fn2o": Usual(95, 0.001, 500.0, "mg m-2 day-1", _CARBON),
    "evspsbl": Usual(95, 0.1, 20.0, "mm day-1", _WATER),
}
DRIEST, WETTEST = 2.0, 12000.0
"""Precipitation of a year, mm."""
TOO_BRIGHT, TOO_DIM = 1.15, 0.25
"""Of the radiation above the atmosphere: what clear days have at most, and at least."""
TOO_DRY, TOO_HUMID = 1.3, 0.12
"""Of the saturation pressure: the deficit of the driest days at most, and at least."""


def doubts(record: SiteRecord) -> list[tuple[str, str]]:
    """(variable, what is doubtful) of the magnitudes of a record, before anything was left out."""
    lines = []
    for name, usual in USUAL.items():
        if name == "vpd" and _is_cold(record):
            continue
        if name in record.values and (text := _magnitude(record, name, usual)):
            lines.append((name, text))
    told = {name for name, _ in lines}
    for name, test in (("rsds", _light), ("vpd", _dryness), ("pr", _rain)):
        if name in record.values and name not in told and (text := test(record)):
            lines.append((name, text))
    return lines


def _is_cold(record: SiteRecord) -> bool:
    """Whether it never was warm, so that a small deficit of vapour pressure says nothing."""
    celsius = record.values.get("tas", np.empty(0)) - ZERO_CELSIUS
    celsius = celsius[np.isfinite(celsius)]
    return bool(celsius.size and -60.0 < np.percentile(celsius, 95) < COLD)


def _magnitude(record: SiteRecord, name: str, usual: Usual) -> str:
    values, units = record.values[name], record.variables[name].variable.units
    present = np.abs(values[np.isfinite(values)])
    if present.size < FEWEST or not present.any():
        return ""
    factor, _ = unit_conversion(units, usual.units, name)
    size = float(np.percentile(present, usual.percentile)) * factor
    if usual.low <= size <= usual.high:
        return ""
    if usual.units == "K" and usual.low <= size + ZERO_CELSIUS <= usual.high:
        return f"the median is {size:.4g} K: the values are in degC, said to be K"
    if usual.units == "K" and usual.low <= size - ZERO_CELSIUS <= usual.high:
        return f"the median is {size:.4g} K: the values are in K, said to be degC"
    text = (
        f"the {usual.percentile:g}th percentile is {size:.3g} {usual.units}, usual are {usual.low:g} to {usual.high:g}"
    )
    return text + _confusion(size, usual)


def _confusion(size: float, usual: Usual) -> str:
    """The confusions of units that make a size usual, first the one that ends nearest the middle of what is usual."""
    middle = np.sqrt(usual.low * usual.high)
    fitting = sorted(
        (abs(np.log(size * factor / middle)), text)
        for factor, text in usual.confusions.items()
        if usual.low <= size * factor <= usual.high
    )
    return "; perhaps " + ", or ".join(text for _, text in fitting) if fitting else "; is the unit right?"


def _above(record: SiteRecord) -> np.ndarray:
    day = (record.days - record.days.astype("datetime64[Y]").astype("datetime64[D]")).astype(int) + 1
    return radiation_above_atmosphere(float(record.statics["lat"]), day)


def _light(record: SiteRecord) -> str:
    above, light = _above(record), record.values["rsds"]
    lit = np.isfinite(light) & (above > 100.0)
    if lit.sum() < FEWEST:
        return ""
    clearest = float(np.percentile(light[lit] / above[lit], 95))
    text = f"clear days have {clearest:.2f} of the radiation above the atmosphere, usual are 0.6 to 0.85"
    if clearest > TOO_BRIGHT:
        return text + "; are latitude and dates right, or is it photon flux (umol m-2 s-1), or per hour?"
    if clearest < TOO_DIM:
        fits = 0.5 <= clearest * 11.574 <= 1.0
        return text + ("; are they MJ m-2 day-1, said to be W m-2?" if fits else "; is the unit right?")
    return ""


def _dryness(record: SiteRecord) -> str:
    if "tas" not in record.values:
        return ""
    saturated = saturation_vapour_pressure(record.values["tas"] - ZERO_CELSIUS)
    ratio = record.values["vpd"] / saturated
    warm = np.isfinite(ratio) & (record.values["tas"] > ZERO_CELSIUS)
    if warm.sum() < FEWEST:
        return ""
    driest = float(np.percentile(ratio[warm], 98))
    text = f"the driest days have a deficit of {driest:.2g} times the saturation pressure, usual are 0.3 to 1"
    if driest < TOO_HUMID:
        return text + ("; are they kPa, said to be hPa?" if driest * 10.0 > TOO_HUMID else "; is the unit right?")
    if driest > TOO_DRY:
        return text + ("; are they hPa, said to be kPa?" if driest / 10.0 < TOO_DRY else "; is the unit right?")
    return ""


def _rain(record: SiteRecord) -> str:
    rain = record.values["pr"]
    present = rain[np.isfinite(rain)]
    if present.size < 300:
        return ""
    factor, _ = unit_conversion(record.variables["pr"].variable.units, "mm day-1", "pr")
    year = float(present.mean()) * factor * 365.25
    if DRIEST <= year <= WETTEST:
        return ""
    return f"{year:.4g} mm in a year; is it an amount of each interval (`per: interval`), or a rate?"
