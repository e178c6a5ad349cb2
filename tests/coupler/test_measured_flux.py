"""Measured flux that cannot be is refused at the step that reads it, with flux, cell and the likely unit."""

from __future__ import annotations

import numpy as np
import pytest

from coupler import EcostepError
from foundations.flux_range import FLUX_UNITS, MISSING_MARKS, impossible_flux
from foundations.units import unit_conversion
from foundations.variables import VARIABLES
from tests.coupler import artefacts

NCELL = 4


def refusal(land, name: str, values: np.ndarray, units: str) -> str:
    """What the library says of measured flux, "" where it takes it; a refusal leaves the state as it was."""
    land.cells.set_observed(name, values, units)
    before = land.cells.state.copy()
    try:
        land.day(artefacts.sample_inputs(NCELL, 1)[0])
    except EcostepError as error:
        np.testing.assert_array_equal(land.cells.state, before)
        return f"{error.status}: {error}"
    return ""


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("mark", MISSING_MARKS)
def test_marks_of_missing_values_are_refused(gauged_file, host, kind, mark):
    message = refusal(host(gauged_file, NCELL), "fch4", np.array([np.nan, 3.0, 2.0, mark], kind), "mg m-2 day-1")
    assert message.startswith(f"BAD_VALUE: measured flux 'fch4' is {kind(mark):.9g} in cell")
    assert "cell 4 of 4 (counted from 1): the usual mark of a missing value; give NaN" in message


def test_marks_are_refused_of_fluxes_of_any_name(tmp_path, host):
    targets = artefacts.variables([artefacts.TARGETS[0], artefacts.TARGETS[1] | {"name": "tower_flux"}])
    path = artefacts.write_torchscript(tmp_path / "named.pt", past_flux="ungauged", targets=targets)
    message = refusal(host(path, NCELL), "tower_flux", np.array([np.nan, 3.0, -9999.0, 2.0]), "mg m-2 day-1")
    assert message.startswith("BAD_VALUE: measured flux 'tower_flux' is -9999 in cell 3 of 4")
    assert refusal(host(path, NCELL), "tower_flux", np.array([np.nan, 3e9, -99.0, 2.0]), "mg m-2 day-1") == ""


@pytest.mark.parametrize(
    ("name", "values", "units", "likely"),
    [
        ("fch4", [40.0, 3.0, np.nan, 12.0], "kg m-2 s-1", "mg m-2 day-1"),
        ("fch4", [40.0, 3.0, np.nan, 12.0], "g m-2 s-1", "mg m-2 day-1"),
        ("gpp", [5.0, 3.0, 0.0, 12.0], "kg m-2 s-1", "g m-2 day-1"),
        ("gpp", [0.0, 0.0, -40.0, 0.0], "g m-2 day-1", "mg m-2 day-1"),
        ("gpp", [np.inf, 0.0, 0.0, 0.0], "g m-2 day-1", ""),
    ],
)
def test_fluxes_of_another_unit_are_refused_and_the_likely_one_named(gauged_file, host, name, values, units, likely):
    message = refusal(host(gauged_file, NCELL), name, np.array(values), units)
    assert message.startswith(f"BAD_VALUE: measured flux '{name}'") and " in cell " in message
    assert not likely or f"the values would fit the unit '{likely}'" in message


def test_usual_flux_is_taken_in_any_unit(gauged_file, host):
    for units in (*FLUX_UNITS, "gC m-2 d-1", "umolCO2 m-2 s-1"):
        factor, _ = unit_conversion("kg m-2 s-1", units, "gpp")
        assert refusal(host(gauged_file, NCELL), "gpp", np.array([np.nan, 1e-7, 0.0, -1e-8]) * factor, units) == ""


def test_library_and_python_refuse_the_same(gauged_file, host):
    random = np.random.default_rng(4)
    for name in ("gpp", "fch4"):
        limit = VARIABLES[name].daily_max
        for units in FLUX_UNITS:
            factor, _ = unit_conversion("kg m-2 s-1", units, name)
            values = limit * factor * random.choice([-1.0, 1.0], NCELL) * 10 ** random.uniform(-3, 0.5, NCELL)
            fault = impossible_flux(VARIABLES[name], values, units)
            message = refusal(host(gauged_file, NCELL), name, values, units)
            assert bool(fault) == bool(message), (name, units, values)
            if fault is not None:
                assert f"in cell {fault.place[0] + 1} of" in message
                assert fault.text.partition("the values would fit ")[2].split(";")[0] in message
