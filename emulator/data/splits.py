"""Which sites and years are learned from, chosen by, and judged on.

Sites are split in blocks of space, so that a held-out site has no close neighbour in training; years are split in order
of time. A part of the training sites and years is set aside as validation, by which checkpoints are chosen; test data
choose nothing. `emulator.data.split_rules` splits a dataset by any of the rules.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from torch import Tensor

from emulator.data.classes import SiteClasses
from emulator.data.dataset import Dataset
from foundations.variables import BIOMES

EARTH_RADIUS_KM = 6371.0
ROWS_AT_ONCE = 256
"""Sites whose distances to all others are held at a time."""
PARTS = ("train", "validation_temporal", "validation_spatial", "temporal", "spatial", "spatiotemporal")


class SplitConfig(BaseModel):
    """How to split. Years count from the end of the record: the last are tested, those before validate.

    `time`: 'years', the last of the dataset, the same for all sites; 'later_years', the last of each site's own record;
    'index', of the n years of a site those from index (n - 1) * 6 // 7 on (X-MethaneWet, arXiv 2505.18355).
    `space`: 'blocks' in folds; 'random', folds of sites wherever they are; 'leave_site_out', the site `leave_site`, or
    number `test_fold`; 'none', no test sites. With `leave_class`, a class variable and one of its meanings, all sites
    of that class are the test sites, without folds and buffer; `leave_biome` is short for that of `biome`.
    `train_fraction` of the training sites, drawn at random, are trained on. `file`, a CSV of site, from, to, part,
    takes the place of all rules. `train_only`, a class variable and one of its meanings: all days of such sites train,
    as those of simulations beside measurements do.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    time: Literal["years", "later_years", "index"] = "years"
    space: Literal["blocks", "random", "leave_site_out", "none"] = "blocks"

    test_years: int = Field(default=3, ge=0)
    validation_years: int = Field(default=1, ge=0)
    folds: int = Field(default=5, ge=2)
    test_fold: int = Field(default=0, ge=0)
    validation_fraction: float = Field(default=0.1, ge=0.0, lt=0.9)
    block_degrees: float = Field(default=10.0, gt=0.0)
    buffer_km: float = Field(default=100.0, ge=0.0)
    leave_biome: str = ""
    leave_class: dict[str, str] = {}
    leave_site: str = ""
    train_only: dict[str, str] = {}
    train_fraction: float = Field(default=1.0, gt=0.0, le=1.0)
    file: Path | None = None
    seed: int = 0

    @field_validator("leave_biome")
    @classmethod
    def _is_a_biome(cls, name: str) -> str:
        if name and name not in BIOMES.values():
            message = f"'{name}' is not among the biomes: {', '.join(BIOMES.values())}"
            raise ValueError(message)
        return name

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if len(self.leave_class) + bool(self.leave_biome) > 1:
            message = "give leave_class one variable and its meaning, or leave_biome, not several"
            raise ValueError(message)
        if self.leave_site and self.space != "leave_site_out":
            message = f"leave_site is '{self.leave_site}', so space must be 'leave_site_out', not '{self.space}'"
            raise ValueError(message)
        return self

    @field_validator("train_only")
    @classmethod
    def _is_one_class(cls, classes: dict[str, str]) -> dict[str, str]:
        if len(classes) > 1:
            message = "give one class variable and its meaning"
            raise ValueError(message)
        return classes

    @property
    def left_out(self) -> tuple[str, str] | None:
        """Class variable and meaning of the sites that are left out, None where no class is."""
        if self.leave_biome:
            return "biome", self.leave_biome
        return next(iter(self.leave_class.items()), None)

    def build(self, lat: np.ndarray, lon: np.ndarray, years: np.ndarray, biome: np.ndarray | None = None) -> "Split":
        """Split sites at lat, lon (N,), degrees, and years (Y,), ascending, the same for all sites; biome: (N,) codes,
        for `leave_biome`.
        """
        classes = {} if biome is None else {"biome": SiteClasses(np.asarray(biome), BIOMES)}
        return make_split(self, np.asarray(lat, float), np.asarray(lon, float), np.asarray(years), classes)


