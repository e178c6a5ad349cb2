"""Native programs, run by the interpreter, do what their models do; what cannot be lowered is said."""

from collections.abc import Callable
from dataclasses import replace

import cftime
import numpy as np
import pytest
import torch
from torch import Tensor

from emulator.artefact.native import LoweringError, Program, program_of
from emulator.artefact.native.checking import ProgramMismatch, check_program
from emulator.artefact.native.interpreter import Interpreter
from emulator.artefact.native.program import Value
from emulator.data.bounds import Bounds, bounded
from emulator.data.calendar import calendar_table
from emulator.data.scalers import fit_scalers
from emulator.data.signature import Signature
from emulator.models.registry import MODEL_CONFIGS, build
from emulator.models.streaming import StreamingModel, step_through
from emulator.models.wrappers.ensemble import combine
from emulator.models.wrappers.quantiles import QuantileModel
from foundations.variables import BIOMES
from tests.emulator.models.conftest import KINDS, Case

SITES = [0, 5, 9]
OPTIONS = (
    ("lstm", {"past_flux": "self_fed"}),
    ("lstm", {"coordinates": "sphere"}),
    ("gru", {"past_flux": "ungauged", "coordinates": "none"}),
    ("tcn", {"past_flux": "ungauged"}),
    ("transformer", {"past_flux": "ungauged"}),
    ("itransformer", {"past_flux": "ungauged"}),
    ("cham_net", {"past_flux": "self_fed"}),
    ("cham_net", {"history": False}),
    ("cham_net", {"hierarchy": False}),
    ("cham_net", {"film": False}),
    ("cham_net", {"site_features": 0}),
    ("cham_net", {"hypernetwork_rank": 2}),
    ("raci", {"roles": False}),
    ("raci", {"film": False}),
    ("raci", {"functional": False}),
    ("raci", {"code_size": 0}),
    ("raci", {"code_roles": True}),
    ("raci", {"coordinates": "standardised"}),
    ("unified", {"past_flux": "self_fed", "local": False}),
    ("unified", {"code_size": 0}),
    ("gru", {"code_size": 4}),
)
"""Options that change what a model computes in a step."""

Make = Callable[..., StreamingModel]


def selected_days(calendar: Tensor) -> list[int]:
    """Two ordinary days, then the end of each month from November 2003 to February 2005, and 29 February."""
    year, month, day, _, length, _ = calendar.unbind(1)
    inside = (12 * year + month >= 12 * 2003 + 11) & (12 * year + month <= 12 * 2005 + 2)
    chosen = torch.nonzero(inside & ((day == length) | ((month == 2) & (day == 29)) | ((month == 7) & (day == 3))))
    return [305, 306, *chosen.flatten().tolist()]


def checked(case: Case, model: StreamingModel, signature: Signature | None = None) -> Program:
    """The program of a model, compared with it."""
    program, data = program_of(model, signature or case.signature), case.dataset
    days = selected_days(data.calendar)
    steps = check_program(
        Interpreter.of(program),
        model,
        data.static[SITES],
        data.drivers[SITES][:, days],
        data.calendar[days],
        data.flux[SITES][:, days],
    )
    assert steps >= 18
    return program


@pytest.mark.parametrize("kind", KINDS)
def test_program_of_every_kind(case: Case, make_model: Make, kind: str) -> None:
    checked(case, make_model(kind))


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "options"), OPTIONS, ids=str)
def test_program_with_options(case: Case, make_model: Make, kind: str, options: dict[str, object]) -> None:
    checked(case, make_model(kind, **options))


def test_program_with_past_flux_in_any_calendar(case: Case, make_model: Make) -> None:
    model = make_model("lstm", past_flux="ungauged")
    program, data = checked(case, model), case.dataset
    for name in ("noleap", "360_day"):
        dates = cftime.num2date(np.array([58, 59, 60, 179, 359, 360, 364, 365]), "days since 2004-01-01", name)
        calendar, days = calendar_table(dates), slice(700, 708)
        check_program(
            Interpreter.of(program),
            model,
            data.static[SITES],
            data.drivers[SITES, days],
            calendar,
            data.flux[SITES, days],
        )


