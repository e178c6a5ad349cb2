"""Files that are complete or absent: written under a temporary name in the same folder, then renamed."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from foundations.file_faults import failed_write
from foundations.output_file import written_file


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it replaces `path`, on failure it is removed.

    The folder is made where it is missing. The file behind a link is replaced, not the link; OutputError for devices.
    Where the file system is the reason, as a full disk is, FileFault names `path`, whichever library wrote.
    """
    path = written_file(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())  # what it was made from may be deleted next
        temporary.replace(path)
    except (OSError, RuntimeError) as error:
        explained = failed_write(path, temporary, error)
        if explained is error:
            raise
        raise explained from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def remove_temporaries(folder: Path) -> None:
    """Remove what killed writers left in a folder, where no other writer can be at work."""
    for temporary in folder.glob(".*.[0-9]*.tmp"):
        temporary.unlink(missing_ok=True)


def write_bytes(path: str | Path, content: bytes | memoryview) -> None:
    """Write a file atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: str | Path, text: str) -> None:
    """Write a text file atomically, in UTF-8."""
    write_bytes(path, text.encode())


def write_json(path: str | Path, content: Any) -> None:
    """Write indented JSON atomically. NaN is refused: JSON has none, so callers write null."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")
