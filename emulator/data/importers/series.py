"""What readers give: the columns of a site at the intervals of its file."""

from dataclasses import dataclass, field

import numpy as np

from emulator.data.importers.errors import ImportFault

SECONDS_PER_DAY = 86400


@dataclass(frozen=True)
class SiteSeries:
    """A site's columns (T,) as its files have them, NaN where missing.

    starts: numpy datetimes in seconds, ascending, beginnings of the intervals; step: their length in seconds, None for
    months and years; units: of columns whose file tells them; properties: of the site, by name; constants: values that
    do not change, by column; label: the files, for messages.
    """

    site_id: str
    label: str
    starts: np.ndarray
    step: int | None
    columns: dict[str, np.ndarray]
    units: dict[str, str] = field(default_factory=dict)
    properties: dict[str, float | str] = field(default_factory=dict)
    calendar: str = "standard"
    constants: dict[str, float] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Whether there is such a column, or a value that does not change."""
        return name in self.columns or name in self.constants

    @property
    def steps_per_day(self) -> int:
        """Intervals in a day; 1 for daily and longer ones."""
        return 1 if self.step is None else max(1, SECONDS_PER_DAY // self.step)


def interval(starts: np.ndarray, label: str) -> int | None:
    """The usual distance of starts (T,) in seconds; None for months.

    ImportFault where it neither divides a day nor is a day, a month or a year.
    """
    if len(starts) < 2:
        return SECONDS_PER_DAY
    distances, counts = np.unique(np.diff(starts).astype("timedelta64[s]").astype(np.int64), return_counts=True)
    usual = int(distances[counts.argmax()])
    days = usual / SECONDS_PER_DAY
    if 0 < usual <= SECONDS_PER_DAY and SECONDS_PER_DAY % usual == 0:
        return usual
    if 28 <= days <= 31 or 365 <= days <= 366:
        return None
    message = f"{label}: intervals of {days:g} days; expected parts of a day, days, months or years"
    raise ImportFault(message)