@pytest.mark.parametrize("kind", ["lstm", pytest.param("unified", marks=pytest.mark.slow)])
def test_program_of_a_model_with_bounds_of_some_classes(case: Case, kind: str) -> None:
    upland = tuple(name for code, name in BIOMES.items() if code > 6)
    signature = bounded(case.signature, {"fch4": Bounds(max=0.0, biomes=upland)})
    torch.manual_seed(5)
    config = next(config for config in MODEL_CONFIGS if config.model_fields["kind"].default == kind)
    options = {"hidden": 12, "past_flux": "self_fed"}
    model = build(config(**options), signature, case.scalers).eval()
    model.enrol(case.sites)
    model.prepare()
    checked(case, model, signature)


def test_program_of_an_ensemble(case: Case, make_model: Make) -> None:
    members = [make_model("lstm", past_flux="self_fed"), make_model("lstm", past_flux="self_fed", hidden=8)]
    checked(case, combine(members, case.signature))


def test_program_of_an_ensemble_that_keeps_how_far_its_members_lie_apart(case: Case, make_model: Make) -> None:
    members = [make_model("lstm", hidden=4), make_model("lstm", hidden=8)]
    quantiles = QuantileModel(case.signature, case.scalers, uses_spread=True)
    checked(case, combine(members, case.signature, quantiles))
    fluxes = case.dataset.flux[:3, :5]
    expected = quantiles.targets.standardise(fluxes).std(0, unbiased=False)
    assert torch.allclose(quantiles.member_spread(fluxes), expected, atol=1e-6)


@torch.no_grad()
def stepping_error(case: Case, model: StreamingModel, days: slice, observed: bool) -> float:
    """Largest difference of fluxes, each side stepping from its own states, in deviations of a target."""
    interpreter, data = Interpreter.of(program_of(model, case.signature)), case.dataset
    drivers, flux, calendar = data.drivers[SITES, days], data.flux[SITES, days], data.calendar[days]
    state = model.init_state(data.static[SITES])
    expected, _ = step_through(model, drivers, calendar, state, flux if observed else None)
    state, fluxes = interpreter.init_state(data.static[SITES], model.state_size), []
    for day in range(len(calendar)):
        day_flux, state = interpreter.step(drivers[:, day], calendar[day], state, flux[:, day] if observed else None)
        fluxes.append(day_flux)
    spread = case.training.flux.flatten(0, 1).std(0)
    return float(((torch.stack(fluxes, 1) - expected).abs() / spread).max())


def test_differences_do_not_grow(case: Case, make_model: Make) -> None:
    assert stepping_error(case, make_model("raci"), slice(0, 120), False) <= 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["cham_net", "unified", "lstm"])
def test_differences_do_not_grow_in_years(case: Case, make_model: Make, kind: str) -> None:
    model = make_model(kind)
    assert stepping_error(case, model, slice(300, 1500), model.past_flux != "none") <= 1e-5


def test_a_changed_constant_is_noticed(case: Case, make_model: Make) -> None:
    model, data = make_model("lstm"), case.dataset
    text, blob = program_of(model, case.signature).serialise()
    values = (1.01 * np.frombuffer(blob, "<f4")).astype("<f4")
    with pytest.raises(ProgramMismatch, match="differs by"):
        check_program(
            Interpreter(text, values.tobytes()),
            model,
            data.static[SITES],
            data.drivers[SITES, :3],
            data.calendar[:3],
            data.flux[SITES, :3],
        )


@pytest.fixture(scope="module")
def cham_net(case: Case, make_model: Make) -> tuple[StreamingModel, Program]:
    model = make_model("cham_net", hidden=64)
    return model, program_of(model, case.signature)


