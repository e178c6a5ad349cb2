"""What the program writes: CF history, resolved namelist, timing and balances; and what it leaves on a full disk."""

import json
import resource
import signal
import subprocess
from pathlib import Path

import f90nml
import netCDF4
import numpy as np
import pytest
import xarray as xr

from ecosys_sims.program.parameter_table import parameter_table
from tests.ecosys_sims.program_case import (
    ALL_INPUTS,
    ALL_STATICS,
    DATASET_VARIABLES,
    Case,
    synthetic_weather,
    write_forcing,
    write_sites,
    write_stub,
)  # fmt: skip

TARGETS = {"gpp": "g m-2 day-1", "ra": "g m-2 day-1", "rh": "g m-2 day-1", "nee": "g m-2 day-1",
           "fch4": "mg m-2 day-1", "fn2o": "mg m-2 day-1"}  # fmt: skip


@pytest.fixture
def case(ecosys_exe: Path, tmp_path: Path) -> Case:
    return Case(ecosys_exe, tmp_path)


def test_history_is_a_cf_collection_of_time_series(case):
    write_sites(case.folder / "sites.nc", [60.0, 48.0, 5.0])
    run = {"fsites": "sites.nc", "start_date": "2003-01-01", "stop_n": 2, "spinup_years": 1, "seed": 9}
    case.complete({"run_ctl": run})
    with netCDF4.Dataset(case.folder / "case.h0.2003-01-01-00000.nc") as file:
        assert file.Conventions == "CF-1.11" and file.featureType == "timeSeries"
        assert file.ecostep_dataset_version == 1 and file.seed == 9 and file.git_hash
        assert "stop_n = 2" in file.namelist and file.title and file.source and file.history and file.references
        assert file["site_id"].cf_role == "timeseries_id" and list(file["site_id"][:]) == ["S0", "S1", "S2"]
        time = file["time"]
        assert time.units == "days since 2003-01-01 00:00:00" and time.calendar == "standard"
        assert np.array_equal(time[:], np.arange(365 + 366) + 0.5)
        assert np.array_equal(file[time.bounds][:], np.stack([time[:] - 0.5, time[:] + 0.5], axis=1))
        for name in DATASET_VARIABLES:
            variable = file[name]
            assert variable.dimensions == ("site", "time") and variable.dtype == np.float32, name
            assert variable._FillValue == np.float32(9.96921e36) and variable.coordinates == "lat lon site_id"
            assert variable.role in ("fast", "slow", "state", "target") and variable.cell_methods.startswith("time: ")
            assert variable.units and variable.long_name
            assert getattr(variable, "analysis_units", None) == TARGETS.get(name)
            assert np.all(np.isfinite(variable[:])) and not np.ma.is_masked(variable[:]), name
        assert set(file.variables) - set(DATASET_VARIABLES) == {
            "time", "time_bnds", "site_id", "site_number", "lat", "lon", "elevation", "sand", "clay", "ph", "biome",
        }  # fmt: skip
        assert file["lat"].units == "degrees_north" and file["lon"].units == "degrees_east"
        carbon = "surface_upward_mass_flux_of_carbon_dioxide_expressed_as_carbon_due_to_"
        assert file["rh"].standard_name == carbon + "heterotrophic_respiration"
        assert list(file["biome"].flag_values) == list(range(1, 14))
        assert file["biome"].flag_meanings.split()[:3] == ["bog", "fen", "marsh"]
        daily = {name: file[name][:].astype(float) for name in TARGETS}
    scale = np.abs(daily["gpp"]).max()
    assert np.abs(daily["ra"] + daily["rh"] - daily["gpp"] - daily["nee"]).max() < 1e-6 * scale
    assert np.all(daily["gpp"] >= 0) and scale > 1e-9


def test_calendars(case):
    for calendar, days in (("standard", 366), ("noleap", 365)):
        history = case.complete(
            {"run_ctl": {"start_date": "2004-01-01", "calendar": calendar, "spinup_years": 0}}, calendar
        )
        assert history["tas"].shape == (1, days)


