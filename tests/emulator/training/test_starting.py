"""Fine-tuning: weights and scalers of a run carried to another dataset, parts that stay, and what is refused."""

import json
import re
import shutil
import zipfile
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import torch

from emulator import evaluate, export, train
from emulator.artefact import exporting
from emulator.data.bounds import Bounds, bounded
from emulator.data.dataset import Dataset
from emulator.data.scalers import Scalers, TargetScaling
from emulator.data.signature import Signature
from emulator.evaluation.offline import predict
from emulator.models import registry
from emulator.models.kinds.lstm import LSTMConfig
from emulator.models.streaming import StreamingModel
from emulator.runs import checkpoint, trained_model
from emulator.runs.run_folder import RunFolder
from emulator.training.starting import freeze, parts_of
from tests.emulator.records import write_records
from tests.emulator.synthetic import write_dataset

CONFIG = """\
seed: 4
data: {{path: {dataset}}}
split: {{time: later_years, space: none, test_years: 1, validation_years: 1, validation_fraction: 0.0}}
model: {{kind: {kind}, hidden: 8}}
training: {{epochs: 1, batch_size: 4, years_per_window: 1, learning_rate: {rate}, threads: 1}}
"""


@pytest.fixture(scope="module")
def towers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Towers whose temperature is in degC, and warmer than any that the simulations have."""
    path = write_records(tmp_path_factory.mktemp("towers") / "towers.nc")
    with netCDF4.Dataset(path, "a") as file:
        file["tas"][:] = file["tas"][:] - 273.15 + 12.0
        file["tas"].units = "degC"
        file["gpp"][:] = 5.0 * file["gpp"][:]
    return path


def config_file(folder: Path, dataset: Path, kind: str = "lstm", rate: float = 1e-12) -> str:
    path = folder / "fine.yaml"
    path.write_text(CONFIG.format(dataset=dataset, kind=kind, rate=rate))
    return str(path)


@pytest.mark.parametrize("kind", ["lstm", "raci"])
def test_weights_and_scalers_are_those_of_the_run(trained_run, towers, tmp_path, kind):
    source, run = trained_run(kind), tmp_path / "run"
    config = config_file(tmp_path, towers, kind)
    assert train.main([config, "--out", str(run), "--init", str(source), "--set", "model.hidden=8"]) == 0
    before, after = trained_model.load(source), trained_model.load(run)
    assert after.signature == before.signature
    data = Dataset.open(towers, after.signature)
    assert data.drivers[0, 0, 0] > 200, "read in the units of the run"
    old, new = before.model.state_dict(), after.model.state_dict()
    for name in ("drivers.mean", "drivers.std", "targets.scale", "targets.mean", "head.scale"):
        assert torch.equal(old[name], new[name]), name
    assert new["targets.limit"][0] > old["targets.limit"][0], "gpp is larger than in the simulations"
    assert torch.equal(new["targets.limit"][2:4], old["targets.limit"][2:4])
    if kind == "lstm":
        fluxes = predict(before.model, data), predict(after.model, data)
        inside = data.in_record().numpy()
        assert np.allclose(fluxes[0][inside][:, 1:], fluxes[1][inside][:, 1:], rtol=1e-3, atol=1e-4)
    low, high = after.description["input_ranges"]["tas"]
    tas = data.drivers[..., 0][data.in_record()]
    assert high >= before.description["input_ranges"]["tas"][1]
    assert low <= before.description["input_ranges"]["tas"][0]
    assert high == pytest.approx(max(before.description["input_ranges"]["tas"][1], float(tas.max())), abs=10.0)
    origin = json.loads((run / "provenance.json").read_text())["init"]
    assert origin["dataset_hash"] == before.provenance["dataset_hash"]


def test_frozen_parts_stay_and_the_others_learn(trained_run, towers, tmp_path, capsys):
    source, run = tmp_path / "source", tmp_path / "run"
    shutil.copytree(trained_run("lstm"), source)
    config = config_file(tmp_path, towers, rate=1e-2)
    assert train.main([config, "--init", str(source), "--freeze", "list"]) == 0
    listed = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert {"core", "core.lstm", "head", "static_embedding"} <= set(listed)
    assert int(listed["core"]) > int(listed["core.lstm"]) > 0
    options = [config, "--out", str(run), "--init", str(source), "--freeze", "core,static_embedding"]
    assert train.main(options) == 0
    old, new = (checkpoint.load(path / "checkpoints" / "best.pt").model for path in (source, run))
    for name in old:
        if name.startswith(("core.", "static_embedding.")):
            assert torch.equal(old[name], new[name]), name
    assert not torch.equal(old["head.linear.weight"], new["head.linear.weight"])
    shutil.rmtree(source)
    assert train.main([*options, "--epochs", "3"]) == 0, "the run goes on by itself"
    again = checkpoint.load(run / "checkpoints" / "last.pt")
    assert again.progress.epoch == 3
    assert all(torch.equal(again.model[name], old[name]) for name in old if name.startswith("core."))
    assert "init" in again.description["provenance"]


def error(model: StreamingModel, data: Dataset) -> float:
    """Root mean square error of transformed flux over the first two years."""
    days = data.in_record() & (torch.arange(len(data.calendar)) < 365 * 2)
    scaling = next(module for module in model.modules() if isinstance(module, TargetScaling))
    off = scaling.standardise(torch.from_numpy(predict(model, data))) - scaling.standardise(data.flux)
    return float(off[days].square().nanmean().sqrt())


@pytest.mark.parametrize("kind", ["raci", "unified"])
def test_codes_alone_are_trained_at_towers(trained_run, towers, tmp_path, kind):
    source, run = trained_run(kind), tmp_path / "run"
    config = config_file(tmp_path, towers, kind, rate=1e-2)
    assert train.main([config, "--out", str(run), "--init", str(source), "--only", "code"]) == 0
    old, new = (trained_model.load(path).model for path in (source, run))
    assert_codes_alone_differ(old, new, Dataset.open(towers, trained_model.load(run).signature))


def assert_codes_alone_differ(old: StreamingModel, new: StreamingModel, data: Dataset) -> None:
    weights = dict(old.named_parameters())
    for name, weight in new.named_parameters():
        assert name == "code.code" or torch.equal(weight, weights[name]), name
    told = old.code(data.static, old.static_features(data.static))[new.code.site]
    assert 0.0 < (new.code.code - told).abs().max() < 0.5, "they begin with what the sites of the run tell"


def test_codes_alone_raise_the_skill_at_new_sites(tiny_config, tmp_path):
    source, run = tmp_path / "source", tmp_path / "run"
    coded = ["--set", "model.code_size=4"]
    assert train.main([str(tiny_config), "--out", str(source), "--epochs", "12", *coded]) == 0
    towers = write_dataset(tmp_path / "new.nc", sites=6, years=3, first_year=2003, seed=21)
    config = config_file(tmp_path, towers, rate=3e-2)
    longer = ["--epochs", "16", "--set", "training.average_decay=0"]
    assert train.main([config, "--out", str(run), "--init", str(source), "--only", "code", *longer, *coded]) == 0
    old, new = (trained_model.load(path).model for path in (source, run))
    data = Dataset.open(towers, trained_model.load(run).signature)
    assert_codes_alone_differ(old, new, data)
    assert error(new, data) < 0.99 * error(old, data)


def test_parts_have_the_same_names_within_wrappers():
    signature = Signature.from_names()
    classes = signature.statics[signature.static_names.index("biome")].flag_meanings
    bounds = {"fch4": Bounds(max=0.0, classes={"biome": (classes[0],)})}
    options = LSTMConfig(hidden=4, code_size=2)
    plain, wrapped = (
        registry.build(options, variables, Scalers.identity(variables))
        for variables in (signature, bounded(signature, bounds))
    )
    assert hasattr(wrapped, "model")
    assert parts_of(plain) == parts_of(wrapped)
    for name in ("code", "model.code"):
        freeze(wrapped, (), (name,))
        assert [key for key, weight in wrapped.named_parameters() if weight.requires_grad] == ["model.code.code"]


FAULTS = {
    "size": (
        ["--set", "model.hidden=6"],
        r"core.initial.bias is 16 there and 12 here; give the model the same options",
    ),
    "kind": (["--set", "model.kind=gru"], r"its weights are not those of .* \(kind lstm\)"),
    "inputs": (["--set", "data.inputs=[tas, pr]"], r"data.inputs: tas, pr, but .* was trained with tas, pr, rsds, vpd"),
    "part": (["--freeze", "cores"], r"init.freeze: 'cores' is no part of the model; the parts are static_embedding"),
    "only": (["--only", "codes"], r"init.only: 'codes' is no part of the model; the parts are static_embedding"),
    "all": (["--freeze", "core,head,static_embedding"], "all parts are frozen, so nothing is left to train"),
}


@pytest.mark.parametrize(("options", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_what_does_not_fit_is_refused_in_a_line(trained_run, towers, tmp_path, caplog, options, message):
    config, run = config_file(tmp_path, towers), tmp_path / "run"
    assert train.main([config, "--out", str(run), "--init", str(trained_run("lstm")), *options]) == 2
    assert caplog.records[-1].levelname == "ERROR"
    assert "\n" not in caplog.records[-1].getMessage()
    assert re.search(message, caplog.records[-1].getMessage())
    assert not run.exists() or not any(run.glob("*.yaml"))


def exported(run: Path, out: Path) -> Path:
    assert export.main([str(run), "--out", str(out)]) == 0
    return out


@pytest.mark.parametrize(("kind", "evaluated"), [("lstm", True), pytest.param("raci", False, marks=pytest.mark.slow)])
def test_an_artefact_begins_as_the_run_it_was_exported_from(trained_run, towers, tmp_path, kind, evaluated):
    source = tmp_path / "source"
    shutil.copytree(trained_run(kind), source)
    if evaluated:
        assert evaluate.main([str(source)]) == 0
    artefact = exported(source, tmp_path / "model.pt")
    config = tmp_path / "fine.yaml"
    config.write_text(re.sub("model: .*\n", "", CONFIG.format(dataset=towers, kind=kind, rate=1e-2)))
    states, ranges = [], []
    for start in (source, artefact):
        run = tmp_path / start.stem
        run = run.with_name(f"from_{run.name}")
        assert train.main([str(config), "--out", str(run), "--init", str(start)]) == 0
        saved = checkpoint.load(run / "checkpoints" / "last.pt")
        states.append(saved.model)
        ranges.append((saved.description["input_ranges"], saved.description["signature"]))
        origin = json.loads((run / "provenance.json").read_text())["init"]
        assert origin["config_hash"] == json.loads((source / "provenance.json").read_text())["config_hash"]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    assert ranges[0] == ranges[1]
    with zipfile.ZipFile(artefact) as archive:
        record = next(archive.read(name) for name in archive.namelist() if name.endswith("training.json"))
    assert str(tmp_path).encode() not in record and b"dataset.nc" in record, "an artefact tells no folders"


def test_artefacts_that_cannot_be_continued_are_told(trained_run, towers, tmp_path, caplog):
    run = trained_run("lstm")
    several = tmp_path / "several.pt"
    exporting.export([RunFolder(run), RunFolder(run)], several)
    artefact, old = exported(run, tmp_path / "model.pt"), tmp_path / "old.pt"
    with zipfile.ZipFile(artefact) as whole, zipfile.ZipFile(old, "w") as cut:
        for name in whole.namelist():
            if not name.endswith("training.json"):
                cut.writestr(name, whole.read(name))
    stub = Path(__file__).parents[3] / "coupler" / "examples" / "stub"
    with zipfile.ZipFile(tmp_path / "stub.pt", "w") as archive:
        archive.write(stub / "extra" / "ecostep.json", "stub/extra/ecostep.json")
    config = config_file(tmp_path, towers)
    for path, message in (
        (several, "an ensemble of 2 has no weights of its own"),
        (old, "has no extra/training.json, as older artefacts"),
        (tmp_path / "stub.pt", "a stub, which has nothing to learn"),
    ):
        assert train.main([config, "--out", str(tmp_path / "run"), "--init", str(path)]) == 1
        assert f"{path}: {message}" in caplog.records[-1].getMessage()
    assert not (tmp_path / "run" / "config.yaml").exists()
