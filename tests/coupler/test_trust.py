"""Code in an artefact: what does more than compute is refused before it runs, alike in the library and in Python.

Each case is the TinyLSTM of tests/coupler/lstm.py with a line put into its `init_state`, which runs when the
torchscript backend opens an artefact.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from coupler import EcostepError, Model
from coupler.cli.command import main
from tests.coupler import artefacts

torch = pytest.importorskip("torch")

from emulator.artefact.code_check import NotTrusted, allowed_operations, beyond_arithmetic, check_code  # noqa: E402
from emulator.artefact.exporting import load_module  # noqa: E402

CODE = "code/__torch__/tests/coupler/lstm.py"
PLACE = "    start = self.start\n"
WRITES = {
    "save": 'torch.save(static, "FILE")',
    "save_space": 'torch . save(static, "FILE")',
    "save_lines": 'torch.save(\nstatic,\n"FILE")',
    "ops_save": 'ops.aten.save(static, "FILE")',
    "from_file": 'torch.add_(static, torch.sum(torch.from_file("FILE", True, 8)))',
}
"""Lines that leave a file, which the first test of all proves of them."""

REFUSED = {
    **WRITES,
    "save_method": '(static).save("FILE")',
    "save_of_self": '(self).save("FILE")',
    "save_by_name": 'getattr(static, "save")("FILE")',
    "save_alias": 'keep = torch.save\n    keep(static, "FILE")',
    "from_file_method": 'm = ("FILE").from_file(True, 8)',
    "torch_value": "t = torch",
    "aten_value": "t = ops.aten",
    "print": 'print("x")',
    "print_alias": "p = print",
    "fork": "f = fork(torch.add, static, static)",
    "import": "import os",
    "with": "with static:\n      pass",
    "library_class": "c = __torch__.torch.classes.dist_c10d.FileStore",
    "other_space": 'ops.profiler._record_function_enter("x")',
    "random": "r = torch.rand([2])",
    "unknown_call": "r = open_the_door(static)",
    "setstate": "__setstate__ = 1",
    "as_strided": "r = (static).as_strided([9], [1])",
    "sparse": "r = torch._sparse_coo_tensor_unsafe(static, static, [2])",
    "comment": "r = 1  # torch",
    "three_quotes": 'r = """x"""',
    "prefix": 'r = f"x"',
    "not_ascii": 'r = "\u00e4"',
    "backslash": "r = \\\n static",
    "tab": "r =\tstatic",
    "open_text": 'r = "x',
    "computed_name": 'r = getattr(static, "sa" + "ve")',
    "escaped_name": 'r = getattr(static, "sa\\166e")',
    "getattr_value": "g = getattr",
}


@pytest.fixture
def with_line(lstm_file: Path, tmp_path: Path) -> Callable[[str], Path]:
    """The artefact of TinyLSTM with a line of code, in which FILE stands for a file that there is not."""

    def write(line: str) -> Path:
        def changed(name: str, content: bytes) -> bytes:
            if not name.endswith(CODE):
                return content
            code = content.decode()
            assert PLACE in code
            return code.replace(PLACE, f"    {line}\n{PLACE}").replace("FILE", str(tmp_path / "written")).encode()

        return rewritten(lstm_file, tmp_path / "line.pt", changed)

    return write


def rewritten(source: Path, out: Path, change: Callable[[str, bytes], bytes], more: dict[str, bytes] = {}) -> Path:  # noqa: B006
    """A copy of an archive with changed and further entries."""
    with zipfile.ZipFile(source) as archive:
        entries = {name: change(name, archive.read(name)) for name in archive.namelist()}
    root = next(iter(entries)).split("/")[0]
    return artefacts.write_zip(out, entries | {f"{root}/{name}": content for name, content in more.items()})


def refusal(path: Path) -> str:
    with pytest.raises(EcostepError) as caught:
        Model(path)
    assert caught.value.status == "NOT_TRUSTED"
    return str(caught.value)


@pytest.mark.parametrize("case", WRITES)
def test_lines_that_write_a_file_do_so_where_they_are_trusted(case, with_line, tmp_path, monkeypatch) -> None:
    path = with_line(WRITES[case])
    monkeypatch.setenv("ECOSTEP_TRUST", "1")
    Model(path)
    assert (tmp_path / "written").exists()


@pytest.mark.parametrize("case", REFUSED)
def test_code_that_does_more_than_compute_never_runs(case, with_line, tmp_path) -> None:
    path = with_line(REFUSED[case])
    message = refusal(path)
    assert "ECOSTEP_TRUST=1" in message and "line.pt: its code" in message and f"({CODE}, line 1" in message
    with pytest.raises(NotTrusted, match=r"line\.pt: its code"):
        load_module(path)
    fault = beyond_arithmetic(path.read_bytes())
    assert fault and fault in message  # the same words by both
    assert not (tmp_path / "written").exists()


def test_every_face_refuses_and_describes(with_line, tmp_path, capsys) -> None:
    path, written = with_line(WRITES["save"]), tmp_path / "written"
    for words in (["info"], ["info", "--json"], ["info", "--backends"]):
        assert main([words[0], str(path), *words[1:]]) == 0
        assert "tas" in capsys.readouterr().out
    for words in (["verify"], ["bench", "--seconds", "0.01"], ["verify", "--backend", "torchscript"]):
        assert main([words[0], str(path), *words[1:]]) == 1
        assert "aten::save" in capsys.readouterr().err
    assert Model(path, "none").metadata["name"] == "test"
    assert not written.exists()
    assert main(["verify", "--trust", str(path)]) == 0
    assert written.exists()


def test_a_native_program_needs_no_trust(model_file, tmp_path, capsys) -> None:
    """Whatever TorchScript lies beside it: it is neither read nor run."""
    head, line = b"static: Tensor) -> Tensor:\n", f'    torch.save(static, "{tmp_path / "written"}")\n'.encode()

    def change(name: str, content: bytes) -> bytes:
        if not name.endswith("code/__torch__/emulator/models/kinds/lstm.py"):
            return content
        assert head in content
        return content.replace(head, head + line)

    path = rewritten(model_file("lstm"), tmp_path / "both.pt", change)
    assert Model(path).backend == "native"
    assert Model(path).verify() < 1e-4
    for words in (["info"], ["info", "--backends"], ["verify", "--backend", "native"]):
        assert main([words[0], str(path), *words[1:]]) == 0
    assert main(["verify", str(path)]) == 1
    assert "aten::save" in capsys.readouterr().err
    with pytest.raises(EcostepError, match="aten::save"):
        Model(path, "torchscript")
    assert not (tmp_path / "written").exists()


def test_a_model_without_backend_computes_nothing(lstm_file: Path, stub_file: Path) -> None:
    described = Model(lstm_file, "none")
    assert described.backend == "none" and described.block_rows == 0 and described.flops == 0.0
    assert described.state_size == Model(lstm_file).state_size and described.inputs == Model(lstm_file).inputs
    for compute in (described.verify, lambda: described.cells(2), lambda: Model(stub_file, "none").cells(0)):
        with pytest.raises(EcostepError, match="opened with backend 'none'") as caught:
            compute()
        assert caught.value.status == "NO_BACKEND"


def test_describing_an_artefact_starts_no_torch(lstm_file: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from coupler.cli.command import main; main(['info', sys.argv[1]]); "
        "sys.exit(3 * ('libtorch' in open('/proc/self/maps').read()))"
    )
    subprocess.run([sys.executable, "-c", code, lstm_file], check=True, capture_output=True)


def test_trust_is_of_one_call(with_line) -> None:
    path = with_line(REFUSED["random"])
    assert Model(path, trust=True).backend == "torchscript"
    assert "aten::rand" in refusal(path)


@pytest.mark.parametrize("entry", ["CODE/x.py", "code/x.PY", "model.json", "attributes.pkl", "libs/x.py", "code/x"])
def test_entries_that_torch_does_not_write_are_refused(entry, lstm_file, tmp_path) -> None:
    path = rewritten(lstm_file, tmp_path / "more.pt", lambda _, content: content, {entry: b"x = torch.save"})
    assert entry in beyond_arithmetic(path.read_bytes())
    assert entry in refusal(path)


@pytest.mark.parametrize("name", [b"__torch__.torch\nclasses.a.B", b"__torch__\ntorch.classes.a.B"])
def test_objects_of_library_classes_are_refused(name, lstm_file, tmp_path) -> None:
    def change(entry: str, content: bytes) -> bytes:
        return content.replace(b"\x80\x02", b"\x80\x02c" + name + b"\n0") if entry.endswith("data.pkl") else content

    path = rewritten(lstm_file, tmp_path / "object.pt", change)
    assert "objects of a library's class (data.pkl)" in refusal(path)
    assert "objects of a library's class (data.pkl)" in beyond_arithmetic(path.read_bytes())


@pytest.mark.parametrize("size", [6, 255])
def test_tensors_outside_the_file_are_refused(size: int, lstm_file: Path, tmp_path: Path) -> None:
    """`normal`, the first of them, has six numbers: one byte of the pickle says of how many its entry is."""

    def change(entry: str, content: bytes) -> bytes:
        if not entry.endswith("data.pkl"):
            return content
        at = content.index(b"cpu") + len(b"cpu")
        at = content.index(b"K\x06", at) + 1
        return content[:at] + bytes([size]) + content[at + 1 :]

    path = rewritten(lstm_file, tmp_path / "short.pt", change)
    if size == 6:
        Model(path)
        check_code(path.read_bytes(), path)
        return
    for message in (refusal(path), beyond_arithmetic(path.read_bytes())):
        assert "its tensors lie outside the file: data/0 has 24 bytes, not 1020" in message


class Sparse(torch.nn.Module):
    """A module with a sparse tensor, whose indices in a file may be any numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("table", torch.eye(2).to_sparse())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.table