def test_resolved_namelist_repeats_the_run(case):
    groups = {"run_ctl": {"seed": 4, "spinup_years": 0}, "ch4_nl": {"mgo": 0.31}, "wgen_nl": {"co2": 410.0}}
    first = case.complete(groups)
    resolved = f90nml.read(case.folder / "case.nml.resolved")
    assert resolved["run_ctl"]["dt_phys"] == 3600 and resolved["run_ctl"]["case_name"] == "case"
    assert resolved["forcing_nl"]["forcing_name_tair"] == "Tair" and resolved["site_nl"]["biome"] == "fen"
    assert resolved["ch4_nl"] == {"mgo": 0.31} and resolved["wgen_nl"]["co2"] == 410.0
    resolved["run_ctl"]["case_name"] = "again"
    resolved.write(case.folder / "again.nml")
    done = case.start(case.folder / "again.nml")
    assert done.returncode == 0, done.stderr
    again = case.history("again")
    assert all(first[name].tobytes() == again[name].tobytes() for name in DATASET_VARIABLES)


def test_timing_and_balance_files(case):
    case.complete({"run_ctl": {"spinup_years": 1}})
    timing = json.loads((case.folder / "case.timing.json").read_text())
    parts = ["forcing_s", "physics_s", "biogeochemistry_s", "history_s"]
    assert set(timing) == {*parts, "wall_s", "site_years", "bgc_scheme"}
    assert timing["bgc_scheme"] == "process" and timing["site_years"] == pytest.approx(2.0, rel=0.01)
    assert all(timing[part] > 0 for part in parts) and sum(timing[part] for part in parts) <= timing["wall_s"]
    balance = json.loads((case.folder / "case.balance.json").read_text())
    assert 0 < balance["carbon_g_m2_day"] < 1e-8 and 0 < balance["water_mm_day"] < 1e-6
    assert 0 < balance["energy_w_m2"] < 1e-3 and 0 < balance["methane_relative"] < 1e-10
    assert 0 < balance["nitrogen_g_m2_day"] < 1e-8


def test_parameters_that_were_used_are_on_file(case):
    values = {"mgo": [0.4, -999.0, -999.0], "k_out": [-999.0, 7.5, 1.0 / 3.0]}
    write_sites(case.folder / "sites.nc", [60.0, 48.0, 5.0], biome=[2, 13, 13], **values)
    groups = {"run_ctl": {"fsites": "sites.nc", "spinup_years": 0, "stop_n": 2, "stop_option": "ndays"},
              "ch4_nl": {"pq10": 2.5}, "hydro_nl": {"k_out": 9.0}}  # fmt: skip
    case.complete(groups)
    table = parameter_table(case.exe)
    with netCDF4.Dataset(case.folder / "case.params.nc") as file:
        assert set(file.variables) == {"site_id", *table} and list(file["site_id"][:]) == ["S0", "S1", "S2"]
        for name, info in table.items():
            assert file[name].units == info.units and file[name].long_name and file[name].dtype == np.float64
            if name not in ("mgo", "k_out", "pq10"):
                defaults = [info.biome_defaults[biome] for biome in ("fen", "cropland", "cropland")]
                assert np.array_equal(file[name][:], defaults), name
        crop = table["mgo"].biome_defaults["cropland"]
        assert list(file["mgo"][:]) == [0.4, crop, crop]  # table before namelist before biome
        assert list(file["k_out"][:]) == [9.0, 7.5, 1.0 / 3.0] and list(file["pq10"][:]) == [2.5] * 3


def test_chosen_fields_and_diagnostics(case):
    history = case.complete({"run_ctl": {"spinup_years": 0}, "hist_nl": {"hist_fields": "fch4, gpp"}})
    assert {"fch4", "gpp"} <= set(history) and not {"tas", "nee"} & set(history)
    history = case.complete({"run_ctl": {"spinup_years": 0}, "hist_nl": {"hist_diagnostics": True}}, "more")
    total = history["fch4_diff"] + history["fch4_ebul"] + history["fch4_plant"]
    assert np.abs(total - history["fch4"]).max() < 1e-6 * np.abs(history["fch4"]).max()
    assert np.all(history["c_slow"] > 0)


