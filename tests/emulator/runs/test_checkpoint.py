"""Checkpoints, learning-rate schedules and weight averages."""

import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from emulator.runs import checkpoint
from emulator.runs.checkpoint import Checkpoint, CheckpointError, Progress
from emulator.training import random_states
from emulator.training.averaging import WeightAverage
from emulator.training.schedule import FINAL_FRACTION, Schedule


def small_checkpoint():
    return Checkpoint(
        model={"weight": torch.arange(4.0)},
        description={"config": {"seed": 3, "rates": [1e-3, 0.1]}},
        progress=Progress(epoch=4, batch=2, loss_sum=0.1 + 0.2, best_epoch=3, best_val_loss=math.pi),
        random_states=random_states.collect(),
        git_hash="abc",
    )


def test_round_trip_is_exact(tmp_path):
    saved = small_checkpoint()
    checkpoint.save(tmp_path / "c.pt", saved)
    loaded = checkpoint.load(tmp_path / "c.pt")
    assert loaded.progress == saved.progress
    assert loaded.description == saved.description
    assert loaded.git_hash == "abc"
    assert torch.equal(loaded.model["weight"], saved.model["weight"])


def test_random_numbers_continue(tmp_path):
    torch.manual_seed(4)
    checkpoint.save(tmp_path / "c.pt", small_checkpoint())
    expected = torch.rand(3)
    random_states.restore(checkpoint.load(tmp_path / "c.pt").random_states)
    assert torch.equal(torch.rand(3), expected)


def test_failed_write_leaves_the_former_file(tmp_path):
    path = tmp_path / "c.pt"
    checkpoint.save(path, small_checkpoint())
    before = path.read_bytes()
    broken = small_checkpoint()
    broken.model["weight"] = lambda: None  # cannot be pickled
    with pytest.raises(Exception, match="pickle"):
        checkpoint.save(path, broken)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["c.pt"]


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 half a zip"])
def test_files_that_are_no_checkpoints(tmp_path, content):
    (tmp_path / "c.pt").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"c\.pt: not a"):
        checkpoint.load(tmp_path / "c.pt")


def test_code_in_a_checkpoint_is_not_run(tmp_path):
    torch.save({"format_version": 1, "model": nn.Linear(2, 2)}, tmp_path / "c.pt")
    with pytest.raises(CheckpointError, match="not a readable"):
        checkpoint.load(tmp_path / "c.pt")


def test_other_format_version(tmp_path):
    torch.save({"format_version": 9}, tmp_path / "c.pt")
    with pytest.raises(CheckpointError, match="format version 9, this ecostep reads 1"):
        checkpoint.load(tmp_path / "c.pt")


def test_buffers_take_the_saved_shape():
    class Memory(nn.Module):
        def __init__(self, rows):
            super().__init__()
            self.inner = nn.Module()
            self.inner.register_buffer("bank", torch.arange(3.0 * rows).reshape(rows, 3))

    full, empty = Memory(5), Memory(0)
    checkpoint.load_weights(empty, full.state_dict())
    assert torch.equal(empty.inner.bank, full.inner.bank)


def rates(kind, losses, *, resume_at=None, warmup=1.0):
    """Learning rate of each of 5 batches an epoch; optionally the state is saved and loaded before an epoch."""

    def new():
        optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
        schedule = Schedule(
            optimizer, kind, batches_per_epoch=5, epochs=len(losses), warmup_epochs=warmup, plateau_patience=1
        )
        return optimizer, schedule

    optimizer, schedule = new()
    learning_rates = []
    for epoch, loss in enumerate(losses):
        if epoch == resume_at:
            states = optimizer.state_dict(), schedule.state_dict()
            optimizer, schedule = new()
            optimizer.load_state_dict(states[0])
            schedule.load_state_dict(states[1])
        for _ in range(5):
            learning_rates.append(schedule.learning_rate)
            optimizer.step()
            schedule.after_batch()
        schedule.after_epoch(loss)
    return learning_rates


