"""What goes wrong with data that are given to a model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class DataError(ValueError):
    """Data that a model cannot use; the message names the file or Dataset, the variable, and the site and day."""


@contextmanager
def told_of(label: str, written: Path, errors: tuple[type[Exception], ...]) -> Iterator[None]:
    """Tell errors about a file that was `written` of data as errors about these, which are called `label`."""
    try:
        yield
    except errors as error:
        raise DataError(str(error).replace(str(written), label)) from error
