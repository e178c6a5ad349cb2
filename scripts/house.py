"""Count what keeps the code readable: circles, names that say nothing, arguments, files that a new part touches.

python scripts/house.py [--json] [--list]

The bars are in tests/scripts/test_house.py; CONTRIBUTING.md says what to do where one is missed.
"""

import argparse
import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("foundations", "ecosys_sims", "emulator", "coupler", "ecostep")
PYTHON_FOLDERS = (*PACKAGES, "benchmarks", "scripts", "tests")
FILLER_NAMES = frozenset(("found", "kept", "known", "still", "own", "one", "some"))
VERBS = frozenset(("__init__", "train", "evaluate", "predict", "export", "tune", "ensemble", "calibrate"))
MOST_ARGUMENTS = 15


@dataclass(frozen=True)
class Function:
    """A function or procedure: `path:line name`, its number of arguments, and the filler names that it binds."""

    place: str
    arguments: int
    filler: frozenset[str]


def tracked(*patterns: str) -> list[Path]:
    """Files of the repository that match git patterns, relative to its root."""
    listing = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    return [Path(line) for line in listing.stdout.splitlines() if (ROOT / line).is_file()]


# ---- Python ---------------------------------------------------------------------------------------------------------


def python_functions(path: Path) -> Iterator[Function]:
    """Every function of a Python file; names bound in a function inside another count for the inner one only."""
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            parameters = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            names = {parameter.arg for parameter in parameters} | set(_bound_names(node.body))
            yield Function(f"{path}:{node.lineno} {node.name}", len(parameters), FILLER_NAMES & names)


def _bound_names(body: Iterable[ast.AST]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        yield from _bound_names(ast.iter_child_nodes(node))


def module_name(path: Path) -> str:
    """emulator/data/__init__.py -> emulator.data"""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path, modules: frozenset[str]) -> set[str]:
    """Modules of the project that a file imports, wherever in the file."""
    targets: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            targets |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            members = {f"{node.module}.{alias.name}" for alias in node.names}
            targets |= (members & modules) | ({node.module} if members - modules else set())
    return targets & modules - {module_name(path)}


def circles(arrows: dict[str, set[str]]) -> list[list[str]]:
    """Sets of nodes that reach one another (strongly connected components of two or more), sorted. Tarjan 1972."""
    index: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    components: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = lowest[node] = len(index)
        path.append(node)
        for target in sorted(arrows.get(node, ())):
            if target not in index:
                visit(target)
                lowest[node] = min(lowest[node], lowest[target])
            elif target in path:
                lowest[node] = min(lowest[node], index[target])
        if lowest[node] == index[node]:
            component = path[path.index(node) :]
            del path[path.index(node) :]
            if len(component) > 1:
                components.append(sorted(component))

    sys.setrecursionlimit(10_000)
    for node in sorted(arrows):
        if node not in index:
            visit(node)
    return components


def python_circles() -> list[list[str]]:
    """Circles of imports among the modules of the packages, benchmarks and scripts."""
    files = tracked(*(f"{folder}/*.py" for folder in PYTHON_FOLDERS))
    modules = frozenset(module_name(path) for path in files)
    return circles({module_name(path): imports(path, modules) for path in files})


