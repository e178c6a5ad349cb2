"""Which sites and years are learned from, chosen by, and judged on.

Sites are split in blocks of space, so that a held-out site has no close neighbour in training; years are split in order
of time. A part of the training sites and years is set aside as validation, by which checkpoints are chosen; test data
choose nothing.
"""

from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from foundations.variables import BIOMES

EARTH_RADIUS_KM = 6371.0
PARTS = ("train", "validation_temporal", "validation_spatial", "temporal", "spatial", "spatiotemporal")


class SplitConfig(BaseModel):
    """How to split. Years count from the end of the record: the last are tested, those before validate.

    With `leave_biome`, one of BIOMES, all sites of that biome are the test sites, without folds and buffer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    test_years: int = Field(default=3, ge=0)
    validation_years: int = Field(default=1, ge=0)
    folds: int = Field(default=5, ge=2)
    test_fold: int = Field(default=0, ge=0)
    validation_fraction: float = Field(default=0.1, ge=0.0, lt=0.9)
    block_degrees: float = Field(default=10.0, gt=0.0)
    buffer_km: float = Field(default=100.0, ge=0.0)
    leave_biome: str = ""
    seed: int = 0

    @field_validator("leave_biome")
    @classmethod
    def _is_a_biome(cls, name: str) -> str:
        if name and name not in BIOMES.values():
            message = f"'{name}' is not among the biomes: {', '.join(BIOMES.values())}"
            raise ValueError(message)
        return name

    def build(self, lat: np.ndarray, lon: np.ndarray, years: np.ndarray, biome: np.ndarray | None = None) -> "Split":
        """Split sites at lat, lon (N,), degrees, and years (Y,), ascending; biome: (N,) codes, for `leave_biome`."""
        return make_split(self, np.asarray(lat, float), np.asarray(lon, float), np.asarray(years), biome)


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

    def validation_mask(self) -> np.ndarray:
        """(N, Y) bool: both validation parts."""
        return self.mask("validation_temporal") | self.mask("validation_spatial")


def make_split(
    config: SplitConfig, lat: np.ndarray, lon: np.ndarray, years: np.ndarray, biome: np.ndarray | None = None
) -> Split:
    """Split by `config`; ValueError where too little is left to train on."""
    if config.test_fold >= config.folds:
        message = f"split.test_fold is {config.test_fold}, but there are folds 0 to {config.folds - 1}"
        raise ValueError(message)
    held_back = config.test_years + config.validation_years
    if held_back >= len(years):
        message = (
            f"split: {config.test_years} test and {config.validation_years} validation years leave none "
            f"of {len(years)} to train on"
        )
        raise ValueError(message)
    random = np.random.default_rng(config.seed)
    block = spatial_blocks(lat, lon, config.block_degrees)
    if config.leave_biome:
        test = _sites_of_biome(config.leave_biome, biome)
        free = ~test
    else:
        test = assign_folds(block, config.folds, random) == config.test_fold
        free = ~test & ~_within(lat, lon, test, config.buffer_km)
    validation = _choose_blocks(block, free, config.validation_fraction, random)
    train = free & ~validation
    if not train.any() or not test.any():
        raise ValueError(_too_few_sites(config, train, test))
    order = np.arange(len(years))
    return Split(
        train_sites=train,
        validation_sites=validation,
        test_sites=test,
        train_years=order < len(years) - held_back,
        validation_years=(order >= len(years) - held_back) & (order < len(years) - config.test_years),
        test_years=order >= len(years) - config.test_years,
        block=block,
    )


def _too_few_sites(config: SplitConfig, train: np.ndarray, test: np.ndarray) -> str:
    counts = f"{int(train.sum())} training and {int(test.sum())} test sites of {len(train)}"
    if config.leave_biome:
        return f"split.leave_biome is '{config.leave_biome}', which leaves {counts}"
    return f"split: {counts}; use smaller split.block_degrees, a smaller split.buffer_km or more sites"


def _sites_of_biome(name: str, biome: np.ndarray | None) -> np.ndarray:
    if biome is None:
        message = "split.leave_biome needs the biome of each site"
        raise ValueError(message)
    code = next(code for code, biome_name in BIOMES.items() if biome_name == name)
    return np.asarray(biome) == code


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
    gap = np.linalg.norm(xyz[:, None, :] - xyz[None, centres, :], axis=2)
    return gap.min(axis=1) < chord