def test_cosine_rises_then_falls_to_its_final_share():
    learning_rates = rates("cosine", [1.0] * 8)
    assert learning_rates[0] < learning_rates[2] < learning_rates[5]
    assert max(learning_rates) == pytest.approx(0.1, rel=0.02)
    assert all(a >= b for a, b in pairwise(learning_rates[6:]))
    assert learning_rates[-1] == pytest.approx(0.1 * FINAL_FRACTION, rel=0.5)


def test_plateau_halves_the_rate_when_validation_stalls():
    learning_rates = rates("plateau", [5, 4, 3, 3, 3, 3, 3], warmup=0.0)
    assert learning_rates[0] == pytest.approx(0.1)
    assert learning_rates[-1] == pytest.approx(0.05)
    assert rates("plateau", [7, 6, 5, 4, 3, 2, 1], warmup=0.0)[-1] == pytest.approx(0.1)


@pytest.mark.parametrize("kind", ["constant", "cosine", "plateau"])
@pytest.mark.parametrize("resume_at", [1, 3, 6])
def test_schedules_resume(kind, resume_at):
    losses = [5, 4, 4, 4, 4, 3, 3, 3]
    assert rates(kind, losses, resume_at=resume_at) == rates(kind, losses)


def test_weight_average_follows_and_gives_the_weights_back():
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    average = WeightAverage(model, 0.5)
    start = model.weight.detach().clone()
    with torch.no_grad():
        model.weight += 1.0
    average.update(model)  # decay is ramped: (1 + 0) / (10 + 0) = 0.1
    last_weights = model.weight.detach().clone()
    with average.applied(model):
        assert torch.allclose(model.weight, start + 0.9)
    assert torch.equal(model.weight, last_weights)
    restored = WeightAverage(nn.Linear(3, 2), 0.5)
    restored.load_state_dict(average.state_dict())
    with restored.applied(model):
        assert torch.allclose(model.weight, start + 0.9)


def test_weight_average_can_be_switched_off():
    model = nn.Linear(3, 2)
    average = WeightAverage(model, 0.0)
    average.update(model)
    last_weights = model.weight.detach().clone()
    with average.applied(model):
        assert torch.equal(model.weight, last_weights)
    assert average.state_dict() == {}


def test_a_changed_bit_of_a_weight_is_refused_by_the_name_of_the_file(tmp_path):
    path = tmp_path / "c.pt"
    checkpoint.save(path, small_checkpoint())
    content = bytearray(path.read_bytes())
    content[content.index(torch.arange(4.0).numpy().tobytes()) + 6] ^= 0x10
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"c.pt: is damaged: its entry .*restore it from a copy"):
        checkpoint.load(path)


def test_no_changed_bit_changes_what_is_read(tmp_path):
    path, saved = tmp_path / "c.pt", small_checkpoint()
    saved.random_states = {}
    checkpoint.save(path, saved)
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        content = bytearray(whole)
        content[place] ^= 1 << (place % 8)
        path.write_bytes(content)
        try:
            loaded = checkpoint.load(path)
        except CheckpointError as error:
            assert "c.pt" in str(error)  # noqa: PT017
            assert "weights_only" not in str(error)  # noqa: PT017
        else:
            assert loaded.description == saved.description
            assert torch.equal(loaded.model["weight"], saved.model["weight"])


def test_a_file_of_another_kind_is_named_without_unsafe_advice(tmp_path):
    path = tmp_path / "c.pt"
    torch.save(nn.Linear(2, 2), path)
    with pytest.raises(CheckpointError) as caught:
        checkpoint.load(path)
    assert "c.pt" in str(caught.value)
    assert "weights_only" not in str(caught.value)
    torch.jit.script(nn.Linear(2, 2)).save(str(path))
    with pytest.raises(CheckpointError, match="an exported artefact"):
        checkpoint.load(path)
