"""The project's bars for the emulators, and whether the numbers meet them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.learning import plan
from benchmarks.learning.labels import SPLIT_NAMES, entry_name, quantity_name
from benchmarks.learning.results import Case, Entry, Results
from emulator.evaluation.figures.style import model_name

LEVEL = 0.05
"""Largest p-value of a difference that counts."""


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
    wanted = (
        ("nRMSE", "nrmse", "<=", 0.43),
        ("R2", "r2", ">=", 0.97),
        ("R2 at the median site", "r2_median_site", ">=", 0.85),
    )
    for name, key, sense, bar in wanted:
        value = results.mean(case, entry, key)
        bar_found = _judged(f"CHAM-net (gauged): {name}, CH4 emission of wetlands, later years", sense, bar, value)
        yield replace(bar_found, seeds=len(results.seeds(case, entry)))


def _against_baselines(comparisons: list[dict[str, Any]]) -> Iterator[Bar]:
    wanted = [
        ("cham_net", "gauged", ensemble, "fch4", split, table, bar)
        for ensemble in ("wetland", "upland")
        for split in ("temporal", "spatial")
        for table, bar in (("without", 0.8), ("with", 0.9))
    ]
    wanted += [
        ("raci", "none", ensemble, target, split, "without", 0.8)
        for ensemble, target in (("cropland", "gpp"), ("cropland", "nee"), ("wetland", "fch4"), ("upland", "fch4"))
        for split in ("spatial", "leave_biome_out")
    ]
    for model, mode, ensemble, target, split, table, bar in wanted:
        found = _find(comparisons, "baseline", model, mode, ensemble, target, split, table)
        what = (
            f"{entry_name(Entry(model, mode))} over the best baseline {table} past flux, "
            f"{quantity_name(ensemble, target)}, {SPLIT_NAMES[split]}"
        )
        yield _ratio(what, bar, found)


def _unified(comparisons: list[dict[str, Any]]) -> Iterator[Bar]:
    for item in comparisons:
        if item["kind"] == "unified" and _is_scored(item):
            what = f"unified ({item['past_flux']}) over the better of the two, {_where(item)}"
            yield replace(_judged(what, "<", 1.0, item["rmse_ratio"], _test(item)), seeds=len(item["seeds"]))


def _ablations(comparisons: list[dict[str, Any]]) -> Iterator[Bar]:
    for item in comparisons:
        if item["kind"] == "ablation" and _is_scored(item):
            what = f"{_name(item)} over {item['baseline']}, {_where(item)}"
            yield replace(_judged(what, "<", 1.0, item["rmse_ratio"], _test(item)), seeds=len(item["seeds"]))


def _gaps(gaps: list[dict[str, Any]]) -> Iterator[Bar]:
    for item in gaps:
        if not _is_scored(item):
            continue
        new = item["split"] != "temporal"
        cham = item["model"] == "cham_net" and item["oracle"] == "true_parameters" and item["past_flux"] == "gauged"
        raci = item["model"] == "raci" and item["oracle"] == plan.RETRIEVED and new
        if cham or raci:
            what = (
                f"{_name(item)}: share of the gap from the best baseline {item['table']} past flux to "
                f"{item['oracle'].replace('_', ' ')}, {_where(item)}"
            )
            note = f"best baseline {model_name(item['baseline'])}"
            if not math.isfinite(item["share_closed"]):
                note = "no gap: the oracle is no better than the best baseline"
            found = _judged(what, ">=", 0.6 if cham else 0.5, item["share_closed"], note)
            yield replace(found, seeds=len(item["seeds"]))


def _coverage(results: Results) -> Iterator[Bar]:
    for case in results.main_cases():
        if case.split == "leave_biome_out":
            continue
        for entry in results.entries(case):
            value = results.mean(case, entry, "coverage90")
            if math.isfinite(value) and entry.model in plan.CHALLENGERS:
                where = f"{quantity_name(case.ensemble, case.target)}, {SPLIT_NAMES[case.split]}"
                what = f"90 % interval of {entry_name(entry)}: {where}"
                seeds = len(results.values(case, entry, "coverage90"))
                yield Bar(what, "0.88 to 0.92", value, 0.88 <= value <= 0.92, seeds=seeds)


def _find(comparisons: list[dict[str, Any]], *values: str) -> dict[str, Any] | None:
    keys = ("kind", "model", "past_flux", "ensemble", "target", "split", "table")
    return next((item for item in comparisons if tuple(item[key] for key in keys) == values), None)


def _ratio(what: str, bar: float, found: dict[str, Any] | None) -> Bar:
    text = f"<= {bar:g}, p < {LEVEL:g}"
    if found is None or not math.isfinite(found["rmse_ratio"]):
        return Bar(what, text, None, None)
    met = found["rmse_ratio"] <= bar and found["p_value"] < LEVEL
    better = ", ".join(model_name(kind) for kind in found["overlooked"])
    others = f"; with fewer seeds, yet better on them: {better}" if better else ""
    note = f"{model_name(found['baseline'])}, best of {found['candidates']}{others}; {_test(found)}"
    return Bar(what, text, found["rmse_ratio"], met, note, seeds=len(found["seeds"]))


def _judged(what: str, sense: str, bar: float, value: float, note: str = "") -> Bar:
    if not math.isfinite(value):
        return Bar(what, f"{sense} {bar:g}", None, None, note)
    met = {"<=": value <= bar, ">=": value >= bar, "<": value < bar}[sense]
    return Bar(what, f"{sense} {bar:g}", value, met, note)


def _where(item: dict[str, Any]) -> str:
    return f"{quantity_name(item['ensemble'], item['target'])}, {SPLIT_NAMES[item['split']]}"


def _name(item: dict[str, Any]) -> str:
    return entry_name(Entry(item["model"], item["past_flux"]))


def _test(item: dict[str, Any]) -> str:
    p_value = "p < 0.001" if item["p_value"] < 0.001 else f"p = {item['p_value']:.3f}"
    return f"{item['low']:.2f} to {item['high']:.2f}, {p_value}"


def _is_scored(item: dict[str, Any]) -> bool:
    """Whether the tables show the target of a comparison."""
    return item["target"] in plan.ENSEMBLES[item["ensemble"]].scored
