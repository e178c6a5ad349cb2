"""Training: interruption changes nothing, test data reach nothing, run folders are safe."""

import json
import os
import signal
import subprocess
import sys
import time

import netCDF4
import numpy as np
import pytest
import torch

from emulator import train
from emulator.configuration.schema import Config
from emulator.data.dataset import Dataset
from emulator.data.windows import WindowSampler
from emulator.models.parts.retrieval import precision_of
from emulator.runs import checkpoint, trained_model
from emulator.runs.run_folder import RunFolder
from emulator.training import assembly
from emulator.training.trainer import Trainer
from foundations import configuration_file, folder_lock

KINDS = ("lstm", "cham_net", "raci", "unified")


def curve(run):
    """The log without wall-clock times."""
    return [{key: value for key, value in line.items() if key != "seconds"} for line in RunFolder(run).read_log()]


def weights(path):
    return checkpoint.load(path).model


def assert_same_run(run, reference):
    assert curve(run) == curve(reference)
    for name in ("last.pt", "best.pt"):
        got, expected = weights(run / "checkpoints" / name), weights(reference / "checkpoints" / name)
        assert got.keys() == expected.keys()
        assert all(torch.equal(got[key], expected[key]) for key in expected), name


def command(config, run, *settings):
    options = [text for setting in settings for text in ("--set", setting)]
    return [sys.executable, "-m", "emulator.train", str(config), "--out", str(run), *options]


def wait_for_epochs(run, number, process):
    """Until the log has so many lines; the process must be running then."""
    log = run / "log.jsonl"
    for _ in range(12000):
        if log.exists() and log.read_text().count("\n") >= number:
            break
        assert process.poll() is None, "training ended before it could be killed"
        time.sleep(0.01)
    assert process.poll() is None, "training ended before it could be killed"


def test_kill_9_and_sigterm_leave_the_loss_curve_as_it_is(tiny_config, tmp_path, project_root):
    settings = ("training.epochs=60", "training.patience=1000")
    assert train.main(command(tiny_config, tmp_path / "whole", *settings)[3:]) == 0
    run = tmp_path / "killed"
    for number, sent, status in ((3, signal.SIGKILL, -9), (20, signal.SIGTERM, 143)):
        process = subprocess.Popen(command(tiny_config, run, *settings), cwd=project_root, stderr=subprocess.DEVNULL)
        wait_for_epochs(run, number, process)
        process.send_signal(sent)
        assert process.wait(120) == status
        assert 0 < len(curve(run)) < 60
    assert train.main(command(tiny_config, run, *settings)[3:]) == 0
    assert len(curve(run)) == 60
    assert_same_run(run, tmp_path / "whole")


@pytest.mark.parametrize("kind", KINDS)
def test_sigterm_within_an_epoch_saves_that_batch(kind, tiny_config, trained_run, tmp_path, monkeypatch):
    drawn, original = [], WindowSampler._window

    def window(self, sites, first_year):
        drawn.append(first_year)
        if len(drawn) == 5:  # three batches an epoch: the second of the second epoch
            os.kill(os.getpid(), signal.SIGTERM)
        return original(self, sites, first_year)

    monkeypatch.setattr(WindowSampler, "_window", window)
    arguments = command(tiny_config, tmp_path / "run", f"model.kind={kind}")[3:]
    assert train.main(arguments) == 128 + signal.SIGTERM
    progress = checkpoint.load(tmp_path / "run" / "checkpoints" / "last.pt").progress
    assert (progress.epoch, progress.batch) == (1, 2)
    assert len(curve(tmp_path / "run")) == 1
    assert train.main(arguments) == 0
    assert_same_run(tmp_path / "run", trained_run(kind))


