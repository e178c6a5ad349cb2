"""Files are complete or absent, and a folder has one writer."""

import json
import multiprocessing
from pathlib import Path

import pytest

from foundations import atomic_file
from foundations.folder_lock import FolderBusy, locked
from foundations.provenance import config_hash, file_sha256, versions


def _write_half(path: Path) -> None:
    message = "no more disk"
    with atomic_file.replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError(message)


def test_a_failed_write_leaves_the_former_file(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    atomic_file.write_json(path, {"sites": 3})
    with pytest.raises(ValueError, match="not JSON compliant"):
        atomic_file.write_json(path, {"sites": float("nan")})
    with pytest.raises(RuntimeError, match="no more disk"):
        _write_half(path)
    assert json.loads(path.read_text()) == {"sites": 3}
    assert [file.name for file in tmp_path.iterdir()] == ["table.json"]


def test_a_folder_is_made_and_leftovers_go(tmp_path: Path) -> None:
    atomic_file.write_text(tmp_path / "deep" / "text", "ä")
    assert (tmp_path / "deep" / "text").read_bytes() == "ä".encode()
    (tmp_path / "deep" / ".text.123.tmp").touch()
    atomic_file.remove_temporaries(tmp_path / "deep")
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["text"]


def _try_to_lock(folder: Path) -> str:
    try:
        with locked(folder, "training"):
            return "held"
    except FolderBusy as error:
        return str(error)


def test_a_second_process_is_refused_while_the_first_writes(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        with locked(tmp_path, "training"):
            assert "another process is training into it" in pool.apply(_try_to_lock, (tmp_path,))
        assert pool.apply(_try_to_lock, (tmp_path,)) == "held"


def test_hashes_follow_content_alone(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).write_bytes(b"the same")
    assert file_sha256(tmp_path / "first") == file_sha256(tmp_path / "second")
    assert config_hash({"a": 1, "b": 2}) == config_hash({"b": 2, "a": 1}) != config_hash({"a": 1, "b": 3})
    assert versions(["pytest", "no-such-package"])["no-such-package"] == "unknown"
