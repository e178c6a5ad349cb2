"""Bounds of fluxes that a configuration sets, such as methane uptake only, and the check that data keep them."""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator

from emulator.data.classes import codes_of
from emulator.data.dataset import Dataset
from emulator.data.dataset_file import DatasetError
from emulator.data.series import site_blocks
from emulator.data.signature import Signature
from foundations.variables import Variable

SIZE_TOLERANCE = 0.02
"""A day violates a bound where flux is beyond it by more than this share of the target's root mean square."""

SHARE_TOLERANCE = 0.005
"""Share of violating days of a site class above which a bound is refused."""


class Bounds(BaseModel):
    """Lower and upper bound of one target in all sites or in some classes; only 0 is supported.

    classes: meanings by class variable, which must all hold; `biomes` is short for those of `biome`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    min: float | None = None
    max: float | None = None
    biomes: tuple[str, ...] = ()
    classes: dict[str, tuple[str, ...]] = {}

    @model_validator(mode="after")
    def _supported(self) -> "Bounds":
        if (self.min, self.max) not in ((0.0, None), (None, 0.0)):
            message = f"give min: 0 or max: 0, not min: {self.min}, max: {self.max}"
            raise ValueError(message)
        if self.biomes and "biome" in self.classes:
            message = "give the biomes in `biomes` or in `classes`, not in both"
            raise ValueError(message)
        return self

    def meanings(self) -> dict[str, tuple[str, ...]]:
        """Meanings by class variable that the bound is limited to; empty = it holds at all sites."""
        return self.classes | ({"biome": self.biomes} if self.biomes else {})


def bounded(signature: Signature, bounds: Mapping[str, Bounds]) -> Signature:
    """The signature with bounds set by target; ValueError where they contradict the file or cannot be kept."""
    derived = {signature.targets[identity.target].name for identity in signature.identities}
    statics = {static.name: static for static in signature.statics}
    names = signature.target_names
    foreign = sorted(bounds.keys() - set(names))
    if foreign:
        message = f"bounds: {', '.join(foreign)} not among the targets: {', '.join(names)}"
        raise ValueError(message)
    targets = []
    for variable in signature.targets:
        if variable.name not in bounds:
            targets.append(variable)
            continue
        bound = bounds[variable.name]
        if variable.minimum is not None or variable.maximum is not None or variable.name in derived:
            message = f"bounds.{variable.name}: the flux is bounded, or given by other targets, already"
            raise ValueError(message)
        classes = []
        for name, meanings in bound.meanings().items():
            if name not in statics:
                message = f"bounds.{variable.name}: needs '{name}' among the statics, of whose classes it speaks"
                raise ValueError(message)
            try:
                classes.append((name, codes_of(statics[name], meanings)))
            except ValueError as error:
                message = f"bounds.{variable.name}: {error}"
                raise ValueError(message) from None
        targets.append(replace(variable, minimum=bound.min, maximum=bound.max, bounded_classes=tuple(classes)))
    return replace(signature, targets=tuple(targets))


def check_bounds(dataset: Dataset, signature: Signature, days: np.ndarray) -> None:
    """DatasetError where flux on the site-days marked in `days` (N, T) lies beyond a bound too often and too far."""
    for index, target in enumerate(signature.targets):
        if target.minimum is None and target.maximum is None:
            continue
        size = _root_mean_square(dataset, index, days)
        low = -np.inf if target.minimum is None else target.minimum - SIZE_TOLERANCE * size
        high = np.inf if target.maximum is None else target.maximum + SIZE_TOLERANCE * size
        inside = _where_bound(dataset, target)
        known, beyond = _days_beyond(dataset, index, days, low, high)
        group = dataset.group(target.bounded_classes[0][0] if target.bounded_classes else None)
        faults = []
        for code in np.unique(group.codes[inside]).tolist():
            members = inside & (group.codes == code)
            share = float(beyond[members].sum() / max(int(known[members].sum()), 1))
            if share > SHARE_TOLERANCE:
                faults.append(f"{group.meanings.get(code, 'all sites')} {100 * share:.1f} %")
        if faults:
            what = f"min {target.minimum:g}" if target.maximum is None else f"max {target.maximum:g}"
            message = (
                f"{dataset.path}: {target.name}: the bound {what} is not kept by the training data, beyond it by more "
                f"than {SIZE_TOLERANCE * size:.3g} {target.analysis_units} on this share of days: {', '.join(faults)}; "
                f"take it off, or limit it to other classes by data.bounds.{target.name}.biomes or .classes"
            )
            raise DatasetError(message)


def _root_mean_square(dataset: Dataset, target: int, days: np.ndarray) -> float:
    """Of the flux on marked days (N, T), 0 where there is none."""
    squares, count = 0.0, 0
    for rows in site_blocks(*days.shape):
        flux = dataset.flux[rows, :, target].numpy()[days[rows]].astype(np.float64)
        flux = flux[np.isfinite(flux)]
        squares, count = squares + float((flux * flux).sum()), count + flux.size
    return math.sqrt(squares / count) if count else 0.0


def _days_beyond(
    dataset: Dataset, target: int, days: np.ndarray, low: float, high: float
) -> tuple[np.ndarray, np.ndarray]:
    """Number of marked days with flux of each site, and of those below `low` or above `high`, (N,) and (N,)."""
    known, beyond = np.zeros(len(days), np.int64), np.zeros(len(days), np.int64)
    for rows in site_blocks(*days.shape):
        flux = np.where(days[rows], dataset.flux[rows, :, target].numpy(), np.nan)
        known[rows] = np.isfinite(flux).sum(axis=1)
        beyond[rows] = ((flux < low) | (flux > high)).sum(axis=1)
    return known, beyond


def _where_bound(dataset: Dataset, target: Variable) -> np.ndarray:
    """(N,) bool: sites at which the bound of a target holds."""
    inside = np.ones(dataset.n_sites, bool)
    for name, codes in target.bounded_classes:
        inside &= np.isin(dataset.group(name).codes, codes)
    return inside
