"""Documents: what they name exists, paragraphs are short, and the README begins with the two commands."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
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


def test_the_page_of_places_names_what_exists(project_root: Path) -> None:
    text = (project_root / "docs" / "where_things_are.md").read_text(encoding="utf-8")
    paths = re.findall(r"`([\w.-]+/[\w./-]*)`", text)
    assert len(paths) > 40
    assert [path for path in paths if not (project_root / path).exists()] == []


def test_the_page_of_places_names_every_folder_of_the_packages(project_root: Path) -> None:
    text = (project_root / "docs" / "where_things_are.md").read_text(encoding="utf-8")
    packages = [project_root / name for name in ("foundations", "ecosys_sims", "emulator", "coupler")]
    rooms = [room for package in packages for room in package.iterdir() if room.is_dir() and room.name != "__pycache__"]
    names = [room.relative_to(project_root).as_posix() for room in rooms if any(room.glob("**/*.*"))]
    assert [name for name in names if f"`{name}/" not in text] == []


MOST_WORDS = 120
"""In a paragraph."""


def prose(text: str) -> Iterator[str]:
    """Paragraphs of a Markdown document without code, tables, headings and items of lists."""
    without_code = re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)
    for block in re.split(r"\n\s*\n", without_code):
        paragraph = re.split(r"^ *(?:[-*+]|\d+\.) ", block, maxsplit=1, flags=re.MULTILINE)[0]
        if paragraph.strip() and not paragraph.lstrip("\n").startswith(("|", "#", "    ")):
            yield paragraph


def test_no_paragraph_is_longer_than_a_reader_holds(project_root: Path) -> None:
    long = [
        f"{document.relative_to(project_root)}: {len(paragraph.split())} words: {' '.join(paragraph.split()[:8])} ..."
        for document in documents(project_root)
        for paragraph in prose(document.read_text(encoding="utf-8"))
        if len(paragraph.split()) > MOST_WORDS
    ]
    assert long == []


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
