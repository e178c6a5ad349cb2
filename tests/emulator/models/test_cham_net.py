"""CHAM-net: what `step` feeds its history, and what past flux does."""

from collections.abc import Callable

import pytest
import torch
from pydantic import ValidationError

from emulator.data import calendar as column
from emulator.data.windows import Batch
from emulator.models.kinds.cham_net import ChamNetConfig
from emulator.models.kinds.unified import UnifiedConfig
from emulator.models.streaming import StreamingModel, step_through
from tests.emulator.models.conftest import Case


def test_self_fed_steps_are_forward_on_own_predictions(case: Case, make_model: Callable[..., StreamingModel]) -> None:
    model = make_model("cham_net", past_flux="self_fed")
    assert model.past_flux == "self_fed"
    data, days = case.dataset, case.dataset.days(2003, 2006)
    with torch.no_grad():
        start = model.init_state(data.static[:3])
        fed, _ = step_through(model, data.drivers[:3, days], data.calendar[days], start)
        on_own_fluxes = model(data.drivers[:3, days], case.calendar(3)[:, days], data.static[:3], fed)
        ungauged = model(
            data.drivers[:3, days], case.calendar(3)[:, days], data.static[:3], torch.full_like(fed, torch.nan)
        )
    spread = case.training.flux.flatten(0, 1).std(0)
    assert ((fed - on_own_fluxes).abs() / spread).max() <= 1e-5
    assert ((fed - ungauged).abs() / spread).max() > 1e-3


def test_seasons_learn_from_the_same_season(case: Case, make_model: Callable[..., StreamingModel]) -> None:
    """Flux known in July only moves the July of the next year more than its January."""
    model = make_model("cham_net")
    flux = torch.full_like(case.dataset.flux[:4], torch.nan)
    ungauged = case.predict(model, 4, flux)
    year, month = case.dataset.calendar[:, column.YEAR], case.dataset.calendar[:, column.MONTH]
    july = (year == 2003) & (month == 7)
    flux[:, july] = case.dataset.flux[:4, july]
    moved = (case.predict(model, 4, flux) - ungauged).abs() / case.training.flux.flatten(0, 1).std(0)
    assert moved[:, (year == 2004) & (month == 7)].mean() > 1.2 * moved[:, (year == 2004) & (month == 1)].mean() > 0


def test_training_hides_past_flux_of_sites_and_years(case: Case, make_model: Callable[..., StreamingModel]) -> None:
    model = make_model("cham_net", ungauged_share=0.4, missing_year_share=0.25)
    torch.manual_seed(2)
    calendar = case.calendar(12)
    flux = torch.zeros(12, calendar.shape[1], 5)
    hidden = torch.cat([torch.isnan(model.drop_past_flux(flux, calendar)) for _ in range(30)])
    year = case.dataset.calendar[:, column.YEAR]
    by_year = torch.stack([hidden[:, year == y].float().mean((1, 2)) for y in year.unique()], 1)
    assert set(by_year.unique().tolist()) == {0.0, 1.0}
    ungauged = by_year.mean(1) == 1.0
    assert 0.3 < ungauged.float().mean() < 0.5
    assert 0.2 < by_year[~ungauged].mean() < 0.3


def test_contrastive_term_can_be_switched_off(case: Case, make_model: Callable[..., StreamingModel]) -> None:
    data, days = case.dataset, case.dataset.days(2003, 2004)
    flux = data.flux[:6, days]
    batch = Batch(data.drivers[:6, days], case.calendar(6)[:, days], data.static[:6], flux, flux, torch.arange(6))
    auxiliary = make_model("cham_net", contrastive_weight=0.5).training_outputs(batch).auxiliary
    assert auxiliary["contrastive"] > 0
    assert make_model("cham_net", contrastive_weight=0.0).training_outputs(batch).auxiliary == {}


ABLATIONS = (
    {"history": False},
    {"hierarchy": False},
    {"film": False},
    {"hypernetwork_rank": 2},
    {"site_features": 0},
    {"contrastive_weight": 0.0},
)


@pytest.mark.parametrize("options", ABLATIONS, ids=lambda options: next(iter(options)))
def test_every_ablation_steps_as_it_predicts(case: Case, make_model: Callable[..., StreamingModel], options) -> None:
    assert case.stepping_error(make_model("cham_net", **options)) <= 1e-5


def test_without_history_past_flux_is_not_read(case: Case, make_model: Callable[..., StreamingModel]) -> None:
    model = make_model("cham_net", history=False)
    with_flux = case.predict(model, 4, case.dataset.flux[:4])
    assert torch.equal(with_flux, case.predict(model, 4, torch.full_like(case.dataset.flux[:4], torch.nan)))


@pytest.mark.parametrize("config", [ChamNetConfig, UnifiedConfig])
def test_a_rank_without_film_is_refused(config: type[ChamNetConfig | UnifiedConfig]) -> None:
    with pytest.raises(ValidationError, match="hypernetwork_rank has no effect with film: false"):
        config(film=False, hypernetwork_rank=2)
