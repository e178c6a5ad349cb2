"""Forcing files as ALMA, CLM and Noah-MP have them: names, units, calendars, intervals, stamps, time zones."""

from pathlib import Path

import netCDF4
import numpy as np
import pytest

from tests.ecosys_sims.program_case import Case, synthetic_weather, write_forcing, write_sites

DAYS = 40  # from 1 February: over a leap day
FIELDS = ("tas", "tasmin", "tasmax", "pr", "rsds", "rlds", "vpd", "sfcWind", "ps")
# quantity -> (name, units, file value from ours); of CLM also relative humidity, of Noah-MP wind by components
CLM = {
    "Tair": ("TBOT", "K", lambda w: w["Tair"]), "Qair": ("QBOT", "kg/kg", lambda w: w["Qair"]),
    "SWdown": ("FSDS", "W/m**2", lambda w: w["SWdown"]), "LWdown": ("FLDS", "W/m2", lambda w: w["LWdown"]),
    "Rainf": ("PRECTmms", "mm/s", lambda w: w["Rainf"]), "Wind": ("WIND", "m/s", lambda w: w["Wind"]),
    "PSurf": ("PSRF", "Pa", lambda w: w["PSurf"]),
}  # fmt: skip
CLM_RH = CLM | {"Qair": ("RH", "%", lambda w: 100.0 * relative_humidity(w))}
NOAH = {
    "Tair": ("T2D", "K", lambda w: w["Tair"]), "Qair": ("Q2D", "kg kg^{-1}", lambda w: w["Qair"]),
    "SWdown": ("SWDOWN", "W m^{-2}", lambda w: w["SWdown"]), "LWdown": ("LWDOWN", "W m^{-2}", lambda w: w["LWdown"]),
    "Rainf": ("RAINRATE", "mm s^{-1}", lambda w: w["Rainf"]), "Wind": ("U2D", "m s^{-1}", lambda w: 0.6 * w["Wind"]),
    "WindN": ("V2D", "m s^{-1}", lambda w: -0.8 * w["Wind"]), "PSurf": ("PSFC", "Pa", lambda w: w["PSurf"]),
}  # fmt: skip
EXTREMES = {"Tmin": ("TMIN", "K", lambda w: w["Tmin"]), "Tmax": ("TMAX", "K", lambda w: w["Tmax"])}


def relative_humidity(weather: dict[str, np.ndarray]) -> np.ndarray:
    celsius = weather["Tair"] - 273.15
    water, ice = (610.8 * np.exp(a * celsius / (celsius + b)) for a, b in ((17.27, 237.3), (21.87, 265.5)))
    vapour = weather["Qair"] * weather["PSurf"] / (0.622 + 0.378 * weather["Qair"])
    return vapour / np.where(celsius < 0, ice, water)


@pytest.fixture
def case(ecosys_exe: Path, tmp_path: Path) -> Case:
    return Case(ecosys_exe, tmp_path)


def weather_of(per_day: int) -> dict[str, np.ndarray]:
    """Drivers of the days without snowfall and gases, humidity below saturation."""
    whole = synthetic_weather(DAYS, per_day)
    whole["Qair"] = np.minimum(whole["Qair"], 0.0015)
    return {name: values for name, values in whole.items() if name not in ("Snowf", "CO2air", "CH4air")}


def run(case: Case, name: str, days: int = DAYS, calendar: str = "standard", start: str = "2004-02-01", **forcing):
    run_ctl = {"start_date": start, "stop_n": days, "stop_option": "ndays", "spinup_years": 0, "calendar": calendar}
    groups = {"run_ctl": run_ctl, "forcing_nl": {"source": "netcdf"} | forcing}
    history = case.complete(groups, name)
    return {field: history[field] for field in FIELDS}


def write_mapped(path: Path, naming: dict, weather: dict[str, np.ndarray], per_day: int, calendar: str) -> dict:
    """A file with the dimensions (time, lat, lon) of a point; the namelist's map."""
    given = naming | (EXTREMES if per_day == 1 else {})
    with netCDF4.Dataset(path, "w") as file:
        for dimension, size in (("time", None), ("lat", 1), ("lon", 1)):
            file.createDimension(dimension, size)
        time = file.createVariable("time", "f8", ("time",))
        time.units, time.calendar = "hours since 2004-02-01 00:00:00", calendar
        time[:] = np.arange(DAYS * per_day) * 24 / per_day
        for name, units, value in given.values():
            variable = file.createVariable(name, "f8", ("time", "lat", "lon"))
            variable.units = units
            variable[:, 0, 0] = value(weather)
    names = {f"forcing_name_{quantity.lower()}": name for quantity, (name, _, _) in given.items()}
    north = names.pop("forcing_name_windn", None)
    if north:
        names["forcing_name_wind"] += f", {north}"
    return names


