"""models.md: the tables of the benchmark and its figures, for people."""

from collections.abc import Iterator
from typing import Any

from benchmarks.learning import plan
from benchmarks.learning.bars import Bar
from benchmarks.learning.figures import Drawing
from benchmarks.learning.labels import quantities
from benchmarks.learning.markdown import table
from benchmarks.learning.results import Results
from benchmarks.learning.skill_tables import cost_section, skill_section
from benchmarks.learning.verdicts import ablation_section, bar_section, comparison_section, gap_section
from emulator.evaluation.figures import style


def markdown(
    results: Results,
    content: dict[str, Any],
    bars: list[Bar],
    drawings: list[Drawing],
    figure_path: str,
    name: str,
) -> str:
    """The whole page. content: what models.json holds; drawings: the figures."""
    seeds = len(content["provenance"]["suite"]["seeds"])
    images = [f"![{caption}]({figure_path}/{file})\n\n*{caption}.*" for file, caption in drawings]
    parts = [
        _head(content, name),
        _missing(results, content),
        bar_section(bars, seeds),
        comparison_section(content["comparisons"], seeds),
        gap_section(content["gaps"], seeds),
        *(skill_section(results, quantity, seeds) for quantity in quantities(results)),
        ablation_section(content["comparisons"]),
        cost_section(results),
        "## Figures\n\n" + "\n\n".join(images) if images else "",
    ]
    if content["failures"]:
        rows = [[f"`{failure['key']}`", failure["error"]] for failure in content["failures"]]
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

Suite `{suite["name"]}`, {source["runs"]} runs, {source["seconds_of_runs"] / 3600:.1f} hours of processes, code {", ".join(git_hash[:12] for git_hash in source["git_hashes_of_runs"])}, {source["created"][:10]}, {source["machine"]["cpu"]}. Hidden size {suite["hidden"]}, {suite["training"].get("epochs")} epochs, batches of {suite["training"].get("batch_size")} sites and {suite["training"].get("years_per_window")} years. The last {split["test_years"]} years are tested and the {split["validation_years"]} before choose the checkpoint; {split["folds"]} folds of blocks of {split["block_degrees"]:g} degrees with a buffer of {split["buffer_km"]:g} km, another fold for each seed. Options tuned by the same number of trainings each: {tuned[True] or "of no network"}; defaults: {tuned[False] or "none"}.

`gauged`: the model sees the measured flux of all years before the one that it predicts, at new sites too. `ungauged`: the same model with none. `self-fed`: with its own, and none that was measured. No mark: it takes no past flux. Baselines with past flux get last year's same-day flux, the mean of past years on that day and the mean of the site. nRMSE is over the absolute mean, which says little where that is near zero (NEE); sd is the standard deviation of the observations."""  # noqa: E501


def _missing(results: Results, content: dict[str, Any]) -> str:
    """Runs of the suite that are done, where some are not."""
    counts = content["runs"]
    if all(done == planned for part in counts for done, planned in _pairs(part)):
        return ""
    ensembles = [name for name in plan.ENSEMBLES if any(name in part for part in counts)]
    rows = [
        [part["part"], *("{} of {}".format(*part[name]) if name in part else "-" for name in ensembles)]
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
    """Runs done and planned of each ensemble."""
    return (tuple(counts) for name, counts in part.items() if name != "part")
