"""No output replaces an input, another output, a link, a device or a folder."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import netCDF4
import pytest

from foundations import atomic_file
from foundations.file_name import netcdf_name, printable
from foundations.output_file import OutputError, require_own_outputs, written_file


def test_the_file_behind_a_link_is_written(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "link"
    link.symlink_to("there/file")
    for text in ("new", "newer"):
        atomic_file.write_text(link, text)
        assert link.is_symlink() and (tmp_path / "there" / "file").read_text() == text
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (os.mkdir, "is a folder"),
        (os.mkfifo, "is a pipe"),
        (lambda path: path.symlink_to(os.devnull), "is a device"),
        (lambda path: path.symlink_to("/nowhere/file"), "is a link to /nowhere/file, whose folder is not there"),
        (lambda path: path.symlink_to(path), "cannot be written"),
        (lambda path: path.symlink_to(path.parent), "is a folder"),
    ],
)
def test_what_is_no_file_is_refused(tmp_path: Path, make: Callable[[Path], None], reason: str) -> None:
    path = tmp_path / "out"
    make(path)
    before = os.lstat(path)
    for write in (written_file, lambda out: atomic_file.write_text(out, "text")):
        with pytest.raises(OutputError, match=f"{path}: {reason}"):
            write(path)
    assert os.lstat(path).st_ino == before.st_ino and stat.S_IFMT(os.lstat(path).st_mode) == stat.S_IFMT(before.st_mode)


def test_inputs_and_other_outputs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    source = tmp_path / "input"
    source.write_text("text")
    os.link(source, tmp_path / "hard")
    (tmp_path / "soft").symlink_to(source)
    for name in ("input", "hard", "soft", "./nothing/../input"):
        (tmp_path / "nothing").mkdir(exist_ok=True)
        with pytest.raises(OutputError, match="--out .*: is the input .*would be lost"):
            require_own_outputs({"--out": Path(name)}, [None, source])
    for other in ("new", tmp_path / "new", "nothing/../new"):
        with pytest.raises(OutputError, match="is the file of --out too"):
            require_own_outputs({"--out": "new", "--restart-out": other}, [source])
    with pytest.raises(OutputError, match="Not a directory"):
        require_own_outputs({"--out": source / "new"}, [])
    require_own_outputs({"--out": "deep/er/new", "--restart-out": None}, [source, "absent"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hard", "input", "nothing", "soft"]


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"l\xe4tin.nc")
    with atomic_file.replacing(path) as temporary, netCDF4.Dataset(**netcdf_name(temporary), mode="w") as file:
        file.title = printable(path.name)
    assert [os.fsencode(file.name) for file in tmp_path.iterdir()] == [b"l\xe4tin.nc"]
    with netCDF4.Dataset(**netcdf_name(path)) as file:
        assert file.title == "l\\xe4tin.nc"
