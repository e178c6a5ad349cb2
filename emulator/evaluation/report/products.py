"""What a run of the whole chain left in its folder, read back for the report.

    OUT/sims/       dataset.nc sites.nc simulation.json
    OUT/models/KIND/  run folders
    OUT/coupled/    coupled.json series.nc
    OUT/steps.json  seconds and memory of each step

or the run folder of a single model, which has its evaluation/metrics.json.

Parts that are not there are None or empty, and the report says so.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from emulator.runs.run_folder import RunFolder
from foundations.file_faults import DamagedFile, FileFault
from foundations.file_seal import is_as_sealed
from foundations.json_record import read_record
from foundations.units import unit_conversion
from foundations.variables import VARIABLES

SIMULATE_AGAIN = "restore it, or simulate again with scripts/gen_sims.py --overwrite"
COUPLE_AGAIN = "run scripts/couple.py again"
COUPLED_KEYS = (
    "model", "sites", "start_date", "days", "targets", "max_abs_diff_over_sd", "restart", "restart_bitwise",
    "decomposition", "decomposition_bitwise", "timing", "speedup", "speedup_total",
)  # fmt: skip
KIND_ORDER = ("lstm", "cham_net", "raci")
TARGET_ORDER = ("fch4", "gpp", "ra", "rh", "nee")
"""Targets that come first, in this order."""
SPLIT_NAMES = {
    "temporal": "held-out years",
    "spatial": "held-out sites",
    "spatiotemporal": "both held out",
    "left_out": "sites left out in turn",
    "train": "training days, no test",
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


def target_units(target: str, models: Mapping[str, "ModelRun"] | None = None) -> str:
    """Unit of a target as people write it: that of the scores of a model, else that of the table."""
    units = _declared(target, "units", models) or VARIABLES[target].analysis_units
    mass, area_and_time, _ = units.partition(" m-2 day-1")
    if not area_and_time:
        return units
    return " ".join(part for part in (mass, SUBSTANCES.get(target, ""), "m⁻² d⁻¹") if part)


def target_name(target: str, models: Mapping[str, "ModelRun"] | None = None) -> str:
    """What a target is called in a sentence: by the scores of a model, else by the table."""
    long_name = _declared(target, "long_name", models) or (VARIABLES[target].long_name if target in VARIABLES else "")
    name, _, _ = long_name.partition(",")
    return TARGET_NAMES.get(target, name or target)


def _declared(target: str, what: str, models: Mapping[str, "ModelRun"] | None) -> str:
    """What the scores of a model say of a target, '' where none does."""
    texts = (run.tables(split).get(target, {}).get(what) for run in (models or {}).values() for split in SPLIT_NAMES)
    return next((str(text) for text in texts if text), "")


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
        with readable(self.path, SIMULATE_AGAIN):
            _require_as_sealed(self.path, SIMULATE_AGAIN)
            return xr.open_dataset(self.path)

    @cached_property
    def class_name(self) -> str:
        """The class variable that sites are told apart by: the biome, else the first by name, else no variable."""
        variables = self.dataset.data_vars
        classes = sorted(str(n) for n, v in variables.items() if v.dims == ("site",) and "flag_meanings" in v.attrs)
        return "biome" if "biome" in variables or not classes else classes[0]

    @cached_property
    def biome(self) -> np.ndarray:
        """Biome of each site, (N,), or its class by `class_name` of a dataset that has no biome."""
        with readable(self.path, SIMULATE_AGAIN):
            if self.class_name not in self.dataset.data_vars:
                return np.full(self.dataset.sizes["site"], "all sites")
            variable = self.dataset[self.class_name]
            names = dict(
                zip(
                    np.atleast_1d(variable.attrs["flag_values"]).tolist(),
                    variable.attrs["flag_meanings"].split(),
                    strict=True,
                )
            )
            return np.array([names.get(int(code), str(code)) for code in variable.values])

    @cached_property
    def dates(self) -> Any:
        """Date accessor of the time axis: `.year`, `.month`, `.day`, `.dayofyear`."""
        with readable(self.path, SIMULATE_AGAIN):
            return self.dataset["time"].dt

    def values(self, name: str, units: str, site: int | slice = slice(None)) -> np.ndarray:
        """A variable in the unit wanted, float64, of one site (T,) or all (N, T)."""
        with readable(self.path, SIMULATE_AGAIN):
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
    simulations: Simulations | None = None

    @property
    def _remedy(self) -> str:
        return f"run python -m emulator.evaluate {self.folder.path}"

    @cached_property
    def predictions(self) -> xr.Dataset:
        """The predictions file, opened lazily, its sites in the order of the dataset's where there is one."""
        path = self.folder.predictions
        with readable(path, self._remedy):
            _require_as_sealed(path, self._remedy)
            predictions = xr.open_dataset(path)
            return predictions if self.simulations is None else self._in_order(predictions, self.simulations)

    def _in_order(self, predictions: xr.Dataset, simulations: Simulations) -> xr.Dataset:
        """The rows of the dataset's sites, found by name; DamagedFile where sites or days are others."""
        path, data = self.folder.predictions, simulations.dataset
        names, expected = (list(map(str, file["site_id"].values)) for file in (predictions, data))
        missing = [name for name in expected if names.count(name) != 1]
        if missing or len(names) != len(expected):
            example = missing[0] if missing else next(name for name in names if name not in expected)
            fault = f"has other sites than {simulations.path} (such as '{example}')"
            raise DamagedFile(path, fault, self._remedy)
        if not _same_days(predictions["time"].values, data["time"].values):
            raise DamagedFile(path, f"has other days than {simulations.path}", self._remedy)
        return predictions.isel(site=[names.index(name) for name in expected])

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
        with readable(self.folder.predictions, self._remedy):
            if split == "left_out":
                predicted = self.predictions[f"{target}_left_out"].values
                return np.where(np.isfinite(predicted), self.predictions[target].values, np.nan), predicted
            labels = self.predictions["split"]
            code = labels.attrs["flag_meanings"].split().index(split)
            of_split = labels.values == np.atleast_1d(labels.attrs["flag_values"])[code]
            simulated, predicted = self.predictions[target].values, self.predictions[f"{target}_pred"].values
        return np.where(of_split, simulated, np.nan), np.where(of_split, predicted, np.nan)

    def climatology(self, target: str) -> np.ndarray:
        """Day-of-year climatology of the biome, that the model is judged against, (N, T), analysis units."""
        with readable(self.folder.predictions, self._remedy):
            return self.predictions[f"{target}_climatology"].values


