"""Training on two processes is training on one; mixed precision and devices."""

import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from torch import nn

from emulator import train
from emulator.data import processes as parallel
from emulator.data.dataset import Dataset
from emulator.data.scalers import Scalers
from emulator.data.signature import Signature
from emulator.models.kinds.cham_net import ChamNetConfig
from emulator.runs import checkpoint
from emulator.training.precision import autocast, keep_recurrences_in_float32
from tests.emulator.training.test_train import command, curve, wait_for_epochs, weights

# masks drawn at random differ between one process and two, so that they are off where numbers are compared
CERTAIN = {
    "lstm": ("model.kind=lstm", "model.dropout=0"),
    "cham_net": (
        "model.kind=cham_net", "model.dropout=0", "model.ungauged_share=0", "model.missing_year_share=0",
        "model.contrastive_weight=0.5",
    ),
}  # fmt: skip
TOLERANCE = 1e-3


def torchrun(config, run, *settings):
    """The command on two processes."""
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    return [*launch, *command(config, run, *settings)[1:]]


def environment():
    return {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.mark.parametrize("kind", [pytest.param("lstm", marks=pytest.mark.slow), "cham_net"])
def test_two_processes_give_the_result_of_one(kind, tiny_config, tmp_path, project_root):
    settings = (*CERTAIN[kind], "training.epochs=2", "training.device=cpu")
    assert train.main(command(tiny_config, tmp_path / "one", *settings)[3:]) == 0
    two = tmp_path / "two"
    done = subprocess.run(
        torchrun(tiny_config, two, *settings), cwd=project_root, env=environment(), capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for epoch, expected in zip(curve(two), curve(tmp_path / "one"), strict=True):
        assert epoch["train_loss"] == pytest.approx(expected["train_loss"], rel=TOLERANCE)
        assert epoch["val_loss"] == pytest.approx(expected["val_loss"], rel=TOLERANCE)
    joint_weights, expected = (weights(folder / "checkpoints" / "last.pt") for folder in (two, tmp_path / "one"))
    assert joint_weights.keys() == expected.keys()
    for name, value in expected.items():
        assert torch.allclose(joint_weights[name].double(), value.double(), atol=TOLERANCE, rtol=TOLERANCE), name
    saved = checkpoint.load(two / "checkpoints" / "last.pt").random_states["processes"]
    assert len(saved) == 2 and not torch.equal(*saved), "each process draws masks of its own"


@pytest.mark.slow
def test_two_processes_stop_together_and_go_on(tiny_config, tmp_path, project_root):
    settings = (*CERTAIN["lstm"], "training.epochs=40", "training.device=cpu")
    options = {"cwd": project_root, "env": environment(), "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(torchrun(tiny_config, tmp_path / "two", *settings), **options)
    wait_for_epochs(tmp_path / "two", 2, process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(120) != 0
    assert 2 <= len(curve(tmp_path / "two")) < 40
    subprocess.run(torchrun(tiny_config, tmp_path / "two", *settings), timeout=300, check=True, **options)
    assert train.main(command(tiny_config, tmp_path / "one", *settings)[3:]) == 0
    assert len(curve(tmp_path / "two")) == 40
    for epoch, expected in zip(curve(tmp_path / "two")[:5], curve(tmp_path / "one"), strict=False):
        assert epoch["train_loss"] == pytest.approx(expected["train_loss"], rel=1e-2)


@pytest.mark.slow
def test_a_process_that_dies_does_not_leave_the_other_waiting(tiny_config, tmp_path, project_root):
    settings = (*CERTAIN["lstm"], "training.epochs=5000", "training.device=cpu", "training.schedule=constant")
    process = subprocess.Popen(
        torchrun(tiny_config, tmp_path / "two", *settings), cwd=project_root, env=environment(),
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    wait_for_epochs(tmp_path / "two", 1, process)
    children = subprocess.run(
        ["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True
    ).stdout.split()
    assert len(children) >= 2
    os.kill(int(children[-1]), signal.SIGKILL)
    began = time.monotonic()
    assert process.wait(90) != 0
    assert time.monotonic() - began < 90


def test_alone_everything_is_as_it_was():
    rows = torch.randn(3, 2, requires_grad=True)
    assert parallel.gather_rows(rows) is rows
    assert parallel.world_size() == 1
    assert parallel.rank() == 0
    assert parallel.sum_gradients([rows], 15) == 15
    assert rows.grad is None
    assert parallel.total([1.5, 2.0]) == [1.5, 2.0]


def test_a_gpu_asked_for_in_vain_is_an_error(tiny_config, tmp_path, caplog):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    assert train.main(command(tiny_config, tmp_path, "training.device=cuda")[3:]) == 2
    assert "training.device is cuda, but torch finds no GPU" in caplog.text


@pytest.mark.parametrize("kind", ["lstm", "cham_net", "raci"])
def test_bfloat16_learns_as_float32_does(kind, tiny_config, trained_run, tmp_path):
    settings = (f"model.kind={kind}", "training.precision=bfloat16", "training.device=cpu")
    assert train.main(command(tiny_config, tmp_path, *settings)[3:]) == 0
    epochs, expected = curve(tmp_path), curve(trained_run(kind))
    assert epochs != expected, "the precision changed nothing"
    for line, other in zip(epochs, expected, strict=True):
        assert line["train_loss"] == pytest.approx(other["train_loss"], rel=0.05)
        assert line["val_loss"] == pytest.approx(other["val_loss"], rel=0.05)
    saved = checkpoint.load(tmp_path / "checkpoints" / "last.pt")
    floating = [value for value in saved.model.values() if value.is_floating_point()]
    assert all(value.dtype in (torch.float32, torch.float64) for value in floating)


def test_recurrences_and_what_asks_for_it_stay_in_float32():
    class Solve(nn.Module):
        full_precision = True

        def forward(self, pair):
            return pair[0] @ pair[1]

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear, self.lstm, self.solve = nn.Linear(4, 4), nn.LSTM(4, 4, batch_first=True), Solve()

        def forward(self, x):
            embedded = self.linear(x)
            hidden, (_, c) = self.lstm(embedded)
            return embedded, hidden, c, self.solve((embedded, embedded.transpose(1, 2))), embedded @ hidden.mT

    net, device = Net(), torch.device("cpu")
    keep_recurrences_in_float32(net, device)
    with autocast(device, "bfloat16"):
        low, *high, last = net(torch.randn(2, 3, 4))
    assert low.dtype == last.dtype == torch.bfloat16
    assert all(value.dtype == torch.float32 for value in high)
    with autocast(device, "float32"):
        assert net(torch.randn(2, 3, 4))[0].dtype == torch.float32


def test_head_and_history_of_cham_net_stay_in_float32():
    signature = Signature.from_names(("tas", "pr"), ("lat",), ("fch4",))
    model, device, seen = ChamNetConfig(hidden=4).build(signature, Scalers.identity(signature)), torch.device("cpu"), {}
    keep_recurrences_in_float32(model, device)

    def note(name):
        return lambda module, inputs, output: seen.setdefault(name, output)

    for name in ("embed", "head.linear", "head.skip", "history"):
        model.get_submodule(name).register_forward_hook(note(name))
    day = torch.arange(20)
    calendar = torch.stack([day * 0 + 2003, day * 0 + 1, day + 1, day + 1, day * 0 + 31, day * 0 + 365], 1).unsqueeze(0)
    with autocast(device, "bfloat16"):
        model(torch.randn(1, 20, 2), calendar, torch.zeros(1, 1), torch.randn(1, 20, 1))
    assert seen["embed"].dtype == torch.bfloat16
    assert seen["head.linear"].dtype == seen["head.skip"].dtype == torch.float32
    assert all(part.dtype == torch.float32 for part in seen["history"])


def test_an_error_inside_does_not_leave_the_context_open():
    lstm = nn.LSTM(4, 4)
    keep_recurrences_in_float32(lstm, torch.device("cpu"))
    with autocast(torch.device("cpu"), "bfloat16"):
        with pytest.raises(RuntimeError):
            lstm(torch.randn(2, 3, 5))
        assert (torch.randn(2, 2) @ torch.randn(2, 2)).dtype == torch.bfloat16


READ_TOGETHER = """
import os, socket, sys
from pathlib import Path
from emulator.data import processes, reading
from emulator.data.joint_reading import open_together
from emulator.data.signature import Signature
from tests.emulator.data.test_large_series import is_mapped
rows, read = set(), reading.read_values
def noted(variable, path, index=...):
    if variable.dimensions == ("site", "time"):
        rows.update(range(index[0].start, index[0].stop))
    return read(variable, path, index)
reading.read_values = noted
socket.gethostname = lambda: "own" if os.environ["RANK"] == sys.argv[3] else "common"
with processes.joined():
    data = open_together(sys.argv[1], Signature.from_names())
    out = Path(sys.argv[2]) / str(processes.rank())
    out.write_text(f"{sorted(rows)} {data.content_hash()} {is_mapped(data.drivers)} {data.site_id.tolist()}")
"""


@pytest.mark.parametrize(
    ("number", "apart", "parts"),
    [("2", "none", (range(8), range(8, 16))), ("3", "2", (range(8), range(8, 16), range(16)))],
    ids=["one machine", "machines of two and of one process"],
)
def test_processes_read_sites_of_their_own_and_have_all(number, apart, parts, tiny_dataset, tmp_path, project_root):
    (tmp_path / "read.py").write_text(READ_TOGETHER)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", number]
    subprocess.run(
        [*launch, str(tmp_path / "read.py"), str(tiny_dataset), str(tmp_path), apart], cwd=project_root,
        env={**environment(), "PYTHONPATH": str(project_root)}, timeout=60, check=True,
    )  # fmt: skip
    alone = Dataset.open(tiny_dataset, Signature.from_names())
    for rank, rows in enumerate(parts):
        expected = f"{list(rows)} {alone.content_hash()} True {alone.site_id.tolist()}"
        assert (tmp_path / str(rank)).read_text() == expected
