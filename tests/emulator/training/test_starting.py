"""Fine-tuning: weights and scalers of a run carried to another dataset, parts that stay, and what is refused."""

import json
import re
import shutil
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import torch

from emulator import export, train
from emulator.data.dataset import Dataset
from emulator.evaluation.offline import predict
from emulator.runs import checkpoint, trained_model
from tests.emulator.records import write_records

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


def test_codes_alone_are_trained_at_towers(trained_run, towers, tmp_path):
    source, run = trained_run("raci"), tmp_path / "run"
    config = config_file(tmp_path, towers, "raci", rate=1e-2)
    assert train.main([config, "--out", str(run), "--init", str(source), "--only", "code"]) == 0
    old, new = (trained_model.load(path).model for path in (source, run))
    weights, codes = dict(old.named_parameters()), new.code.code
    for name, weight in new.named_parameters():
        assert name == "code.code" or torch.equal(weight, weights[name]), name
    data = Dataset.open(towers, trained_model.load(run).signature)
    told = old.code(data.static, old.static_features(data.static))[new.code.site]
    assert 0.0 < (codes - told).abs().max() < 0.5, "they begin with what the sites of the run tell"


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


def test_an_artefact_is_no_start(trained_run, towers, tmp_path, caplog):
    artefact = tmp_path / "model.pt"
    assert export.main([str(trained_run("lstm")), "--out", str(artefact)]) == 0
    config = config_file(tmp_path, towers)
    assert train.main([config, "--out", str(tmp_path / "run"), "--init", str(artefact)]) == 1
    assert "--init takes a run folder, or a file of its checkpoints/, and no exported artefact" in caplog.text
