"""The training loss: masks, weights, and that small sites count."""

import numpy as np
import pytest
import torch

from emulator.training.losses import HUBER_DELTA, SHARE_OF_SIZE, LossWeights, flux_loss


def example(seed=0, sites=6, days=50):
    """Flux (N, T, 2) of sites whose size differs a thousandfold."""
    generator = torch.Generator().manual_seed(seed)
    size = torch.logspace(-1.5, 1.5, sites)[:, None, None]
    return size * (1 + 0.5 * torch.randn(sites, days, 2, generator=generator))


ALL_TERMS = LossWeights(1.0, 1.0, 1.0)


def build(flux, weights=ALL_TERMS, target_weight=(1.0, 1.0)):
    usable = torch.ones(flux.shape[:2], dtype=torch.bool)
    return flux_loss(weights, flux, usable, flux.abs().flatten(0, 1).nanmedian(0).values, torch.tensor(target_weight))


def test_perfect_prediction_costs_nothing_and_others_cost():
    flux, site = example(), torch.arange(6)
    loss = build(flux)
    assert loss(flux, flux, site).item() == 0.0
    assert loss(flux * 1.1, flux, site).item() > 0.0


def test_each_term_equals_its_formula():
    flux, site = example(1), torch.arange(6)
    prediction = flux * 0.8 + 0.01
    error = (prediction - flux).numpy().astype(float)

    def a(x):
        return np.arcsinh(x.numpy().astype(float) / scale)

    def huber(z):
        return np.where(abs(z) <= HUBER_DELTA, z**2, HUBER_DELTA * (2 * abs(z) - HUBER_DELTA))

    scale = flux.abs().flatten(0, 1).nanmedian(0).values.numpy().astype(float)
    wide = flux.numpy().astype(float)
    site_sd = np.sqrt(wide.var(axis=1, keepdims=True) + (SHARE_OF_SIZE**2) * (wide**2).mean(axis=1, keepdims=True))
    expected = {
        LossWeights(1, 0, 0): huber((a(prediction) - a(flux)) / a(flux).std(axis=(0, 1))).mean(),
        LossWeights(0, 1, 0): np.log1p((error / site_sd) ** 2).mean(),
        LossWeights(0, 0, 1): ((error / flux.numpy().astype(float).std(axis=(0, 1))) ** 2).mean(),
    }
    for weights, value in expected.items():
        assert build(flux, weights)(prediction, flux, site).item() == pytest.approx(value, rel=1e-4)
    total = build(flux, LossWeights(1, 1, 1))(prediction, flux, site).item()
    assert total == pytest.approx(sum(expected.values()), rel=1e-4)


def test_missing_targets_neither_count_nor_spoil_gradients():
    flux, site = example(2), torch.arange(6)
    holes = flux.clone()
    holes[:, ::3] = torch.nan
    prediction = (flux * 1.2).requires_grad_()
    loss = build(flux)(prediction, holes, site)
    loss.backward()
    assert torch.isfinite(prediction.grad).all()
    assert (prediction.grad[:, ::3] == 0).all()
    scored = torch.ones(50, dtype=torch.bool)
    scored[::3] = False
    assert loss.item() == pytest.approx(build(flux)(prediction[:, scored], flux[:, scored], site).item(), rel=1e-6)


def test_target_without_data_in_a_batch_is_left_out():
    flux, site = example(3), torch.arange(6)
    only_first = flux.clone()
    only_first[..., 1] = torch.nan
    loss = build(flux)
    prediction = flux * 1.3
    both = build(flux, target_weight=(1.0, 0.0))(prediction, flux, site)
    assert loss(prediction, only_first, site).item() == pytest.approx(both.item())
    assert loss(prediction, torch.full_like(flux, torch.nan), site).item() == 0.0


def test_site_term_counts_small_sites_as_much_as_large_ones():
    flux, site = example(4), torch.arange(6)
    spoiled_small, spoiled_large = flux.clone(), flux.clone()
    spoiled_small[2], spoiled_large[5] = flux[2].mean(), flux[5].mean()
    by_site, physical = build(flux, LossWeights(0, 1, 0)), build(flux, LossWeights(0, 0, 1))
    assert 0.3 < (by_site(spoiled_small, flux, site) / by_site(spoiled_large, flux, site)).item() < 3
    assert (physical(spoiled_small, flux, site) / physical(spoiled_large, flux, site)).item() < 0.01