@pytest.mark.parametrize("file", ["best.pt", "last.pt"])
def test_crash_while_an_epoch_is_closed(file, tiny_config, trained_run, tmp_path, monkeypatch):
    original = Trainer._save

    def save(self, path):
        if path.name == file and self.progress.epoch == 2:
            raise KeyboardInterrupt
        original(self, path)

    monkeypatch.setattr(Trainer, "_save", save)
    arguments = command(tiny_config, tmp_path / "run")[3:]
    assert train.main(arguments) == 130
    monkeypatch.undo()
    with (tmp_path / "run" / "log.jsonl").open("a") as log:
        log.write('{"epoch": 2, "train_lo')
    assert train.main(arguments) == 0
    assert_same_run(tmp_path / "run", trained_run("lstm"))


def test_finished_run_is_left_alone(tiny_config, trained_run):
    run = trained_run("lstm")
    files = (run / "log.jsonl", run / "provenance.json", run / "checkpoints" / "best.pt")
    before = {path: path.read_bytes() for path in files}
    assert train.main([str(tiny_config), "--out", str(run)]) == 0
    assert all(path.read_bytes() == content for path, content in before.items())


def test_run_folder_refuses_another_configuration(tiny_config, tmp_path, caplog):
    arguments = [str(tiny_config), "--out", str(tmp_path), "--set", "training.epochs=1"]
    assert train.main(arguments) == 0
    other = [*arguments, "--set", "model.hidden=4"]
    assert train.main(other) == 2
    assert "another configuration (model.hidden: 8 there, 4 now)" in caplog.text
    assert train.main([*other, "--overwrite"]) == 0
    assert configuration_file.load(Config, tmp_path / "config.yaml").model.hidden == 4
    assert train.main([*other, "--resume", "never"]) == 2


def test_resume_refuses_a_changed_dataset(tiny_config, tmp_path, caplog):
    from tests.emulator.synthetic import write_dataset

    dataset = write_dataset(tmp_path / "d.nc", sites=12, years=3, seed=1)
    settings = ("training.epochs=2", f"data.path={dataset}", "split.folds=3")
    arguments = command(tiny_config, tmp_path / "run", *settings)[3:]
    assert train.main(arguments) == 0
    write_dataset(dataset, sites=12, years=3, seed=2)
    assert train.main(arguments) == 2
    assert "has changed since the run began" in caplog.text


def test_run_folder_tells_where_it_came_from(trained_run, tiny_dataset, tiny_config):
    run = trained_run("lstm")
    provenance = json.loads((run / "provenance.json").read_text())
    assert provenance["seed"] == 3
    assert len(provenance["dataset_hash"]) == 64
    assert provenance["versions"]["torch"] == torch.__version__
    saved = checkpoint.load(run / "checkpoints" / "best.pt")
    assert saved.config_hash == provenance["config_hash"]
    assert [saved.git_hash] == [session["git_hash"] for session in provenance["sessions"]]
    frozen = configuration_file.load(Config, run / "config.yaml")
    assert frozen.model == configuration_file.load(Config, tiny_config).model


def test_training_learns(tiny_config, tmp_path):
    settings = ("training.epochs=25", "model.hidden=16")
    assert train.main(command(tiny_config, tmp_path, *settings)[3:]) == 0
    epochs = curve(tmp_path)
    assert epochs[-1]["train_loss"] < 0.35 * epochs[0]["train_loss"]
    assert min(line["val_loss"] for line in epochs) < 0.5 * epochs[0]["val_loss"]


def test_early_stopping(tiny_config, tmp_path):
    settings = ("training.epochs=40", "training.patience=2", "training.learning_rate=1e-9", "training.average_decay=0")
    assert train.main(command(tiny_config, tmp_path, *settings)[3:]) == 0
    epochs = curve(tmp_path)
    last_best = max(line["epoch"] for line in epochs if line["best"])
    assert len(epochs) < 40
    assert len(epochs) == last_best + 3


