"""What every registered model promises: stepping is `forward`, state is all it remembers, causality, independence,
constraints.
"""

import io
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.artefact.code_check import beyond_arithmetic
from emulator.data import calendar as column
from emulator.data.scalers import Scalers
from emulator.data.windows import Batch
from emulator.models.registry import MODEL_CONFIGS, build
from emulator.models.streaming import StreamingModel, step_through
from tests.emulator.models.conftest import KINDS, VARIANTS, Case, variant_name

SITES = 4


def stepped(case: Case, model: StreamingModel, state: torch.Tensor, days: slice, observed: bool = False):
    data = case.dataset
    flux = data.flux[:SITES, days] if observed and model.past_flux != "none" else None
    with torch.no_grad():
        return step_through(model, data.drivers[:SITES, days], data.calendar[days], state, flux)


def no_flux(case: Case) -> torch.Tensor:
    return torch.full_like(case.dataset.flux[:SITES], torch.nan)


def day_of(case: Case, year: int, month: int, day: int) -> int:
    date = torch.tensor([year, month, day])
    return int(torch.nonzero((case.dataset.calendar[:, [column.YEAR, column.MONTH, column.DAY]] == date).all(1))[0])


@pytest.mark.parametrize("years", [3, pytest.param(10, marks=pytest.mark.slow)])
@pytest.mark.parametrize("observed", [False, True], ids=["step", "step_observed"])
def test_stepping_years_is_forward(case: Case, model: StreamingModel, observed: bool, years: int) -> None:
    days = case.dataset.days(2003, 2002 + years)
    offline = case.predict(model, SITES, None if observed else no_flux(case))[:, days]
    online, _ = stepped(case, model, model.init_state(case.dataset.static[:SITES]), days, observed)
    spread = case.training.flux.flatten(0, 1).std(0)
    assert case.dataset.calendar[days, column.DAYS_IN_YEAR].max() == 366
    assert offline.std(dim=(0, 1)).min() > 1e-3
    assert ((online - offline).abs().amax(dim=(0, 1)) / spread).max() <= 1e-5


def test_stepping_is_forward_on_a_noleap_calendar_from_mid_month(case: Case, model: StreamingModel) -> None:
    """A host may begin on any day: a series that begins and ends within a month and a year."""
    month, day = case.dataset.calendar[:, column.MONTH], case.dataset.calendar[:, column.DAY]
    noleap = (month != 2) | (day != 29)
    drivers, calendar = case.dataset.drivers[:SITES, noleap], case.dataset.calendar[noleap].clone()
    flux, static = case.dataset.flux[:SITES, noleap], case.dataset.static[:SITES]
    after_leap_day = (calendar[:, column.DAYS_IN_YEAR] == 366) & (calendar[:, column.MONTH] > 2)
    calendar[after_leap_day, column.DAY_OF_YEAR] -= 1
    calendar[:, column.DAYS_IN_YEAR] = 365
    calendar[calendar[:, column.MONTH] == 2, column.DAYS_IN_MONTH] = 28
    days = slice(200, 200 + 900)
    with torch.no_grad():
        offline = model(drivers[:, days], calendar[days].expand(SITES, -1, -1), static, flux[:, days])
        seen = None if model.past_flux == "none" else flux[:, days]
        online, _ = step_through(model, drivers[:, days], calendar[days], model.init_state(static), seen)
    spread = case.training.flux.flatten(0, 1).std(0)
    assert ((online - offline).abs().amax(dim=(0, 1)) / spread).max() <= 1e-5


