"""What every backend does with every model: one suite for stub, torchscript and native, on real models in small."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from coupler import EcostepError, Model
from tests.coupler import artefacts
from tests.coupler.conftest import Host
from tests.coupler.models import KINDS

CASES = [
    "stub-stub",
    *(f"native-{kind}" for kind in KINDS),
    *(
        f"torchscript-{kind}" if kind == "lstm" else pytest.param(f"torchscript-{kind}", marks=pytest.mark.slow)
        for kind in KINDS
    ),
]
NCELL = 130
START = "2003-12-29"
DAYS = 5  # with the end of a month and of a year


@dataclass
class Case:
    """An artefact and its backend, with cells and weather."""

    path: Path
    backend: str
    statics: np.ndarray
    inputs: np.ndarray
    """(T, N, D)"""

    def host(self, cells: slice | np.ndarray = slice(None), **options: object) -> Host:
        """A host of some cells, at START."""
        statics = self.statics[cells]
        land = Host(self.path, len(statics), statics, backend=self.backend, **options)
        land.date = np.datetime64(START)
        return land


def weather(path: Path, ncell: int, days: int) -> tuple[np.ndarray, np.ndarray]:
    """Statics (N, P) and inputs (T, N, D) of an artefact: its reference run, repeated and varied."""
    from emulator.artefact.metadata import read_artefact

    artefact = read_artefact(path)
    assert artefact.reference is not None
    random = np.random.default_rng(5)
    place = np.arange(ncell) % artefact.reference.static.shape[0]
    statics = artefact.reference.static[place].astype(np.float64)
    for i, static in enumerate(artefact.metadata.statics):
        if static.flag_values is None:
            statics[:, i] *= 1.0 + 0.01 * random.random(ncell)
    day = np.arange(days) % len(artefact.reference.drivers)
    inputs = artefact.reference.drivers[day][:, place].astype(np.float64)
    for i, variable in enumerate(artefact.metadata.inputs):
        if variable.name != "crop":
            inputs[..., i] *= 1.0 + 0.02 * (random.random(inputs.shape[:2]) - 0.5)
        low = -np.inf if variable.valid_min is None else variable.valid_min
        high = np.inf if variable.valid_max is None else variable.valid_max
        inputs[..., i] = inputs[..., i].clip(low, high)
    return statics, inputs


def make_case(name: str, request: pytest.FixtureRequest, days: int = DAYS) -> Case:
    backend, kind = name.split("-")
    if kind == "stub":
        path = request.getfixturevalue("stub_file")
        return Case(path, backend, artefacts.sample_statics(NCELL), artefacts.sample_inputs(NCELL, days).astype(float))
    path = request.getfixturevalue("model_file")(kind)
    return Case(path, backend, *weather(path, NCELL, days))


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return make_case(request.param, request)


@pytest.fixture(scope="module")
def whole(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Fluxes (T, N, C) and last state of all cells in one call a day."""
    land = case.host()
    return land.run(case.inputs), land.cells.state.copy()


def test_the_reference_run_is_reproduced(case):
    if case.backend == "stub":
        pytest.skip("a stub has no reference run")
    assert Model(case.path, case.backend).verify() <= 1e-5


def test_the_backend_that_was_asked_for_is_in_use(case):
    model = Model(case.path, case.backend)
    assert model.backend == case.backend and model.backend_reason == ""
    assert model.block_rows >= 64 and model.block_rows % 64 == 0
    assert (model.flops > 0) == (case.backend != "torchscript")
    fallback = Model(case.path)
    first = case.backend if case.backend == "stub" else "native"
    assert fallback.backend == first or first in fallback.backend_reason


def test_fluxes_vary_and_are_finite(case, whole):
    fluxes, state = whole
    assert np.isfinite(fluxes).all() and np.isfinite(state).all()
    assert (fluxes.std(axis=(0, 1)) > 0).all()


@pytest.mark.parametrize("size", [1, 3, 7, 64, 65])
def test_results_do_not_depend_on_how_cells_are_split(case, whole, size):
    fluxes, state = whole
    starts = range(0, NCELL, size) if size > 7 else (0, 61, 127)
    for start in starts:
        cells = slice(start, min(start + size, NCELL))
        part = case.host(cells)
        np.testing.assert_array_equal(part.run(case.inputs[:, cells]), fluxes[:, cells])
        np.testing.assert_array_equal(part.cells.state, state[cells])


