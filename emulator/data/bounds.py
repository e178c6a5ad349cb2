"""Bounds of fluxes that a configuration sets, such as methane uptake only, and the check that data keep them."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator

from emulator.data.dataset import Dataset
from emulator.data.dataset_file import DatasetError
from emulator.data.signature import Signature
from foundations.variables import BIOMES

SIZE_TOLERANCE = 0.02
"""A day violates a bound where flux is beyond it by more than this share of the target's root mean square."""

SHARE_TOLERANCE = 0.005
"""Share of violating days of a site class above which a bound is refused."""


class Bounds(BaseModel):
    """Lower and upper bound of one target in all sites or in some classes; only 0 is supported."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min: float | None = None
    max: float | None = None
    biomes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _supported(self) -> "Bounds":
        if (self.min, self.max) not in ((0.0, None), (None, 0.0)):
            message = f"give min: 0 or max: 0, not min: {self.min}, max: {self.max}"
            raise ValueError(message)
        unknown = sorted(set(self.biomes) - set(BIOMES.values()))
        if unknown:
            message = f"biomes: {', '.join(unknown)} not among {', '.join(BIOMES.values())}"
            raise ValueError(message)
        return self


def bounded(signature: Signature, bounds: Mapping[str, Bounds]) -> Signature:
    """The signature with bounds set by target; ValueError where they contradict the table or cannot be kept."""
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
        if variable.minimum is not None or (variable.name == "nee" and {"gpp", "ra", "rh"} <= set(names)):
            message = f"bounds.{variable.name}: the flux is bounded, or given by other targets, already"
            raise ValueError(message)
        if bound.biomes and "biome" not in signature.static_names:
            message = f"bounds.{variable.name}: biomes needs 'biome' among the statics"
            raise ValueError(message)
        codes = tuple(code for code, name in BIOMES.items() if name in bound.biomes)
        targets.append(replace(variable, minimum=bound.min, maximum=bound.max, bounded_biomes=codes))
    return replace(signature, targets=tuple(targets))


def check_bounds(dataset: Dataset, signature: Signature, days: np.ndarray) -> None:
    """DatasetError where flux on the site-days marked in `days` (N, T) lies beyond a bound too often and too far."""
    for index, target in enumerate(signature.targets):
        if target.minimum is None and target.maximum is None:
            continue
        flux = np.where(days, dataset.flux[..., index].numpy(), np.nan)
        size = float(np.sqrt(np.nanmean(flux.astype(np.float64) ** 2))) if np.isfinite(flux).any() else 0.0
        low = -np.inf if target.minimum is None else target.minimum - SIZE_TOLERANCE * size
        high = np.inf if target.maximum is None else target.maximum + SIZE_TOLERANCE * size
        faults = []
        for code in target.bounded_biomes or np.unique(dataset.biome).tolist():
            values = flux[dataset.biome == code]
            values = values[np.isfinite(values)]
            share = float(((values < low) | (values > high)).mean()) if values.size else 0.0
            if share > SHARE_TOLERANCE:
                faults.append(f"{BIOMES.get(code, code)} {100 * share:.1f} %")
        if faults:
            what = f"min {target.minimum:g}" if target.maximum is None else f"max {target.maximum:g}"
            message = (
                f"{dataset.path}: {target.name}: the bound {what} is not kept by the training data, beyond it by more "
                f"than {SIZE_TOLERANCE * size:.3g} {target.analysis_units} on this share of days: {', '.join(faults)}; "
                f"take it off, or limit it to other classes by data.bounds.{target.name}.biomes"
            )
            raise DatasetError(message)
