"""Numbers that bring variables to order one, from training sites and years only; models keep them as buffers."""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from emulator.data.dataset import Dataset
from emulator.data.series import Moments
from emulator.data.signature import Signature
from emulator.data.windows import TrainingData, training_blocks, training_data

SAMPLE_VALUES = 1 << 21
"""About so many values of a target, of large data, are those of which the median is taken."""
LARGEST_TO_SEEN = 3.0
"""Predictions are bounded at this many times the largest training flux: a guard against runaway, not a tuning knob."""


@dataclass(frozen=True)
class Scalers:
    """Statistics of the training data, float32.

    skew: (D,) asinh scale of skewed drivers, 0 for the others, whose mean and deviation are of the transformed value;
    target_scale: (C,) median size of the flux in analysis units; target_mean, target_std: (C,) of asinh(flux / scale);
    target_limit: (C,) bound of |asinh(flux / scale)| of predictions; *_min, *_max: ranges seen, in physical units.
    """

    skew: Tensor
    driver_mean: Tensor
    driver_std: Tensor
    driver_min: Tensor
    driver_max: Tensor
    static_mean: Tensor
    static_std: Tensor
    static_min: Tensor
    static_max: Tensor
    target_scale: Tensor
    target_mean: Tensor
    target_std: Tensor
    target_limit: Tensor

    @classmethod
    def identity(cls, signature: Signature) -> "Scalers":
        """Zeros and ones of the right shapes: for a model whose buffers will be loaded from a checkpoint."""
        inputs, statics, targets = len(signature.inputs), len(signature.statics), len(signature.targets)
        return cls(
            skew=torch.tensor([float(variable.skewed) for variable in signature.inputs]),
            driver_mean=torch.zeros(inputs),
            driver_std=torch.ones(inputs),
            driver_min=torch.zeros(inputs),
            driver_max=torch.ones(inputs),
            static_mean=torch.zeros(statics),
            static_std=torch.ones(statics),
            static_min=torch.zeros(statics),
            static_max=torch.ones(statics),
            target_scale=torch.ones(targets),
            target_mean=torch.zeros(targets),
            target_std=torch.ones(targets),
            target_limit=10.0 * torch.ones(targets),
        )


def fit_scalers(data: TrainingData, signature: Signature) -> Scalers:
    """Scalers of training data, of days within the records of sites; a target without any data gets scale 1."""
    columns = [_column_statistics(data.drivers[..., i], v.skewed) for i, v in enumerate(signature.inputs)]
    skew, driver_mean, driver_std, driver_min, driver_max = torch.tensor(columns).T.contiguous()
    least_spread = torch.tensor([variable.least_spread for variable in signature.inputs])
    static_mean, static_std = _moments(data.static)
    statistics = torch.tensor([_target_statistics(data.flux[..., target]) for target in range(len(signature.targets))])
    return Scalers(
        skew=skew.clone(),
        driver_mean=driver_mean.clone(),
        driver_std=torch.maximum(driver_std, least_spread),
        driver_min=driver_min.clone(),
        driver_max=driver_max.clone(),
        static_mean=static_mean,
        static_std=static_std,
        static_min=data.static.amin(0),
        static_max=data.static.amax(0),
        target_scale=statistics[:, 0].clone(),
        target_mean=statistics[:, 1].clone(),
        target_std=statistics[:, 2].clone(),
        target_limit=statistics[:, 3].clone(),
    )


def with_target_statistics(scalers: Scalers, flux: Tensor) -> Scalers:
    """The scalers for other targets (N, T, C), NaN = not known, that need no compression, as departures do not: the
    scale is the largest value seen, up to which asinh is almost linear.
    """
    targets = [flux[..., target][torch.isfinite(flux[..., target])].double() for target in range(flux.shape[-1])]
    sizes = [max(float(values.abs().max()), 1e-3) if len(values) else 1.0 for values in targets]
    scaled = [torch.asinh(values / size) for values, size in zip(targets, sizes, strict=True)]
    mean = [float(values.mean()) if len(values) else 0.0 for values in scaled]
    std = [max(float(values.std(correction=0)), 1e-3) if len(values) else 1.0 for values in scaled]
    return replace(
        scalers,
        target_scale=torch.tensor(sizes),
        target_mean=torch.tensor(mean),
        target_std=torch.tensor(std),
        target_limit=torch.full((len(sizes),), math.asinh(LARGEST_TO_SEEN)),
    )


