"""The set-up commands as a user meets them: help, wrong options, and a machine without what they need."""

import os
import subprocess
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
def test_help_is_given_without_setting_anything_up(project_root: Path, command: str, tmp_path: Path) -> None:
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


def test_a_system_without_apt_is_told_what_is_missing(project_root: Path, tmp_path: Path) -> None:
    path = path_without(tmp_path, "gfortran", "apt-get")
    done = run(project_root, "setup.sh", PATH=str(path))
    assert done.returncode != 0
    assert "this system has no apt-get" in done.stderr
    assert "gfortran" in done.stderr


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
