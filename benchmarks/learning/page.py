"""models.md: the tables of the benchmark and its figures, for people."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.learning import plan
from benchmarks.learning.bars import LEVEL, Bar
from benchmarks.learning.comparisons import TABLES, baselines, best
from benchmarks.learning.labels import SPLIT_NAMES, entry_name, leaders, quantities, quantity_name
from benchmarks.learning.results import Case, Entry, Results
from benchmarks.learning.skill_figures import by_group
from emulator.evaluation.figures import style
from foundations.variables import VARIABLES

TITLES = {
    "rmse": "RMSE", "nrmse": "nRMSE", "nrmse_sd": "RMSE / sd", "r2": "R2", "r2_median_site": "R2, median site",
    "bias": "bias", "kge": "KGE", "crps": "CRPS", "coverage90": "90 % coverage", "spread_skill_ratio": "spread / error",
}  # fmt: skip
"""Columns of the tables of skill."""

WITHOUT, WITH = ("none", "ungauged", "self_fed"), ("gauged",)
"""Ways of running a model that see no measured flux of the test sites, and those that do."""


def markdown(
    results: Results,
    content: dict[str, Any],
    bars: list[Bar],
    drawn: list[tuple[str, str]],
    figure_path: str,
    name: str,
) -> str:
    """The whole page. content: what models.json holds; drawn: files and captions of the figures."""
    seeds = len(content["provenance"]["suite"]["seeds"])
    images = [f"![{caption}]({figure_path}/{file})\n\n*{caption}.*" for file, caption in drawn]
    parts = [
        _head(content, name),
        _missing(results, content),
        _bars(bars, seeds),
        _comparisons(content["comparisons"], seeds),
        _gap_table(content["gaps"], seeds),
        *(_tables(results, ensemble, target, seeds) for ensemble, target in quantities(results)),
        _ablations(content["comparisons"]),
        _costs(results),
        "## Figures\n\n" + "\n\n".join(images) if images else "",
    ]
    if content["failures"]:
        rows = [[f"`{item['key']}`", item["error"]] for item in content["failures"]]
        parts.append("## Runs that failed\n\n" + table(["run", "error"], rows))
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(content: dict[str, Any], name: str) -> str:
    source = content["provenance"]
    suite = source["suite"]
    split = suite["split"]
    networks = [kind for kind in (*plan.CHALLENGERS, *plan.NETWORKS) if kind in source["tuned"]]
    tuned = {
        sense: ", ".join(style.model_name(kind) for kind in networks if bool(source["tuned"][kind]) is sense)
        for sense in (True, False)
    }
    return f"""# Benchmark of the emulators

Written by `python benchmarks/models.py`; do not edit. Every number is in [{name}]({name}); [README.md](README.md) says what the keys mean.

Suite `{suite["name"]}`, {source["runs"]} runs, {source["seconds_of_runs"] / 3600:.1f} hours of processes, code {", ".join(some[:12] for some in source["git_hashes_of_runs"])}, {source["created"][:10]}, {source["machine"]["cpu"]}. Hidden size {suite["hidden"]}, {suite["training"].get("epochs")} epochs, batches of {suite["training"].get("batch_size")} sites and {suite["training"].get("years_per_window")} years. The last {split["test_years"]} years are tested and the {split["validation_years"]} before choose the checkpoint; {split["folds"]} folds of blocks of {split["block_degrees"]:g} degrees with a buffer of {split["buffer_km"]:g} km, another fold for each seed. Options tuned by the same number of trainings each: {tuned[True] or "of no network"}; defaults: {tuned[False] or "none"}.

`gauged`: the model sees the measured flux of all years before the one that it predicts, at new sites too. `ungauged`: the same model with none. `self-fed`: with its own, and none that was measured. No mark: it takes no past flux. Baselines with past flux get last year's same-day flux, the mean of past years on that day and the mean of the site. nRMSE is over the absolute mean, which says little where that is near zero (NEE); sd is the standard deviation of the observations."""  # noqa: E501


def _missing(results: Results, content: dict[str, Any]) -> str:
    """Runs of the suite that are done, where some are not."""
    counts = content["runs"]
    if all(done == wanted for part in counts for done, wanted in _pairs(part)):
        return ""
    ensembles = [name for name in plan.ENSEMBLES if any(name in part for part in counts)]
    rows = [
        [part["part"], *(f"{part[name][0]} of {part[name][1]}" if name in part else "-" for name in ensembles)]
        for part in counts
    ]
    tested = {content["run"]["kind"] for content in results.contents}
    absent = [style.model_name(kind) for kind in plan.MODELS if kind not in tested]
    text = (
        "## Not all runs are done\n\nNumbers of runs that are done. A best baseline is the best of those that were "
        "run. Where seeds are missing, the tables say how many there are."
    )
    if absent:
        text += f" Without any run: {', '.join(absent)}."
    return f"{text}\n\n" + table(["part of the suite", *ensembles], rows)