@pytest.mark.parametrize("step", [3600, 86400])
def test_emulator_sees_what_the_history_holds(case, step):
    """The stub is linear in its inputs, so its fluxes follow from the history's own variables."""
    write_stub(case.folder / "stub.pt", ALL_INPUTS, ALL_STATICS)
    scheme = {"bgc_scheme": "emulator", "spinup_years": 1, "dt_phys": step}
    history = case.complete({"run_ctl": scheme, "emulator_nl": {"file": "stub.pt", "dt_call": step}})
    inputs = np.stack([history[name].astype(float) for name in ALL_INPUTS], axis=-1)
    gpp = np.maximum(0.0, 0.5 + inputs @ (0.001 * np.arange(1, len(ALL_INPUTS) + 1)))
    smooth = np.zeros_like(gpp)  # the stub starts from zero and smooths with decay 0.25
    for day in range(gpp.shape[1]):
        smooth[:, day] = 0.25 * (smooth[:, day - 1] if day else 0.0) + 0.75 * gpp[:, day]
    emulated = history["gpp"].astype(float) * 86400e3
    assert np.abs(emulated - smooth).max() < 2e-6 * np.abs(smooth).max()
    with netCDF4.Dataset(case.folder / "case.h0.2001-01-01-00000.nc") as file:
        assert file["ra"][:].mask.all() and not np.ma.is_masked(file["gpp"][:])


def test_every_target_that_the_emulator_gives_is_in_the_history(case):
    """All six fluxes of the dataset; a target that the land model does not have, albedo, is left alone."""
    carbon, gas = "g m-2 day-1", "mg m-2 day-1"
    units = {"gpp": carbon, "albedo": "1", "fn2o": gas, "ra": carbon, "rh": carbon, "nee": carbon, "fch4": gas}
    write_stub(case.folder / "stub.pt", {"tas": ("K", "mean")}, {}, targets=units)
    scheme = {"bgc_scheme": "emulator", "spinup_years": 0, "stop_n": 40, "stop_option": "ndays"}
    history = case.complete({"run_ctl": scheme, "emulator_nl": {"file": "stub.pt"}})
    tas = history["tas"].astype(float)
    for i, (name, unit) in enumerate(units.items()):
        if name == "albedo":
            assert name not in history
            continue
        raw, decay = (-float(i) + 0.02 * tas, 0.9) if i else (0.5 + 0.001 * tas, 0.25)
        flux = np.zeros_like(raw)
        for day in range(flux.shape[1]):
            flux[:, day] = decay * (flux[:, day - 1] if day else 0.0) + (1 - decay) * raw[:, day]
        per_kg = 1e3 if unit == carbon else 1e6
        assert np.abs(history[name] * 86400 * per_kg - flux).max() < 2e-6 * np.abs(flux).max(), name


def test_targets_that_the_emulator_lacks_are_missing_in_the_history(case):
    write_stub(case.folder / "stub.pt", {"tas": ("K", "mean")}, {}, targets={"fn2o": "mg m-2 day-1"})
    scheme = {"bgc_scheme": "emulator", "spinup_years": 0, "stop_n": 2, "stop_option": "ndays"}
    case.complete({"run_ctl": scheme, "emulator_nl": {"file": "stub.pt"}})
    with netCDF4.Dataset(case.folder / "case.h0.2001-01-01-00000.nc") as file:
        missing = {name for name in ("gpp", "ra", "rh", "nee", "fch4", "fn2o") if file[name][:].mask.all()}
    assert missing == {"gpp", "ra", "rh", "nee", "fch4"}


@pytest.mark.parametrize("dt_call", [21600, 86400])
def test_calls_at_longer_intervals_see_the_same_days(case, dt_call):
    write_stub(case.folder / "stub.pt", ALL_INPUTS, ALL_STATICS)
    scheme = {"bgc_scheme": "emulator", "spinup_years": 0}
    hourly = case.complete({"run_ctl": scheme, "emulator_nl": {"file": "stub.pt"}}, "hourly")
    other = case.complete({"run_ctl": scheme, "emulator_nl": {"file": "stub.pt", "dt_call": dt_call}}, "other")
    for name in ("gpp", "fch4"):
        assert np.abs(other[name] - hourly[name]).max() < 1e-5 * np.abs(hourly[name]).max()


