"""Which runs the benchmark has, in which order.

A run is one training, or one more test of a training that other runs share, on one ensemble with one seed. The order
makes an interrupted suite useful: the first seed of what matters, its other seeds, the biomes left out, ablations and
curves, and then more seeds of these.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

import numpy as np
from pydantic import ValidationError

from emulator.configuration.schema import Config
from emulator.data.splits import SplitConfig
from emulator.models import registry

INPUTS = ("tas", "pr", "rsds", "rlds", "vpd", "sfcWind", "co2", "ch4", "tsl", "mrsos", "wtd", "snw", "lai")
STATICS = ("lat", "lon", "elevation", "sand", "clay", "ph", "biome")


@dataclass(frozen=True)
class Ensemble:
    """A dataset of the benchmark: DIR/name/dataset.nc, made by scripts/gen_sims.py from configs/sims/name.yaml."""

    name: str
    targets: tuple[str, ...]
    scored: tuple[str, ...]
    """Targets of the tables; the others are in the records only."""
    inputs: tuple[str, ...] = INPUTS
    statics: tuple[str, ...] = STATICS


ENSEMBLES = {
    ensemble.name: ensemble
    for ensemble in (
        Ensemble("wetland", ("fch4",), ("fch4",)),
        Ensemble("upland", ("fch4",), ("fch4",)),
        Ensemble("cropland", ("gpp", "ra", "rh", "nee"), ("gpp", "nee"), (*INPUTS, "crop", "fertilisation")),
    )
}

NETWORKS = ("lstm", "gru", "ea_lstm", "tcn", "transformer", "itransformer")
"""Baselines that are trained by gradients; each with and without past flux."""
CLASSICAL = ("climatology", "nearest", "ridge", "xgboost")
"""Baselines of emulator.baselines; each with and without past flux. Climatology with past flux is the site's own."""
CHALLENGERS = ("cham_net", "raci", "unified")
BASELINES = (*CLASSICAL, *NETWORKS)
MODELS = (*CLASSICAL, "lstm", *CHALLENGERS, *NETWORKS[1:])
HISTORIES = {"cham_net": (True,), "raci": (False,), "unified": (True,)}
"""Whether a model is trained with past flux; baselines are, and are not."""

ABLATIONS: dict[str, dict[str, dict[str, Any]]] = {
    "cham_net": {
        "no_contrast": {"contrastive_weight": 0.0},
        "no_history": {"history": False},
        "no_hierarchy": {"hierarchy": False},
        "no_film": {"film": False},
        "no_site_regression": {"site_features": 0},
    },
    "raci": {
        "no_roles": {"roles": False},
        "no_functional": {"functional": False},
        "no_local": {"local": False},
        "no_codes": {"code_size": 0},
        "code_roles": {"code_roles": True},
        "no_film": {"film": False},
    },
    "unified": {
        "no_contrast": {"contrastive_weight": 0.0},
        "no_history": {"history": False},
        "no_hierarchy": {"hierarchy": False},
        "no_film": {"film": False},
        "no_functional": {"functional": False},
        "no_local": {"local": False},
        "no_codes": {"code_size": 0},
    },
}
"""Options of a model without one of its parts, or with one more, `code_roles`: `--set model.x=y` of emulator.train does
the same.
"""
ABLATED_ON = {"cham_net": ("wetland", "upland"), "raci": ("wetland", "cropland"), "unified": ("wetland", "cropland")}

ORACLES = {"true_parameters": "true", "kriged_parameters": "kriged"}
"""Variants that are trained with hidden parameters as statics: the true ones, or their kriging from training sites."""
RETRIEVED = "retrieved_parameters"
"""The network that was trained with the true parameters, tested with their kriging from the training sites: what the
best estimate of the parameters is worth to a network that knows what they do. Training with kriged parameters instead
lets a network learn its training sites by heart (docs/results/raci_trials.md)."""

