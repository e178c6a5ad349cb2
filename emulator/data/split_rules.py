"""Split a dataset by the rule or the file that a configuration names, and say what the split lacks."""

import logging

from emulator.data.dataset import Dataset
from emulator.data.series import either, marked_days
from emulator.data.split_days import AnySplit, split_own_years, validation_days
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
            used = int(marked_days(days, has_flux).sum())
            log.info("split: %s: %d sites, %d days with flux", part, int(days.any(1).sum()), used)
    for line in lacks(split, dataset):
        log.warning("split: %s", line)
    if dataset.period is not None:
        in_parts = marked_days(has_flux, either(*(split.days(dataset, part) for part in PARTS)))
        idle = (marked_days(has_flux) - in_parts).numpy()
        sites = dataset.site_id[idle > 0]
        if len(sites):
            shown = ", ".join(map(str, sites[:5])) + (" ..." if len(sites) > 5 else "")
            log.warning("split: %d days with flux are in no part, of %d sites: %s", int(idle.sum()), len(sites), shown)


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