def test_emulator_that_asks_for_the_unknown(case):
    write_stub(case.folder / "stub.pt", {"tas": ("K", "mean"), "ndvi": ("1", "mean")}, {})
    groups = {"run_ctl": {"bgc_scheme": "emulator"}, "emulator_nl": {"file": "stub.pt"}}
    message = case.refuse(groups, code=5)
    assert "stub.pt: the emulator asks for the input 'ndvi', which ecosys does not compute (known: tas, " in message


def test_emulator_input_out_of_its_valid_range(case):
    write_stub(case.folder / "stub.pt", {"tas": ("K", "mean")}, {}, limits={"valid_min": 300.0, "valid_max": 310.0})
    groups = {"run_ctl": {"bgc_scheme": "emulator", "spinup_years": 0}, "emulator_nl": {"file": "stub.pt"}}
    message = case.refuse(groups, code=5)
    assert message.startswith("ecosys: stub.pt: ") and "tas" in message and "cell 1" in message


@pytest.mark.parametrize(("option", "document"), [("--namelists", "namelists.md"), ("--parameters", "parameters.md")])
def test_documents_are_those_of_the_program(case, project_root, option, document):
    done = subprocess.run([case.exe, option], capture_output=True, text=True, check=True)
    assert done.stdout == (project_root / "docs" / document).read_text(), f"ecosys {option} > docs/{document}"


# ---- full disk ----


def limited(case: Case, groups: dict, limit: int) -> subprocess.CompletedProcess:
    """Run with a limit on the size of files, as on a full disk."""

    def set_limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return case.run(groups, preexec_fn=set_limit)


@pytest.mark.parametrize("limit", [2000, 10_000, 60_000, 150_000])
def test_full_disk_ends_with_code_4_and_leaves_no_file_that_looks_complete(case, limit):
    write_sites(case.folder / "sites.nc", [60.0, 48.0, 5.0])
    groups = {"run_ctl": {"fsites": "sites.nc", "spinup_years": 0, "stop_n": 3}, "hist_nl": {"hist_deflate": 0}}
    done = limited(case, groups, limit)
    assert done.returncode == 4, (done.returncode, done.stdout, done.stderr)
    file = "case.params.nc" if limit < 20_000 else "case.h0.2001-01-01-00000.nc"  # the first that does not fit
    assert "is the disk full" in done.stderr and file in done.stderr
    assert done.stderr.count("\n") == 1 and "SUCCESSFUL" not in done.stdout
    assert not list(case.folder.glob("*.h0.*"))


def test_full_disk_while_the_namelist_is_written(case):
    done = limited(case, {"run_ctl": {"spinup_years": 0}}, 500)
    assert done.returncode == 4 and "case.nml.resolved: cannot write" in done.stderr
    assert not (case.folder / "case.nml.resolved").exists()


# ---- forcing files ----


def drive(case: Case, name: str, **run_ctl) -> dict:
    run = {"spinup_years": 0, "stop_n": 1} | run_ctl
    return case.complete({"run_ctl": run, "forcing_nl": {"source": "netcdf", "file": f"{name}.nc"}}, name)


def test_drivers_of_an_hourly_file_reach_the_history(case):
    weather = synthetic_weather(365, 24)
    write_forcing(case.folder / "hourly.nc", weather, 24)
    history = drive(case, "hourly")
    daily = {name: values.reshape(365, 24) for name, values in weather.items()}
    expected = {"tas": daily["Tair"].mean(1), "tasmin": daily["Tair"].min(1), "tasmax": daily["Tair"].max(1),
                "pr": (daily["Rainf"] + daily["Snowf"]).mean(1), "rsds": daily["SWdown"].mean(1),
                "rlds": daily["LWdown"].mean(1), "sfcWind": daily["Wind"].mean(1), "ps": daily["PSurf"].mean(1),
                "co2": daily["CO2air"].mean(1), "ch4": daily["CH4air"].mean(1)}  # fmt: skip
    for name, values in expected.items():
        assert np.allclose(history[name][0], values, rtol=1e-6, atol=1e-12), name


