"""From simulation to towers: joint training with a source token, re-weighting, an adversary, residuals and priors."""

import json
import shutil
import signal
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import torch
from torch import nn

from emulator import evaluate, export, train
from emulator.artefact.metadata import read_artefact
from emulator.data.dataset import Dataset
from emulator.data.importers.command import main as importers
from emulator.data.scalers import Scalers
from emulator.data.windows import Batch, WindowSampler
from emulator.models.parts.layers import FluxHead
from emulator.models.streaming import ModelOutput
from emulator.runs import checkpoint, trained_model
from emulator.training.adversary import DomainAdversary, reverse_gradient
from emulator.training.likeness import likeness_of, window_weights
from tests.emulator.records import write_records
from tests.emulator.synthetic import write_dataset

CONFIG = """\
seed: 4
data: {{path: {dataset}, inputs: [tas, pr, rsds, vpd], statics: [lat, lon, source], targets: [gpp, fch4]}}
split:
  train_only: {{source: simulation}}
  time: later_years
  space: none
  test_years: 1
  validation_years: 1
  validation_fraction: 0.0
model: {{kind: lstm, hidden: 6, past_flux: ungauged}}
training: {{epochs: 2, batch_size: 5, years_per_window: 1, learning_rate: 1e-2, threads: 1}}
transfer: {{adversarial: 0.3, reweighting: true, source_weight: 0.5}}
"""


@pytest.fixture(scope="module")
def towers(tmp_path_factory) -> Path:
    """Six towers, with the flux of a process model, half of the measured one on average, and temperature in degC."""
    path = write_records(tmp_path_factory.mktemp("towers") / "towers.nc")
    with netCDF4.Dataset(path, "a") as file:
        file["site_id"][:] = np.array([f"T{site}" for site in range(len(file["site_id"]))], object)
        file["tas"][:] = file["tas"][:] - 273.15
        file["tas"].units = "degC"
        prior = file.createVariable("gpp_process", "f4", ("site", "time"), fill_value=np.float32(9.96921e36))
        prior.setncatts({"units": "kg m-2 s-1", "role": "state", "long_name": "gross uptake of a process model"})
        prior[:] = 1e-9 * file["lai"][:] * file["rsds"][:] / 8.0
    return path