@dataclass(frozen=True)
class Products:
    """Everything in a run's folder."""

    folder: Path
    simulations: Simulations | None
    models: Mapping[str, ModelRun]
    coupled: Mapping[str, Any] | None
    steps: Mapping[str, Any] = field(default_factory=dict)
    is_single_run: bool = False

    @property
    def places(self) -> Simulations | None:
        """Where dates and classes of the sites are read: the dataset, or for a single run its predictions."""
        if self.is_single_run:
            run = next(iter(self.models.values()))
            return Simulations(run.folder.predictions, {}) if run.folder.predictions.exists() else None
        return self.simulations

    @cached_property
    def coupled_series(self) -> xr.Dataset | None:
        """Daily targets under both schemes, or None."""
        path = self.folder / "coupled" / "series.nc"
        if not path.exists():
            return None
        _require_as_sealed(path, COUPLE_AGAIN)
        with readable(path, COUPLE_AGAIN), xr.open_dataset(path) as series:
            return series.load()


def read_products(folder: str | Path) -> Products:
    """Look into a run's folder; FileNotFoundError where there is no such folder or nothing in it to report."""
    folder = Path(folder)
    if not folder.is_dir():
        message = f"{folder} is not a folder; give --run-dir the folder that scripts/quickstart.sh wrote"
        raise FileNotFoundError(message)
    if (folder / "evaluation" / "metrics.json").exists():
        run = _single(RunFolder(folder))
        return Products(folder, None, {run.kind: run}, None, is_single_run=True)
    simulations = _simulations(folder / "sims")
    coupled = folder / "coupled" / "coupled.json"
    products = Products(
        folder=folder,
        simulations=simulations,
        models=_models(folder / "models", simulations),
        coupled=_record(coupled, COUPLED_KEYS, COUPLE_AGAIN) if coupled.exists() else None,
        steps=_steps(folder / "steps.json"),
    )
    if products.simulations is None and not products.models:
        message = (
            f"{folder} holds neither sims/dataset.nc nor models/*/evaluation/metrics.json, nor is it an evaluated run: "
            "there is nothing to report; for a run, run emulator.evaluate first"
        )
        raise FileNotFoundError(message)
    return products


def _simulations(folder: Path) -> Simulations | None:
    path = folder / "dataset.nc"
    if not path.exists():
        return None
    facts = _record(folder / "simulation.json", ("total",), SIMULATE_AGAIN)
    return Simulations(path, facts)


def _steps(path: Path) -> dict[str, Any]:
    remedy = "run scripts/quickstart.sh again"
    steps = _record(path, (), remedy)
    keys = {"seconds", "peak_rss_mb", "finished", "git_hash"}
    if not all(isinstance(step, dict) and keys <= step.keys() for step in steps.values()):
        raise DamagedFile(path, "is damaged, it holds no records of steps", remedy)
    return steps


def _models(folder: Path, simulations: Simulations | None) -> dict[str, ModelRun]:
    evaluated = {path.parents[1].name: path for path in folder.glob("*/evaluation/metrics.json")}
    kinds = sorted(
        evaluated, key=lambda kind: (KIND_ORDER.index(kind) if kind in KIND_ORDER else len(KIND_ORDER), kind)
    )
    return {kind: _model(RunFolder(folder / kind), simulations) for kind in kinds}


def _model(folder: RunFolder, simulations: Simulations | None) -> ModelRun:
    return ModelRun(folder.path.name, folder, folder.read_metrics(), simulations)


def _single(folder: RunFolder) -> ModelRun:
    """The model of a run folder that is reported alone, by its kind."""
    metrics = folder.read_metrics()
    return ModelRun(str(metrics["kind"]), folder, metrics)


def _record(path: Path, keys: Iterable[str], remedy: str) -> dict[str, Any]:
    """The content of a file that one of our commands wrote, {} where there is none."""
    return read_record(path, keys, remedy) if path.exists() else {}


def _same_days(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two time axes have the same days, wherever in a day their stamps lie."""
    if len(first) != len(second):
        return False
    shift = np.asarray(first[[0, -1]] - second[[0, -1]]).astype("timedelta64[s]")
    return bool(np.all(np.abs(shift) <= np.timedelta64(86400, "s")))


def _require_as_sealed(path: Path, remedy: str) -> None:
    if not is_as_sealed(path):
        raise DamagedFile(path, "is damaged: it does not fit the checksum at its end", remedy)


@contextmanager
def readable(path: Path, remedy: str) -> Iterator[None]:
    """Within the context, whatever is wrong with a netCDF file that is read is told as DamagedFile with its name."""
    try:
        yield
    except FileFault:
        raise
    except (OSError, RuntimeError, LookupError, AttributeError, ValueError, TypeError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise DamagedFile(path, f"cannot be read as expected ({reason})", remedy) from None
