"""Finds parameters of one site: a Latin hypercube over all ranges, then rounds around the best members.

Parameters come in groups, each with the fluxes that it is judged by (carbon parameters by GPP and NEE, methane
parameters by CH4), so that a round can take up the best of each group. The member that is chosen in the end is one
that was run as a whole.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import gmean, qmc

from ecosys_sims.evaluation.flux_scores import squared_misfit

Simulator = Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]
"""Parameters name -> (M,) of members to their series flux -> (M, T)."""
BEST = 6  # members that a further round starts from
SMALLEST_STEP = 0.03  # of a range: keeps rounds from standing still


@dataclass(frozen=True)
class Range:
    """What a parameter may be: from `lowest` to `highest`, times the biome's default where `relative`."""

    name: str
    group: str
    lowest: float
    highest: float
    relative: bool = False
    log: bool = False

    def bounds(self, default: float) -> tuple[float, float]:
        """Limits in the parameter's unit."""
        scale = default if self.relative else 1.0
        return self.lowest * scale, self.highest * scale

    def value(self, unit: np.ndarray, default: float) -> np.ndarray:
        """Values for places in the range, 0 to 1."""
        low, high = self.bounds(default)
        if self.log:
            return np.clip(np.exp(np.log(low) + unit * (np.log(high) - np.log(low))), low, high)
        return low + unit * (high - low)

    def place(self, default: float) -> float:
        """Where the biome's default lies in the range, 0 to 1; at its end where it lies outside."""
        low, high = self.bounds(default)
        if self.log:
            low, high, default = np.log(low), np.log(high), np.log(default)
        return float(np.clip((default - low) / (high - low), 0.0, 1.0))


@dataclass(frozen=True)
class Plan:
    """How many members each round has, and which random numbers."""

    rounds: tuple[int, ...] = (96, 64, 64)
    seed: int = 1


@dataclass(frozen=True)
class Calibrated:
    """The chosen member, its misfit, and how many were tried."""

    parameters: dict[str, float]
    misfit: float
    default_misfit: float
    members: int


def calibrate(
    simulate: Simulator,
    observed: dict[str, np.ndarray],
    train: np.ndarray,
    ranges: tuple[Range, ...],
    judged_by: dict[str, tuple[str, ...]],
    defaults: dict[str, float],
    plan: Plan,
) -> Calibrated:
    """The parameters with the lowest misfit: the geometric mean over fluxes of 1 - R2 on the days of `train` (T,) bool.

    observed: flux -> (T,), NaN where not measured; judged_by: group of parameters -> fluxes. The first member of the
    first round has the biome's defaults.
    """
    rng = np.random.default_rng(plan.seed)
    units: np.ndarray = qmc.LatinHypercube(len(ranges), rng=rng).random(plan.rounds[0])
    units[0] = [parameter.place(defaults[parameter.name]) for parameter in ranges]
    tried: list[np.ndarray] = []
    values: list[np.ndarray] = []
    misfits: list[dict[str, np.ndarray]] = []
    for number, count in enumerate(plan.rounds):
        if number:
            scores = {group: np.concatenate([of_round[group] for of_round in misfits]) for group in judged_by}
            spread = 0.5 / number
            units = next_round(np.concatenate(tried), scores, ranges, count, spread, rng)
        members = {
            parameter.name: parameter.value(units[:, column], defaults[parameter.name])
            for column, parameter in enumerate(ranges)
        }
        if number == 0:
            for name, of_members in members.items():
                of_members[0] = defaults[name]
        simulated = simulate(members)
        misfits.append(group_misfits(observed, simulated, train, judged_by))
        tried.append(units)
        values.append(np.stack([members[parameter.name] for parameter in ranges], axis=1))
    total = np.concatenate([of_round["all"] for of_round in misfits])
    best = int(np.nanargmin(total))
    best_values = np.concatenate(values)[best]
    return Calibrated(
        parameters={parameter.name: float(value) for parameter, value in zip(ranges, best_values, strict=True)},
        misfit=float(total[best]),
        default_misfit=float(total[0]),
        members=len(total),
    )


def group_misfits(
    observed: dict[str, np.ndarray],
    simulated: dict[str, np.ndarray],
    train: np.ndarray,
    judged_by: dict[str, tuple[str, ...]],
) -> dict[str, np.ndarray]:
    """Misfit (M,) of each group, and of `all` fluxes; a flux that was not measured counts nowhere.

    Geometric means: halving the error of one flux is worth doubling that of another, however badly either fits.
    """
    by_flux = {
        name: squared_misfit(np.where(train, series, np.nan), simulated[name]) for name, series in observed.items()
    }
    measured = {name: values for name, values in by_flux.items() if np.isfinite(values).any()}
    if not measured:
        message = "no flux was measured on the days of calibration"
        raise ValueError(message)
    all_fluxes = gmean(list(measured.values()), axis=0)
    misfits = {"all": all_fluxes}
    for group, names in judged_by.items():
        fluxes_of_group = [measured[name] for name in names if name in measured]
        misfits[group] = gmean(fluxes_of_group, axis=0) if fluxes_of_group else all_fluxes
    return misfits


def next_round(
    tried: np.ndarray,
    scores: dict[str, np.ndarray],
    ranges: tuple[Range, ...],
    count: int,
    spread: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Places (count, P) for the next round: each group around its own best members, `spread` times their distances."""
    units = np.empty((count, len(ranges)))
    for group in dict.fromkeys(parameter.group for parameter in ranges):
        columns = np.flatnonzero([parameter.group == group for parameter in ranges])
        order = np.argsort(scores[group])[:BEST]
        best = tried[np.ix_(order, columns)]
        step = np.maximum(spread * best.std(axis=0), SMALLEST_STEP)
        parents = best[rng.integers(0, len(order), count)]
        units[:, columns] = np.clip(parents + step * rng.standard_normal(parents.shape), 0.0, 1.0)
        units[0, columns] = best[0]  # the best of each group together, unchanged
    return units
