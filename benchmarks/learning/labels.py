"""Names, colours and order of models and quantities in figures and tables."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from matplotlib.lines import Line2D

from benchmarks.learning.comparisons import BASELINE_MODES, best_baseline
from benchmarks.learning.results import Case, Entry, Results
from emulator.evaluation.figures import style

SPLIT_NAMES = {
    "temporal": "later years",
    "spatial": "new sites",
    "spatiotemporal": "new sites, later years",
    "leave_biome_out": "biome left out",
}
CHALLENGERS_SHOWN = (
    Entry("cham_net", "gauged"),
    Entry("cham_net", "ungauged"),
    Entry("raci", "none"),
    Entry("unified", "gauged"),
)
MODE_COLOURS = {"none": style.MUTED, "ungauged": style.SKY, "gauged": style.BLUE, "self_fed": style.GREEN}
MODE_NAMES = {
    "none": "no past flux", "ungauged": "takes past flux, has none", "gauged": "measured past flux",
    "self_fed": "its own past flux",
}  # fmt: skip


class Stroke(NamedTuple):
    """Colour of a line, and its dashes as matplotlib takes them."""

    colour: str
    dash: Any

    def line(self, markersize: float = 3.5, **options: Any) -> dict[str, Any]:
        """Options of a plotted line."""
        return {"color": self.colour, "linestyle": self.dash, "marker": "o", "markersize": markersize, **options}


LINES = {
    "cham_net": Stroke(style.BLUE, "-"),
    "raci": Stroke(style.GREEN, (0, (4, 1, 1, 1))),
    "unified": Stroke(style.VERMILION, "-"),
}
BASELINE_LINES = {"without": Stroke(style.MUTED, (0, (1, 1.5))), "with": Stroke(style.ORANGE, (0, (5, 1.5)))}


class Quantity(NamedTuple):
    """A target of an ensemble."""

    ensemble: str
    target: str

    def is_of(self, case: Case) -> bool:
        return (case.ensemble, case.target) == self


class Leader(NamedTuple):
    """A model that is shown where not all can be."""

    entry: Entry
    label: str
    stroke: Stroke


def quantities(results: Results) -> list[Quantity]:
    """Ensembles and targets of the tables, in order."""
    return list(dict.fromkeys(Quantity(case.ensemble, case.target) for case in results.main_cases()))


def quantity_name(ensemble: str, target: str) -> str:
    """A quantity for people."""
    if target == "fch4":
        return {"wetland": "CH4 emission of wetlands", "upland": "CH4 flux of uplands"}.get(ensemble, "CH4 flux")
    return {"gpp": "GPP", "nee": "NEE"}.get(target, target.upper()) + f" of {ensemble}"


def entry_name(entry: Entry) -> str:
    """A model as it was run, for people."""
    name = style.model_name(entry.kind) + (f", {entry.variant.replace('_', ' ')}" if entry.variant else "")
    return name if entry.past_flux == "none" else f"{name} ({entry.past_flux.replace('_', '-')})"


def cases_of(results: Results, quantity: Quantity) -> list[Case]:
    """Tests of a quantity, in the order of the splits."""
    return [case for case in results.main_cases() if quantity.is_of(case)]


def leaders(results: Results, case: Case) -> list[Leader]:
    """The models that are shown where not all can be: the best baseline of either table and our own."""
    shown = []
    for table in BASELINE_MODES:
        entry, _ = best_baseline(results, case, table)
        if entry is not None:
            label = f"best baseline {table} past flux: {style.model_name(entry.kind)}"
            shown.append(Leader(entry, label, BASELINE_LINES[table]))
    present = results.entries(case)
    for entry in CHALLENGERS_SHOWN:
        if entry in present:
            stroke = LINES[entry.kind]
            if entry == Entry("cham_net", "ungauged"):
                stroke = stroke._replace(colour=style.SKY)
            shown.append(Leader(entry, entry_name(entry), stroke))
    return shown


def legend_handle(stroke: Stroke, labels: Sequence[str]) -> Line2D:
    """A line of a legend for what has one look; the best baseline may be another one in each panel."""
    role, _, name = labels[0].rpartition(": ")
    models = dict.fromkeys(label.rpartition(": ")[2] for label in labels)
    label = f"{role}: {', '.join(models)}" if role else name
    return Line2D([], [], **stroke.line(linewidth=1.2), label=label)
