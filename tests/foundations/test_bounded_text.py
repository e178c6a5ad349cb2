"""Texts and archives that would become far more than they are, in each reader of them; what commands write is read."""

import io
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from foundations import bounded_text, configuration_file, own_folder
from foundations.bounded_text import TooLarge, check_entries, check_yaml, json_value, read_text, yaml_value
from foundations.file_faults import DamagedFile, check_archive, read_json

DEEP_JSON = ("[" * 100_000, '{"a":' * 100_000, "[" * 65 + "]" * 65, '["[", ' + "[" * 64 + "]" * 64 + "]")
LAUGHS = "a0: &a0 [ha, ha]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30))
MERGES = "a0: &a0 {x: 1}\n" + "".join(f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}\n" for i in range(1, 30))
YAML_BOMBS = {
    "laughs": LAUGHS,
    "merges": MERGES,
    "lists": "a: " + "[" * 20_000,
    "objects": "a: " + "{a: " * 20_000,
    "within itself": "a: &a [*a]\n",
    "blocks": "".join(" " * i + "a:\n" for i in range(100)),
}


@pytest.fixture(autouse=True)
def _soon() -> Iterator[None]:
    began = time.process_time()
    yield
    assert time.process_time() - began < 5


@pytest.mark.parametrize("text", DEEP_JSON)
def test_deep_json_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(TooLarge, match="more than 64 levels"):
        json_value(text)
    with pytest.raises(TooLarge, match="more than 64 levels"):
        json_value(text.encode())
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DamagedFile, match=r"a\.json: has more than 64 levels of lists and objects; make it again"):
        read_json(tmp_path / "a.json", "make it again")
    (tmp_path / own_folder.MARK).write_text(text)
    assert not own_folder.is_marked(tmp_path, "training")


def test_brackets_in_texts_are_no_levels() -> None:
    assert json_value('["' + "[" * 100 + '\\"]"]') == ["[" * 100 + '"]']
    assert json_value("[" * 64 + "]" * 64)
    assert json_value("[" + "[]," * 1000 + "1]")[-1] == 1
    with pytest.raises(ValueError, match="Expecting"):
        json_value('["a" "')


def test_long_texts_are_refused_before_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TooLarge, match="11 characters of JSON, more than 10"):
        json_value("[1,2,3,4,5]", most_bytes=10)
    monkeypatch.setattr(bounded_text, "MOST_BYTES", 10)
    with pytest.raises(TooLarge, match="12 characters of YAML, more than 10"):
        check_yaml("a: [1, 2, 3]")
    with pytest.raises(TooLarge, match="more than 100 bytes"):
        read_text(Path("/dev/zero"), 100)


@pytest.mark.parametrize("name", YAML_BOMBS)
def test_yaml_that_blows_up_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(TooLarge):
        yaml_value(YAML_BOMBS[name], YAML(typ="safe", pure=True))


@pytest.mark.parametrize("name", YAML_BOMBS)
def test_configurations_that_blow_up_are_refused_by_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / "bomb.yaml"
    path.write_text(YAML_BOMBS[name])
    for read in _configurations():
        with pytest.raises(ValueError, match=r"bomb\.yaml: has .*(levels|alias)"):
            read(path)


def _configurations() -> Iterator[Callable[[Path], object]]:
    """Readers of each configuration."""
    from coupler.bmi.configuration import read_configuration
    from ecosys_sims.ensemble import configuration as simulation
    from emulator.configuration.schema import Config

    yield lambda path: read_configuration(str(path))
    yield simulation.load
    yield lambda path: configuration_file.load(Config, path)
    yield configuration_file.section_overrides


def test_anchors_and_merges_of_people_are_read() -> None:
    text = "lstm: &defaults {hidden: 8, dropout: 0.1}\ngru: {<<: *defaults, hidden: 16}\nboth: [*defaults, *defaults]\n"
    content = yaml_value(text, YAML(typ="safe", pure=True))
    assert content["gru"] == {"hidden": 16, "dropout": 0.1}
    assert content["both"][1] == {"hidden": 8, "dropout": 0.1}


def archive(path: Path, entries: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return path


def fault(path: Path) -> str:
    with zipfile.ZipFile(path) as file, pytest.raises(TooLarge) as caught:
        check_entries(file)
    return str(caught.value)


def test_archives_that_blow_up_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zeros = archive(tmp_path / "zeros.zip", {"a/zeros": bytes(2 << 20)})
    assert "entry a/zeros that is packed to less than one part in 200" in fault(zeros)
    assert "packed in a way" in fault(archive(tmp_path / "bz2.zip", {"a/b": b"text"}, zipfile.ZIP_BZIP2))
    many = archive(tmp_path / "many.zip", {f"a/{i}": b"" for i in range(20)})
    monkeypatch.setattr(bounded_text, "MOST_ENTRIES", 19)
    assert "20 entries, more than 19" in fault(many)
    monkeypatch.setattr(bounded_text, "MOST_UNPACKED", 1 << 20)
    several = archive(tmp_path / "several.zip", {f"a/{i}": bytes(200_000) for i in range(6)})
    assert "packed entries of 1200000 bytes, more than 1048576" in fault(several)


def test_entries_that_share_bytes_are_refused(tmp_path: Path) -> None:
    """As in zip files that unpack to a million times their size without one entry that is large."""
    content = archive(tmp_path / "one.zip", {"a/b": b"x" * 5000}, zipfile.ZIP_STORED).read_bytes()
    at = content.index(b"PK\1\2")
    directory, end = content[at : content.index(b"PK\5\6")], content[content.index(b"PK\5\6") :]
    count = (3).to_bytes(2, "little")
    end = end[:8] + count + count + (3 * len(directory)).to_bytes(4, "little") + end[16:]
    shared = tmp_path / "shared.zip"
    shared.write_bytes(content[:at] + 3 * directory + end)
    assert "share bytes" in fault(shared)


def test_checkpoints_with_a_false_directory_are_refused(tmp_path: Path) -> None:
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w") as file:
        file.writestr("a/data.pkl", b"1234")
    content = bytearray(stored.getvalue())
    at = content.index(b"PK\1\2") + 24
    content[at : at + 4] = (1 << 30).to_bytes(4, "little")  # its length, unpacked
    (tmp_path / "c.pt").write_bytes(content)
    with pytest.raises(DamagedFile, match=r"c\.pt: has an entry a/data\.pkl that is packed to less than one part"):
        check_archive(tmp_path / "c.pt", "train again")
