"""Scores of quantiles against closed forms, and intervals of fitted quantiles against their nominal coverage."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from emulator.data import calendar as column
from emulator.data.dataset import Dataset
from emulator.data.scalers import fit_scalers
from emulator.data.signature import Signature
from emulator.data.splits import Split
from emulator.data.windows import training_data
from emulator.evaluation.probabilistic import crps, finer, score
from emulator.evaluation.quantile_fitting import fit_quantiles
from emulator.evaluation.quantile_series import predict_quantiles, score_quantiles
from emulator.evaluation.views import View, years_known
from emulator.models.wrappers.quantiles import LEVELS, QuantileModel
from tests.emulator.synthetic import write_dataset

SITES, YEARS = 180, 4


def gaussian_crps(error: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Gneiting and Raftery 2007, eq. 21, with the sign of a loss."""
    z = torch.as_tensor(error / spread)
    density = torch.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    return spread * (z * (2 * torch.special.ndtr(z) - 1) + 2 * density - 1 / np.sqrt(np.pi)).numpy()


def gaussian_quantiles(mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    deviate = torch.special.ndtri(torch.tensor(LEVELS, dtype=torch.float64)).numpy()
    return mean[:, None] + spread[:, None] * deviate


def test_crps_of_a_normal_distribution_is_the_closed_form() -> None:
    random = np.random.default_rng(1)
    mean, spread = random.normal(0, 3, 4000), random.uniform(0.2, 5, 4000)
    observed = mean + spread * random.normal(size=4000)
    score = crps(observed, gaussian_quantiles(mean, spread), LEVELS)
    exact = gaussian_crps(observed - mean, spread)
    assert score.mean() == pytest.approx(exact.mean(), rel=2e-3)
    assert np.abs((score - exact) / spread).max() < 0.05


def test_crps_of_a_certain_prediction_is_the_absolute_error() -> None:
    observed = np.array([1.0, -2.5, 4.0])
    assert crps(observed, np.zeros((3, len(LEVELS))), LEVELS) == pytest.approx(np.abs(observed))


def test_finer_quantiles_of_a_normal_distribution_are_exact() -> None:
    fine = gaussian_quantiles(np.array([2.0]), np.array([3.0])) @ finer(LEVELS, 20)
    exact = 2.0 + 3.0 * torch.special.ndtri((torch.arange(20, dtype=torch.float64) + 0.5) / 20).numpy()
    assert fine[0] == pytest.approx(exact)


def test_calibrated_quantiles_score_as_such_and_too_narrow_ones_do_not() -> None:
    random = np.random.default_rng(2)
    spread = np.exp(random.normal(0, 1, 40_000))
    observed = spread * random.normal(size=40_000)
    observed[:100] = np.nan
    good = score(observed, gaussian_quantiles(np.zeros(40_000), spread), LEVELS)
    assert good["n"] == 39_900
    assert good["coverage90"] == pytest.approx(0.9, abs=0.01)
    assert good["below"] == pytest.approx(LEVELS, abs=0.01)
    assert good["pit"] == pytest.approx(np.ones(12), abs=0.08)
    assert good["spread_skill"]["slope"] == pytest.approx(1.0, abs=0.05)
    assert good["spread_skill"]["ratio"] == pytest.approx(1.0, abs=0.05)
    narrow = score(observed, gaussian_quantiles(np.zeros(40_000), 0.5 * spread), LEVELS)
    assert narrow["coverage90"] < 0.7
    assert narrow["pit"][0] > 2
    assert narrow["pit"][-1] > 2
    assert narrow["spread_skill"]["ratio"] == pytest.approx(0.5, abs=0.05)
    assert narrow["crps"] > good["crps"]
    blind = score(observed, gaussian_quantiles(np.zeros(40_000), random.permutation(spread)), LEVELS)
    assert abs(blind["spread_skill"]["slope"]) < 0.2


def test_nothing_known_is_no_score() -> None:
    assert score(np.full(3, np.nan), np.zeros((3, len(LEVELS))), LEVELS) == {"n": 0}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = Path(tmp_path_factory.mktemp("quantiles"))
    path = write_dataset(folder / "dataset.nc", sites=SITES, years=YEARS, seed=4)
    opened = Dataset.open(path, Signature.from_names(("tas",), ("lat", "lon", "elevation", "biome"), ("gpp", "fch4")))
    season = 1.2 + torch.sin(opened.calendar[:, column.DAY_OF_YEAR] / 58.1)
    size = torch.exp(torch.randn(SITES, 1, 2, generator=torch.Generator().manual_seed(9)))
    return replace(opened, flux=size * season[:, None] * torch.tensor([2.0, 20.0]))


@pytest.fixture(scope="module")
def split() -> Split:
    """Sites in turn: trained on, validation, test; two years to train on, one to validate, one to test."""
    kind, year = np.arange(SITES) % 3, np.arange(YEARS)
    return Split(kind == 0, kind == 1, kind == 2, year < 2, year == 2, year == 3, np.arange(SITES) // 3)


@pytest.fixture(scope="module")
def predicted(dataset: Dataset, split: Split) -> np.ndarray:
    """A predictor whose errors at a new site are alike on all days, and larger at new sites and where flux is large."""
    random = np.random.default_rng(5)
    flux = dataset.flux.numpy()
    size = np.where(split.train_sites, 0.05, 0.25)[:, None, None]
    site = random.normal(size=(SITES, 1, 2))
    factor = np.exp(size * (site + 0.5 * random.normal(size=flux.shape)))
    return (flux * factor).astype(np.float32)


@pytest.fixture(scope="module")
def model(dataset: Dataset, split: Split, predicted: np.ndarray) -> QuantileModel:
    return fit_quantiles(predicted, dataset, split)


def test_intervals_cover_what_they_say_at_new_sites_and_in_new_years(
    dataset: Dataset, split: Split, predicted: np.ndarray, model: QuantileModel
) -> None:
    """60 sites of each kind, whose errors are mostly one number each: binomial error of the coverage is 0.04."""
    for part, tolerance in (("temporal", 0.06), ("spatial", 0.08)):
        scores = score_quantiles(
            model, predicted, dataset, split.train_sites, dataset.day_mask(split.mask(part)).numpy()
        )
        for name in ("gpp", "fch4"):
            assert scores[name]["coverage90"] == pytest.approx(0.9, abs=tolerance), (part, name)
            assert scores[name]["spread_skill"]["slope"] == pytest.approx(1.0, abs=0.3), (part, name)


def test_new_sites_get_wider_intervals(dataset: Dataset, predicted: np.ndarray, model: QuantileModel) -> None:
    days = np.zeros(predicted.shape[:2], bool)
    days[:, ::30] = True
    widths = [
        np.diff(predict_quantiles(model, predicted, dataset, np.full(SITES, trained), days)[..., [0, -1]]).mean()
        for trained in (True, False)
    ]
    assert widths[1] > 2 * widths[0]


def test_quantiles_never_cross_and_keep_the_bounds(dataset: Dataset, model: QuantileModel) -> None:
    """Whatever is predicted, far outside training included."""
    random = np.random.default_rng(6)
    wild = (random.normal(size=(SITES, len(dataset.time), 2)) * 10.0 ** random.uniform(-3, 3, 2)).astype(np.float32)
    wild[..., 0] = np.abs(wild[..., 0])
    quantiles = predict_quantiles(model, wild, dataset, np.arange(SITES) % 2 == 0)
    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles) >= 0).all()
    assert quantiles[:, 0].min() >= 0.0
    assert quantiles[:, 1].min() < 0.0


