"""Parts of models.md that judge: bars, models against the best baselines, gaps to oracles, ablations."""

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

from benchmarks.learning import plan
from benchmarks.learning.bars import COVERAGE_LIMITS, LEVEL, Bar, is_scored
from benchmarks.learning.labels import SPLIT_NAMES, entry_name, quantity_name
from benchmarks.learning.markdown import number, share_done, table
from benchmarks.learning.results import Entry
from emulator.evaluation.figures import style

DETAILED = ("CH4 emission, later years", "against the best baseline", "share of the gap to an oracle")
"""Groups of bars whose every bar is listed; the others have tables of their own."""

OPPONENTS = {"without": "best baseline without past flux", "with": "best baseline with past flux"}

Comparison = dict[str, Any]
"""An entry of models.json under `comparisons`."""


class Match(NamedTuple):
    """A row of the table of comparisons: what is predicted, by which model, against whom."""

    quantity: str
    model: str
    opponent: str


class Ablation(NamedTuple):
    """A row of the table of ablations."""

    model: str
    past_flux: str
    without: str
    ensemble: str
    target: str


def bar_section(bars: list[Bar], seeds: int) -> str:
    """How many of each group are met, and the bars that no other table shows."""
    groups = list(dict.fromkeys(bar.group for bar in bars))
    counts = [
        [group, *(sum(bar.met is verdict for bar in bars if bar.group == group) for verdict in (True, False, None))]
        for group in groups
    ]
    text = (
        "## Bars\n\nWhat the project asks for. Means over three seeds or more are asked for; with fewer the verdict is "
        "provisional and the seeds are marked."
    )
    rows = [
        [
            bar.what,
            bar.bar,
            number(bar.value),
            ("met" if bar.met else "**missed**")
            + (f" ({share_done(bar.seeds, seeds)} seeds)" if bar.seeds < seeds else ""),
            bar.note,
        ]
        for bar in bars
        if bar.group in DETAILED and bar.met is not None
    ]
    parts = [text, table(["bars", "met", "missed", "not measured"], counts)]
    if rows:
        parts.append(table(["bar", "wanted", "found", "", "against; 95 % interval"], rows))
    return "\n\n".join([*parts, *_coverage_table(bars)])


def _coverage_table(bars: list[Bar]) -> list[str]:
    """Coverage of the models' 90 % intervals, a row for each quantity and test."""
    by_place: dict[str, dict[str, Bar]] = {}
    for bar in bars:
        if bar.group == "90 % intervals":
            model, _, place = bar.what.removeprefix("90 % interval of ").partition(": ")
            by_place.setdefault(place, {})[model] = bar
    models = sorted({model for by_model in by_place.values() for model in by_model})
    if not models:
        return []
    rows = [[place, *(_coverage(by_model.get(model)) for model in models)] for place, by_model in by_place.items()]
    low, high = COVERAGE_LIMITS
    text = f"Share of test days within the 90 % interval, wanted {low:g} to {high:g}; **bold**: outside of that."
    return [text, table(["quantity and test", *models], rows)]


def _coverage(bar: Bar | None) -> str:
    if bar is None:
        return "-"
    return number(bar.value) if bar.met else f"**{number(bar.value)}**"


def comparison_section(comparisons: list[Comparison], seeds: int) -> str:
    """A row for each quantity, model and kind of opponent, a column for each test."""
    rows: dict[Match, dict[str, Comparison]] = {}
    for comparison in comparisons:
        if comparison["kind"] in ("baseline", "unified") and is_scored(comparison):
            is_baseline = comparison["kind"] == "baseline"
            match = Match(
                quantity_name(comparison["ensemble"], comparison["target"]),
                entry_name(Entry(comparison["model"], comparison["past_flux"])),
                OPPONENTS[comparison["table"]] if is_baseline else "the better of CHAM-net and RACI",
            )
            rows.setdefault(match, {})[comparison["split"]] = comparison
    if not rows:
        return ""
    splits = _splits_of(rows.values())
    cells = [
        [
            *match,
            *(_comparison(tests[split]) if split in tests else "-" for split in splits),
            share_done(min(len(comparison["seeds"]) for comparison in tests.values()), seeds),
        ]
        for match, tests in sorted(rows.items(), key=lambda row: _order(row[0]))
    ]
    text = (
        "## Against the best baseline\n\nRMSE of a model over that of its opponent, with the 95 % interval from 10,000 "
        "resamples of the test sites, pooled over seeds. **Bold**: lower, one-sided p < 0.05; *italics*: not lower. "
        "The best baseline is that with the lowest mean test RMSE, which favours the baselines. With one seed the "
        "interval holds the chance of which sites are tested, not that of training."
    )
    header = ["quantity", "model", "against", *(SPLIT_NAMES[split] for split in splits), "seeds"]
    return f"{text}\n\n" + table(header, cells)


