"""Code in a TorchScript archive, searched before torch runs any of it for what is more than arithmetic on tensors.

`torch.jit.load` compiles the Python-like code of an archive and may run parts of it; the code may use all operations
of torch, of which some read and write files or start processes. Here the names in that code are compared with a list
of operations, foundations/torchscript_operations.csv. The coupler has the same rules
(coupler/src/backends/torchscript/plugin/code_check.cpp), and the tests run both on the same archives.
"""

import csv
import functools
import io
import itertools
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import NoReturn

import torch

from emulator.artefact.storage_check import short_storage

ENTRIES = re.compile(r"version|\.data/version|byteorder|\.data/serialization_id|(data|constants|extra)/.*", re.DOTALL)
CODE = re.compile(r"code/.*\.py", re.DOTALL)
PICKLES = re.compile(r"data\.pkl|constants\.pkl|code/.*\.debug_pkl", re.DOTALL)
LIBRARY_CLASSES = re.compile(rb"torch[.\n]+classes")
"""In a pickle a name of a class may be cut in two at any dot."""
OTHER_TENSORS = re.compile(rb"\n_rebuild_(?!tensor_v2\n)")
"""What makes tensors other than plain ones in a pickle, such as sparse ones, whose indices torch does not test."""

REFUSED = re.compile(
    "async|await|except|finally|from|global|import|lambda|nonlocal|try|with|yield|print|fork|awaitable|__setstate__"
)
"""Words that torch does not write, or that do more than compute."""

KEYWORDS = (
    "False|None|True|and|assert|break|class|continue|def|del|elif|else|for|if|in|is|not|or|pass|raise|return|while"
)
BUILTINS = (
    "_to_tensor|abs|all|annotate|any|bin|bool|chr|complex|dict|divmod|enumerate|float|getattr|hasattr|hex|int|"
    "isinstance|len|list|max|min|oct|ord|pow|range|rangelist|reversed|round|sorted|str|sum|tuple|unchecked_cast|"
    "uninitialized|zip"
)
CALLABLE = re.compile(f"{KEYWORDS}|{BUILTINS}")
TOKEN = re.compile(
    r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)"
    r"|(?P<text>\"(?:[ !#-\[\]-~]|\\[ -~])*\"|'(?:[ -&(-\[\]-~]|\\[ -~])*')|(?P<line>\n)|(?P<space> +)|(?P<sign>[!-~])"
)


class NotTrusted(ValueError):
    """TorchScript code that may do more than compute; the message says what it uses."""


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    line: int
    column: int


class _Fault(Exception):
    """What the code does, and in which line."""

    def __init__(self, what: str, line: int) -> None:
        super().__init__(f"{what}, line {line}")
        self.what, self.line = what, line


def is_trusted() -> bool:
    """Whether the user of the process says that artefacts may run any code."""
    return os.environ.get("ECOSTEP_TRUST") == "1"


def check_code(archive: bytes, path: object) -> None:
    """NotTrusted, naming `path`, unless all code in the archive is arithmetic on tensors. Nothing of it is run.

    RuntimeError, by torch, where the bytes are no archive.
    """
    fault = beyond_arithmetic(archive)
    if fault:
        message = (
            f"{path}: {fault}, so that its TorchScript code is not run; if you would run a program from its source, "
            "set ECOSTEP_TRUST=1 (docs/security.md)"
        )
        raise NotTrusted(message)


def beyond_arithmetic(archive: bytes) -> str:
    """The first thing in an archive that is more than arithmetic on tensors; "" where there is none."""
    reader = torch._C.PyTorchFileReader(io.BytesIO(archive))  # what torch itself reads from these bytes
    entries = reader.get_all_records()
    sizes = {entry: reader.get_record_size(entry) for entry in entries}
    for entry in entries:
        if ENTRIES.fullmatch(entry):
            continue
        if not CODE.fullmatch(entry) and not PICKLES.fullmatch(entry):
            return f"it has an entry '{entry}', which is none of TorchScript"
        content = reader.get_record(entry)
        if PICKLES.fullmatch(entry):
            if LIBRARY_CLASSES.search(content):
                return f"it has objects of a library's class ({entry})"
            if entry.startswith("code/"):
                continue
            if OTHER_TENSORS.search(content):
                return f"it has sparse or other tensors ({entry})"
            fault = short_storage(content, entry.removesuffix(".pkl"), sizes)
            if fault:
                return f"its tensors lie outside the file: {fault}"
            continue
        try:
            _CodeCheck(_tokens(content.decode("latin-1")), entry).run()
        except _Fault as fault:
            return f"its code {fault.what} ({entry}, line {fault.line})"
    return ""


@functools.cache
def allowed_operations() -> frozenset[str]:
    """Operations with their namespaces, such as `aten::add`, that code may use."""
    text = resources.files("foundations").joinpath("torchscript_operations.csv").read_text(encoding="utf-8")
    return frozenset(row["operation"] for row in csv.DictReader(text.splitlines()))


def _tokens(code: str) -> list[_Token]:
    return list(_read_tokens(code))


def _read_tokens(code: str) -> Iterator[_Token]:
    """Names, numbers, texts and signs of code as torch writes it: printable ASCII and no comments."""
    at, line, begin, before = 0, 1, 0, ""
    while at < len(code):
        match = TOKEN.match(code, at)
        kind = "" if match is None else str(match.lastgroup)
        text = "" if match is None else match.group()
        if text[:1] in ("'", '"') and before == "name":
            fault = "has a text with a prefix"
            raise _Fault(fault, line)
        if kind == "text" and before == "text":
            fault = "has a text in three quotes"
            raise _Fault(fault, line)
        if not kind or text in ("#", "\\", '"', "'"):
            fault = (
                "has a text that does not end" if text in ('"', "'") else "has a character that torch does not write"
            )
            raise _Fault(fault, line)
        if kind == "line":
            line, begin = line + 1, at + 1
        elif kind != "space":
            yield _Token(kind, text[1:-1] if kind == "text" else text, line, at - begin)
        at, before = at + len(text), kind


