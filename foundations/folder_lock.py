"""One writer at a time in a folder of results."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FolderBusy(RuntimeError):
    """Another process is writing into the folder."""


@contextmanager
def locked(folder: Path, work: str) -> Iterator[None]:
    """Hold `folder`/.lock while `work` ("training") goes on; the system frees the lock of a killed process.

    Raises FolderBusy where another process holds it, as a child does that outlived its killed parent.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"{folder}: another process is {work} into it; wait for it, or stop it, and run the command again"
            raise FolderBusy(message) from error
        yield
