"""The dataset and the split of a run: what is left out, which share of the sites trains, what oracles are told."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.learning import ceilings, data, plan
from benchmarks.learning.plan import Run
from benchmarks.learning.workspace import Workspace
from emulator.data.dataset import Dataset
from emulator.data.signature import Signature
from emulator.data.splits import Split
from foundations.variables import BIOMES

ORDER_STREAM = 77
"""Second word of the seed of `site_order`, so that it draws other numbers than the split does."""


def prepare(run: Run, workspace: Workspace) -> tuple[Dataset, Split, str]:
    """Dataset with the statics of this run, its split, and the name of the biome that is left out, or ''."""
    dataset = open_ensemble(run.ensemble, workspace)
    biome = ""
    if run.split == "biome":
        code = plan.left_out_biome(run.seed, dataset.biome)
        if code is None:
            message = f"{dataset.path}: no biome has enough sites to be left out"
            raise ValueError(message)
        biome = BIOMES[code]
        dataset = data.without_static(dataset, "biome")
    split = plan.split_config(run, workspace.suite, biome).build(dataset.lat, dataset.lon, dataset.years, dataset.biome)
    if run.share < 1.0:
        split = replace(split, train_sites=_share_of(split.train_sites, run.share, run.seed))
    if run.parameters:
        dataset = with_parameters(
            run.parameters, workspace.dataset_path(run.ensemble).parent, dataset, split, workspace.suite.buffer_km
        )
    return dataset, split, biome


def open_ensemble(name: str, workspace: Workspace) -> Dataset:
    """The dataset of an ensemble, mapped."""
    ensemble = plan.ENSEMBLES[name]
    signature = Signature.from_names(ensemble.inputs, ensemble.statics, ensemble.targets)
    return data.open_mapped(workspace.dataset_path(name), signature, workspace.work / "cache")


def with_parameters(source: str, folder: Path, dataset: Dataset, split: Split, buffer_km: float) -> Dataset:
    """The dataset with hidden parameters among its statics, for oracles; source: 'true' or 'kriged', where sites within
    a buffer of a block tell nothing of it.
    """
    if source == "true":
        names, values = ceilings.true_parameters(folder, dataset.site_id)
    else:
        names, values = ceilings.kriged_parameters(folder, dataset, split, buffer_km=buffer_km)
    return data.with_statics(dataset, tuple(names), np.asarray(values))


def site_order(sites: np.ndarray, seed: int) -> np.ndarray:
    """Rows of the marked sites in a random order, the same whichever others are marked, so that choices are nested."""
    rank = np.random.default_rng([seed, ORDER_STREAM]).random(len(sites))
    rows = np.flatnonzero(sites)
    return rows[np.argsort(rank[rows])]


def _share_of(sites: np.ndarray, share: float, seed: int) -> np.ndarray:
    """A share of the marked sites; smaller shares of the same seed are within larger ones."""
    order = site_order(sites, seed)
    chosen = np.zeros_like(sites)
    chosen[order[: max(1, round(share * len(order)))]] = True
    return chosen
