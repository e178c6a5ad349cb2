"""`predict` and `evaluate` of a run folder and of its artefact: one result, of points and grids in any units."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import ecostep
from ecostep import model as model_module
from tests.ecostep.conftest import OPTIONS
from tests.ecosys_sims.test_cf import check  # noqa: F401  a fixture
from tests.emulator.synthetic import write_dataset

NAMES = ("tas", "pr", "rsds", "vpd", "tsl", "wtd", "elevation", "ph", "biome", "fch4")


def assert_alike(first: xr.Dataset, second: xr.Dataset, largest: float = 1e-5) -> None:
    """At most `largest` of standard deviation + |flux| between two, NaN at the same places."""
    for name, values in first.items():
        other = second[name]
        assert values.dims == other.dims and values.attrs == other.attrs
        np.testing.assert_array_equal(np.isnan(values), np.isnan(other))
        scale = float(values.std()) + np.abs(values)
        assert float((np.abs(values - other) / scale).max()) <= largest, name


def on_grid(data: xr.Dataset) -> xr.Dataset:
    """Six sites as a grid of (time, lat, lon) in units of another model; one cell is sea."""
    places = {"lat": ("site", [50.0, 50, 50, 60, 60, 60]), "lon": ("site", [0.0, 10, 20, 0, 10, 20])}
    sites = data[list(NAMES)].isel(site=slice(6)).drop_vars(["lat", "lon", "site_id"], errors="ignore")
    grid = sites.assign_coords(places).set_index(site=["lat", "lon"]).unstack("site").transpose("time", "lat", "lon")
    grid["biome"] = grid["biome"].where((grid["lat"] != 60) | (grid["lon"] != 20)).assign_attrs(grid["biome"].attrs)
    grid["tas"] = (grid["tas"] - 273.15).assign_attrs(units="degC")
    grid["pr"] = (grid["pr"] * 86400).assign_attrs(units="mm day-1")
    grid["fch4"].attrs["units"] = "nmol m-2 s-1"
    return grid


def test_run_and_artefact_give_the_same(run, artefact, data) -> None:
    by_torch, by_library = run.predict(data), artefact.predict(data)
    assert by_torch["fch4"].dims == ("site", "time") and by_torch["fch4"].dtype == np.float32
    assert float(by_torch["fch4"].std()) > 0.0
    assert_alike(by_torch, by_library)


@pytest.mark.slow
def test_both_see_the_flux_of_earlier_years(dataset_path, data, tmp_path) -> None:
    options = OPTIONS | {"model.kind": "cham_net"}
    del options["model.hidden"]
    run = ecostep.train("quickstart", dataset_path, tmp_path / "cham_net", options=options)
    fluxes = [model.predict(data, past_flux="observed") for model in (run, run.export())]
    assert_alike(*fluxes)
    without = run.predict(data)
    first_year = data["time"].dt.year == 2003
    changed = np.abs(without["fch4"] - fluxes[0]["fch4"]).max("site")
    assert float(changed.where(first_year).max()) == 0.0 and float(changed.where(~first_year).max()) > 0.0


def test_a_grid_in_other_units_gives_what_its_cells_give(run, artefact, data) -> None:
    grid = on_grid(data)
    fluxes = artefact.predict(grid)
    assert_alike(run.predict(grid), fluxes)
    assert fluxes["fch4"].dims == ("time", "lat", "lon")
    assert fluxes["fch4"].attrs["units"] == "nmol m-2 s-1" and fluxes["gpp"].attrs["units"] == "g m-2 day-1"
    assert fluxes["fch4"].isnull().sum(["time"]).values.tolist() == [[0, 0, 0], [0, 0, grid.sizes["time"]]]
    place = {"lat": 60.0, "lon": 10.0}
    tower = artefact.predict(grid.sel(place))
    assert tower["fch4"].dims == ("time",)
    np.testing.assert_array_equal(tower["fch4"], fluxes["fch4"].sel(place))
    by_block = grid.rename(lat="latitude", lon="longitude").transpose("longitude", "time", "latitude")
    by_block["biome"] = by_block["biome"].copy(data=np.vectorize(words_of(grid).get)(by_block["biome"].values))
    other = artefact.predict(by_block.isel(latitude=slice(0, 1)))
    assert other["fch4"].dims == ("longitude", "time", "latitude")
    np.testing.assert_array_equal(other["fch4"].values[:, :, 0].T, fluxes["fch4"].values[:, 0])


def words_of(data: xr.Dataset) -> dict[float, str]:
    attributes = data["biome"].attrs
    return dict(zip(map(float, attributes["flag_values"]), attributes["flag_meanings"].split(), strict=True))


def test_blocks_of_sites_give_the_same_as_all_at_once(artefact, data, monkeypatch) -> None:
    whole = artefact.predict(data)
    monkeypatch.setattr(model_module, "BLOCK_BYTES", 5 * 8 * 1096 * 8)
    xr.testing.assert_equal(whole, artefact.predict(data.chunk(site=4)))


def test_data_stay_as_they_are(run, artefact, data) -> None:
    data = data.rename(time="day").assign_coords(day=data["time"].values)
    data["day"].attrs["long_name"] = "day"
    before = data.copy(deep=True)
    encodings = {name: dict(values.encoding) for name, values in data.variables.items()}
    for model in (run, artefact):
        assert model.predict(data)["time"].values.tolist() == data["day"].values.tolist()
    xr.testing.assert_identical(data, before)
    assert {name: dict(values.encoding) for name, values in data.variables.items()} == encodings


def test_an_artefact_takes_hours_and_gives_days(artefact, data) -> None:
    short = data.isel(time=slice(40))
    hours = short.sel(time=np.repeat(short["time"].values, 4))
    first = short["time"].values[0].astype("datetime64[D]").astype("datetime64[ns]")
    hours = hours.assign_coords(time=first + np.arange(160) * np.timedelta64(6, "h"))
    fluxes = artefact.predict(hours)
    assert fluxes.sizes["time"] == 40
    np.testing.assert_allclose(fluxes["gpp"], artefact.predict(short)["gpp"], rtol=1e-4)


def test_a_calendar_without_leap_days(artefact, run, tmp_path: Path) -> None:
    path = write_dataset(tmp_path / "noleap.nc", sites=2, years=2, first_year=2003, calendar="noleap")
    fluxes = artefact.predict(path)
    assert fluxes.sizes["time"] == 730 and fluxes["time"].dt.calendar == "noleap"
    assert_alike(run.predict(str(path)), fluxes)


def test_files_of_fluxes_keep_the_conventions(artefact, data, check, tmp_path: Path) -> None:  # noqa: F811
    data.attrs["history"] = "made by hand"
    for name, drivers in {"points": data, "grid": on_grid(data)}.items():
        fluxes = artefact.predict(drivers)
        assert fluxes["gpp"].attrs["standard_name"].startswith("gross_primary_productivity")
        assert "ecostep" in fluxes.attrs["history"].splitlines()[0]
        fluxes.to_netcdf(tmp_path / f"{name}.nc")
        assert check(tmp_path / f"{name}.nc") == []
    assert artefact.predict(data).attrs["history"].endswith("\nmade by hand")


def test_quantiles_hold_one_another(run, run_scores, artefact, data) -> None:
    bands = run.predict(data, quantiles="trained_on")
    low, middle, high = (bands[f"fch4_{name}"] for name in ("q05", "q50", "q95"))
    assert (low <= middle).all() and (middle <= high).all() and (low < high).any()
    assert low.attrs["units"] == bands["fch4"].attrs["units"] == data["fch4"].attrs["units"]
    with pytest.raises(ValueError, match="no quantiles at new sites: too few groups of sites"):
        run.predict(data, quantiles="new")
    with pytest.raises(ValueError, match="an artefact gives no quantiles; load the run folder"):
        artefact.predict(data, quantiles="new")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda data: data.drop_vars("vpd"), r"towers.nc: has no variable 'vpd', which the model needs"),
        (lambda data: data.assign(tas=(data["tas"] - 273.15).assign_attrs(units="K")), r"towers.nc.*tas.*K.*170"),
        (lambda data: data.assign(tas=data["tas"].assign_attrs(units="furlong")), r"towers.nc.*tas.*furlong"),
        (lambda data: data.drop_vars(["lat"]), r"towers.nc: has no 'lat'"),
        (lambda data: data.drop_vars("time"), r"'time' has no coordinate"),
        (lambda data: data.assign(pr=data["pr"].where(data["time"] != data["time"][9])), r"towers.nc.*pr"),
    ],
)
def test_data_that_a_model_cannot_use_are_named(run, artefact, data, dataset_path, change, told) -> None:
    bad = change(data)
    bad.encoding["source"] = str(dataset_path)
    for model in (run, artefact):
        with pytest.raises(ecostep.DataError, match=told) as raised:
            model.predict(bad)
        assert "/tmp/ecostep-" not in str(raised.value)


def test_options_that_a_model_has_not_are_named(run, artefact, data) -> None:
    with pytest.raises(ValueError, match="past_flux is 'self_fed', and the artefact was exported with 'none'"):
        artefact.predict(data, past_flux="self_fed")
    with pytest.raises(ValueError, match="past_flux is 'all', expected one of none, observed, self_fed"):
        run.predict(data, past_flux="all")
    with pytest.raises(TypeError, match=r"expected an xarray.Dataset or a path, not ndarray"):
        run.predict(np.zeros(3))


def test_scores(run, run_scores, artefact, data) -> None:
    assert set(run_scores.index.get_level_values("part")) == {"temporal", "spatial", "spatiotemporal"}
    before = sorted(run.path.rglob("*"))
    again = run.evaluate(data)
    assert sorted(run.path.rglob("*")) == before
    assert again.loc[("temporal", "fch4"), "rmse"] == pytest.approx(run_scores.loc[("temporal", "fch4"), "rmse"])
    table = artefact.evaluate(data)
    fluxes = artefact.predict(data)
    error = float(np.sqrt(((fluxes["gpp"] - data["gpp"]).astype("f8") ** 2).mean()))
    assert table.loc[("all", "gpp"), "rmse"] == pytest.approx(error, rel=1e-5)
    assert table.loc[("all", "gpp"), "units"] == "kg m-2 s-1"


def test_an_artefact_needs_no_torch(artefact, dataset_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None; import ecostep; model = ecostep.load(sys.argv[1]); "
        "print(model.evaluate(sys.argv[2]).loc[('all', 'fch4'), 'n'], ecostep.__version__)"
    )
    command = [sys.executable, "-c", code, str(artefact.path), str(dataset_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) == 12 * 1096


def test_nothing_there_is_told(tmp_path: Path) -> None:
    for call in (ecostep.load, ecostep.open_dataset):
        with pytest.raises(FileNotFoundError):
            call(tmp_path / "nothing")


def test_a_flux_of_another_quantity_is_told_before_anything_is_predicted(artefact, data) -> None:
    data["gpp"].attrs["units"] = "K"
    with pytest.raises(ecostep.DataError, match=r"towers.nc: gpp: .*K"):
        artefact.predict(data)


def test_cells_whose_record_begins_late_are_told_and_the_sea_is_not_land(artefact, data) -> None:
    grid = on_grid(data)
    grid["wtd"] = grid["wtd"].isel(lat=0, lon=0, drop=True)  # one for all cells, as a global driver is
    for name in ("tas", "pr", "rsds", "vpd", "tsl"):
        grid[name][:, 0, 0] = np.nan
    counts = artefact.predict(grid)["gpp"].notnull().sum("time").values
    np.testing.assert_array_equal(counts > 0, [[False, True, True], [True, True, False]])
    late = on_grid(data)
    for name in ("tas", "pr", "rsds", "vpd", "tsl", "wtd"):
        late[name][:5, 0, 0] = np.nan
    with pytest.raises(ecostep.DataError, match="site '50 0': all drivers are missing on 2003-01-01"):
        artefact.predict(late)


def test_scores_of_shorter_steps_are_of_days_under_any_name_of_time(artefact, data) -> None:
    short = data.isel(time=slice(40)).drop_vars("time_bnds", errors="ignore")
    hours = short.sel(time=np.repeat(short["time"].values, 4))
    first = short["time"].values[0].astype("datetime64[D]").astype("datetime64[ns]")
    hours = hours.assign_coords(time=first + np.arange(160) * np.timedelta64(6, "h"))
    daily = artefact.evaluate(short)
    for other in (hours, short.rename(time="date")):
        scores = artefact.evaluate(other)
        np.testing.assert_array_equal(scores["n"], daily["n"])
        np.testing.assert_allclose(scores["rmse"], daily["rmse"], rtol=1e-4)
