"""Features of past flux: what they are, that they come from earlier years only, and how models use them."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from emulator.data import calendar as column
from emulator.data.windows import Batch
from emulator.models.parts.past_flux import PastFluxFeatures
from emulator.models.streaming import StreamingModel, step_through
from tests.emulator.models.conftest import WITH_PAST_FLUX, Case

DATE = [column.YEAR, column.MONTH, column.DAY]


def gappy_flux(days: slice, sites: int = 3) -> torch.Tensor:
    """Standardised noise, a third of it unknown, one site without any."""
    random = torch.Generator().manual_seed(5)
    flux = torch.randn(sites, days.stop - days.start, 2, generator=random)
    flux[torch.rand(flux.shape, generator=random) < 0.33] = torch.nan
    flux[0] = torch.nan
    return flux


def reference(flux: np.ndarray, calendar: np.ndarray, day: int) -> np.ndarray:
    """Features of a day from one series (T, C), day by day from dates."""

    def slot(row: np.ndarray) -> int:
        after_gap = row[column.DAYS_IN_YEAR] == 365 and row[column.MONTH] > 2
        return int(row[column.DAY_OF_YEAR] - 1 + after_gap)

    year, present_slot = calendar[day, column.YEAR], slot(calendar[day])
    last, past, overall = [], [], []
    for other in range(len(flux)):
        distance = abs(slot(calendar[other]) - present_slot)
        distance = min(distance, 366 - distance)
        if calendar[other, column.YEAR] < year:
            overall.append(flux[other])
            if distance <= 7:
                past.append(flux[other])
        if calendar[other, column.YEAR] == year - 1 and distance <= 2:
            last.append(flux[other])
    means, certainty = [], []
    for fluxes, width in ((last, 5), (past, 15), (overall, 366)):
        window = np.array(fluxes).reshape(-1, flux.shape[1])
        count = np.isfinite(window).sum(0)
        means.append(np.nansum(window, 0) / np.maximum(count, 1))
        certainty.append(count / width / (count / width + 1))
    return np.concatenate(means + certainty)


@pytest.mark.parametrize("date", [(2003, 5, 5), (2004, 1, 2), (2004, 2, 29), (2005, 3, 1), (2006, 12, 31)])
def test_features_are_the_means_they_say(case: Case, date: tuple[int, int, int]) -> None:
    """Of a series from 21 January 2003 on, with the leap year 2004 in it."""
    days = slice(20, case.dataset.days(2003, 2006).stop)
    calendar, flux = case.dataset.calendar[days], gappy_flux(days)
    day = int(torch.nonzero((calendar[:, DATE] == torch.tensor(date)).all(1))[0])
    features = PastFluxFeatures(2)(flux, calendar.expand(3, -1, -1))[:, day].numpy()
    expected = np.stack([reference(site, calendar.numpy(), day) for site in flux.numpy()])
    assert np.allclose(features, expected, atol=1e-5)
    year, _, _ = date
    assert (features[0] == 0).all()
    assert year == 2003 or (features[1:, 4:6] != 0).all()


def test_streaming_features_are_the_same(case: Case) -> None:
    days = slice(200, 200 + 900)
    calendar, flux, features = case.dataset.calendar[days], gappy_flux(days), PastFluxFeatures(2)
    state, online = features.init_state(flux), []
    assert state.shape == (3, features.state_size)
    for day in range(900):
        online.append(features.read(calendar[day], state))
        state = features.advance(flux[:, day], calendar[day], state)
    assert torch.allclose(torch.stack(online, 1), features(flux, calendar.expand(3, -1, -1)), atol=1e-6)


def test_flux_of_a_day_reaches_the_same_season_of_later_years(case: Case) -> None:
    days = case.dataset.days(2003, 2006)
    calendar = case.dataset.calendar[days]
    flux = torch.full((1, len(calendar), 1), torch.nan)
    flux[0, 180] = 1.0  # 30 June 2003
    last, past, overall = PastFluxFeatures(1)(flux, calendar.unsqueeze(0))[0, :, :3].unbind(1)
    in_year = [calendar[:, column.YEAR] == year for year in (2003, 2004, 2005, 2006)]
    assert [int((last[year] != 0).sum()) for year in in_year] == [0, 5, 0, 0]
    assert [int((past[year] != 0).sum()) for year in in_year] == [0, 15, 15, 15]
    assert [int((overall[year] != 0).sum()) for year in in_year] == [0, 366, 365, 365]


@pytest.mark.parametrize("kind", WITH_PAST_FLUX)
def test_stepping_is_forward(case: Case, make_model: Callable[..., StreamingModel], kind: str) -> None:
    """All other promises of models with past flux are tested in test_streaming, for the LSTM, and slowly for others."""
    model, data, days = make_model(kind, past_flux="ungauged"), case.dataset, slice(300, 1200)
    flux = data.flux[:3, days]
    with torch.no_grad():
        offline = model(data.drivers[:3, days], case.calendar(3)[:, days], data.static[:3], flux)
        start = model.init_state(data.static[:3])
        online, _ = step_through(model, data.drivers[:3, days], data.calendar[days], start, flux)
    spread = case.training.flux.flatten(0, 1).std(0)
    assert ((online - offline).abs() / spread).max() <= 1e-5


@pytest.mark.parametrize("kind", WITH_PAST_FLUX)
def test_flux_of_the_predicted_year_moves_nothing_in_it(
    case: Case, make_model: Callable[..., StreamingModel], kind: str
) -> None:
    model = make_model(kind, past_flux="ungauged")
    days, data = case.dataset.days(2003, 2005), case.dataset
    present = data.calendar[days, column.YEAR] == 2004
    no_flux = torch.full_like(data.flux[:3, days], torch.nan)
    flux, changed = data.flux[:3, days].clone(), data.flux[:3, days].clone()
    changed[:, present] = 100.0
    arguments = data.drivers[:3, days], case.calendar(3)[:, days], data.static[:3]
    with torch.no_grad():
        before, after, ungauged = (model(*arguments, past) for past in (flux, changed, no_flux))
    until = int(torch.nonzero(present)[-1]) + 1
    assert torch.equal(before[:, :until], after[:, :until])
    assert not torch.equal(before[:, until], after[:, until])
    assert torch.equal(before[:, :365], ungauged[:, :365])
    assert not torch.equal(before[:, 365], ungauged[:, 365])


def test_self_fed_steps_are_forward_on_own_predictions(case: Case, make_model: Callable[..., StreamingModel]) -> None:
    model = make_model("lstm", past_flux="self_fed")
    data, days = case.dataset, case.dataset.days(2003, 2005)
    arguments = data.drivers[:3, days], case.calendar(3)[:, days], data.static[:3]
    with torch.no_grad():
        fed, _ = step_through(model, arguments[0], data.calendar[days], model.init_state(data.static[:3]))
        on_own_fluxes, ungauged = model(*arguments, fed), model(*arguments, torch.full_like(fed, torch.nan))
    spread = case.training.flux.flatten(0, 1).std(0)
    assert ((fed - on_own_fluxes).abs() / spread).max() <= 1e-5
    assert ((fed - ungauged).abs() / spread).max() > 1e-3


def test_training_hides_the_past_flux_of_some_sites(case: Case, make_model: Callable[..., StreamingModel]) -> None:
    data, days = case.dataset, case.dataset.days(2003, 2004)
    flux = data.flux[:, days]
    batch = Batch(data.drivers[:, days], case.calendar(12)[:, days], data.static, flux, flux, torch.arange(12))
    torch.manual_seed(4)
    model = make_model("lstm", past_flux="ungauged", ungauged_share=0.5, dropout=0.0)
    with torch.no_grad():
        prediction = model.training_outputs(batch).prediction
        gauged, ungauged = (
            model(batch.drivers, batch.calendar, batch.static, past)
            for past in (flux, torch.full_like(flux, torch.nan))
        )
    is_gauged, is_ungauged = (torch.isclose(prediction, other).flatten(1).all(1) for other in (gauged, ungauged))
    assert (is_gauged ^ is_ungauged).all()
    assert is_gauged.any()
    assert is_ungauged.any()
