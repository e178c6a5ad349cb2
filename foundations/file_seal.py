"""A checksum behind the end of a netCDF file that we write: 24 bytes, `ECOSTEP CRC-32 hhhhhhhh` and a line feed.

netCDF's own checksums are of the values of variables, not of the index that says where they are, nor of text. Readers
of HDF5 pass over what follows its end, and a program that changes the file takes it away, so whoever edits a file gets
one without this checksum, which is read as any other. The process model does the same (file_seal.f90).
"""

import os
import zlib
from pathlib import Path

MARK = b"ECOSTEP CRC-32 "
LENGTH = len(MARK) + 8 + 1
BLOCK = 1 << 20


def seal(path: Path) -> None:
    """Put the checksum behind the end of a file that has none."""
    end = _crc(path, path.stat().st_size)
    with path.open("ab") as file:
        file.write(MARK + f"{end:08X}\n".encode())


def unseal(path: Path) -> None:
    """Take the checksum of a file away, if it has one, before the file is changed."""
    if _stored(path) is not None:
        os.truncate(path, path.stat().st_size - LENGTH)


def is_as_sealed(path: Path) -> bool:
    """Whether a file is as it was sealed; true where it has no checksum, false where that has been overwritten."""
    stored = _stored(path)
    if stored is None:
        return path.stat().st_size - LENGTH != _end_of_hdf5(path)
    return stored == _crc(path, path.stat().st_size - LENGTH)


def _stored(path: Path) -> int | None:
    length = path.stat().st_size
    if length < LENGTH:
        return None
    with path.open("rb") as file:
        file.seek(length - LENGTH)
        end = file.read(LENGTH)
    digits = end[len(MARK) : -1]
    if not end.startswith(MARK) or not all(digit in b"0123456789ABCDEF" for digit in digits):
        return None
    return int(digits, 16)


def _end_of_hdf5(path: Path) -> int:
    """Where an HDF5 file ends by its superblock; -1 for other files (HDF5 File Format Specification 3.0, II.A)."""
    with path.open("rb") as file:
        start = file.read(48)
    if len(start) < 48 or not start.startswith(b"\x89HDF\r\n\x1a\n"):
        return -1
    place = 28 if start[8] >= 2 else 40
    return int.from_bytes(start[place : place + 8], "little")


def _crc(path: Path, length: int) -> int:
    crc = 0
    with path.open("rb") as file:
        while length > 0 and (block := file.read(min(BLOCK, length))):
            crc = zlib.crc32(block, crc)
            length -= len(block)
    return crc
