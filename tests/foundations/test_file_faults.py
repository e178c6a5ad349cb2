"""Faults of files in one line that names the file, without the words of libraries."""

import errno
import json
import pickle
import shutil
import zipfile
from collections import namedtuple
from pathlib import Path

import pytest

from foundations import atomic_file
from foundations.file_faults import DamagedFile, FileFault, check_archive, explain, read_json

Usage = namedtuple("Usage", ["total", "used", "free"])


def _write(path: Path, error: Exception) -> None:
    with atomic_file.replacing(path) as temporary:
        temporary.write_text("half")
        raise error


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        RuntimeError("NetCDF: HDF error"),
        RuntimeError("PytorchStreamWriter failed writing file data/3: file write failed"),
    ],
)
def test_a_full_disk_is_told_by_the_name_of_the_file(tmp_path: Path, monkeypatch, error: Exception) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1 << 20, 1 << 20, 0))
    with pytest.raises(FileFault, match=r"result\.nc: no space left to write it; free some space") as caught:
        _write(tmp_path / "result.nc", error)
    assert caught.value.errno == errno.ENOSPC
    assert "\n" not in explain(caught.value)
    assert not list(tmp_path.iterdir())


def test_other_errors_of_libraries_stay_where_there_is_room(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="NetCDF: HDF error"):
        _write(tmp_path / "result.nc", RuntimeError("NetCDF: HDF error"))
    with pytest.raises(FileFault, match=r"result\.nc: cannot be written: Read-only file system"):
        _write(tmp_path / "result.nc", OSError(errno.EROFS, "Read-only file system"))


def test_errors_of_the_system_name_their_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file") as caught:
        (tmp_path / "absent").read_bytes()
    assert explain(caught.value) == f"{tmp_path / 'absent'}: No such file or directory"
    fault = DamagedFile("a.json", "is empty", "make it again")
    assert explain(fault) == "a.json: is empty; make it again"
    assert str(pickle.loads(pickle.dumps(fault))) == "a.json: is empty; make it again"


@pytest.mark.parametrize(("content", "fault"), [("", "is empty"), ("{", "holds no JSON"), ("[" * 100_000, "64 levels")])
def test_damaged_json_is_named(tmp_path: Path, content: str, fault: str) -> None:
    (tmp_path / "block.json").write_text(content)
    with pytest.raises(DamagedFile, match=rf"block\.json: .*{fault}.*; run it again"):
        read_json(tmp_path / "block.json", "run it again")
    (tmp_path / "block.json").write_text(json.dumps({"a": 1}))
    assert read_json(tmp_path / "block.json", "run it again") == {"a": 1}


def test_archives_are_read_to_the_last_byte(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("c/data.pkl", b"weights")
    assert check_archive(path, "restore it") == {"data.pkl"}
    path.write_bytes(path.read_bytes().replace(b"weights", b"weighty"))
    with pytest.raises(DamagedFile, match=r"c\.pt: is damaged: its entry c/data\.pkl .*; restore it"):
        check_archive(path, "restore it")
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DamagedFile, match="cut short"):
        check_archive(path, "restore it")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("c/data.pkl", bytes(10_000_000))
    with pytest.raises(DamagedFile, match="compressed entries"):
        check_archive(path, "restore it")


def test_an_entry_that_is_marked_as_a_folder_is_refused(tmp_path: Path) -> None:
    """Torch reads nothing of it, and no error: a bit of the archive's directory would change a tensor."""
    path = tmp_path / "best.pt"
    with zipfile.ZipFile(path, "w") as archive:
        entry = zipfile.ZipInfo("archive/data/0")
        entry.external_attr = 0x10
        archive.writestr(entry, bytes(20))
    with pytest.raises(DamagedFile, match=r"best\.pt: has an entry archive/data/0 that is marked as a folder; again"):
        check_archive(path, "again")