@dataclass(frozen=True)
class Split:
    """Masks over sites (N,) and years (Y,), and the spatial block of each site (N,).

    Sites in no mask lie within the buffer around test sites and are not used.
    """

    train_sites: np.ndarray
    validation_sites: np.ndarray
    test_sites: np.ndarray
    train_years: np.ndarray
    validation_years: np.ndarray
    test_years: np.ndarray
    block: np.ndarray

    def mask(self, part: str) -> np.ndarray:
        """(N, Y) bool of one of PARTS.

        train: training sites and years; validation_temporal: training sites, validation years; validation_spatial:
        validation sites, training and validation years; temporal: training sites, test years; spatial: test sites,
        training and validation years; spatiotemporal: test sites, test years.
        """
        early = self.train_years | self.validation_years
        pairs = {
            "train": (self.train_sites, self.train_years),
            "validation_temporal": (self.train_sites, self.validation_years),
            "validation_spatial": (self.validation_sites, early),
            "temporal": (self.train_sites, self.test_years),
            "spatial": (self.test_sites, early),
            "spatiotemporal": (self.test_sites, self.test_years),
        }
        if part not in pairs:
            message = f"split part '{part}' is not one of {', '.join(PARTS)}"
            raise ValueError(message)
        sites, years = pairs[part]
        return sites[:, None] & years[None, :]

    def days(self, dataset: Dataset, part: str) -> Tensor:
        """Days of a part within the records of the sites, (N, T) bool."""
        return dataset.day_mask(self.mask(part))

    def validation_mask(self) -> np.ndarray:
        """(N, Y) bool: both validation parts."""
        return self.mask("validation_temporal") | self.mask("validation_spatial")


def make_split(
    config: SplitConfig,
    lat: np.ndarray,
    lon: np.ndarray,
    years: np.ndarray,
    classes: Mapping[str, SiteClasses] | None = None,
    site_id: np.ndarray | None = None,
) -> Split:
    """Split by `config`, all sites with the same years; ValueError where too little is left to train on."""
    held_back = config.test_years + config.validation_years
    if held_back >= len(years):
        message = (
            f"split: {config.test_years} test and {config.validation_years} validation years leave none "
            f"of {len(years)} to train on; lower them, or split.time later_years takes what each site has"
        )
        raise ValueError(message)
    sites = split_sites(config, lat, lon, classes, site_id)
    order = np.arange(len(years))
    return Split(
        train_sites=sites.train,
        validation_sites=sites.validation,
        test_sites=sites.test,
        train_years=order < len(years) - held_back,
        validation_years=(order >= len(years) - held_back) & (order < len(years) - config.test_years),
        test_years=order >= len(years) - config.test_years,
        block=sites.block,
    )


class SiteMasks(NamedTuple):
    """Sites that train, validate and test, (N,) bool, and the spatial block of each, (N,): itself where sites are split
    wherever they are.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    block: np.ndarray


def split_sites(
    config: SplitConfig,
    lat: np.ndarray,
    lon: np.ndarray,
    classes: Mapping[str, SiteClasses] | None = None,
    site_id: np.ndarray | None = None,
) -> SiteMasks:
    """Split sites by the rule for space; ValueError where too few are left. site_id: (N,), for `leave_site`."""
    _check_fold(config, len(lat))
    random = np.random.default_rng(config.seed)
    block = spatial_blocks(lat, lon, config.block_degrees)
    test, buffer_km = np.zeros(len(lat), bool), config.buffer_km
    if config.left_out is not None:
        key = "leave_biome" if config.leave_biome else "leave_class"
        test, buffer_km = sites_of_class(*config.left_out, classes or {}, key), 0.0
    elif config.space == "blocks":
        test = assign_folds(block, config.folds, random) == config.test_fold
    elif config.space == "random":
        test, buffer_km = random.permutation(len(lat)) % config.folds == config.test_fold, 0.0
    elif config.space == "leave_site_out":
        test[_site_left_out(config, site_id)] = True
    free = ~test & ~_within(lat, lon, test, buffer_km)
    units = np.arange(len(lat)) if config.space == "random" else block
    validation = _choose_blocks(units, free, config.validation_fraction, random)
    train = free & ~validation
    if not train.any() or not (test.any() or (config.space == "none" and config.left_out is None)):
        raise ValueError(_too_few_sites(config, train, test))
    if config.train_fraction < 1.0:
        sites = random.permutation(np.flatnonzero(train))
        train[sites[max(1, round(config.train_fraction * len(sites))) :]] = False
    return SiteMasks(train, validation, test, units)


def _check_fold(config: SplitConfig, sites: int) -> None:
    folds = sites if config.space == "leave_site_out" else config.folds
    if config.test_fold >= folds:
        message = f"split.test_fold is {config.test_fold}, but there are folds 0 to {folds - 1}"
        raise ValueError(message)


def _site_left_out(config: SplitConfig, site_id: np.ndarray | None) -> int:
    if not config.leave_site:
        return config.test_fold
    names = [] if site_id is None else site_id.tolist()
    if config.leave_site not in names:
        message = f"split.leave_site: {unknown_name(config.leave_site, names)}"
        raise ValueError(message)
    return names.index(config.leave_site)


def unknown_name(name: str, names: list[str]) -> str:
    """What is wrong with a site's name, with the names that are like it."""
    near = difflib.get_close_matches(name, names, n=3) or names[:5]
    return f"'{name}' is no site of the dataset; near are: {', '.join(near)}"


