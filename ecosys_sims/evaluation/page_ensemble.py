"""Sections 1 and 2 of docs/validation.md: published ranges, and what the ensemble looks like."""

from ecosys_sims.evaluation.page_parts import Results, number, picture

# Why a row misses, where the reason is how the quantity is defined and not how the model works.
REMARKS = {
    "gpp.shrubland": "our class has 150 to 600 mm of rain a year, the range is that of deserts",
    "ratio.hr_npp": "the parameter `maturity` holds stocks below their steady state, so that sites gain carbon",
    "nep.forest": "set by the parameter `maturity`",
    "ch4.tropical": "the published mean, 199, is itself above the range of swamps in this table",
    "uptake.highest": "one number, not a spread over sites",
    "crop.soy_share": "one ratio of means",
}


CAPTIONS = {
    "seasons_wetlands": (
        "Mean year of the wetland classes: median and 5-95 % over sites; sites of the southern hemisphere are shifted "
        "by half a year."
    ),
    "seasons_uplands": "The same for uplands.",
    "methane_controls": "Daily CH₄ against water table and soil temperature, medians of site-days.",
    "pathways": "How methane leaves wetlands.",
    "zones": (
        "Annual GPP and CH₄ by 15° of latitude: median and 5-95 % of the sites drawn there (not weighted by area)."
    ),
}


def ranges_section(results: Results) -> str:
    """Section 1: every published range with its verdict, and what to know where a median misses."""
    ensemble, anchors = results["ensemble"], results["anchors"]
    judged = [row for row in anchors if row["verdict"] != "not simulated"]
    count = {word: sum(row["verdict"] == word for row in judged) for word in ("inside", "partly", "outside")}
    lines = [
        "## 1. Published ranges\n",
        f"An ensemble of {ensemble['sites']} sites over {ensemble['years']} years, the same number of each class, "
        "all over the globe, with default parameters and their usual spread between sites "
        "(`configs/sims/validation.yaml`). Sensitivities are pairs of smaller ensembles that differ in one thing. "
        "Crops are fields in Nebraska and on the North China Plain with generated weather, their spread that between "
        "years. The growing season is where the running mean of air temperature is above 5 °C.\n",
        "**Verdict**: *inside*, the median is in the published range; *partly*, it is not, but some of the middle "
        "90 % of the sites are; **outside**, none of them are. Ranges of means ± standard error are narrow; sites "
        "scatter more.\n",
        f"Of {len(judged)} quantities {count['inside']} are inside, {count['partly']} partly, {count['outside']} "
        f"outside.\n",
        "| quantity | unit | published | median | 5-95 % | n | verdict |\n|---|---|---|---|---|---|---|",
    ]
    group = None
    for row in anchors:
        if row["group"] != group:
            group = row["group"]
            lines.append(f"| **{group}** | | | | | | |")
        lines.append(_verdict_row(row))
    lines += ["", _misses(anchors)]
    return "\n".join(lines)


def _verdict_row(row: Results) -> str:
    published = f"{number(row['low'])} to {number(row['high'])}"
    if row["verdict"] == "not simulated":
        return f"| {row['quantity']} | {row['unit']} | {published} | - | - | 0 | not simulated |"
    word = f"**{row['verdict']}**" if row["verdict"] == "outside" else row["verdict"]
    spread = f"{number(row['p05'])} to {number(row['p95'])}" if row["n"] > 1 else "-"
    cells = [row["quantity"], row["unit"], published, number(row["median"]), spread, str(row["n"]), word]
    return f"| {' | '.join(cells)} |"


def _misses(rows: list[Results]) -> str:
    missed = [row for row in rows if row["verdict"] in ("partly", "outside")]
    if not missed:
        return ""
    lines = ["**Where the median misses:**\n", *(_miss(row) for row in missed)]
    skipped = [row["quantity"] for row in rows if row["verdict"] == "not simulated"]
    if skipped:
        lines.append(f"- Not simulated by this version: {', '.join(skipped)}.")
    lines.append(
        "\nGlobal totals (wetlands 117 to 184, soils 22 to 34 Tg CH₄ a year) are left out: the sites are drawn by "
        "class, not by area, and the model has no map of wetlands to weight them with.\n"
    )
    groups: dict[str, list[str]] = {}
    for row in rows:
        if row["group"] not in groups.setdefault(row["source"], []):
            groups[row["source"]].append(row["group"])
    lines.append("Sources of the ranges, taken from reviews and not from the data behind them:\n")
    lines += [f"- {', '.join(names)}: {source}" for source, names in groups.items() if source != "general"]
    return "\n".join([*lines, ""])


def _miss(row: Results) -> str:
    side = "below" if row["median"] < row["low"] else "above"
    bound = number(row["low"] if side == "below" else row["high"])
    unit = "" if row["unit"] == "1" else f" {row['unit']}"
    remark = f" ({REMARKS[row['key']]})" if row["key"] in REMARKS else ""
    share = f"{100 * row['share_inside']:.0f} % of {row['n']} inside"
    median = f"median {number(row['median'])}, {side} {bound}{unit}{remark}"
    return f"- {row['group']}, {row['quantity']}: {median}; {share}."


def ensemble_section(results: Results, figures: str) -> str:
    """Section 2: the figures of the ensemble with their captions."""
    pulse = results["ensemble"]["pulse"]
    lines = ["## 2. What the ensemble looks like\n"]
    lines += [picture(figures, name, caption) for name, caption in CAPTIONS.items()]
    if pulse["pulses"]:
        caption = (
            "The strongest spring pulse of the ensemble after a winter with snow "
            f"({pulse['biome'].replace('_', ' ')}, {pulse['lat']:.0f}° N). Of {pulse['pulses']} thaws of northern "
            f"wetlands {100 * pulse['share_above_2']:.0f} % have a day within ten days of thaw with more than twice "
            "the flux of a month later."
        )
        lines.append(picture(figures, "spring_pulse", caption))
    if results["crops"]:
        lines.append(picture(figures, "rotation", "Four years of an irrigated maize-soybean rotation in Nebraska."))
    return "\n".join(lines)