def test_results_do_not_depend_on_the_order_of_cells(case, whole):
    order = np.random.default_rng(3).permutation(NCELL)
    part = case.host(order)
    np.testing.assert_array_equal(part.run(case.inputs[:, order]), whole[0][:, order])
    np.testing.assert_array_equal(part.cells.state, whole[1][order])


def test_a_restarted_run_is_the_same(case, whole):
    first, second = case.host(), case.host()
    for day in case.inputs[:2]:
        first.day(day)
    second.cells.state = first.cells.state.copy()
    second.date = first.date
    np.testing.assert_array_equal(second.run(case.inputs[2:]), whole[0][2:])
    np.testing.assert_array_equal(second.cells.state, whole[1])


def test_single_precision_hosts_get_the_same(case):
    cells, inputs = slice(0, 70), case.inputs[:4, :70].astype(np.float32)
    single, double = case.host(cells, kind=np.float32), case.host(cells)
    np.testing.assert_array_equal(single.run(inputs), double.run(inputs.astype(np.float64)).astype(np.float32))
    np.testing.assert_array_equal(single.cells.state, double.cells.state)


def test_strided_arrays_give_the_same(case, whole):
    strided = case.host()
    grid = np.zeros((NCELL, len(strided.model.inputs)))
    flux = np.zeros((len(strided.model.targets), 2 * NCELL))
    for i, variable in enumerate(strided.model.inputs):
        strided.cells.set_input(variable.name, grid[::-1, i], variable.units)  # a column of a matrix, cells backwards
    for i, variable in enumerate(strided.model.targets):
        strided.cells.set_output(variable.name, flux[i, 1::2], variable.units)
    for day, expected in zip(case.inputs, whole[0], strict=True):
        grid[::-1] = day
        strided.day(day)
        np.testing.assert_array_equal(flux[:, 1::2].T, expected)
        assert (flux[:, ::2] == 0).all()


def test_inactive_cells_change_nothing(case, whole):
    active = np.random.default_rng(4).random(NCELL) < 0.6
    masked = case.host()
    masked.cells.state[~active] = np.nan
    masked.cells.set_mask(active)
    for day, expected in zip(case.inputs, whole[0], strict=True):
        flux = masked.day(np.where(active[:, None], day, np.nan))
        np.testing.assert_array_equal(flux[active], expected[active])
        assert (flux[~active] == -999.0).all()
    np.testing.assert_array_equal(masked.cells.state[active], whole[1][active])
    assert np.isnan(masked.cells.state[~active]).all()


def test_chunks_give_the_same(case, whole):
    chunked = case.host()
    chunked.cells.set_staging(1)
    np.testing.assert_array_equal(chunked.run(case.inputs), whole[0])
    np.testing.assert_array_equal(chunked.cells.state, whole[1])


def accumulated(parts: np.ndarray, rules: list[str]) -> np.ndarray:
    """(steps, N, D) -> (N, D)."""
    how = {"mean": np.mean, "min": np.min, "max": np.max, "sum": np.sum, "last": lambda values, axis: values[-1]}
    return np.stack([how[rule](parts[..., i], axis=0) for i, rule in enumerate(rules)], axis=1)


@pytest.mark.parametrize("dt", [1800, 21600])
def test_sub_daily_steps_are_accumulated(case, dt):
    cells, steps = slice(0, 5), 86400 // dt
    sub_daily, daily = case.host(cells), case.host(cells)
    rules = [variable.accumulate for variable in daily.model.inputs]
    wave = np.random.default_rng(6).uniform(0.999, 1.0, (steps, 1, 1))
    held = np.zeros((5, len(daily.model.targets)))
    for day in case.inputs[:4, cells]:
        parts = day * wave
        for i, part in enumerate(parts):
            flux = sub_daily.part(part, i * dt, dt)
            if i < steps - 1:
                np.testing.assert_array_equal(flux, held)
        held = flux
        np.testing.assert_array_equal(flux, daily.day(accumulated(parts, rules)))


@pytest.mark.parametrize("calendar", ["noleap", "360_day"])
def test_other_calendars_are_split_alike_too(case, calendar):
    dates = {"noleap": [(2, 27), (2, 28), (3, 1)], "360_day": [(2, 29), (2, 30), (3, 1)]}[calendar]
    results = []
    for cells in (slice(0, 66), slice(64, 66)):
        land = case.host(cells, calendar=calendar)
        for day, (month, number) in zip(case.inputs, dates, strict=False):
            for i, array in enumerate(land.forcing.values()):
                array[:] = day[cells, i]
            land.cells.step(2004, month, number)
        results.append((land.cells.state[-2:].copy(), [flux[-2:].copy() for flux in land.flux.values()]))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])
    assert np.isfinite(results[0][1]).all()