def test_validation_every_few_epochs_and_at_the_end(tiny_config, tmp_path):
    settings = ("training.epochs=5", "training.validation_every=2")
    assert train.main(command(tiny_config, tmp_path, *settings)[3:]) == 0
    epochs = curve(tmp_path)
    assert [line["val_loss"] is not None for line in epochs] == [False, True, False, True, True]
    assert not any(line["best"] for line in epochs if line["val_loss"] is None)
    assert checkpoint.load(tmp_path / "checkpoints" / "best.pt").progress.best_epoch in (1, 3, 4)


def test_divergence_is_an_error_with_advice(tiny_config, tmp_path, caplog):
    settings = ("training.learning_rate=1e30", "training.warmup_epochs=0")
    assert train.main(command(tiny_config, tmp_path, *settings)[3:]) == 1
    assert "lower training.learning_rate" in caplog.text


@pytest.mark.parametrize("kind", KINDS)
def test_test_data_reach_neither_scalers_nor_training_nor_checkpoint_choice(
    kind, tiny_config, tiny_dataset, trained_run, tmp_path
):
    spoiled = tmp_path / "dataset.nc"
    spoiled.write_bytes(tiny_dataset.read_bytes())
    config = configuration_file.load(Config, tiny_config)
    with netCDF4.Dataset(spoiled, "r+") as file:
        years = np.arange(2003, 2007)
        split = config.split.build(file["lat"][:], file["lon"][:], years)
        days = slice(365 + 366 + 365, None)  # 2006
        for name in ("gpp", "ra", "rh", "nee", "fch4"):
            file[name][split.test_sites, :] = 9e-7
            file[name][:, days] = 9e-7
        file["tas"][split.test_sites, :] = 320.0
        file["tas"][:, days] = 320.0
        file["elevation"][split.test_sites] = 8000.0
    arguments = command(tiny_config, tmp_path / "run", f"model.kind={kind}", f"data.path={spoiled}")[3:]
    assert train.main(arguments) == 0
    assert_same_run(tmp_path / "run", trained_run(kind))


def test_two_trainers_do_not_share_a_folder(tiny_config, tmp_path, caplog):
    run = tmp_path / "run"
    with folder_lock.locked(run, "training"):
        assert train.main([str(tiny_config), "--out", str(run)]) == 1
    assert f"{run}: another process is training into it" in caplog.text
    assert not (run / "log.jsonl").exists()
    assert train.main([str(tiny_config), "--out", str(run), "--set", "training.epochs=1"]) == 0


def test_a_first_attempt_that_failed_does_not_lock_the_folder(tiny_config, tmp_path):
    arguments = [str(tiny_config), "--out", str(tmp_path / "run"), "--set", "training.epochs=1"]
    assert train.main([*arguments, "--set", "data.path=typo.nc"]) == 1
    assert train.main(arguments) == 0


def test_starting_anew_removes_what_the_former_run_left(tiny_config, tmp_path):
    arguments = [str(tiny_config), "--out", str(tmp_path / "run"), "--set", "training.epochs=1"]
    assert train.main(arguments) == 0
    (tmp_path / "run" / "model.pt").write_bytes(b"of the former run")
    assert train.main([*arguments, "--set", "seed=4", "--overwrite"]) == 0
    assert not (tmp_path / "run" / "model.pt").exists()


