"""Fields in Nebraska and on the North China Plain, with generated weather of several random years."""

from datetime import date
from pathlib import Path

import numpy as np

from ecosys_sims.adapters.forcing_file import TowerSite
from ecosys_sims.evaluation.ensemble_series import NITROGEN_OF_N2O, PER_DAY
from ecosys_sims.evaluation.member_runs import SiteCase, run_members
from ecosys_sims.model import find_program, parameter_table

MEAD = TowerSite("Mead", 41.17, -96.45, "cropland", 361.0, 790.0, 55.0, 283.7, sand=0.12, clay=0.35, ph=6.4)
PLAIN = TowerSite("Plain", 36.65, 116.05, "cropland", 30.0, 560.0, 60.0, 286.6, sand=0.30, clay=0.20, ph=7.8)
MAIZE, SOYBEAN, WHEAT = 1, 2, 3  # values of the daily variable `crop`
CONTINUOUS_MAIZE, ROTATION, DOUBLE = 1.0, 12.0, 5.0  # values of the parameter `rotation`
WATER = 15.0  # mm day-1: largest irrigation
FERTILISER = 18.0  # g N m-2 year-1 to maize
WEATHERS, YEARS = 6, 6
NAMES = ("gpp", "ra", "rh", "nee", "lai", "evspsbl", "crop", "fn2o", "fertilisation")


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
    found = {
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
        found["n2o.maize"] = emitted
        found["n2o.factor"] = 100.0 * (emitted - background) / (10.0 * FERTILISER)
    first = {name: rotation[name][0, : 4 * 365 + 1] for name in ("lai", "gpp", "nee", "crop")}
    return found, first


def _field(site: TowerSite, rotation: float, water: float, nitrogen: float, folder: Path) -> dict[str, np.ndarray]:
    """Series (weathers, days) of one management."""
    days = (date(2001 + YEARS, 1, 1) - date(2001, 1, 1)).days
    case = SiteCase(site, None, date(2001, 1, 1), days, spinup_years=4)
    known = parameter_table(find_program())
    values = {"rotation": rotation, "irrigation": water, "n_fertiliser": nitrogen}
    members = {name: np.full(WEATHERS, value) for name, value in values.items() if name in known}
    found = run_members(case, members, folder, NAMES, site_numbers=np.arange(1, WEATHERS + 1))
    found["year"] = (np.datetime64("2001-01-01") + np.arange(days)).astype("datetime64[Y]").astype(int) + 1970
    return found


def _by_season(run: dict[str, np.ndarray], values: np.ndarray, crop: int, reduce) -> np.ndarray:
    """`reduce` of daily values over the days on which a crop stands, by weather and year of its harvest (n,).

    Winter wheat counts from 1 January; years without the crop are left out.
    """
    found = []
    for year in np.unique(run["year"]):
        days = run["year"] == year
        for row in range(len(values)):
            stands = days & (run["crop"][row] == crop)
            if crop == WHEAT:
                stands &= np.arange(len(days)) < np.flatnonzero(days)[0] + 212
            if stands.sum() > 30:
                found.append(float(reduce(values[row, stands])))
    return np.array(found)


def _season(run: dict[str, np.ndarray], name: str, crop: int) -> np.ndarray:
    return _by_season(run, run[name], crop, np.sum)


def _respiration(run: dict[str, np.ndarray], crop: int) -> np.ndarray:
    return _by_season(run, run["ra"] + run["rh"], crop, np.sum)


def _extreme(run: dict[str, np.ndarray], name: str, crop: int, reduce) -> np.ndarray:
    return _by_season(run, run[name], crop, reduce)


def _fallow_share(run: dict[str, np.ndarray]) -> np.ndarray:
    """Respiration while no crop stands, share of the year's (n,)."""
    respiration = run["ra"] + run["rh"]
    found = []
    for year in np.unique(run["year"]):
        days = run["year"] == year
        bare = np.where(run["crop"][:, days] < 0.5, respiration[:, days], 0.0).sum(axis=1)
        found.append(bare / respiration[:, days].sum(axis=1))
    return np.concatenate(found)


def _nitrous_oxide(run: dict[str, np.ndarray]) -> np.ndarray:
    """Emission of each weather, kg N ha-1 year-1 (n,)."""
    return run["fn2o"].mean(axis=1) * PER_DAY * 365.25 * 1.0e4 * NITROGEN_OF_N2O
