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


class ClassMeans:
    """Day-of-year means of classes of sites, such as biomes, by name; flux is added in blocks of sites.

    Every day of every site of a class weighs the same. A class without any gets the mean over all classes.
    """

    def __init__(self, targets: int) -> None:
        self._targets = targets
        self._sums: dict[str, np.ndarray] = {}
        self._tables: dict[str, np.ndarray] | None = None

    def add(self, flux: np.ndarray, names: np.ndarray, slot: np.ndarray) -> None:
        """flux: (n, T, C), NaN where missing or not to be used; names: (n,) of classes; slot: (T,)."""
        for name in np.unique(names).tolist():
            self._sums[name] = self._sums.get(name, 0.0) + slot_sums(flux[names == name], slot)

    def climatology(self, names: np.ndarray, slot: np.ndarray) -> np.ndarray:
        """Means for sites of these classes (n,) and days of these slots (T,), (n, T, C)."""
        if self._tables is None:
            nothing = np.zeros((2, SLOTS, self._targets))
            overall = means_of_sums(sum(self._sums.values(), nothing))
            means = {name: means_of_sums(sums) for name, sums in self._sums.items()}
            self._tables = {name: np.where(np.isfinite(mean), mean, overall) for name, mean in means.items()}
            self._tables[""] = overall
        tables = [self._tables.get(name, self._tables[""])[slot] for name in names.tolist()]
        return np.stack(tables) if tables else np.empty((0, len(slot), self._targets))


def class_climatology(
    flux: np.ndarray, codes: np.ndarray, month: np.ndarray, day: np.ndarray, training: np.ndarray
) -> np.ndarray:
    """Day-of-year mean of each class of sites for all sites and days (`ClassMeans`).

    flux: (N, T, C), NaN = missing; codes: (N,) of classes; month, day: (T,); training: (N, T), True where data may be
    used. Returns (N, T, C).
    """
    slot, names = day_slot(month, day), np.asarray(codes).astype(str)
    means = ClassMeans(flux.shape[2])
    means.add(np.where(training[..., None], flux, np.nan), names, slot)
    return means.climatology(names, slot)


def site_climatology(flux: np.ndarray, month: np.ndarray, day: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Day-of-year mean of each site's own training days, (N, T, C) -> (N, T, C); NaN for sites that have none."""
    slot = day_slot(month, day)
    training_flux = np.where(training[..., None], flux, np.nan)
    return np.stack([slot_means(site_flux[None], slot)[slot] for site_flux in training_flux])


def slot_means(flux: np.ndarray, slot: np.ndarray) -> np.ndarray:
    """Mean of (N, T, C) over sites, years and a centred circular window, by slot; (366, C), NaN where nothing is."""
    return means_of_sums(slot_sums(flux, slot))


def slot_sums(flux: np.ndarray, slot: np.ndarray) -> np.ndarray:
    """Sums of (N, T, C) over sites and years by slot, and numbers of values, (2, 366, C)."""
    finite = np.isfinite(flux)
    sums = np.zeros((2, SLOTS, flux.shape[-1]))
    np.add.at(sums[0], slot, np.where(finite, flux, 0.0).sum(axis=0, dtype=np.float64))
    np.add.at(sums[1], slot, finite.sum(axis=0))
    return sums


def means_of_sums(sums: np.ndarray) -> np.ndarray:
    """Means (366, C) of sums and numbers (2, 366, C), over a centred circular window."""
    total, count = window_sum(sums[0]), window_sum(sums[1])
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def window_sum(values: np.ndarray) -> np.ndarray:
    """Sum over the slots within HALF_WINDOW of each slot, the year being a circle."""
    return np.sum([np.roll(values, shift, axis=0) for shift in range(-HALF_WINDOW, HALF_WINDOW + 1)], axis=0)