def _pairs(part: dict[str, Any]) -> Iterator[tuple[int, int]]:
    return ((value[0], value[1]) for value in part.values() if not isinstance(value, str))


def _bars(bars: list[Bar], seeds: int) -> str:
    """How many of each group are met, and the bars that no other table shows."""
    groups = list(dict.fromkeys(bar.group for bar in bars))
    counts = [
        [group, *(sum(bar.met is value for bar in bars if bar.group == group) for value in (True, False, None))]
        for group in groups
    ]
    text = (
        "## Bars\n\nWhat the project asks for. Means over three seeds or more are asked for; with fewer the verdict is "
        "provisional and the seeds are marked."
    )
    detailed = [bar for bar in bars if bar.group in DETAILED and bar.met is not None]
    rows = [
        [
            bar.what,
            bar.bar,
            _number(bar.value),
            ("met" if bar.met else "**missed**") + (f" ({_of(bar.seeds, seeds)} seeds)" if bar.seeds < seeds else ""),
            bar.note,
        ]
        for bar in detailed
    ]
    parts = [text, table(["bars", "met", "missed", "not measured"], counts)]
    if rows:
        parts.append(table(["bar", "wanted", "found", "", "against; 95 % interval"], rows))
    return "\n\n".join([*parts, *_coverage_table(bars)])


DETAILED = ("CH4 emission, later years", "against the best baseline", "share of the gap to an oracle")
"""Groups of bars whose every bar is listed; the others have tables of their own."""


def _coverage_table(bars: list[Bar]) -> list[str]:
    """Coverage of the models' 90 % intervals, a row for each quantity and test."""
    found: dict[str, dict[str, Bar]] = {}
    for bar in bars:
        if bar.group == "90 % intervals":
            model, _, where = bar.what.removeprefix("90 % interval of ").partition(": ")
            found.setdefault(where, {})[model] = bar
    models = sorted({model for row in found.values() for model in row})
    if not models:
        return []
    rows = [
        [
            where,
            *(
                "-"
                if (bar := row.get(model)) is None
                else _number(bar.value)
                if bar.met
                else f"**{_number(bar.value)}**"
                for model in models
            ),
        ]
        for where, row in found.items()
    ]
    text = "Share of test days within the 90 % interval, wanted 0.88 to 0.92; **bold**: outside of that."
    return [text, table(["quantity and test", *models], rows)]


def _comparisons(comparisons: list[dict[str, Any]], seeds: int) -> str:
    """A row for each quantity, model and kind of opponent, a column for each test."""
    rows: dict[tuple[str, str, str], dict[str, dict[str, Any]]] = {}
    for item in comparisons:
        if item["kind"] in ("baseline", "unified") and item["target"] in plan.ENSEMBLES[item["ensemble"]].scored:
            opponent = OPPONENTS[item["table"]] if item["kind"] == "baseline" else "the better of CHAM-net and RACI"
            model = entry_name(Entry(item["model"], item["past_flux"]))
            place = (quantity_name(item["ensemble"], item["target"]), model, opponent)
            rows.setdefault(place, {})[item["split"]] = item
    if not rows:
        return ""
    splits = [split for split in SPLIT_NAMES if any(split in tests for tests in rows.values())]
    cells = [
        [
            *place,
            *(_comparison(tests[split]) if split in tests else "-" for split in splits),
            _of(min(len(item["seeds"]) for item in tests.values()), seeds),
        ]
        for place, tests in sorted(rows.items(), key=lambda row: _order(row[0]))
    ]
    text = (
        "## Against the best baseline\n\nRMSE of a model over that of its opponent, with the 95 % interval from 10,000 "
        "resamples of the test sites, pooled over seeds. **Bold**: lower, one-sided p < 0.05; *italics*: not lower. "
        "The best baseline is that with the lowest mean test RMSE, which favours the baselines. With one seed the "
        "interval holds the chance of which sites are tested, not that of training."
    )
    header = ["quantity", "model", "against", *(SPLIT_NAMES[split] for split in splits), "seeds"]
    return f"{text}\n\n" + table(header, cells)


OPPONENTS = {"without": "best baseline without past flux", "with": "best baseline with past flux"}


