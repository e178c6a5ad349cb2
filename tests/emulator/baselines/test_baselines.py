"""Models without gradients: what they learn from, what they must not see, and that they learn."""

from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

from emulator import baselines
from emulator.baselines import gaussian_process, nearest, ridge, xgboost
from emulator.baselines.features import LAG_DAYS, LagFeatures
from emulator.baselines.flux_space import FluxSpace
from emulator.baselines.predictor import Predictor, StreamingPredictor
from emulator.baselines.sample import Design
from emulator.data import calendar as column
from emulator.data.bounds import Bounds, bounded
from emulator.data.dataset import Dataset
from emulator.data.scalers import Scalers, fit_scalers
from emulator.data.signature import Signature
from emulator.data.splits import Split, SplitConfig
from emulator.data.windows import training_data
from emulator.evaluation import metrics
from emulator.evaluation.offline import predict
from emulator.runs import trained_model
from emulator.runs.run_folder import RunFolder
from foundations.variables import BIOMES
from tests.emulator.synthetic import write_dataset

SIGNATURE = Signature.from_names(
    ("tas", "pr", "rsds", "tsl", "wtd", "lai"), ("lat", "lon", "elevation", "biome"), ("gpp", "ra", "rh", "nee", "fch4")
)
SPLIT = SplitConfig(test_years=1, validation_years=1, folds=4, validation_fraction=0.15, block_degrees=5.0)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """20 sites, 2003 to 2007."""
    path: Path = tmp_path_factory.mktemp("data") / "dataset.nc"
    return Dataset.open(write_dataset(path, sites=20, years=5, seed=4), SIGNATURE)


@pytest.fixture(scope="module")
def split(dataset: Dataset) -> Split:
    return SPLIT.build(dataset.lat, dataset.lon, dataset.years)


@pytest.fixture(scope="module", autouse=True)
def _small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for module, training, validation in ((ridge, 1500, 500), (xgboost, 1500, 500)):
            patch.setattr(module, "TRAINING_ROWS", training)
            patch.setattr(module, "VALIDATION_ROWS", validation)
        patch.setattr(xgboost, "ROUNDS", 20)
        for name, value in {"ROWS": 120, "SEARCH_ROWS": 60, "STEPS": 3}.items():
            patch.setattr(gaussian_process, name, value)
        patch.setattr(xgboost, "OPTIONS", xgboost.OPTIONS | {"learning_rate": 0.2, "max_depth": 4})
        yield


QUICK = [pytest.param(kind, marks=pytest.mark.slow) if kind == "gaussian_process" else kind for kind in baselines.KINDS]
FITTED: dict[tuple[str, int, bool], tuple[Dataset, Predictor]] = {}


def fitted(kind: str, dataset: Dataset, split: Split, past_flux: bool) -> Predictor:
    key = (kind, id(dataset), past_flux)
    if key not in FITTED:
        fit = import_module(f"emulator.baselines.{kind}").fit
        FITTED[key] = dataset, fit(dataset, split, SIGNATURE, past_flux=past_flux, seed=5)
    return FITTED[key][1]