def test_spreads_come_from_usable_days_only():
    flux = example(5)
    usable = torch.zeros(6, 50, dtype=torch.bool)
    usable[:4, :30] = True
    spoiled = torch.where(usable[..., None], flux, torch.full_like(flux, 1e9))
    scale = torch.tensor([1.0, 1.0])
    clean, spoilt = (flux_loss(LossWeights(), data, usable, scale, scale) for data in (flux, spoiled))
    assert all(torch.equal(a, b) for a, b in zip(clean.buffers(), spoilt.buffers(), strict=True))


def test_constant_and_unmeasured_targets_have_finite_spreads():
    flux = example(6)
    flux[..., 0], flux[..., 1] = 3.0, torch.nan
    loss = flux_loss(LossWeights(), flux, torch.ones(6, 50, dtype=torch.bool), torch.ones(2), torch.ones(2))
    assert all(torch.isfinite(buffer).all() for buffer in loss.buffers())
    assert torch.isfinite(loss(flux.nan_to_num() + 0.1, flux, torch.arange(6)))


def test_balance_counts_what_does_not_cancel_over_months_and_years():
    """The same daily errors cost the more, the longer they keep their sign; the other terms do not see it."""
    flux, site = example(8, days=2 * 365 + 1), torch.arange(6)
    size = 0.3 * flux.std(dim=1, keepdim=True)
    day = torch.arange(flux.shape[1])
    alternating = torch.where(day % 2 == 0, 1.0, -1.0)[:, None] * size
    yearly = torch.where(day % 365 < 182, 1.0, -1.0)[:, None] * size
    constant = torch.ones(len(day), 1) * size
    weights = LossWeights(0, 0, 0, 1.0)
    costs = [build(flux, weights)(flux + error, flux, site).item() for error in (alternating, yearly, constant)]
    assert costs[0] < 0.01 * costs[1]
    assert costs[1] < 0.6 * costs[2]
    assert build(flux, weights)(flux, flux, site).item() == 0.0
    daily = [build(flux, LossWeights(0, 1, 0))(flux + error, flux, site).item() for error in (alternating, constant)]
    assert daily[0] == pytest.approx(daily[1], rel=1e-5)


def test_balance_of_a_constant_error_is_its_formula_and_gaps_do_not_change_it():
    flux, site = example(9, days=365), torch.arange(6)
    weights = LossWeights(0, 0, 0, 1.0)
    loss = build(flux, weights)
    error = 0.5 * loss.site_spread[:, None, :]
    assert loss(flux + error, flux, site).item() == pytest.approx(2 * np.log1p(0.25), rel=1e-4)
    holes = flux.clone()
    holes[:, ::3] = torch.nan
    holes[:, 100:150] = torch.nan
    assert loss(flux + error, holes, site).item() == pytest.approx(2 * np.log1p(0.25), rel=1e-4)
    prediction = (flux + error).requires_grad_()
    loss(prediction, torch.full_like(flux, torch.nan), site).backward()
    assert torch.equal(prediction.grad, torch.zeros_like(flux))


def test_days_count_by_the_inverse_variance_of_their_measurement_above_a_floor():
    flux, site = example(4), torch.arange(6)
    loss = build(flux, LossWeights(0, 0, 1, uncertainty_floor=0.5))
    prediction = flux.clone()
    prediction[0, 0] += 1.0
    deviation = torch.zeros_like(flux)
    deviation[0, 0] = 0.5 * loss.site_spread[0]
    exact, noisy = (loss(prediction, flux, site, deviation=of) for of in (torch.zeros_like(flux), deviation))
    days = flux[..., 0].numel()
    assert noisy.item() / exact.item() == pytest.approx(0.5 * days / (days - 0.5), rel=1e-5)
    unknown = torch.where(deviation > 0, torch.nan, deviation)
    assert loss(prediction, flux, site, deviation=unknown).item() == pytest.approx(exact.item(), rel=1e-6)
    nothing_known = loss(prediction, flux, site, deviation=torch.full_like(flux, torch.nan))
    assert nothing_known.item() == pytest.approx(exact.item(), rel=1e-6)
