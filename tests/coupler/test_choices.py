"""What a host may ask for: inactive cells, policies for ranges, spin-up, results in chunks, derivatives."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from coupler import EcostepError, Model
from coupler.python.errors import check
from tests.coupler import artefacts


@pytest.fixture(scope="session")
def ranged_file(tmp_path_factory: pytest.TempPathFactory):
    """A stub that was trained on air temperatures of 270 to 290 K and latitudes of 40 to 60 degrees."""
    inputs, statics = artefacts.variables(artefacts.INPUTS, "fast"), artefacts.variables(artefacts.STATICS, "static")
    inputs[0] |= {"train_min": 270.0, "train_max": 290.0}
    statics[0] |= {"train_min": 40.0, "train_max": 60.0}
    path = tmp_path_factory.mktemp("ranged") / "ranged.pt"
    return artefacts.write_stub(path, inputs=inputs, statics=statics)


# ---- mask ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [bool, np.int32, np.int64])
def test_inactive_cells_are_neither_read_nor_written(any_file, host, kind):
    inputs = artefacts.sample_inputs(150, 15)
    active = np.random.default_rng(4).random(150) < 0.7
    whole, masked = host(any_file, 150), host(any_file, 150)
    masked.cells.state[~active] = np.nan
    state = masked.cells.state.copy()
    grid = np.zeros(300, kind)
    grid[::2] = active
    masked.cells.set_mask(grid[::2])
    for day in inputs:
        expected = whole.day(day)
        flux = masked.day(np.where(active[:, None], day, np.nan))
        np.testing.assert_array_equal(flux[active], expected[active])
        assert (flux[~active] == -999.0).all()
    np.testing.assert_array_equal(masked.cells.state[active], whole.cells.state[active])
    np.testing.assert_array_equal(masked.cells.state[~active], state[~active])


def test_a_cell_that_becomes_active_starts_with_its_own_state(stub_file, host):
    land = host(stub_file, 3)
    inputs = artefacts.sample_inputs(3, 2)
    active = np.array([True, True, False])
    land.cells.set_mask(active)
    land.day(inputs[0])
    before = land.cells.state.copy()
    active[:] = [False, False, True]
    land.cells.init_state()
    np.testing.assert_array_equal(land.cells.state[:2], before[:2])
    active[:] = True
    assert np.isfinite(land.day(inputs[1])).all()


def test_bad_values_are_named_by_their_place_among_all_cells(stub_file, host):
    land = host(stub_file, 80)
    active = np.arange(80) % 2 == 1
    land.cells.set_mask(active)
    inputs = artefacts.sample_inputs(80, 1)[0]
    inputs[0, 0], inputs[77, 0] = np.nan, np.nan
    with pytest.raises(EcostepError, match="input 'tas' is NaN in cell 78 of 80"):
        land.day(inputs)


def test_mask_of_the_wrong_kind(stub_file):
    cells = Model(stub_file).cells(3)
    with pytest.raises(TypeError, match="mask: type float64 is not one of bool, int32, int64"):
        cells.set_mask(np.ones(3))
    with pytest.raises(EcostepError, match="the mask has 4 values for 3 cells"):
        cells.set_mask(np.ones(4, bool))


# ---- ranges --------------------------------------------------------------------------------------------------------


def day_of(tas: list[float]) -> np.ndarray:
    inputs = np.tile(artefacts.NORMAL.astype(np.float64).round(6), (len(tas), 1))
    inputs[:, 0] = tas
    return inputs


def statics_of(lat: list[float]) -> np.ndarray:
    return np.array([[value, 100.0, 2.0] for value in lat])


def test_values_outside_training_are_counted_by_default_and_told_with_their_share(ranged_file, host):
    land = host(ranged_file, 2, statics_of([45.0, 70.0]))
    assert land.cells.range_count("lat") == 1 and "static 'lat' is 70" in land.cells.range_message
    for tas in ([260.0, 280.0], [280.0, 280.0]):
        land.day(day_of(tas))
    assert land.cells.range_count("tas") == 1
    assert land.cells.range_message.endswith("; shares outside so far: lat 50 %, tas 25 %")
    land.day(day_of([260.0, 280.0]))
    assert land.cells.range_message.endswith("lat 50 %, tas 33 %")
    cold = host(ranged_file, 2, statics_of([70.0, 70.0]))
    cold.day(day_of([260.0, 260.0]))
    assert cold.cells.range_message.endswith("; shares outside so far: lat 100 %, tas 100 %")
    quiet = host(ranged_file, 2, statics_of([45.0, 45.0]))
    quiet.cells.set_policy("ignore")
    quiet.day(day_of([260.0, 280.0]))
    assert quiet.cells.range_count() == 0 and quiet.cells.range_message == ""


def test_what_a_failed_step_saw_is_not_counted(ranged_file, host):
    land = host(ranged_file, 200, statics_of([45.0] * 200))
    with pytest.raises(EcostepError, match="'tas' is NaN in cell 200"):
        land.day(day_of([260.0] * 199 + [np.nan]))
    assert land.cells.range_count() == 0 and land.cells.range_message == ""
    land.day(day_of([260.0] * 199 + [280.0]))
    assert land.cells.range_count() == 199


def test_warnings_are_counted_and_the_first_is_kept(ranged_file, host):
    land, plain = (host(ranged_file, 3, statics_of([45.0, 50.0, 50.0])) for _ in range(2))
    land.cells.set_policy("warn")
    days = [[260.0, 280.0, 291.0], [280.0, 280.0, 280.0], [269.0, 280.0, 290.0]]
    for tas in days:
        np.testing.assert_array_equal(land.day(day_of(tas)), plain.day(day_of(tas)))
    assert land.cells.range_count("tas") == 3 == land.cells.range_count()
    assert land.cells.range_count("lat") == 0
    assert land.cells.range_message == (
        "input 'tas' is 260 K in cell 1 of 3 (counted from 1) on 2003-12-20: "
        "outside the range 270 to 290 seen in training; shares outside so far: tas 33 %"
    )


def test_errors_of_ranges_write_nothing(ranged_file, host):
    land = host(ranged_file, 130, statics_of([45.0] * 130))
    land.cells.set_policy("error", "tas")
    state = land.cells.state.copy()
    with pytest.raises(
        EcostepError, match=r"'tas' is 300 K in cell 130 of 130 .* on 2003-12-20: outside the range"
    ) as error:
        land.day(day_of([280.0] * 129 + [300.0]))
    assert error.value.status == "BAD_VALUE"
    np.testing.assert_array_equal(land.cells.state, state)
    land.cells.set_policy("error", "lat")
    land.statics["lat"][2] = 61.0
    with pytest.raises(EcostepError, match="static 'lat' is 61 degrees_north in cell 3 of 130"):
        land.cells.init_state()
    np.testing.assert_array_equal(land.cells.state, state)


def test_clipped_values_act_as_the_end_of_the_range(ranged_file, host):
    clipped, plain = (host(ranged_file, 3, statics_of([45.0] * 3)) for _ in range(2))
    clipped.cells.set_policy("clip", "tas")
    flux = clipped.day(day_of([100.0, 280.0, 400.0]))  # the valid range is 180 to 340
    np.testing.assert_array_equal(flux, plain.day(day_of([270.0, 280.0, 290.0])))
    assert clipped.cells.range_count("tas") == 2
    with pytest.raises(EcostepError, match="'tas' is NaN"):
        clipped.day(day_of([np.nan, 280.0, 280.0]))
    with pytest.raises(EcostepError, match="'pr' is -7.5e-06"):
        clipped.day(day_of([280.0] * 3) * np.array([1, 1, 1, -0.25, 1, 1]))


def test_classes_are_never_clipped(ranged_file, host):
    land = host(ranged_file, 2, statics_of([45.0, 45.0]))
    with pytest.raises(EcostepError, match="static 'biome' is a class, and classes are never clipped") as error:
        land.cells.set_policy("clip", "biome")
    assert error.value.status == "INVALID_ARGUMENT"
    land.cells.set_policy("clip")
    land.statics["biome"][1] = 14.0
    with pytest.raises(EcostepError, match="'biome' is 14 in cell 2 of 2 .*: not one of the classes 1 2 .* 13$"):
        land.cells.init_state()


def test_ranges_are_of_daily_values(ranged_file, host):
    land = host(ranged_file, 1, statics_of([45.0]))
    land.cells.set_policy("warn")
    land.part(day_of([255.0]), 0, 43200)
    land.part(day_of([299.0]), 43200, 43200)  # the day's mean is 277 K
    assert land.cells.range_count() == 0
    land.part(day_of([255.0]), 0, 43200)
    land.part(day_of([275.0]), 43200, 43200)
    assert land.cells.range_count() == 1


def test_policies_that_do_not_exist(ranged_file):
    cells = Model(ranged_file).cells(1)
    with pytest.raises(EcostepError, match="no input or static 't2m'"):
        cells.set_policy("clip", "t2m")
    with pytest.raises(EcostepError, match="no input or static 't2m'"):
        cells.range_count("t2m")
    with pytest.raises(ValueError, match="not one of ignore, warn, error, clip"):
        cells.set_policy("panic")


# ---- spin-up -------------------------------------------------------------------------------------------------------


def test_spin_up_is_the_same_as_stepping(any_file, host):
    inputs = artefacts.sample_inputs(70, 25)
    inputs[:, :, 5] = inputs[:, :1, 5]  # one value of CO2 a day for all cells
    stepped, spun = host(any_file, 70), host(any_file, 70)
    stepped.run(inputs)
    names = [variable["name"] for variable in artefacts.INPUTS]
    units = [variable["units"] for variable in artefacts.INPUTS]
    series = {n: (inputs[:, :, i], u) for i, (n, u) in enumerate(zip(names, units, strict=True))}
    series["co2"] = (inputs[:, 0, 5], "1e-6")
    spun.cells.spin_up(2003, 12, 20, series)
    np.testing.assert_array_equal(spun.cells.state, stepped.cells.state)


def test_spin_up_with_measured_flux(gauged_file, host):
    inputs = artefacts.sample_inputs(4, 20)
    measured = np.random.default_rng(7).normal(20.0, 9.0, (20, 4))
    measured[::3] = np.nan
    stepped, spun = host(gauged_file, 4), host(gauged_file, 4)
    seen = np.zeros(4)
    stepped.cells.set_observed("fch4", seen, "mg m-2 day-1")
    for day, flux in zip(inputs, measured, strict=True):
        seen[:] = flux
        stepped.day(day)
    series = {v["name"]: (inputs[:, :, i], v["units"]) for i, v in enumerate(artefacts.INPUTS)}
    spun.cells.spin_up(2003, 12, 20, series, {"fch4": (measured, "mg m-2 day-1")})
    np.testing.assert_array_equal(spun.cells.state, stepped.cells.state)


def test_spin_up_stops_at_the_day_that_fails(stub_file, host):
    inputs = artefacts.sample_inputs(3, 6)
    inputs[4, 1, 0] = np.nan
    stepped, spun = host(stub_file, 3), host(stub_file, 3)
    series = {v["name"]: (inputs[:, :, i], v["units"]) for i, v in enumerate(artefacts.INPUTS)}
    with pytest.raises(EcostepError, match="input 'tas' is NaN in cell 2 of 3"):
        spun.cells.spin_up(2003, 12, 20, series)
    stepped.run(inputs[:4])
    np.testing.assert_array_equal(spun.cells.state, stepped.cells.state)


# ---- staging -------------------------------------------------------------------------------------------------------


def test_results_do_not_depend_on_chunks(any_file, host):
    inputs = artefacts.sample_inputs(200, 14)
    unchunked, chunked = host(any_file, 200), host(any_file, 200)
    chunked.cells.set_staging(1)
    np.testing.assert_array_equal(chunked.run(inputs), unchunked.run(inputs))
    np.testing.assert_array_equal(chunked.cells.state, unchunked.cells.state)


def test_bad_inputs_are_found_before_the_first_chunk_is_written(stub_file, host):
    land = host(stub_file, 200)
    land.cells.set_staging(1)
    state = land.cells.state.copy()
    inputs = artefacts.sample_inputs(200, 1)[0]
    inputs[199, 3] = -1.0
    with pytest.raises(EcostepError, match="cell 200 of 200"):
        land.day(inputs)
    np.testing.assert_array_equal(land.cells.state, state)


def test_staging_of_the_environment(stub_file, host, monkeypatch):
    monkeypatch.setenv("ECOSTEP_STAGING_MB", "1")
    inputs = artefacts.sample_inputs(5, 2)
    small = host(stub_file, 5)
    monkeypatch.setenv("ECOSTEP_STAGING_MB", "a lot")
    np.testing.assert_array_equal(small.run(inputs), host(stub_file, 5).run(inputs))


# ---- choice of a backend -------------------------------------------------------------------------------------------


def test_the_reason_of_a_fallback_can_be_read(lstm_file, stub_file):
    assert Model(lstm_file).backend_reason == "the artefact has no native program"
    assert Model(lstm_file, "torchscript").backend_reason == ""
    assert Model(stub_file).backend_reason == "" and Model(stub_file).flops > 0
    with pytest.raises(EcostepError, match=r"the artefact has no backend 'native' \(it has: torchscript\)"):
        Model(lstm_file, "native")


# ---- derivatives ---------------------------------------------------------------------------------------------------


def central_difference(run, values: np.ndarray, step: float) -> float:
    """Derivative of `run()` with respect to the scalar in `values`, which is put back."""
    central = values[...].copy()
    values[...] = central + step
    above = run()
    values[...] = central - step
    below = run()
    values[...] = central
    return (above - below) / (2 * step)


@pytest.mark.parametrize("past", ["lstm_file", "gauged_file", "stub_file", "uneven_file"])
def test_derivatives_are_those_of_finite_differences(request, host, past):
    path = request.getfixturevalue(past)
    land = host(path, 67)
    inputs = artefacts.sample_inputs(67, 13).astype(np.float64)
    land.run(inputs[:11])  # 31 December comes next
    if past == "gauged_file":
        land.cells.set_observed("fch4", np.linspace(0.0, 40.0, 67), "mg m-2 day-1")
    for i, variable in enumerate(land.model.inputs):
        land.forcing[variable.name][:] = inputs[11, :, i]
    land.forcing["tas"] -= 273.15
    land.cells.set_input("tas", land.forcing["tas"], "degC")
    si = np.zeros(67)
    land.cells.set_output("gpp", si, "kg m-2 s-1")
    random = np.random.default_rng(8)
    size = land.cells.state.shape[1]
    flux_weight = random.normal(size=(67, 2)) * [1e8, 1.0]
    state_weight = random.normal(size=(67, size))
    state_weight[:, -2:] = 0.0  # seconds and date
    state = land.cells.state.copy()
    to_inputs, to_state = land.cells.gradient(2003, 12, 31, flux_weight, state_weight)
    np.testing.assert_array_equal(land.cells.state, state)

    def weighted(cell):
        land.cells.state[:] = state
        land.cells.step(2003, 12, 31)
        flux = np.array([si[cell], land.flux["fch4"][cell]])
        total = flux_weight[cell] @ flux + state_weight[cell] @ land.cells.state[cell].astype(np.float64)
        land.cells.state[:] = state
        return total

    scale = np.abs(flux_weight * [1e-8, 1]).max() + np.abs(state_weight).max()
    for cell in (0, 66):
        for i, variable in enumerate(land.model.inputs):
            step = 0.05 * float(artefacts.SPREAD[i])
            slope = central_difference(partial(weighted, cell), land.forcing[variable.name][cell : cell + 1], step)
            assert to_inputs[cell, i] * step == pytest.approx(slope * step, abs=3e-3 * scale, rel=0.02), variable.name
        for k in (0, 1, land.model.metadata["state_size"] - 1):
            total = []
            for sign in (1, -1):
                land.cells.state[:] = state
                state_kept = state[cell, k]
                state[cell, k] = state_kept + sign * 0.02
                total.append(weighted(cell))
                state[cell, k] = state_kept
            land.cells.state[:] = state
            assert to_state[cell, k] == pytest.approx((total[0] - total[1]) / 0.04, abs=0.02 * scale, rel=0.02), k


def test_chained_derivatives_are_those_of_the_run(lstm_file, host):
    land = host(lstm_file, 2)
    inputs = artefacts.sample_inputs(2, 4).astype(np.float64)
    states = []
    for day in inputs:
        states.append(land.cells.state.copy())
        land.day(day)
    weight = np.array([[0.0, 1.0], [1.0, 0.0]])
    adjoint = None
    for k in (3, 2, 1, 0):
        land.cells.state[:] = states[k]
        for i, variable in enumerate(land.model.inputs):
            land.forcing[variable.name][:] = inputs[k, :, i]
        date = np.datetime64("2003-12-20") + k
        to_inputs, adjoint = land.cells.gradient(
            2003, 12, int(str(date)[-2:]), weight if k == 3 else np.zeros((2, 2)), adjoint
        )

    def last_flux(change):
        perturbed = host(lstm_file, 2)
        changed = inputs.copy()
        changed[0, :, 0] += change
        return (perturbed.run(changed)[-1] * weight).sum(axis=1)

    np.testing.assert_allclose(to_inputs[:, 0], (last_flux(2.0) - last_flux(-2.0)) / 4.0, rtol=0.05, atol=1e-6)


@pytest.mark.parametrize("past", ["lstm_file", "stub_file", "uneven_file"])
def test_derivatives_that_fail_in_a_later_block_write_nothing(request, host, past):
    land = host(request.getfixturevalue(past), 700)
    for name, value in zip(land.forcing, artefacts.sample_inputs(1, 1)[0, 0], strict=True):
        land.forcing[name][:] = value
    to_inputs, to_state = np.full((700, len(land.forcing)), -7.0), np.full(land.cells.state.shape, -7.0)
    weight = np.ones((700, 2))
    weight[690] = np.nan
    gradient = partial(land.cells._handle.gradient, 2003, 12, 20, weight, None, to_inputs, to_state)
    with pytest.raises(EcostepError, match="cell 691 of 700"):
        check(gradient())
    assert (to_inputs == -7.0).all() and (to_state == -7.0).all()
    weight[690] = 1.0
    check(gradient())
    assert (to_inputs != -7.0).all() and (to_state != -7.0).all()


def test_derivatives_of_clipped_inputs_are_zero(ranged_file, host):
    land = host(ranged_file, 2, statics_of([45.0, 45.0]))
    land.cells.set_policy("clip")
    for i, variable in enumerate(land.model.inputs):
        land.forcing[variable.name][:] = day_of([265.0, 280.0])[:, i]
    to_inputs, _ = land.cells.gradient(2003, 12, 20, np.ones((2, 2)))
    assert to_inputs[0, 0] == 0.0 and to_inputs[1, 0] != 0.0
