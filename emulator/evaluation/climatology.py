"""Climatology baselines: what one would predict from the day of the year alone, learned from training data only."""

import numpy as np

SLOTS = 366
"""Days of a leap year: 29 February has its own slot, so that 1 March is the same slot in every year."""

HALF_WINDOW = 7
"""Days on either side that a slot is averaged with; without smoothing, ten years give a noisy and too weak baseline."""

_FIRST_SLOT_OF_MONTH = np.cumsum([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30])


def day_slot(month: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Slot 0..365 of a calendar day, (T,) -> (T,)."""
    return _FIRST_SLOT_OF_MONTH[np.asarray(month) - 1] + np.asarray(day) - 1


def class_climatology(
    flux: np.ndarray, codes: np.ndarray, month: np.ndarray, day: np.ndarray, training: np.ndarray
) -> np.ndarray:
    """Day-of-year mean of each class of sites, such as a biome, for all sites and days.

    flux: (N, T, C), NaN = missing; codes: (N,) of classes; month, day: (T,); training: (N, T), True where data may be
    used. Returns (N, T, C). Every training day of every site of a class weighs the same. A class without training
    data gets the day-of-year mean over all classes.
    """
    slot = day_slot(month, day)
    training_flux = np.where(training[..., None], flux, np.nan)
    overall_mean = slot_means(training_flux, slot)
    climatology = np.empty(flux.shape, np.float64)
    for code in np.unique(codes):
        members = codes == code
        class_mean = slot_means(training_flux[members], slot)
        climatology[members] = np.where(np.isfinite(class_mean), class_mean, overall_mean)[slot]
    return climatology


def transferred_climatology(
    flux: np.ndarray, codes: np.ndarray, slot: np.ndarray, other_codes: np.ndarray, other_slot: np.ndarray
) -> np.ndarray:
    """Day-of-year mean of each class of sites of a dataset for the sites and days of another one, (N', T', C).

    flux: (N, T, C), NaN where missing or not to be used; codes: (N,) of classes, slot: (T,) of the first dataset;
    other_codes: (N',), other_slot: (T',). A class that the first one does not have gets the mean over all.
    """
    overall_mean = slot_means(flux, slot)
    climatology = np.empty((len(other_codes), len(other_slot), flux.shape[2]))
    for code in np.unique(other_codes):
        class_mean = slot_means(flux[codes == code], slot)
        climatology[other_codes == code] = np.where(np.isfinite(class_mean), class_mean, overall_mean)[other_slot]
    return climatology


def site_climatology(flux: np.ndarray, month: np.ndarray, day: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Day-of-year mean of each site's own training days, (N, T, C) -> (N, T, C); NaN for sites that have none."""
    slot = day_slot(month, day)
    training_flux = np.where(training[..., None], flux, np.nan)
    return np.stack([slot_means(site_flux[None], slot)[slot] for site_flux in training_flux])


def slot_means(flux: np.ndarray, slot: np.ndarray) -> np.ndarray:
    """Mean of (N, T, C) over sites, years and a centred circular window, by slot; (366, C), NaN where nothing is."""
    finite = np.isfinite(flux)
    sums = np.zeros((SLOTS, flux.shape[-1]))
    counts = np.zeros_like(sums)
    np.add.at(sums, slot, np.where(finite, flux, 0.0).sum(axis=0, dtype=np.float64))
    np.add.at(counts, slot, finite.sum(axis=0))
    sums, counts = window_sum(sums), window_sum(counts)
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)


def window_sum(values: np.ndarray) -> np.ndarray:
    """Sum over the slots within HALF_WINDOW of each slot, the year being a circle."""
    return np.sum([np.roll(values, shift, axis=0) for shift in range(-HALF_WINDOW, HALF_WINDOW + 1)], axis=0)
