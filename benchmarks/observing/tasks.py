"""What is trained on, what may be seen and what is scored, by protocol.

A protocol is a list of tasks, each one training; a view of a task is a way to run what was trained. Test days are in no
training, and a view that sees flux of the site predicts later years alone, as all models do.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch

from emulator.data.calendar import record_years
from emulator.data.dataset import Dataset
from emulator.data.split_days import LABELS, DaySplit, learnable_days, split_own_years
from emulator.data.splits import EARTH_RADIUS_KM, SplitConfig

TRAIN, VALIDATION, TEST, NEW = (LABELS.index(name) for name in ("train", "validation_temporal", "temporal", "spatial"))
GROUP_KM = 5.0
"""Sites that are closer than this stand or fall together."""
OWN_YEARS = (0, 1, 2, 3)
FOLDS = (
    ("BW-Gum", "FI-Sii", "RU-Ch2"),
    ("CA-SCB", "US-BZF", "US-BZB"),
    ("DE-Zrk",),
    ("FR-LGt", "US-ICs"),
    ("DE-SfN", "DE-Hte", "FI-Si2"),
)
"""Spatial folds of X-MethaneWet (arXiv 2505.18355), as far as the sites are here; US-EDN is in none, and trains."""
LOW, HIGH = ":low", ":high"
"""After the name of a view: ends of 90 % intervals."""
PROTOCOLS = ("validation", "temporal", "spatial_folds", "leave_site_out")
"""`validation`: the last year before the test, by which settings and weights of the temporal protocol are chosen."""


@dataclass(frozen=True)
class View:
    """A way to run a model: visible, scored: (N, T) bool, days whose flux it may see, and days that count.

    strict: no flux of a test year is seen.
    """

    protocol: str
    strict: bool
    visible: np.ndarray
    scored: np.ndarray

    @property
    def name(self) -> str:
        return self.protocol if self.strict else f"{self.protocol}-rolling"


@dataclass(frozen=True)
class Task:
    """A training, and the views that are scored of it."""

    name: str
    split: DaySplit
    views: tuple[View, ...]

    def refitted(self) -> DaySplit:
        """The split with validation days trained on, too: once choices are made."""
        part = np.where(self.split.part == VALIDATION, TRAIN, self.split.part)
        return replace(self.split, part=part.astype(np.int8))


def tasks(protocol: str, dataset: Dataset, record_target: str) -> list[Task]:
    """The tasks of a protocol."""
    if protocol == "temporal":
        return [temporal(dataset)]
    if protocol == "validation":
        return [validation(temporal(dataset))]
    if protocol == "spatial_folds":
        present = [np.isin(dataset.site_id.astype(str), fold) for fold in FOLDS]
        return [_new_sites(f"fold{n}", dataset, test, ()) for n, test in enumerate(present) if test.any()]
    counted = list(dataset.signature.target_names).index(record_target)
    return [
        _new_sites(f"without-{'+'.join(dataset.site_id[group])}", dataset, group, OWN_YEARS, counted)
        for group in site_groups(dataset)
    ]


def temporal(dataset: Dataset) -> Task:
    """Later years of sites with own years before them: from year (n - 1) * 6 // 7 of n on."""
    config = SplitConfig(time="index", space="none", validation_fraction=0.0)
    split = split_own_years(config, dataset)
    learned = learnable_days(split, dataset)
    gauged = (learned & dataset.has_flux).any(1).numpy()
    scored = (split.part == TEST) & gauged[:, None]
    split = replace(split, part=np.where(gauged[:, None], split.part, 0).astype(np.int8))
    everything = np.ones_like(scored)
    return Task(
        "temporal",
        split,
        (View("temporal", True, learned.numpy(), scored), View("temporal", False, everything, scored)),
    )


def validation(task: Task) -> Task:
    """The last year before the test, at sites that have earlier ones, from the years before it."""
    trained = task.split.part == TRAIN
    gauged = trained.any(1, keepdims=True)
    scored = (task.split.part == VALIDATION) & gauged
    part = np.where(trained, TRAIN, np.where(scored, TEST, 0)).astype(np.int8)
    view = View("validation", True, trained, scored)
    return Task("validation", replace(task.split, part=part), (view,))


def site_groups(dataset: Dataset) -> list[np.ndarray]:
    """Masks (N,) of sites within GROUP_KM of one another, in the order of the dataset."""
    near = _distances(dataset) < GROUP_KM
    group = np.arange(dataset.n_sites)
    for site in range(dataset.n_sites):
        group[near[site]] = group[near[site]].min()
    return [group == number for number in np.unique(group)]


def _new_sites(name: str, dataset: Dataset, test: np.ndarray, own_years: tuple[int, ...], counted: int = 0) -> Task:
    """Sites that are not trained on, nor any of their groups; views by years of own record that are seen."""
    grouped = np.zeros_like(test)
    for group in site_groups(dataset):
        grouped |= group & (group & test).any()
    in_record = dataset.in_record().numpy()
    part = np.where(test[:, None], NEW, np.where(grouped[:, None], 0, TRAIN)) * in_record
    split = DaySplit(part.astype(np.int8), np.arange(dataset.n_sites))
    unseen = test[:, None] & in_record
    nothing = np.zeros_like(unseen)
    if not own_years:
        return Task(name, split, (View("spatial_folds", True, nothing, unseen),))
    views = []
    for years in own_years:
        seen = _first_years(dataset, years, counted) & unseen
        reached = seen.any(1, keepdims=True) | (years == 0)
        scored = unseen & ~seen & reached
        views.append(View(f"own_years_{years}" if years else "leave_site_out", True, seen, scored))
    return Task(name, split, tuple(views))


def _first_years(dataset: Dataset, count: int, target: int) -> np.ndarray:
    """Days up to the end of each site's `count`-th year with flux of a target, (N, T); none where there are fewer."""
    days = np.zeros((dataset.n_sites, len(dataset.time)), bool)
    for site in range(dataset.n_sites):
        years = _years_with_flux(dataset, site, target)
        if 0 < count < len(years):
            days[site, : years[count - 1].stop] = True
    return days


def _years_with_flux(dataset: Dataset, site: int, target: int | None = None) -> list[slice]:
    """Days of the years of a site's record that have flux, of one target or any."""
    finite = torch.isfinite(dataset.flux[site])
    has_flux = (finite.any(-1) if target is None else finite[:, target]).numpy()
    years = record_years(dataset.calendar, *dataset.periods[site].tolist())
    return [slice(start, stop) for start, stop in years if has_flux[start:stop].any()]


def _distances(dataset: Dataset) -> np.ndarray:
    """Great-circle distances of all sites, (N, N), km."""
    phi, lam = np.deg2rad(dataset.lat.astype(float)), np.deg2rad(dataset.lon.astype(float))
    xyz = np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=1)
    return np.asarray(EARTH_RADIUS_KM * np.arccos(np.clip(xyz @ xyz.T, -1.0, 1.0)))
