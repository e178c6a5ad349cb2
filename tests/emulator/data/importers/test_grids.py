"""Land models and gridded files: grids, columns and patches, points, layers, calendars, Zarr."""

from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray

from emulator.data.importers.command import main
from emulator.data.importers.readers.gridded import dates_of
from foundations.air import saturation_vapour_pressure
from foundations.file_seal import unseal
from foundations.hdf5_structure import HEAP

from .made_up import values_of

RNG = np.random.default_rng(3)
DAYS = 70


def imported(preset: str, *files: Path, out: Path, options: tuple[str, ...] = ()) -> Path:
    assert main([preset, *map(str, files), "--out", str(out), *options]) == 0
    return out


def clm_columns(path: Path) -> dict[str, np.ndarray]:
    """Daily CLM history of 4 columns in 2 grid cells, one column without values, noleap, stamped at the end."""
    weight, east = np.array([0.25, 0.75, 0.4, 0.6]), np.array([1, 1, 2, 2])
    made = {name: RNG.uniform(low, high, (DAYS, 4)) for name, low, high in (
        ("TBOT", 260, 290), ("QBOT", 0.001, 0.003), ("PBOT", 9.5e4, 1e5), ("RAIN", 0, 1e-4), ("SNOW", 0, 1e-5),
        ("FSDS", 50, 200), ("FLDS", 250, 350), ("WIND", 1, 5), ("PCO2", 38, 39), ("PCH4", 0.17, 0.18),
        ("GPP", 1e-6, 1e-4),
        ("AR", 1e-6, 5e-5), ("HR", 1e-6, 5e-5), ("NEE", -5e-5, 5e-5), ("FCH4", 0, 1e-9), ("ZWT", 0.1, 2),
    )}  # fmt: skip
    made["ZWT"][:, 2] = np.nan
    time = np.arange(DAYS) + 40.0  # 10 February is day 40: 28 February comes soon
    data = {name: (("time", "column"), values) for name, values in made.items()}
    data |= {
        "cols1d_wtgcell": ("column", weight), "cols1d_ixy": ("column", east), "cols1d_jxy": ("column", np.ones(4)),
        "cols1d_lat": ("column", np.full(4, 60.0)), "cols1d_lon": ("column", np.array([350.0, 350.0, 10.0, 10.0])),
        "cols1d_active": ("column", np.ones(4)),
        "time_bounds": (("time", "hist_interval"), np.stack([time, time + 1], 1)),
    }  # fmt: skip
    dataset = xarray.Dataset(data, coords={"time": time + 1.0})
    dataset["time"].attrs = {"units": "days since 2003-01-01 00:00:00", "calendar": "noleap", "bounds": "time_bounds"}
    units = {"TBOT": "K", "PBOT": "Pa", "FSDS": "W/m^2", "FLDS": "W/m^2", "WIND": "m/s", "ZWT": "m", "GPP": "gC/m^2/s"}
    for name, text in units.items():
        dataset[name].attrs["units"] = text
    dataset.to_netcdf(path)
    return made


def test_columns_of_clm_become_grid_cells(tmp_path: Path) -> None:
    made = clm_columns(tmp_path / "h1.nc")
    out = imported("clm", tmp_path / "h1.nc", out=tmp_path / "out.nc")
    with netCDF4.Dataset(out) as file:
        assert file["site_id"][:].tolist() == ["60.000N_10.000W", "60.000N_10.000E"]
        assert file["lon"][:].tolist() == [-10.0, 10.0]
        assert file["time"].calendar == "noleap" and file["time"].units == "days since 2003-02-10 00:00:00"
        assert len(file.dimensions["time"]) == DAYS
    assert values_of(out, "tas") == pytest.approx(made["TBOT"][:, :2] @ [0.25, 0.75], rel=1e-6)
    assert values_of(out, "wtd", 1) == pytest.approx(made["ZWT"][:, 3], rel=1e-6)  # the other column has none
    methane = made["FCH4"][:, :2] @ [0.25, 0.75] * 16.043 / 12.011  # kg C to kg CH4
    assert values_of(out, "fch4") == pytest.approx(methane, rel=1e-6)
    assert values_of(out, "gpp", 1) == pytest.approx(made["GPP"][:, 2:] @ [0.4, 0.6] * 1e-3, rel=1e-6)
    rain = (made["RAIN"] + made["SNOW"])[:, :2] @ [0.25, 0.75]
    assert values_of(out, "pr") == pytest.approx(rain, rel=1e-6)
    share = (made["PCO2"][:, :2] @ [0.25, 0.75]) / (made["PBOT"][:, :2] @ [0.25, 0.75])
    assert values_of(out, "co2") == pytest.approx(1e6 * share, rel=1e-6)


