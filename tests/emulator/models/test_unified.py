"""The unified model: neighbours first, own years later, and no way for held-out flux into a prediction."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch

from emulator.data import calendar as column
from emulator.data.signature import Signature
from emulator.data.windows import Batch, training_data
from emulator.models.kinds.unified import Unified, UnifiedConfig
from emulator.models.parts.retrieval import ResponseMemory
from emulator.models.streaming import StreamingModel
from tests.emulator.models.conftest import Case

MASK = np.zeros((12, 10), bool)
MASK[:10, :6] = True
"""Training site-years of the case."""


@pytest.fixture
def unified(make_model: Callable[..., StreamingModel]) -> Unified:
    model = make_model("unified")
    assert isinstance(model, Unified)
    return model


def no_flux(case: Case, sites: int) -> torch.Tensor:
    return torch.full_like(case.dataset.flux[:sites], torch.nan)


def change_responses(model: Unified, sites: list[int]) -> None:
    memory = model.memory
    memory.response[sites] += 1.0
    values = memory.response.split(memory.role_sizes, 1)
    memory.dual = torch.cat([p @ v for p, v in zip(memory.precision, values, strict=True)], dim=1)


def test_held_out_flux_is_not_in_the_memory(case: Case, unified: Unified) -> None:
    """Neither that of held-out sites nor that of held-out years of training sites."""
    assert len(unified.memory.site_place) == 10
    before = case.predict(unified, 12, no_flux(case, 12))
    flux = case.dataset.flux.clone()
    held_out = ~case.dataset.day_mask(MASK)
    flux[held_out] = 100.0 + 10.0 * flux[held_out]
    changed = copy.copy(case.dataset)
    object.__setattr__(changed, "flux", flux)
    unified.prepare(training_data(changed, MASK))
    assert torch.equal(case.predict(unified, 12, no_flux(case, 12)), before)


def test_own_response_is_excluded_but_neighbours_count(case: Case, unified: Unified) -> None:
    before = case.predict(unified, 10, no_flux(case, 10))
    change_responses(unified, [4])
    after = case.predict(unified, 10, no_flux(case, 10))
    assert torch.equal(after[4], before[4])
    others = [site for site in range(10) if site != 4]
    assert (after[others] != before[others]).any((1, 2)).all()


def test_own_years_take_the_place_of_neighbours(case: Case, unified: Unified) -> None:
    before, ungauged = case.predict(unified, 2), case.predict(unified, 2, no_flux(case, 2))
    change_responses(unified, list(range(2, 10)))
    gauged_change = (case.predict(unified, 2) - before).abs() / case.training.flux.flatten(0, 1).std(0)
    ungauged_change = (case.predict(unified, 2, no_flux(case, 2)) - ungauged).abs() / case.training.flux.flatten(
        0, 1
    ).std(0)
    year = case.dataset.calendar[:, column.YEAR]
    assert torch.equal(gauged_change[:, year == 2003], ungauged_change[:, year == 2003])
    assert gauged_change[:, year == 2010].mean() < 0.5 * ungauged_change[:, year == 2010].mean()
    assert ungauged_change[:, year == 2010].mean() > 0


def test_training_is_without_retrieval(case: Case, unified: Unified) -> None:
    data, days = case.dataset, case.dataset.days(2003, 2004)
    flux = data.flux[:6, days]
    batch = Batch(data.drivers[:6, days], case.calendar(6)[:, days], data.static[:6], flux, flux, torch.arange(6))
    outputs = []
    for change in ([], list(range(10))):
        change_responses(unified, change)
        torch.manual_seed(1)
        outputs.append(unified.train().training_outputs(batch).prediction)
    assert torch.equal(*outputs)


OPTIONS = (
    {"roles": False},
    {"functional": False},
    {"local": False},
    {"response": "regime"},
    {"response": "none"},
    {"history": False},
    {"site_features": 0},
    {"past_flux": "self_fed"},
)


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "=".join(map(str, next(iter(options.items())))))
def test_every_option_steps_as_it_predicts(case: Case, make_model: Callable[..., StreamingModel], options) -> None:
    # random weights err much, so that retrieved coefficients are large and magnify rounding
    assert case.stepping_error(make_model("unified", **options)) <= 5e-5


def test_place_is_needed(case: Case) -> None:
    with pytest.raises(ValueError, match="'lat' and 'lon' among the statics"):
        UnifiedConfig().build(Signature.from_names(statics=("elevation", "biome")), case.scalers)


def test_a_site_without_flux_is_not_in_the_memory(case: Case, unified: Unified) -> None:
    flux = case.dataset.flux.clone()
    flux[4] = torch.nan
    changed = copy.copy(case.dataset)
    object.__setattr__(changed, "flux", flux)
    unified.prepare(training_data(changed, MASK))
    assert len(unified.memory.site_place) == 9


def test_forward_retrieves_once(case: Case, unified: Unified, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, forward = [], ResponseMemory.forward
    monkeypatch.setattr(ResponseMemory, "forward", lambda *arguments: calls.append(1) or forward(*arguments))
    case.predict(unified, 4)
    assert len(calls) == 1