@pytest.mark.parametrize("per_day", [1, 8, 48])
def test_coarser_and_finer_files_keep_the_daily_means(case, per_day):
    weather = synthetic_weather(365, per_day)
    write_forcing(case.folder / "file.nc", weather, per_day)
    history = drive(case, "file")
    daily = {name: values.reshape(365, per_day) for name, values in weather.items()}
    for name, key in (("rsds", "SWdown"), ("rlds", "LWdown"), ("ps", "PSurf")):
        assert np.allclose(history[name][0], daily[key].mean(1), rtol=1e-5), name
    assert np.allclose(history["pr"][0], (daily["Rainf"] + daily["Snowf"]).mean(1), rtol=1e-5, atol=1e-12)
    assert np.abs(history["tas"][0] - daily["Tair"].mean(1)).max() < 0.1
    spread = history["tasmax"][0] - history["tasmin"][0]
    assert np.all((spread > 6.0) & (spread < 8.2))


def test_units_are_converted(case):
    weather = synthetic_weather(365, 24)
    write_forcing(case.folder / "plain.nc", weather, 24)
    changed = weather | {"Tair": weather["Tair"] - 273.15, "Qair": 1e3 * weather["Qair"],
                         "Rainf": 3600 * weather["Rainf"], "Snowf": 86400 * weather["Snowf"],
                         "PSurf": weather["PSurf"] / 100, "CH4air": weather["CH4air"] / 1e3,
                         "Wind": 3.6 * weather["Wind"]}  # fmt: skip
    units = {"Tair": "degC", "Qair": "g/kg", "Rainf": "mm h^-1", "Snowf": "mm day-1", "PSurf": "hPa", "CH4air": "ppm",
             "Wind": "km h-1", "CO2air": "umol mol-1", "SWdown": "W/m2"}  # fmt: skip
    write_forcing(case.folder / "other.nc", changed, 24, units=units)
    plain, other = drive(case, "plain"), drive(case, "other")
    for name in DATASET_VARIABLES[:11]:
        assert np.allclose(plain[name], other[name], rtol=2e-6, atol=1e-11), name


def test_what_may_be_missing_is_derived(case):
    weather = synthetic_weather(365, 24)
    weather["Rainf"] += weather.pop("Snowf")
    for name in ("LWdown", "CO2air", "CH4air"):
        del weather[name]
    write_forcing(case.folder / "few.nc", weather, 24)
    history = drive(case, "few")
    assert np.all((history["rlds"] > 150) & (history["rlds"] < 450))
    assert np.all(history["co2"] == np.float32(371)) and np.all(abs(history["ch4"] - 1774) < 1)
    total = weather["Rainf"].reshape(365, 24).mean(1)
    assert np.allclose(history["pr"][0], total, rtol=1e-5, atol=1e-12)
    assert history["snw"].max() > 5  # snow was parted from rain


def test_spin_up_takes_the_first_years_of_the_file_in_turn(case):
    """Spin-up and run see the same weather as a longer run does, so the soil is the same to the last bit."""
    cold, warm = synthetic_weather(365, 24), synthetic_weather(365, 24)
    warm["Tair"] += 3.0
    long = {name: np.concatenate([cold[name], warm[name], cold[name]]) for name in cold}
    short = {name: values[: 2 * 8760] for name, values in long.items()}
    write_forcing(case.folder / "long.nc", long, 24)
    write_forcing(case.folder / "short.nc", short, 24)
    write_forcing(case.folder / "one.nc", cold, 24)
    whole = drive(case, "long", stop_n=3)
    spun = drive(case, "short", spinup_years=2)
    for name in ("tas", "tsl", "mrsos", "wtd", "snw", "lai", "evspsbl"):
        assert spun[name].tobytes() == np.ascontiguousarray(whole[name][:, 730:]).tobytes(), name
    once, twice = drive(case, "one", spinup_years=1), drive(case, "one", spinup_years=2)
    assert np.array_equal(once["tas"], twice["tas"]) and not np.array_equal(once["tsl"], twice["tsl"])


def test_start_within_a_file_and_noleap_run_from_a_standard_file(case):
    weather = synthetic_weather(365 + 366, 24)
    write_forcing(case.folder / "file.nc", weather, 24, start="2003-01-01")
    history = drive(case, "file", start_date="2004-01-01", calendar="noleap")
    tas = weather["Tair"].reshape(-1, 24).mean(1)[365:]
    assert np.allclose(history["tas"][0], np.delete(tas, 59), rtol=1e-6)


