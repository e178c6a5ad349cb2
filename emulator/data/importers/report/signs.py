"""Whether fluxes point the way they must: by their day and night, by one another, by light and season."""

import hashlib

import numpy as np

from emulator.data.importers.site_record import SiteRecord
from foundations.sun import hour_of_sun, mean_equation_of_time, radiation_above_atmosphere

FEWEST = 60
NOON, FARTHEST = 12.0, 3.0
CLEAR, WEAK = 0.3, 0.15
"""Correlations that tell a direction: of daily series, and within months."""
STEPS_FOR_SHIFT, SHIFT_MARGIN = 48, 0.15
"""Intervals of a day with which half an hour can be told, and hours within which light is centred half an hour off."""
FEWEST_COLUMNS = 3
"""Variables that tell a day from others."""
IDENTICAL_DAYS = 15
"""Days of the same value in a row, as of a stuck instrument."""


def doubts(record: SiteRecord) -> list[tuple[str, str]]:
    """(variable, what is doubtful) of the directions and times of a record."""
    tests = (_carbon_identity, _negative_gross, _nee_of_day_and_night, _nee_in_light, _evaporation, _season, _noon)
    lines: dict[str, str] = {}
    for test in tests:
        outcome = test(record)
        if outcome is not None:
            lines.setdefault(*outcome)
    return [*lines.items(), *_stuck(record), *copied_days(record)]