def test_state_is_one_float32_row_and_is_never_written_to(case: Case, model: StreamingModel) -> None:
    state = model.init_state(case.dataset.static[:SITES]).detach()
    assert state.shape == (SITES, model.state_size)
    assert state.dtype == torch.float32
    for date in ((2003, 6, 14), (2003, 6, 30), (2003, 12, 31), (2004, 1, 1)):
        day = day_of(case, *date)
        before = state.clone()
        _, next_state = stepped(case, model, state, slice(day, day + 1))
        assert torch.equal(state, before)
        assert next_state.shape == state.shape
        assert next_state.dtype == torch.float32
        assert torch.isfinite(next_state).all()
        assert not torch.equal(next_state, before)
        state = next_state


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(301, 499))
def test_restart_is_bit_exact(case: Case, model: StreamingModel, cut: int) -> None:
    start = model.init_state(case.dataset.static[:SITES]).detach()
    whole, end = stepped(case, model, start, slice(300, 500))
    _, middle = stepped(case, model, start, slice(300, cut))
    restored = torch.from_numpy(np.frombuffer(middle.numpy().tobytes(), np.float32).copy()).view_as(middle)
    fluxes, restarted_end = stepped(case, model, restored, slice(cut, 500))
    assert torch.equal(fluxes, whole[:, cut - 300 :])
    assert torch.equal(restarted_end, end)


def test_rows_do_not_touch_one_another(case: Case, model: StreamingModel) -> None:
    data, days = case.dataset, slice(0, 400)
    other = data.drivers[:SITES, days].clone()
    other[1:] += torch.randn(other[1:].shape, generator=torch.Generator().manual_seed(1)) * other[1:].std((0, 1))
    static = data.static[:SITES].clone()
    static[1:, 0] = -static[1:, 0]
    with torch.no_grad():
        fluxes, state = stepped(case, model, model.init_state(data.static[:SITES]), days)
        changed_fluxes, changed_state = step_through(model, other, data.calendar[days], model.init_state(static))
    assert torch.equal(fluxes[0], changed_fluxes[0])
    assert torch.equal(state[0], changed_state[0])
    assert not torch.equal(fluxes[1:], changed_fluxes[1:])


def test_cells_can_be_taken_in_any_order_and_number(case: Case, model: StreamingModel) -> None:
    """Equal to rounding; the coupler makes it exact by padding to fixed blocks."""
    together = case.predict(model, SITES)
    data, site = case.dataset, slice(2, 3)
    with torch.no_grad():
        alone = model(data.drivers[site], case.calendar(1), data.static[site], data.flux[site])
    spread = case.training.flux.flatten(0, 1).std(0)
    assert ((alone[0] - together[2]).abs() / spread).max() < 1e-5


def test_later_drivers_move_no_earlier_flux(case: Case, model: StreamingModel) -> None:
    day = day_of(case, 2006, 8, 17)
    drivers = case.dataset.drivers[:SITES].clone()
    drivers[:, day:] += 0.5 * drivers.std((0, 1))
    before = case.predict(model, SITES)
    with torch.no_grad():
        after = model(drivers, case.calendar(SITES), case.dataset.static[:SITES], case.dataset.flux[:SITES])
    spread = case.training.flux.flatten(0, 1).std(0)
    assert torch.equal(before[:, :day], after[:, :day])
    assert ((before[:, day:] - after[:, day:]).abs() / spread).max() > 1e-4


def test_flux_of_a_year_moves_later_years_only(case: Case, model: StreamingModel) -> None:
    new_year = day_of(case, 2008, 1, 1)
    flux = case.dataset.flux[:SITES].clone()
    flux[:, day_of(case, 2007, 3, 1) : new_year] *= 3.0
    before, after = case.predict(model, SITES), case.predict(model, SITES, flux)
    assert torch.equal(before[:, :new_year], after[:, :new_year])
    if model.past_flux == "none":
        assert torch.equal(before, after)
    else:
        assert not torch.equal(before[:, new_year], after[:, new_year])


def test_unknown_past_flux_is_allowed(case: Case, model: StreamingModel) -> None:
    random = torch.Generator().manual_seed(3)
    flux = case.dataset.flux[:SITES].clone()
    flux[torch.rand(flux.shape, generator=random) < 0.7] = torch.nan
    flux[0] = torch.nan
    assert torch.isfinite(case.predict(model, SITES, flux)).all()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(warming=st.floats(-40, 25), wetting=st.floats(0, 10), seed=st.integers(0, 1000))
