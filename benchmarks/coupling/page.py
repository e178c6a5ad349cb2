"""The table of docs/results/coupler.md, and the bars that the project asks for."""

from __future__ import annotations

from typing import Any

NATIVE = {1: 30.0, 16: 6.0, 256: 1.8, 4096: 3.0, 65536: 3.0}
"""Times faster than libtorch alone, by cells of a call."""
TORCHSCRIPT = {1: 0.95, 16: 1.0, 256: 1.0, 4096: 1.0, 65536: 2.5}
PEAK_AT = (256, 4096, 65536)
STATE = {True: "met", False: "missed", None: "not measured"}


def bars(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Each bar with what was measured."""
    rows: list[dict[str, Any]] = []

    def bar(what: str, value: float | None, sense: str, limit: float) -> None:
        met = None if value is None else bool(value >= limit if sense == ">=" else value <= limit)
        rows.append({"what": what, "value": value, "bar": f"{sense} {limit:g}", "met": met})

    records = {(record["model"], record["backend"], record["cells"]): record for record in content["records"]}
    for backend, limits in (("native", NATIVE), ("torchscript", TORCHSCRIPT)):
        for model in content["models"]:
            for cells, limit in limits.items():
                if record := records.get((model, backend, cells)):
                    bar(f"{model} {backend} over libtorch, {cells} cells", record.get("ratio_to_libtorch"), ">=", limit)
    for model in content["models"]:
        shares = [
            records[model, "native", n].get("fraction_of_peak") for n in PEAK_AT if (model, "native", n) in records
        ]
        measured = [share for share in shares if share is not None]
        bar(f"{model} native, share of the peak", max(measured, default=None), ">=", 0.55)
        for backend, value in content["extra_mb_at_65536"][model].items():
            bar(f"{model} {backend}, extra memory [MB]", value, "<=", 8.0)
        bar(f"{model} native, start-up [ms]", content["startup_ms"][model].get("native"), "<=", 20.0)
        bar(f"{model} native, two threads over one", content["thread_scaling_2"][model].get("native"), ">=", 1.8)
    bar("library around a network [us]", content["overhead_us"], "<=", 0.3)
    bar("coupled biogeochemistry, computed over emulated", content["coupled_bgc_speedup"], ">=", 50.0)
    for run, ratio in content["coupled"]["bgc_speedup"].items():
        if " of " in run and run.endswith(" 86400"):  # networks of another size than those timed above
            bar(f"the same, {run.removesuffix(' 86400')}", ratio, ">=", 50.0)
    return rows


def number(value: float | None) -> str:
    """Three digits, or a dash."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def write(content: dict[str, Any]) -> str:
    """The page."""
    cells = sorted({record["cells"] for record in content["records"]})
    machine, coupled = content["machine"], content["coupled"]
    load = f"{machine['load_average_at_start']:.1f} at the start and {machine['load_average_at_end']:.1f} at the end"
    lines = [
        "# What a call of an emulator costs",
        "",
        "Written by `python benchmarks/coupler.py`; do not edit. All numbers are in coupler.json; what they mean is in",
        "[README.md](README.md).",
        "",
        f"{machine['cpu']}, {content['created'][:10]}, peak of one core {content['peak_gflops']:.0f} GFLOP/s.",
        f"Load average {load}. Times are processor",
        "time of the calling thread, best of rounds measured in turns in one process; compare ratios.",
        "",
        "## Time of a call on an ordinary day",
        "",
        "us; in brackets how many times as fast as libtorch called on the same tensors without ecostep.",
        "",
        *_table(["model", "backend", *[f"{n} cells" for n in cells], "share of peak"], _call_rows(content, cells)),
        "",
        f"## All kinds of days, {max(n for n in cells if n <= 4096)} cells",
        "",
        "us; the mean is of a year, and so is the ratio to libtorch.",
        "",
        *_table(["model", "backend", "day", "month end", "year end", "mean", "ratio"], _year_rows(content, cells)),
        "",
        "## Start, memory, threads",
        "",
        *_table(["model", "backend", "start to first step [ms]", "extra memory [MB]", "two threads over one"],
                _start_rows(content)),
        "",
        f"The library around a network: {number(content['overhead_us'])} us a call of one cell.",
        "",
        f"## Coupled run: {coupled['sites']:,} sites, {coupled['years']} years, one core",
        "",
        *_table(["biogeochemistry", "s", "us a site and day", "ratio", "physics [s]", "whole run [s]"],
                _coupled_rows(coupled)),
        "",
        "## Bars",
        "",
        *_table(["", "measured", "bar", ""], [
            [row["what"], number(row["value"]), row["bar"], STATE[row["met"]]] for row in content["bars"]]),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _start_rows(content: dict[str, Any]) -> list[list[str]]:
    extra, scaling = content["extra_mb_at_65536"], content["thread_scaling_2"]
    return [
        [model, backend, number(ms), number(extra[model][backend]), number(scaling[model][backend])]
        for model, by_backend in content["startup_ms"].items()
        for backend, ms in by_backend.items()
    ]


def _coupled_rows(coupled: dict[str, Any]) -> list[list[str]]:
    site_days, rows = coupled["sites"] * coupled["years"] * 365.25, []
    for name, run in coupled["runs"].items():
        label = name.replace(" 3600", ", called every hour").replace(" 86400", ", called once a day")
        seconds = run["biogeochemistry_cpu_s"]
        ratio = number(coupled["bgc_speedup"].get(name))
        shares = [number(seconds), number(1e6 * seconds / site_days), ratio]
        rows.append([label, *shares, number(run["physics_s"]), number(run["wall_s"])])
    return rows


def _call_rows(content: dict[str, Any], cells: list[int]) -> list[list[str]]:
    rows = []
    for model in content["models"]:
        for backend in ("native", "torchscript", "libtorch", "stub"):
            by_cells = {r["cells"]: r for r in content["records"] if (r["model"], r["backend"]) == (model, backend)}
            if not by_cells:
                continue
            shares = [record["fraction_of_peak"] for record in by_cells.values() if record.get("fraction_of_peak")]
            share = f"{100 * max(shares):.0f} %" if shares else "-"
            rows.append([model, backend, *(_call(by_cells[n]) for n in cells), share])
    return rows


def _call(record: dict[str, Any]) -> str:
    """Time of a call, and its ratio to that of libtorch alone."""
    if "us_per_call" not in record:
        return "-"
    ratio = record.get("ratio_to_libtorch")
    in_brackets = f" ({number(ratio)})" if ratio and record["backend"] != "libtorch" else ""
    return number(record["us_per_call"]) + in_brackets


def _year_rows(content: dict[str, Any], cells: list[int]) -> list[list[str]]:
    most = max(n for n in cells if n <= 4096)
    keys = ("us_per_call", "us_month_end", "us_year_end", "us_mean_of_a_year", "ratio_of_a_year")
    return [
        [record["model"], record["backend"], *[number(record[key]) for key in keys]]
        for record in content["records"]
        if record["cells"] == most and record["backend"] != "stub" and "us_per_call" in record
    ]


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]