def test_a_grid_with_sea_and_files_of_years(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for year in (2001, 2002):
        days = 365
        tair = RNG.uniform(270, 290, (days, 2, 3))
        tair[:, 0, 1] = np.nan
        data = {"TBOT": (("time", "lat", "lon"), tair, {"units": "K"})}
        for name, low, high, units in (
            ("FSDS", 50, 200, "W/m2"),
            ("FLDS", 250, 350, "W/m2"),
            ("GPP", 0, 1e-4, "gC/m^2/s"),
        ):
            values = np.where(np.isnan(tair), np.nan, RNG.uniform(low, high, tair.shape))
            data[name] = (("time", "lat", "lon"), values, {"units": units})
        dataset = xarray.Dataset(
            data, coords={"time": np.arange(days) + 1.0, "lat": [40.0, 50.0], "lon": [0.0, 10.0, 200.0]}
        )
        dataset["time"].attrs = {"units": f"days since {year}-01-01", "calendar": "noleap"}
        dataset.to_netcdf(tmp_path / f"{year}.nc")
        if year == 2002:
            last = tair
    out = imported("clm", tmp_path / "2002.nc", tmp_path / "2001.nc", out=tmp_path / "out.nc")
    with netCDF4.Dataset(out) as file:
        assert file["site_id"][:].tolist() == [
            "40.000N_0.000E", "40.000N_160.000W", "50.000N_0.000E", "50.000N_10.000E", "50.000N_160.000W",
        ]  # fmt: skip
        assert len(file.dimensions["time"]) == 730
    assert values_of(out, "tas", 3)[365:] == pytest.approx(last[:, 1, 1], rel=1e-6)
    assert "cells without values, as of the sea (1)" in (tmp_path / "out_report" / "report.txt").read_text()


def test_hourly_noah_mp_in_utc_with_layers_and_text_times(tmp_path: Path) -> None:
    """At 90 W noon is at 18 UTC: days are those of the place. Forcing and output stand in files of their own."""
    hours = 24 * 12
    sun = np.maximum(np.sin((np.arange(hours) - 12.0) * np.pi / 12.0), 0.0) * 600.0
    stamps = np.array(
        [str(np.datetime64("2010-06-01T00") + hour).replace("T", "_") + ":00:00" for hour in range(hours)], "S19"
    )
    place = {"XLAT": (("south_north", "west_east"), [[45.0]]), "XLONG": (("south_north", "west_east"), [[-90.0]])}
    dims = ("Time", "south_north", "west_east")
    forcing = {name: (dims, np.broadcast_to(values, (hours,)).reshape(-1, 1, 1)) for name, values in {
        "T2D": 290.0, "Q2D": 0.005, "PSFC": 1e5, "U2D": 3.0, "V2D": -4.0, "LWDOWN": 330.0, "SWDOWN": sun,
        "RAINRATE": 1e-5,
    }.items()}  # fmt: skip
    xarray.Dataset({"Times": ("Time", stamps), **place, **forcing}).to_netcdf(tmp_path / "LDASIN.nc")
    soil = np.arange(4.0).reshape(1, 1, 4, 1) + 280.0 + np.zeros((hours, 1, 4, 1))
    classes = {"IVGTYP": (dims, np.full((hours, 1, 1), 5.0))}  # mixed forest of the IGBP
    output = classes | {"SOIL_T": (("Time", "south_north", "soil_layers_stag", "west_east"), soil),
              "NEE": (dims, np.full((hours, 1, 1), -4.4009e-5))}  # fmt: skip
    xarray.Dataset({"Times": ("Time", stamps), **place, **output}).to_netcdf(tmp_path / "LDASOUT.nc")
    out = imported("noahmp", tmp_path / "LDASIN.nc", tmp_path / "LDASOUT.nc", out=tmp_path / "out.nc")
    with netCDF4.Dataset(out) as file:
        assert file["biome"][:].tolist() == [8]  # temperate forest, at 45 N
    assert values_of(out, "sfcWind")[1] == pytest.approx(5.0)
    assert values_of(out, "tsl")[1] == pytest.approx(280.0)  # the upper layer
    assert values_of(out, "nee")[1] == pytest.approx(-1.2011e-8, rel=1e-4)  # g CO2 to kg C
    vapour = 0.005 * 1e5 / (0.622 + 0.378 * 0.005)
    assert values_of(out, "vpd")[1] == pytest.approx(saturation_vapour_pressure(np.array(16.85)) - vapour, rel=1e-5)
    text = (tmp_path / "out_report" / "report.txt").read_text()
    assert "rsds: is highest" not in text  # it is highest at noon of the place
    with netCDF4.Dataset(out) as file:
        assert file["time"].units == "days since 2010-05-31 00:00:00" or file["time"].units.startswith(
            "days since 2010-06-01"
        )


@pytest.mark.parametrize("setup_first", [True, False])
def test_noah_mp_output_without_places_takes_those_of_the_setup_file(tmp_path: Path, setup_first: bool) -> None:
    sizes = (("Time", 1), ("DateStrLen", 19), ("south_north", 2), ("west_east", 2))

    def frame(path: Path, time: str) -> netCDF4.Dataset:
        file = netCDF4.Dataset(path, "w")
        for name, size in sizes:
            file.createDimension(name, size)
        file.createVariable("Times", "S1", ("Time", "DateStrLen"))[0] = np.array(list(time), "S1")
        return file

    setup = tmp_path / "HRLDAS_setup_2001010100_d1"
    with frame(setup, "2001-01-01_00:00:00") as file:
        for name, values in (
            ("XLAT", [[40, 40], [41, 41]]),
            ("XLONG", [[0, 1], [0, 1]]),
            ("IVGTYP", [[10, 12], [5, 10]]),
        ):
            file.createVariable(name, "f4", ("Time", "south_north", "west_east"))[0] = np.array(values)
    files = []
    for hour in range(0, 48 * 3, 3):
        time = str(np.datetime64("2001-01-01T00:00:00") + np.timedelta64(hour, "h"))
        files.append(tmp_path / f"{time[:13].replace('-', '').replace('T', '')}00.LDASOUT_DOMAIN1")
        with frame(files[-1], time.replace("T", "_")) as file:
            for name, size in (("GPP", 1e-4), ("LAI", 2.0), ("FORCTLSM", 280.0), ("SWFORC", 100.0)):
                variable = file.createVariable(name, "f4", ("Time", "south_north", "west_east"))
                variable[0] = size * np.array([[1.0, 1.1], [1.2, 1.3]])
    out = imported("noahmp", *([setup, *files] if setup_first else [*files, setup]), out=tmp_path / "out.nc")
    with netCDF4.Dataset(out) as file:
        assert file["lat"][:].tolist() == [40, 40, 41, 41] and file["lon"][:].tolist() == [0, 1, 0, 1]
        meanings = dict(zip(file["biome"].flag_values, file["biome"].flag_meanings.split(), strict=True))
        assert [meanings[int(value)] for value in file["biome"][:2]] == ["grassland", "cropland"]
    assert np.nanmean(values_of(out, "gpp", 3)) == pytest.approx(1.3e-7, rel=1e-5)
    report = (tmp_path / "out_report" / "report.txt").read_text()
    assert "some files do not tell the places of their cells" in report


def test_ecosim_history_has_its_signs_and_sums_turned(tmp_path: Path) -> None:
    days = 365 + 90
    day = np.arange(days)
    since_new_year = np.where(day < 365, day, day - 365) + 1.0
    columns = {
        "AIR_TEMP_col": 10.0, "PREC_col": 0.1, "SOL_RADN_col": 120.0, "LW_Sky_col": 300.0, "HUM_col": 0.8,
        "WIND_col": 2.0,
        "PATM_col": 98.0, "ATM_CO2_col": 400.0, "ATM_CH4_col": 1.8, "WTR_TBL_col": -0.3, "ECO_LAI_col": 2.0,
        "ECO_GPP_col": 5.0 * since_new_year, "ECO_RA_col": -2.0 * since_new_year, "ECO_RH_col": -1.0 * since_new_year,
        "ECO_NEE_CO2_col": 2.0, "CH4_SEMIS_FLX_col": -0.05,
    }  # fmt: skip
    data = {
        name: (("time", "column"), np.broadcast_to(values, (days,)).reshape(-1, 1)) for name, values in columns.items()
    }
    dataset = xarray.Dataset(data, coords={"time": day + 1.0})
    dataset["time"].attrs = {"units": "days since 2011-01-01", "calendar": "noleap"}
    dataset.to_netcdf(tmp_path / "h0.nc")
    out = imported(
        "ecosim",
        tmp_path / "h0.nc",
        out=tmp_path / "out.nc",
        options=("--site", "US-Twt", "--lat", "38", "--lon", "-121"),
    )
    per_day = 86400e3
    assert values_of(out, "gpp") * per_day == pytest.approx(5.0, rel=1e-5)
    assert values_of(out, "ra") * per_day == pytest.approx(2.0, rel=1e-5)
    assert values_of(out, "nee") == pytest.approx(-2.0 * 12.011e-9, rel=1e-5)
    assert values_of(out, "fch4") == pytest.approx(0.05 * 16.043e-9, rel=1e-5)
    assert values_of(out, "pr") == pytest.approx(0.1 / 3600, rel=1e-5)
    assert values_of(out, "wtd") == pytest.approx(0.3, rel=1e-5)
    assert values_of(out, "ch4") == pytest.approx(1800.0, rel=1e-5)
    with netCDF4.Dataset(out) as file:
        assert file["site_id"][:].tolist() == ["US-Twt"]


def test_xmethanewet_daily_monthly_yearly_and_maps_from_netcdf_and_zarr(tmp_path: Path) -> None:
    days = 730
    cells = {"lat": ("cell", [60.0, -5.0]), "lon": ("cell", [100.0, 20.0])}
    ranges = (
        ("PREC", 0, 10, "mm day-1"), ("SOLR", 50, 250, "W m-2"), ("TAIR", -5, 25, "degC"), ("VAPR", 2, 15, "hPa"),
        ("CH4EMI", 0, 50, "mg m-2 day-1"),
    )  # fmt: skip
    daily = {
        name: (("time", "cell"), RNG.uniform(low, high, (days, 2)), {"units": units})
        for name, low, high, units in ranges
    }
    maps = {
        "VEG": ("cell", [4.0, 16.0]),
        "WET": ("cell", [1.0, 4.0]),
        "SAND": ("cell", [40.0, 20.0]),
        "CLAY": ("cell", [10.0, 50.0]),
    }
    base = xarray.Dataset({**daily, **maps}, coords={**cells, "time": np.arange(days)})
    base["time"].attrs = {"units": "days since 2001-01-01", "calendar": "standard"}
    base.to_netcdf(tmp_path / "daily.nc")
    base.to_zarr(tmp_path / "daily.zarr", consolidated=False)
    monthly = xarray.Dataset(
        {"NPP": (("time", "cell"), np.arange(48.0).reshape(24, 2))}, coords={**cells, "time": np.arange(24)}
    )
    starts = (np.datetime64("2001-01", "M") + np.arange(24)).astype("datetime64[D]") - np.datetime64("2001-01-01")
    monthly["time"] = ("time", starts.astype(int), {"units": "days since 2001-01-01"})
    monthly.to_netcdf(tmp_path / "monthly.nc")
    yearly = xarray.Dataset(
        {"CO2": ("time", [370.0, 372.0]), "CH4": ("time", [1770.0, 1772.0])}, coords={"time": [0, 365]}
    )
    yearly["time"].attrs = {"units": "days since 2001-01-01"}
    yearly.to_netcdf(tmp_path / "yearly.nc")
    others = (tmp_path / "monthly.nc", tmp_path / "yearly.nc")
    out = imported("xmethanewet", tmp_path / "daily.nc", *others, out=tmp_path / "out.nc")
    assert values_of(out, "TAIR", 1) == pytest.approx(base["TAIR"].values[:, 1], rel=1e-6)
    assert values_of(out, "NPP", 1)[[0, 30, 31, 729]].tolist() == [1.0, 1.0, 3.0, 47.0]
    assert values_of(out, "CO2")[[0, 364, 365]].tolist() == [370.0, 370.0, 372.0]
    with netCDF4.Dataset(out) as file:
        assert file["vegetation_type"][:].tolist() == [4, 16]
        assert "tropical_forest" in file["vegetation_type"].flag_meanings.split()
        assert file["TAIR"].units == "degC" and file["TAIR"].role == "fast"
        assert file["sand"][:].tolist() == pytest.approx([0.4, 0.2])
        first = {name: np.asarray(file[name][:]) for name in ("PREC", "fch4", "NPP")}
    again = imported("xmethanewet", tmp_path / "daily.zarr", *others, out=tmp_path / "again.nc")
    with netCDF4.Dataset(again) as file:
        assert all((np.asarray(file[name][:]) == values).all() for name, values in first.items())


def test_what_cannot_be_read_is_said_in_a_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "broken.nc").write_bytes(b"CDF\x01 no")
    assert main(["clm", str(tmp_path / "broken.nc"), "--out", str(tmp_path / "o.nc")]) == 1
    assert "broken.nc: cannot be read as netCDF or Zarr" in caplog.text
    dataset = xarray.Dataset(
        {"SOIL_T": (("time", "layer", "lat", "lon"), np.ones((3, 2, 2, 2)))},
        coords={"time": [0, 1, 2], "lat": [1.0, 2.0], "lon": [1.0, 2.0]},
    )
    dataset["time"].attrs = {"units": "days since 2001-01-01", "calendar": "360_day"}
    dataset.to_netcdf(tmp_path / "layers.nc")
    assert main(["noahmp", str(tmp_path / "layers.nc"), "--out", str(tmp_path / "o.nc")]) == 1
    assert "calendar 360_day has days that a dataset cannot have" in caplog.text
    dataset["time"].attrs["calendar"] = "standard"
    dataset.to_netcdf(tmp_path / "layers.nc")
    assert main(["noahmp", str(tmp_path / "layers.nc"), "--out", str(tmp_path / "o.nc")]) == 1
    assert "SOIL_T: has the dimensions time, layer, lat, lon; say which layer by select" in caplog.text


