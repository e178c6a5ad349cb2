"""The project's bars for the emulators, and whether the numbers meet them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from benchmarks.learning import plan
from benchmarks.learning.labels import SPLIT_NAMES, entry_name, quantity_name
from benchmarks.learning.results import Case, Entry, Results
from emulator.evaluation.figures.style import model_name

LEVEL = 0.05
"""Largest p-value of a difference that counts."""
COVERAGE_LIMITS = (0.88, 0.92)
"""Share of test days that a 90 % interval is to hold."""


@dataclass(frozen=True)
class Bar:
    """A bar, the value that was found, and whether it is met; None where nothing was measured."""

    what: str
    bar: str
    value: float | None
    met: bool | None
    note: str = ""
    group: str = ""
    seeds: int = 0


def all_bars(results: Results, comparisons: list[dict[str, Any]], gaps: list[dict[str, Any]]) -> list[Bar]:
    """Every bar of the benchmark, in the order of the project's list."""
    groups = {
        "CH4 emission, later years": _headline(results),
        "against the best baseline": _against_baselines(comparisons),
        "share of the gap to an oracle": _gaps(gaps),
        "unified model against the better of the two": _unified(comparisons),
        "parts of the networks": _ablations(comparisons),
        "90 % intervals": _coverage(results),
    }
    return [replace(bar, group=group) for group, bars in groups.items() for bar in bars]


def _headline(results: Results) -> Iterator[Bar]:
    case, entry = Case("wetland", "fch4", "temporal"), Entry("cham_net", "gauged")
    limits = (
        ("nRMSE", "nrmse", "<=", 0.43),
        ("R2", "r2", ">=", 0.97),
        ("R2 at the median site", "r2_median_site", ">=", 0.85),
    )
    for name, metric, sense, limit in limits:
        value = results.mean(case, entry, metric)
        bar = _judged(f"CHAM-net (gauged): {name}, CH4 emission of wetlands, later years", sense, limit, value)
        yield replace(bar, seeds=len(results.seeds(case, entry)))


class Duel(NamedTuple):
    """A comparison with the best baseline that a bar is set for; the fields but the last are keys of comparisons."""

    model: str
    past_flux: str
    ensemble: str
    target: str
    split: str
    table: str
    limit: float

    def is_of(self, comparison: dict[str, Any]) -> bool:
        keys = self._fields[:-1]
        return comparison["kind"] == "baseline" and all(comparison[key] == getattr(self, key) for key in keys)


def _against_baselines(comparisons: list[dict[str, Any]]) -> Iterator[Bar]:
    duels = [
        Duel("cham_net", "gauged", ensemble, "fch4", split, table, limit)
        for ensemble in ("wetland", "upland")
        for split in ("temporal", "spatial")
        for table, limit in (("without", 0.8), ("with", 0.9))
    ]
    duels += [
        Duel("raci", "none", ensemble, target, split, "without", 0.8)
        for ensemble, target in (("cropland", "gpp"), ("cropland", "nee"), ("wetland", "fch4"), ("upland", "fch4"))
        for split in ("spatial", "leave_biome_out")
    ]
    for duel in duels:
        what = (
            f"{entry_name(Entry(duel.model, duel.past_flux))} over the best baseline {duel.table} past flux, "
            f"{quantity_name(duel.ensemble, duel.target)}, {SPLIT_NAMES[duel.split]}"
        )
        yield _ratio(what, duel.limit, next(filter(duel.is_of, comparisons), None))


def _unified(comparisons: list[dict[str, Any]]) -> Iterator[Bar]:
    for comparison in comparisons:
        if comparison["kind"] == "unified" and is_scored(comparison):
            what = f"unified ({comparison['past_flux']}) over the better of the two, {_where(comparison)}"
            yield _lower(what, comparison)


def _ablations(comparisons: list[dict[str, Any]]) -> Iterator[Bar]:
    for comparison in comparisons:
        if comparison["kind"] == "ablation" and is_scored(comparison):
            what = f"{_name(comparison)} over {comparison['baseline']}, {_where(comparison)}"
            yield _lower(what, comparison)