def test_a_bad_input_leaves_everything_untouched(case):
    land = case.host()
    land.run(case.inputs[:2])
    state, flux = land.cells.state.copy(), {name: array.copy() for name, array in land.flux.items()}
    day = case.inputs[2].copy()
    day[NCELL - 1, 0] = np.nan
    with pytest.raises(EcostepError, match="is NaN in cell 130 of 130") as error:
        land.day(day)
    assert error.value.status == "BAD_VALUE"
    np.testing.assert_array_equal(land.cells.state, state)
    for name, array in land.flux.items():
        np.testing.assert_array_equal(array, flux[name])


def test_a_damaged_state_is_noticed_and_leaves_everything_untouched(case):
    land = case.host()
    land.run(case.inputs[:2])
    land.cells.state[NCELL - 1, : land.model.metadata["state_size"]] = np.nan
    state, flux = land.cells.state.copy(), {name: array.copy() for name, array in land.flux.items()}
    with pytest.raises(EcostepError, match=r"in cell 130 of 130 .* is not finite") as error:
        land.day(case.inputs[2])
    assert error.value.status == "BACKEND_FAILED"
    np.testing.assert_array_equal(land.cells.state, state)
    for name, array in land.flux.items():
        np.testing.assert_array_equal(array, flux[name])


def test_threads_get_the_same(case, whole):
    model = Model(case.path, case.backend)
    parts = [slice(0, 40), slice(40, 41), slice(41, 120), slice(120, NCELL)]
    hosts = [case.host(cells) for cells in parts]
    for land in hosts:  # all on one model
        land.cells, old = model.cells(land.cells.state.shape[0]), land.cells
        land.cells.state = old.state
        for variable in model.inputs:
            land.cells.set_input(variable.name, land.forcing[variable.name], variable.units)
        for variable in model.targets:
            land.cells.set_output(variable.name, land.flux[variable.name], variable.units)
    with ThreadPoolExecutor(4) as pool:
        fluxes = list(pool.map(lambda land, cells: land.run(case.inputs[:, cells]), hosts, parts))
    np.testing.assert_array_equal(np.concatenate(fluxes, axis=1), whole[0])


def test_traps_and_rounding_of_the_host_change_nothing(case, whole):
    maths = ctypes.CDLL("libm.so.6")
    if not hasattr(maths, "feenableexcept"):
        pytest.skip("this C library cannot trap floating-point exceptions")
    traps, upwards, nearest = 0x1D, 0x800, 0x0  # x86-64; elsewhere other bits, so that less is tested
    land = case.host(slice(0, 5))
    for day, expected in zip(case.inputs[:, :5], whole[0][:, :5], strict=True):
        for i, array in enumerate(land.forcing.values()):
            array[:] = day[:, i]
        year, month, number = (int(part) for part in str(land.date).split("-"))
        maths.feenableexcept(traps)
        maths.fesetround(upwards)
        try:
            land.cells.step(year, month, number)
            assert maths.fegetround() == upwards
        finally:
            maths.fesetround(nearest)
            maths.fedisableexcept(traps)
        land.date += 1
        np.testing.assert_array_equal(np.stack(list(land.flux.values()), axis=1), expected)


def test_measured_flux_moves_later_years_only(case, whole):
    if Model(case.path, case.backend).past_flux == "none":
        with pytest.raises(EcostepError, match="takes no measured flux"):
            case.host(slice(0, 2)).cells.set_observed("fch4", np.zeros(2), "mg m-2 day-1")
        return
    cells = slice(60, 70)
    land = case.host(cells)
    measured = np.where(np.arange(10) % 3 > 0, 40.0, np.nan)
    land.cells.set_observed("fch4", measured, "mg m-2 day-1")
    fluxes = land.run(case.inputs[:, cells])
    np.testing.assert_array_equal(fluxes[:3], whole[0][:3, cells])  # the year turns after three days
    changed = np.abs(fluxes - whole[0][:, cells]).max(axis=(0, 2)) > 0
    np.testing.assert_array_equal(changed, np.isfinite(measured))


# ---- native and torchscript ----------------------------------------------------------------------------------------


