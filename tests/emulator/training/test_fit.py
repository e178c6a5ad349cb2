"""Training on a dataset in memory, and models with variables that the table does not know."""

import dataclasses
import threading

import numpy as np
import pytest
import torch

from emulator.configuration.schema import Config
from emulator.data.dataset import Dataset
from emulator.data.signature import Signature
from emulator.evaluation.offline import predict
from emulator.runs import trained_model
from emulator.runs.run_folder import RunFolder, RunFolderError
from emulator.training.fit import fit
from foundations import configuration_file, folder_lock
from foundations.configuration_file import ConfigError
from foundations.variables import Variable
from tests.emulator.training.test_train import assert_same_run, curve

HIDDEN = (
    Variable("vcmax", "1", "static", "factor on photosynthetic capacity"),
    Variable("decay", "1", "static", "factor on decomposition"),
)


@pytest.fixture(scope="module")
def material(tiny_config):
    config = configuration_file.load(Config, tiny_config)
    dataset = Dataset.open(config.data.path, config.data.signature())
    return config, dataset, config.split.build(dataset.lat, dataset.lon, dataset.years)


def oracle_material(material):
    """The dataset with two more statics, and the signature that says so."""
    config, dataset, split = material
    signature = config.data.signature()
    signature = dataclasses.replace(signature, statics=signature.statics + HIDDEN)
    hidden = torch.rand(dataset.n_sites, 2, generator=torch.Generator().manual_seed(1)) + 0.5
    static = torch.cat([dataset.static, hidden], dim=1)
    return config, dataclasses.replace(dataset, static=static, signature=signature), split, signature


def test_fit_in_memory_is_the_run_of_the_command_line(material, trained_run, tmp_path):
    progress = fit(*material, tmp_path / "run")
    assert_same_run(tmp_path / "run", trained_run("lstm"))
    assert progress.best_epoch == max(line["epoch"] for line in curve(tmp_path / "run") if line["best"])


def test_fit_goes_on_and_refuses_other_data(material, tmp_path):
    config, dataset, split = material
    short = config.model_copy(update={"training": config.training.model_copy(update={"epochs": 1})})
    fit(short, dataset, split, tmp_path)
    before = (tmp_path / "log.jsonl").read_bytes()
    fit(short, dataset, split, RunFolder(tmp_path))
    assert (tmp_path / "log.jsonl").read_bytes() == before
    with pytest.raises(RunFolderError, match="holds a run already"):
        fit(short, dataset, split, tmp_path, resume=False)
    masked = dataclasses.replace(dataset, flux=torch.where(dataset.flux > 0, dataset.flux, torch.nan))
    with pytest.raises(RunFolderError, match="has changed since the run began"):
        fit(short, masked, split, tmp_path)
    with folder_lock.locked(tmp_path, "training"), pytest.raises(folder_lock.FolderBusy):
        fit(short, dataset, split, tmp_path)


def test_fit_needs_no_file(material, tmp_path):
    config, dataset, split = material
    short = config.model_copy(update={"training": config.training.model_copy(update={"epochs": 1})})
    fit(short, dataclasses.replace(dataset, path=tmp_path / "made_in_memory"), split, tmp_path / "run")
    origin = trained_model.load(tmp_path / "run").provenance
    assert origin["dataset_hash"] is None
    assert len(origin["tensors_hash"]) == 64


def test_an_oracle_is_trained_and_rebuilt_with_its_hidden_parameters(material, tmp_path):
    config, dataset, split, signature = oracle_material(material)
    fit(config, dataset, split, tmp_path, signature=signature)
    trained = trained_model.load(tmp_path)
    assert trained.signature == signature
    assert trained.signature.static_names[-2:] == ("vcmax", "decay")
    with_signature = trained_model.load(tmp_path, signature=signature)
    prediction = predict(trained.model, dataset)
    assert np.array_equal(prediction, predict(with_signature.model, dataset))
    other = dataset.static.clone()
    other[:, -1] += 0.3
    changed = predict(trained.model, dataclasses.replace(dataset, static=other))
    assert np.abs(changed - prediction).max() > 1e-4, "the hidden parameters do not reach the model"
    assert "decay" in trained.description["static_ranges"]
    with pytest.raises(RunFolderError, match="trained with the static names .*decay, not"):
        trained_model.load(tmp_path, signature=config.data.signature())


def test_a_signature_that_does_not_fit_the_dataset_is_named(material, tmp_path):
    config, dataset, split, _ = oracle_material(material)
    with pytest.raises(ConfigError, match="has 7 statics, the signature 5: lat, lon, elevation, ph, biome"):
        fit(config, dataset, split, tmp_path)


def test_signatures_survive_json(material):
    _, _, _, signature = oracle_material(material)
    plain = signature.to_dict()
    assert Signature.from_dict(plain) == signature
    assert Signature.from_dict(plain).static_names[-2:] == ("vcmax", "decay")


def test_fit_runs_outside_the_main_thread(material, tmp_path):
    config, dataset, split = material
    short = config.model_copy(update={"training": config.training.model_copy(update={"epochs": 1})})
    thread = threading.Thread(target=fit, args=(short, dataset, split, tmp_path))
    thread.start()
    thread.join()
    assert len(curve(tmp_path)) == 1
