"""The validation loss: what it runs, and that limits are kept and are the same every time."""

import dataclasses

import numpy as np
import pytest
import torch

from emulator.configuration.schema import Config
from emulator.data import calendar as column
from emulator.data.dataset import Dataset
from emulator.training import assembly
from emulator.training.validation_loss import Validation
from foundations import configuration_file


@pytest.fixture(scope="module")
def material(tiny_config):
    config = configuration_file.load(Config, tiny_config)
    dataset = Dataset.open(config.data.path, config.data.signature())
    return config, dataset, config.split.build(dataset.lat, dataset.lon, dataset.years)


def validation(material, **options):
    config, dataset, split = material
    parts, _ = assembly.build(config, dataset, split, config.data.signature(), {"git_hash": "", "config_hash": ""})
    options = {"batch_size": 4, "max_sites": 64, "seed": 3, **options}
    return Validation(dataset, split, parts.loss, **options), parts.model.eval()


def sites(part):
    return torch.cat([batch.site for batch in part]).tolist()


def test_training_sites_are_scored_in_later_years_and_new_sites_in_all_but_test_years(material):
    _, _, split = material
    validate, _ = validation(material)
    gauged, ungauged = validate.parts
    assert sites(gauged) == np.flatnonzero(split.train_sites).tolist()
    assert sites(ungauged) == np.flatnonzero(split.validation_sites).tolist()
    for batch in gauged:
        year = batch.calendar[..., column.YEAR]
        assert int(year.max()) == 2005, "2006 is the test year"
        assert torch.isfinite(batch.target[year == 2005]).all()
        assert torch.isnan(batch.target[year < 2005]).all()
        assert torch.isnan(batch.flux[year == 2005]).all()
        assert torch.isfinite(batch.flux[year < 2005]).all()
    assert all(torch.isnan(batch.flux).all() and torch.isfinite(batch.target).all() for batch in ungauged)


def test_limits_of_sites_and_years(material):
    _, _, split = material
    validate, model = validation(material, max_sites=2, record_years=2)
    same_limits, _ = validation(material, max_sites=2, record_years=2)
    gauged, ungauged = validate.parts
    assert len(sites(gauged)) == 2
    assert set(sites(gauged)) <= set(np.flatnonzero(split.train_sites).tolist())
    assert len(sites(ungauged)) == min(2, split.validation_sites.sum())
    assert [sites(part) for part in same_limits.parts] == [sites(part) for part in validate.parts]
    for batch in gauged + ungauged:
        assert batch.calendar[0, 0].tolist()[:3] == [2004, 1, 1]
        assert int(batch.calendar[..., column.YEAR].max()) == 2005
    assert validate(model) == same_limits(model)
    unlimited, _ = validation(material)
    assert validate(model) != unlimited(model)


def test_years_without_validation_data_are_an_error(material):
    config, dataset, split = material
    bare = dataclasses.replace(dataset, flux=torch.full_like(dataset.flux, torch.nan))
    with pytest.raises(ValueError, match="gpp: is missing on all days of the training data"):
        validation((config, bare, split))
