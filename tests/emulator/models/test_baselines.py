"""What is particular to each baseline: gates, reach, and the gradient that is written out."""

from collections.abc import Callable

import pytest
import torch
from pydantic import ValidationError

from emulator.models.kinds.ea_lstm import EALSTMCore
from emulator.models.kinds.gru import RunGRU, run_gru
from emulator.models.kinds.itransformer import ITransformerConfig, ITransformerCore
from emulator.models.kinds.tcn import TCNCore
from emulator.models.kinds.transformer import TransformerConfig, TransformerCore
from emulator.models.streaming import StreamingModel
from tests.emulator.models.conftest import WITH_PAST_FLUX

DAILY, STATIC, HIDDEN = 5, 3, 8


def series(days: int, sites: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(2)
    return torch.randn(sites, days, DAILY, generator=random), torch.randn(sites, STATIC, generator=random)


@torch.no_grad()
def test_ea_lstm_is_the_published_recurrence() -> None:
    """Equations 1 to 6 of Kratzert et al. (2019), day by day."""
    torch.manual_seed(1)
    core = EALSTMCore(DAILY, STATIC, HIDDEN)
    daily, static_embedding = series(40)
    h, c = torch.tanh(core.initial(static_embedding)).chunk(2, 1)
    gate, states = torch.sigmoid(core.input_gate(static_embedding)), []
    for day in range(40):
        forget, new, out = (core.from_daily(daily[:, day]) + core.from_hidden(h)).chunk(3, 1)
        c = torch.sigmoid(forget) * c + gate * torch.tanh(new)
        h = torch.sigmoid(out) * torch.tanh(c)
        states.append(h)
    assert torch.allclose(core(daily, static_embedding), torch.stack(states, 1), atol=1e-6)


def test_ea_lstm_input_gate_depends_on_statics_only() -> None:
    """A closed input gate shuts the drivers out of the cell; the statics alone can close it."""
    torch.manual_seed(1)
    core = EALSTMCore(DAILY, STATIC, HIDDEN)
    daily, static_embedding = series(40)
    gates = core.input_gate(static_embedding)
    gates.sum().backward()
    assert all(parameter.grad is None for parameter in (core.from_daily.weight, core.from_hidden.weight))
    with torch.no_grad():
        core.input_gate.bias.fill_(-200.0)
        core.initial.weight.zero_()
        core.initial.bias.zero_()
        assert torch.equal(core(daily, static_embedding), torch.zeros(3, 40, HIDDEN))
        core.input_gate.bias.zero_()
        assert core(daily, static_embedding).abs().min(1).values.max() > 0


@torch.no_grad()
def test_gru_is_that_of_torch() -> None:
    torch.manual_seed(1)
    other = torch.nn.GRU(DAILY, HIDDEN, batch_first=True)
    daily, _ = series(40)
    start = torch.randn(3, HIDDEN)
    gates = torch.nn.functional.linear(daily, other.weight_ih_l0, other.bias_ih_l0).transpose(0, 1)
    states = run_gru(gates, start, other.weight_hh_l0, other.bias_hh_l0)[0]
    assert torch.allclose(states.transpose(0, 1), other(daily, start.unsqueeze(0))[0], atol=1e-6)


def test_gradient_of_the_gru() -> None:
    torch.manual_seed(1)
    arguments = (torch.randn(6, 2, 12), torch.randn(2, 4), torch.randn(12, 4), torch.randn(12))
    assert torch.autograd.gradcheck(RunGRU.apply, [a.double().requires_grad_() for a in arguments])


def core_of(kind: str) -> tuple[torch.nn.Module, int]:
    """A small core, and how many days it sees."""
    torch.manual_seed(1)
    if kind == "tcn":
        return TCNCore(DAILY, STATIC, HIDDEN, kernel=3, dilations=(1, 3, 9)), 1 + 2 * 13
    if kind == "transformer":
        return TransformerCore(DAILY, STATIC, HIDDEN, window=7, heads=2, layers=2), 1 + 2 * 6
    config = ITransformerConfig(hidden=HIDDEN, window=11, horizon=4)
    return ITransformerCore(DAILY - 1, DAILY, STATIC, config), 11 + 4


@pytest.mark.parametrize("kind", ["tcn", "transformer", "itransformer"])
@torch.no_grad()
def test_a_day_reaches_as_far_as_the_receptive_field(kind: str) -> None:
    core, field = core_of(kind)
    daily, static_embedding = series(90)
    for day in range(40, 44):
        moved = daily.clone()
        moved[:, day, 0] += 1.0
        change = (core(moved, static_embedding) - core(daily, static_embedding)).abs().amax((0, 2))
        assert (change[:day] == 0).all()
        assert change[day] > 1e-3
        assert (change[day + field :] == 0).all()
        assert kind == "itransformer" or change[day + field - 1] > 0


@pytest.mark.parametrize("kind", ["tcn", "transformer", "itransformer"])
@torch.no_grad()
def test_series_of_any_length(kind: str) -> None:
    """Shorter than the window, or no multiple of a block."""
    core, _ = core_of(kind)
    daily, static_embedding = series(30)
    whole = core(daily, static_embedding)
    for days in (1, 4, 7, 8, 29):
        assert torch.allclose(core(daily[:, :days], static_embedding), whole[:, :days], atol=1e-6)


@torch.no_grad()
def test_itransformer_renews_the_context_of_each_cell_by_itself() -> None:
    core, _ = core_of("itransformer")
    daily, static_embedding = series(12)
    memory, later = core.start(static_embedding), core.start(static_embedding)
    for day in range(2):
        _, later = core.advance(daily[:, day], static_embedding, later)
    mixed = torch.cat([memory[:1], later[1:]])
    hidden, _ = core.advance(daily[:, 2], static_embedding, mixed)
    assert torch.allclose(hidden[:1], core.advance(daily[:, 2], static_embedding, memory)[0][:1])
    assert torch.allclose(hidden[1:], core.advance(daily[:, 2], static_embedding, later)[0][1:])


def test_heads_must_divide() -> None:
    with pytest.raises(ValidationError, match=r"hidden \(33\) is not a multiple of heads \(2\)"):
        TransformerConfig(hidden=33)
    with pytest.raises(ValidationError, match=r"token_size \(15\) is not a multiple of heads \(2\)"):
        ITransformerConfig(token_size=15)
    with pytest.raises(ValidationError, match=r"window \(5\) is shorter than horizon \(7\)"):
        ITransformerConfig(window=5)


@pytest.mark.parametrize("kind", WITH_PAST_FLUX)
def test_baselines_are_of_one_size(make_model: Callable[..., StreamingModel], kind: str) -> None:
    """Within a factor of two and a half of the LSTM at the same `hidden`, so that no table compares unlike budgets."""
    weights = {k: sum(p.numel() for p in make_model(k, hidden=32).parameters()) for k in ("lstm", kind)}
    assert 0.4 < weights[kind] / weights["lstm"] < 2.5
