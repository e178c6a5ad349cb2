"""Finds and runs the Fortran program `ecosys`, and says clearly why it failed."""

import os
import platform
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from foundations import provenance
from foundations.child_processes import end_with_parent

SUCCESS_LINE = "SUCCESSFUL COMPLETION"
UNKNOWN_KEY, FILE_ERROR = 2, 4
EXIT_CODES = {
    1: "bad input",
    UNKNOWN_KEY: "unknown namelist group or key",
    3: "a balance did not close",
    FILE_ERROR: "a file could not be read or written",
    5: "the emulator failed",
}
NOT_LOADED = 127  # the exit status where the loader lacks a shared library
LAST_LINES = 8  # of what the program printed, in a message of failure
PACKAGES = ("numpy", "netCDF4", "dask", "distributed", "f90nml", "pydantic")  # that touch the result


class ModelError(RuntimeError):
    """The program could not be run or did not complete; the message carries the program's own."""

    def __init__(self, message: str, exit_code: int | None = None) -> None:
        super().__init__(message)
        self.exit_code = exit_code

    def __reduce__(self) -> tuple[type["ModelError"], tuple[str, int | None]]:
        """Keeps both fields when a Dask worker sends the error home."""
        return type(self), (str(self), self.exit_code)


def find_program() -> Path:
    """The program: $ECOSTEP_ECOSYS, else `ecosys` beside the running Python, else on the PATH."""
    named = os.environ.get("ECOSTEP_ECOSYS")
    if named:
        if _executable(named):
            return Path(named).resolve()
        message = f"ECOSTEP_ECOSYS names {named}, which is not an executable file; correct it or unset it"
        raise ModelError(message)
    beside = Path(sys.executable).parent / "ecosys"
    if _executable(beside):
        return beside
    on_path = shutil.which("ecosys")
    if on_path:
        return Path(on_path).resolve()
    message = (
        f"the process model `ecosys` is not built: looked for {beside} and on the PATH; "
        "run `bash scripts/setup.sh`, or set ECOSTEP_ECOSYS to the program"
    )
    raise ModelError(message)


def _executable(path: str | Path) -> bool:
    return Path(path).is_file() and os.access(path, os.X_OK)


def run_program(program: Path, namelist: Path, folder: Path, timeout_s: float | None = None) -> str:
    """Run `ecosys NAMELIST` in `folder`, keep what it prints in `ecosys.log` there, and return it.

    Raises ModelError unless the program exits with 0 and its last line is SUCCESSFUL COMPLETION.
    """
    command = [str(program), str(namelist)]
    try:
        process = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            timeout=timeout_s, check=False, preexec_fn=end_with_parent(),
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        message = f"{program.name} took longer than {timeout_s:g} s and was stopped"
        raise ModelError(message) from error
    except OSError as error:
        message = f"cannot start {program}: {error.strerror}"
        raise ModelError(message) from error
    (folder / "ecosys.log").write_text(process.stdout + process.stderr)
    lines = process.stdout.strip().splitlines()
    if process.returncode == 0 and lines and lines[-1].strip() == SUCCESS_LINE:
        return process.stdout
    raise ModelError(_failure(program, process, lines), process.returncode)


def _failure(program: Path, process: subprocess.CompletedProcess[str], lines: list[str]) -> str:
    if process.returncode < 0:
        reason = f"was killed by signal {-process.returncode}"
    elif process.returncode == 0:
        reason = f"ended without the line {SUCCESS_LINE}"
    else:
        meaning = EXIT_CODES.get(process.returncode)
        reason = f"stopped with exit code {process.returncode}" + (f" ({meaning})" if meaning else "")
    printed = (process.stderr.strip().splitlines() or lines)[-LAST_LINES:]
    text = "\n  ".join(line.strip() for line in printed) or "it printed nothing"
    return f"{program.name} {reason}: {text}{_advice(process)}"


def _advice(process: subprocess.CompletedProcess[str]) -> str:
    """What to install where the program was built for libraries that this system lacks, as a wheel's may be."""
    if process.returncode != NOT_LOADED or "shared librar" not in process.stderr:
        return ""
    return (
        "\nThe process model needs the run time of netCDF-Fortran and gfortran (Debian and Ubuntu: "
        "apt-get install libnetcdff7 libgfortran5). Where the system has another version, build ecostep there."
    )


@cache
def program_version(program: Path) -> str:
    """What `ecosys --version` prints."""
    return output_of(program, "--version").strip()


def output_of(program: Path, option: str) -> str:
    """What the program prints when called with one option; ModelError where that fails."""
    try:
        process = subprocess.run([str(program), option], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        message = f"cannot run {program} {option}: {error}"
        raise ModelError(message) from error
    if process.returncode != 0:
        message = f"{program} {option} failed: {(process.stderr or process.stdout).strip()}{_advice(process)}"
        raise ModelError(message, process.returncode)
    return process.stdout


def library_versions() -> dict[str, str]:
    """Python's version and those of the libraries that touch the result of a simulation."""
    return {"python": platform.python_version(), **provenance.versions(PACKAGES)}