def point(path: Path, lat: float, units: str = "K", times: np.ndarray | None = None) -> Path:
    """A file of one place with temperature, which the place's latitude tells."""
    times = np.arange(30.0) if times is None else times
    dataset = xarray.Dataset(
        {"TAIR": (("time", "lat", "lon"), np.full((len(times), 1, 1), lat), {"units": units})},
        coords={"time": times, "lat": [lat], "lon": [10.0]},
    )
    dataset["time"].attrs = {"units": "days since 1850-01-01"}
    dataset.to_netcdf(path)
    return path


def test_files_of_two_places_are_not_joined_to_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = [point(tmp_path / "a.nc", 10.0), point(tmp_path / "b.nc", 20.0)]
    assert main(["tem_netcdf", *map(str, files), "--out", str(tmp_path / "o.nc")]) == 1
    assert "b.nc: TAIR: its cells are others than those of the variables before" in caplog.text


def test_a_file_in_which_the_library_would_loop_is_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = point(tmp_path / "a.nc", 10.0)
    with netCDF4.Dataset(path, "a") as file:
        file.createVariable("names", str, ("lat",))[:] = np.array(["here"], dtype=object)
    content = bytearray(path.read_bytes())
    content[content.index(HEAP) + 24] = 1  # the size of its first object
    content[content.index(HEAP) + 16] = 0
    path.write_bytes(content)
    assert main(["tem_netcdf", str(path), "--out", str(tmp_path / "o.nc")]) == 1
    assert "a.nc: is damaged: a heap of its strings has no end" in caplog.text