def fit_scalers_to(dataset: Dataset, marked: np.ndarray | Tensor, signature: Signature) -> Scalers:
    """Scalers of the training days of a dataset, (N, Y) or (N, T) bool; of large data in blocks of sites.

    Blocks give the same statistics to rounding, but for the scale of a target: it is the median over evenly spread
    values of all sites, about SAMPLE_VALUES.
    """
    blocks = training_blocks(dataset, marked)
    if len(blocks) == 1:
        return fit_scalers(training_data(dataset, marked), signature)
    every = math.ceil(dataset.n_sites * len(dataset.time) / SAMPLE_VALUES)
    every += every % 365 == 0  # or all values would be of one day of the year
    drivers = [_Column(variable.skewed) for variable in signature.inputs]
    targets = [_Target(every) for _ in signature.targets]
    statics = []
    for block in blocks:
        data = block()
        _sweep(data, drivers, targets, "sizes")
        statics.append(data.static)
        del data  # before the next is made
    for block in blocks:
        _sweep(block(), drivers, targets, "moments")
    static = torch.cat(statics)
    static_mean, static_std = _moments(static)
    least_spread = torch.tensor([variable.least_spread for variable in signature.inputs])
    columns = torch.tensor([column.statistics() for column in drivers])
    statistics = torch.tensor([target.statistics() for target in targets])
    skew, driver_mean, driver_std, driver_min, driver_max = (part.clone() for part in columns.unbind(1))
    target_scale, target_mean, target_std, target_limit = (part.clone() for part in statistics.unbind(1))
    return Scalers(
        skew=skew,
        driver_mean=driver_mean,
        driver_std=torch.maximum(driver_std, least_spread),
        driver_min=driver_min,
        driver_max=driver_max,
        static_mean=static_mean,
        static_std=static_std,
        static_min=static.amin(0),
        static_max=static.amax(0),
        target_scale=target_scale,
        target_mean=target_mean,
        target_std=target_std,
        target_limit=target_limit,
    )


def _sweep(data: TrainingData, drivers: list["_Column"], targets: list["_Target"], step: str) -> None:
    """Show a block of sites to all columns, values that are not missing."""
    for series, columns in ((data.drivers, drivers), (data.flux, targets)):
        for values, column in zip(series.flatten(0, 1).T.contiguous(), columns, strict=True):
            getattr(column, step)(values[torch.isfinite(values)])


class _Column:
    """Statistics of one driver, gathered in two sweeps over all blocks."""

    def __init__(self, skewed: bool) -> None:
        self.skewed, self.compressed = skewed, Moments()
        self.count, self.total, self.low, self.high = 0, 0.0, math.inf, -math.inf

    def sizes(self, present: Tensor) -> None:
        """First sweep: size of the values and their range."""
        if present.numel():
            self.count += present.numel()
            self.total += float(present.abs().sum(dtype=torch.float64))
            low, high = present.aminmax()
            self.low, self.high = min(self.low, float(low)), max(self.high, float(high))

    def moments(self, present: Tensor) -> None:
        """Second sweep: mean and deviation of the compressed values."""
        self.compressed.add(asinh(present / self._scale) if self.skewed else present)

    def statistics(self) -> tuple[float, float, float, float, float]:
        """As `_column_statistics`."""
        mean, std = self.compressed.mean, self.compressed.deviation
        constant = std <= 1e-6 * max(abs(mean), 1e-30)
        return self._scale, mean, 1.0 if constant else std, self.low, self.high

    @property
    def _scale(self) -> float:
        return max(self.total / self.count, 1e-12) if self.skewed else 0.0


