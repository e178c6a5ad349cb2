"""The days that a forcing file covers, as the process model runs them."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import cftime

from ecosys_sims.formats.forcing_check import start_of_interval
from ecosys_sims.towers.errors import TowerError
from foundations.netcdf_file import reading
from foundations.netcdf_values import numbers


@dataclass(frozen=True)
class Period:
    """Days that a forcing file covers entirely, whole years where there are any."""

    start: date
    days: int
    calendar: str

    @property
    def length(self) -> dict[str, int | str]:
        """As &run_ctl wants it."""
        return {"stop_n": self.days, "stop_option": "ndays"}


def read_period(forcing: Path, longitude_of_utc: float | None = None) -> Period:
    """The whole calendar years of a forcing file, or all its whole days where it has no whole year.

    Years and days are local; where the file's times are in UTC, `longitude_of_utc` of the site (degrees east) says so.
    """
    with reading(forcing) as file:
        time = file["time"]
        calendar = str(getattr(time, "calendar", "standard")).lower()
        stamps = cftime.num2date(numbers(time), time.units, calendar)
        shift = start_of_interval(file)
    step = stamps[1] - stamps[0]
    begin, end = stamps[0] + shift * step, stamps[-1] + (shift + 1.0) * step
    if longitude_of_utc is not None and step < timedelta(days=1):
        records = round(longitude_of_utc / 360.0 * (timedelta(days=1) / step))  # as the program shifts them
        begin, end = begin + records * step, end + records * step
    noleap = calendar in ("noleap", "365_day")
    first = _midnight_after(begin)
    last = date(end.year, end.month, end.day)  # the first day that is not covered
    year_start = first if (first.month, first.day) == (1, 1) else date(first.year + 1, 1, 1)
    year_end = date(last.year, 1, 1)
    if year_end > year_start:
        first, last = year_start, year_end
    days = (last.year - first.year) * 365 if noleap and year_end > year_start else (last - first).days
    if days < 1:
        message = f"{forcing}: holds no whole day"
        raise TowerError(message)
    return Period(first, days, "noleap" if noleap else "standard")


def _midnight_after(moment: cftime.datetime) -> date:
    day = date(moment.year, moment.month, moment.day)
    return day if (moment.hour, moment.minute, moment.second) == (0, 0, 0) else day + timedelta(days=1)
