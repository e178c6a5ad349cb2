"""What is printed of files: no text of theirs moves the cursor of a terminal, colours it or fakes a line of a log."""

import logging
import sys
from typing import TextIO


def printable(text: str, *, lines: bool = False) -> str:
    """The text with characters that cannot be printed written as \\x1b, \\u202e and so on.

    These are control characters, those that turn the direction of writing, and halves of surrogates. Line feeds and
    tabs stay where `lines` is true.
    """
    if text.isprintable():
        return text
    kept = "\n\t" if lines else ""
    return "".join(c if c.isprintable() or c in kept else _escape(c) for c in text)


def _escape(character: str) -> str:
    code = ord(character)
    if character.isspace() and code > 0x9F and code not in (0x2028, 0x2029):
        return character  # spaces of other widths
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class PrintableFormatter(logging.Formatter):
    """A formatter whose lines are `printable`."""

    def format(self, record: logging.LogRecord) -> str:
        """The text of a record."""
        return printable(super().format(record), lines=True)


def start_logging(
    style: str = "%(asctime)s %(message)s", *, level: int = logging.INFO, stream: TextIO | None = None
) -> None:
    """Log to the terminal, as commands do: `logging.basicConfig` with a PrintableFormatter and times of the day."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(PrintableFormatter(style, datefmt="%H:%M:%S"))
    logging.basicConfig(level=level, handlers=[handler])
