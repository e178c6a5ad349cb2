"""Split a dataset by the rule or the file that a configuration names, and say what the split lacks."""

import logging

import numpy as np
import torch

from emulator.data.dataset import Dataset
from emulator.data.series import either, marked_days
from emulator.data.split_days import LABELS, AnySplit, DaySplit, part_codes, split_own_years, validation_days
from emulator.data.split_file import read_split
from emulator.data.splits import PARTS, SplitConfig, make_split, sites_of_class, spatial_blocks

log = logging.getLogger(__name__)


def split_dataset(config: SplitConfig, dataset: Dataset) -> AnySplit:
    """The split of a dataset; ValueError where nothing is left to train on, OSError where its file cannot be read.

    A dataset of one site has no spatial test, whatever the rule for space, as the log says.
    """
    if config.train_only:
        return _beside_simulations(config, dataset)
    if config.file is not None:
        split: AnySplit = read_split(config.file, dataset, config.block_degrees)
    else:
        if dataset.n_sites == 1 and config.space != "none":
            no_test = {"space": "none", "leave_biome": "", "leave_class": {}, "leave_site": "", "test_fold": 0}
            config = config.model_copy(update=no_test)
        if config.time == "years":
            split = make_split(config, dataset.lat, dataset.lon, dataset.years, dataset.groups, dataset.site_id)
        else:
            split = split_own_years(config, dataset)
    if not split.days(dataset, "train").any():
        message = f"{dataset.path}: the split leaves no day to train on; give split.train days by another rule or file"
        raise ValueError(message)
    return split


def source_sites(config: SplitConfig, dataset: Dataset) -> np.ndarray:
    """Sites that `train_only` names, (N,) bool; ValueError where the dataset has no such class."""
    if not config.train_only:
        return np.zeros(dataset.n_sites, bool)
    variable, meaning = next(iter(config.train_only.items()))
    return sites_of_class(variable, meaning, dataset.groups, "train_only")


def _beside_simulations(config: SplitConfig, dataset: Dataset) -> DaySplit:
    """The rules for all sites but those of `train_only`, whose days all train."""
    simulated = source_sites(config, dataset)
    if simulated.all():
        message = f"{dataset.path}: split.train_only names all sites, so that none is left to choose by or to test"
        raise ValueError(message)
    others = dataset.site_subset(~simulated)
    split = split_dataset(config.model_copy(update={"train_only": {}}), others)
    part = np.zeros((dataset.n_sites, len(dataset.time)), np.int8)
    part[~simulated] = part_codes(split, others)
    part[simulated] = LABELS.index("train") * dataset.in_record()[torch.as_tensor(simulated)].numpy()
    block = np.empty(dataset.n_sites, np.int64)
    block[~simulated] = split.block
    places = spatial_blocks(dataset.lat[simulated], dataset.lon[simulated], config.block_degrees)
    block[simulated] = 1 + split.block.max() + places
    return DaySplit(part, block)


def tell(split: AnySplit, dataset: Dataset) -> None:
    """Log what is in each part, and warn of parts that are empty and of flux that no part uses."""
    has_flux = dataset.has_flux
    for part in PARTS:
        days = split.days(dataset, part)
        if days.any():
            used = int(marked_days(days, has_flux).sum())
            log.info("split: %s: %d sites, %d days with flux", part, int(days.any(1).sum()), used)
    for line in lacks(split, dataset):
        log.warning("split: %s", line)
    if dataset.period is not None:
        in_parts = marked_days(has_flux, either(*(split.days(dataset, part) for part in PARTS)))
        idle = (marked_days(has_flux) - in_parts).numpy()
        sites = dataset.site_id[idle > 0]
        if len(sites):
            shown = named_sites(sites)
            log.warning("split: %d days with flux are in no part, of %d sites: %s", int(idle.sum()), len(sites), shown)
    _tell_strangers(split, dataset)


def _tell_strangers(split: AnySplit, dataset: Dataset) -> None:
    """Warn of sites that are validated or tested in later days, and have no flux to train on in earlier ones."""
    trained = marked_days(split.days(dataset, "train"), dataset.has_flux) > 0
    for part in ("validation_temporal", "temporal"):
        judged = marked_days(split.days(dataset, part), dataset.has_flux) > 0
        strangers = dataset.site_id[(judged & ~trained).numpy()]
        if len(strangers):
            shown = named_sites(strangers)
            log.warning("split: %s days of %d sites without training flux: %s", part, len(strangers), shown)


def named_sites(names: np.ndarray) -> str:
    """The first five of some sites, for a line of the log."""
    return ", ".join(map(str, names[:5])) + (" ..." if len(names) > 5 else "")


def lacks(split: AnySplit, dataset: Dataset) -> list[str]:
    """Sentences on the parts that a split has no days with flux for."""
    has_flux = dataset.has_flux
    lines = []
    if not marked_days(split.days(dataset, "temporal"), has_flux).any():
        lines.append("no temporal test: no later days at sites that are trained on")
    new_sites = either(split.days(dataset, "spatial"), split.days(dataset, "spatiotemporal"))
    if not marked_days(new_sites, has_flux).any():
        lines.append("no spatial test: no site is held out")
    if not marked_days(validation_days(split, dataset), has_flux).any():
        lines.append("no validation: the checkpoint is chosen by training days, and there are no intervals")
    return lines
