"""EcoSIM's hourly climate and greenhouse gases: conversion, errors; the real files where they are at hand."""

from datetime import datetime
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from ecosys_sims.adapters import ecosim_climate, greenhouse_gases
from ecosys_sims.formats.errors import AdapterError
from ecosys_sims.formats.forcing_check import check_forcing
from ecosys_sims.formats.forcing_file import TowerSite, write_forcing

PLACE = ["--site", "XX-Abc", "--lat", "38", "--lon", "-121", "--biome", "rice"]


def write_climate(path: Path, years: tuple[int, ...] = (2011, 2012)) -> Path:
    """Two grid cells; the 366th day of shorter years holds rubbish, as in the real files."""
    hours = np.arange(24) + 0.5
    units = {"TMPH": "oC", "WINDH": "m s^-1", "RAINH": "mm m^-2 hr^-1", "DWPTH": "kPa", "SRADH": "W m^-2"}
    sun = 600.0 * np.clip(-np.cos(2 * np.pi * hours / 24), 0, None)
    values = {"TMPH": 15.0, "WINDH": 2.0, "RAINH": 0.1, "DWPTH": 1.0, "SRADH": sun[:, None]}
    with netCDF4.Dataset(path, "w", format="NETCDF3_CLASSIC") as file:
        for name, size in (("year", None), ("day", 366), ("hour", 24), ("ngrid", 2)):
            file.createDimension(name, size)
        file.createVariable("year", "i4", ("year",))[:] = years
        for name, unit in units.items():
            variable = file.createVariable(name, "f4", ("year", "day", "hour", "ngrid"), fill_value=1e30)
            variable.units = unit
            variable[: len(years)] = np.broadcast_to(values[name], (len(years), 366, 24, 2))
            for place, year in enumerate(years):
                if year % 4:
                    variable[place, 365] = 15625.0
    return path


def write_gases(path: Path, last: float = 430.0) -> Path:
    years = 2000 + np.arange(1, 12 * 14 + 1) / 12
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("time", len(years))
        file.createVariable("year", "f4", ("time",))[:] = years
        for gas, unit, values in (("CO2", "ppmv", 370.0 + 2 * np.floor(years - 0.04 - 2000)),
                                  ("CH4", "ppbv", np.where(years > 2012.5, np.nan, 1800.0)),
                                  ("N2O", "ppbv", 320.0 + 0 * years)):  # fmt: skip
            variable = file.createVariable(gas, "f4", ("time",))
            variable.units = unit
            variable[:] = values
        file["CO2"][-1] = last
    return path


def test_climate_becomes_forcing(tmp_path: Path) -> None:
    source, forcing = write_climate(tmp_path / "climate.nc"), tmp_path / "forcing.nc"
    assert ecosim_climate.main([str(source), *PLACE, "--elevation", "100", "--cell", "1", "--out", str(forcing)]) == 0
    assert check_forcing(forcing) == []
    with netCDF4.Dataset(forcing) as file:
        assert file.dimensions["time"].size == 24 * 731
        assert file["time"].units == "hours since 2011-01-01 00:00:00"
        pressure = 101325 * (1 - 2.25577e-5 * 100) ** 5.25588
        assert np.asarray(file["Qair"][:]) == pytest.approx(0.622 * 1000 / (pressure - 378), rel=1e-5)
        assert np.asarray(file["Rainf"][:]) == pytest.approx(0.1 / 3600, rel=1e-5)
        assert (file["Tair"][:] == np.float32(288.15)).all()
        assert file["annual_precip"][0] == pytest.approx(0.1 * 24 * 365.25)


def test_faulty_climate_is_told(tmp_path: Path) -> None:
    source = write_climate(tmp_path / "climate.nc")
    with pytest.raises(AdapterError, match="has 2 grid cells, there is no cell 2"):
        ecosim_climate.read_climate(source, cell=2)
    with netCDF4.Dataset(source, "a") as file:
        file["TMPH"][1, 30, 5, 0] = 1e30
    with pytest.raises(AdapterError, match=r"climate\.nc: TMPH in 2012, day 31, hour 6 is missing, expected -75 to 60"):
        ecosim_climate.read_climate(source)
    with netCDF4.Dataset(source, "a") as file:
        file["RAINH"].units = "m"
        file["TMPH"][1, 30, 5, 0] = 10.0
    with pytest.raises(AdapterError, match=r"RAINH has units 'm', expected 'mm m\^-2 hr\^-1'"):
        ecosim_climate.read_climate(source)
    with pytest.raises(AdapterError, match=r"years \[2011, 2013\] are not consecutive"):
        ecosim_climate.read_climate(write_climate(tmp_path / "gap.nc", (2011, 2013)))
    netCDF4.Dataset(tmp_path / "empty.nc", "w").close()
    with pytest.raises(AdapterError, match="variable year is missing; is it an hourly climate file of EcoSIM"):
        ecosim_climate.read_climate(tmp_path / "empty.nc")
    assert ecosim_climate.main([str(tmp_path / "no.nc"), *PLACE, "--out", str(tmp_path / "f.nc")]) == 1


def test_gases_are_added_to_a_forcing_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    gases, forcing = write_gases(tmp_path / "gases.nc"), tmp_path / "forcing.nc"
    site = TowerSite("XX-Abc", 60.0, 20.0, "fen", 10.0, 600.0, 30.0, 278.0)
    columns = {"Tair": 280.0, "Qair": 0.005, "SWdown": 100.0, "Rainf": 1e-5, "Wind": 3.0, "PSurf": 1e5,
               "Tmin": 275.0, "Tmax": 285.0}  # fmt: skip

    def write(year: int) -> None:
        write_forcing(forcing, site, datetime(year, 1, 1), 24, {k: np.full(400, v) for k, v in columns.items()}, "made")

    write(2005)
    assert greenhouse_gases.main([str(gases), "--forcing", str(forcing)]) == 0
    with netCDF4.Dataset(forcing) as file:
        assert file["CO2air"][[0, 364, 365], 0].tolist() == [380.0, 380.0, 382.0]
        assert (file["CH4air"][:] == 1800.0).all()
        assert file["CO2air"].units == "1e-6"
    write(2011)
    unchanged = forcing.read_bytes()
    assert greenhouse_gases.main([str(gases), "--forcing", str(forcing)]) == 1
    assert "CH4 has no value for 2012; it covers 2000 to 2011" in caplog.text
    assert forcing.read_bytes() == unchanged
    with pytest.raises(AdapterError, match=r"CO2 in 2014\.00 is 9999, expected 150 to 3000"):
        greenhouse_gases.read_gases(write_gases(tmp_path / "gases.nc", last=9999.0))


@pytest.mark.external
def test_real_files(data_dir: Path, tmp_path: Path) -> None:
    source = data_dir / "ecosim_inputs" / "riceUSTWT.clim.hour.2008-2016.nc"
    gases = data_dir / "ecosim_inputs" / "fatm_hist_GHGs_1750-2025.nc"
    forcing = tmp_path / "forcing.nc"
    assert ecosim_climate.main([str(source), *PLACE, "--out", str(forcing)]) == 0
    assert greenhouse_gases.main([str(gases), "--forcing", str(forcing)]) == 0
    with netCDF4.Dataset(forcing) as file:
        assert file.dimensions["time"].size == 24 * 3288
        assert 287 < file["Tair"][:].mean() < 290
        assert 250 < file["Rainf"][:].sum() * 3600 / 9 < 450
        assert file["CO2air"][0, 0] == pytest.approx(385.6, abs=1.5)
        assert file["CH4air"][0, 0] == pytest.approx(1790, abs=15)
