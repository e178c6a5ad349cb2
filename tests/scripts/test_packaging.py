"""Recipes of packages and containers say what the project says."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

RENAMED = {"netcdf4": "netcdf4", "matplotlib": "matplotlib-base"}


@pytest.fixture
def folder(project_root: Path) -> Path:
    return project_root / "scripts" / "packaging"


@pytest.fixture
def project(project_root: Path) -> dict:
    return tomllib.loads((project_root / "pyproject.toml").read_text())["project"]


def test_the_conda_recipe_asks_for_what_the_package_does(folder: Path, project: dict) -> None:
    recipe = YAML(typ="safe").load(folder / "recipe.yaml")
    assert recipe["context"]["version"] == project["version"]
    wanted = set()
    for requirement in project["dependencies"]:
        name, bound = re.fullmatch(r"([\w.-]+)(.*)", requirement).groups()
        wanted.add(f"{RENAMED.get(name.lower(), name.lower())} {bound}")
    run = set(recipe["requirements"]["run"]) - {"netcdf-fortran"}
    assert run == wanted | {f"python {project['requires-python']}"}
    torch = project["optional-dependencies"]["torch"][0].removeprefix("torch")
    assert recipe["requirements"]["run_constraints"] == [f"pytorch {torch}"]


@pytest.mark.parametrize("name", ["Dockerfile", "ecostep.def"])
def test_containers_install_what_set_up_installs(folder: Path, project: dict, project_root: Path, name: str) -> None:
    text = (folder / name).read_text()
    environment = (project_root / "scripts" / "environment.sh").read_text()
    for package in ("gfortran", "g++", "libnetcdff-dev", "nlohmann-json3-dev", "pkg-config"):
        assert package in text and package in environment
    assert project["optional-dependencies"]["torch"][0] in text
    extras = re.search(r'"/source\[([\w,]+)\]"', text)
    assert extras is not None and set(extras[1].split(",")) <= set(project["optional-dependencies"])
    if name.endswith(".def"):
        assert f"Version {project['version']}" in text


def test_the_dockerfile_has_instructions_only(folder: Path) -> None:
    lines = re.sub(r"\\\n", " ", (folder / "Dockerfile").read_text()).splitlines()
    known = {"FROM", "RUN", "COPY", "ENV", "USER", "WORKDIR", "ENTRYPOINT", "CMD"}
    assert {line.split()[0] for line in lines if line and not line.startswith("#")} == known