def differences(request: pytest.FixtureRequest, kind: str, years: int, ncell: int, measured: bool) -> np.ndarray:
    """Largest difference of each target between the two backends, relative to its scale."""
    case = make_case(f"native-{kind}", request, 2)
    statics, inputs = weather(case.path, ncell, 365)
    hosts = [Host(case.path, ncell, statics, backend=backend) for backend in ("native", "torchscript")]
    flux = np.full(ncell, np.nan)
    random = np.random.default_rng(2)
    worst, scale = 0.0, 0.0
    for land in hosts:
        land.date = np.datetime64("2003-01-01")
        if measured:
            land.cells.set_observed("fch4", flux, "mg m-2 day-1")
    for day in range(365 * years):
        flux[:] = np.where(random.random(ncell) < 0.3, np.nan, random.normal(30.0, 20.0, ncell))
        native, reference = (land.day(inputs[day % 365]) for land in hosts)
        worst, scale = np.maximum(worst, np.abs(native - reference).max(0)), np.maximum(scale, np.abs(reference).max(0))
    return worst / scale


@pytest.mark.slow
@pytest.mark.parametrize("measured", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_native_is_torchscript_over_ten_years(request, model_file, kind, measured):
    if measured and Model(model_file(kind), "torchscript").past_flux == "none":
        pytest.skip("the model takes no past flux")
    assert (differences(request, kind, 10, 16, measured) <= 1e-5).all()


@pytest.mark.parametrize("kind", ["lstm", "unified"])
def test_native_is_torchscript_over_a_year_and_a_bit(request, model_file, kind):
    measured = Model(model_file(kind), "torchscript").past_flux != "none"
    assert (differences(request, kind, 1, 2, measured) <= 1e-5).all()


# ---- derivatives ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "date", [pytest.param(d, marks=pytest.mark.slow) for d in ("2003-12-29", "2004-01-31")] + ["2003-12-31"]
)
def test_derivatives_of_real_models(request, kind, date):
    case = make_case(f"torchscript-{kind}", request)
    land = case.host(slice(0, 2))
    land.date = np.datetime64(date) - 3
    land.run(case.inputs[:3, :2])
    size, targets = land.model.metadata["state_size"], len(land.model.targets)
    scale = np.maximum(np.abs(np.stack(list(land.flux.values()), axis=1)).max(0), 1e-3)
    random = np.random.default_rng(1)
    flux_weight = random.normal(size=(2, targets)) / scale
    state_weight = np.zeros(land.cells.state.shape)
    state_weight[:, :size] = random.normal(size=(2, size)) / np.sqrt(size)
    year, month, day = (int(part) for part in date.split("-"))
    state, inputs = land.cells.state.copy(), case.inputs[3, :2].copy()
    steps = [0.005 * max(v.train_max - v.train_min, 1e-3) for v in land.model.inputs]
    for i, variable in enumerate(land.model.inputs):
        inputs[:, i] = inputs[:, i].clip(variable.valid_min + 2 * steps[i], variable.valid_max - 2 * steps[i])

    def weighted(inputs: np.ndarray, memory: np.ndarray) -> np.ndarray:
        land.cells.state[:] = memory
        for i, array in enumerate(land.forcing.values()):
            array[:] = inputs[:, i]
        land.cells.step(year, month, day)
        flux = np.stack(list(land.flux.values()), axis=1)
        return (flux_weight * flux).sum(1) + (state_weight * land.cells.state.astype(np.float64)).sum(1)

    def slope(move: Callable[[float], np.ndarray], step: float) -> np.ndarray:
        near, far = move(step) - move(-step), move(2 * step) - move(-2 * step)
        return (8 * near - far) / (12 * step)

    weighted(inputs, state)
    land.cells.state[:] = state
    to_inputs, to_state = land.cells.gradient(year, month, day, flux_weight, state_weight)
    np.testing.assert_array_equal(land.cells.state, state)
    for i, step in enumerate(steps):
        moved = np.eye(len(steps))[i]
        expected = slope(lambda change, moved=moved: weighted(inputs + change * moved, state), step)
        np.testing.assert_allclose(to_inputs[:, i] * step, expected * step, rtol=0.03, atol=2e-4)
    direction = np.zeros(state.shape[1], np.float32)
    direction[:size] = random.normal(size=size) * np.minimum(np.abs(state[0, :size]), 1.0)
    expected = slope(lambda change: weighted(inputs, state + np.float32(change) * direction), 0.005)
    np.testing.assert_allclose(to_state @ direction, expected, rtol=0.03, atol=0.03)


def test_native_says_who_has_derivatives(request):
    case = make_case("native-lstm", request)
    land = case.host(slice(0, 2))
    land.day(case.inputs[0, :2])
    with pytest.raises(EcostepError, match="'torchscript'") as error:
        land.cells.gradient(2003, 12, 30, np.ones((2, len(land.model.targets))))
    assert error.value.status == "NOT_AVAILABLE"