def test_test_data_move_nothing(dataset: Dataset, split: Split, predicted: np.ndarray, model: QuantileModel) -> None:
    tested = dataset.day_mask(split.mask("temporal") | split.mask("spatial") | split.mask("spatiotemporal"))
    spoilt = replace(dataset, flux=torch.where(tested[..., None], torch.tensor(1e6), dataset.flux))
    refitted = fit_quantiles(predicted, spoilt, split)
    for name, value in model.state_dict().items():
        assert torch.equal(value, refitted.state_dict()[name]), name
    validated = dataset.day_mask(split.validation_mask())
    spoilt = replace(dataset, flux=torch.where(validated[..., None], torch.tensor(1e6), dataset.flux))
    assert not torch.equal(fit_quantiles(predicted, spoilt, split).factor, model.factor)


def test_known_past_flux_narrows_the_interval_where_it_helps(
    dataset: Dataset, split: Split, predicted: np.ndarray
) -> None:
    """Two ways to run one predictor: the gauged one knows the site's own error, as from past flux."""
    flux = dataset.flux.numpy()
    past_years = years_known(dataset)
    gauged = np.where(past_years[..., None] > 0, flux * (predicted / flux) ** 0.2, predicted)
    views = [View(predicted), View(gauged, past_years)]
    model = fit_quantiles(views, dataset, split)
    days = dataset.day_mask(split.mask("spatiotemporal")).numpy()
    for name, index in (("gpp", 0), ("fch4", 1)):
        width = [
            np.diff(predict_quantiles(model, view, dataset, split.train_sites, days)[:, index][:, [0, -1]]).mean()
            for view in views
        ]
        assert width[1] < 0.6 * width[0], name
        coverage = score_quantiles(model, views[1], dataset, split.train_sites, days)[name]["coverage90"]
        assert coverage == pytest.approx(0.9, abs=0.1)