def test_tensors_that_are_not_plain_are_refused(lstm_file: Path, tmp_path: Path) -> None:
    sparse = archive_of(Sparse(), tmp_path)
    torch.jit.load(io.BytesIO(sparse))
    assert beyond_arithmetic(sparse) == "it has sparse or other tensors (data.pkl)"

    def change(entry: str, content: bytes) -> bytes:
        return (
            content.replace(b"_rebuild_tensor_v2", b"_rebuild_sparse_tensor") if entry.endswith("data.pkl") else content
        )

    path = rewritten(lstm_file, tmp_path / "sparse.pt", change)
    assert "it has sparse or other tensors (data.pkl)" in refusal(path)
    assert beyond_arithmetic(path.read_bytes()) == "it has sparse or other tensors (data.pkl)"


class Names(torch.nn.Module):
    """A module whose attributes and methods bear names of operations that are not allowed."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("normal", torch.ones(2))
        self.layers = torch.nn.Sequential(torch.nn.Linear(2, 2))

    @torch.jit.export
    def bernoulli(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.normal

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(self.bernoulli(x))


def archive_of(module: torch.nn.Module, tmp_path: Path) -> bytes:
    torch.jit.save(torch.jit.script(module), str(tmp_path / "module.pt"))
    return (tmp_path / "module.pt").read_bytes()


def test_what_a_class_declares_of_itself_is_no_operation(tmp_path: Path) -> None:
    check_code(archive_of(Names(), tmp_path), "module.pt")


@pytest.mark.parametrize(
    ("place", "instead"),
    [
        ("return torch.add(x, normal)", 'return (x).save("f")'),
        ("def bernoulli(self: __torch__.tests.coupler.test_trust.Names,", "def bernoulli(self: Tensor,"),
        ("(self).bernoulli(x, )", "(self).bernoulli(x, )\n    self = x"),
        ("  normal : Tensor\n", ""),
    ],
)
def test_what_is_not_declared_is(place: str, instead: str, tmp_path: Path) -> None:
    source = tmp_path / "source.pt"
    source.write_bytes(archive_of(Names(), tmp_path))
    seen = []

    def change(name: str, content: bytes) -> bytes:
        if not name.endswith("test_trust.py"):
            return content
        seen.append(place.encode() in content)
        return content.replace(place.encode(), instead.encode())

    changed = rewritten(source, tmp_path / "changed.pt", change)
    assert seen == [True]
    assert "operation 'aten::" in beyond_arithmetic(changed.read_bytes())


def test_no_allowed_operation_reads_or_writes_files_or_starts_processes() -> None:
    """By what their declarations call their arguments, in this version of torch."""
    suspicious = ("filename", "library", "process", "command", "address", "url", "module")
    for operation in allowed_operations():
        for schema in torch._C._jit_get_schemas_for_operator(operation):
            assert not [argument.name for argument in schema.arguments if argument.name in suspicious], operation
    assert allowed_operations().isdisjoint({"aten::save", "aten::from_file", "prim::Print", "prim::fork", "aten::wait"})


def test_every_allowed_operation_is_listed_once() -> None:
    lines = (Path(__file__).parents[2] / "foundations" / "torchscript_operations.csv").read_text().split()
    assert lines[0] == "operation" and len(lines) - 1 == len(set(lines[1:])) == len(allowed_operations())
    assert json.dumps(lines[1:]) == json.dumps(sorted(lines[1:], key=lambda line: line.split("::")))
