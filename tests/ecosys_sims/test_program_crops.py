"""Four years of a field of maize and soybean through the program: dates, fluxes beside Mead, Nebraska, and budgets."""

from pathlib import Path

import numpy as np
import pytest

from tests.ecosys_sims.program_case import Case

GRAMS = 86400e3  # kg m-2 s-1 to g m-2 day-1
FIELD = {
    "run_ctl": {"start_date": "2001-01-01", "stop_n": 4, "spinup_years": 2},
    "site_nl": {"lat": 41.2, "lon": -96.4, "elevation": 360.0, "biome": "cropland", "sand": 0.12, "clay": 0.35,
                "ph": 6.4, "annual_precip": 790.0, "continentality": 52.0, "t_ann": 283.8},
    "hydro_nl": {"irrigation": 12.0},
    "hist_nl": {"hist_diagnostics": True},
}  # fmt: skip


@pytest.fixture(scope="module")
def rotation(ecosys_exe: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """Daily series (days,) of the irrigated rotation, fluxes in g m-2 day-1 and mm day-1."""
    history = Case(ecosys_exe, tmp_path_factory.mktemp("field")).complete(FIELD)
    fluxes = ("gpp", "ra", "rh", "nee", "nbp", "harvest", "yield", "fertilisation", "fch4")
    found = {name: history[name][0].astype(float) for name in ("lai", "crop", "dvs", *fluxes)}
    found |= {name: GRAMS * found[name] for name in fluxes}
    found |= {name: 86400.0 * history[name][0].astype(float) for name in ("evspsbl", "irrigation")}
    days = np.datetime64("2001-01-01") + np.arange(len(found["gpp"]))
    return found | {"year": days.astype("datetime64[Y]").astype(int) + 1970,
                    "day": (days - days.astype("datetime64[Y]")).astype(int) + 1}  # fmt: skip


def of_year(series: dict[str, np.ndarray], year: int) -> dict[str, np.ndarray]:
    return {name: values[series["year"] == year] for name, values in series.items()}


def test_maize_and_soybean_take_turns(rotation):
    for year, flag in ((2001, 1), (2002, 2), (2003, 1), (2004, 2)):
        one = of_year(rotation, year)
        stands = one["crop"] > 0
        assert set(one["crop"][stands]) == {flag}
        assert 110 <= one["day"][stands][0] <= 172 and 80 <= stands.sum() <= 190
        assert np.all(np.diff(np.flatnonzero(stands)) == 1)  # one season
        assert 178 <= one["day"][one["dvs"] >= 1.0][0] <= 228
        assert one["lai"][~stands].max() == 0.0 and one["gpp"][~stands].max() == 0.0


def test_fluxes_are_those_of_mead(rotation):
    maize = [of_year(rotation, year) for year in (2001, 2003)]
    soybean = [of_year(rotation, year) for year in (2002, 2004)]
    gpp, soybean_gpp = (np.mean([one["gpp"].sum() for one in crop]) for crop in (maize, soybean))
    assert 1300 < gpp < 2000 and 0.45 < soybean_gpp / gpp < 0.70
    for one in maize:
        assert 5.0 < one["lai"].max() <= 6.0 and 20 < one["gpp"].max() < 32 and -22 < one["nee"].min() < -10
        assert 0.3 < one["ra"].sum() / one["gpp"].sum() < 0.55
    for one in soybean:
        assert 4.0 < one["lai"].max() < 5.7 and 12 < one["gpp"].max() < 20


def test_harvest_fertiliser_and_water(rotation):
    for year in (2001, 2002, 2003, 2004):
        one = of_year(rotation, year)
        day = np.flatnonzero(one["harvest"] > 0)
        assert len(day) == 1 and one["crop"][day[0]] > 0 and one["crop"][day[0] + 1] == 0
        assert 0 < one["yield"][day[0]] <= one["harvest"][day[0]]
        assert 0.1 < one["yield"].sum() / one["gpp"].sum() < 0.4
        assert one["fertilisation"].sum() == pytest.approx(15.0 if year % 2 else 0.0, rel=1e-5)
        assert np.count_nonzero(one["fertilisation"]) == (2 if year % 2 else 0)
        assert one["irrigation"][one["crop"] == 0].sum() == 0.0 and one["irrigation"].max() <= 12.0 + 1e-4
    budget = -rotation["nee"] - rotation["harvest"] - rotation["fch4"] * 12.011 / 16.043
    assert rotation["nbp"] == pytest.approx(budget, abs=1e-3)
    assert rotation["irrigation"].sum() > 100.0


def test_a_rotation_of_unknown_crops_is_refused(ecosys_exe: Path, tmp_path: Path):
    message = Case(ecosys_exe, tmp_path).refuse({"crop_nl": {"rotation": 17.0}}, 1)
    assert "rotation" in message and "0 to 5" in message