class _Target:
    """Statistics of one target, gathered in two sweeps over all blocks; the scale is of every `every`-th value."""

    def __init__(self, every: int) -> None:
        self.every, self.scaled = every, Moments()
        self.largest, self.sample = 0.0, list[Tensor]()

    def sizes(self, present: Tensor) -> None:
        """First sweep: the largest value, and some for the median."""
        if present.numel():
            self.largest = max(self.largest, float(present.abs().max()))
            self.sample.append(present[:: self.every].abs())

    def moments(self, present: Tensor) -> None:
        """Second sweep: mean and deviation of the scaled flux."""
        self.scaled.add(torch.asinh(present.double() / self._scale))

    def statistics(self) -> tuple[float, float, float, float]:
        """As `_target_statistics`."""
        if self.largest == 0.0:
            return 1.0, 0.0, 1.0, 10.0
        limit = math.asinh(LARGEST_TO_SEEN * self.largest / self._scale)
        return self._scale, self.scaled.mean, max(self.scaled.deviation, 1e-3), limit

    @cached_property
    def _scale(self) -> float:
        """The median size, asked for after the first sweep; 1 where there is no flux but zero."""
        if self.largest == 0.0:
            return 1.0
        sizes = torch.cat(self.sample)
        self.sample.clear()
        sizes = sizes[sizes > 1e-4 * self.largest]
        return float(sizes.median()) if sizes.numel() else self.largest


def asinh(x: Tensor) -> Tensor:
    """asinh to the last bit or two of float32, of operations that torch vectorises on CPUs, as its own asinh is not."""
    size = x.abs()
    square = size * size
    return torch.copysign(torch.log1p(size + square / (1.0 + torch.sqrt(1.0 + square))), x)


def _column_statistics(values: Tensor, skewed: bool) -> tuple[float, float, float, float, float]:
    """Skew, mean and deviation of the compressed values, least and largest value, of one driver (N, T)."""
    column = values.flatten().contiguous()
    column = column[torch.isfinite(column)] if bool(column.isnan().any()) else column
    skew = max(float(column.abs().mean()), 1e-12) if skewed else 0.0
    mean, std = _moments(asinh(column / skew) if skewed else column)
    low, high = column.aminmax()
    return skew, float(mean), float(std), float(low), float(high)