def test_an_ordinary_day_is_short(cham_net: tuple[StreamingModel, Program]) -> None:
    """It touches little of the row, runs one LSTM, and multiplies no more than the daily layers have weights: the
    modulation is computed when the year turns.
    """
    model, program = cham_net
    day = program.methods["day"]
    names = [op.name for op in day.ops]
    assert names.count("lstm") == 1
    assert "gru" not in names
    assert "cholesky_solve" not in names
    stored = sum(op.args[0].size for op in day.ops if op.name == "store")
    loaded = sum(op.out.size for op in day.ops if op.name == "load")
    assert stored < 0.06 * model.state_size
    assert loaded < 0.14 * model.state_size
    assert day.work()[0] < 36_600
    assert day.work()[1] < 1_400
    month = [op.name for op in program.methods["month_end"].ops]
    assert month.count("gru") == 1
    assert [op.name for op in program.methods["year_end"].ops].count("cholesky_solve") == 2


def test_programs_keep_the_rules_of_the_format(cham_net: tuple[StreamingModel, Program]) -> None:
    """Elements are written once and before they are read; loads come before stores; results lie one after another."""
    for method in cham_net[1].methods.values():
        written: dict[Value, set[int]] = {}
        stores = False
        for op in method.ops:
            for ref in op.args:
                if isinstance(ref.base, Value):
                    seen = written[ref.base]
                    assert set(range(ref.offset, ref.offset + ref.span)) <= seen or not ref.plain
                    assert seen
                    assert ref.offset + ref.span <= ref.base.size
            stores |= op.name == "store"
            assert not (stores and op.name == "load")
            if op.out is not None:
                assert op.name == "copy" or op.out.contiguous
                places = torch.arange(op.out.base.size).as_strided(op.out.shape, op.out.strides, op.out.offset)
                seen = written.setdefault(op.out.base, set())
                assert not seen & set(places.flatten().tolist())
                seen |= set(places.flatten().tolist())


class Strange(StreamingModel):
    """A model that does what programs cannot."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.state_size, self.what = 1, what

    def init_state(self, static: Tensor) -> Tensor:
        return torch.zeros_like(static[:, :1])

    def step(self, drivers: Tensor, calendar: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        flux = drivers[:, :5]
        if self.what == "operation":
            flux = flux.cumsum(1)
        elif self.what == "date":
            flux = 2.0 * flux if bool(calendar[1] == 3) else flux
        elif self.what == "number":
            flux = 2.0 * flux if bool(state.sum() > 0) else flux
        elif self.what == "cells":
            flux = flux - flux.mean(0)
        return flux, state


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("operation", r"operation aten.cumsum.default at test_lowering.py:\d+ has no counterpart"),
        ("date", "branches on the date"),
        ("number", "mixes cells"),
        ("cells", "mixes cells"),
    ],
)
def test_what_cannot_be_lowered_is_said(case: Case, what: str, message: str) -> None:
    with pytest.raises(LoweringError, match=message):
        program_of(Strange(what), case.signature)


def test_one_target_stays_a_list_of_one(case: Case) -> None:
    signature = replace(case.signature, targets=case.signature.targets[-1:])
    training = replace(case.training, flux=case.training.flux[..., -1:])
    config = next(config for config in MODEL_CONFIGS if config.model_fields["kind"].default == "gru")
    model = build(config(hidden=8), signature, fit_scalers(training, signature)).eval()
    program = program_of(model, signature)
    flux = next(op for op in program.methods["day"].ops if op.name == "flux")
    assert flux.args[0].shape == (1,)
    data = case.dataset
    days = data.static[SITES], data.drivers[SITES, 305:340], data.calendar[305:340], data.flux[SITES, 305:340, -1:]
    assert check_program(Interpreter.of(program), model, *days) >= 4