def _lower(what: str, comparison: dict[str, Any]) -> Bar:
    """That the RMSE of a model is lower than that of its opponent."""
    bar = _judged(what, "<", 1.0, comparison["rmse_ratio"], _interval(comparison))
    return replace(bar, seeds=len(comparison["seeds"]))


def _gaps(gaps: list[dict[str, Any]]) -> Iterator[Bar]:
    for gap in gaps:
        limit = _least_share(gap)
        if limit is None or not is_scored(gap):
            continue
        what = (
            f"{_name(gap)}: share of the gap from the best baseline {gap['table']} past flux to "
            f"{gap['oracle'].replace('_', ' ')}, {_where(gap)}"
        )
        note = f"best baseline {model_name(gap['baseline'])}"
        if not math.isfinite(gap["share_closed"]):
            note = "no gap: the oracle is no better than the best baseline"
        bar = _judged(what, ">=", limit, gap["share_closed"], note)
        yield replace(bar, seeds=len(gap["seeds"]))


def _least_share(gap: dict[str, Any]) -> float | None:
    """Share of a gap that a model is to close, None where no bar is set."""
    if gap["model"] == "cham_net" and gap["oracle"] == "true_parameters" and gap["past_flux"] == "gauged":
        return 0.6
    if gap["model"] == "raci" and gap["oracle"] == plan.RETRIEVED and gap["split"] != "temporal":
        return 0.5
    return None


def _coverage(results: Results) -> Iterator[Bar]:
    low, high = COVERAGE_LIMITS
    for case in results.main_cases():
        if case.split == "leave_biome_out":
            continue
        for entry in results.entries(case):
            value = results.mean(case, entry, "coverage90")
            if math.isfinite(value) and entry.model in plan.CHALLENGERS:
                where = f"{quantity_name(case.ensemble, case.target)}, {SPLIT_NAMES[case.split]}"
                what = f"90 % interval of {entry_name(entry)}: {where}"
                seeds = len(results.values(case, entry, "coverage90"))
                yield Bar(what, f"{low:g} to {high:g}", value, low <= value <= high, seeds=seeds)


def _ratio(what: str, limit: float, comparison: dict[str, Any] | None) -> Bar:
    text = f"<= {limit:g}, p < {LEVEL:g}"
    if comparison is None or not math.isfinite(comparison["rmse_ratio"]):
        return Bar(what, text, None, None)
    met = comparison["rmse_ratio"] <= limit and comparison["p_value"] < LEVEL
    better = ", ".join(model_name(kind) for kind in comparison["overlooked"])
    passed_over = f"; with fewer seeds, yet better on them: {better}" if better else ""
    candidates = f"{model_name(comparison['baseline'])}, best of {comparison['candidates']}{passed_over}"
    note = f"{candidates}; {_interval(comparison)}"
    return Bar(what, text, comparison["rmse_ratio"], met, note, seeds=len(comparison["seeds"]))


def _judged(what: str, sense: str, limit: float, value: float, note: str = "") -> Bar:
    if not math.isfinite(value):
        return Bar(what, f"{sense} {limit:g}", None, None, note)
    met = {"<=": value <= limit, ">=": value >= limit, "<": value < limit}[sense]
    return Bar(what, f"{sense} {limit:g}", value, met, note)


def _where(comparison: dict[str, Any]) -> str:
    return f"{quantity_name(comparison['ensemble'], comparison['target'])}, {SPLIT_NAMES[comparison['split']]}"


def _name(comparison: dict[str, Any]) -> str:
    return entry_name(Entry(comparison["model"], comparison["past_flux"]))


def _interval(comparison: dict[str, Any]) -> str:
    p_value = "p < 0.001" if comparison["p_value"] < 0.001 else f"p = {comparison['p_value']:.3f}"
    return f"{comparison['low']:.2f} to {comparison['high']:.2f}, {p_value}"


def is_scored(comparison: dict[str, Any]) -> bool:
    """Whether the tables show the target of a comparison or gap."""
    return comparison["target"] in plan.ENSEMBLES[comparison["ensemble"]].scored
