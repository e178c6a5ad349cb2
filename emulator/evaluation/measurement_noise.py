"""How much of the error of predictions is the random error of the measurements that they are compared with."""

from typing import Any

import numpy as np


class NoiseShare:
    """Mean squares of errors and of measurement noise, of blocks of sites that are added in their order."""

    def __init__(self) -> None:
        self._days, self._noise, self._error = 0, 0.0, 0.0

    def add(self, error: np.ndarray, deviation: np.ndarray) -> None:
        """error: (n, T) prediction minus measurement, NaN = not scored; deviation: (n, T) standard deviation of the
        measurement in the same unit, NaN = not known. Days on which both are known count.
        """
        known = np.isfinite(error) & np.isfinite(deviation)
        self._days += int(known.sum())
        self._noise += float(np.sum(np.square(deviation[known], dtype=np.float64)))
        self._error += float(np.sum(np.square(error[known], dtype=np.float64)))

    def table(self) -> dict[str, Any]:
        """`n` days, `sd`: root mean square of the standard deviations, `share_of_error`: their mean square over that of
        the errors, above 1 where predictions lie nearer than the stated uncertainty; empty where none is known.
        """
        if not self._days:
            return {}
        share = self._noise / self._error if self._error > 0.0 else float("nan")
        return {"n": self._days, "sd": float(np.sqrt(self._noise / self._days)), "share_of_error": share}