@pytest.mark.parametrize("calendar", ["standard", "noleap"])
@pytest.mark.parametrize("per_day", [24, 8, 1])
def test_clm_and_noah_files_drive_like_an_alma_file(case: Case, calendar: str, per_day: int) -> None:
    weather = weather_of(per_day)
    write_forcing(case.folder / "alma.nc", weather, per_day, start="2004-02-01", calendar=calendar)
    expected = run(case, "alma", calendar=calendar, file="alma.nc")
    means = {"tas": "Tair", "rsds": "SWdown", "rlds": "LWdown", "sfcWind": "Wind", "ps": "PSurf", "pr": "Rainf"}
    for field, name in means.items():
        daily = weather[name].reshape(DAYS, per_day).mean(axis=1)
        assert expected[field][0] == pytest.approx(daily, rel=2e-3), field
    for label, naming in (("clm", CLM), ("clm_rh", CLM_RH), ("noah", NOAH)):
        names = write_mapped(case.folder / f"{label}.nc", naming, weather, per_day, calendar)
        found = run(case, label, calendar=calendar, file=f"{label}.nc", **names)
        for field in FIELDS:
            assert np.allclose(found[field], expected[field], rtol=1e-6, atol=1e-12), (label, field)


def test_components_of_the_wind_and_relative_humidity_are_checked(case: Case) -> None:
    weather = weather_of(24)
    names = write_mapped(case.folder / "noah.nc", NOAH, weather, 24, "standard")
    groups = {
        "run_ctl": {"start_date": "2004-02-01", "stop_n": 3, "stop_option": "ndays", "spinup_years": 0},
        "forcing_nl": {"source": "netcdf", "file": "noah.nc"} | names | {"forcing_name_wind": "U2D,V10"},
    }
    assert "noah.nc: variable V10 is missing; add it, or name it by forcing_name_wind" in case.refuse(groups, code=1)
    names = write_mapped(case.folder / "clm.nc", CLM_RH, weather | {"Qair": 0.02 + 0 * weather["Qair"]}, 24, "standard")
    groups["forcing_nl"] = {"source": "netcdf", "file": "clm.nc"} | names
    assert "variable RH is " in (message := case.refuse(groups, code=1))
    assert "expected -0.05 to 1.25; are its units right?" in message
    write_mapped(case.folder / "clm.nc", CLM, weather, 24, "standard")
    with netCDF4.Dataset(case.folder / "two.nc", "w") as file, netCDF4.Dataset(case.folder / "clm.nc") as source:
        for dimension, size in (("time", None), ("lat", 2)):
            file.createDimension(dimension, size)
        for name, variable in source.variables.items():
            copy = file.createVariable(name, "f8", ("time", "lat") if name != "time" else ("time",))
            copy.setncatts({key: variable.getncattr(key) for key in variable.ncattrs()})
            copy[:] = variable[:].reshape(-1, 1).repeat(2, axis=1) if name != "time" else variable[:]
    names["forcing_name_qair"] = "QBOT"
    groups["forcing_nl"] = {"source": "netcdf", "file": "two.nc"} | names
    assert "TBOT has not the dimensions (time) or (time, site); others must be of length 1" in case.refuse(groups, 1)


@pytest.mark.parametrize("per_day", [24, 8, 1])
def test_stamps_may_mark_each_part_of_the_interval(case: Case, per_day: int) -> None:
    weather = weather_of(per_day)
    write_forcing(case.folder / "start.nc", weather, per_day, start="2004-02-01")
    expected = run(case, "start", file="start.nc")
    for stamp, offset in (("start", 0.0), ("middle", 0.5), ("end", 1.0)):
        plain = case.folder / "plain.nc"
        write_forcing(plain, weather, per_day, start="2004-02-01", stamp=stamp, offset_days=offset / per_day)
        bounded = case.folder / "bounded.nc"
        write_forcing(bounded, weather, per_day, start="2004-02-01", offset_days=offset / per_day)
        with netCDF4.Dataset(bounded, "a") as file:
            file.createDimension("nv", 2)
            file["time"].bounds = "time_bnds"
            edges = np.arange(DAYS * per_day + 1) / per_day
            file.createVariable("time_bnds", "f8", ("time", "nv"))[:] = np.stack([edges[:-1], edges[1:]], axis=1)
        for name in ("plain", "bounded"):
            found = run(case, f"{name}_{stamp}", file=f"{name}.nc")
            assert all(np.array_equal(found[field], expected[field]) for field in FIELDS), (name, stamp)


LON = (-120.0, 150.0, 20.0)


def write_world(path: Path, per_day: int, utc: bool, days: int = DAYS) -> None:
    """Three sites around the world with one weather by local time, shifted to UTC or not; 1 K apart."""
    local = weather_of(per_day)
    shifts = [round(lon / 360 * per_day) if utc else 0 for lon in LON]
    weather = {name: np.stack([np.roll(values, -shift) for shift in shifts], axis=1) for name, values in local.items()}
    weather["Tair"] = weather["Tair"] + np.arange(3.0)
    write_forcing(path, weather, per_day, start="2004-02-01", sites=["S0", "S1", "S2"])


