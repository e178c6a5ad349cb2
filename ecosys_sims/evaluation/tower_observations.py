"""A FLUXNET-CH4 tower as a case: its weather over whole years, its measured fluxes, and how its days are split."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from ecosys_sims.adapters import fluxnet_ch4
from ecosys_sims.adapters.daily_record import TowerRecord, site_id_of
from ecosys_sims.evaluation.member_runs import SiteCase, drop_site_dimension
from ecosys_sims.formats.units import SECONDS_PER_DAY, VAPORISATION

GRAMS_OF_MICROMOL = SECONDS_PER_DAY * 12.011e-6  # umol CO2 m-2 s-1 -> g C m-2 day-1
FEWEST_DAYS = 20  # measured days of CH4 that make a year count
SPRING_EQUINOX, YEAR = 79, 365


@dataclass(frozen=True)
class DaySplit:
    """Which days (T,) calibration may see, which judge it, and how that is told."""

    train: np.ndarray
    test: np.ndarray
    text: str


@dataclass(frozen=True)
class Tower:
    """A case, its measured fluxes (T,) in g C or mg CH4 m-2 day-1, NaN where not measured.

    water: `wtd` in m, positive below the surface, and `evspsbl` in mm day-1, where the tower has them.
    """

    case: SiteCase
    observed: dict[str, np.ndarray]
    water: dict[str, np.ndarray]
    split: DaySplit
    filled_days: int  # of weather, to complete the first and last year


def read_tower(csv: Path, meta: Path, folder: Path) -> Tower:
    """Read a daily file of the collection and write its forcing file into `folder`; raises AdapterError."""
    record = fluxnet_ch4.read_daily(csv)
    site_id = site_id_of(csv)
    site = fluxnet_ch4.describe_site(record, fluxnet_ch4.read_site(meta, site_id))
    complete = complete_years(record)
    folder.mkdir(parents=True, exist_ok=True)
    fluxnet_ch4.write_tower_forcing(complete, site, folder / f"{site_id}_one.nc")
    forcing = drop_site_dimension(folder / f"{site_id}_one.nc", folder / f"{site_id}.nc")
    days = complete.days()
    observed = measured_fluxes(complete)
    return Tower(
        case=SiteCase(site, forcing, complete.start, len(days)),
        observed=observed,
        water=measured_water(complete),
        split=split_days(days, observed["fch4"]),
        filled_days=len(days) - len(record.days()),
    )


def measured_fluxes(record: TowerRecord) -> dict[str, np.ndarray]:
    """Daily fluxes (T,) of the days that were measured.

    CH4 is the mean of the measured half-hours. NEE is the day's mean with its gaps filled, on days with measurements:
    where nights are missing, the mean of what was measured is the mean of a daytime. GPP is GPP_DT of those days.
    """
    fluxes = fluxnet_ch4.fluxes(record)  # kg m-2 s-1, without what an instrument cannot have measured
    measured = np.isfinite(fluxes["nee"])
    filled = record.columns.get("NEE_F", record.columns["NEE"])
    return {
        "gpp": fluxes["gpp"] * SECONDS_PER_DAY * 1.0e3,
        "nee": np.where(measured, filled, np.nan) * GRAMS_OF_MICROMOL,
        "fch4": fluxes["fch4"] * SECONDS_PER_DAY * 1.0e6,
    }


def measured_water(record: TowerRecord) -> dict[str, np.ndarray]:
    """Water table and evapotranspiration (T,), the latter from latent heat as NEE above; only those that are there."""
    columns = record.columns
    water = {}
    depth = columns.get("WTD_F", columns.get("WTD"))
    if depth is not None and np.isfinite(depth).any():
        water["wtd"] = -depth
    heat = columns.get("LE_F", columns.get("LE"))
    if heat is not None and "LE" in columns and np.isfinite(columns["LE"]).any():
        water["evspsbl"] = np.where(np.isfinite(columns["LE"]), heat, np.nan) * SECONDS_PER_DAY / VAPORISATION
    return water


def complete_years(record: TowerRecord) -> TowerRecord:
    """The record from 1 January of its first to 31 December of its last year; fluxes of the new days are missing.

    Weather of a day before or after the record is that of the same date in another year; where there is none, of the
    measured day with the nearest height of the sun.
    """
    days = record.days()
    last = record.start + timedelta(days=len(days) - 1)
    start, end = date(record.start.year, 1, 1), date(last.year, 12, 31)
    whole_years = np.arange(np.datetime64(start), np.datetime64(end) + 1)
    source = np.array([_source_of(day, days) for day in whole_years])
    inside = (whole_years >= days[0]) & (whole_years <= days[-1])
    columns = {
        name: values[source] if name in fluxnet_ch4.WEATHER_COLUMNS else np.where(inside, values[source], np.nan)
        for name, values in record.columns.items()
    }
    return TowerRecord(record.path, start, columns)


def _source_of(day: np.datetime64, days: np.ndarray) -> int:
    """Index of the day whose weather stands for `day`."""
    if days[0] <= day <= days[-1]:
        return int((day - days[0]).astype(int))
    distance = np.abs(day_of_year(days) - day_of_year(day))
    distance = np.minimum(distance, YEAR - distance)
    if distance.min() <= 1:
        nearest = np.flatnonzero(distance == distance.min())
        return int(nearest[np.argmin(np.abs((days[nearest] - day).astype(int)))])
    return int(np.argmin(np.abs(_season(days) - _season(day))))


def day_of_year(days: np.ndarray | np.datetime64) -> np.ndarray:
    """Day of year from 1, of numpy days."""
    days = np.asarray(days)
    return (days - days.astype("datetime64[Y]")).astype(int) + 1


def _season(days: np.ndarray | np.datetime64) -> np.ndarray:
    """Height of the sun through the year, -1 to 1."""
    return np.sin(2.0 * np.pi * (day_of_year(days) - SPRING_EQUINOX) / YEAR)


def split_days(days: np.ndarray, methane: np.ndarray) -> DaySplit:
    """Every other year with measured CH4 trains, the others test; alternate weeks where there is one such year only."""
    year = days.astype("datetime64[Y]").astype(int) + 1970
    counted = [int(y) for y in np.unique(year) if np.isfinite(methane[year == y]).sum() >= FEWEST_DAYS]
    if len(counted) > 1:
        first, second = counted[0::2], counted[1::2]
        text = f"{', '.join(map(str, first))} | {', '.join(map(str, second))}"
        return DaySplit(np.isin(year, first), np.isin(year, second), text)
    even = (np.arange(len(days)) // 7) % 2 == 0
    return DaySplit(even, ~even, f"alternate weeks of {counted[0] if counted else year[0]}")
