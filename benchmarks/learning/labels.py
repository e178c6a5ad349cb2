"""Names, colours and order of models and quantities in figures and tables."""

from collections.abc import Sequence

from matplotlib.lines import Line2D

from benchmarks.learning.comparisons import TABLES, baselines, best
from benchmarks.learning.results import Case, Entry, Results
from emulator.evaluation.figures import style

SPLIT_NAMES = {
    "temporal": "later years",
    "spatial": "new sites",
    "spatiotemporal": "new sites, later years",
    "leave_biome_out": "biome left out",
}
OWN = (Entry("cham_net", "gauged"), Entry("cham_net", "ungauged"), Entry("raci", "none"), Entry("unified", "gauged"))
MODE_COLOURS = {"none": style.MUTED, "ungauged": style.SKY, "gauged": style.BLUE, "self_fed": style.GREEN}
MODE_NAMES = {
    "none": "no past flux", "ungauged": "takes past flux, has none", "gauged": "measured past flux",
    "self_fed": "its own past flux",
}  # fmt: skip
LINES = {"cham_net": (style.BLUE, "-"), "raci": (style.GREEN, (0, (4, 1, 1, 1))), "unified": (style.VERMILION, "-")}
BASELINE_LINES = {"without": (style.MUTED, (0, (1, 1.5))), "with": (style.ORANGE, (0, (5, 1.5)))}


def quantities(results: Results) -> list[tuple[str, str]]:
    """Ensembles and targets of the tables, in order."""
    return list(dict.fromkeys((case.ensemble, case.target) for case in results.main_cases()))


def quantity_name(ensemble: str, target: str) -> str:
    """A quantity for people."""
    if target == "fch4":
        return {"wetland": "CH4 emission of wetlands", "upland": "CH4 flux of uplands"}.get(ensemble, "CH4 flux")
    return {"gpp": "GPP", "nee": "NEE"}.get(target, target.upper()) + f" of {ensemble}"


def entry_name(entry: Entry) -> str:
    """A model as it was run, for people."""
    kind, _, variant = entry.model.partition("/")
    name = style.model_name(kind) + (f", {variant.replace('_', ' ')}" if variant else "")
    return name if entry.past_flux == "none" else f"{name} ({entry.past_flux.replace('_', '-')})"


def cases_of(results: Results, ensemble: str, target: str) -> list[Case]:
    return [case for case in results.main_cases() if (case.ensemble, case.target) == (ensemble, target)]


def leaders(results: Results, case: Case) -> list[tuple[Entry, str, object, object]]:
    """The models that are shown where not all can be: the best baseline of either table and our own.

    Entry, label, colour, dash.
    """
    found = []
    for table in TABLES:
        candidates = baselines(results, case, table)
        seeds = sorted({seed for entry in candidates for seed in results.seeds(case, entry)})
        entry, _ = best(results, case, candidates, seeds)
        if entry is not None:
            label = f"best baseline {table} past flux: {style.model_name(entry.kind)}"
            found.append((entry, label, *BASELINE_LINES[table]))
    present = results.entries(case)
    for entry in OWN:
        if entry in present:
            colour, dash = LINES[entry.kind]
            if entry == Entry("cham_net", "ungauged"):
                colour = style.SKY
            found.append((entry, entry_name(entry), colour, dash))
    return found


def legend_handle(colour: object, dash: object, labels: Sequence[str]) -> Line2D:
    """A line of a legend for what has one look; the best baseline may be another one in each panel."""
    first, _, name = labels[0].rpartition(": ")
    others = dict.fromkeys(label.rpartition(": ")[2] for label in labels)
    label = f"{first}: {', '.join(others)}" if first else name
    return Line2D([], [], color=colour, linestyle=dash, marker="o", markersize=3.5, linewidth=1.2, label=label)
