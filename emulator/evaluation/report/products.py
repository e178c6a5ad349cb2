"""What a run of the whole chain left in its folder, read back for the report.

    OUT/sims/       dataset.nc sites.nc simulation.json
    OUT/models/KIND/  run folders
    OUT/coupled/    coupled.json series.nc
    OUT/land.json   coarse outlines of land and lakes, for the map
    OUT/steps.json  seconds and memory of each step

Parts that are not there are None or empty, and the report says so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from emulator.runs.run_folder import RunFolder
from foundations.file_faults import read_json
from foundations.units import unit_conversion
from foundations.variables import VARIABLES

KIND_ORDER = ("lstm", "cham_net", "raci")
TARGET_ORDER = ("fch4", "gpp", "ra", "rh", "nee")
"""Targets that come first, in this order."""
SPLIT_NAMES = {
    "temporal": "held-out years",
    "spatial": "held-out sites",
    "spatiotemporal": "both held out",
}
SUBSTANCES = {"fch4": "CH₄", "gpp": "C", "ra": "C", "rh": "C", "nee": "C"}
"""What the mass of a flux is of, where the report says so."""
TARGET_NAMES = {
    "fch4": "methane flux",
    "gpp": "gross primary production",
    "ra": "autotrophic respiration",
    "rh": "heterotrophic respiration",
    "nee": "net ecosystem exchange",
}

EXAMPLE_GROUPS = (
    ("bog", "fen", "wet_tundra"),
    ("marsh", "swamp", "rice"),
    ("boreal_forest", "temperate_forest", "tropical_forest", "grassland", "shrubland", "tundra", "cropland"),
)
"""One example site is shown of each: a northern wetland, another wetland, an upland."""


def example_sites(biome: np.ndarray, emission: np.ndarray) -> list[int]:
    """Of each group the site whose mean methane flux is the group's median; biome, emission: (N,)."""
    chosen = []
    for group in EXAMPLE_GROUPS:
        members = np.flatnonzero(np.isin(biome, group))
        if len(members):
            chosen.append(int(members[np.argsort(emission[members])[len(members) // 2]]))
    return chosen or [0]


def target_units(target: str) -> str:
    """Unit of a target as people write it."""
    units = VARIABLES[target].analysis_units
    mass, area_and_time, _ = units.partition(" m-2 day-1")
    if not area_and_time:
        return units
    return " ".join(part for part in (mass, SUBSTANCES.get(target, ""), "m⁻² d⁻¹") if part)


def target_name(target: str) -> str:
    """What a target is called in a sentence."""
    name, _, _ = VARIABLES[target].long_name.partition(",")
    return TARGET_NAMES.get(target, name)


def ordered_targets(targets: Iterable[str]) -> list[str]:
    """Targets in the order of the report: those of TARGET_ORDER, then any others by name."""
    present = set(targets)
    return [name for name in TARGET_ORDER if name in present] + sorted(present - set(TARGET_ORDER))


@dataclass(frozen=True)
class Simulations:
    """The simulated dataset, opened lazily, and how it was made."""

    path: Path
    facts: Mapping[str, Any]

    @cached_property
    def dataset(self) -> xr.Dataset:
        return xr.open_dataset(self.path)

    @cached_property
    def biome(self) -> np.ndarray:
        """Biome name of each site, (N,)."""
        variable = self.dataset["biome"]
        names = dict(
            zip(
                np.atleast_1d(variable.attrs["flag_values"]).tolist(),
                variable.attrs["flag_meanings"].split(),
                strict=True,
            )
        )
        return np.array([names[int(code)] for code in variable.values])

    @cached_property
    def dates(self) -> Any:
        """Date accessor of the time axis: `.year`, `.month`, `.day`, `.dayofyear`."""
        return self.dataset["time"].dt

    def values(self, name: str, units: str, site: int | slice = slice(None)) -> np.ndarray:
        """A variable in the unit wanted, float64, of one site (T,) or all (N, T)."""
        variable = self.dataset[name]
        factor, offset = unit_conversion(variable.attrs["units"], units, name)
        return np.asarray(variable[site].values, np.float64) * factor + offset

    def target(self, name: str) -> np.ndarray:
        """A target in its analysis unit, (N, T)."""
        return self.values(name, VARIABLES[name].analysis_units)


@dataclass(frozen=True)
class ModelRun:
    """One trained model: its log, metrics and predictions."""

    kind: str
    folder: RunFolder
    metrics: Mapping[str, Any]

    @cached_property
    def predictions(self) -> xr.Dataset:
        """The predictions file, opened lazily."""
        return xr.open_dataset(self.folder.predictions)

    def tables(self, split: str) -> Mapping[str, Any]:
        """Skill of one split by target; empty where it was not scored."""
        return self.metrics["splits"].get(split, {}).get("targets", {})

    def sees_past_flux(self, split: str) -> bool:
        """Whether the scores of `tables` are of a model that was given flux of earlier years."""
        return self.metrics["splits"].get(split, {}).get("mode") == "gauged"

    def tables_without_past_flux(self, split: str) -> Mapping[str, Any]:
        """As `tables`, of a model that could take past flux but was given none; empty where that was not scored."""
        return self.metrics.get("other_modes", {}).get(f"{split}_ungauged", {}).get("targets", {})

    def pairs(self, split: str, target: str) -> tuple[np.ndarray, np.ndarray]:
        """Simulated and predicted, (N, T) each in analysis units, NaN where the day is not of this split."""
        labels = self.predictions["split"]
        code = labels.attrs["flag_meanings"].split().index(split)
        of_split = labels.values == np.atleast_1d(labels.attrs["flag_values"])[code]
        simulated, predicted = self.predictions[target].values, self.predictions[f"{target}_pred"].values
        return np.where(of_split, simulated, np.nan), np.where(of_split, predicted, np.nan)

    def climatology(self, target: str) -> np.ndarray:
        """Day-of-year climatology of the biome, that the model is judged against, (N, T), analysis units."""
        return self.predictions[f"{target}_climatology"].values


@dataclass(frozen=True)
class Products:
    """Everything in a run's folder."""

    folder: Path
    simulations: Simulations | None
    models: Mapping[str, ModelRun]
    coupled: Mapping[str, Any] | None
    steps: Mapping[str, Any] = field(default_factory=dict)
    land: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def coupled_series(self) -> xr.Dataset | None:
        """Daily targets under both schemes, or None."""
        path = self.folder / "coupled" / "series.nc"
        return xr.open_dataset(path) if path.exists() else None


def read_products(folder: str | Path) -> Products:
    """Look into a run's folder; FileNotFoundError where there is no such folder or nothing in it to report."""
    folder = Path(folder)
    if not folder.is_dir():
        message = f"{folder} is not a folder; give --run-dir the folder that scripts/quickstart.sh wrote"
        raise FileNotFoundError(message)
    products = Products(
        folder=folder,
        simulations=_simulations(folder / "sims"),
        models=_models(folder / "models"),
        coupled=_json(folder / "coupled" / "coupled.json"),
        steps=_json(folder / "steps.json") or {},
        land=_json(folder / "land.json") or {},
    )
    if products.simulations is None and not products.models:
        message = (
            f"{folder} holds neither sims/dataset.nc nor models/*/evaluation/metrics.json: there is nothing to report"
        )
        raise FileNotFoundError(message)
    return products


def _simulations(folder: Path) -> Simulations | None:
    path = folder / "dataset.nc"
    return Simulations(path, _json(folder / "simulation.json") or {}) if path.exists() else None


def _models(folder: Path) -> dict[str, ModelRun]:
    evaluated = {path.parents[1].name: path for path in folder.glob("*/evaluation/metrics.json")}
    kinds = sorted(
        evaluated, key=lambda kind: (KIND_ORDER.index(kind) if kind in KIND_ORDER else len(KIND_ORDER), kind)
    )
    return {kind: ModelRun(kind, RunFolder(folder / kind), _json(evaluated[kind]) or {}) for kind in kinds}


def _json(path: Path) -> Any:
    return read_json(path, "make it again") if path.exists() else None
