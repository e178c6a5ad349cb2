"""Units that hosts use, through the whole library: what is registered in one unit arrives in another."""

from __future__ import annotations

import numpy as np
import pytest

from coupler import EcostepError, Model
from tests.coupler import artefacts


def seen_by_network(tmp_path, name: str, artefact_units: str, host_units: str, value: float) -> float:
    """What a stub that hands its one input through makes of `value`."""
    variables = {
        "inputs": artefacts.variables([{"name": name, "units": artefact_units, "accumulate": "mean"}], "fast"),
        "statics": [],
        "targets": artefacts.variables([{"name": "flux", "units": "1", "min": None, "max": None}]),
        "stub": {"bias": [0.0], "weights": [[1.0]], "decay": [0.0]},
        "state_size": 1,
    }
    cells = Model(artefacts.write_stub(tmp_path / "one.pt", **variables)).cells(1)
    source, result = np.array([value]), np.zeros(1)
    cells.set_input(name, source, host_units)
    cells.set_output("flux", result, "1")
    cells.init_state()
    cells.step(2001, 1, 1)
    return float(result[0])


@pytest.mark.parametrize(
    ("name", "host_units", "artefact_units", "value", "expected"),
    [
        ("tas", "degC", "K", 20.0, 293.15),
        ("tas", "celsius", "K", -40.0, 233.15),
        ("tas", "degF", "K", -40.0, 233.15),
        ("tas", "K", "degC", 273.15, 0.0),
        ("ps", "hPa", "Pa", 1013.25, 101325.0),
        ("ps", "kPa", "Pa", 101.325, 101325.0),
        ("ps", "mbar", "Pa", 1000.0, 1e5),
        ("rsds", "W/m2", "W m-2", 250.0, 250.0),
        ("rsds", "W m^-2", "W m-2", 250.0, 250.0),
        ("rsds", "J m-2 s-1", "W m-2", 250.0, 250.0),
        ("rsds", "MJ m-2 day-1", "W m-2", 8.64, 100.0),
        ("sfcWind", "km h-1", "m s-1", 36.0, 10.0),
        ("sfcWind", "m.s-1", "m s-1", 3.5, 3.5),
        ("huss", "g/kg", "1", 7.0, 0.007),
        ("sand", "%", "1", 40.0, 0.4),
        ("co2", "ppm", "1e-6", 410.0, 410.0),
        ("co2", "umol mol-1", "1e-6", 410.0, 410.0),
        ("co2", "mol mol-1", "1e-6", 4.1e-4, 410.0),
        ("ch4", "ppb", "1e-9", 1900.0, 1900.0),
        ("ch4", "ppm", "1e-9", 1.9, 1900.0),
        ("wtd", "cm", "m", 12.0, 0.12),
        ("gpp", "g m-2 day-1", "kg m-2 s-1", 8640.0, 1e-4),
        ("gpp", "kg m**-2 s**-1", "g m-2 d-1", 1e-4, 8640.0),
        ("fch4", "mg m-2 hour-1", "mg m-2 day-1", 2.0, 48.0),
        ("fch4", "kg ha-1 day-1", "mg m-2 day-1", 1.0, 100.0),
        ("gpp", "mmol m-2 s-1", "mol m-2 s-1", 5.0, 0.005),
        # water: a depth is a mass per area
        ("pr", "mm day-1", "kg m-2 s-1", 86.4, 0.001),
        ("pr", "mm/d", "kg m-2 s-1", 86.4, 0.001),
        ("pr", "mm s-1", "kg m-2 s-1", 0.001, 0.001),
        ("pr", "m s-1", "kg m-2 s-1", 1e-6, 0.001),
        ("evspsbl", "kg m-2 s-1", "mm day-1", 0.001, 86.4),
        ("snw", "cm", "kg m-2", 30.0, 300.0),
        ("lat", "degrees_north", "degree", 52.0, 52.0),
        # spellings of land models and ERA5
        ("tas", "C", "K", 20.0, 293.15),
        ("tas", "degrees_C", "K", 20.0, 293.15),
        ("tas", "Kelvin", "K", 280.0, 280.0),
        ("ps", "mb", "Pa", 1000.0, 1e5),
        ("ps", "millibars", "Pa", 1000.0, 1e5),
        ("pr", "kg m**-2 s**-1", "mm/day", 0.001, 86.4),
        ("sand", "-", "1", 0.4, 0.4),
        ("sand", "unitless", "1", 0.4, 0.4),
        ("sand", "fraction", "%", 0.4, 40.0),
        ("snw", "(0 - 1)", "1", 0.5, 0.5),
        ("lai", "m2/m2", "1", 3.0, 3.0),
        ("mrsos", "m3 m-3", "kg m-2", 0.3, 30.0),
        ("mrsos", "%", "%", 30.0, 30.0),
        # mass and amount of what a flux is of
        ("gpp", "gC/m2/day", "kg m-2 s-1", 8640.0, 1e-4),
        ("gpp", "kgC m-2 s-1", "g m-2 day-1", 1e-4, 8640.0),
        ("gpp", "g C m-2 d-1", "g m-2 day-1", 3.0, 3.0),
        ("nee", "umol m-2 s-1", "g m-2 day-1", 1.0, 12.011e-6 * 86400),
        ("nee", "umol CO2 m-2 s-1", "g m-2 day-1", 1.0, 12.011e-6 * 86400),
        ("nee", "gCO2 m-2 day-1", "g m-2 day-1", 44.01, 12.011),
        ("nee", "g m-2 day-1", "umol m-2 s-1", 12.011e-6 * 86400, 1.0),
        ("fch4", "nmol m-2 s-1", "mg m-2 day-1", 1.0, 16.043e-6 * 86400),
        ("fch4", "mg C m-2 day-1", "mg m-2 day-1", 12.011, 16.043),
        ("fch4", "mg CH4-C m-2 day-1", "mg CH4 m-2 day-1", 12.011, 16.043),
        ("fn2o", "kg N ha-1 day-1", "kg ha-1 day-1", 28.014, 44.013),
    ],
)
def test_conversion(tmp_path, name, host_units, artefact_units, value, expected):
    network_value = seen_by_network(tmp_path, name, artefact_units, host_units, value)
    assert network_value == pytest.approx(expected, rel=2e-7, abs=1e-4 if expected == 0 else 0)


