"""Artefacts and datasets written to fill the memory or to write on the terminal of whoever opens them."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import zipfile
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from coupler import EcostepError, Model
from coupler.cli.command import main
from emulator.artefact.metadata import ArtefactError, read_artefact
from tests.coupler import artefacts
from tests.coupler.test_cli import write_dataset

METADATA = "a/extra/ecostep.json"
CLEAR = "\x1b[2J"


def stub(**changes: object) -> bytes:
    return json.dumps(artefacts.metadata(**changes)).encode()


def bombs() -> dict[str, tuple[dict[str, bytes], int, str]]:
    """Entries, their compression, and what is said of them."""
    zeros = bytes(8 << 20)
    return {
        "ratio": ({METADATA: stub(), "a/zeros": zeros}, zipfile.ZIP_DEFLATED, "less than one part in 200"),
        "depth": ({METADATA: b"[" * 1_000_000}, zipfile.ZIP_DEFLATED, "more than 16 levels"),
        "objects": ({METADATA: b'{"a":' * 100_000}, zipfile.ZIP_STORED, "more than 16 levels"),
        "deep provenance": (
            {METADATA: stub(provenance=None).replace(b'"provenance": null', b'"provenance": ' + b"[" * 20 + b"]" * 20)},
            zipfile.ZIP_STORED,
            "more than 16 levels",
        ),
        "length": ({METADATA: stub() + b" " * (8 << 20)}, zipfile.ZIP_STORED, "bytes, more than|more than 8388608"),
    }


@pytest.mark.parametrize("name", bombs())
def test_files_that_would_fill_the_memory_are_refused(name: str, tmp_path: Path) -> None:
    entries, compression, words = bombs()[name]
    path = artefacts.write_zip(tmp_path / "bomb.pt", entries, compression)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(EcostepError, match=rf"bomb\.pt: .*({words})") as caught:
        Model(path)
    assert caught.value.status == "CORRUPT"
    with pytest.raises(ArtefactError, match=rf"bomb\.pt: .*({words})"):
        read_artefact(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000  # kB


def test_sizes_that_the_directory_promises_are_looked_at_first(tmp_path: Path) -> None:
    """One entry that says it has 257 MiB, packed, and is not read as it has not."""
    path = artefacts.write_zip(tmp_path / "bomb.pt", {"a/large": bytes(1_400_000), METADATA: stub()})
    content = bytearray(path.read_bytes())
    for mark, method, size in ((b"PK\3\4", 8, 22), (b"PK\1\2", 10, 24)):
        at = content.index(mark)
        content[at + method] = zipfile.ZIP_DEFLATED
        content[at + size : at + size + 4] = (257 << 20).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(EcostepError, match="more than 256 MiB in all, with 'a/large'"):
        Model(path)
    with pytest.raises(ArtefactError, match="269484032 bytes, more than 268435456"):
        read_artefact(path)


def test_a_directory_without_end_is_refused_before_it_is_read(tmp_path: Path) -> None:
    count, size = 60_000, 60_000 * 46
    numbers = [(count, 2), (count, 2), (size, 4), (4, 4), (0, 2)]
    end = b"PK\5\6" + bytes(4) + b"".join(number.to_bytes(length, "little") for number, length in numbers)
    (tmp_path / "bomb.pt").write_bytes(b"PK\3\4" + bytes(size) + end)
    with pytest.raises(EcostepError, match="60000 entries, more than 50000"):
        Model(tmp_path / "bomb.pt")


def test_devices_are_no_artefacts() -> None:
    for path in ("/dev/zero", "/dev"):
        with pytest.raises(EcostepError, match="cannot be read: a folder, a pipe or a device") as caught:
            Model(path)
        assert caught.value.status == "FILE_ERROR"


def hostile(path: Path) -> Path:
    """A stub whose every text that is only read clears the screen."""
    about = artefacts.metadata(name=f"{CLEAR}name", kind=f"{CLEAR}\x9b1m", created=f"{CLEAR}\u202e")
    about["provenance"] = {f"{CLEAR}key": f"{CLEAR}\x7f", "metrics": {f"{CLEAR}part": {}}}
    for role in ("inputs", "statics", "targets"):
        about[role][0]["long_name"] = f"{CLEAR}\n{role}"
    text = json.dumps(about, ensure_ascii=False).encode()  # with DEL and C1 as they are
    return artefacts.write_zip(path, {METADATA: text})


def is_plain(text: str) -> bool:
    return all(character.isprintable() or character == "\n" for character in text)


def test_texts_of_an_artefact_are_written_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = hostile(tmp_path / "hostile.pt")
    for words in (["info"], ["info", "--json"], ["verify"], ["bench", "--cells", "1", "--seconds", "0.01"]):
        main([words[0], str(path), *words[1:]])
        printed = capsys.readouterr()
        assert is_plain(printed.out) and is_plain(printed.err) and printed.out + printed.err
    model = Model(path)
    assert model.name == "\\x1b[2Jname" and model.kind == "\\x1b[2J\\x9b1m"
    assert model.inputs[0].long_name == "\\x1b[2J\\x0ainputs"
    assert is_plain(model.handle.metadata()) and model.metadata["created"] == f"{CLEAR}\u202e"


@pytest.mark.parametrize(
    "changes",
    [{"provenance": [1]}, {"created": {}, "members": "many"}, {"provenance": {"metrics": 3}}, {"quantiles": 1}],
)
def test_metadata_of_other_kinds_are_refused_in_a_line(changes: dict, tmp_path: Path, capsys) -> None:
    path = artefacts.write_zip(tmp_path / "odd.pt", {METADATA: stub(**changes)})
    assert main(["info", str(path)]) == 1
    assert "odd.pt: its metadata are not what docs/formats.md says" in capsys.readouterr().err


@pytest.mark.parametrize("key", ["name", "units"])
@pytest.mark.parametrize("role", ["inputs", "statics", "targets"])
def test_names_that_cannot_be_printed_are_refused(role: str, key: str, tmp_path: Path) -> None:
    about = artefacts.metadata()
    about[role][0][key] = f"tas{CLEAR}"
    path = artefacts.write_zip(tmp_path / "name.pt", {METADATA: json.dumps(about).encode()})
    with pytest.raises(EcostepError, match=rf"{role}\[0\]: '{key}' is 'tas\\x1b\[2J'") as caught:
        Model(path)
    assert caught.value.status == "CORRUPT"


@pytest.mark.parametrize("entry", [METADATA + CLEAR, f"a/{CLEAR}"])
def test_messages_of_the_library_are_plain(entry: str, tmp_path: Path) -> None:
    path = artefacts.write_zip(tmp_path / f"{CLEAR}.pt", {METADATA: stub(), entry: b"content"})
    content = path.read_bytes().replace(b"content", b"CONTENT")
    path.write_bytes(content)
    with pytest.raises(EcostepError) as caught:
        Model(path)
    assert is_plain(str(caught.value)) and "\\x1b[2J" in str(caught.value)
    with pytest.raises(EcostepError) as caught:
        Model(artefacts.write_stub(tmp_path / "stub.pt")).cells(1).set_output(CLEAR, np.zeros(1), CLEAR)
    assert is_plain(str(caught.value))


def test_names_of_sites_are_written_out(stub_file: Path, tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data.nc", days=3)
    with netCDF4.Dataset(data, "a") as file:
        file["site_id"][2] = f"DE-Tha{CLEAR}"
        file["tas"][2, 1] = 1e9
    command = [sys.executable, "-m", "coupler.cli", "run", stub_file, "--forcing", data, "--out", tmp_path / "out.nc"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert is_plain(ended.stdout + ended.stderr)
    assert "DE-Tha\\x1b[2J" in ended.stderr


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    """In a process of its own, since a call that waits for the other end of the pipe would never come back."""
    pipe = tmp_path / "pipe.pt"
    os.mkfifo(pipe)
    code = "import sys; from coupler.cli.command import main; sys.exit(main(['info', sys.argv[1]]))"
    ended = subprocess.run([sys.executable, "-c", code, pipe], capture_output=True, text=True, check=False, timeout=30)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"ecostep info: {pipe}: cannot be read: a folder, a pipe or a device")


@pytest.mark.parametrize("words", [["info"], ["run", "--forcing", "data.nc", "--out", "out.nc"]])
def test_classes_without_all_their_meanings_are_refused(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_dataset(Path("data.nc"))
    statics = artefacts.variables(artefacts.STATICS, "static")
    statics[2] |= {"flag_meanings": ["bog", "fen"]}
    artefact = artefacts.write_stub(tmp_path / "two.pt", statics=statics)
    assert main([words[0], str(artefact), *words[1:]]) == 1
    assert "'biome' has 13 flag_values and 2 flag_meanings; export it again" in capsys.readouterr().err
