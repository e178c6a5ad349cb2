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

    def rows(self, sites: slice | np.ndarray) -> "Sites":
        """The same of some of the sites."""
        return Sites(self.codes[sites], self.south[sites], self.slot)


class ClassMeans:
    """Means of classes of sites, such as biomes, by day of the season, of flux that is added in blocks of sites.

    Every day of every site of a class weighs the same. A class without any gets the mean over all classes.
    """

    def __init__(self, targets: int) -> None:
        self._nothing = np.zeros((2, SLOTS, targets))
        self._sums: dict[int, np.ndarray] = {}
        self._tables: dict[int, np.ndarray] = {}
        self._overall: np.ndarray | None = None

    def add(self, flux: np.ndarray, sites: Sites) -> None:
        """Add flux (n, T, C) of sites, NaN where missing or not to be used."""
        for code in np.unique(sites.codes).tolist():
            members = sites.codes == code
            sums = season_sums(flux[members], sites.slot, sites.south[members])
            self._sums[code] = self._sums.get(code, self._nothing) + sums
        self._tables, self._overall = {}, None

    def without(self, part: "ClassMeans") -> "ClassMeans":
        """The means of what was added here and not to `part`, which holds some of the same flux."""
        rest = ClassMeans(self._nothing.shape[2])
        rest._sums = {code: sums - part._sums.get(code, 0.0) for code, sums in self._sums.items()}
        return rest

    def at(self, sites: Sites) -> np.ndarray:
        """Means for sites and days, (n, T, C)."""
        climatology = np.empty((len(sites.codes), len(sites.slot), self._nothing.shape[2]))
        for code in np.unique(sites.codes).tolist():
            members = sites.codes == code
            climatology[members] = of_season(self._table(code), sites.slot, sites.south[members])
        return climatology

    def _table(self, code: int) -> np.ndarray:
        """Means of a class by slot, (366, C)."""
        if self._overall is None:
            self._overall = _means(sum(self._sums.values(), self._nothing))
        if code not in self._tables:
            mean = _means(self._sums.get(code, self._nothing))
            self._tables[code] = np.where(np.isfinite(mean), mean, self._overall)
        return self._tables[code]


def class_climatology(flux: np.ndarray, sites: Sites, training: np.ndarray) -> np.ndarray:
    """Mean of each class of sites by day of the season, for all sites and days (`ClassMeans`).

    flux: (N, T, C), NaN = missing; training: (N, T), True where data may be used. Returns (N, T, C).
    """
    means = ClassMeans(flux.shape[2])
    means.add(np.where(training[..., None], flux, np.nan), sites)
    return means.at(sites)


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
    return _means(season_sums(flux, slot, south))


def season_sums(flux: np.ndarray, slot: np.ndarray, south: np.ndarray) -> np.ndarray:
    """Sums of (N, T, C) over sites and years by slot, and numbers of values, (2, 366, C)."""
    sums = np.zeros((2, SLOTS, flux.shape[-1]))
    for rows, slots in ((~south, slot), (south, opposite(slot))):
        finite = np.isfinite(flux[rows])
        np.add.at(sums[0], slots, np.where(finite, flux[rows], 0.0).sum(axis=0, dtype=np.float64))
        np.add.at(sums[1], slots, finite.sum(axis=0))
    return sums


def _means(sums: np.ndarray) -> np.ndarray:
    """Means (366, C) of sums and numbers (2, 366, C), over a centred circular window."""
    total, count = window_sum(sums[0]), window_sum(sums[1])
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def window_sum(values: np.ndarray) -> np.ndarray:
    """Sum over the slots within HALF_WINDOW of each slot, the year being a circle."""
    return np.sum([np.roll(values, shift, axis=0) for shift in range(-HALF_WINDOW, HALF_WINDOW + 1)], axis=0)