def _moments(values: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation over rows, in double precision; a constant column gets deviation 1."""
    wide = values.double()
    mean, std = wide.mean(0), wide.std(0, correction=0)
    constant = std <= 1e-6 * mean.abs().clamp(min=1e-30)
    return mean.float(), torch.where(constant, torch.ones_like(std), std).float()


def _target_statistics(flux: Tensor) -> tuple[float, float, float, float]:
    """Scale, and mean, deviation and bound of asinh(flux / scale), of one target."""
    observed = flux[torch.isfinite(flux)].double()
    size = observed.abs()
    if size.numel() == 0 or float(size.max()) == 0.0:
        return 1.0, 0.0, 1.0, 10.0
    scale = float(size[size > 1e-4 * size.max()].median())
    scaled = torch.asinh(observed / scale)
    limit = float(torch.asinh(LARGEST_TO_SEEN * size.max() / scale))
    return scale, float(scaled.mean()), max(float(scaled.std(correction=0)), 1e-3), limit


class TargetScaling(nn.Module):
    """The variance-stabilised space of fluxes, u = asinh(flux / scale), as a scriptable module."""

    scale: Tensor
    mean: Tensor
    std: Tensor
    limit: Tensor

    def __init__(self, scalers: Scalers) -> None:
        super().__init__()
        self.register_buffer("scale", scalers.target_scale.clone())
        self.register_buffer("mean", scalers.target_mean.clone())
        self.register_buffer("std", scalers.target_std.clone())
        self.register_buffer("limit", scalers.target_limit.clone())

    def forward(self, flux: Tensor) -> Tensor:
        """The same as `transform`."""
        return torch.asinh(flux / self.scale)

    @torch.jit.export
    def transform(self, flux: Tensor) -> Tensor:
        """(..., C) analysis units -> u, dimensionless; NaN stays NaN."""
        return torch.asinh(flux / self.scale)

    @torch.jit.export
    def inverse(self, u: Tensor) -> Tensor:
        """u -> (..., C) analysis units."""
        return self.scale * torch.sinh(u)

    @torch.jit.export
    def standardise(self, flux: Tensor) -> Tensor:
        """(..., C) analysis units -> transformed flux of mean 0 and deviation 1 over the training data."""
        return (torch.asinh(flux / self.scale) - self.mean) / self.std


class DriverScaling(nn.Module):
    """Drivers in physical units -> features of order one: numbers in their order, then a column for each class.

    size: features that the D drivers become, D where none of them has classes.
    """

    skewed: list[int]
    skew: Tensor
    mean: Tensor
    std: Tensor
    number_column: Tensor
    class_column: Tensor
    class_value: Tensor

    def __init__(self, scalers: Scalers, signature: Signature) -> None:
        super().__init__()
        self.skewed = torch.nonzero(scalers.skew).flatten().tolist()
        self.register_buffer("skew", scalers.skew.clone())
        self.register_buffer("mean", scalers.driver_mean.clone())
        self.register_buffer("std", scalers.driver_std.clone())
        sources = feature_sources(signature)
        numbers = [index for index, value in sources if value is None]
        classes = [(index, float(value)) for index, value in sources if value is not None]
        self.has_classes, self.size = len(classes) > 0, len(sources)
        self.register_buffer("number_column", torch.tensor(numbers, dtype=torch.int64), persistent=False)
        columns = torch.tensor([index for index, _ in classes], dtype=torch.int64)
        self.register_buffer("class_column", columns, persistent=False)
        values = torch.tensor([value for _, value in classes], dtype=torch.float32)
        self.register_buffer("class_value", values, persistent=False)

    def forward(self, drivers: Tensor) -> Tensor:
        """(..., D) table units -> (..., size) dimensionless: (x - mean) / std, of asinh(x / skew) for skewed drivers;
        1 or 0 for a class.
        """
        scaled = self.scaled(drivers)
        if not self.has_classes:
            return scaled
        one_hot = (drivers.index_select(-1, self.class_column).round() == self.class_value).to(drivers.dtype)
        return torch.cat([scaled.index_select(-1, self.number_column), one_hot], dim=-1)

    def scaled(self, drivers: Tensor) -> Tensor:
        """(..., D) table units -> (..., D), classes as if they were numbers."""
        if drivers.dim() == 2:  # a day of a host: few numbers, so that the number of operations counts
            skew = torch.where(self.skew > 0, self.skew, torch.ones_like(self.skew))
            return (torch.where(self.skew > 0, torch.asinh(drivers / skew), drivers) - self.mean) / self.std
        compressed = drivers.clone()
        for column in self.skewed:
            compressed[..., column] = asinh(drivers[..., column] / self.skew[column])
        # rows of many numbers are quicker than rows of D
        rows, times = compressed.flatten(1), drivers.shape[1]
        return ((rows - self.mean.repeat(times)) / self.std.repeat(times)).view(drivers.shape)

    @torch.jit.export
    def by_day(self, drivers: Tensor) -> Tensor:
        """(B, T, D) physical units -> (T, B, size) dimensionless, a year at a time, which fits into cache."""
        parts = [self.forward(part.transpose(0, 1).contiguous()) for part in drivers.split(366, 1)]
        return parts[0] if len(parts) == 1 else torch.cat(parts)


def feature_sources(signature: Signature) -> list[tuple[int, int | None]]:
    """Of each feature that DriverScaling gives the position of its input, and its class, None for a number."""
    numbers = [(index, None) for index, variable in enumerate(signature.inputs) if not variable.flag_values]
    classes = [(index, flag) for index, variable in enumerate(signature.inputs) for flag in variable.flag_values]
    return [*numbers, *classes]


def features_of_role(signature: Signature, *roles: str) -> list[int]:
    """Positions among the features of DriverScaling of those whose input has one of these roles."""
    inputs = signature.inputs_of_role(*roles)
    return [position for position, (index, _) in enumerate(feature_sources(signature)) if index in inputs]
