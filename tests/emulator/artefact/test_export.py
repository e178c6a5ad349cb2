"""Prediction and export: the artefact, stepped as a host does, gives what `predict` gives."""

import json
import zipfile

import netCDF4
import numpy as np
import pytest
import torch

from emulator import predict as predict_command
from emulator import train
from emulator.artefact import exporting, native
from emulator.artefact import metadata as artefact
from emulator.artefact.metadata import ArtefactError
from emulator.artefact.native.checking import ProgramMismatch
from emulator.data.dataset import Dataset
from emulator.data.signature import Signature
from emulator.export import main
from emulator.models.streaming import step_through
from emulator.runs.run_folder import RunFolder
from tests.emulator.models.conftest import KINDS as REGISTERED
from tests.emulator.models.conftest import WITH_PAST_FLUX
from tests.emulator.predicting import predictions

KINDS = ("lstm", *(kind for kind in REGISTERED if kind not in WITH_PAST_FLUX))
BASELINES = tuple(kind for kind in WITH_PAST_FLUX if kind != "lstm")
INPUTS = ("tas", "pr", "rsds", "vpd", "co2", "tsl", "wtd", "lai")
STATICS = ("lat", "lon", "elevation", "ph", "biome")


@pytest.fixture(scope="module")
def exported(trained_run, tmp_path_factory):
    """Artefact of a kind, exported on first use."""
    done = {}

    def path(kind):
        if kind not in done:
            out = tmp_path_factory.mktemp("artefacts") / f"{kind}.pt"
            assert main([str(trained_run(kind)), "--out", str(out)]) == 0
            done[kind] = out
        return done[kind]

    return path


@torch.no_grad()
def stepped(path, dataset, sites):
    module = exporting.load_module(path)
    state = module.init_state(dataset.static[sites])
    return step_through(module, dataset.drivers[sites], dataset.calendar, state)[0].numpy()


def assert_equal_within(fluxes, expected, dataset, tolerance=1e-5):
    """To a share of the standard deviation of the targets."""
    spread = dataset.flux.numpy().std(axis=(0, 1))
    assert (np.abs(fluxes - expected).max(axis=(0, 1)) <= tolerance * spread).all()


@pytest.mark.parametrize("kind", KINDS)
def test_stepping_the_artefact_equals_predict(kind, trained_run, exported, tiny_dataset, tmp_path):
    predicted = predictions(RunFolder(trained_run(kind)), tiny_dataset, tmp_path / "p.nc")
    dataset = Dataset.open(tiny_dataset, Signature.from_names(INPUTS, STATICS))
    sites = np.array([0, 7, 15])
    assert_equal_within(stepped(exported(kind), dataset, sites), predicted[sites], dataset)
    with netCDF4.Dataset(tmp_path / "p.nc") as file:
        assert np.array_equal(file["fch4"][:].filled(), predicted[..., 4])
        assert (file["fch4"].units, file["fch4"].file_units) == ("mg m-2 day-1", "kg m-2 s-1")


@pytest.mark.slow
def test_self_fed_artefact_equals_self_fed_prediction(trained_run, tiny_dataset, tmp_path):
    run = RunFolder(trained_run("cham_net"))
    metadata = exporting.export(run, tmp_path / "m.pt", past_flux="self_fed")
    assert metadata.past_flux == "self_fed"
    predicted = predictions(run, tiny_dataset, tmp_path / "p.nc", past_flux="self_fed")
    ungauged = predictions(run, tiny_dataset, tmp_path / "p.nc")
    assert np.array_equal(predicted[:, :365], ungauged[:, :365])
    assert not np.allclose(predicted, ungauged, rtol=1e-3)
    dataset = Dataset.open(tiny_dataset, Signature.from_names(INPUTS, STATICS))
    assert_equal_within(stepped(tmp_path / "m.pt", dataset, np.array([3, 9])), predicted[[3, 9]], dataset)


@pytest.mark.parametrize("kind", KINDS)
def test_metadata_says_what_a_host_must_know(kind, exported, trained_run):
    metadata = artefact.read_artefact(exported(kind)).metadata
    assert metadata.kind == kind
    assert metadata.backends == ("native", "torchscript")
    assert metadata.name == kind
    assert [entry.name for entry in metadata.inputs] == list(INPUTS)
    assert [entry.name for entry in metadata.statics] == list(STATICS)
    tas, biome, fch4 = metadata.inputs[0], metadata.statics[4], metadata.targets[4]
    assert tas.units == "K"
    assert tas.valid_min <= tas.train_min < tas.train_max <= tas.valid_max
    assert biome.flag_values[:6] == (1, 2, 3, 4, 5, 6)
    assert biome.train_min is None
    assert (fch4.name, fch4.units, fch4.min) == ("fch4", "mg m-2 day-1", None)
    assert metadata.targets[0].min == 0.0
    assert metadata.past_flux == ("none" if kind == "lstm" else metadata.past_flux)
    assert metadata.state_size == exporting.load_module(exported(kind)).init_state(torch.zeros(2, 5)).shape[1]
    provenance = json.loads((trained_run(kind) / "provenance.json").read_text())
    assert all(
        metadata.provenance[key] == provenance[key] for key in ("git_hash", "dataset_hash", "config_hash", "seed")
    )