SHARES = (0.1, 0.25, 0.5)
"""Shares of the training sites of the data-efficiency curve; the whole is the main run."""
HISTORY_YEARS = tuple(range(9))
"""Years of visible flux of the history-length curve."""
LEAST_BIOME_SITES, MOST_BIOME_SITES = 0.04, 0.5
"""A biome is left out where it holds a share of the sites between these."""

SPLITS = ("folds", "biome")
"""Of a training. `folds` serves the temporal, spatial and spatiotemporal tests, `biome` leaves one biome out."""


@dataclass(frozen=True)
class Suite:
    """How large a benchmark is.

    evaluation_sites: at most so many training sites are scored in the temporal test.
    """

    name: str
    hidden: int
    training: dict[str, Any]
    seeds: tuple[int, ...] = (0, 1, 2)
    ensembles: tuple[str, ...] = ("wetland", "upland", "cropland")
    models: tuple[str, ...] = MODELS
    split: dict[str, Any] = field(
        default_factory=lambda: {
            "test_years": 5,
            "validation_years": 2,
            "folds": 5,
            "block_degrees": 5.0,
            "buffer_km": 100.0,
            "validation_fraction": 0.1,
        }
    )
    evaluation_sites: int = 250
    ablation_seeds: tuple[int, ...] = (0, 1, 2)
    curves: bool = True

    @property
    def buffer_km(self) -> float:
        """Distance from the test sites within which no site trains."""
        return SplitConfig(**self.split).buffer_km


SUITES = {
    "smoke": Suite(
        "smoke",
        hidden=4,
        training={"epochs": 1, "batch_size": 8, "years_per_window": 1, "validation_sites": 4, "learning_rate": 0.02},
        seeds=(0,),
        ensembles=("wetland",),
        models=("climatology", "lstm", "cham_net", "raci"),
        split={
            "test_years": 1,
            "validation_years": 1,
            "folds": 3,
            "block_degrees": 20.0,
            "buffer_km": 50.0,
            "validation_fraction": 0.2,
        },
        evaluation_sites=6,
        ablation_seeds=(),
        curves=False,
    ),
    "small": Suite(
        "small",
        hidden=32,
        training={
            "epochs": 20,
            "windows_per_site": 1,
            "years_per_window": 5,
            "batch_size": 8,
            "validation_sites": 48,
            "validation_every": 4,
        },
    ),
    "full": Suite(
        "full",
        hidden=64,
        training={"epochs": 40, "years_per_window": 6, "batch_size": 16, "validation_sites": 128},
        evaluation_sites=100_000,
    ),
}


@dataclass(frozen=True)
class Run:
    """One line of the plan.

    variant: '' for the model as it is, else an ablation or an oracle; history: trained with past flux; options: of the
    model, where they differ; parameters: '' or which hidden parameters are given as statics; share: of the training
    sites; task: 'score', 'self_fed', 'history_length' or 'retrieved', the latter being more tests of the same training.
    """

    ensemble: str
    kind: str
    seed: int
    history: bool = False
    variant: str = ""
    options: tuple[tuple[str, Any], ...] = ()
    parameters: str = ""
    share: float = 1.0
    split: str = "folds"
    task: str = "score"

    @property
    def model(self) -> str:
        """Name in the records: kind, and variant where there is one."""
        return f"{self.kind}/{self.variant}" if self.variant else self.kind

    @property
    def name(self) -> str:
        """Readable and unique within a suite."""
        parts = [self.ensemble, self.kind, self.variant, "past" if self.history else "", f"s{self.seed}"]
        parts += ["lobo" if self.split == "biome" else "", self.task if self.task != "score" else ""]
        return re.sub(r"[^\w.-]", "_", "-".join(part for part in parts if part))


def key(run: Run, suite: Suite, tuned: dict[str, Any]) -> str:
    """Name of the run's files: changes with anything that the run's numbers depend on, except code and data."""
    return f"{run.name}-{_hash(run, suite, tuned)}"