def test_the_same_units_are_taken_as_they_are(tmp_path):
    assert seen_by_network(tmp_path, "x", "furlong per fortnight", "furlong per fortnight", 0.1) == np.float32(0.1)


@pytest.mark.parametrize(
    ("name", "host_units", "artefact_units", "why"),
    [
        ("tas", "W m-2", "K", "they measure different things"),
        ("gpp", "gN m-2 day-1", "g m-2 day-1", "they measure different things"),
        ("gpp", "g CO2-eq m-2 day-1", "g m-2 day-1", "unexpected"),
        ("lai", "umol m-2 s-1", "g m-2 day-1", "they measure different things"),
        ("co2", "kg kg-1", "1e-6", "a ratio of masses is no mole fraction"),
        ("ch4", "ug/kg", "1e-9", "a ratio of masses is no mole fraction"),
        ("huss", "mol mol-1", "1", "no mass fraction"),
        ("sand", "m3 m-3", "1", "no mass fraction"),
        ("gpp", "mm day-1", "kg m-2 s-1", "they measure different things"),
        ("wtd", "kg m-2", "m", "they measure different things"),
        ("lat", "1", "degrees_north", "they measure different things"),
        ("tas", "Rankine", "K", "unknown unit 'Rankine'"),
        ("tas", "", "K", "they measure different things"),
        ("ps", "hPa m-", "Pa", "power missing"),
        ("ps", "Pa/", "Pa", "nothing follows"),
        ("ps", "/ / Pa", "Pa", "misplaced"),
        ("ps", "Pa (dry)", "Pa", "unknown unit 'dry'"),
        ("ps", "Pa^999", "Pa", "power too large"),
        ("ps", "0 Pa", "Pa", "not a positive number"),
        ("ps", "1.2.3 Pa", "Pa", "not a positive number"),
    ],
)
def test_refusal_names_variable_and_both_units(tmp_path, name, host_units, artefact_units, why):
    with pytest.raises(EcostepError) as error:
        seen_by_network(tmp_path, name, artefact_units, host_units, 1.0)
    assert error.value.status == "BAD_UNITS"
    assert f"variable '{name}': cannot convert '{host_units}' to '{artefact_units}': " in str(error.value)
    assert why in str(error.value)


def test_outputs_are_converted_too(stub_file, host):
    land = host(stub_file, 2)
    si = np.zeros(2)
    land.cells.set_output("fch4", si, "kg m-2 s-1")
    reference = host(stub_file, 2)
    day = artefacts.sample_inputs(2, 1)[0]
    land.day(day)
    np.testing.assert_allclose(si, reference.day(day)[:, 1] * 1e-6 / 86400, rtol=1e-12)


def test_classes_need_no_units(stub_file):
    cells = Model(stub_file).cells(3)
    cells.set_static("biome", np.array([1, 2, 13], np.int32), "flags")
    with pytest.raises(EcostepError, match="static 'lat' was not registered"):
        cells.init_state()
