"""How the command `ecostep` ends when it is stopped."""

import argparse
import os
import signal
from pathlib import Path

import pytest

from coupler.cli import command, run, verify
from foundations.atomic_file import replacing


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_run_that_is_stopped_leaves_nothing_half_done(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(options: argparse.Namespace) -> int:
        with replacing(options.out) as temporary:
            temporary.write_text("half")
            os.kill(os.getpid(), number)
            return 0

    monkeypatch.setattr(run, "run", stopped)
    out = tmp_path / "out.nc"
    assert command.main(["run", "model.pt", "--forcing", "drivers.nc", "--out", str(out)]) == 128 + number
    assert capsys.readouterr().err == f"ecostep run: stopped by {number.name}\n"
    assert not list(tmp_path.iterdir())


def test_ctrl_c_ends_a_long_call_of_the_library_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []

    def verified(path: Path, backend: str | None, **options: bool) -> int:
        seen.append(signal.getsignal(signal.SIGINT))  # of the system: it needs no Python to be heard
        return 0

    monkeypatch.setattr(verify, "verify", verified)
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert command.main(["verify", "model.pt"]) == 0
        assert seen == [signal.SIG_DFL]
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # as nohup or a script leaves it
        assert command.main(["verify", "model.pt"]) == 0
        assert seen[1] is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, former)


def test_too_little_memory_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def full(options: argparse.Namespace) -> int:
        message = "Unable to allocate 3 TiB"
        raise MemoryError(message)

    monkeypatch.setattr(run, "run", full)
    assert command.main(["run", "model.pt", "--forcing", "a.nc", "--out", "b.nc"]) == 1
    assert capsys.readouterr().err.startswith("ecostep run: not enough memory (Unable to allocate 3 TiB); a smaller")
