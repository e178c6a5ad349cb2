"""What a land model relies on: exact restart, exact decomposition, any step length, offline = coupled."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest

from coupler import EcostepError, Model
from tests.coupler import artefacts


def test_stub_is_the_formula_of_the_format(stub_file, host):
    inputs = artefacts.sample_inputs(5, 4)
    about = artefacts.metadata()["stub"]
    bias, weights, decay = (np.array(about[key]) for key in ("bias", "weights", "decay"))
    expected, state = [], np.zeros((5, 2))
    for day in inputs.astype(np.float64):
        state = decay * state + (1 - decay) * (bias + day @ weights.T)
        expected.append(np.stack([np.maximum(state[:, 0], 0.0), state[:, 1]], axis=1))
    np.testing.assert_allclose(host(stub_file, 5).run(inputs), np.stack(expected), rtol=1e-5, atol=1e-5)


def test_coupled_equals_offline(lstm_file, host):
    import torch

    inputs = artefacts.sample_inputs(7, 60)
    offline = artefacts.run_torchscript(
        torch.jit.load(str(lstm_file)), artefacts.sample_statics(7), inputs, start="2003-12-20"
    )
    np.testing.assert_allclose(host(lstm_file, 7).run(inputs), offline, rtol=0, atol=1e-6 * offline.std())


@pytest.mark.parametrize("ncell", [64, 150])
def test_cells_one_by_one_are_bit_for_bit_the_whole(any_file, host, ncell):
    inputs, statics = artefacts.sample_inputs(ncell, 12), artefacts.sample_statics(ncell)
    whole = host(any_file, ncell, statics)
    fluxes = whole.run(inputs)
    for cell in [*range(0, ncell, 7), ncell - 1] if ncell > 64 else range(ncell):
        alone = host(any_file, 1, statics[cell : cell + 1])
        np.testing.assert_array_equal(alone.run(inputs[:, cell : cell + 1])[:, 0], fluxes[:, cell])
        np.testing.assert_array_equal(alone.cells.state[0], whole.cells.state[cell])


def test_cells_are_computed_in_blocks_where_rows_come_out_alike(lstm_file, stub_file):
    assert Model(lstm_file).block_rows == 256 and Model(stub_file).block_rows == 64


def test_blocks_of_every_size_are_bit_for_bit_one_another(any_file, host):
    inputs, statics = artefacts.sample_inputs(1300, 13), artefacts.sample_statics(1300)
    whole = host(any_file, 1300, statics)
    fluxes = whole.run(inputs)
    start = 0
    for size in (1, 3, 16, 63, 64, 65, 200, 511, 32, 33):
        cells = slice(start, start + size)
        part = host(any_file, size, statics[cells])
        np.testing.assert_array_equal(part.run(inputs[:, cells]), fluxes[:, cells])
        np.testing.assert_array_equal(part.cells.state, whole.cells.state[cells])
        start += size
    for cells in (slice(0, 512), slice(600, 1300)):
        part = host(any_file, cells.stop - cells.start, statics[cells])
        np.testing.assert_array_equal(part.run(inputs[:, cells]), fluxes[:, cells])


@pytest.mark.parametrize("in_place", [False, True])
def test_parts_of_the_state_that_change_on_odd_days_are_written(tmp_path, host, in_place):
    path = artefacts.write_odd_days(tmp_path / "odd.pt", in_place)
    inputs, statics = artefacts.sample_inputs(600, 35), artefacts.sample_statics(600)
    land = host(path, 600, statics)  # from 20 December on
    fluxes = land.run(inputs)
    total, held_total = statics[:, 0].copy(), statics[:, 1].copy()
    for day in range(35):
        total += np.float32(0.01) * inputs[day, :, 0]
        if day == 28:
            held_total = 2 * total
        np.testing.assert_allclose(fluxes[day, :, 1], held_total, rtol=1e-5)
    np.testing.assert_array_equal(land.cells.state[:, 2], statics[:, 2])
    np.testing.assert_allclose(land.cells.state[:, 0], total, rtol=1e-5)
    np.testing.assert_array_equal(land.cells.state[:, 1].astype(np.float64), fluxes[-1, :, 1])
    small = host(path, 5, statics[:5])
    small.cells.set_staging(1)  # a block at a time
    np.testing.assert_array_equal(small.run(inputs[:, :5]), fluxes[:, :5])


def test_results_have_the_bits_of_the_module(lstm_file, host):
    import torch

    inputs, statics = artefacts.sample_inputs(64, 16), artefacts.sample_statics(64)
    with torch.jit.optimized_execution(False):
        module = torch.jit.load(str(lstm_file)).eval()
        expected = artefacts.run_torchscript(module, statics, inputs, "2003-12-20")
    np.testing.assert_array_equal(host(lstm_file, 64, statics, np.float32).run(inputs), expected)


def test_uneven_parts_are_bit_for_bit_the_whole(any_file, host):
    inputs, statics = artefacts.sample_inputs(200, 10), artefacts.sample_statics(200)
    fluxes = host(any_file, 200, statics).run(inputs)
    edges = [0, 3, 66, 67, 195, 200]
    for a, b in pairwise(edges):
        np.testing.assert_array_equal(host(any_file, b - a, statics[a:b]).run(inputs[:, a:b]), fluxes[:, a:b])


def test_first_days_are_bit_for_bit_those_of_a_warm_library(lstm_file, host):
    # A just-in-time compiler that changes kernels after its first calls would break exact restart.
    inputs = artefacts.sample_inputs(3, 8)
    warm = host(lstm_file, 3)
    warm.run(artefacts.sample_inputs(3, 30, seed=9))
    state = host(lstm_file, 3).cells.state.copy()
    warm.cells.state[:] = state
    warm.date = np.datetime64("2003-12-20")
    np.testing.assert_array_equal(warm.run(inputs), host(lstm_file, 3).run(inputs))


@pytest.mark.parametrize("stop", [1, 11, 12])
def test_restart_is_bit_for_bit(any_file, host, stop, tmp_path):
    inputs = artefacts.sample_inputs(70, 20)
    straight = host(any_file, 70)
    fluxes = straight.run(inputs)
    first = host(any_file, 70)
    first.run(inputs[:stop])
    np.save(tmp_path / "restart.npy", first.cells.state)
    second = host(any_file, 70)
    second.cells.state[:] = np.load(tmp_path / "restart.npy")
    second.date = first.date
    np.testing.assert_array_equal(second.run(inputs[stop:]), fluxes[stop:])
    np.testing.assert_array_equal(second.cells.state, straight.cells.state)


def hourly(daily: np.ndarray, steps: int, seed: int = 5) -> np.ndarray:
    """(N, D) -> (steps, N, D) whose mean, minimum and maximum over the day vary as the inputs' rules need."""
    random = np.random.default_rng(seed)
    wave = random.uniform(0.5, 1.5, (steps, *daily.shape))
    wave[..., :3] = 1 + 0.02 * (wave[..., :3] - 1)
    return daily * wave


