"""The regression on a site's past: its answer, its memory, its two faces, and that it is the part that pays."""

import cftime
import numpy as np
import pytest
import torch
from torch import Tensor

from emulator.data import calendar as column
from emulator.data.calendar import calendar_table
from emulator.models.parts.seasons import days_of_years
from emulator.models.parts.site_regression import SiteRegression, adaptation

SITES, FEATURES, TARGETS, YEARS = 3, 4, 2, 4


@pytest.fixture
def calendar() -> Tensor:
    dates = cftime.num2date(np.arange(1461), "days since 2003-01-01", "standard")
    return calendar_table(dates)


@pytest.fixture
def series(calendar: Tensor) -> tuple[Tensor, Tensor]:
    """Features (N, T, K) and residuals (N, T, L), a tenth of them unknown."""
    torch.manual_seed(3)
    features = torch.randn(SITES, len(calendar), FEATURES)
    residual = torch.randn(SITES, len(calendar), TARGETS) + features[..., :TARGETS]
    residual[torch.rand_like(residual) < 0.1] = torch.nan
    return features, residual


def no_prior() -> Tensor:
    return torch.zeros(SITES, TARGETS, FEATURES)


def coefficients_of(
    model: SiteRegression, features: Tensor, residual: Tensor, calendar: Tensor, prior: Tensor | None = None
) -> Tensor:
    days = days_of_years(calendar)
    assert len(days) == YEARS
    by_year = [series.transpose(0, 1).split(days) for series in (features, residual)]
    with torch.no_grad():
        return model(*(list(years) for years in by_year), no_prior() if prior is None else prior)


def reference(
    features: np.ndarray, residual: np.ndarray, year: np.ndarray, until: int, model: SiteRegression
) -> np.ndarray:
    """Posterior mean of one site and target by weighted least squares, memory after memory, plain numpy."""
    decay = torch.sigmoid(model.decay_logit).detach().double().numpy()
    coefficients = np.zeros(features.shape[1])
    for number in range(2):
        precision = np.diag(np.exp(model.log_precision[number, 0].detach().double().numpy()))
        observed = np.isfinite(residual) & (year < until)
        weight = decay[number] ** (until - year[observed]) / 365.0
        x = features[observed].astype(float)
        gram = (x * weight[:, None]).T @ x + precision
        coefficients = np.linalg.solve(gram, x.T @ (weight * residual[observed]) + precision @ coefficients)
    return coefficients


def test_it_is_bayesian_regression_on_past_years(series, calendar) -> None:
    features, residual = series
    model = SiteRegression(FEATURES, TARGETS)
    torch.nn.init.normal_(model.log_precision, std=0.5)
    coefficients = coefficients_of(model, features, residual, calendar)
    assert coefficients.shape == (SITES, YEARS, TARGETS, FEATURES)
    assert (coefficients[:, 0] == 0).all()
    year = calendar[:, column.YEAR].numpy() - 2003
    for site, until in ((0, 1), (2, 3)):
        expected = reference(features[site].numpy(), residual[site, :, 0].numpy(), year, until, model)
        np.testing.assert_allclose(coefficients[site, until, 0].numpy(), expected, rtol=1e-5, atol=1e-6)


def test_stepping_is_forward(series, calendar) -> None:
    features, residual = series
    model = torch.jit.script(SiteRegression(FEATURES, TARGETS))
    expected = coefficients_of(model, features, residual, calendar)
    state = model.init_state(no_prior())
    assert state.shape == (SITES, model.state_size)
    with torch.no_grad():
        for day in range(len(calendar)):
            year = int(calendar[day, column.YEAR]) - 2003
            assert torch.allclose(model.read(state), expected[:, year], atol=2e-6)
            state = model.advance(features[:, day], residual[:, day], calendar[day], state, no_prior())


def test_a_year_cannot_move_itself(series, calendar) -> None:
    features, residual = series
    model = SiteRegression(FEATURES, TARGETS)
    before = coefficients_of(model, features, residual, calendar)
    residual = residual.clone()
    residual[:, calendar[:, column.YEAR] == 2005] += 10.0
    after = coefficients_of(model, features, residual, calendar)
    assert torch.equal(before[:, :3], after[:, :3])
    assert not torch.allclose(before[:, 3], after[:, 3])


def test_without_known_flux_the_prior_holds(series, calendar) -> None:
    features, residual = series
    prior = torch.randn(SITES, TARGETS, FEATURES)
    unknown = torch.full_like(residual, torch.nan)
    coefficients = coefficients_of(SiteRegression(FEATURES, TARGETS), features, unknown, calendar, prior)
    assert torch.allclose(coefficients, prior.unsqueeze(1).expand_as(coefficients), atol=1e-6)


def test_short_memory_follows_a_site_that_changes(calendar) -> None:
    """After two years of one response and one of another, the answer is nearer to the last than one memory's."""
    torch.manual_seed(5)
    features = torch.randn(SITES, len(calendar), FEATURES)
    changed = (calendar[:, column.YEAR] >= 2005).float()[:, None]
    residual = features[..., :TARGETS] * (1.0 - 2.0 * changed)
    model = SiteRegression(FEATURES, TARGETS, memory_years=(100.0, 0.5))
    with torch.no_grad():
        model.log_precision.fill_(-4.0)
        both = coefficients_of(model, features, residual, calendar)[0, 3, 0, 0]
        model.log_precision[1].fill_(6.0)
        long = coefficients_of(model, features, residual, calendar)[0, 3, 0, 0]
    assert 0.2 < long < 0.5
    assert both < 0.0


def test_adaptation_is_a_bounded_product(series) -> None:
    features, _ = series
    coefficients = torch.randn(SITES, 1, TARGETS, FEATURES)
    expected = torch.einsum("nocp,ntp->ntc", coefficients, features)
    assert torch.allclose(adaptation(0.01 * coefficients, features), 0.01 * expected, atol=1e-4)
    assert adaptation(1e6 * coefficients, features).abs().max() <= 5.0
