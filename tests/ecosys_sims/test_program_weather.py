"""The generated weather: frequency and amount of rain, temperature, its years, and what the namelist changes."""

from pathlib import Path

import netCDF4
import numpy as np
import pytest

from tests.ecosys_sims.program_case import Case, write_sites

YEARS = 40
SITES = {"lat": [41.0, 51.0, 65.0, 2.0, -35.0], "continentality": [50.0, 15.0, 58.0, 5.0, 20.0],
         "annual_precip": [700.0, 1100.0, 350.0, 2400.0, 150.0]}  # fmt: skip


def normal_temperature(lat: np.ndarray, elevation: float, continentality: np.ndarray) -> np.ndarray:
    """Annual mean of docs/process_model.md section 2.1, K."""
    s2 = np.sin(np.radians(lat)) ** 2
    return (
        273.15
        + np.minimum(27.5, 14.9 - 28 * (3 * s2 - 1) / 2 + 12 * (1 - continentality / 60) * s2)
        - 0.0065 * elevation
    )


@pytest.fixture(scope="module")
def case(ecosys_exe: Path, tmp_path_factory: pytest.TempPathFactory) -> Case:
    case = Case(ecosys_exe, tmp_path_factory.mktemp("weather"))
    write_sites(case.folder / "sites.nc", **SITES)
    return case


def generate(case: Case, name: str, years: int = YEARS, **wgen) -> dict[str, np.ndarray]:
    """History of `years` noleap years, daily physics: only the weather matters here."""
    run = {"fsites": "sites.nc", "calendar": "noleap", "start_date": "1981-01-01", "stop_n": years, "spinup_years": 0,
           "dt_phys": 86400, "seed": 3}  # fmt: skip
    fields = {"hist_fields": "tas,tasmin,tasmax,pr,rsds,rlds,vpd,sfcWind,co2,ch4"}
    return case.complete({"run_ctl": run, "wgen_nl": wgen, "hist_nl": fields}, name)


@pytest.fixture(scope="module")
def weather(case: Case) -> dict[str, np.ndarray]:
    return generate(case, "base")


def test_annual_temperature_is_the_normal(weather):
    lat, continentality = np.array(SITES["lat"]), np.array(SITES["continentality"])
    expected = normal_temperature(lat, 100.0, continentality)
    yearly = weather["tas"].reshape(5, YEARS, 365).mean(axis=2)
    sd = 0.6 + 0.01 * np.maximum(np.abs(lat) - 20, 0)
    error = np.abs(yearly.mean(axis=1) - expected)
    assert np.all(error < 4 * sd * np.sqrt(1.3 / 0.7 / YEARS) + 0.1), error


def test_annual_range_and_warmest_season(weather):
    monthly = weather["tas"].reshape(5, YEARS, 365).mean(axis=1)
    smooth = np.stack([np.convolve(np.tile(m, 3), np.ones(31) / 31, "same")[365:730] for m in monthly])
    expected = (
        (np.array(SITES["continentality"]) + 14) * np.sin(np.radians(np.abs(SITES["lat"]) + np.array(10.0))) / 1.7
    )
    assert np.allclose(np.ptp(smooth, axis=1), expected, rtol=0.15, atol=1.0)
    warmest = smooth.argmax(axis=1)
    assert np.all((warmest[:3] > 185) & (warmest[:3] < 240)) and warmest[4] < 70


def test_rain_has_the_frequency_and_amount_of_the_climate(weather):
    daily = weather["pr"] * 86400
    total = daily.reshape(5, YEARS, 365).sum(axis=2)
    expected = np.array(SITES["annual_precip"])
    assert np.all(np.abs(total.mean(axis=1) / expected - 1) < 4 * 0.35 / np.sqrt(YEARS)), total.mean(axis=1)
    wet_mean = np.clip(3 + 0.004 * expected, 3, 12)
    frequency = (daily > 0).mean(axis=1)
    assert np.allclose(frequency, expected / 365 / wet_mean, rtol=0.1), frequency
    variation = total.std(axis=1, ddof=1) / total.mean(axis=1)
    assert np.all((variation > 0.11) & (variation < 0.55)), variation
    season = daily.reshape(5, YEARS, 365).mean(axis=1)
    summer, winter = season[:3, 155:245].mean(), np.r_[season[:3, :45].ravel(), season[:3, 320:].ravel()].mean()
    assert 1.4 < summer / winter < 2.2  # 1 + 0.3 over 1 - 0.3, less for the width of the seasons


def test_wet_days_follow_wet_days(weather):
    wet = weather["pr"][0] > 0
    share = wet.mean()
    after_wet, after_dry = wet[1:][wet[:-1]].mean(), wet[1:][~wet[:-1]].mean()
    assert after_wet == pytest.approx(0.2448 + 0.7552 * share, abs=0.03)
    assert 0.65 * share < after_dry < 0.87 * share


def test_heavy_rain_has_a_heavier_tail_than_gamma(weather):
    daily = weather["pr"][1] * 86400
    amounts = daily[daily > 0]
    assert 0.02 < (amounts > 20).mean() < 0.12 and amounts.max() > 50 and amounts.min() > 0


