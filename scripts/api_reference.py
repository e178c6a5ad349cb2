"""Write docs/api.md, the functions of `import ecostep` and of the coupler's C, Fortran and Python faces, from the
comments in their sources.

    python scripts/api_reference.py

Exit status 1, and no file, where a public function has no comment.
"""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEADER = Path("coupler/include/ecostep.h")
FORTRAN = Path("coupler/fortran/ecostep.f90")
PYTHON = (Path("coupler/python/model.py"), Path("coupler/python/cells.py"))
CLASSES = ("Model", "Cells")
FACE = {
    Path("ecostep/work.py"): ("load", "simulate", "import_files", "train", "SimulationError"),
    Path("ecostep/site_series.py"): ("open_dataset",),
    Path("ecostep/model.py"): ("Model",),
    Path("ecostep/run_model.py"): ("RunModel",),
    Path("ecostep/artefact_model.py"): ("ArtefactModel",),
    Path("ecostep/errors.py"): ("DataError",),
}
"""Public names of `import ecostep` by the file that defines them."""


@dataclass(frozen=True)
class Entry:
    """One or more declarations with the text that describes them."""

    names: tuple[str, ...]
    code: str
    text: str


def c_entries(source: str) -> list[Entry]:
    """Functions, structs and enumerations of the header, each with the comment above."""
    body = source[source.index('extern "C"') :]
    entries, text = [], ""
    for block in re.split(r"\n\s*\n", body):
        comment = re.match(r"\s*/\*(.*?)\*/", block, re.DOTALL)
        code = (block[comment.end() :] if comment else block).strip("\n")
        text = _plain(comment.group(1)) if comment else ""
        names = re.findall(r"\b(ecostep_\w+)\s*\(", code) if "ECOSTEP_API" in code else []
        names = names or re.findall(r"^(?:typedef .*|\}) (ecostep_\w+);", code, re.MULTILINE)
        if names:
            code = re.sub(r" ?ECOSTEP_NOEXCEPT|ECOSTEP_API ", "", code)
            entries.append(Entry(tuple(names), re.sub(r"\n {4,}", "\n    ", code), text))
    return entries


def fortran_entries(source: str) -> dict[str, list[Entry]]:
    """Procedures bound to each public type, by type, and public functions under ''."""
    by_type: dict[str, list[Entry]] = {}
    for name in re.findall(r"^  type :: (\w+)", source, re.MULTILINE):
        definition = re.search(rf"  type :: {name}\n(.*?)  end type {name}", source, re.DOTALL)
        by_type[name] = _bound_entries(source, definition.group(1) if definition else "")
    public = [
        name
        for names in re.findall(r"^  public :: (.*(?:&\n.*)*)", source, re.MULTILINE)
        for name in re.findall(r"\w+", names)
    ]
    by_type[""] = [
        _fortran_procedure(source, name, name)
        for name in public
        if re.search(rf"^  (?:pure )?(?:function|subroutine) {name}\(", source, re.MULTILINE)
    ]
    return by_type


def _bound_entries(source: str, definition: str) -> list[Entry]:
    """Entries of the procedures that a type's definition binds, specific ones first."""
    entries = [
        _fortran_procedure(source, procedure, public)
        for public, procedure in re.findall(r"^ +procedure :: (\w+) => (\w+)", definition, re.MULTILINE)
    ]
    for comment, public in re.findall(r"((?:^ +!>.*\n)+) +generic :: (\w+)", definition, re.MULTILINE):
        text = " ".join(re.findall(r"!> ?(.*)", comment))
        code = re.search(r"call (\w+%\w+\(.*?\))", text)
        entries.append(Entry((public,), f"call {code.group(1)}" if code else public, text))
    return entries


def _fortran_procedure(source: str, procedure: str, public: str) -> Entry:
    pattern = rf"((?:^  !>.*\n)*)^  (?:pure )?(function|subroutine) {procedure}\(([^)]*)\)"
    definition = re.search(pattern, source, re.MULTILINE)
    if definition is None:
        message = f"the procedure {procedure}, bound as {public}, is not in the module"
        raise ValueError(message)
    comment, kind, dummies = definition.groups()
    arguments = [argument for argument in re.findall(r"\w+", dummies.replace("&", "")) if argument != "self"]
    object_name = "" if procedure == public else "cells%" if procedure.startswith("cells_") else "model%"
    code = f"{'call ' if kind == 'subroutine' else ''}{object_name}{public}({', '.join(arguments)})"
    return Entry((public,), code, " ".join(re.findall(r"!> ?(.*)", comment)))


