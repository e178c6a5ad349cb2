"""Models of a departure, from an input or another model: what every model promises, and what these promise beside."""

from dataclasses import replace

import pytest
import torch

from emulator.artefact import native
from emulator.artefact.native.checking import check_program
from emulator.artefact.native.interpreter import Interpreter
from emulator.data.scalers import with_target_statistics
from emulator.data.signature import Signature, with_priors
from emulator.models.kinds.cham_net import ChamNetConfig
from emulator.models.kinds.lstm import LSTMConfig
from emulator.models.registry import build
from emulator.models.streaming import step_through
from emulator.models.wrappers.departure import DepartureSpace

KINDS = {
    "none": LSTMConfig(hidden=6),
    "ungauged": LSTMConfig(hidden=6, past_flux="ungauged"),
    "self_fed": LSTMConfig(hidden=6, past_flux="self_fed"),
    "cham_net": ChamNetConfig(hidden=6, past_flux="self_fed"),
}
VARIANTS = (
    ("prior", "none", ""),
    ("prior", "self_fed", ""),
    ("residual", "none", "none"),
    ("residual", "none", "self_fed"),
    ("residual", "cham_net", "self_fed"),
)


def signature_with_prior(case) -> Signature:
    """Evaporation (kg m-2 s-1) stands in for a process model's gpp, soil temperature for no flux at all."""
    inputs = tuple(
        replace(variable, name="gpp_process", units="kg m-2 h-1") if variable.name == "evspsbl" else variable
        for variable in case.signature.inputs
    )
    return with_priors(replace(case.signature, inputs=inputs), {"gpp": "gpp_process"})


def departure(case):
    """Scalers of departures of order one."""
    return with_target_statistics(case.scalers, torch.randn(3, 500, 5, generator=torch.Generator().manual_seed(1)))


def shaken(model):
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.add_((0.03 if name.endswith("head.skip.weight") else 0.07) * torch.randn_like(parameter))
    return model


@pytest.fixture(params=VARIANTS, ids="-".join)
def departing(request, case):
    """A model, its signature and its base."""
    kind, network, of_base = request.param
    torch.manual_seed(4)
    if kind == "prior":
        signature = signature_with_prior(case)
        return shaken(build(KINDS[network], signature, case.scalers, departure=departure(case))).eval(), signature, None
    given = Signature(case.signature.inputs[2:9], case.signature.statics[:3], case.signature.targets[:3])
    chosen = replace(
        case.scalers,
        **{
            name: getattr(case.scalers, name)[part]
            for part, names in (
                (slice(2, 9), ("skew", "driver_mean", "driver_std", "driver_min", "driver_max")),
                (slice(3), ("static_mean", "static_std", "static_min", "static_max")),
                (slice(3), ("target_scale", "target_mean", "target_std", "target_limit")),
            )
            for name in names
        },
    )
    base = shaken(build(KINDS[of_base], given, chosen)).eval()
    model = build(KINDS[network], case.signature, case.scalers, base=(base, given), departure=departure(case))
    return shaken(model).eval(), case.signature, base


def test_stepping_is_forward_restart_is_no_restart_and_a_host_runs_it(departing, case):
    model, signature, _ = departing
    data, days = case.dataset, slice(200, 620)
    drivers, calendar, static = data.drivers[:4, days], data.calendar[days], data.static[:4]
    flux = data.flux[:4, days]
    with torch.no_grad():
        whole = model(drivers, calendar.expand(4, -1, -1), static, flux)
        stepped, end = step_through(
            model, drivers, calendar, model.init_state(static), None if model.past_flux == "none" else flux
        )
        first, middle = step_through(model, drivers[:, :250], calendar[:250], model.init_state(static))
        one, state = step_through(model, drivers[:, 250:], calendar[250:], middle)
        again, restarted = step_through(torch.jit.script(model), drivers[:, 250:], calendar[250:], middle.clone())
    spread = case.training.flux.flatten(0, 1).std(0)
    assert ((whole - stepped).abs().amax((0, 1)) / spread).max() <= 1e-5
    assert end.shape == (4, model.state_size)
    assert torch.equal(one, again)
    assert torch.equal(state, restarted)
    names = signature.target_names
    gpp, ra, rh, nee = (torch.cat([first, one], 1)[..., names.index(name)] for name in ("gpp", "ra", "rh", "nee"))
    assert min(gpp.min(), ra.min(), rh.min()) >= 0
    assert torch.equal(nee, ra + rh - gpp)
    program = Interpreter(*native.program_of(model, signature).serialise())
    check_program(program, model, static, drivers[:, 150:180], calendar[150:180], first[:, 150:180])


def test_without_departure_the_flux_is_the_prior(case):
    """Small flux aside, which counts as none at 1 % of the scale; and a prior that is wrong by a factor is so by a
    constant.
    """
    signature = signature_with_prior(case)
    model = build(KINDS["none"], signature, case.scalers, departure=departure(case)).eval()
    with torch.no_grad():
        model.model.head.linear.weight.zero_()
        model.model.head.mean.zero_()
        drivers = case.dataset.drivers[:4, :400]
        flux = model(drivers, case.calendar(4)[:, :400], case.dataset.static[:4], case.dataset.flux[:4, :400])
    column, factor, offset = signature.priors[0]
    expected = drivers[..., column] * factor + offset
    assert offset == 0.0
    assert factor == pytest.approx(24e3), "kg m-2 h-1 are g m-2 day-1"
    large = expected > 0.05 * case.scalers.target_scale[0]
    assert large.float().mean() > 0.2
    torch.testing.assert_close(flux[..., 0][large], expected[large], rtol=1e-3, atol=0.0)
    space = DepartureSpace(signature, case.scalers)
    size = 30.0 * case.scalers.target_scale
    steps = space(size * torch.tensor([[1.0], [2.0], [4.0]]))
    assert torch.allclose(steps[1] - steps[0], steps[2] - steps[1], atol=0.03)
    assert torch.allclose(space.inverse(space(0.2 * size)), 0.2 * size, rtol=1e-4)


def test_the_base_learns_nothing_and_sees_its_own_variables(case):
    torch.manual_seed(5)
    given = case.signature
    base = build(KINDS["none"], given, case.scalers)
    model = build(KINDS["none"], case.signature, case.scalers, base=(base, given)).train()
    assert not any(weights.requires_grad for weights in model.base.parameters())
    assert any(weights.requires_grad for weights in model.model.parameters())
    drivers, static = case.dataset.drivers[:4, :60], case.dataset.static[:4]
    flux = torch.full_like(case.dataset.flux[:4, :60], torch.nan)
    calendar = case.calendar(4)[:, :60]
    with torch.no_grad():
        model.eval()
        model.model.head.linear.weight.zero_()
        model.model.head.mean.zero_()
        both, alone = model(drivers, calendar, static, flux), base(drivers, calendar, static, flux)
    methane = case.signature.target_names.index("fch4")
    torch.testing.assert_close(both[..., methane], alone[..., methane], rtol=1e-4, atol=1e-5)


def test_what_cannot_be_a_prior_is_refused(case):
    with pytest.raises(ValueError, match=r"data.prior of 'gpp': 'lava' is not among the inputs"):
        with_priors(case.signature, {"gpp": "lava"})
    with pytest.raises(ValueError, match="data.prior: npp not among the targets"):
        with_priors(case.signature, {"npp": "tas"})
    with pytest.raises(ValueError, match="data.prior of 'gpp': "):
        with_priors(case.signature, {"gpp": "tas"})
