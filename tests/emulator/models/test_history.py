"""Months, interpolation and the pooling of past years, against numbers worked out by hand."""

import cftime
import numpy as np
import pytest
import torch

from emulator.data.calendar import calendar_table
from emulator.models.parts.contrastive import info_nce
from emulator.models.parts.history import HistoryEncoder, KernelPooling, MonthTokens
from emulator.models.parts.seasons import (
    calendars_differ,
    count_years,
    days_of_years,
    month_of_series,
    month_weights,
    sum_months,
)


def calendar_of(first_year: int, years: int, calendar: str = "standard") -> torch.Tensor:
    units = f"days since {first_year}-01-01"
    end = cftime.datetime(first_year + years, 1, 1, calendar=calendar)
    days = (end - cftime.datetime(first_year, 1, 1, calendar=calendar)).days
    return calendar_table(cftime.num2date(np.arange(days), units, calendar)).unsqueeze(0)


@pytest.mark.parametrize(("calendar", "february"), [("standard", 29), ("noleap", 28)])
def test_days_are_summed_by_month(calendar: str, february: int) -> None:
    table = calendar_of(2003, 2, calendar)
    year = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    month = month_of_series(table[0])
    sums = sum_months(torch.ones(table.shape[1], 3, 2), month, 24)
    assert sums.shape == (24, 3, 2)
    assert sums[:, 1, 0].tolist() == [*year, 31, february, *year[2:]]
    assert days_of_years(table[0]) == [365, 337 + february]
    assert count_years(table) == 2


def test_a_series_need_not_begin_with_the_year() -> None:
    assert days_of_years(calendar_of(2003, 2)[0, 40 : 365 + 20]) == [325, 20]


def test_rows_of_other_days_are_noticed() -> None:
    """Both of 1461 days, with the leap day in the second and in the fourth year."""
    table = calendar_of(2003, 4)
    assert calendars_differ(torch.cat([table, calendar_of(2001, 4)]))
    assert not calendars_differ(torch.cat([table, table]))
    assert not calendars_differ(table.expand(3, -1, -1))


def test_interpolation_hits_mid_months_and_joins_the_year() -> None:
    table = calendar_of(2003, 1, "noleap")
    daily = month_weights(table[0]) @ torch.arange(12.0) ** 2
    assert daily[15] == 0.0  # 16 January, the middle of 31 days
    assert daily[31 + 28 + 15] == 4.0
    halfway = (0.0 + 121.0) / 2
    assert daily[0] == pytest.approx(halfway - 121 / 2 / 31, rel=1e-5)
    assert daily[-1] == pytest.approx(halfway + 121 / 2 / 31, rel=1e-5)
    assert (daily[1:] - daily[:-1]).abs().max() < 5


def test_kernel_pooling_is_a_weighted_mean_over_lags() -> None:
    torch.manual_seed(0)
    pooling = KernelPooling(values=2, kernels=3, heads=2)
    with torch.no_grad():
        pooling.token.copy_(torch.tensor([5.0, -3.0]))
    values, gates = torch.randn(6, 2), torch.rand(6, 1) + 0.1
    sums, weights = torch.zeros(3, 2), torch.zeros(3)
    assert torch.allclose(pooling(sums, weights).view(2, 2), pooling.token.expand(2, 2))
    for value, gate in zip(values, gates, strict=True):
        sums, weights = pooling.push(sums, weights, value, gate)
    decay, mixture = torch.sigmoid(pooling.decay_logit), torch.softmax(pooling.mixture, 1)
    prior = torch.nn.functional.softplus(pooling.prior)
    lag = torch.arange(6, 0, -1.0)
    kernel = mixture @ decay[:, None] ** lag[None, :]
    weight = kernel * gates[:, 0]
    expected = (weight @ values + prior * pooling.token) / (weight.sum(1, keepdim=True) + prior)
    assert torch.allclose(pooling(sums, weights).view(2, 2), expected, atol=1e-6)


def test_past_flux_of_a_season_reaches_that_season() -> None:
    """Mean and last-year flux by month, mid-month: 1 in the first year, 3 in the second, from May on only."""
    history = HistoryEncoder(drivers=2, targets=1, token=4, year=4, season=3)
    table = calendar_of(2005, 3, "noleap")
    flux = torch.full((1, table.shape[1], 1), torch.nan)
    flux[:, 120:365] = 1.0
    flux[:, 365 + 120 : 730] = 3.0
    drivers = torch.randn(table.shape[1], 1, 2)
    with torch.no_grad():
        _, season, _ = history(drivers, flux.transpose(0, 1), table[0])
    climatology, certainty, last, last_known = season[:, 0, 3:].unbind(1)
    july = 181 + 15
    assert last_known[july] == 0
    assert climatology[july] == 0
    assert (last[365 + july], last_known[365 + july]) == (pytest.approx(1.0, rel=0.03), 1.0)
    assert climatology[730 + july] == pytest.approx(2.0, rel=0.03)
    assert certainty[730 + july] == pytest.approx(2 / 3)
    assert last[730 + july] == pytest.approx(3.0, rel=0.03)
    assert last_known[730 + 31 + 14] == 0


def test_info_nce_prefers_sites_that_stand_apart() -> None:
    torch.manual_seed(1)
    site = torch.arange(8)
    site_embedding = torch.randn(8, 1, 6).expand(8, 3, 6)
    apart, mixed = (
        info_nce(embedding, site, 0.1)
        for embedding in (site_embedding + 0.01 * torch.randn(8, 3, 6), torch.randn(8, 3, 6))
    )
    assert apart < 0.8
    assert mixed > 2.0
    # three equal embeddings a site, all sites equal: every other year is as likely as any
    assert info_nce(torch.ones(8, 3, 6), site, 0.1) == pytest.approx(np.log(23), rel=1e-5)


def test_info_nce_is_zero_without_pairs() -> None:
    assert info_nce(torch.randn(4, 1, 3), torch.arange(4), 0.1) == 0
    assert info_nce(torch.randn(1, 4, 3), torch.zeros(1, dtype=torch.int64), 0.1) == 0


def test_a_year_counts_by_the_share_of_its_months() -> None:
    torch.manual_seed(0)
    encoder = HistoryEncoder(2, 1)
    embedding, token = torch.randn(1, 32), torch.randn(1, 12, 16)
    weights = []
    for months in (0, 3, 12):
        present = torch.zeros(1, 12, 1)
        present[:, :months] = 1.0
        past = encoder.turn_year(
            torch.zeros(1, encoder.past_size), embedding, MonthTokens(token, present, torch.zeros(1, 12, 2))
        )
        weights.append(encoder.past_fields(past).year_weights)
    assert (weights[0] == 0).all()
    assert torch.allclose(weights[1], 0.25 * weights[2], rtol=1e-6)
    assert (weights[2] > 0).all()
