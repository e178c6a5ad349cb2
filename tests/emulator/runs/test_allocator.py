"""What is asked of the C library."""

import ctypes
import sys

import pytest

from emulator.runs import allocator


class Library:
    """Stands for a C library that accepts settings, or refuses them."""

    def __init__(self, accepts: bool) -> None:
        self.accepts, self.asked = accepts, {}

    def mallopt(self, name: int, size: int) -> int:
        self.asked[name] = size
        return int(self.accepts)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's mallopt")
@pytest.mark.parametrize("accepts", [True, False])
def test_freed_memory_is_asked_for(monkeypatch: pytest.MonkeyPatch, accepts: bool) -> None:
    library = Library(accepts)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    assert allocator.keep_freed_memory() is accepts
    if accepts:
        assert library.asked == {-3: 32 * 2**20, -1: 512 * 2**20, -2: 64 * 2**20}


def test_a_library_without_the_setting_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert allocator.keep_freed_memory() is False
