"""A site's days as a dataset holds them: drivers with their source, targets with quality and uncertainty, statics."""

from dataclasses import dataclass, field, replace

import numpy as np

from emulator.data.importers.definitions import Described

MEASURED, FILLED, OTHER_YEAR = 0, 1, 2
"""Sources of a driver."""
SHORT_GAP, LONG_GAP = 1, 2
"""Quality of a flux that was filled; measured is 0."""
DRIVER_ROLES = ("slow", "fast")


@dataclass(frozen=True)
class SiteRecord:
    """Consecutive days (D,) of a site, float64 with NaN where missing, in the units of `variables`.

    source: driver -> (D,) int8; quality, uncertainty: target -> (D,); statics: name -> value; diurnal: name -> mean
    course of the day (steps,), of sub-daily files. Days of a calendar `noleap` lack 29 February.
    """

    site_id: str
    label: str
    days: np.ndarray
    values: dict[str, np.ndarray]
    variables: dict[str, Described]
    source: dict[str, np.ndarray] = field(default_factory=dict)
    quality: dict[str, np.ndarray] = field(default_factory=dict)
    uncertainty: dict[str, np.ndarray] = field(default_factory=dict)
    statics: dict[str, float | str] = field(default_factory=dict)
    diurnal: dict[str, np.ndarray] = field(default_factory=dict)
    calendar: str = "standard"

    def of_role(self, *roles: str) -> list[str]:
        """Names of its daily variables of these roles."""
        return [name for name in self.values if self.variables[name].variable.role in roles]

    def part(self, inside: np.ndarray) -> "SiteRecord":
        """Some of its days, by an index or a mask (D,)."""
        parts = ({name: series[inside] for name, series in part.items()} for part in self._daily())
        values, source, quality, uncertainty = parts
        days = self.days[inside]
        return replace(self, days=days, values=values, source=source, quality=quality, uncertainty=uncertainty)

    def without(self, name: str) -> "SiteRecord":
        """The record without a variable."""
        parts = ({key: series for key, series in part.items() if key != name} for part in self._daily())
        values, source, quality, uncertainty = parts
        return replace(self, values=values, source=source, quality=quality, uncertainty=uncertainty)

    def _daily(self) -> tuple[dict[str, np.ndarray], ...]:
        return self.values, self.source, self.quality, self.uncertainty
