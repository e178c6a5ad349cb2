"""The project's bars for the emulators, and whether the numbers meet them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.learning import plan
from benchmarks.learning.results import Case, Entry, Results

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


def all_bars(results: Results, comparisons: list[dict[str, Any]], gaps: list[dict[str, Any]]) -> list[Bar]:
    """Every bar of the benchmark, in the order of the project's list."""
    return [
        *_headline(results),
        *_against_baselines(comparisons),
        *_gaps(gaps),
        *_unified(comparisons),
        *_ablations(comparisons),
        *_coverage(results),
    ]


def _headline(results: Results) -> Iterator[Bar]:
    case, entry = Case("wetland", "fch4", "temporal"), Entry("cham_net", "gauged")
    for name, sense, bar in (("nrmse", "<=", 0.43), ("r2", ">=", 0.97), ("r2_median_site", ">=", 0.85)):
        value = results.mean(case, entry, name)
        yield _judged(f"CH4 emission, temporal: CHAM-net {name}", sense, bar, value, _seeds(results.seeds(case, entry)))


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
        what = f"{model} ({mode}) / best baseline {table} past flux, {ensemble} {target}, {split}"
        yield _ratio(what, bar, found)


def _unified(comparisons: list[dict[str, Any]]) -> Iterator[Bar]:
    for item in comparisons:
        if item["kind"] == "unified":
            what = f"unified ({item['past_flux']}) / better of the two, {_where(item)}"
            yield _judged(what, "<", 1.0, item["rmse_ratio"], _test(item))


def _ablations(comparisons: list[dict[str, Any]]) -> Iterator[Bar]:
    for item in comparisons:
        if item["kind"] == "ablation":
            what = f"{item['model']} ({item['past_flux']}) / {item['baseline']}, {_where(item)}"
            yield _judged(what, "<", 1.0, item["rmse_ratio"], _test(item))


def _gaps(gaps: list[dict[str, Any]]) -> Iterator[Bar]:
    for item in gaps:
        if item["table"] != "without":
            continue
        new = item["split"] != "temporal"
        cham = item["model"] == "cham_net" and item["oracle"] == "true_parameters" and item["past_flux"] == "gauged"
        raci = item["model"] == "raci" and item["oracle"] == plan.RETRIEVED and new
        if cham or raci:
            what = f"{item['model']}: share of the gap to {item['oracle']} closed, {_where(item)}"
            note = f"best baseline {item['baseline']}"
            if not math.isfinite(item["share_closed"]):
                note = "no gap: the oracle is no better than the best baseline"
            yield _judged(what, ">=", 0.6 if cham else 0.5, item["share_closed"], note)


def _coverage(results: Results) -> Iterator[Bar]:
    for case in results.main_cases():
        if case.split == "leave_biome_out":
            continue
        for entry in results.entries(case):
            value = results.mean(case, entry, "coverage90")
            if math.isfinite(value) and entry.model in plan.CHALLENGERS:
                what = (
                    f"90 % interval of {entry.model} ({entry.past_flux}), {case.ensemble} {case.target}, {case.split}"
                )
                yield Bar(what, "0.88 to 0.92", value, 0.88 <= value <= 0.92)


def _find(comparisons: list[dict[str, Any]], *values: str) -> dict[str, Any] | None:
    keys = ("kind", "model", "past_flux", "ensemble", "target", "split", "table")
    return next((item for item in comparisons if tuple(item[key] for key in keys) == values), None)


def _ratio(what: str, bar: float, found: dict[str, Any] | None) -> Bar:
    text = f"<= {bar:g}, p < {LEVEL:g}"
    if found is None or not math.isfinite(found["rmse_ratio"]):
        return Bar(what, text, None, None)
    met = found["rmse_ratio"] <= bar and found["p_value"] < LEVEL
    return Bar(what, text, found["rmse_ratio"], met, f"{found['baseline']}; {_test(found)}")


def _judged(what: str, sense: str, bar: float, value: float, note: str = "") -> Bar:
    if not math.isfinite(value):
        return Bar(what, f"{sense} {bar:g}", None, None, note)
    met = {"<=": value <= bar, ">=": value >= bar, "<": value < bar}[sense]
    return Bar(what, f"{sense} {bar:g}", value, met, note)


def _where(item: dict[str, Any]) -> str:
    return f"{item['ensemble']} {item['target']}, {item['split']}"


def _test(item: dict[str, Any]) -> str:
    p_value = "p < 0.001" if item["p_value"] < 0.001 else f"p = {item['p_value']:.3f}"
    return f"{item['low']:.2f} to {item['high']:.2f}, {p_value}, {_seeds(item['seeds'])}"


def _seeds(seeds: object) -> str:
    count = len(list(seeds))  # type: ignore[call-overload]
    return f"{count} seed{'s' if count != 1 else ''}"