def training_key(run: Run, suite: Suite, tuned: dict[str, Any]) -> str:
    """Name of the folder of the run's training, the same for all tests of it."""
    return key(replace(run, task="score"), suite, tuned)


def _hash(run: Run, suite: Suite, tuned: dict[str, Any]) -> str:
    content = [
        asdict(run), tuned, suite.hidden, suite.training, suite.split, suite.evaluation_sites,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:10]


def build(
    suite: Suite,
    *,
    models: tuple[str, ...] | None = None,
    ensembles: tuple[str, ...] | None = None,
    splits: tuple[str, ...] = SPLITS,
    seeds: tuple[int, ...] | None = None,
) -> list[Run]:
    """The plan, in order, without what is not asked for."""
    models = models or suite.models
    whole = _all(replace(suite, ensembles=ensembles or suite.ensembles, seeds=seeds or suite.seeds))
    runs = (run for run in whole if (run.kind in models or run.model in models) and run.split in splits)
    return list(dict.fromkeys(runs))


def _all(suite: Suite) -> Iterator[Run]:
    first, others = suite.seeds[:1], suite.seeds[1:]
    core = ("lstm", *CHALLENGERS, *CLASSICAL)
    yield from _main(suite, core, first)
    yield from _main(suite, core, others)
    yield from _oracles(suite, ("cham_net", "raci"), first)
    yield from _main(suite, ("lstm", *CHALLENGERS, "ridge", "xgboost"), suite.seeds, split="biome")
    yield from _ablations(suite, suite.ablation_seeds[:1])
    if suite.curves:
        yield from _tests(suite, "history_length", ("cham_net", "unified", "lstm"), first)
        yield from _tests(suite, "self_fed", ("cham_net", "unified"), first)
    yield from _main(suite, NETWORKS[1:], first)
    yield from _main(suite, NETWORKS[1:], others)
    yield from _oracles(suite, ("cham_net", "raci"), others)
    if suite.curves:
        yield from _shares(suite, first)
    yield from _ablations(suite, suite.ablation_seeds[1:])
    if suite.curves:
        yield from _tests(suite, "history_length", ("cham_net", "unified", "lstm"), others)
        yield from _tests(suite, "self_fed", ("cham_net", "unified"), others)
    yield from _oracles(suite, ("lstm",), suite.seeds)
    yield from _main(suite, (*NETWORKS[1:], *CLASSICAL), suite.seeds, split="biome")
    if suite.curves:
        yield from _shares(suite, others)


def _main(suite: Suite, kinds: tuple[str, ...], seeds: tuple[int, ...], **options: Any) -> Iterator[Run]:
    for seed in seeds:
        for ensemble in suite.ensembles:
            for kind in kinds:
                for history in HISTORIES.get(kind, (False, True)):
                    yield Run(ensemble, kind, seed, history, **options)


def _oracles(suite: Suite, kinds: tuple[str, ...], seeds: tuple[int, ...]) -> Iterator[Run]:
    for seed in seeds:
        for ensemble in suite.ensembles:
            for kind in kinds:
                history = HISTORIES.get(kind, (False,))[0]
                for variant, parameters in ORACLES.items():
                    if kind == "cham_net" and parameters == "kriged":
                        continue  # what neighbours tell is nothing to a model that knows the site's own past
                    yield Run(ensemble, kind, seed, history, variant, parameters=parameters)
                    if kind != "cham_net" and parameters == "true":
                        yield Run(ensemble, kind, seed, history, variant, parameters=parameters, task="retrieved")


def _ablations(suite: Suite, seeds: tuple[int, ...]) -> Iterator[Run]:
    for seed in seeds:
        for kind, variants in ABLATIONS.items():
            for ensemble in ABLATED_ON[kind]:
                if ensemble in suite.ensembles and seed in suite.seeds:
                    for variant, options in variants.items():
                        yield Run(ensemble, kind, seed, HISTORIES[kind][0], variant, tuple(sorted(options.items())))


