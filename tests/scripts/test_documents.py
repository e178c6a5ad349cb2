"""Documents: links within the project lead somewhere, and the README begins with the two commands."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")


def documents(root: Path) -> list[Path]:
    return [*root.glob("*.md"), *(root / "docs").rglob("*.md")]


def test_relative_links_lead_to_files(project_root: Path) -> None:
    broken = [
        f"{document.relative_to(project_root)}: {target}"
        for document in documents(project_root)
        for target in LINK.findall(document.read_text(encoding="utf-8"))
        if "://" not in target and not (document.parent / target).exists()
    ]
    assert broken == []


def test_the_readme_begins_with_the_two_commands_and_a_figure(project_root: Path) -> None:
    text = (project_root / "README.md").read_text(encoding="utf-8")
    quickstart, tests, figure, example = (
        text.index(words) for words in ("bash scripts/quickstart.sh", "bash scripts/test.sh", "![", "use ecostep")
    )
    assert quickstart < tests < figure < example
    assert tests < 400


DECLARATIONS = """
implicit none
integer, parameter :: ncell = 3
real, target :: t_air(ncell), ch4_flux(ncell)
real, allocatable, target :: state(:, :)
"""


def test_the_fortran_example_of_the_readme_compiles(project_root: Path, tmp_path: Path) -> None:
    modules = Path(sys.prefix) / "include" / "ecostep"
    if not (modules / "ecostep.mod").exists():
        reason = f"no {modules / 'ecostep.mod'}: bash scripts/setup.sh compiles it"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    text = (project_root / "README.md").read_text(encoding="utf-8")
    example = re.search(r"```fortran\n(.*?)```", text, re.DOTALL)
    assert example
    lines = example.group(1).splitlines()
    assert len(lines) <= 12
    first_call = next(k for k, line in enumerate(lines) if line.startswith("call"))
    source = tmp_path / "example.f90"
    uses = [line for line in lines[:first_call] if line.startswith("use")]
    types = [line for line in lines[:first_call] if not line.startswith("use")]
    source.write_text("\n".join(["program example", *uses, DECLARATIONS, *types, *lines[first_call:], "end program"]))
    command = ["gfortran", "-fsyntax-only", "-std=f2018", "-Wall", "-Werror", f"-I{modules}", str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
