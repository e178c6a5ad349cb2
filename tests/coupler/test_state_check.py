"""Checksums of state rows, and what tells one artefact from another."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
import zlib

import numpy as np
import pytest

from coupler import EcostepError, Model
from tests.coupler import artefacts

NCELL = 5


@pytest.fixture
def land(any_file, host):
    """A host after two days."""
    land = host(any_file, NCELL)
    land.run(artefacts.sample_inputs(NCELL, 2))
    return land


def refusal(cells, checksum=None) -> str:
    with pytest.raises(EcostepError) as error:
        cells.check_state(checksum)
    assert error.value.status == "CORRUPT"
    return str(error.value)


def test_every_bit_of_a_row_counts(land):
    cells = land.cells
    checksum = cells.state_checksum()
    cells.check_state(checksum)
    cells.check_state(checksum.view(np.int32))  # as netCDF classic and Fortran have it
    bits = cells.state.view(np.uint32)
    for column, bit in [*((c, c % 32) for c in range(bits.shape[1])), *((0, b) for b in range(32))]:
        bits[3, column] ^= np.uint32(1) << np.uint32(bit)
        assert f"the state of cell 4 of {NCELL} (counted from 1)" in refusal(cells, checksum)
        bits[3, column] ^= np.uint32(1) << np.uint32(bit)
    cells.check_state(checksum)


def test_checksums_are_crc_32_and_belong_to_cells(land):
    cells = land.cells
    assert cells.state_checksum().tolist() == [zlib.crc32(row.astype("<f4").tobytes()) for row in cells.state]
    part = land.model.cells(2)
    part.state = np.ascontiguousarray(cells.state[1:3])
    part.check_state(cells.state_checksum()[1:3])
    assert "in another order" in refusal(part, cells.state_checksum()[2:0:-1])
    before = cells.state_checksum()
    land.run(artefacts.sample_inputs(NCELL, 1))
    assert f"({NCELL} such cells)" in refusal(cells, before)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda row: row.fill(np.nan), "NaN or infinite"),
        (lambda row: row.__setitem__(0, np.inf), "NaN or infinite"),
        (lambda row: row.fill(0.0), "holds no date"),
        (lambda row: row.__setitem__(-1, 0.5), "holds no date"),
    ],
)
def test_a_state_that_was_never_read_is_seen_without_checksums(land, spoil, why):
    land.cells.check_state()
    spoil(land.cells.state[2])
    message = refusal(land.cells)
    assert "cell 3 of 5" in message and why in message


def test_inactive_cells_are_not_looked_at(land):
    land.cells.state[1] = np.nan
    refusal(land.cells)
    land.cells.set_mask(np.array([True, False, True, True, True]))
    land.cells.check_state()


@pytest.mark.parametrize(
    "checksum", [np.zeros(NCELL), np.zeros((NCELL, 1), np.uint32), [0] * NCELL, np.ma.zeros(NCELL, np.uint32)]
)
def test_checksums_are_whole_numbers_one_a_cell(land, checksum):
    with pytest.raises(TypeError, match="checksum"):
        land.cells.check_state(checksum)
    with pytest.raises(EcostepError, match="4 checksums for 5 cells"):
        land.cells.check_state(np.zeros(NCELL - 1, np.uint32))


def test_a_fingerprint_is_of_the_content(any_file, stub_file, gauged_file, tmp_path):
    copy = shutil.copyfile(any_file, tmp_path / "another_name.pt")
    fingerprint = Model(copy).fingerprint
    assert Model(any_file).fingerprint == fingerprint != Model(gauged_file).fingerprint
    with zipfile.ZipFile(any_file) as archive:
        entries = sorted(archive.infolist(), key=lambda entry: entry.filename.encode())
    lines = "".join(f"{e.filename.partition('/')[2] or e.filename} {e.file_size} {e.CRC}\n" for e in entries)
    assert fingerprint == hashlib.sha256(lines.encode()).hexdigest()
