"""Files that we write ourselves carry checksums, and damage is told by the file's name."""

import json
import os
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from foundations.file_faults import DamagedFile, FileFault
from foundations.file_seal import LENGTH, is_as_sealed, seal, unseal
from foundations.hdf5_structure import CHUNKS, HEAP, structural_damage
from foundations.json_record import CHECKSUM, read_record, write_record
from foundations.netcdf_file import reading, writing

RECORD = {"kind": "lstm", "losses": [0.5, 1e-300, 3], "of": {"b": None, "a": True}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "result.nc"
    with writing(path) as result:
        result.createDimension("site", 3)
        result.createVariable("site_id", str, ("site",))[:] = np.array(["A", "B", "C"], dtype=object)
        result.createVariable("gpp", "f4", ("site",), fletcher32=True)[:] = [1.0, 2.0, 3.0]
    return path


def change(path: Path, place: int, byte: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] = byte
    path.write_bytes(content)


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    write_record(path, RECORD)
    assert read_record(path, ("kind", "of"), "again") == RECORD
    write_record(path, read_record(path, (), "again") | {"more": 1})
    assert read_record(path, ("more",), "again") == RECORD | {"more": 1}


@pytest.mark.parametrize(
    ("old", "new"),
    [("0.5", "0.6"), ("lstm", "raci"), ("true", "null"), ('"a"', '"c"'), ("300", "30"), ("checks", "chicks")],
)
def test_a_changed_value_of_a_record_is_told(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "metrics.json"
    write_record(path, RECORD)
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(DamagedFile, match=rf"metrics\.json: is damaged or was changed, .*'{CHECKSUM}'; evaluate again"):
        read_record(path, (), "evaluate again")


@pytest.mark.parametrize("text", ["", "[]", "3", "{}", '{"kind"', "\xff\xfe", "[" * 100_000])
def test_what_is_no_record_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "metrics.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(DamagedFile, match=r"metrics\.json: (is|has) .*; evaluate again"):
        read_record(path, ("kind",), "evaluate again")


def test_records_of_former_versions_have_no_checksum(tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text(json.dumps(RECORD))
    assert read_record(tmp_path / "metrics.json", ("kind",), "again") == RECORD


def test_every_byte_of_a_file_counts(file: Path) -> None:
    whole = file.read_bytes()
    for place in range(0, len(whole) - LENGTH, 97):
        change(file, place, whole[place] ^ 0x10)
        with pytest.raises(DamagedFile, match=r"result\.nc: is damaged: it does not fit the ch"), reading(file):
            pass
        file.write_bytes(whole)
    with reading(file) as result:
        assert result["gpp"][:].tolist() == [1.0, 2.0, 3.0]


def test_who_changes_a_file_gets_one_without_checksum(file: Path) -> None:
    sealed = file.stat().st_size
    with netCDF4.Dataset(file, "a") as result:
        result["gpp"][1] = 7.0
    assert file.stat().st_size == sealed - LENGTH and is_as_sealed(file)
    seal(file)
    assert file.stat().st_size == sealed and is_as_sealed(file)
    unseal(file)
    unseal(file)
    assert file.stat().st_size == sealed - LENGTH
    with reading(file) as result:
        assert result["gpp"][:].tolist() == [1.0, 7.0, 3.0]


def test_a_checksum_that_is_overwritten_is_damage(file: Path) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[:-100] + bytes(100))
    with pytest.raises(DamagedFile, match="checksum at its end"), reading(file):
        pass


def test_a_heap_without_end_and_a_chunk_without_bytes_are_not_opened(file: Path) -> None:
    unseal(file)
    whole = file.read_bytes()
    assert structural_damage(file) is None
    heap, chunks = whole.index(HEAP), whole.index(CHUNKS)
    file.write_bytes(whole[: heap + 24] + b"\xe0" + b"\xff" * 7 + whole[heap + 32 :])  # the next object is before it
    with pytest.raises(DamagedFile, match=r"result\.nc: is damaged: a heap of its strings has no end"), reading(file):
        pass
    file.write_bytes(whole[: chunks + 24] + bytes(4) + whole[chunks + 28 :])
    with pytest.raises(DamagedFile, match=r"result\.nc: is damaged: a part of a variable has no bytes"), reading(file):
        pass


def test_what_a_file_lacks_is_told_by_its_name(file: Path, tmp_path: Path) -> None:
    for ask, told in (
        (lambda result: result["fch4"], "has no variable 'fch4'"),
        (lambda result: result["gpp"].units, "lacks an attribute"),
        (lambda result: result.dimensions["time"], "has no variable or dimension 'time'"),
    ):
        with pytest.raises(DamagedFile, match=rf"result\.nc: {told}.*; mend it"), reading(file, "mend it") as result:
            ask(result)
    with pytest.raises(FileFault, match=r"absent\.nc: cannot be read: No such file"), reading(tmp_path / "absent.nc"):
        pass
    with pytest.raises(FileFault, match=r"cannot be read: Is a directory"), reading(tmp_path):
        pass
    (tmp_path / "cut.nc").write_bytes(file.read_bytes()[:3000])
    with pytest.raises(DamagedFile, match=r"cut\.nc: cannot be read as netCDF"), reading(tmp_path / "cut.nc"):
        pass
    with reading(file.rename(tmp_path / os.fsdecode(b"\xff.nc"))) as result:
        assert len(result["gpp"]) == 3


def test_mistakes_within_the_context_are_not_the_files(file: Path) -> None:
    with pytest.raises(IndexError, match="pop from empty list"), reading(file):
        [].pop()
    with pytest.raises(PermissionError, match="elsewhere"), reading(file):
        raise PermissionError(13, "Permission denied", "elsewhere")


@pytest.mark.parametrize(("sizes", "damaged"), [(b"\x08\x08", True), (b"\x04\x04", False)])
def test_files_with_other_sizes_of_addresses_are_left_to_the_library(
    tmp_path: Path, sizes: bytes, damaged: bool
) -> None:
    """Where addresses have four bytes, the first chunk's place would be read as its length."""
    path = tmp_path / "other.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(5) + sizes + bytes(33) + CHUNKS + b"\x01\0" + bytes(40))
    assert (structural_damage(path) is not None) == damaged