def test_reference_covers_more_than_a_year_with_a_new_year(exported):
    exported_artefact = artefact.read_artefact(exported("lstm"))
    spec = exported_artefact.metadata.reference
    assert spec.ncell == 3
    assert spec.nstep >= 400
    assert spec.start_date.isoformat() == "2003-12-01"
    assert exported_artefact.reference.drivers.shape == (spec.nstep, 3, len(INPUTS))
    assert np.isfinite(exported_artefact.reference.expected).all()
    assert exported_artefact.reference.expected.std() > 0
    assert exporting.verify(exported("lstm")) == 0.0


def test_verify_notices_a_changed_answer(exported, tmp_path):
    changed = tmp_path / "changed.pt"
    with zipfile.ZipFile(exported("lstm")) as source, zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith("reference.f32"):
                content = content[:-4] + np.float32(123.0).tobytes()
            target.writestr(name, content)
    with pytest.raises(exporting.ExportError, match="replaying the reference run differs by"):
        exporting.verify(changed)


def test_verify_notices_a_native_program_of_another_model(exported, tmp_path):
    changed = tmp_path / "changed.pt"
    with zipfile.ZipFile(exported("lstm")) as source, zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith("native.bin"):
                content = (1.01 * np.frombuffer(content, "<f4")).astype("<f4").tobytes()
            target.writestr(name, content)
    with pytest.raises(exporting.NativeError, match="the native program differs from the model: .* differs by"):
        exporting.verify(changed)


@pytest.mark.parametrize("fault", ["lowering", "checking"])
def test_a_model_without_native_program_is_exported_for_torchscript(fault, trained_run, tmp_path, monkeypatch, caplog):
    def refuse(*_):
        error = native.LoweringError if fault == "lowering" else ProgramMismatch
        message = "operation aten.cumsum.default"
        raise error(message)

    monkeypatch.setattr(
        *((native, "program_of", refuse) if fault == "lowering" else (exporting, "check_program", refuse))
    )
    metadata = exporting.export(RunFolder(trained_run("lstm")), tmp_path / "m.pt")
    exported_artefact = artefact.read_artefact(tmp_path / "m.pt")
    assert exported_artefact.native is None
    assert exported_artefact.metadata == metadata
    assert metadata.backends == ("torchscript",)
    assert "operation aten.cumsum.default" in metadata.native_unavailable
    assert "m.pt has no native program" in caplog.text
    assert "aten.cumsum" in caplog.text
    with zipfile.ZipFile(tmp_path / "m.pt") as archive:
        assert not any("native" in name for name in archive.namelist())


def test_export_without_its_dataset_asks_for_one(trained_run, tmp_path, caplog):
    run = trained_run("lstm")
    assert main([str(run), "--out", str(tmp_path / "m.pt"), "--data", str(tmp_path / "absent.nc")]) == 1
    assert "absent.nc: no such file" in caplog.text
    assert not (tmp_path / "m.pt").exists()


def test_a_model_without_history_cannot_be_self_fed(trained_run, tmp_path, caplog, tiny_dataset):
    run = str(trained_run("lstm"))
    assert main([run, "--out", str(tmp_path / "m.pt"), "--past-flux", "self_fed"]) == 1
    assert predict_command.main([run, "--data", str(tiny_dataset), "--past-flux", "observed"]) == 1
    assert caplog.text.count("a model of kind lstm takes no past flux") == 2


def test_a_checkpoint_is_no_artefact(trained_run):
    with pytest.raises(ArtefactError, match=r"best\.pt: not an ecostep artefact.*emulator\.export"):
        artefact.read_artefact(trained_run("lstm") / "checkpoints" / "best.pt")


def test_predict_needs_no_targets(trained_run, tiny_dataset, tmp_path):
    drivers = tmp_path / "drivers.nc"
    drivers.write_bytes(tiny_dataset.read_bytes())
    with netCDF4.Dataset(drivers, "r+") as file:
        for name in ("gpp", "ra", "rh", "nee", "fch4"):
            file.renameVariable(name, f"hidden_{name}")
    run = trained_run("lstm")
    assert predict_command.main([str(run), "--data", str(drivers), "--out", str(tmp_path / "p.nc")]) == 0
    expected = predictions(RunFolder(run), tiny_dataset, tmp_path / "q.nc")
    with netCDF4.Dataset(tmp_path / "p.nc") as file:
        assert np.array_equal(file["gpp"][:].filled(), expected[..., 0])


@pytest.mark.parametrize(
    "kind", [kind if kind == "gru" else pytest.param(kind, marks=pytest.mark.slow) for kind in BASELINES]
)
def test_every_baseline_exports_with_past_flux(kind, tiny_config, tiny_dataset, tmp_path):
    options = ["--set", f"model.kind={kind}", "--set", "model.past_flux=ungauged", "--set", "training.epochs=1"]
    assert train.main([str(tiny_config), "--out", str(tmp_path / "run"), *options]) == 0
    run, path = RunFolder(tmp_path / "run"), tmp_path / "m.pt"
    assert exporting.export(run, path, past_flux="self_fed").past_flux == "self_fed"
    dataset = Dataset.open(tiny_dataset, Signature.from_names(INPUTS, STATICS))
    predicted = predictions(run, tiny_dataset, tmp_path / "p.nc", past_flux="self_fed")
    assert_equal_within(stepped(path, dataset, np.array([3, 9])), predicted[[3, 9]], dataset)