def test_files_of_two_units_are_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = [point(tmp_path / "a.nc", 10.0, "degC"), point(tmp_path / "b.nc", 10.0, "K")]
    assert main(["tem_netcdf", *map(str, files), "--out", str(tmp_path / "o.nc")]) == 1
    assert "b.nc: TAIR: units are 'K', in a file before 'degC'" in caplog.text


def test_half_hours_in_parts_of_days_are_whole_seconds() -> None:
    steps = 60000.0 + np.arange(48 * 30) / 48.0
    starts, _calendar = dates_of(steps * (1.0 - 1e-16), "days since 1850-01-01", "noleap", "here")
    assert np.unique(np.diff(starts).astype(int)).tolist() == [1800]
    early, _calendar = dates_of(np.array([1.0 / 48.0 - 1e-10]), "days since 2001-01-01", "standard", "here")
    assert early.tolist() == [np.datetime64("2001-01-01T00:30:00", "s").tolist()]


def test_cells_of_a_class_that_is_none_of_ours_stay_without(tmp_path: Path) -> None:
    dims = ("Time", "south_north", "west_east")
    stamps = np.array([f"2001-01-{day:02d}_00:00:00" for day in range(1, 31)], "S19")
    data = {
        "Times": ("Time", stamps), "XLAT": (dims[1:], [[45.0, 45.0]]), "XLONG": (dims[1:], [[9.0, 9.1]]),
        "T2D": (dims, np.full((30, 1, 2), 280.0)), "IVGTYP": (dims, np.broadcast_to([5.0, 17.0], (30, 1, 2))),
    }  # fmt: skip
    xarray.Dataset(data).to_netcdf(tmp_path / "in.nc")
    out = imported("noahmp", tmp_path / "in.nc", out=tmp_path / "out.nc")
    with netCDF4.Dataset(out) as file:
        assert file["biome"][:].tolist() == [8, None]
    assert "igbp WAT is like none of our classes of biome" in (tmp_path / "out_report" / "report.txt").read_text()


