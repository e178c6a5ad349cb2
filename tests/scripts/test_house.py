"""The code stays readable: layers, circles, names, arguments, and what a new part touches (scripts/house.py)."""

import importlib.util
import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest

LINT_IMPORTS = [
    sys.executable,
    "-c",
    "import importlinter.cli, sys; sys.exit(importlinter.cli.lint_imports(no_cache=True))",
]
"""In a process of its own: it sets up logging for itself."""


@pytest.fixture(scope="module")
def house(project_root) -> ModuleType:
    spec = importlib.util.spec_from_file_location("house", project_root / "scripts" / "house.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def counts(house) -> dict[str, Any]:
    return house.count()


def test_layers_of_the_packages(project_root):
    done = subprocess.run(LINT_IMPORTS, cwd=project_root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_no_circles(counts):
    assert counts["import_circles"] == [] and counts["include_circles"] == []


def test_a_circle_is_seen(house):
    arrows = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": set()}
    assert house.circles(arrows) == [["a", "b", "c"]]


def test_names_say_what_a_value_is(counts):
    assert counts["filler_share"]["python"] <= 0.01, counts["functions_with_filler_names"]["python"]
    assert counts["filler_share"]["fortran"] <= 0.01, counts["functions_with_filler_names"]["fortran"]
    assert len(counts["cpp_filler_declarations"]) <= 5, counts["cpp_filler_declarations"]


def test_a_filler_name_is_seen(house, tmp_path, monkeypatch):
    monkeypatch.setattr(house, "ROOT", tmp_path)
    (tmp_path / "a.py").write_text("def f(one, x):\n    found: int = x\n    def g(still):\n        return still\n")
    (tmp_path / "b.f90").write_text(
        "module b\ncontains\n  subroutine s(kept, x, &\n    y)\n    integer :: kept, x, y\n  end subroutine s\n"
        "  pure real function f(x) result(own)\n    real, intent(in) :: x\n    real :: own\n  end function f\n"
        "end module b\n"
    )
    names = [(f.arguments, set(f.filler)) for f in house.python_functions(house.Path("a.py"))]
    assert names == [(2, {"one", "found"}), (1, {"still"})]
    assert [(f.arguments, set(f.filler)) for f in house.fortran_functions(house.Path("b.f90"))] == [
        (3, {"kept"}),
        (1, {"own"}),
    ]


def test_no_procedure_takes_more_than_fifteen_arguments(counts):
    assert counts["many_arguments"] == []


def test_the_root_of_emulator_holds_verbs_only(counts):
    assert counts["emulator_root_beside_verbs"] == []


def test_what_a_new_part_touches(counts):
    assert len(counts["files_of_a_model_kind"]) <= 2, counts["files_of_a_model_kind"]
    assert len(counts["files_of_a_backend"]) <= 3, counts["files_of_a_backend"]