def _too_few_sites(config: SplitConfig, train: np.ndarray, test: np.ndarray) -> str:
    counts = f"{int(train.sum())} training and {int(test.sum())} test sites of {len(train)}"
    if config.leave_biome:
        return f"split.leave_biome is '{config.leave_biome}', which leaves {counts}"
    if config.leave_class:
        return f"split.leave_class is {config.leave_class}, which leaves {counts}"
    return (
        f"split: {counts}; use smaller split.block_degrees, a smaller split.buffer_km or more sites, "
        "or split.space none for no spatial test"
    )


def sites_of_class(variable: str, meaning: str, classes: Mapping[str, SiteClasses], key: str) -> np.ndarray:
    """(N,) bool, of `split.KEY`; ValueError where sites have no such class variable, or it has no such meaning."""
    if variable not in classes:
        message = f"split.{key} needs the {variable} of each site; class variables are: {', '.join(classes) or 'none'}"
        raise ValueError(message)
    meanings = classes[variable].meanings
    if meaning not in meanings.values():
        message = f"split.{key}.{variable}: '{meaning}' is not among {', '.join(meanings.values())}"
        raise ValueError(message)
    return classes[variable].names() == meaning


def spatial_blocks(lat: np.ndarray, lon: np.ndarray, degrees: float) -> np.ndarray:
    """Number of the block that each site is in, (N,): bands of latitude cut into cells of about equal width in km."""
    band = np.floor((lat + 90.0) / degrees).astype(np.int64)
    centre = np.deg2rad(np.clip((band + 0.5) * degrees - 90.0, -89.0, 89.0))
    cells = np.maximum(1, np.round(360.0 * np.cos(centre) / degrees)).astype(np.int64)
    column = np.floor((lon % 360.0) / 360.0 * cells).astype(np.int64)
    return np.unique(band * 100_000 + column, return_inverse=True)[1]


def assign_folds(block: np.ndarray, folds: int, random: np.random.Generator) -> np.ndarray:
    """Fold 0..folds-1 of each site; whole blocks, in random order, each to the fold with the fewest sites so far."""
    filled = np.zeros(folds, np.int64)
    fold = np.empty(len(block), np.int64)
    for number in random.permutation(np.unique(block)):
        members = block == number
        smallest = int(np.argmin(filled))
        fold[members] = smallest
        filled[smallest] += members.sum()
    return fold


def _choose_blocks(block: np.ndarray, free: np.ndarray, fraction: float, random: np.random.Generator) -> np.ndarray:
    """Mask (N,) of whole blocks holding about `fraction` of the free sites, never all of them."""
    chosen = np.zeros(len(block), bool)
    target_count = fraction * free.sum()
    for number in random.permutation(np.unique(block[free])):
        members = free & (block == number)
        if chosen.sum() + members.sum() / 2 <= target_count and (free & ~chosen & ~members).any():
            chosen |= members
    return chosen


def _within(lat: np.ndarray, lon: np.ndarray, centres: np.ndarray, distance_km: float) -> np.ndarray:
    """Mask (N,) of sites within a great-circle distance of any of the sites marked in `centres`."""
    if distance_km <= 0.0 or not centres.any():
        return np.zeros(len(lat), bool)
    phi, lam = np.deg2rad(lat), np.deg2rad(lon)
    xyz = np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=1)
    chord = 2.0 * np.sin(min(distance_km / EARTH_RADIUS_KM, np.pi) / 2.0)
    near = np.empty(len(xyz), bool)
    for first in range(0, len(xyz), ROWS_AT_ONCE):
        rows = slice(first, first + ROWS_AT_ONCE)
        near[rows] = np.linalg.norm(xyz[rows, None, :] - xyz[None, centres, :], axis=2).min(axis=1) < chord
    return near