def test_a_validation_loss_that_is_no_number_stops_training(tiny_config, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(assembly.Validation, "__call__", lambda self, model: float("nan"))
    assert train.main([str(tiny_config), "--out", str(tmp_path / "run")]) == 1
    assert "the validation loss of epoch 0 is nan" in caplog.text


def test_the_same_seed_gives_the_same_run_and_another_seed_another(tiny_config, trained_run, tmp_path):
    assert train.main(command(tiny_config, tmp_path / "same")[3:]) == 0
    assert_same_run(tmp_path / "same", trained_run("lstm"))
    assert train.main(command(tiny_config, tmp_path / "other", "seed=4")[3:]) == 0
    assert curve(tmp_path / "other")[0]["train_loss"] != curve(tmp_path / "same")[0]["train_loss"]


def test_gradients_are_clipped_to_their_norm(tiny_config, tmp_path, monkeypatch):
    norms, original = [], torch.optim.AdamW.step

    def step(self, *arguments, **options):
        gradients = [p.grad for group in self.param_groups for p in group["params"] if p.grad is not None]
        norms.append(float(torch.cat([gradient.flatten() for gradient in gradients]).norm()))
        return original(self, *arguments, **options)

    monkeypatch.setattr(torch.optim.AdamW, "step", step)
    settings = ("training.epochs=1", "training.gradient_clip=0.01")
    assert train.main(command(tiny_config, tmp_path / "clipped", *settings)[3:]) == 0
    assert len(norms) == 3
    assert all(norm == pytest.approx(0.01, rel=1e-3) for norm in norms)
    norms.clear()
    settings = ("training.epochs=1", "training.gradient_clip=1e6")
    assert train.main(command(tiny_config, tmp_path / "free", *settings)[3:]) == 0
    assert min(norms) > 0.02


def test_the_best_checkpoint_holds_the_averaged_weights(tiny_config, tmp_path):
    assert train.main(command(tiny_config, tmp_path)[3:]) == 0
    best, last = (checkpoint.load(tmp_path / "checkpoints" / name) for name in ("best.pt", "last.pt"))
    assert best.progress.best_epoch == 2, "the last epoch is the best, or this test compares different epochs"
    for name, averaged in last.average.items():
        if name != "batches":
            assert torch.equal(best.model[name], averaged)
            assert not torch.equal(best.model[name], last.model[name])


def test_auxiliary_terms_are_weighted(tiny_config, tmp_path):
    losses = []
    for weight in (0.0, 1.0):
        run = tmp_path / str(weight)
        settings = ("model.kind=cham_net", "training.epochs=1", f"loss.auxiliary={weight}")
        assert train.main(command(tiny_config, run, *settings)[3:]) == 0
        losses.append(curve(run)[0]["train_loss"])
    assert losses[1] > losses[0] + 1e-3


def test_tensorboard_shows_the_log_of_all_sessions(tiny_config, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator").EventAccumulator
    arguments = [*command(tiny_config, tmp_path)[3:], "--tensorboard"]
    assert train.main(arguments) == 0
    assert train.main(arguments) == 0
    board = accumulator(str(tmp_path / "tensorboard")).Reload()
    for name, tag in (("train_loss", "loss/train"), ("val_loss", "loss/validation"), ("lr", "learning_rate")):
        shown = [(event.step, event.value) for event in board.Scalars(tag)]
        assert shown == [(line["epoch"], pytest.approx(line[name], rel=1e-6)) for line in curve(tmp_path)]


def test_tensorboard_that_is_missing_is_named(tiny_config, tmp_path, caplog, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    assert train.main([*command(tiny_config, tmp_path)[3:], "--tensorboard"]) == 2
    assert "pip install 'ecostep[tensorboard]'" in caplog.text
    assert curve(tmp_path) == []


@pytest.mark.parametrize("kind", ["raci", "unified"])
def test_kriging_belongs_to_the_codes_that_are_kept(kind, tiny_config, tmp_path):
    """The best checkpoint's kriging is of its own codes, not of earlier ones, and of training sites only."""
    run = tmp_path / kind
    assert train.main([str(tiny_config), "--out", str(run), "--set", f"model.kind={kind}", "--set", "seed=3"]) == 0
    trained = trained_model.load(RunFolder(run))
    config = trained.config
    dataset = Dataset.open(config.data.path, trained.signature)
    split = config.split.build(dataset.lat, dataset.lon, dataset.years)
    code = trained.model.code
    assert code.site.tolist() == np.flatnonzero(split.train_sites).tolist()
    chord, contrast = code.gaps()
    (options,) = code.options()
    dual = precision_of(code.covariance, options, chord, contrast) @ code.code.detach().double()
    assert torch.allclose(code.dual, dual, rtol=1e-4, atol=1e-6)
    assert code.code.abs().max() > 0
