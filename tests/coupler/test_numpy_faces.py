"""No function that takes a numpy array loses a mask, casts or broadcasts: the table has them all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from coupler import Cells, EcostepError, Model
from tests.coupler import artefacts

NCELL, DAYS = 3, 2


class WithUnit(np.ndarray):
    """An array that holds more than its numbers."""


def spin_up(role: str) -> Callable[[Cells, Model, np.ndarray], None]:
    def call(cells: Cells, model: Model, values: np.ndarray) -> None:
        series = {v.name: (np.full((DAYS, NCELL), 280.0), v.units) for v in model.inputs}
        if role == "input":
            return cells.spin_up(2001, 1, 1, series | {"tas": (values, "K")})
        return cells.spin_up(2001, 1, 1, series, {"fch4": (values, "mg m-2 day-1")})

    return call


def weights(cells: Cells, model: Model) -> np.ndarray:
    return np.ones((NCELL, len(model.targets)))


# function -> (call, shape of a good array, types that it takes)
FUNCTIONS: dict[str, tuple[Callable, tuple[int, ...], str]] = {
    "set_input": (lambda c, m, v: c.set_input("tas", v, "K"), (NCELL,), "float64"),
    "set_static": (lambda c, m, v: c.set_static("lat", v, "degrees_north"), (NCELL,), "float32"),
    "set_output": (lambda c, m, v: c.set_output("fch4", v, "mg m-2 day-1"), (NCELL,), "float64"),
    "set_observed": (lambda c, m, v: c.set_observed("fch4", v, "mg m-2 day-1"), (NCELL,), "float64"),
    "set_mask": (lambda c, m, v: c.set_mask(v), (NCELL,), "bool"),
    "set_local_time": (lambda c, m, v: c.set_local_time(v, "h"), (NCELL,), "float64"),
    "state": (lambda c, m, v: setattr(c, "state", v), (NCELL, -1), "float32"),
    "check_state": (lambda c, m, v: c.check_state(v), (NCELL,), "uint32"),
    "gradient, fluxes": (lambda c, m, v: c.gradient(2001, 1, 1, v), (NCELL, 2), "float64"),
    "gradient, state": (lambda c, m, v: c.gradient(2001, 1, 1, weights(c, m), v), (NCELL, -1), "float64"),
    "spin_up, inputs": (spin_up("input"), (DAYS, NCELL), "float64"),
    "spin_up, observed": (spin_up("observed"), (DAYS, NCELL), "float64"),
}
TYPES = ("float16", "longdouble", "complex128", "int8", "uint64", "object", "U3", "datetime64[D]", ">f8", ">i4")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_only_plain_arrays_that_fit_are_taken(gauged_file: Path, function: str) -> None:
    model = Model(gauged_file)
    cells = model.cells(NCELL)
    call, shape, kind = FUNCTIONS[function]
    good = np.ones([model.state_size if n < 0 else n for n in shape], kind)
    bad = [
        np.ma.array(good), np.ma.masked_equal(good, 1), good.view(WithUnit), good.tolist(), float(good.flat[0]),
        *(good.astype(of_type) for of_type in TYPES),
    ]  # fmt: skip
    for values in bad:
        with pytest.raises(TypeError, match=r"masked|expected|type .* is not one of"):
            call(cells, model, values)
    for values in (good[:1], good[..., None], np.concatenate([good, good]), good[..., :-1], good[..., :1]):
        with pytest.raises(
            (TypeError, ValueError, EcostepError), match=r"shape|dimensional|contiguous|cells|needs|days"
        ):
            call(cells, model, values)


def test_good_arrays_are_read_where_they_are(gauged_file: Path, host) -> None:
    """Strided, reversed and single-precision memory is neither copied nor cast."""
    land, other = host(gauged_file, NCELL), host(gauged_file, NCELL, kind=np.float32)
    table = np.zeros((NCELL, 4), np.float32)
    other.cells.set_input("tas", table[::-1, 2], "K")
    inputs = artefacts.sample_inputs(NCELL, 1)
    table[::-1, 2] = inputs[0, :, 0]
    np.testing.assert_allclose(other.day(inputs[0]), land.day(inputs[0]), rtol=1e-6)


def test_bmi_takes_arrays_that_fit(stub_file: Path, tmp_path: Path) -> None:
    pytest.importorskip("bmipy", reason="the package bmipy is not installed; pip install 'ecostep[bmi]'")
    from coupler.bmi import EcostepBmi

    def write(statics: str, ncell: str = str(NCELL)) -> str:
        path = tmp_path / "component.yaml"
        path.write_text(f"artefact: {stub_file}\nstart: 2001-01-01\nncell: {ncell}\nstatics: {statics}\n")
        return str(path)

    model = EcostepBmi()
    for statics in (
        "{lat: [50.0]}",
        "{lat: [1.0, 2.0]}",
        "{lat: [[1.0], [2.0], [3.0]]}",
        "{lat: [1.0, [2.0], 3.0]}",
        "{lat: north}",
        "{lat: true}",
    ):
        with pytest.raises(
            ValueError, match=r"component.yaml: statics: 'lat' is .*, expected a number, or a list of 3"
        ):
            model.initialize(write(statics))
    for ncell in ("-1", "2.5", "yes please", "true"):
        with pytest.raises(ValueError, match=r"component.yaml: ncell .* is no number of cells"):
            model.initialize(write("{}", ncell))
    model.initialize(write("{lat: 50.0, elevation: [1.0, 2.0, 3.0], biome: 2}"))
    good = np.full(NCELL, 280.0)
    bad = (np.ma.array(good), good.view(WithUnit), good[:1], good[:2], good.astype(complex), good.astype(object), "tas")
    for values in bad:
        with pytest.raises((TypeError, ValueError), match="'tas'"):
            model.set_value("tas", values)
        with pytest.raises((TypeError, ValueError), match="'tas'"):
            model.set_value_at_indices("tas", np.arange(NCELL), values)
    for dest in (np.ma.array(good), good[:1].copy(), np.zeros(NCELL, int), np.zeros(NCELL, "U3"), [0.0] * NCELL):
        with pytest.raises((TypeError, ValueError), match="'tas'"):
            model.get_value("tas", dest)
    for indices in (np.array([True, False]), np.array([0.0]), np.ma.array([0]), np.array([-1]), np.array([NCELL])):
        with pytest.raises((TypeError, IndexError), match="'tas'"):
            model.set_value_at_indices("tas", indices, good[: indices.size])
    state = model.get_value_ptr("ecostep__state").copy()
    for spoilt in (np.full_like(state, np.nan), np.zeros_like(state)):
        with pytest.raises(EcostepError, match="the state of cell 1"):
            model.set_value("ecostep__state", spoilt)
        np.testing.assert_array_equal(model.get_value_ptr("ecostep__state"), state)