@pytest.mark.parametrize("per_day", [24, 8])
def test_utc_is_shifted_by_longitude(case: Case, per_day: int) -> None:
    write_sites(case.folder / "sites.nc", [50.0, 45.0, 55.0], lon=list(LON))
    write_world(case.folder / "local.nc", per_day, utc=False)
    write_world(case.folder / "world.nc", per_day, utc=True)
    whole = {"stop_option": "ndays", "spinup_years": 0, "fsites": "sites.nc"}
    first_of_inner = {"run_ctl": whole | {"start_date": "2004-02-02", "stop_n": DAYS - 2}}
    from_file = {"source": "netcdf", "file": "world.nc"}
    message = case.refuse(first_of_inner | {"forcing_nl": from_file}, code=1)
    assert "world.nc: the sun is highest at 2" in message or "world.nc: the sun is highest at 19:" in message
    assert "at site S0 by variable SWdown, expected about noon" in message
    assert "if they are in UTC, say time_zone = 'utc' in &forcing_nl" in message

    all_days = {"run_ctl": whole | {"start_date": "2004-02-01", "stop_n": DAYS}}
    message = case.refuse(all_days | {"forcing_nl": from_file | {"time_zone": "utc"}}, code=1)
    assert "covers 2004-02-02 to 2004-03-10, the run needs 2004-02-01" in message

    expected = case.complete(first_of_inner | {"forcing_nl": from_file | {"file": "local.nc"}}, "local")
    found = case.complete(first_of_inner | {"forcing_nl": from_file | {"time_zone": "utc"}}, "utc")
    assert all(np.array_equal(found[field], expected[field]) for field in FIELDS)


def test_a_file_that_says_utc_needs_the_key(case: Case) -> None:
    write_forcing(case.folder / "met.nc", weather_of(24), 24, start="2004-02-01")
    with netCDF4.Dataset(case.folder / "met.nc", "a") as file:
        file["time"].time_zone = "UTC"
    groups = {
        "run_ctl": {"start_date": "2004-02-02", "stop_n": 30, "stop_option": "ndays", "spinup_years": 0},
        "forcing_nl": {"source": "netcdf", "file": "met.nc"},
    }
    message = case.refuse(groups, code=1)
    assert "met.nc: its times are in UTC (time:time_zone); say time_zone = 'utc' in &forcing_nl" in message
    groups["forcing_nl"]["time_zone"] = "utc"
    case.complete(groups)


def test_daily_files_are_the_same_in_utc_and_local(case: Case) -> None:
    write_forcing(case.folder / "met.nc", weather_of(1), 1, start="2004-02-01")
    local, utc = run(case, "local", file="met.nc"), run(case, "utc", file="met.nc", time_zone="utc")
    assert all(np.array_equal(local[field], utc[field]) for field in FIELDS)


def write_sites_file(path: Path, order: list[int], site_id: bool, coordinates: bool = True) -> None:
    """Weather of three places, each a degree warmer than the one before; sites of the file in an order of its own."""
    whole = weather_of(24)
    by_site = {
        name: np.stack([values + (place if name == "Tair" else 0) for place in order], axis=1)
        for name, values in whole.items()
    }
    names = [f"S{place}" for place in order] if site_id else [f"row {row}" for row in range(len(order))]
    write_forcing(path, by_site, 24, start="2004-02-01", sites=names)
    with netCDF4.Dataset(path, "a") as file:
        if not site_id:
            file.renameVariable("site_id", "station_name")
        for name, of_place in (("lat", 60.0), ("lon", 10.0)) if coordinates else ():
            file.createVariable(name, "f8", ("site",))[:] = [
                of_place + 2.0 * place + (360.0 if name == "lon" else 0.0) for place in order
            ]


def test_sites_of_a_forcing_file_are_found_by_name_or_place_never_by_order(case: Case) -> None:
    write_sites(case.folder / "sites.nc", lat=[60.0, 62.0, 64.0], lon=[10.0, 12.0, 14.0])
    run_ctl = {"start_date": "2004-02-01", "stop_n": 3, "stop_option": "ndays", "spinup_years": 0, "fsites": "sites.nc"}
    groups = {"run_ctl": run_ctl, "forcing_nl": {"source": "netcdf", "file": "weather.nc"}}
    histories = []
    for order, site_id in (([0, 1, 2], True), ([2, 0, 1], True), ([1, 2, 0], False)):
        write_sites_file(case.folder / "weather.nc", order, site_id)
        histories.append(case.complete(groups)["tas"])
        next(case.folder.glob("case.h0.*")).unlink()
    assert np.array_equal(histories[0], histories[1]) and np.array_equal(histories[0], histories[2])
    assert np.all(np.diff(histories[0], axis=0) > 0.9)
    write_sites_file(case.folder / "weather.nc", [2, 1, 0], site_id=False, coordinates=False)
    assert "weather.nc: has 3 sites, and neither site_id(site) nor lat(site)" in case.refuse(groups, 1)
    write_sites_file(case.folder / "weather.nc", [1, 1, 0], site_id=False)
    assert "site S1 at 62.0 N, 12.0 E lies where several sites of the file do" in case.refuse(groups, 1)
    write_sites_file(case.folder / "weather.nc", [0, 1, 9], site_id=False)
    assert "site S2 at 64.0 N, 14.0 E is not in the file, none of whose sites" in case.refuse(groups, 1)