@pytest.fixture(scope="module")
def both(towers, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("both")
    simulation = write_dataset(folder / "simulation.nc", sites=9, years=2, seed=2)
    words = ["--sources", "simulation,towers"]
    assert importers(["merge", str(simulation), str(towers), *words, "--out", str(folder / "both.nc")]) == 0
    return folder / "both.nc"


def config_file(folder: Path, dataset: Path, text: str = CONFIG) -> str:
    (folder / "config.yaml").write_text(text.format(dataset=dataset))
    return str(folder / "config.yaml")


def test_merged_data_know_their_source_and_simulations_only_train(both, tmp_path, monkeypatch):
    config, run = config_file(tmp_path, both), tmp_path / "run"
    assert train.main([config, "--out", str(tmp_path / "whole")]) == 0
    drawn, original = [], WindowSampler._mixed

    def stopped(self, *window):
        drawn.append(1)
        if len(drawn) == 5:
            signal.raise_signal(signal.SIGTERM)
        return original(self, *window)

    monkeypatch.setattr(WindowSampler, "_mixed", stopped)
    assert train.main([config, "--out", str(run)]) == 128 + signal.SIGTERM
    assert checkpoint.load(run / "checkpoints" / "last.pt").progress.epoch < 2
    assert train.main([config, "--out", str(run)]) == 0
    whole, resumed = (checkpoint.load(path / "checkpoints" / "last.pt") for path in (tmp_path / "whole", run))
    for kept in ("model", "adversary"):
        assert getattr(whole, kept)
        for name, value in getattr(whole, kept).items():
            assert torch.equal(value, getattr(resumed, kept)[name]), name
    parts = {tuple(line.split(",")[i] for i in (0, 3)) for line in (run / "split.csv").read_text().splitlines()[1:]}
    assert {part for site, part in parts if site.startswith("S")} == {"train"}
    assert {part for site, part in parts if site.startswith("T")} >= {"train", "validation_temporal", "temporal"}
    assert evaluate.main([str(run)]) == 0
    metrics = json.loads((run / "evaluation" / "metrics.json").read_text())
    assert metrics["splits"]["temporal"]["n_sites"] == 3
    assert export.main([str(run), "--out", str(tmp_path / "joint.pt")]) == 0
    spec = next(s for s in read_artefact(tmp_path / "joint.pt").metadata.statics if s.name == "source")
    assert spec.flag_meanings == ("simulation", "towers")


class Toy(nn.Module):
    """A model of one hidden layer, whose domain one of its drivers tells."""

    def __init__(self, signature) -> None:
        super().__init__()
        self.hidden = nn.Linear(3, 5)
        self.head = FluxHead(signature, Scalers.identity(signature), 5)

    def training_outputs(self, batch: Batch) -> ModelOutput:
        return ModelOutput(self.head(torch.tanh(self.hidden(batch.drivers[..., :3]))))


def fit(groups, loss, steps: int) -> float:
    """Descend a loss; its last value."""
    optimizer = torch.optim.AdamW(groups)
    for _ in range(steps):
        optimizer.zero_grad()
        value = loss()
        value.backward()
        optimizer.step()
    return float(value.detach())


def test_the_reversed_gradient_makes_domains_less_separable(tiny_dataset):
    """Told apart by a fresh network of the same kind, which chance leaves at log 2 = 0.69."""
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    (3.0 * reverse_gradient(x, 0.5)).sum().backward()
    assert torch.equal(x.grad, torch.tensor([-1.5, -1.5]))
    described = trained_signature(tiny_dataset)
    random, sites = torch.Generator().manual_seed(0), torch.arange(60)
    source = sites.numpy() % 2 == 0
    drivers = torch.randn(60, 30, 3, generator=random)
    drivers[..., 1] += torch.where(torch.as_tensor(source), 1.0, -1.0)[:, None]
    target = (drivers[..., :1] + 0.3 * drivers[..., 1:2]).repeat(1, 1, len(described.targets))
    batch = Batch(drivers, torch.ones(60, 30, 6), torch.zeros(60, 1), target, target, sites)

    def transferred(strength: float) -> tuple[float, float]:
        """How well domains are told apart, and the misfit, after training against an adversary of some strength."""
        torch.manual_seed(2)
        model = Toy(described)
        adversary = DomainAdversary(model, source, weight=3.0, hidden=16, epochs=1)
        adversary.strength = strength

        def opposed() -> torch.Tensor:
            adversary.states.calls = []
            output = adversary.training_outputs(batch)
            return ((output.prediction - target)[..., -1] ** 2).mean() + output.auxiliary["domain"]

        fit([{"params": model.parameters(), "lr": 0.005}, adversary.parameter_group(0.005)], opposed, 300)
        adversary.states.calls = []
        misfit = ((model.training_outputs(batch).prediction - target)[..., -1] ** 2).mean()
        states = adversary.states.pooled(60).detach()
        fresh = DomainAdversary(model, source, weight=1.0, hidden=16, epochs=1)
        group = {"params": fresh.parameters(), "lr": 0.02}
        return fit([group], lambda: fresh.loss(states, fresh.source), 80), float(misfit.detach())

    (alone, _), (opposed, misfit) = transferred(0.0), transferred(1.0)
    assert alone < 0.58
    assert opposed > alone + 0.06
    assert misfit < 0.2 * float(target.var())


def trained_signature(path: Path):
    from emulator.configuration.schema import DataConfig

    return DataConfig(path=path, inputs=("tas", "pr", "rsds", "vpd"), targets=("gpp", "fch4")).signature()


def test_weights_are_the_ratio_of_densities():
    random = np.random.default_rng(3)
    features = np.concatenate([random.normal(0.0, 1.0, (400, 1)), random.normal(1.0, 1.0, (400, 1))])
    source = np.arange(800) < 400
    weights = likeness_of(features, source, largest=20.0)
    truth = np.exp(features[source, 0] - 0.5)  # of two normal distributions
    middle = (truth > 0.1) & (truth < 10.0)
    assert np.abs(np.log(weights / truth))[middle].max() < 0.4
    assert weights.mean() == pytest.approx(1.0)
    assert likeness_of(features, source, largest=2.0).max() < 2.0 * 1.3
    with pytest.raises(ValueError, match="the target domain has no training year"):
        likeness_of(np.zeros((3, 2)), np.ones(3, bool), 10.0)


def test_windows_have_the_weights_of_their_days(both):
    signature = trained_signature(both)
    data = Dataset.open(both, signature)
    source = np.array([name.startswith("S") for name in data.site_id])
    days = data.in_record()
    weights = window_weights(data, days, source, signature, source_weight=0.5, by_likeness=True, largest=20.0)
    rows = torch.as_tensor(source)
    assert torch.all(weights.weight[~rows] == 1.0)
    years = weights.weight[rows][:, 2003 - weights.first_year : 2005 - weights.first_year]
    assert float(years.mean()) == pytest.approx(0.5, rel=1e-5)
    assert float(years.std()) > 0.1
    batch = Batch(None, data.calendar[:500].expand(2, -1, -1), None, None, None, torch.tensor([2, 10]))
    first, second = years[2].tolist()
    assert weights.of(batch).tolist() == pytest.approx([(365 * first + 135 * second) / 500, 1.0])


def test_a_residual_is_learned_of_an_emulator_that_stays(trained_run, towers, tmp_path):
    base, run = tmp_path / "base", tmp_path / "run"
    shutil.copytree(trained_run("lstm"), base)
    text = "\n".join(line for line in CONFIG.splitlines() if not line.startswith(("transfer", "  train_only")))
    text = text.replace("inputs: [tas, pr, rsds, vpd], statics: [lat, lon, source], ", "")
    config = config_file(tmp_path, towers, text + "\n")
    command = [config, "--out", str(run), "--set", f"transfer.residual={base}"]
    assert train.main(command) == 0
    before, after = trained_model.load(base), trained_model.load(run)
    kept = {name: value for name, value in after.model.state_dict().items() if ".base." in f".{name}"}
    assert len(kept) >= len(before.model.state_dict())
    for name, value in before.model.state_dict().items():
        assert any(other.endswith(f".{name}") and torch.equal(value, kept[other]) for other in kept), name
    units = {variable.name: variable.units for variable in after.signature.inputs}
    assert units["tas"] == "K", "read in the units of the base"
    shutil.rmtree(base)
    assert train.main([*command, "--epochs", "3"]) == 0
    assert export.main([str(run), "--out", str(tmp_path / "residual.pt")]) == 0
    assert "native" in read_artefact(tmp_path / "residual.pt").metadata.backends
    fine = [config, "--out", str(tmp_path / "fine"), "--init", str(run), "--set", "training.learning_rate=1e-12"]
    assert train.main(fine) == 0
    old, new = trained_model.load(run).model.state_dict(), trained_model.load(tmp_path / "fine").model.state_dict()
    assert all(torch.equal(old[name], new[name]) for name in old if ".base." in f".{name}" and "limit" not in name)


def test_a_process_model_is_a_prior(towers, tmp_path, caplog):
    text = CONFIG.split("transfer", maxsplit=1)[0].replace("  train_only: {{source: simulation}}\n", "")
    text = text.replace("[tas, pr, rsds, vpd]", "[tas, rsds, gpp_process]").replace(", source]", "]")
    text = text.replace("targets: [gpp, fch4]", "targets: [gpp, fch4], prior: {{gpp: gpp_process}}")
    config, run = config_file(tmp_path, towers, text), tmp_path / "run"
    assert train.main([config, "--out", str(run)]) == 0
    assert trained_model.load(run).signature.targets[0].prior == "gpp_process"
    assert export.main([str(run), "--out", str(tmp_path / "prior.pt")]) == 0
    metadata = read_artefact(tmp_path / "prior.pt").metadata
    assert "native" in metadata.backends
    assert "gpp_process" in [spec.name for spec in metadata.inputs], "a host gives the flux of its process model"
    assert train.main([config, "--out", str(tmp_path / "again"), "--init", str(run)]) == 0
    wrong = [config, "--out", str(tmp_path / "x"), "--set", "data.prior.gpp=lava"]
    assert train.main(wrong) == 2
    assert "data.prior of 'gpp': 'lava' is not among the inputs" in caplog.text


def test_what_does_not_fit_is_refused(both, towers, trained_run, tmp_path, caplog):
    config = config_file(tmp_path, both)
    for settings, message in (
        (["split.train_only={}"], "need split.train_only, which names the simulated sites"),
        (["split.train_only={source: mars}"], "split.train_only.source: 'mars' is not among simulation, towers"),
        (["transfer.residual=" + str(trained_run("lstm"))], "data.inputs: transfer.residual needs co2"),
        (["model.kind=ridge"], "is fitted without gradients and has none of its options"),
    ):
        options = [text for setting in settings for text in ("--set", setting)]
        assert train.main([config, "--out", str(tmp_path / "run"), *options]) == 2
        assert message in caplog.text
    assert importers(["merge", str(both), str(towers), "--sources", "a", "--out", str(tmp_path / "x.nc")]) == 1
    assert "1 words for 2 datasets" in caplog.text