def test_wet_days_are_dim_and_mild_in_range(weather):
    wet = weather["pr"][0] > 0
    assert weather["rsds"][0][wet].mean() < 0.85 * weather["rsds"][0][~wet].mean()
    assert weather["rlds"][0][wet].mean() > weather["rlds"][0][~wet].mean()
    assert np.all(weather["tasmax"] > weather["tasmin"])
    assert np.all((weather["vpd"] >= 0) & (weather["vpd"] < 9000)) and np.all(weather["rsds"] >= 0)
    assert np.all(np.abs(weather["sfcWind"].mean(axis=1) - 3.0) < 0.15)


def test_greenhouse_gases_follow_the_years(weather):
    assert weather["co2"][0, 0] == 340 and weather["ch4"][0, 0] == 1655
    yearly = weather["co2"][0].reshape(YEARS, 365)
    assert np.all(yearly == yearly[:, :1]) and np.all(np.diff(yearly[:, 0]) > 0) and 410 < yearly[-1, 0] < 415


def test_trend_only_warms(case, weather):
    warmer = generate(case, "trend", trend_k_per_decade=0.5, trend_reference_year=1981)
    difference = warmer["tas"] - weather["tas"]
    assert np.allclose(difference, 0.05 * (np.arange(YEARS * 365) + 0.0) / 365, atol=2e-3)
    assert np.array_equal(warmer["pr"] > 0, weather["pr"] > 0)


def test_years_vary_as_the_namelist_says(case, weather):
    """Anomalies of the years come on top of what daily weather alone makes of a year."""
    quiet = generate(case, "quiet", annual_t_sd=0.0, annual_p_cv=0.0)
    loud = generate(case, "loud", annual_t_sd=3.0, annual_p_cv=0.8, co2=500.0)

    def spread(run: dict, name: str) -> np.ndarray:
        return run[name].reshape(5, YEARS, 365).mean(axis=2).std(axis=1, ddof=1)

    default = 0.6 + 0.01 * np.maximum(np.abs(SITES["lat"]) - 20, 0)
    for run, sd in ((weather, default), (loud, 3.0)):
        assert np.allclose(spread(run, "tas"), np.hypot(spread(quiet, "tas"), sd), rtol=0.4)
    assert np.all(spread(loud, "pr") > 2 * spread(quiet, "pr"))
    assert np.all(loud["co2"] == 500)


def test_mean_temperature_may_be_given(case):
    write_sites(case.folder / "sites.nc", **SITES, t_ann=[285.0, -999.0, 270.0, 299.0, 288.0])
    history = generate(case, "given", years=10, annual_t_sd=0.0)
    write_sites(case.folder / "sites.nc", **SITES)
    mean = history["tas"].mean(axis=1)
    assert np.all(np.abs(mean[[0, 2, 3, 4]] - [285.0, 270.0, 299.0, 288.0]) < 0.4), mean
    assert abs(mean[1] - normal_temperature(np.array([51.0]), 100.0, np.array([15.0]))[0]) < 0.4


@pytest.mark.parametrize("step", [10800, 86400])
def test_weather_does_not_depend_on_the_step(case, step):
    """The surface takes hourly steps in any case: the same weather, and balances that close."""
    run = {"fsites": "sites.nc", "spinup_years": 0, "seed": 3}
    longer = case.complete({"run_ctl": run | {"dt_phys": step}}, f"step{step}")
    hourly = case.complete({"run_ctl": run}, f"hourly{step}")
    for name in ("tas", "tasmin", "tasmax", "pr", "rsds", "rlds", "vpd", "sfcWind", "ps", "co2", "ch4"):
        assert np.allclose(longer[name], hourly[name], rtol=1e-6, atol=1e-12), name


def add_months(path: Path, t_month: np.ndarray, p_month: np.ndarray) -> None:
    with netCDF4.Dataset(path, "a") as file:
        file.createDimension("month", np.shape(t_month)[1])
        for name, values in (("t_month", t_month), ("p_month", p_month)):
            file.createVariable(name, "f8", ("site", "month"), fill_value=-999.0)[:] = values