def include_circles() -> list[list[str]]:
    """Circles of `#include "..."` among the C and C++ files of the coupler."""
    files = tracked("coupler/*.h", "coupler/*.cpp")
    by_name: dict[str, list[Path]] = {}
    for path in files:
        by_name.setdefault(path.name, []).append(path)
    arrows = {}
    for path in files:
        included = re.findall(r'^#include "([^"]+)"', (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
        arrows[str(path)] = {
            str(target)
            for name in included
            for target in by_name.get(Path(name).name, [])
            if str(target).endswith(name.removeprefix("./").removeprefix("../"))
        }
    return circles(arrows)


# ---- Fortran --------------------------------------------------------------------------------------------------------

_PROCEDURE = re.compile(
    r"^\s*(?!end\b)(?:[\w()*=, ]+\s)?(?:subroutine|function)\s+(\w+)\s*\(([^)]*)\)(.*)$", re.IGNORECASE | re.MULTILINE
)


def fortran_functions(path: Path) -> Iterator[Function]:
    """Procedures of a Fortran file; those for C (`bind(c)`) count no arguments."""
    source = re.sub(
        r"&[ \t]*(?:![^\n]*)?\n(?:[ \t]*![^\n]*\n)*[ \t]*&?", " ", (ROOT / path).read_text(encoding="utf-8")
    )
    heads = list(_PROCEDURE.finditer(source))
    ends = [head.start() for head in heads[1:]] + [len(source)]
    for head, end in zip(heads, ends, strict=False):
        body = source[head.end() : end]
        code = re.sub(r"!.*", "", body)
        declared = {
            name.lower()
            for line in re.findall(r"::(.*)", code)
            for name in re.findall(r"(?:^|,)\s*(\w+)", re.sub(r"\([^()]*\)", "", line))
        }
        dummies = [name for name in head.group(2).replace(" ", "").split(",") if name]
        interoperable = "bind(c" in head.group(3).lower().replace(" ", "")
        line = source.count("\n", 0, head.start()) + 1
        names = FILLER_NAMES & (declared | set(dummies))
        yield Function(f"{path}:{line} {head.group(1)}", 0 if interoperable else len(dummies), names)


# ---- all of it ------------------------------------------------------------------------------------------------------


def cpp_filler_declarations() -> list[str]:
    """Places where C or C++ declares a variable or parameter by a filler name."""
    names = "|".join(sorted(FILLER_NAMES))
    declaration = re.compile(
        rf"^\s*(?!return\b)(?:[\w:<>,*& ]+[\w>*&]\s+[*&]?|.*[(,]\s*(?:const )?[\w:<>]+[*&]* )"
        rf"({names})\s*(?:[=;:,){{]|$)"
    )
    return [
        f"{path}:{number} {match.group(1)}"
        for path in tracked(
            "coupler/*.h", "coupler/*.cpp", "tests/coupler/*.h", "tests/coupler/*.cpp", "tests/coupler/*.c"
        )
        for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), 1)
        if (match := declaration.match(re.sub(r'"[^"]*"|//.*', "", line)))
    ]


def files_that_name(pattern: str, *folders: str) -> list[str]:
    """Code files below folders whose text matches a pattern."""
    suffixes = (".py", ".f90", ".fypp", ".cpp", ".h", ".csv", ".txt", ".cmake")
    return [
        str(path)
        for path in tracked(*folders)
        if path.suffix in suffixes and re.search(pattern, (ROOT / path).read_text(encoding="utf-8", errors="ignore"))
    ]


def count() -> dict[str, Any]:
    """All counts; lists hold places, so that a miss can be mended."""
    python = [f for path in tracked(*(f"{folder}/*.py" for folder in PYTHON_FOLDERS)) for f in python_functions(path)]
    fortran = [f for path in tracked("*.f90") for f in fortran_functions(path)]
    filler = {
        language: [f"{f.place}: {', '.join(sorted(f.filler))}" for f in functions if f.filler]
        for language, functions in (("python", python), ("fortran", fortran))
    }
    return {
        "functions": {"python": len(python), "fortran": len(fortran)},
        "functions_with_filler_names": filler,
        "filler_share": {
            "python": round(len(filler["python"]) / len(python), 4),
            "fortran": round(len(filler["fortran"]) / len(fortran), 4),
        },
        "cpp_filler_declarations": cpp_filler_declarations(),
        "many_arguments": [f"{f.place}: {f.arguments}" for f in (*python, *fortran) if f.arguments > MOST_ARGUMENTS],
        "import_circles": python_circles(),
        "include_circles": include_circles(),
        "emulator_root_beside_verbs": sorted(
            str(path) for path in tracked("emulator/*.py") if len(path.parts) == 2 and path.stem not in VERBS
        ),
        "files_of_a_model_kind": files_that_name(r"\btcn\b|TCNConfig", "emulator"),
        "files_of_a_target": files_that_name(r"\bfn2o\b", *PACKAGES),
        "files_of_a_backend": files_that_name(
            r"stub_backend|backends/stub|ROW\(stub\)", "coupler/src", "coupler/CMakeLists.txt", "coupler/cmake"
        ),
    }


def main(arguments: list[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="everything as JSON, places included")
    parser.add_argument("--list", action="store_true", help="the places behind each count as well")
    options = parser.parse_args(arguments)
    counts = count()
    if options.json:
        sys.stdout.write(json.dumps(counts, indent=1) + "\n")
        return 0
    for name, value in counts.items():
        parts = value if isinstance(value, dict) else {"": value}
        for part, content in parts.items():
            label = f"{name} ({part})" if part else name
            sys.stdout.write(f"{label:45s} {len(content) if isinstance(content, list) else content}\n")
            if options.list and isinstance(content, list):
                sys.stdout.writelines(f"    {place}\n" for place in content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