def accumulated(parts: np.ndarray) -> np.ndarray:
    """(steps, N, D) -> (N, D) by the rules of artefacts.INPUTS, in double precision."""
    rules = {"mean": np.mean, "min": np.min, "max": np.max, "last": lambda values, axis: values[-1]}
    columns = [rules[v["accumulate"]](parts[..., i], axis=0) for i, v in enumerate(artefacts.INPUTS)]
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("dt", [1800, 3600, 10800, 43200])
def test_sub_daily_steps_give_the_flux_of_the_daily_step(any_file, host, dt):
    inputs = artefacts.sample_inputs(5, 6).astype(np.float64)
    sub_daily, daily = host(any_file, 5), host(any_file, 5)
    held = np.zeros((5, 2))
    for day in inputs:
        parts = hourly(day, 86400 // dt)
        for i, part in enumerate(parts):
            flux = sub_daily.part(part, i * dt, dt)
            if i < len(parts) - 1:
                np.testing.assert_array_equal(flux, held)
        held = flux
        np.testing.assert_array_equal(flux, daily.day(accumulated(parts)))


def test_restart_within_a_day_is_bit_for_bit(any_file, host):
    day = artefacts.sample_inputs(5, 1)[0].astype(np.float64)
    parts = hourly(day, 24)
    straight, stopped, resumed = (host(any_file, 5) for _ in range(3))
    for i, part in enumerate(parts):
        flux = straight.part(part, 3600 * i, 3600)
    for i, part in enumerate(parts[:7]):
        stopped.part(part, 3600 * i, 3600)
    resumed.cells.state = stopped.cells.state.copy()
    for i, part in enumerate(parts[7:], start=7):
        resumed_flux = resumed.part(part, 3600 * i, 3600)
    np.testing.assert_array_equal(resumed_flux, flux)
    np.testing.assert_array_equal(resumed.cells.state, straight.cells.state)


def test_steps_of_different_lengths_make_a_day(stub_file, host):
    day = artefacts.sample_inputs(2, 1)[0].astype(np.float64)
    mixed, daily = host(stub_file, 2), host(stub_file, 2)
    warmer = day + np.array([3.0, 0, 0, 0, 0, 0])
    mixed.part(day, 0, 21600)
    flux = [mixed.part(warmer, s, dt) for s, dt in [(21600, 21600), (43200, 43200)]][-1]
    np.testing.assert_array_equal(flux, daily.day(0.25 * day + 0.75 * warmer))


def test_cells_may_share_a_model_in_threads(lstm_file, host):
    inputs = artefacts.sample_inputs(40, 30)
    expected = host(lstm_file, 40).run(inputs)
    hosts = [host(lstm_file, 40) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for fluxes in pool.map(lambda land: land.run(inputs), hosts):
            np.testing.assert_array_equal(fluxes, expected)


def test_measured_flux_changes_later_years_only(gauged_file, host):
    inputs = artefacts.sample_inputs(4, 20)  # from 20 December: the year turns after day 12
    plain, gauged = host(gauged_file, 4), host(gauged_file, 4)
    measured = np.array([np.nan, 30.0, -5.0, 80.0])
    gauged.cells.set_observed("fch4", measured, "mg m-2 day-1")
    without, with_flux = plain.run(inputs), gauged.run(inputs)
    np.testing.assert_array_equal(with_flux[:12], without[:12])
    np.testing.assert_array_equal(with_flux[:, 0], without[:, 0])
    assert (np.abs(with_flux[12:, 1:] - without[12:, 1:]).max(axis=(0, 2)) > 1e-3).all()


def test_measured_flux_is_refused_where_the_model_takes_none(lstm_file, host):
    with pytest.raises(EcostepError, match="takes no measured flux") as error:
        host(lstm_file, 2).cells.set_observed("fch4", np.zeros(2), "mg m-2 day-1")
    assert error.value.status == "NOT_AVAILABLE"


def test_float32_and_strided_host_arrays(lstm_file, host):
    inputs = artefacts.sample_inputs(9, 5)
    single = host(lstm_file, 9, kind=np.float32)
    grid = np.zeros((9, 6))
    strided = host(lstm_file, 9)
    for i, variable in enumerate(strided.model.inputs):
        strided.cells.set_input(variable.name, grid[::-1, i], variable.units)  # column of a matrix, cells backwards
    expected = single.run(inputs)
    for day, flux in zip(inputs, expected, strict=True):
        grid[::-1] = day
        np.testing.assert_array_equal(strided.day(day).astype(np.float32), flux.astype(np.float32))


def test_no_cells_is_a_rank_without_land(any_file, host):
    empty = host(any_file, 0)
    assert empty.run(artefacts.sample_inputs(0, 3)).shape == (3, 0, 2)


def test_verify_replays_the_reference(lstm_file, stub_file, tmp_path):
    assert Model(lstm_file).verify() < 1e-6
    with pytest.raises(EcostepError, match="no reference run"):
        Model(stub_file).verify()


def test_verify_notices_other_weights(tmp_path):
    import torch

    original = artefacts.write_torchscript(tmp_path / "good.pt", seed=3)
    reseeded = artefacts.write_torchscript(tmp_path / "other.pt", seed=4)
    extra = {"ecostep.json": "", "reference.f32": ""}
    torch.jit.load(str(original), _extra_files=extra)
    torch.jit.save(torch.jit.load(str(reseeded)), str(tmp_path / "mixed.pt"), _extra_files=extra)
    expected = r"does not reproduce the reference run: '\w+' differs by .* in cell \d at step"
    with pytest.raises(EcostepError, match=expected):
        Model(tmp_path / "mixed.pt").verify()


@pytest.mark.parametrize(
    ("calendar", "last", "following"),
    [
        ("standard", (2004, 2, 29), (2004, 3, 1)),
        ("standard", (1900, 2, 28), (1900, 3, 1)),
        ("noleap", (2004, 2, 28), (2004, 3, 1)),
        ("360_day", (2004, 2, 30), (2004, 3, 1)),
        ("360_day", (2004, 12, 30), (2005, 1, 1)),
    ],
)
def test_calendars(stub_file, host, calendar, last, following):
    land = host(stub_file, 1)
    cells = Model(stub_file).cells(1, calendar)
    for name, array in land.forcing.items():
        array[:] = artefacts.NORMAL[list(land.forcing).index(name)]
        cells.set_input(name, array, artefacts.INPUTS[list(land.forcing).index(name)]["units"])
    cells.state[:] = land.cells.state
    cells.step(*last)
    cells.step(*following)
    with pytest.raises(EcostepError, match="step out of order"):
        cells.step(*following)
