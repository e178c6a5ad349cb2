"""How well a simulated flux follows a measured one, on the days (or months) that were measured."""

import math
from dataclasses import asdict, dataclass

import numpy as np

FEWEST = 10  # values below which no score is given


@dataclass(frozen=True)
class Score:
    """Skill of one series; bias and rmse in the unit of the flux.

    r2: 1 - SSE/SST, the Nash-Sutcliffe efficiency; nrmse: rmse / standard deviation of the observations;
    correlation: Pearson's; NaN where the observations (or the simulation) do not vary.
    """

    n: int
    observed_mean: float
    bias: float
    rmse: float
    nrmse: float
    r2: float
    correlation: float

    def as_json(self) -> dict[str, float | int | None]:
        """Rounded to four digits; NaN is None, for JSON has none."""
        return {name: rounded(value) for name, value in asdict(self).items()}


def rounded(value: float, digits: int = 4) -> float | int | None:
    """A number with so many significant digits, None for NaN."""
    if isinstance(value, int | np.integer):
        return int(value)
    return None if not math.isfinite(value) else float(f"{value:.{digits}g}")


def score(observed: np.ndarray, simulated: np.ndarray) -> Score | None:
    """Score (T,) against (T,), where both are finite; None with fewer than 10 such values."""
    comparable = np.isfinite(observed) & np.isfinite(simulated)
    if comparable.sum() < FEWEST:
        return None
    measured, modelled = np.asarray(observed[comparable], dtype=float), np.asarray(simulated[comparable], dtype=float)
    error = modelled - measured
    rmse, spread = float(np.sqrt(np.mean(error**2))), float(measured.std())
    varies = spread > 0.0 and modelled.std() > 0.0
    return Score(
        n=int(comparable.sum()),
        observed_mean=float(measured.mean()),
        bias=float(error.mean()),
        rmse=rmse,
        nrmse=rmse / spread if spread > 0.0 else math.nan,
        r2=1.0 - (rmse / spread) ** 2 if spread > 0.0 else math.nan,
        correlation=float(np.corrcoef(measured, modelled)[0, 1]) if varies else math.nan,
    )


def squared_misfit(observed: np.ndarray, simulated: np.ndarray) -> np.ndarray:
    """Mean squared error over the variance of the observations (T,), for members (M, T); NaN with too few values.

    This is what calibration lowers: 1 - R2 of each member.
    """
    measured = np.isfinite(observed)
    if measured.sum() < FEWEST or observed[measured].std() == 0.0:
        return np.full(len(simulated), np.nan)
    error = simulated[:, measured] - observed[measured]
    misfit: np.ndarray = np.mean(error**2, axis=1) / observed[measured].var()
    return misfit