def test_fluxes_keep_their_constraints(
    case: Case, model: StreamingModel, warming: float, wetting: float, seed: int
) -> None:
    """Whatever the drivers, far outside training included."""
    names = case.signature.target_names
    drivers = case.dataset.drivers[:SITES, :200].clone()
    drivers[..., 0] += warming
    drivers[..., 1] *= wetting
    drivers *= 1 + 0.1 * torch.randn(drivers.shape, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        fluxes = model(
            drivers, case.calendar(SITES)[:, :200], case.dataset.static[:SITES], case.dataset.flux[:SITES, :200]
        )
    gpp, ra, rh, nee = (fluxes[..., names.index(name)] for name in ("gpp", "ra", "rh", "nee"))
    assert torch.isfinite(fluxes).all()
    assert gpp.min() >= 0
    assert ra.min() >= 0
    assert rh.min() >= 0
    assert torch.equal(nee, ra + rh - gpp)


def test_scripted_model_is_the_model(case: Case, model: StreamingModel) -> None:
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(model), buffer)
    assert beyond_arithmetic(buffer.getvalue()) == ""  # or hosts would be told not to trust it
    buffer.seek(0)
    scripted = torch.jit.load(buffer)
    assert torch.equal(case.predict(model, SITES), case.predict(scripted, SITES))
    start = model.init_state(case.dataset.static[:SITES]).detach()
    assert torch.equal(start, scripted.init_state(case.dataset.static[:SITES]))
    for observed in (False, True):
        fluxes, state = stepped(case, model, start, slice(330, 500), observed)
        if observed and model.past_flux == "none":
            continue
        data, seen = case.dataset, case.dataset.flux[:SITES, 330:500] if observed else None
        with torch.no_grad():
            scripted_fluxes, scripted_state = step_through(
                scripted, data.drivers[:SITES, 330:500], data.calendar[330:500], start, seen
            )
        assert torch.equal(scripted_fluxes, fluxes)
        assert torch.equal(scripted_state, state)


@pytest.mark.parametrize("variant", VARIANTS, ids=variant_name)
def test_every_weight_is_trained(
    case: Case, make_model: Callable[..., StreamingModel], variant: tuple[str, dict[str, object]]
) -> None:
    """A weight without gradient is dead code."""
    model = make_model(variant[0], **variant[1]).train()
    data, days = case.dataset, case.dataset.days(2003, 2005)
    flux = data.flux[:10, days]
    batch = Batch(data.drivers[:10, days], case.calendar(10)[:, days], data.static[:10], flux, flux, torch.arange(10))
    output = model.training_outputs(batch)
    loss = torch.asinh(output.prediction).pow(2).mean() + sum(output.auxiliary.values())
    loss.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("variant", VARIANTS, ids=variant_name)
def test_state_dict_rebuilds_the_model(
    case: Case, make_model: Callable[..., StreamingModel], variant: tuple[str, dict[str, object]]
) -> None:
    """From shapes alone: scalers and memory are buffers."""
    kind, options = variant
    model = make_model(kind, **options)
    config = next(config for config in MODEL_CONFIGS if config.model_fields["kind"].default == kind)
    rebuilt = build(config(hidden=12, **options), case.signature, Scalers.identity(case.signature)).eval()
    rebuilt.load_state_dict(model.state_dict())
    assert torch.equal(case.predict(rebuilt), case.predict(model))


@pytest.mark.parametrize("kind", KINDS)
def test_equal_cells_of_a_block_stay_equal_to_the_bit(
    case: Case, make_model: Callable[..., StreamingModel], kind: str
) -> None:
    """The coupler takes whole blocks only of models that are so; others go cell by cell, many times slower."""
    model = make_model(kind, hidden=32)
    data, block = case.dataset, 64
    with torch.inference_mode():
        state = model.init_state(data.static[:1].repeat(block, 1))
        for day in range(3):
            assert torch.equal(state, state[:1].expand_as(state)), day
            flux, state = model.step(data.drivers[:1, day].repeat(block, 1), data.calendar[day], state)
            assert torch.equal(flux, flux[:1].expand_as(flux)), day
