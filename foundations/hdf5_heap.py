"""Heaps of strings in an HDF5 file, which netCDF-4 files are: a damaged one makes the library loop without an end.

The library follows the sizes of a heap's objects without asking whether it comes forward, and is then deaf to Ctrl-C.
Format: HDF5 File Format Specification 3.0, section III.E, Global Heap.
"""

import mmap
import struct
from pathlib import Path

SIGNATURE = b"\x89HDF\r\n\x1a\n"
HEAP = b"GCOL\x01\0\0\0"
OBJECT = struct.Struct("<HHIQ")
"""Number, references, nothing, and size of an object; number 0 is the space that is free, whose size counts these."""
LARGEST = 1 << 28
"""Bytes of a file that are looked through; names of sites lie at its beginning."""


def has_endless_heap(path: Path) -> bool:
    """Whether the library would never come to the end of a heap of the file."""
    with path.open("rb") as file:
        if file.read(len(SIGNATURE)) != SIGNATURE:
            return False
        length = min(path.stat().st_size, LARGEST)
        with mmap.mmap(file.fileno(), length, access=mmap.ACCESS_READ) as content:
            place = content.find(HEAP)
            while place >= 0:
                if not _comes_to_an_end(content, place):
                    return True
                place = content.find(HEAP, place + len(HEAP))
    return False


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
