"""Parts of an HDF5 file, which netCDF-4 files are, that the library believes blindly: looked at before it is opened.

The file holds no checksums of them. In a damaged heap of strings the library loops without an end, deaf to Ctrl-C,
since it follows the sizes of objects without asking whether it comes forward; a chunk of no bytes kills the process.
Format: HDF5 File Format Specification 3.0, sections III.A.1 (B-trees) and III.E (global heap).
"""

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

SIGNATURE = b"\x89HDF\r\n\x1a\n"
HEAP, CHUNKS = b"GCOL\x01\0\0\0", b"TREE\x01\0"
OBJECT = struct.Struct("<HHIQ")
"""Number, references, nothing, and size of an object of a heap; number 0 is space that is free, its size is of all."""
LEAF = struct.Struct("<4sBBHQQII")
"""Signature, kind, level, entries, both neighbours, and of the first chunk its bytes and the filters left out."""
USUAL_SIZES = b"\x08\x08"
"""Bytes of addresses and lengths, as netCDF has them; others are legal, and their parts are not looked at."""
LARGEST = 1 << 28
"""Bytes of a file that are looked through; such parts of ours lie at its beginning."""


def structural_damage(path: Path) -> str | None:
    """What would end the process or never end, in words; None for a file that is whole, or none of HDF5."""
    with path.open("rb") as file:
        start = file.read(15)
        if not start.startswith(SIGNATURE) or _sizes(start) != USUAL_SIZES:
            return None
        length = min(path.stat().st_size, LARGEST)
        with mmap.mmap(file.fileno(), length, access=mmap.ACCESS_READ) as content:
            if not all(_comes_to_an_end(content, place) for place in _places(content, HEAP)):
                return "is damaged: a heap of its strings has no end"
            if not all(_has_bytes(content, place) for place in _places(content, CHUNKS)):
                return "is damaged: a part of a variable has no bytes"
    return None


def _sizes(start: bytes) -> bytes:
    """Bytes of addresses and of lengths by the superblock, of either age (section II.A)."""
    return start[9:11] if start[8:9] >= b"\x02" else start[13:15]


def _places(content: mmap.mmap, signature: bytes) -> Iterator[int]:
    place = content.find(signature)
    while place >= 0:
        yield place
        place = content.find(signature, place + len(signature))


def _comes_to_an_end(content: mmap.mmap, place: int) -> bool:
    if place + 16 > len(content):
        return True  # cut off here, which the library sees
    end = place + int.from_bytes(content[place + 8 : place + 16], "little")
    place += 16
    while place + OBJECT.size <= min(end, len(content)):
        number, _, _, size = OBJECT.unpack(content[place : place + OBJECT.size])
        step = size if number == 0 else OBJECT.size + (size + 7) // 8 * 8
        if step < OBJECT.size or place + step > end:
            return False
        place += step
    return True


def _has_bytes(content: mmap.mmap, place: int) -> bool:
    if place + LEAF.size > len(content):
        return True
    _, _, _, entries, _, _, size, _ = LEAF.unpack(content[place : place + LEAF.size])
    return bool(entries == 0 or size > 0)