def _pair(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    present = np.isfinite(first) & np.isfinite(second)
    return (first[present], second[present]) if present.sum() >= FEWEST else None


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    pair = _pair(first, second)
    if pair is None or pair[0].std() == 0.0 or pair[1].std() == 0.0:
        return 0.0
    return float(np.corrcoef(*pair)[0, 1])


def _carbon_identity(record: SiteRecord) -> tuple[str, str] | None:
    """nee is respiration less gpp, not the reverse."""
    if not {"nee", "gpp"} <= set(record.values):
        return None
    respiration = record.values.get("reco")
    if respiration is None and {"ra", "rh"} <= set(record.values):
        respiration = record.values["ra"] + record.values["rh"]
    if respiration is None:
        return None
    pair = _pair(record.values["nee"], respiration - record.values["gpp"])
    if pair is None:
        return None
    same, turned = float(np.median(np.abs(pair[0] - pair[1]))), float(np.median(np.abs(pair[0] + pair[1])))
    if turned < 0.5 * same:
        return "nee", "is gpp less respiration at this site, and should be the reverse: its sign is turned round"
    return None


def _negative_gross(record: SiteRecord) -> tuple[str, str] | None:
    for name in ("gpp", "ra", "rh", "reco"):
        values = record.values.get(name, np.empty(0))
        present = values[np.isfinite(values)]
        if present.size >= FEWEST and np.percentile(present, 75) < 0.0:
            return name, "is negative on most days; by definition it is positive: its sign is turned round"
    return None


def _nee_of_day_and_night(record: SiteRecord) -> tuple[str, str] | None:
    light, net = record.diurnal.get("rsds"), record.diurnal.get("nee")
    if light is None or net is None or not np.isfinite(light).all() or not np.isfinite(net).all():
        return None
    day, night = light > 0.5 * light.max(), light < 0.02 * light.max()
    if not day.any() or not night.any():
        return None
    difference = float(net[day].mean() - net[night].mean())
    if difference > 0.5 * float(net.std()) > 0.0:
        return "nee", "is higher by day than by night; plants take up carbon in light: its sign is turned round"
    return None


def _nee_in_light(record: SiteRecord) -> tuple[str, str] | None:
    """By gross uptake where that is there, else by light within months, in the half year of growth."""
    if "nee" not in record.values:
        return None
    net = record.values["nee"]
    if "gpp" in record.values:
        if _correlation(net, np.abs(record.values["gpp"])) > CLEAR:
            return "nee", "rises with gpp; uptake is negative here: its sign is turned round"
        return None
    if not {"rsds", "tas"} <= set(record.values):
        return None
    warm = record.values["tas"] > np.nanmedian(record.values["tas"])
    months = record.days.astype("datetime64[M]").astype(int)
    if _correlation(_anomalies(net, months)[warm], _anomalies(record.values["rsds"], months)[warm]) > WEAK:
        return "nee", "rises with light within months; uptake is negative here: its sign is turned round"
    return None


def _anomalies(values: np.ndarray, months: np.ndarray) -> np.ndarray:
    """Values (D,) less the mean of their month."""
    place = months - months.min()
    present = np.isfinite(values)
    counts = np.bincount(place[present], minlength=place.max() + 1)
    sums = np.bincount(place[present], values[present], minlength=place.max() + 1)
    return values - (sums / np.maximum(counts, 1))[place]


def _evaporation(record: SiteRecord) -> tuple[str, str] | None:
    present = {"evspsbl", "rsds"} <= set(record.values)
    if present and _correlation(record.values["evspsbl"], record.values["rsds"]) < -CLEAR:
        return "evspsbl", "falls with light; evaporation is positive here: its sign is turned round"
    return None


def _season(record: SiteRecord) -> tuple[str, str] | None:
    """Warm when the sun is high: else latitude, dates or sign are wrong. Not judged in the tropics."""
    lat = float(record.statics["lat"])
    if "tas" not in record.values or abs(lat) < 25.0 or len(record.days) < 300:
        return None
    day = (record.days - record.days.astype("datetime64[Y]").astype("datetime64[D]")).astype(int) + 1
    if _correlation(record.values["tas"], radiation_above_atmosphere(lat, day)) < -CLEAR:
        return (
            "tas",
            f"is lowest when the sun is highest at latitude {lat:g}; are the sign of the latitude and the dates right?",
        )
    return None


def _noon(record: SiteRecord) -> tuple[str, str] | None:
    light = record.diurnal.get("rsds")
    if light is None or not np.isfinite(light).all():
        return None
    hour = hour_of_sun(light, len(light))
    clock = f"is highest at {int(hour % 24):02d}:{int(hour % 1 * 60):02d}" if np.isfinite(hour) else ""
    if clock and abs(hour - NOON) > FARTHEST:
        return "rsds", (
            f"{clock}; times must be local standard time, and tell the moment of the interval that the mapping says "
            "(time.zone, time.stamp)"
        )
    lit = np.isfinite(record.values["rsds"]) & (record.values["rsds"] > 0.0) if "rsds" in record.values else np.empty(0)
    if not clock or len(light) < STEPS_FOR_SHIFT or lit.sum() < FEWEST:
        return None
    east = float(record.statics["lon"]) / 15.0
    late = hour - (NOON + round(east) - east - mean_equation_of_time(record.days[lit]))
    if abs(abs(late - round(late)) - 0.5) > SHIFT_MARGIN:
        return None
    return "rsds", (
        f"{clock}, half an hour from the sun's noon at longitude {15.0 * east:g} in any zone of whole hours; do the "
        "stamps mark the start or the end of intervals (time.stamp)? In zones such as UTC+5:30 it is right"
    )


def copied_days(record: SiteRecord) -> list[tuple[str, str]]:
    """Days that have the very values of another day in all that was measured, as where a piece was pasted twice."""
    columns = []
    for name in record.of_role("fast", "target"):
        values = record.values[name].copy()
        for flags in (record.source.get(name), record.quality.get(name)):
            if flags is not None:
                values[~(flags == 0)] = np.nan
        if np.isfinite(values).sum() >= FEWEST and len(np.unique(values[np.isfinite(values)])) > values.size // 10:
            columns.append(values)
    if len(columns) < FEWEST_COLUMNS:
        return []
    table = np.stack(columns, axis=1)
    told = np.flatnonzero((np.isfinite(table) & (table != 0.0)).sum(axis=1) >= FEWEST_COLUMNS)
    _, first, place = np.unique(np.nan_to_num(table[told]), axis=0, return_index=True, return_inverse=True)
    again = np.flatnonzero(first[np.ravel(place)] != np.arange(len(told)))
    if not again.size:
        return []
    days, origin = record.days[told], first[np.ravel(place)]
    text = f"{again.size} days have the values of other days, {days[again[0]]} those of {days[origin[again[0]]]}"
    return [("", f"{text}: pasted twice, or weather of other years?")]


def _stuck(record: SiteRecord) -> list[tuple[str, str]]:
    lines = []
    for name in record.of_role("fast", "target"):
        values = record.values[name]
        measured = np.isfinite(values) & (values != 0.0)
        if name in record.source:
            measured &= record.source[name] == 0
        same = measured[1:] & measured[:-1] & (values[1:] == values[:-1])
        edges = np.diff(np.concatenate([[0], same.astype(np.int8), [0]]))
        begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
        if not begins.size or record.variables[name].variable.cell_method == "point":
            continue
        longest = int(np.argmax(ends - begins))
        length = int(ends[longest] - begins[longest]) + 1
        if length >= IDENTICAL_DAYS and same.mean() < 0.5:
            lines.append(
                (name, f"has the same value for {length} days from {record.days[begins[longest]]}: a stuck instrument?")
            )
    return lines


class SameFluxes:
    """Sites that have the very same fluxes as one before, told site by site."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, bytes], str] = {}

    def doubts(self, record: SiteRecord) -> list[tuple[str, str]]:
        """(variable, what is doubtful) of a record."""
        lines = []
        for name in record.of_role("target"):
            values = record.values[name]
            if np.isfinite(values).sum() < FEWEST or np.nanstd(values) == 0.0:
                continue
            digest = hashlib.blake2b(values[np.isfinite(values)].astype(np.float32).tobytes(), digest_size=16).digest()
            other = self._seen.setdefault((name, digest), record.site_id)
            if other != record.site_id:
                lines.append((name, f"is that of site {other}, value by value: a copy?"))
        return lines
