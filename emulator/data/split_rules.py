"""Split a dataset by the rule or the file that a configuration names, and say what the split lacks."""

import logging

import numpy as np
import torch

from emulator.data.dataset import Dataset
from emulator.data.split_days import AnySplit, part_codes, split_own_years, validation_days
from emulator.data.split_file import read_split
from emulator.data.splits import PARTS, SplitConfig, make_split

log = logging.getLogger(__name__)


def split_dataset(config: SplitConfig, dataset: Dataset) -> AnySplit:
    """The split of a dataset; ValueError where nothing is left to train on, OSError where its file cannot be read.

    A dataset of one site has no spatial test, whatever the rule for space, as the log says.
    """
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


def tell(split: AnySplit, dataset: Dataset) -> None:
    """Log what is in each part, and warn of parts that are empty and of flux that no part uses."""
    has_flux = dataset.has_flux
    for part in PARTS:
        days = split.days(dataset, part)
        if days.any():
            used = days & has_flux
            log.info("split: %s: %d sites, %d days with flux", part, int(days.any(1).sum()), int(used.sum()))
    for line in lacks(split, dataset):
        log.warning("split: %s", line)
    idle = has_flux & torch.as_tensor(part_codes(split, dataset) == 0)
    if dataset.period is not None and idle.any():
        sites = dataset.site_id[idle.any(1).numpy()]
        shown = named_sites(sites)
        log.warning("split: %d days with flux are in no part, of %d sites: %s", int(idle.sum()), len(sites), shown)
    trained = (split.days(dataset, "train") & has_flux).any(1)
    for part in ("validation_temporal", "temporal"):
        strangers = ((split.days(dataset, part) & has_flux).any(1) & ~trained).numpy()
        if strangers.any():
            shown = named_sites(dataset.site_id[strangers])
            log.warning("split: %s days of %d sites without training flux: %s", part, int(strangers.sum()), shown)


def named_sites(names: np.ndarray) -> str:
    """The first five of some sites, for a line of the log."""
    return ", ".join(map(str, names[:5])) + (" ..." if len(names) > 5 else "")


def lacks(split: AnySplit, dataset: Dataset) -> list[str]:
    """Sentences on the parts that a split has no days with flux for."""
    has_flux = dataset.has_flux
    lines = []
    if not (split.days(dataset, "temporal") & has_flux).any():
        lines.append("no temporal test: no later days at sites that are trained on")
    if not ((split.days(dataset, "spatial") | split.days(dataset, "spatiotemporal")) & has_flux).any():
        lines.append("no spatial test: no site is held out")
    if not (validation_days(split, dataset) & has_flux).any():
        lines.append("no validation: the checkpoint is chosen by training days, and there are no intervals")
    return lines