def dates(dataset: Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Year, month and day of the record, (T,) each."""
    calendar = dataset.calendar.numpy()
    return calendar[:, column.YEAR], calendar[:, column.MONTH], calendar[:, column.DAY]


def everything(dataset: Dataset) -> torch.Tensor:
    return torch.ones(dataset.flux.shape[:2], dtype=torch.bool)


@pytest.mark.parametrize("past_flux", [False, True], ids=["none", "past"])
@pytest.mark.parametrize("kind", QUICK)
def test_fluxes_of_test_sites_and_test_years_reach_no_prediction(kind, past_flux, dataset, split):
    tested = dataset.day_mask(~(split.mask("train") | split.validation_mask()))
    spoiled = replace(dataset, flux=torch.where(tested[..., None], 7.0 * dataset.flux + 3.0, dataset.flux))
    assert not torch.equal(spoiled.flux, dataset.flux)

    visible = ~tested if past_flux else None
    before = fitted(kind, dataset, split, past_flux).predict(dataset, visible)
    after = fitted(kind, spoiled, split, past_flux).predict(spoiled, visible)

    np.testing.assert_array_equal(after, before)


def test_a_gaussian_process_knows_no_validation_days_that_calibrate_its_intervals(dataset, split):
    validation = dataset.day_mask(split.validation_mask())
    spoiled = replace(dataset, flux=torch.where(validation[..., None], 7.0 * dataset.flux + 3.0, dataset.flux))
    before = fitted("gaussian_process", dataset, split, False).predict(dataset)
    after = fitted("gaussian_process", spoiled, split, False).predict(spoiled)
    np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize("kind", QUICK)
def test_fluxes_of_the_training_data_do_reach_predictions(kind, dataset, split):
    trained = dataset.day_mask(split.mask("train"))
    other = replace(dataset, flux=torch.where(trained[..., None], 2.0 * dataset.flux, dataset.flux))

    before = fitted(kind, dataset, split, False).predict(dataset)
    after = fitted(kind, other, split, False).predict(dataset)

    assert np.abs(after - before)[split.test_sites].mean() > 0.05 * np.abs(before).mean()


@pytest.mark.parametrize("kind", QUICK)
def test_the_flux_of_a_year_moves_the_predictions_of_later_years_only(kind, dataset, split):
    predictor = fitted(kind, dataset, split, True)
    year = dataset.calendar[:, column.YEAR]
    other = replace(dataset, flux=torch.where((year == 2005)[None, :, None], 5.0 * dataset.flux + 1.0, dataset.flux))

    before, after = (predictor.predict(data, everything(data)) for data in (dataset, other))

    upto = (year <= 2005).numpy()
    np.testing.assert_array_equal(after[:, upto], before[:, upto])
    assert np.abs(after - before)[:, (year == 2006).numpy()].mean() > 0.01 * np.abs(before).mean()


@pytest.mark.parametrize("kind", baselines.KINDS)
def test_a_hidden_flux_is_not_read(kind, dataset, split):
    predictor = fitted(kind, dataset, split, True)
    nothing = torch.zeros(dataset.flux.shape[:2], dtype=torch.bool)

    np.testing.assert_array_equal(predictor.predict(dataset, nothing), predictor.predict(dataset))


@pytest.mark.parametrize("kind", ["ridge", "xgboost"])
def test_drivers_of_later_days_move_nothing(kind, dataset, split):
    predictor = fitted(kind, dataset, split, False)
    drivers = dataset.drivers.clone()
    drivers[:, 900:] = drivers[:, 900:].flip(1)

    before, after = predictor.predict(dataset), predictor.predict(replace(dataset, drivers=drivers))

    np.testing.assert_array_equal(after[:, :900], before[:, :900])
    assert (after[:, 900:] != before[:, 900:]).mean() > 0.5


@pytest.mark.parametrize("past_flux", [False, True], ids=["none", "past"])
@pytest.mark.parametrize("kind", ["ridge", "xgboost"])
def test_regressions_beat_the_climatology_of_the_biome_and_keep_the_constraints(kind, past_flux, dataset, split):
    visible = everything(dataset) if past_flux else None
    fluxes = fitted(kind, dataset, split, past_flux).predict(dataset, visible)
    climatology = fitted("climatology", dataset, split, False).predict(dataset)

    gpp, ra, rh, nee, fch4 = np.moveaxis(fluxes, -1, 0)
    assert fluxes.dtype == np.float32
    assert np.isfinite(fluxes).all()
    assert min(gpp.min(), ra.min(), rh.min()) >= 0.0
    assert fch4.min() < 0.0
    np.testing.assert_array_equal(nee, ra + rh - gpp)
    tested = dataset.day_mask(split.mask("temporal")).numpy()
    observed = dataset.flux[..., 0].numpy()[tested]
    assert metrics.rmse(observed, gpp[tested]) < 0.7 * metrics.rmse(observed, climatology[..., 0][tested])


def test_parameters_are_counted(dataset, split):
    assert fitted("climatology", dataset, split, False).parameters % (366 * 5) == 0
    assert fitted("ridge", dataset, split, False).parameters % 4 == 0
    assert fitted("xgboost", dataset, split, False).parameters > 4 * 30


def test_missing_flux_of_one_target_leaves_the_others_as_they_are(dataset, split):
    flux = dataset.flux.clone()
    flux[:, ::3, 4] = torch.nan
    gaps = replace(dataset, flux=flux)

    whole, partial = (fitted("ridge", data, split, False).predict(dataset) for data in (dataset, gaps))

    np.testing.assert_allclose(partial[..., :4], whole[..., :4], rtol=1e-4, atol=1e-5)
    assert np.isfinite(partial).all()
    assert (partial[..., 4] != whole[..., 4]).any()


def test_lag_features_are_trailing_means_of_scaled_drivers(dataset, split):
    scalers = fit_scalers(training_data(dataset, split.mask("train")), SIGNATURE)
    lags = LagFeatures(SIGNATURE, scalers)
    site, day = torch.tensor([2, 0, 1]), torch.tensor([0, 20, 1000])

    features = lags.rows(dataset.drivers, dataset.calendar, dataset.static, site, day)

    assert features.shape == (3, lags.size)
    scaled = lags.scaling(dataset.drivers).double()
    for row in range(3):
        for window, days in enumerate(LAG_DAYS):
            last = int(day[row]) + 1
            expected = scaled[site[row], max(0, last - days) : last].mean(0).float()
            torch.testing.assert_close(features[row, 6 * window : 6 * window + 6], expected, rtol=1e-4, atol=1e-5)


def test_a_driver_that_is_a_flag_becomes_classes():
    signature = Signature.from_names(("tas", "crop"), ("biome",), ("fch4",))
    lags = LagFeatures(signature, Scalers.identity(signature))
    drivers = torch.tensor([[[280.0, 0.0], [281.0, 3.0]]])
    calendar = torch.tensor([[2003, 1, 1, 1, 31, 365], [2003, 1, 2, 2, 31, 365]])

    rows = lags.rows(drivers, calendar, torch.tensor([[2.0]]), torch.tensor([0, 0]), torch.tensor([0, 1]))

    np.testing.assert_array_equal(rows[:, lags.lagged : lags.lagged + 5], [[1, 0, 0, 0, 0], [0, 0, 0, 1, 0]])


def test_ridge_solves_the_penalised_normal_equations(monkeypatch):
    monkeypatch.setattr(ridge, "PENALTIES", (0.3,))
    random = np.random.default_rng(1)
    inputs = random.normal(size=(400, 3))
    target = inputs @ [1.0, -2.0, 0.5] + 0.7 + 0.1 * random.normal(size=400)
    input_mean, target_mean = inputs.mean(0), target.mean(keepdims=True)
    gram = np.cov(inputs.T, bias=True)
    moment = (inputs - input_mean).T @ (target - target_mean)[:, None] / 400

    solution = ridge._solve(
        ridge.NormalEquations(input_mean, target_mean, gram, moment),
        0,
        inputs=inputs.astype(np.float32),
        observed=target,
        weight=np.ones(400),
    )

    slope = np.linalg.solve(gram + 0.3 * np.eye(3), moment[:, 0])
    np.testing.assert_allclose(solution.weights, [*slope, target_mean[0] - input_mean @ slope], rtol=1e-10)
    assert solution.penalty == 0.3


def test_the_penalty_grows_where_there_is_nothing_to_learn(dataset, split):
    noise = torch.as_tensor(np.random.default_rng(3).normal(size=tuple(dataset.flux.shape)).astype(np.float32)).abs()
    learned = fitted("ridge", dataset, split, False).penalty
    nothing = fitted("ridge", replace(dataset, flux=noise), split, False).penalty

    assert (nothing[:3] > 10.0 * learned[:3]).all()


def test_the_gain_makes_up_for_the_mean_of_a_skewed_error(dataset, split):
    space = Design.of(dataset, split, SIGNATURE, False).space
    standardised = np.linspace(-1, 1, 50)[:, None].repeat(4, axis=1)
    flux = space.fluxes(standardised).astype(np.float64)
    flux[:, space.learned] *= [1.2, 1.0, 0.8, 1.5]
    flux[7, 0] = np.nan

    scaled: FluxSpace = space.with_gain(standardised, flux, np.ones(50))

    np.testing.assert_allclose(scaled.gain, [1.2, 1.0, 1.0, 1.5], rtol=1e-5)
    np.testing.assert_allclose(scaled.fluxes(standardised)[:, 4], flux[:, 4], rtol=1e-5)


def test_the_nearest_site_gives_its_training_fluxes_and_is_never_the_site_itself(dataset, split):
    fluxes = fitted("nearest", dataset, split, False).predict(dataset)
    place = np.deg2rad(np.stack([dataset.lat, dataset.lon]))
    xyz = np.stack([np.cos(place[0]) * np.cos(place[1]), np.cos(place[0]) * np.sin(place[1]), np.sin(place[0])], 1)
    gap = np.linalg.norm(xyz[:, None] - xyz[None], axis=2)
    gap[np.arange(20), np.arange(20)] = np.inf
    gap[:, ~split.train_sites] = np.inf
    neighbour = gap.argmin(1)
    year = dataset.calendar[:, column.YEAR].numpy()
    trained = np.isin(year, dataset.years[split.train_years])
    flux = dataset.flux.numpy()

    np.testing.assert_array_equal(fluxes[:, trained], flux[neighbour][:, trained])
    month, day = dataset.calendar[:, column.MONTH].numpy(), dataset.calendar[:, column.DAY].numpy()
    later, around = (year == 2007) & (month == 6) & (day == 15), trained & (month == 6) & (day >= 8) & (day <= 22)
    expected = flux[neighbour][:, around].mean(axis=1)
    np.testing.assert_allclose(fluxes[:, later][:, 0], expected, rtol=1e-4)


def test_with_past_flux_the_nearest_is_the_site_itself_a_year_ago(dataset, split):
    visible = everything(dataset)
    visible[3] = False
    predictor = fitted("nearest", dataset, split, True)

    gauged, ungauged = predictor.predict(dataset, visible), predictor.predict(dataset)

    year, month, day = dates(dataset)
    now, before = ((month == 3) & (day == 1) & (year == y) for y in (2005, 2004))
    np.testing.assert_array_equal(gauged[:3, now], dataset.flux[:3, before].numpy())
    leap, before = (month == 2) & (day == 29), (month == 2) & (day == 28) & (year == 2003)
    np.testing.assert_array_equal(gauged[:3, leap], dataset.flux[:3, before].numpy())
    np.testing.assert_array_equal(gauged[3], ungauged[3])
    np.testing.assert_array_equal(gauged[:, year == 2003], ungauged[:, year == 2003])


def test_climatology_is_of_the_biome_and_with_past_flux_of_the_sites_earlier_years(dataset, split):
    predictor = fitted("climatology", dataset, split, True)
    year, month, day = dates(dataset)
    now = (year == 2006) & (month == 6) & (day == 15)
    around = (year < 2006) & (month == 6) & (day >= 8) & (day <= 22)

    gauged = predictor.predict(dataset, everything(dataset))
    biome = predictor.predict(dataset)

    np.testing.assert_allclose(gauged[:, now][:, 0], dataset.flux[:, around].mean(1).numpy(), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(gauged[:, year == 2003], biome[:, year == 2003])
    code = dataset.biome[split.train_sites][0]
    members = split.train_sites & (dataset.biome == code)
    around = np.isin(year, dataset.years[split.train_years]) & (month == 6) & (day >= 8) & (day <= 22)
    opposite = np.isin(year, dataset.years[split.train_years]) & (
        (month == 12) & (day >= 8) & (day <= 22)  # half of 366 days on
    )
    south = dataset.lat < 0.0
    parts = [dataset.flux[members & ~south][:, around], dataset.flux[members & south][:, opposite]]
    expected = torch.cat([part.flatten(0, 1) for part in parts]).mean(0).numpy()
    members &= ~south
    assert members.any()
    np.testing.assert_allclose(biome[members][:, now], np.broadcast_to(expected, (members.sum(), 1, 5)), rtol=1e-4)


def test_a_network_is_a_predictor_too(trained_run, tiny_dataset):
    trained = trained_model.load(RunFolder(trained_run("lstm")))
    data = Dataset.open(tiny_dataset, trained.signature)
    predictor = StreamingPredictor(trained.model)

    np.testing.assert_array_equal(predictor.predict(data), predict(trained.model, data))
    assert predictor.parameters == sum(p.numel() for p in trained.model.parameters())


@pytest.mark.parametrize("past_flux", [False, True], ids=["none", "past"])
@pytest.mark.parametrize("kind", QUICK)
def test_bounds_of_the_data_are_kept(kind, past_flux, dataset, split):
    """Uptake only: everywhere, or in some site classes and not in the others."""
    code, name = int(dataset.biome[split.test_sites][0]), BIOMES[int(dataset.biome[split.test_sites][0])]
    flux = dataset.flux - dataset.flux.mean((0, 1))
    flux[..., :4] = dataset.flux[..., :4]
    for biomes, inside in (((), np.full(20, True)), ((name,), dataset.biome == code)):
        signature = bounded(SIGNATURE, {"fch4": Bounds(max=0.0, biomes=biomes)})
        other = replace(dataset, flux=flux, signature=signature)
        fit = import_module(f"emulator.baselines.{kind}").fit
        predictor = fit(other, split, signature, past_flux=past_flux, seed=5)
        methane = predictor.predict(other, everything(other))[..., SIGNATURE.target_names.index("fch4")]
        assert methane[inside].max() <= 0.0
        assert methane.min() < 0.0
        assert inside.all() or methane[~inside].max() > 0.0


def test_sites_that_are_no_neighbours_are_told(dataset: Dataset, split: Split, caplog) -> None:
    flux = dataset.flux.clone()
    lacking = int(np.flatnonzero(split.train_sites)[0])
    flux[lacking, :, 4] = torch.nan
    predictor = nearest.fit(replace(dataset, flux=flux), split, SIGNATURE, past_flux=False, seed=1)
    assert dataset.site_id[lacking] not in predictor.site_id
    assert f"they lack fch4: {dataset.site_id[lacking]}" in caplog.text
