"""The set-up commands as a user meets them: help, wrong options, and a machine without what they need."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = ("quickstart.sh", "setup.sh", "test.sh")
SEARCHED = ("/usr/local/bin", "/usr/bin", "/bin")


def run(project_root: Path, command: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(project_root / "scripts" / command), *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_help_sets_nothing_up(project_root: Path, command: str, tmp_path: Path) -> None:
    done = run(project_root, command, "--help", PATH=str(path_without(tmp_path, "gfortran")), ECOSTEP_NO_APT="1")
    assert done.returncode == 0, done.stderr
    assert f"bash scripts/{command}" in done.stdout
    assert "-h, --help" in done.stdout


@pytest.mark.parametrize(("command", "arguments"), [("quickstart.sh", ["--ouput", "x"]), ("setup.sh", ["--force"])])
def test_an_unknown_option_is_named(project_root: Path, command: str, arguments: list[str]) -> None:
    done = run(project_root, command, *arguments)
    assert done.returncode != 0
    assert arguments[0] in done.stderr
    assert "--help" in done.stderr


def test_an_option_without_its_value_is_named(project_root: Path) -> None:
    done = run(project_root, "quickstart.sh", "--sites")
    assert done.returncode != 0
    assert "--sites needs a value" in done.stderr


@pytest.mark.parametrize(
    ("missing", "package", "reason"),
    [
        ("gfortran", "gfortran", "compiles the process model"),
        ("g++", "g++", "compiles the coupler"),
    ],
)
def test_a_missing_compiler_that_may_not_be_installed_is_named_with_the_command(
    project_root: Path, tmp_path: Path, missing: str, package: str, reason: str
) -> None:
    done = run(project_root, "setup.sh", PATH=str(path_without(tmp_path, missing)), ECOSTEP_NO_APT="1")
    assert done.returncode != 0
    assert f"{package} --" in done.stderr
    assert reason in done.stderr
    assert "ECOSTEP_NO_APT is set" in done.stderr
    command = next(line for line in done.stderr.splitlines() if "sudo apt-get install" in line or "&& sudo" in line)
    assert package in command.split()


def test_a_system_without_apt_hears_what_is_missing(project_root: Path, tmp_path: Path) -> None:
    path = path_without(tmp_path, "gfortran", "apt-get")
    done = run(project_root, "setup.sh", PATH=str(path))
    assert done.returncode != 0
    assert "this system has no apt-get" in done.stderr
    assert "gfortran" in done.stderr


def sourced(folder: Path, function: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Call a function of scripts/environment.sh in a checkout."""
    return subprocess.run(
        ["bash", "-c", f"source scripts/environment.sh && {function}"],
        cwd=folder,
        env=os.environ | {"ECOSTEP_PYTHON": sys.executable} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )


@pytest.fixture
def checkout(project_root: Path, tmp_path: Path) -> Path:
    """A folder with scripts/environment.sh and little else."""
    (tmp_path / "checkout" / "scripts").mkdir(parents=True)
    shutil.copy(project_root / "scripts" / "environment.sh", tmp_path / "checkout" / "scripts")
    return tmp_path / "checkout"


@pytest.mark.slow
def test_a_moved_checkout_gets_a_new_venv(checkout: Path, tmp_path: Path) -> None:
    assert "making .venv" in sourced(checkout, "ensure_venv").stdout
    (checkout / ".venv" / ".ecostep-root").unlink()  # as an earlier set-up left it
    (checkout / ".venv" / "left_by_first_setup").touch()
    assert sourced(checkout, "ensure_venv").stdout == ""
    assert (checkout / ".venv" / ".ecostep-root").read_text().strip() == str(checkout.resolve())
    assert sourced(checkout, "ensure_venv").stdout == ""
    assert (checkout / ".venv" / "left_by_first_setup").exists()

    moved = checkout.rename(tmp_path / "moved")
    assert "making .venv" in sourced(moved, "ensure_venv").stdout
    assert not (moved / ".venv" / "left_by_first_setup").exists()
    assert subprocess.run([moved / ".venv" / "bin" / "pip", "--version"], check=True, capture_output=True).stdout
    assert sourced(moved, "ensure_venv").stdout == ""


def test_the_example_artefact_belongs_to_what_is_built(checkout: Path) -> None:
    example = "coupler/examples/stub/extra/ecostep.json"
    for name in ("pyproject.toml", "CMakeLists.txt", example, "ecosys_sims/fortran/a.f90"):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text("1")
    before = sourced(checkout, "build_digest").stdout
    assert before == sourced(checkout, "build_digest").stdout
    (checkout / example).write_text("2")
    assert before != sourced(checkout, "build_digest").stdout


def test_two_set_ups_do_not_install_packages_at_once(checkout: Path, tmp_path: Path) -> None:
    (checkout / "build").mkdir()
    with (checkout / "build" / "environment.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = subprocess.Popen(
            ["bash", "-c", "source scripts/environment.sh && ensure_environment"],
            cwd=checkout,
            env=os.environ | {"PATH": str(path_without(tmp_path, "gfortran")), "ECOSTEP_NO_APT": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert second.stdout is not None
        assert "waiting for another set-up" in second.stdout.readline()
    output, _ = second.communicate(timeout=60)
    assert second.returncode != 0
    assert "gfortran --" in output


def path_without(folder: Path, *names: str) -> Path:
    """A folder with links to every program of the system but those called `name` or `name-VERSION`."""
    programs = folder / "bin"
    programs.mkdir()
    for source in map(Path, SEARCHED):
        for program in source.iterdir() if source.is_dir() else ():
            excluded = any(program.name == name or program.name.startswith(f"{name}-") for name in names)
            if not excluded and not (programs / program.name).exists():
                (programs / program.name).symlink_to(program)
    return programs
