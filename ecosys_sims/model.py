"""Finds and runs the Fortran program `ecosys`, and says clearly why it failed."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ecosys_sims import biomes

SUCCESS_LINE = "SUCCESSFUL COMPLETION"
FILE_ERROR = 4
EXIT_CODES = {
    1: "bad input",
    2: "unknown namelist group or key",
    3: "a balance did not close",
    FILE_ERROR: "a file could not be read or written",
    5: "the emulator failed",
}


class ModelError(RuntimeError):
    """The program could not be run or did not complete; the message carries the program's own."""

    def __init__(self, message: str, exit_code: int | None = None):
        super().__init__(message)
        self.exit_code = exit_code

    def __reduce__(self):  # keeps both fields when a Dask worker sends the error home
        return type(self), (str(self), self.exit_code)


@dataclass(frozen=True)
class ParameterInfo:
    """One row of the program's parameter table."""

    name: str
    group: str
    units: str
    minimum: float
    maximum: float
    biome_defaults: dict[str, float]


def find_program() -> Path:
    """The program: $ECOSTEP_ECOSYS, else `ecosys` beside the running Python, else on the PATH."""
    named = os.environ.get("ECOSTEP_ECOSYS")
    if named:
        if _executable(named):
            return Path(named).resolve()
        raise ModelError(f"ECOSTEP_ECOSYS names {named}, which is not an executable file; correct it or unset it")
    beside = Path(sys.executable).parent / "ecosys"
    if _executable(beside):
        return beside
    found = shutil.which("ecosys")
    if found:
        return Path(found).resolve()
    raise ModelError(
        f"the process model `ecosys` is not built: looked for {beside} and on the PATH; "
        "run `bash scripts/setup.sh`, or set ECOSTEP_ECOSYS to the program"
    )


def _executable(path: str | Path) -> bool:
    return Path(path).is_file() and os.access(path, os.X_OK)


def run_program(program: Path, namelist: Path, folder: Path, timeout_s: float | None = None) -> str:
    """Run `ecosys NAMELIST` in `folder`, keep what it prints in `ecosys.log` there, and return it.

    Raises ModelError unless the program exits with 0 and its last line is SUCCESSFUL COMPLETION.
    """
    command = [str(program), str(namelist)]
    try:
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            timeout=timeout_s, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"{program.name} took longer than {timeout_s:g} s and was stopped") from error
    except OSError as error:
        raise ModelError(f"cannot start {program}: {error.strerror}") from error
    (folder / "ecosys.log").write_text(done.stdout + done.stderr)
    lines = done.stdout.strip().splitlines()
    if done.returncode == 0 and lines and lines[-1].strip() == SUCCESS_LINE:
        return done.stdout
    raise ModelError(_failure(program, done, lines), done.returncode)


def _failure(program: Path, done: subprocess.CompletedProcess, lines: list[str]) -> str:
    if done.returncode < 0:
        reason = f"was killed by signal {-done.returncode}"
    elif done.returncode == 0:
        reason = f"ended without the line {SUCCESS_LINE}"
    else:
        meaning = EXIT_CODES.get(done.returncode)
        reason = f"stopped with exit code {done.returncode}" + (f" ({meaning})" if meaning else "")
    said = done.stderr.strip().splitlines() or lines
    return f"{program.name} {reason}: " + ("\n  ".join(line.strip() for line in said[-8:]) or "it printed nothing")


@cache
def program_version(program: Path) -> str:
    """What `ecosys --version` prints."""
    return _ask(program, "--version").strip()


def parameter_table(program: Path) -> dict[str, ParameterInfo]:
    """The program's parameters with their bounds and the default of each biome, from `ecosys --parameters`."""
    rows: dict[str, dict[str, str]] = {}
    header: list[str] = []
    try:
        for line in _ask(program, "--parameters").splitlines():
            if not line.startswith("|") or set(line) <= set("|-: "):
                continue
            cells = [cell.strip(" `&") for cell in line.strip().strip("|").split("|")]
            if cells[0] == "name":
                header = cells  # of one of several tables, all with a row for each parameter
            else:
                rows.setdefault(cells[0], {}).update(zip(header, cells, strict=True))
        found = {name: _parameter(row) for name, row in rows.items()}
    except (ValueError, KeyError) as error:
        raise ModelError(
            f"{program} --parameters: not the tables expected ({error}); build the program again"
        ) from error
    if not found:
        raise ModelError(f"{program} --parameters: printed no table; is it the program ecosys?")
    return found


def _parameter(row: dict[str, str]) -> ParameterInfo:
    return ParameterInfo(
        name=row["name"],
        group=row["group"],
        units=row["units"],
        minimum=float(row["minimum"]),
        maximum=float(row["maximum"]),
        biome_defaults={biome.name: float(row[biome.name]) for biome in biomes.BIOMES},
    )


def _ask(program: Path, option: str) -> str:
    try:
        done = subprocess.run([str(program), option], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ModelError(f"cannot run {program} {option}: {error}") from error
    if done.returncode != 0:
        raise ModelError(f"{program} {option} failed: {(done.stderr or done.stdout).strip()}", done.returncode)
    return done.stdout