def python_entries(source: str) -> dict[str, list[Entry]]:
    """Public methods and properties of the classes, by class; the first entry describes the class."""
    by_class = {}
    for node in ast.parse(source).body:
        if not isinstance(node, ast.ClassDef) or node.name not in CLASSES:
            continue
        start = next(
            (member for member in node.body if isinstance(member, ast.FunctionDef) and member.name == "__init__"), None
        )
        constructor_arguments = _arguments(start) if start else ""
        entries = [Entry((node.name,), f"{node.name}({constructor_arguments})", ast.get_docstring(node) or "")]
        for member in node.body:
            if not isinstance(member, ast.FunctionDef) or member.name.startswith("_"):
                continue
            kinds = [ast.unparse(decorator) for decorator in member.decorator_list]
            if any(kind.endswith(".setter") for kind in kinds):
                continue
            code = member.name if "property" in kinds else f"{member.name}({_arguments(member)})"
            result = f" -> {ast.unparse(member.returns)}" if member.returns is not None else ""
            entries.append(Entry((member.name,), code + result, ast.get_docstring(member) or ""))
        by_class[node.name] = entries
    return by_class


def face_entries(source: str, names: tuple[str, ...]) -> list[Entry]:
    """Functions and classes of these names, each class followed by its public methods."""
    definitions = {
        node.name: node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    entries = []
    for name in names:
        node = definitions[name]
        if isinstance(node, ast.FunctionDef):
            entries.append(_face_function(node, f"ecostep.{name}"))
            continue
        entries.append(Entry((name,), f"class ecostep.{name}", ast.get_docstring(node) or ""))
        methods = [member for member in node.body if isinstance(member, ast.FunctionDef)]
        entries += [_face_function(method, f"{name}.{method.name}") for method in methods if method.name[0] != "_"]
    return entries


def _face_function(node: ast.FunctionDef, name: str) -> Entry:
    result = f" -> {ast.unparse(node.returns)}" if node.returns is not None else ""
    return Entry((name,), f"{name}({_arguments(node)}){result}", ast.get_docstring(node) or "")


def _arguments(function: ast.FunctionDef) -> str:
    return ast.unparse(function.args).removeprefix("self").removeprefix(", ")


def undocumented(root: Path) -> list[str]:
    """Public names without a comment."""
    groups = [c_entries((root / HEADER).read_text()), *fortran_entries((root / FORTRAN).read_text()).values()]
    for path in PYTHON:
        groups += python_entries((root / path).read_text()).values()
    groups += [face_entries((root / path).read_text(), names) for path, names in FACE.items()]
    return [name for entries in groups for entry in entries if not entry.text.strip() for name in entry.names]


def page(root: Path) -> str:
    """The whole page."""
    lines = [
        "# Functions",
        "",
        "Written by `scripts/api_reference.py` from the comments in the sources; do not edit. How they work together:",
        "[python.md](python.md), [coupling.md](coupling.md).",
        "",
        "## Python, `import ecostep`",
        "",
    ]
    for path, names in FACE.items():
        for entry in face_entries((root / path).read_text(), names):
            lines += [f"### `{entry.names[0]}`", "", "```python", entry.code, "```", "", _roles_as_code(entry.text), ""]
    lines += [f"## C, `{HEADER.name}`", ""]
    for entry in c_entries((root / HEADER).read_text()):
        lines += ["```c", entry.code, "```", "", entry.text, ""]
    lines += [
        "## Fortran, `use ecostep`",
        "",
        "Every procedure that can fail has optional `stat` and `errmsg`; without `stat` a failure is an `error stop`.",
        "",
    ]
    for owner, entries in fortran_entries((root / FORTRAN).read_text()).items():
        lines += [f"### `type({owner})`" if owner else "### Functions", "", "| | |", "|---|---|"]
        lines += [f"| `{entry.code}` | {entry.text} |" for entry in entries] + [""]
    lines += ["## Python, `from coupler import Model`", ""]
    for path in PYTHON:
        for owner, (first, *entries) in python_entries((root / path).read_text()).items():
            lines += [f"### `{owner}`", "", f"`{first.code}`", "", first.text, "", "| | |", "|---|---|"]
            lines += [
                f"| `{entry.code.replace('|', chr(92) + '|')}` | {' '.join(entry.text.split())} |" for entry in entries
            ]
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _roles_as_code(text: str) -> str:
    return re.sub(r":(?:class|meth|mod):(`[^`]+`)", r"\1", text)


def _plain(comment: str) -> str:
    return "\n".join(re.sub(r"^ ?\*? ?", "", line).rstrip() for line in comment.strip().splitlines())


def main() -> int:
    """Write the page; returns the exit status."""
    if names := undocumented(ROOT):
        sys.stderr.write(f"without a comment: {', '.join(names)}\n")
        return 1
    (ROOT / "docs" / "api.md").write_text(page(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
