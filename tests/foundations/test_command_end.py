"""How commands end: a status and one line."""

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from foundations.command_end import FAILED, INTERRUPTED, PIPE_CLOSED, ends_clearly
from foundations.file_faults import DamagedFile

TALKER = """
import sys
from foundations.command_end import ends_clearly
@ends_clearly
def main():
    for number in range(100000):
        print(number, flush=True)
    return 0
sys.exit(main())
"""


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (DamagedFile("a.json", "is empty", "make it again"), FAILED, "a.json: is empty; make it again"),
        (FileNotFoundError(2, "No such file or directory", "b.nc"), FAILED, "b.nc: No such file or directory"),
        (OSError(28, "No space left on device", "c.nc"), FAILED, "c.nc: no space left on the device; free some space"),
        (MemoryError("Unable to allocate 3 TiB"), FAILED, "not enough memory (Unable to allocate 3 TiB); use fewer"),
        (KeyboardInterrupt(), INTERRUPTED, "interrupted"),
    ],
)
def test_an_error_of_the_system_is_one_line(error, status: int, line: str, caplog: pytest.LogCaptureFixture) -> None:
    @ends_clearly
    def main(arguments: list[str]) -> int:
        raise error

    assert main([]) == status
    (record,) = caplog.records
    assert record.levelno == logging.ERROR and record.getMessage().startswith(line)
    assert "\n" not in record.getMessage()


def test_a_mistake_of_ours_is_not_hidden() -> None:
    @ends_clearly
    def main() -> int:
        return {1: 2}[3]

    with pytest.raises(KeyError):
        main()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_tidies_up_and_gives_its_status(
    number: signal.Signals, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from foundations.atomic_file import replacing

    @ends_clearly
    def main() -> int:
        with replacing(tmp_path / "result.nc") as temporary:
            temporary.write_text("half")
            os.kill(os.getpid(), number)
            return 0

    former = signal.getsignal(number)
    assert main() == 128 + number
    assert caplog.records[-1].getMessage() == f"stopped by {number.name}"
    assert not list(tmp_path.iterdir())
    assert signal.getsignal(number) is former


def test_a_reader_that_has_gone_is_no_error(project_root: Path) -> None:
    talker = subprocess.Popen(
        [sys.executable, "-c", TALKER], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=project_root
    )
    assert talker.stdout is not None and talker.stderr is not None
    assert talker.stdout.readline() == b"0\n"
    talker.stdout.close()
    assert talker.stderr.read() == b""
    talker.stderr.close()
    assert talker.wait(timeout=30) == PIPE_CLOSED