def _splits_of(rows: Iterable[dict[str, Comparison]]) -> list[str]:
    """Tests that any row has, in order."""
    tested = {split for tests in rows for split in tests}
    return [split for split in SPLIT_NAMES if split in tested]


def _order(match: Match) -> tuple[bool, int, str, str]:
    """Baselines before the other comparisons, then the order of the ensembles."""
    names = [quantity_name(name, target) for name, ensemble in plan.ENSEMBLES.items() for target in ensemble.scored]
    return (match.opponent not in OPPONENTS.values(), names.index(match.quantity), match.model, match.opponent)


def _comparison(comparison: Comparison) -> str:
    """Ratio, interval and opponent, and the opponents that were left out for a missing seed."""
    ratio = comparison["rmse_ratio"]
    mark = "**" if ratio < 1.0 and comparison["p_value"] < LEVEL else "*" if ratio >= 1.0 else ""
    opponent = style.model_name(comparison["baseline"])
    notes = []
    if comparison["kind"] == "baseline":
        opponent += f", best of {comparison['candidates']}"
        if comparison["overlooked"]:
            better = ", ".join(style.model_name(kind) for kind in comparison["overlooked"])
            notes.append(f"fewer seeds, but better on them: {better}")
    interval = f"({number(comparison['low'])} to {number(comparison['high'])})"
    return "; ".join([f"{mark}{number(ratio)}{mark} {interval}", opponent, *notes])


def gap_section(gaps: list[dict[str, Any]], seeds: int) -> str:
    """A row for each share of a gap."""
    rows = [
        [
            quantity_name(gap["ensemble"], gap["target"]),
            SPLIT_NAMES[gap["split"]],
            entry_name(Entry(gap["model"], gap["past_flux"])),
            gap["oracle"].replace("_", " "),
            f"{number(gap['rmse_baseline'])} ({entry_name(Entry(gap['baseline'], gap['baseline_past_flux']))})",
            number(gap["rmse"]),
            number(gap["rmse_oracle"]),
            f"{gap['share_closed']:.0%}" if math.isfinite(gap["share_closed"]) else "no gap",
            share_done(len(gap["seeds"]), seeds),
        ]
        for gap in gaps
        if is_scored(gap)
    ]
    if not rows:
        return ""
    text = (
        "## Share of the gap to oracles closed\n\nAn oracle is the same network, run in the same mode, given the "
        "hidden parameters of the site as inputs, or their kriging from the training sites; with *retrieved* "
        "parameters it is trained with the true ones and tested with the kriged ones."
    )
    header = ["quantity", "test", "model", "oracle", "RMSE of the baseline", "of the model", "of the oracle", "closed"]
    return f"{text}\n\n" + table([*header, "seeds"], rows)


def ablation_section(comparisons: list[Comparison]) -> str:
    """A row for each part of a network and quantity, a column for each test."""
    tests_of: dict[Ablation, dict[str, Comparison]] = {}
    for comparison in comparisons:
        if comparison["kind"] == "ablation" and is_scored(comparison) and math.isfinite(comparison["rmse_ratio"]):
            ablation = Ablation(*(comparison[key] for key in ("model", "past_flux", "baseline", "ensemble", "target")))
            tests_of.setdefault(ablation, {})[comparison["split"]] = comparison
    if not tests_of:
        return ""
    splits = _splits_of(tests_of.values())
    rows = []
    for ablation, tests in tests_of.items():
        part = ablation.without.partition("/")[2].removeprefix("no_").replace("_", " ")
        rows.append(
            [
                entry_name(Entry(ablation.model, ablation.past_flux)),
                part,
                quantity_name(ablation.ensemble, ablation.target),
                *(_ablation(tests[split]) if split in tests else "-" for split in splits),
                len(next(iter(tests.values()))["seeds"]),
            ]
        )
    text = (
        "## Ablations\n\nRMSE without a part over RMSE with it, 95 % interval: above 1 the part helps. **Bold**: the "
        "interval is above 1; *italics*: below, the part harms. A model without past flux is compared with the whole "
        "one in both its modes."
    )
    header = ["model", "without", "quantity", *(SPLIT_NAMES[split] for split in splits), "seeds"]
    return f"{text}\n\n" + table(header, rows)


def _ablation(comparison: Comparison) -> str:
    ratio, low, high = (1.0 / comparison[name] for name in ("rmse_ratio", "high", "low"))
    mark = "**" if low > 1.0 else "*" if high < 1.0 else ""
    return f"{mark}{ratio:.3f}{mark} ({low:.3f} to {high:.3f})"