def test_more_years_than_the_fit_saw_change_nothing(dataset: Dataset, split: Split, predicted: np.ndarray) -> None:
    past_years = years_known(dataset)
    model = fit_quantiles(View(predicted, past_years), dataset, split)
    seen = float(model.most_years)
    assert 0 < seen <= past_years.max()
    everywhere = np.ones(dataset.n_sites, bool)
    at_most, far_more, fewer = (
        predict_quantiles(model, View(predicted, np.full_like(past_years, years)), dataset, everywhere)
        for years in (seen, seen + 20, 1.0)
    )
    assert np.array_equal(at_most, far_more)
    assert seen == 1.0 or not np.array_equal(at_most, fewer)


def test_years_known_counts_earlier_years_only(dataset: Dataset) -> None:
    year = dataset.calendar[:, column.YEAR].numpy()
    visible = np.ones(dataset.flux.shape[:2], bool)
    visible[1, year < 2005] = False
    past_years = years_known(dataset, visible)
    assert [past_years[0, year == calendar_year].max() for calendar_year in (2003, 2004, 2005, 2006)] == [0, 1, 2, 3]
    assert [past_years[1, year == calendar_year].max() for calendar_year in (2003, 2004, 2005, 2006)] == [0, 0, 0, 1]


def test_missing_flux_is_left_out(dataset: Dataset, split: Split, predicted: np.ndarray) -> None:
    gaps = dataset.flux.clone()
    gaps[torch.rand(gaps.shape, generator=torch.Generator().manual_seed(1)) < 0.5] = torch.nan
    gaps[1] = torch.nan
    model = fit_quantiles(predicted, replace(dataset, flux=gaps), split)
    assert all(torch.isfinite(value).all() for value in model.state_dict().values())
    days = dataset.day_mask(split.mask("temporal")).numpy()
    score = score_quantiles(model, predicted, dataset, split.train_sites, days)["gpp"]
    assert score["coverage90"] == pytest.approx(0.9, abs=0.06)


def test_scripted_quantiles_of_one_day_are_those_of_the_series(
    dataset: Dataset, split: Split, predicted: np.ndarray, model: QuantileModel
) -> None:
    day = 200
    days = np.zeros(predicted.shape[:2], bool)
    days[:, day] = True
    series = predict_quantiles(model, predicted, dataset, split.train_sites, days)
    quantiles = torch.jit.script(model)(
        torch.from_numpy(predicted[:, day]),
        dataset.calendar[day],
        dataset.static,
        torch.zeros(SITES),
        torch.from_numpy(split.train_sites),
        torch.zeros(SITES, 0),
    )
    assert quantiles.detach().numpy() == pytest.approx(series, rel=1e-6)


def test_state_dict_rebuilds_the_quantiles(dataset: Dataset, split: Split, model: QuantileModel) -> None:
    from emulator.data.scalers import Scalers

    rebuilt = QuantileModel(dataset.signature, Scalers.identity(dataset.signature))
    rebuilt.load_state_dict(model.state_dict())
    fitted = fit_scalers(training_data(dataset, split.mask("train")), dataset.signature)
    assert torch.equal(rebuilt.targets.scale, fitted.target_scale)
