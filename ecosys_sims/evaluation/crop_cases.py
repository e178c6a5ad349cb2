"""Fields in Nebraska and on the North China Plain, with generated weather of several random years."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np

from ecosys_sims.evaluation.member_runs import SiteCase, run_members
from ecosys_sims.formats.forcing_file import TowerSite
from ecosys_sims.formats.units import DAYS_PER_YEAR, NITROGEN_OF_N2O, SECONDS_PER_DAY, SQUARE_METRES_PER_HECTARE
from ecosys_sims.program.executable import find_program
from ecosys_sims.program.parameter_table import parameter_table

MEAD = TowerSite("Mead", 41.17, -96.45, "cropland", 361.0, 790.0, 55.0, 283.7, sand=0.12, clay=0.35, ph=6.4)
PLAIN = TowerSite("Plain", 36.65, 116.05, "cropland", 30.0, 560.0, 60.0, 286.6, sand=0.30, clay=0.20, ph=7.8)
NO_CROP, MAIZE, SOYBEAN, WHEAT = 0, 1, 2, 3  # values of the daily variable `crop`
CONTINUOUS_MAIZE, ROTATION, DOUBLE = 1.0, 12.0, 5.0  # values of the parameter `rotation`
WATER = 15.0  # mm day-1: largest irrigation
FERTILISER = 18.0  # g N m-2 year-1 to maize
WEATHERS, YEARS = 6, 6
NAMES = ("gpp", "ra", "rh", "nee", "lai", "evspsbl", "crop", "fn2o", "fertilisation")
WHEAT_DAYS = 212  # of a year in which winter wheat of the year before may stand
FEWEST_DAYS = 30  # that a crop stands in a year that counts
DAYS_DRAWN = 4 * 365 + 1

FieldSeries = dict[str, np.ndarray]
"""Daily series name -> (weathers, days) of one management, and `year` (days,)."""


def has_crops() -> bool:
    """Whether the program knows crops and rotations."""
    return "rotation" in parameter_table(find_program())


def crop_quantities(folder: Path) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Key of published_ranges -> values of field-years (n,); and four years of an irrigated rotation for a figure."""
    fields = {
        "maize": (CONTINUOUS_MAIZE, WATER, FERTILISER), "rotation": (ROTATION, WATER, FERTILISER),
        "rainfed": (ROTATION, 0.0, FERTILISER), "unfertilised": (CONTINUOUS_MAIZE, WATER, 0.0),
    }  # fmt: skip
    runs = {name: _field(MEAD, *management, folder / name) for name, management in fields.items()}
    plain = _field(PLAIN, DOUBLE, WATER, FERTILISER, folder / "plain")
    maize, rotation, rainfed = runs["maize"], runs["rotation"], runs["rainfed"]
    soybean_gpp, maize_gpp = _season(rotation, "gpp", SOYBEAN), _season(rotation, "gpp", MAIZE)
    quantities = {
        "crop.maize_gpp": _season(maize, "gpp", MAIZE),
        "crop.maize_rainfed_gpp": _season(rainfed, "gpp", MAIZE),
        "crop.soy_share": np.nanmean(soybean_gpp, keepdims=True) / np.nanmean(maize_gpp, keepdims=True),
        "crop.maize_re": _respiration(maize, MAIZE),
        "crop.maize_rainfed_re": _respiration(rainfed, MAIZE),
        "crop.winter_re": _fallow_share(maize),
        "crop.maize_et": _season(maize, "evspsbl", MAIZE),
        "crop.soy_et": _season(rotation, "evspsbl", SOYBEAN),
        "crop.maize_lai": _extreme(maize, "lai", MAIZE, np.max),
        "crop.soy_lai": _extreme(rotation, "lai", SOYBEAN, np.max),
        "crop.wheat_gpp": _season(plain, "gpp", WHEAT),
        "crop.wheat_nee": _season(plain, "nee", WHEAT),
        "crop.plain_maize_gpp": _season(plain, "gpp", MAIZE),
        "crop.plain_maize_nee": _season(plain, "nee", MAIZE),
        "peak.maize_gpp": _extreme(maize, "gpp", MAIZE, np.max),
        "peak.soy_gpp": _extreme(rotation, "gpp", SOYBEAN, np.max),
        "peak.maize_nee": _extreme(maize, "nee", MAIZE, np.min),
    }
    if "fn2o" in maize:
        emitted, background = (_nitrous_oxide(runs[name]) for name in ("maize", "unfertilised"))
        quantities["n2o.maize"] = emitted
        quantities["n2o.factor"] = 100.0 * (emitted - background) / (10.0 * FERTILISER)
    first_years = {name: rotation[name][0, :DAYS_DRAWN] for name in ("lai", "gpp", "nee", "crop")}
    return quantities, first_years


def _field(site: TowerSite, rotation: float, water: float, nitrogen: float, folder: Path) -> FieldSeries:
    """Series (weathers, days) of one management."""
    days = (date(2001 + YEARS, 1, 1) - date(2001, 1, 1)).days
    case = SiteCase(site, None, date(2001, 1, 1), days, spinup_years=4)
    table = parameter_table(find_program())
    values = {"rotation": rotation, "irrigation": water, "n_fertiliser": nitrogen}
    members = {name: np.full(WEATHERS, value) for name, value in values.items() if name in table}
    series = run_members(case, members, folder, NAMES, site_numbers=np.arange(1, WEATHERS + 1))
    series["year"] = (np.datetime64("2001-01-01") + np.arange(days)).astype("datetime64[Y]").astype(int) + 1970
    return series


def _by_season(field: FieldSeries, values: np.ndarray, crop: int, reduce: Callable[[np.ndarray], float]) -> np.ndarray:
    """`reduce` of daily values over the days on which a crop stands, by weather and year of its harvest (n,).

    Winter wheat counts from 1 January; years without the crop are left out.
    """
    seasons = []
    for year in np.unique(field["year"]):
        days = field["year"] == year
        for row in range(len(values)):
            stands = days & (field["crop"][row] == crop)
            if crop == WHEAT:
                stands &= np.arange(len(days)) < np.flatnonzero(days)[0] + WHEAT_DAYS
            if stands.sum() > FEWEST_DAYS:
                seasons.append(float(reduce(values[row, stands])))
    return np.array(seasons)


def _season(field: FieldSeries, name: str, crop: int) -> np.ndarray:
    return _by_season(field, field[name], crop, np.sum)


def _respiration(field: FieldSeries, crop: int) -> np.ndarray:
    return _by_season(field, field["ra"] + field["rh"], crop, np.sum)


def _extreme(field: FieldSeries, name: str, crop: int, reduce: Callable[[np.ndarray], float]) -> np.ndarray:
    return _by_season(field, field[name], crop, reduce)


def _fallow_share(field: FieldSeries) -> np.ndarray:
    """Respiration while no crop stands, share of the year's (n,)."""
    respiration = field["ra"] + field["rh"]
    shares = []
    for year in np.unique(field["year"]):
        days = field["year"] == year
        bare = np.where(field["crop"][:, days] == NO_CROP, respiration[:, days], 0.0).sum(axis=1)
        shares.append(bare / respiration[:, days].sum(axis=1))
    return np.concatenate(shares)


def _nitrous_oxide(field: FieldSeries) -> np.ndarray:
    """Emission of each weather, kg N ha-1 year-1 (n,)."""
    mean = field["fn2o"].mean(axis=1)  # kg N2O m-2 s-1
    return mean * SECONDS_PER_DAY * DAYS_PER_YEAR * SQUARE_METRES_PER_HECTARE * NITROGEN_OF_N2O