def _shares(suite: Suite, seeds: tuple[int, ...]) -> Iterator[Run]:
    for run in _main(suite, ("lstm", *CHALLENGERS), seeds):
        if run.ensemble in ("wetland", "cropland"):
            for share in SHARES:
                yield replace(run, share=share, variant=f"share_{share:g}")


def _tests(suite: Suite, task: str, kinds: tuple[str, ...], seeds: tuple[int, ...]) -> Iterator[Run]:
    yield from (replace(run, task=task) for run in _main(suite, kinds, seeds) if run.history)


def left_out_biome(seed: int, biome: np.ndarray) -> int | None:
    """Code of the biome that a seed leaves out, rotating over those with enough sites; None where there is none."""
    codes, counts = np.unique(np.asarray(biome), return_counts=True)
    shares = counts / counts.sum()
    eligible = codes[(shares >= LEAST_BIOME_SITES) & (shares <= MOST_BIOME_SITES)]
    return int(eligible[seed % len(eligible)]) if len(eligible) else None


def split_config(run: Run, suite: Suite, biome: str = "") -> SplitConfig:
    """The split of a run: a fold for each seed; biome: the one that is left out."""
    return SplitConfig(**suite.split | {"test_fold": run.seed % suite.split["folds"], "leave_biome": biome})


def configuration(run: Run, suite: Suite, path: Path | str, tuned: dict[str, Any], biome: str = "") -> Config:
    """The configuration of a network's training; ValidationError where the model has not these options.

    tuned: sections `model`, `training` and `loss` that replace defaults of the suite. biome: the one that is left out.
    """
    ensemble = ENSEMBLES[run.ensemble]
    statics = tuple(name for name in ensemble.statics if not (run.split == "biome" and name == "biome"))
    training = {"threads": 1, **suite.training, **tuned.get("training", {})}
    if run.share < 1.0:  # an epoch has fewer steps of the optimiser
        training["epochs"] *= 2
    model = {"hidden": suite.hidden, **tuned.get("model", {}), "kind": run.kind, **dict(run.options)}
    choices = _past_flux_choices(run.kind)
    if run.history and "none" in choices:
        model.setdefault("past_flux", "ungauged")
    return Config.model_validate(
        {
            "seed": run.seed,
            "data": {"path": path, "inputs": ensemble.inputs, "statics": statics, "targets": ensemble.targets},
            "split": split_config(run, suite, biome),
            "model": model,
            "training": training,
            "loss": tuned.get("loss", {}),
        }
    )


def is_network(kind: str) -> bool:
    """Whether a kind is trained by gradients; the others are those of emulator.baselines."""
    return kind not in CLASSICAL


def _past_flux_choices(kind: str) -> tuple[str, ...]:
    """Values that the option `past_flux` of a registered kind takes; empty where it has none."""
    for config in registry.MODEL_CONFIGS:
        if config.model_fields["kind"].default == kind and "past_flux" in config.model_fields:
            return get_args(config.model_fields["past_flux"].annotation)
    return ()


def why_unavailable(run: Run, suite: Suite, tuned: dict[str, Any]) -> str | None:
    """Why a run cannot be done with the code as it is, or None."""
    if not is_network(run.kind):
        return None if _importable(f"emulator.baselines.{run.kind}") else f"emulator.baselines.{run.kind} is missing"
    kinds = [config.model_fields["kind"].default for config in registry.MODEL_CONFIGS]
    if run.kind not in kinds:
        return f"no model of this kind is registered; there are {', '.join(kinds)}"
    if run.history and not _past_flux_choices(run.kind):
        return "the model takes no past flux"
    if run.task == "self_fed" and "self_fed" not in _past_flux_choices(run.kind):
        return "the model cannot be fed its own flux"
    try:
        configuration(run, suite, "dataset.nc", tuned)
    except ValidationError as error:
        first = error.errors()[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    return None


def _importable(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
