"""Climatology baselines: what one would predict from the day of the year alone, learned from training data only.

Classes hold sites of both hemispheres, so that a class's mean is by season: days of southern sites are counted half a
year on.
"""

from dataclasses import dataclass

import numpy as np

SLOTS = 366
"""Days of a leap year: 29 February has its own slot, so that 1 March is the same slot in every year."""

HALF_WINDOW = 7
"""Days on either side that a slot is averaged with; without smoothing, ten years give a noisy and too weak baseline."""

_FIRST_SLOT_OF_MONTH = np.cumsum([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30])


def day_slot(month: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Slot 0..365 of a calendar day, (T,) -> (T,)."""
    return _FIRST_SLOT_OF_MONTH[np.asarray(month) - 1] + np.asarray(day) - 1


def opposite(slot: np.ndarray) -> np.ndarray:
    """The slots half a year on: days of the southern hemisphere in the seasons of the northern one."""
    return (slot + SLOTS // 2) % SLOTS


@dataclass(frozen=True)
class Sites:
    """Sites and days of a dataset as a climatology of classes sees them.

    codes: (N,) of classes; south: (N,) bool, sites of the southern hemisphere; slot: (T,) of the days.
    """

    codes: np.ndarray
    south: np.ndarray
    slot: np.ndarray


def class_climatology(flux: np.ndarray, sites: Sites, training: np.ndarray) -> np.ndarray:
    """Mean of each class of sites, such as a biome, by day of the season, for all sites and days.

    flux: (N, T, C), NaN = missing; training: (N, T), True where data may be used. Returns (N, T, C). Every training day
    of every site of a class weighs the same. A class without training data gets the mean over all classes.
    """
    return transferred_climatology(np.where(training[..., None], flux, np.nan), sites, sites)


def transferred_climatology(flux: np.ndarray, sites: Sites, other: Sites) -> np.ndarray:
    """Mean of each class of sites of a dataset by day of the season, for the sites and days of another one.

    flux: (N, T, C), NaN where missing or not to be used, of `sites`. Returns (N', T', C) of `other`. A class that the
    first dataset does not have gets the mean over all.
    """
    overall_mean = season_means(flux, sites.slot, sites.south)
    climatology = np.empty((len(other.codes), len(other.slot), flux.shape[2]))
    for code in np.unique(other.codes):
        members = sites.codes == code
        class_mean = season_means(flux[members], sites.slot, sites.south[members])
        table = np.where(np.isfinite(class_mean), class_mean, overall_mean)
        climatology[other.codes == code] = of_season(table, other.slot, other.south[other.codes == code])
    return climatology


def of_season(table: np.ndarray, slot: np.ndarray, south: np.ndarray) -> np.ndarray:
    """A table by slot (366, C) at the days (T,) of sites (N,), (N, T, C)."""
    return np.where(south[:, None, None], table[opposite(slot)], table[slot])


def site_climatology(flux: np.ndarray, month: np.ndarray, day: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Day-of-year mean of each site's own training days, (N, T, C) -> (N, T, C); NaN for sites that have none."""
    slot = day_slot(month, day)
    training_flux = np.where(training[..., None], flux, np.nan)
    return np.stack([slot_means(site_flux[None], slot)[slot] for site_flux in training_flux])


def slot_means(flux: np.ndarray, slot: np.ndarray) -> np.ndarray:
    """Mean of (N, T, C) over sites, years and a centred circular window, by slot; (366, C), NaN where nothing is."""
    return season_means(flux, slot, np.zeros(len(flux), bool))


def season_means(flux: np.ndarray, slot: np.ndarray, south: np.ndarray) -> np.ndarray:
    """As `slot_means`, with the days of the sites marked in `south` (N,) half a year on."""
    sums = np.zeros((SLOTS, flux.shape[-1]))
    counts = np.zeros_like(sums)
    for rows, slots in ((~south, slot), (south, opposite(slot))):
        finite = np.isfinite(flux[rows])
        np.add.at(sums, slots, np.where(finite, flux[rows], 0.0).sum(axis=0, dtype=np.float64))
        np.add.at(counts, slots, finite.sum(axis=0))
    sums, counts = window_sum(sums), window_sum(counts)
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)


def window_sum(values: np.ndarray) -> np.ndarray:
    """Sum over the slots within HALF_WINDOW of each slot, the year being a circle."""
    return np.sum([np.roll(values, shift, axis=0) for shift in range(-HALF_WINDOW, HALF_WINDOW + 1)], axis=0)