def test_file_without_leap_days_cannot_drive_a_leap_day(case):
    write_forcing(case.folder / "file.nc", synthetic_weather(365, 24), 24, start="2004-01-01", calendar="noleap")
    run = {"start_date": "2004-01-01", "spinup_years": 0}
    groups = {"run_ctl": run, "forcing_nl": {"source": "netcdf", "file": "file.nc"}}
    assert "has no 2004-02-29: its calendar is noleap" in case.refuse(groups, code=1)


def test_sites_are_found_by_name(case):
    values = synthetic_weather(365, 24)
    weather = {name: np.stack([array] * 3, axis=1) for name, array in values.items()}
    weather["Tair"] = weather["Tair"] + np.array([0.0, 2.0, 4.0])
    write_forcing(case.folder / "file.nc", weather, 24, sites=["S2", "other", "S0"])
    write_sites(case.folder / "sites.nc", [60.0, 50.0, 45.0], order=[0, 2])
    history = drive(case, "file", fsites="sites.nc")
    mean = values["Tair"].reshape(365, 24).mean(1)
    assert np.allclose(history["tas"], [mean + 4.0, mean], rtol=1e-6)


def test_months_are_means_of_their_days(ecosys_exe, tmp_path):
    write_sites(tmp_path / "sites.nc", [62.0, 45.0])
    case = Case(ecosys_exe, tmp_path)
    groups = {"run_ctl": {"fsites": "sites.nc", "spinup_years": 0, "start_date": "2003-11-20", "stop_n": 450,
                          "stop_option": "ndays"}}  # fmt: skip
    daily = case.complete(groups, "daily")
    monthly = case.complete(groups | {"hist_nl": {"hist_nhtfrq": 0}}, "monthly")
    first, last = monthly["time_bnds"].T
    assert list(last - first) == [11, 31, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31, 11]
    assert np.array_equal(monthly["time"], (first + last) / 2) and np.array_equal(first[1:], last[:-1])
    for name in ("gpp", "fch4", "tas", "tasmin", "wtd"):
        days = [(daily["time"] > a) & (daily["time"] < b) for a, b in zip(first, last, strict=True)]
        means = np.stack([daily[name][:, chosen].mean(axis=1, dtype=float) for chosen in days], axis=1)
        np.testing.assert_allclose(monthly[name], means, rtol=1e-5, atol=1e-15)
    with netCDF4.Dataset(tmp_path / "monthly.h0.2003-11-20-00000.nc") as file:
        assert file["tasmin"].cell_methods == "time: minimum within days time: mean over days"
        assert file["gpp"].cell_methods == "time: mean" and file["time"].long_name == "middle of the month"


@pytest.mark.parametrize("frequency", [-24, 0])
def test_a_file_a_year_holds_what_one_file_holds(ecosys_exe, tmp_path, frequency):
    write_sites(tmp_path / "sites.nc", [62.0, 45.0])
    case = Case(ecosys_exe, tmp_path)
    run = {"fsites": "sites.nc", "spinup_years": 0, "start_date": "2003-06-10", "stop_n": 700, "stop_option": "ndays",
           "rest_frq": "yearly"}  # fmt: skip
    one = case.complete({"run_ctl": run, "hist_nl": {"hist_nhtfrq": frequency}}, "one")
    case.run({"run_ctl": run, "hist_nl": {"hist_nhtfrq": frequency, "hist_split": "yearly"}}, "split")
    paths = sorted(tmp_path.glob("split.h0.*.nc"))
    assert [path.name[9:19] for path in paths] == ["2003-06-10", "2004-01-01", "2005-01-01"]
    assert not list(tmp_path.glob("*.tmp"))
    with xr.open_mfdataset(paths, combine="nested", concat_dim="time", data_vars="minimal", coords="minimal",
                           compat="override", decode_times=False) as split:  # fmt: skip
        for name in ("time", "time_bnds", "gpp", "tasmax", "fch4"):
            assert np.array_equal(split[name].values, one[name]), name


def test_other_record_lengths_are_refused(ecosys_exe, tmp_path):
    message = Case(ecosys_exe, tmp_path).refuse({"hist_nl": {"hist_nhtfrq": -3}}, 2)
    assert "hist_nhtfrq in &hist_nl must be -24 (days) or 0 (months)" in message
