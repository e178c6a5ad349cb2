"""Random damage to the bytes of a file."""

import random
import re
from collections.abc import Callable

WORDS = (
    b"null",
    b"NaN",
    b"1e999",
    b"-1",
    b"0",
    b'""',
    b"[]",
    b"{}",
    b"true",
    b"-9999",
    b"1e-320",
    b"99999999999999999999",
)
"""What is put in the place of a value of a text file."""


def mutated(content: bytes, number: int) -> bytes:
    """The content with the damage of this number; never the content itself."""
    rng = random.Random(number)
    while True:
        mutator = rng.choice(MUTATORS if _is_text(content) else MUTATORS[:-2])
        damaged = mutator(bytearray(content), rng)
        if damaged != content:
            return damaged


def _is_text(content: bytes) -> bool:
    return b"\0" not in content[:4096]


def _flip_bit(content: bytearray, rng: random.Random) -> bytes:
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    return bytes(content)


def _set_byte(content: bytearray, rng: random.Random) -> bytes:
    content[rng.randrange(len(content))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    return bytes(content)


def _set_word(content: bytearray, rng: random.Random) -> bytes:
    start = rng.randrange(len(content))
    width = rng.choice((2, 4, 8))
    value = rng.choice((0, 1, (1 << 8 * width) - 1, 1 << (8 * width - 1), rng.randrange(1 << 8 * width)))
    content[start : start + width] = value.to_bytes(width, "little")
    return bytes(content)


def _cut(content: bytearray, rng: random.Random) -> bytes:
    return bytes(content[: rng.randrange(len(content))])


def _remove(content: bytearray, rng: random.Random) -> bytes:
    start = rng.randrange(len(content))
    del content[start : start + rng.choice((1, 2, 8, 512))]
    return bytes(content)


def _insert(content: bytearray, rng: random.Random) -> bytes:
    start = rng.randrange(len(content))
    content[start:start] = rng.randbytes(rng.choice((1, 4, 64)))
    return bytes(content)


def _erase(content: bytearray, rng: random.Random) -> bytes:
    start, length = rng.randrange(len(content)), rng.choice((16, 512, 4096))
    end = min(len(content), start + length)
    content[start:end] = bytes(end - start)
    return bytes(content)


def _repeat(content: bytearray, rng: random.Random) -> bytes:
    start, target, length = rng.randrange(len(content)), rng.randrange(len(content)), rng.choice((8, 64, 512))
    content[target : target + length] = content[start : start + length]
    return bytes(content)


def _replace_value(content: bytearray, rng: random.Random) -> bytes:
    values = list(re.finditer(rb'-?\d[\d.eE+-]*|"[^"\n]*"|true|false|null', bytes(content)))
    if not values:
        return bytes(content)
    value = rng.choice(values)
    content[value.start() : value.end()] = rng.choice(WORDS)
    return bytes(content)


def _replace_digit(content: bytearray, rng: random.Random) -> bytes:
    digits = [place for place, byte in enumerate(content) if 48 <= byte <= 57]
    if digits:
        content[rng.choice(digits)] = 48 + rng.randrange(10)
    return bytes(content)


MUTATORS: tuple[Callable[[bytearray, random.Random], bytes], ...] = (
    _flip_bit, _set_byte, _set_word, _cut, _remove, _insert, _erase, _repeat, _replace_value, _replace_digit
)  # fmt: skip
