"""Skill tables: one part of the split, all targets, against the climatology baselines."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from emulator.data.classes import SiteClasses
from emulator.evaluation.measurement_noise import NoiseShare
from emulator.evaluation.moments import MOMENTS, median_of, moments, pooled_of, together
from foundations.variables import Variable

SEASONS = {"DJF": (12, 1, 2), "MAM": (3, 4, 5), "JJA": (6, 7, 8), "SON": (9, 10, 11)}


@dataclass(frozen=True)
class Series:
    """Everything that is compared at sites or a block of them, (N, T, C) in analysis units; year, month: (T,).

    groups: the classes of these sites, by class variable, that skill is told apart by; deviation: standard deviation of
    the observed, NaN = not known, None where the file has none.
    """

    observed: np.ndarray
    climatology: np.ndarray
    site_climatology: np.ndarray
    groups: dict[str, SiteClasses]
    year: np.ndarray
    month: np.ndarray
    targets: tuple[Variable, ...]
    deviation: np.ndarray | None = None


class SkillTable:
    """Skill of predictions on site-days of one part of the split, of which blocks of sites are added in their order."""

    def __init__(
        self, targets: tuple[Variable, ...], groups: Mapping[str, SiteClasses], *, mode: str, trained_on: bool
    ) -> None:
        """groups: classes of all sites, (N,); mode: what the model was given of past flux; trained_on: whether the
        sites have training years, so that their own climatology is a baseline too.
        """
        self.targets, self.groups, self.mode = targets, groups, mode
        self._compared = ("predicted", "climatology", *(("site_climatology",) if trained_on else ()))
        self._of_sites: dict[str, list[np.ndarray]] = {name: [] for name in self._compared}
        self._of_seasons = np.zeros((len(targets), len(SEASONS), MOMENTS))
        self._sites: list[np.ndarray] = []
        self._years: set[int] = set()
        self._noise = [NoiseShare() for _ in targets]

    def add(self, rows: slice, series: Series, predicted: np.ndarray, days: np.ndarray) -> None:
        """Add sites: their rows, series and predictions (n, T, C), and the days (n, T) that count."""
        members = np.flatnonzero(days.any(axis=1))
        if not len(members):
            return
        self._sites.append(rows.start + members)
        self._years |= {int(year) for year in np.unique(series.year[days.any(axis=0)])}
        if series.deviation is not None:
            for index, noise in enumerate(self._noise):
                error = np.where(days, predicted[..., index] - series.observed[..., index], np.nan)
                noise.add(error, series.deviation[..., index])
        for name in self._compared:
            values = predicted if name == "predicted" else getattr(series, name)
            made = np.stack(
                [self._by_season(series, days, members, values, target) for target in range(len(self.targets))]
            )
            self._of_sites[name].append(together(made.transpose(1, 2, 0, 3)))
            if name == "predicted":
                of_block = together(made.transpose(2, 0, 1, 3))
                self._of_seasons = together(np.stack([self._of_seasons, of_block]))

    def _by_season(
        self, series: Series, days: np.ndarray, members: np.ndarray, values: np.ndarray, target: int
    ) -> np.ndarray:
        """Moments of a target, (seasons, n, MOMENTS), of the sites `members` (n,)."""
        made = []
        for months in SEASONS.values():
            cut = np.ix_(members, np.isin(series.month, months))
            observed = np.where(days[cut], series.observed[..., target][cut], np.nan)
            made.append(moments(observed, values[..., target][cut]))
        return np.stack(made)

    def table(self) -> dict[str, Any]:
        """The table of all sites that were added."""
        sites = np.concatenate([*self._sites, np.empty(0, np.int64)]).astype(np.int64)
        skill: dict[str, Any] = {
            "mode": self.mode, "n_sites": len(sites), "years": sorted(self._years), "targets": {}
        }  # fmt: skip
        members, empty = _members(self.groups, sites), np.zeros((0, len(self.targets), MOMENTS))
        made = {name: np.concatenate([empty, *blocks]) for name, blocks in self._of_sites.items()}
        for index, target in enumerate(self.targets):
            predicted, *baselines = (made[name][:, index] for name in self._compared)
            skill["targets"][target.name] = {
                "units": target.analysis_units,
                "long_name": target.long_name,
                **_pooled_and_median(predicted),
                **_by_class(predicted, members),
                "by_season": {
                    name: pooled_of(self._of_seasons[index, season, None]) for season, name in enumerate(SEASONS)
                },
                **({"measurement_noise": noise} if (noise := self._noise[index].table()) else {}),
                **{
                    name: _pooled_and_median(baseline)
                    for name, baseline in zip(self._compared[1:], baselines, strict=True)
                },
            }
        return skill


def score(series: Series, predicted: np.ndarray, days: np.ndarray, *, mode: str, trained_on: bool) -> dict[str, Any]:
    """The skill table of predictions (N, T, C) of all sites on the site-days marked in `days` (N, T)."""
    table = SkillTable(series.targets, series.groups, mode=mode, trained_on=trained_on)
    table.add(slice(0, len(days)), series, predicted, days)
    return table.table()


def _members(groups: Mapping[str, SiteClasses], sites: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """By class variable and meaning, which of some sites (n,) are of that class, (n,) bool."""
    names = {variable: classes.names()[sites] for variable, classes in groups.items()}
    return {variable: {name: of == name for name in dict.fromkeys(of.tolist())} for variable, of in names.items()}


def _by_class(made: np.ndarray, groups: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, dict[str, Any]]:
    """Pooled metrics by class, of moments (n, MOMENTS) of sites.

    The classes of the biome are `by_biome`, those of other variables `by_class`, by variable.
    """
    by_class = {
        variable: {name: pooled_of(made[rows]) for name, rows in members.items()}
        for variable, members in groups.items()
    }
    biome = {"by_biome": by_class.pop("biome")} if "biome" in by_class else {}
    return {**biome, **({"by_class": by_class} if by_class else {})}


def _pooled_and_median(made: np.ndarray) -> dict[str, dict[str, float]]:
    """Of moments (n, MOMENTS) of sites."""
    return {"pooled": pooled_of(made), "median_site": median_of(made)}