def test_a_table_of_months_replaces_the_analytic_climate(case):
    years = 30
    t_month = np.full((5, 12), -999.0)
    p_month = t_month.copy()
    t_month[[0, 3]] = 280 + 8 * np.sin(np.arange(12) * np.pi / 6), 295 - np.arange(12) % 6
    p_month[[0, 3]] = 10 + 12 * np.arange(12), np.r_[np.full(6, 300.0), np.full(6, 20.0)]
    write_sites(case.folder / "sites.nc", **SITES)
    base = generate(case, "no_months", years=years, annual_t_sd=0.0, annual_p_cv=0.0)
    add_months(case.folder / "sites.nc", t_month, p_month)
    history = generate(case, "months", years=years, annual_t_sd=0.0, annual_p_cv=0.0)
    write_sites(case.folder / "sites.nc", **SITES)
    edges = np.round(np.arange(13) * 365 / 12).astype(int)
    for name, other in base.items():
        if name in ("tas", "tasmin", "pr", "vpd"):
            assert np.array_equal(history[name][[1, 2, 4]], other[[1, 2, 4]]), name
    for site in (0, 3):
        # Linear between the middles of months: the mean of a month has 3/4 of its own value, 1/8 of each neighbour's.
        expected = [0.75 * m + 0.125 * (np.roll(m, 1) + np.roll(m, -1)) for m in (t_month[site], p_month[site])]
        warm = history["tas"][site].reshape(years, 365)
        wet = 86400 * history["pr"][site].reshape(years, 365)
        for month in range(12):
            days = slice(edges[month], edges[month + 1])
            each = warm[:, days].mean(axis=1), wet[:, days].sum(axis=1)
            for found, normal in zip(each, (values[month] for values in expected), strict=True):
                error = found.std(ddof=1) / np.sqrt(years)
                assert abs(found.mean() - normal) < 4.5 * error, (site, month)
        total = wet.sum(axis=1)
        assert abs(total.mean() - p_month[site].sum()) < 4 * total.std(ddof=1) / np.sqrt(years)


def test_faulty_tables_of_months_are_told(case):
    good = np.full((5, 12), 280.0), np.full((5, 12), 50.0)
    half, hot = good[0].copy(), good[0].copy()
    half[2, 4], hot[1, 6] = -999.0, 28.0
    for t_month, p_month, message in (
        (half, good[1], "t_month and p_month of site S2 must have all months, or none"),
        (hot, good[1], "t_month of site S1 in month 7 is 28.0, expected 200.0 to 330.0"),
        (good[0][:, :6], good[1][:, :6], "variable t_month is missing or has not the shape (site, month = 12)"),
    ):
        write_sites(case.folder / "sites.nc", **SITES)
        add_months(case.folder / "sites.nc", t_month, p_month)
        done = case.run({"run_ctl": {"fsites": "sites.nc", "stop_n": 1, "spinup_years": 0}}, "faulty")
        assert done.returncode == 1
        assert message in done.stderr, done.stderr
    write_sites(case.folder / "sites.nc", **SITES)


TRANSECT_KM = 60.0
RANGES = {"correlation_km": 1200.0, "precip_correlation_km": 800.0}


@pytest.fixture(scope="module")
def transect(ecosys_exe: Path, tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Sites of one climate on the 45th parallel, some 60 km apart."""
    case = Case(ecosys_exe, tmp_path_factory.mktemp("transect"))
    lon = [float(x) for x in np.arange(24) * np.degrees(TRANSECT_KM / (6371.0 * np.cos(np.radians(45.0))))]
    write_sites(case.folder / "sites.nc", [45.0] * 24, lon=lon, biome=[13] * 24)
    write_sites(case.folder / "some.nc", [45.0] * 24, lon=lon, biome=[13] * 24, order=[3, 17])
    return case


def test_neighbours_share_their_weather_as_far_as_real_ones(transect):
    """As docs/simulations.md says: days of rain fall to 1/e within some 300 km, temperature within some 1,000 km."""
    weather = generate(transect, "near", 12, **RANGES)

    def correlation(name: str, steps: int) -> float:
        daily = weather[name].reshape(24, 12, 365)
        anomaly = (daily - daily.mean(axis=(0, 1))).reshape(24, -1)
        anomaly = (anomaly - anomaly.mean(axis=1, keepdims=True)) / anomaly.std(axis=1, keepdims=True)
        return float((anomaly[:-steps] * anomaly[steps:]).mean())

    for steps, of_warmth, of_rain in ((1, 0.93, 0.7), (5, 0.74, 0.37), (16, 0.35, 0.07)):
        assert abs(correlation("tas", steps) - of_warmth) < 0.1, steps
        assert abs(correlation("pr", steps) - of_rain) < 0.1, steps


def test_shared_weather_has_the_climate_of_a_site_alone_and_is_the_same_in_any_block(transect):
    alone, shared = generate(transect, "alone", 12), generate(transect, "shared", 12, **RANGES)
    for name, tolerance in (("tas", 0.003), ("pr", 0.06), ("rsds", 0.03), ("sfcWind", 0.03)):
        assert np.isclose(shared[name].mean(), alone[name].mean(), rtol=tolerance), name
        assert np.isclose(shared[name].std(), alone[name].std(), rtol=0.12), name
    wet_alone, wet_shared = ((run["pr"] > 0).mean() for run in (alone, shared))
    assert np.isclose(wet_alone, wet_shared, rtol=0.06)
    run = {"fsites": "some.nc", "calendar": "noleap", "start_date": "1981-01-01", "stop_n": 1, "spinup_years": 0,
           "dt_phys": 86400, "seed": 3}  # fmt: skip
    two_sites = transect.complete({"run_ctl": run, "wgen_nl": RANGES, "hist_nl": {"hist_fields": "tas,pr"}}, "some")
    for name in ("tas", "pr"):
        assert np.array_equal(two_sites[name], shared[name][[3, 17], :365]), name
