"""The unified model: neighbours first, own years later."""

from collections.abc import Callable

import pytest
import torch
from pydantic import ValidationError

from emulator.data import calendar as column
from emulator.models.kinds.unified import Unified, UnifiedConfig
from emulator.models.streaming import StreamingModel
from tests.emulator.models.conftest import Case


@pytest.fixture
def unified(make_model: Callable[..., StreamingModel]) -> Unified:
    model = make_model("unified")
    assert isinstance(model, Unified)
    return model


def no_flux(case: Case, sites: int) -> torch.Tensor:
    return torch.full_like(case.dataset.flux[:sites], torch.nan)


def change_codes(model: Unified, sites: list[int]) -> None:
    with torch.no_grad():
        model.code.code[sites] += 1.0
        model.prepare()


def test_own_code_and_neighbours(case: Case, unified: Unified) -> None:
    before = case.predict(unified, 12, no_flux(case, 12))
    change_codes(unified, [4])
    changed = (case.predict(unified, 12, no_flux(case, 12)) != before).any(2).any(1).tolist()
    assert changed == [site in (4, 10, 11) for site in range(12)]


def test_own_years_correct_what_neighbours_tell(case: Case, unified: Unified) -> None:
    """A wrong code of a new site matters less once its own years are known."""
    before, ungauged = case.predict(unified, 12), case.predict(unified, 12, no_flux(case, 12))
    change_codes(unified, list(range(10)))
    spread = case.training.flux.flatten(0, 1).std(0)
    gauged_change = ((case.predict(unified, 12) - before).abs() / spread)[10:]
    ungauged_change = ((case.predict(unified, 12, no_flux(case, 12)) - ungauged).abs() / spread)[10:]
    year = case.dataset.calendar[:, column.YEAR]
    assert torch.equal(gauged_change[:, year == 2003], ungauged_change[:, year == 2003])
    assert gauged_change[:, year == 2010].mean() < 0.7 * ungauged_change[:, year == 2010].mean()
    assert ungauged_change[:, year == 2010].mean() > 0


OPTIONS = (
    {"functional": False},
    {"local": False},
    {"code_size": 0},
    {"history": False},
    {"site_features": 0},
    {"past_flux": "self_fed"},
)


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "=".join(map(str, next(iter(options.items())))))
def test_every_option_steps_as_it_predicts(case: Case, make_model: Callable[..., StreamingModel], options) -> None:
    # random weights err much, so that retrieved coefficients are large and magnify rounding
    assert case.stepping_error(make_model("unified", **options)) <= 5e-5


def test_options_of_the_former_model_are_refused_by_a_clear_word() -> None:
    with pytest.raises(ValidationError, match="unified has site codes in place of retrieved responses"):
        UnifiedConfig(memory_years=4)