def test_a_dataset_whose_attributes_are_none_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    good = imported("tem_netcdf", point(tmp_path / "a.nc", 60.0, "degC"), out=tmp_path / "good.nc")
    bad = tmp_path / "bad.nc"
    bad.write_bytes(good.read_bytes())
    unseal(bad)
    with netCDF4.Dataset(bad, "a") as file:
        file["tas"].role = "weather"
    assert main(["merge", str(good), str(bad), "--out", str(tmp_path / "all.nc")]) == 1
    assert "bad.nc: attribute role is 'weather': Input should be 'static'" in caplog.text
    with netCDF4.Dataset(bad, "a") as file:
        file["tas"].delncattr("role")
    main(["merge", str(good), str(bad), "--out", str(tmp_path / "all.nc")])
    assert "bad.nc: tas has no role, it is left out" in caplog.text


def test_cells_that_are_near_have_names_of_their_own_and_names_are_unique(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tair = np.stack([np.full(30, 280.0), np.full(30, 290.0)], axis=1)
    data = {"TAIR": (("time", "station"), tair, {"units": "K"})}
    place = {"lat": ("station", [50.0001, 50.0004]), "lon": ("station", [9.0, 9.0])}
    dataset = xarray.Dataset(data, coords={**place, "time": np.arange(30.0)})
    dataset["time"].attrs = {"units": "days since 2001-01-01"}
    dataset.to_netcdf(tmp_path / "near.nc")
    out = imported("tem_netcdf", tmp_path / "near.nc", out=tmp_path / "out.nc")
    with netCDF4.Dataset(out) as file:
        assert file["site_id"][:].tolist() == ["50.000100N_9.000000E", "50.000400N_9.000000E"]
    assert values_of(out, "tas", 1) == pytest.approx(290.0)
    dataset.assign(station_id=("station", ["A", "A"])).to_netcdf(tmp_path / "twice.nc")
    assert main(["tem_netcdf", str(tmp_path / "twice.nc"), "--out", str(tmp_path / "o.nc")]) == 1
    assert "twice.nc: the cell A is there twice; names and places must be unique" in caplog.text
