"""Texts of files as they are printed: nothing in them is obeyed by a terminal."""

import logging
from pathlib import Path

import pytest

from foundations.terminal import PrintableFormatter, printable

PACKAGES = ("benchmarks", "coupler", "ecosys_sims", "emulator", "foundations", "scripts")


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("Hyytiälä, 中文 µ m⁻²", "Hyytiälä, 中文 µ m⁻²"),
        ("\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"),
        ("a\x9b31mb\x7f", "a\\x9b31mb\\x7f"),
        ("abc\u202edef\u2066", "abc\\u202edef\\u2066"),
        ("fine\r\nERROR", "fine\\x0d\\x0aERROR"),
        ("no\u00a0break", "no\u00a0break"),
        ("half \udc9b", "half \\udc9b"),
        ("tag \U000e0001", "tag \\U000e0001"),
        ("line\u2028", "line\\u2028"),
    ],
)
def test_control_characters_are_written_out(text: str, printed: str) -> None:
    assert printable(text) == printed


def test_lines_stay_where_they_are_asked_for() -> None:
    assert printable("a\n\tb\r", lines=True) == "a\n\tb\\x0d"


def test_logs_are_printable() -> None:
    record = logging.LogRecord("ecostep", logging.ERROR, __file__, 1, "site %s", ("\x1b[31mDE-Tha",), None)
    assert PrintableFormatter("%(message)s").format(record) == "site \\x1b[31mDE-Tha"


def test_every_command_logs_like_this() -> None:
    root = Path(__file__).parents[2]
    commands = [path for name in PACKAGES for path in (root / name).rglob("*.py")]
    loose = [str(path) for path in commands if "basicConfig(" in path.read_text(encoding="utf-8")]
    assert loose == [str(root / "foundations" / "terminal.py")]