class _CodeCheck:
    """Looks at all names in the tokens of an entry of the archive."""

    def __init__(self, tokens: list[_Token], entry: str) -> None:
        self.tokens = tokens
        self.defined = {
            token.text
            for i, token in enumerate(tokens)
            if self._is(i + 1, "=") or self._is(i - 1, "def") or self._is(i - 1, "class")
        }
        self.classes = self._classes(entry.removeprefix("code/").removesuffix(".py").replace("/", "."))
        self.self_is_object = all(self._may_be_self(i) for i in range(len(tokens)) if self._is(i, "self"))

    def run(self) -> None:
        """_Fault for the first name that could stand for an operation which is not allowed."""
        i = 0
        while i < len(self.tokens):
            token = self.tokens[i]
            if token.kind == "name":
                if REFUSED.fullmatch(token.text):
                    self._refuse(i, f"uses '{token.text}'")
                if self._is(i - 1, "."):
                    of_self = self._is(i - 2, "self") or (self._is(i - 3, "self") and self._is(i - 2, ")"))
                    self._check_attribute(i, token.text, of_self=of_self)
                else:
                    i = self._check_path(i)
            i += 1

    def _refuse(self, i: int, fault: str) -> NoReturn:
        raise _Fault(fault, self.tokens[i].line)

    def _is(self, i: int, text: str) -> bool:
        return 0 <= i < len(self.tokens) and self.tokens[i].kind in ("name", "sign") and self.tokens[i].text == text

    def _classes(self, module: str) -> list[tuple[str, set[str]]]:
        """Of each token the class that it is in: its whole name, and the attributes and methods that it declares."""
        classes: list[tuple[str, set[str]]] = []
        owner: tuple[str, set[str]] = ("", set())
        for i, token in enumerate(self.tokens):
            following = self.tokens[i + 1].text if i + 1 < len(self.tokens) else ""
            if token.column == 0:
                owner = (f"{module}.{following}" if self._is(i, "class") else "", set())
            elif token.column == 2 and following == ":":
                owner[1].add(token.text)
            elif token.column == 2 and self._is(i, "def"):
                owner[1].add(following)
            classes.append(owner)
        return classes

    def _may_be_self(self, i: int) -> bool:
        """Whether `self` stands where torch writes it for the object whose class the code is in."""
        if self._is(i + 1, ":"):
            return ".".join(self._path(i + 2)) == self.classes[i][0]
        return (
            self._is(i - 1, ".")
            or self._is(i + 1, ".")
            or (self._is(i - 1, "(") and self._is(i + 1, ")") and self._is(i + 2, "."))
            or (self._is(i - 2, "getattr") and self._is(i - 1, "(") and self._is(i + 1, ","))
        )

    def _path(self, i: int) -> list[str]:
        """The name at i and those that follow it after dots."""
        names = [self.tokens[i].text] if i < len(self.tokens) else []
        while self._is(i + 1, ".") and i + 2 < len(self.tokens) and self.tokens[i + 2].kind == "name":
            names.append(self.tokens[i + 2].text)
            i += 2
        return names

    def _check_path(self, i: int) -> int:
        """Check a name that does not follow a dot; the last token that is done with."""
        head = self.tokens[i].text
        if head in ("torch", "ops", "__torch__"):
            names = self._path(i)
            if head == "__torch__":
                if ("torch", "classes") in itertools.pairwise(names):
                    self._refuse(i, "uses a class of a library")
                return i + 2 * (len(names) - 1)
            parts = 2 if head == "torch" else 3
            if len(names) < parts:
                self._refuse(i, f"uses '{head}' as a value")
            operation = "::".join(["aten", names[1]] if head == "torch" else names[1:3])
            if operation not in allowed_operations():
                self._refuse(i, f"uses the operation '{operation}'")
            return i + 2 * (parts - 1)
        if self._is(i + 1, "(") and not CALLABLE.fullmatch(head) and head not in self.defined:
            self._refuse(i, f"calls '{head}'")
        if head == "getattr":
            self._check_getattr(i)
        return i

    def _check_getattr(self, i: int) -> None:
        """getattr(object, "name"), by which torch writes names that are numbers."""
        end, depth = i + 1, 0
        if not self._is(end, "("):
            self._refuse(i, "uses 'getattr' as a value")
        for end in range(i + 1, len(self.tokens)):
            depth += self._is(end, "(") - self._is(end, ")")
            if depth == 0:
                break
        end -= self._is(end - 1, ",")
        name = self.tokens[end - 1]
        if depth > 0 or name.kind != "text" or not self._is(end - 2, ","):
            self._refuse(i, "uses 'getattr' with a name that is computed")
        if "\\" in name.text:
            self._refuse(i, "uses 'getattr' with a name that is no name")
        self._check_attribute(i, name.text, of_self=self._is(i + 2, "self") and end == i + 5)

    def _check_attribute(self, i: int, name: str, *, of_self: bool) -> None:
        """What follows a dot is a part of an object, unless torch has an operation of that name: then perhaps not.

        Of the object itself, `self`, what its class declares always is.
        """
        names = [f"{space}::{name}" for space in ("aten", "prim")]
        if not allowed_operations().isdisjoint(names):
            return
        if of_self and self.self_is_object and name in self.classes[i][1]:
            return
        for operation in names:
            if torch._C._jit_get_schemas_for_operator(operation):
                self._refuse(i, f"uses the operation '{operation}'")