def _order(place: tuple[str, str, str]) -> tuple[int, int, str, str]:
    """Baselines before the other comparisons, then the order of the ensembles."""
    names = [quantity_name(name, target) for name, one in plan.ENSEMBLES.items() for target in one.scored]
    return (place[2] not in OPPONENTS.values(), names.index(place[0]), place[1], place[2])


def _comparison(item: dict[str, Any]) -> str:
    """Ratio, interval and opponent, and the opponents that were left out for a missing seed."""
    mark = "**" if item["rmse_ratio"] < 1.0 and item["p_value"] < LEVEL else "*" if item["rmse_ratio"] >= 1.0 else ""
    notes = [style.model_name(item["baseline"])]
    if item["kind"] == "baseline":
        notes[0] += f", best of {item['candidates']}"
        if item["overlooked"]:
            better = ", ".join(style.model_name(kind) for kind in item["overlooked"])
            notes.append(f"fewer seeds, but better on them: {better}")
    ratio = f"{mark}{_number(item['rmse_ratio'])}{mark} ({_number(item['low'])} to {_number(item['high'])})"
    return f"{ratio}; {'; '.join(notes)}"


def _gap_table(shares: list[dict[str, Any]], seeds: int) -> str:
    rows = [
        [
            quantity_name(item["ensemble"], item["target"]),
            SPLIT_NAMES[item["split"]],
            entry_name(Entry(item["model"], item["past_flux"])),
            item["oracle"].replace("_", " "),
            f"{_number(item['rmse_baseline'])} ({entry_name(Entry(item['baseline'], item['baseline_past_flux']))})",
            _number(item["rmse"]),
            _number(item["rmse_oracle"]),
            f"{item['share_closed']:.0%}" if math.isfinite(item["share_closed"]) else "no gap",
            _of(len(item["seeds"]), seeds),
        ]
        for item in shares
        if item["target"] in plan.ENSEMBLES[item["ensemble"]].scored
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


def _tables(results: Results, ensemble: str, target: str, seeds: int) -> str:
    """Two tables for each test: without past flux for anyone, and with past flux for everyone; then skill by group."""
    parts = [f"## {quantity_name(ensemble, target)}, {VARIABLES[target].analysis_units}"]
    for case in results.main_cases():
        if (case.ensemble, case.target) != (ensemble, target):
            continue
        left_out = _left_out(results, ensemble) if case.split == "leave_biome_out" else ""
        for title, modes in (("without past flux", WITHOUT), ("with past flux", WITH)):
            rows = list(_rows(results, case, modes, seeds))
            if rows:
                header = ["model", "seeds", *TITLES.values()]
                parts.append(f"### {SPLIT_NAMES[case.split].capitalize()}, {title}\n\n{left_out}" + table(header, rows))
        parts += _groups(results, case)
    note = "**Bold**: the best baseline of the table; *italics*: oracles. After ±: standard deviation over seeds."
    return "\n\n".join([parts[0], note, *parts[1:]])


def _left_out(results: Results, ensemble: str) -> str:
    """Which biome each seed leaves out."""
    biomes = {
        content["run"]["seed"]: content["left_out_biome"].replace("_", " ")
        for content in results.contents
        if content["run"]["ensemble"] == ensemble and content.get("left_out_biome")
    }
    found = ", ".join(f"{biomes[seed]} (seed {seed})" for seed in sorted(biomes))
    return f"Left out: {found}; what stands after ± is more the difference of biomes than of trainings.\n\n"


def _groups(results: Results, case: Case) -> list[str]:
    """Skill by biome and season of the models that the figures show."""
    if case.split not in ("temporal", "spatial"):
        return []
    found = [(entry, *by_group(results, case, entry)[:2]) for entry, *_ in leaders(results, case)]
    if not found:
        return []
    biomes, seasons = (list(dict.fromkeys(name for row in found for name in row[column])) for column in (1, 2))
    rows = [
        [entry_name(entry), *(_number(table.get(name)) for table, names in ((by_biome, biomes), (by_season, seasons))
                              for name in names)]
        for entry, by_biome, by_season in found
    ]  # fmt: skip
    title = f"### {SPLIT_NAMES[case.split].capitalize()}, RMSE / sd by biome and by season of the site's hemisphere"
    return [f"{title}\n\n" + table(["model", *biomes, *seasons], rows)]


def _rows(results: Results, case: Case, modes: tuple[str, ...], seeds: int) -> Iterator[list[Any]]:
    entries = [
        entry
        for entry in results.entries(case)
        if entry.past_flux in modes and entry.model.partition("/")[2] in ("", *plan.ORACLES, plan.RETRIEVED)
    ]
    leading = {best(results, case, baselines(results, case, name), range(seeds))[0] for name in TABLES}
    for entry in sorted(entries, key=lambda entry: results.mean(case, entry, "rmse")):
        name = entry_name(entry)
        yield [
            f"*{name}*" if "/" in entry.model else f"**{name}**" if entry in leading else name,
            _of(len(results.seeds(case, entry)), seeds),
            *(_spread(results.values(case, entry, column)) for column in TITLES),
        ]


def _ablations(comparisons: list[dict[str, Any]]) -> str:
    """A row for each part of a network and quantity, a column for each test."""
    found: dict[tuple[str, str, str, str], dict[str, dict[str, Any]]] = {}
    for item in comparisons:
        if item["kind"] != "ablation" or item["target"] not in plan.ENSEMBLES[item["ensemble"]].scored:
            continue
        if math.isfinite(item["rmse_ratio"]):
            place = (item["model"], item["past_flux"], item["baseline"], f"{item['ensemble']} {item['target']}")
            found.setdefault(place, {})[item["split"]] = item
    if not found:
        return ""
    splits = [split for split in SPLIT_NAMES if any(split in tests for tests in found.values())]
    rows = []
    for (model, mode, without, _), tests in found.items():
        some = next(iter(tests.values()))
        cells = (_ablation(tests[split]) if split in tests else "-" for split in splits)
        name = without.partition("/")[2].removeprefix("no_").replace("_", " ")
        what = [entry_name(Entry(model, mode)), name, quantity_name(some["ensemble"], some["target"])]
        rows.append([*what, *cells, len(some["seeds"])])
    text = (
        "## Ablations\n\nRMSE without a part over RMSE with it, 95 % interval: above 1 the part helps. **Bold**: the "
        "interval is above 1; *italics*: below, the part harms. A model without past flux is compared with the whole "
        "one in both its modes."
    )
    header = ["model", "without", "quantity", *(SPLIT_NAMES[split] for split in splits), "seeds"]
    return f"{text}\n\n" + table(header, rows)


def _ablation(item: dict[str, Any]) -> str:
    ratio, low, high = (1.0 / item[name] for name in ("rmse_ratio", "high", "low"))
    mark = "**" if low > 1.0 else "*" if high < 1.0 else ""
    return f"{mark}{ratio:.3f}{mark} ({low:.3f} to {high:.3f})"


def _costs(results: Results) -> str:
    """Parameters and times of each model, over all its main runs."""
    rows = []
    for content_kind in plan.MODELS:
        for history in (False, True):
            records = [
                (content, record)
                for content in results.contents
                for record in content["records"][:1]
                if record["model"] == content_kind
                and record["trained_with_past_flux"] is history
                and content["run"]["task"] == "score"
                and content["run"]["split"] == "folds"
            ]
            if not records:
                continue
            rows.append(
                [
                    style.model_name(content_kind) + (" with past flux" if history else ""),
                    *(
                        _number(float(np.median(values))) if values else "-"
                        for values in (
                            [record[name] for _, record in records if record[name] is not None]
                            for name in ("params", "cpu_ms_per_site_year", "epoch_seconds", "train_seconds")
                        )
                    ),
                    len(records),
                ]
            )
    if not rows:
        return ""
    text = (
        "## Cost\n\nMedians over runs, one thread each. Prediction: processor time for a year of a site, in batches "
        "of 32 sites. Times of training are by the clock of a machine that did other work beside."
    )
    header = ["model", "parameters", "prediction, ms per site-year", "s per epoch", "s of training", "runs"]
    return f"{text}\n\n" + table(header, rows)


def table(header: list[str], rows: list[list[Any]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _spread(values: list[float]) -> str:
    """Mean, and the standard deviation over seeds where there are several."""
    if not values:
        return "-"
    mean = float(np.mean(values))
    return _number(mean) if len(values) == 1 else f"{_number(mean)} ± {_number(float(np.std(values, ddof=1)))}"


def _number(value: float | None) -> str:
    """Three significant digits, without an exponent where a reader does not need one."""
    if value is None or not math.isfinite(value):
        return "-"
    if abs(value) >= 1e5:
        return f"{value:,.0f}"
    if value == 0 or abs(value) >= 1e-3:
        digits = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
        return f"{value:.{min(digits, 5)}f}"
    return f"{value:.2e}"


def _of(done: int, wanted: int) -> str:
    """A number of seeds, and the whole where some are missing."""
    return str(done) if done >= wanted else f"{done} of {wanted}"


def _p_value(value: float) -> str:
    if not math.isfinite(value):
        return "-"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
