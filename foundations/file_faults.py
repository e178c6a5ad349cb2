"""Files that cannot be read or written, told in one line that names the file and the remedy."""

import errno
import shutil
import zipfile
import zlib
from pathlib import Path
from typing import Any

from foundations.bounded_text import TooLarge, check_entries, read_json_value

NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
FULL_BYTES = 8 << 20
"""Less free space than this explains any failed write of a library that gives no error number."""


class FileFault(OSError):
    """A file that cannot be read or written; the message names it and says what to do."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(number, message)

    def __str__(self) -> str:
        return str(self.strerror)


class DamagedFile(FileFault):
    """A file that is not as it was written."""

    def __init__(self, path: str | Path, fault: str, remedy: str) -> None:
        super().__init__(errno.EIO, f"{path}: {fault}; {remedy}")
        self.fault = fault

    def __reduce__(self) -> tuple[Any, ...]:
        return FileFault, (self.errno, self.strerror)


def failed_write(path: Path, temporary: Path, error: Exception) -> Exception:
    """The error of a failed write of `path`, as FileFault where the reason is the file system; else as it is.

    netCDF and torch tell a full disk without its number, so the space that is left beside the partial file counts.
    """
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, FileFault):
        return error
    if number in NO_SPACE or (_of_library(error) and _is_full(temporary.parent)):
        message = f"{path}: no space left to write it; free some space and run the command again"
        return FileFault(errno.ENOSPC, message)
    if number is not None and number > 0 and error.strerror:  # type: ignore[attr-defined]
        named = getattr(error, "filename", None)
        if named is None or str(named) in (str(temporary), str(path)):
            return FileFault(number, f"{path}: cannot be written: {error.strerror}")  # type: ignore[attr-defined]
    return error


def _of_library(error: Exception) -> bool:
    """Whether a library failed to write and does not say why."""
    if isinstance(error, OSError):
        return error.errno is None or error.errno < 0
    return isinstance(error, RuntimeError) and str(error).startswith(("NetCDF:", "PytorchStream", "[enforce fail"))


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < FULL_BYTES
    except OSError:
        return False


def explain(error: BaseException) -> str:
    """One line for the user: the message of an error of ours; of the system's, file and reason."""
    if isinstance(error, OSError) and not isinstance(error, FileFault) and error.strerror:
        named = error.filename if error.filename2 is None else error.filename2
        place = f"{named}: " if named else ""
        if error.errno in NO_SPACE:
            return f"{place}no space left on the device; free some space and run the command again"
        return f"{place}{error.strerror}"
    return str(error) or type(error).__name__


def read_text(path: str | Path, remedy: str, encoding: str = "utf-8") -> str:
    """Text of a file; DamagedFile where it is not of the encoding, FileFault where it cannot be read."""
    path = Path(path)
    try:
        return path.read_text(encoding=encoding)
    except UnicodeError:
        raise DamagedFile(path, "is damaged or of another kind, it holds no text of UTF-8", remedy) from None
    except OSError as error:
        raise FileFault(error.errno or errno.EIO, f"{path}: cannot be read: {error.strerror}") from None


def read_json(path: str | Path, remedy: str) -> Any:
    """Content of a JSON file that we wrote; DamagedFile where it is none, `remedy` says what to do then."""
    path = Path(path)
    try:
        return read_json_value(path)
    except OSError as error:
        raise FileFault(error.errno or errno.EIO, f"{path}: cannot be read: {error.strerror}; {remedy}") from None
    except TooLarge as error:
        raise DamagedFile(path, str(error), remedy) from None
    except (ValueError, RecursionError):
        fault = "is empty" if path.stat().st_size == 0 else "is damaged, it holds no JSON"
        raise DamagedFile(path, fault, remedy) from None


def check_archive(path: str | Path, remedy: str) -> set[str]:
    """Names of the entries of an uncompressed zip archive such as torch writes, without the leading folder.

    DamagedFile unless the file is one and every byte of its entries is as it was written, by their CRC.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
                raise DamagedFile(
                    path, "is another kind of archive, such as an exported artefact: it has compressed entries", remedy
                )
            check_entries(archive)
            wrong = archive.testzip()
    except DamagedFile:
        raise
    except TooLarge as error:
        raise DamagedFile(path, str(error), remedy) from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        fault = "not a readable archive: it is cut short, damaged or of another kind"
        raise DamagedFile(path, fault, remedy) from None
    if wrong is not None:
        raise DamagedFile(path, f"is damaged: its entry {wrong} is not as it was written (CRC)", remedy)
    return {entry.filename.partition("/")[2] for entry in entries}


class SourceFault(ValueError):
    """Somebody else's file that cannot be used; the message names file, column, line or date, and what was expected."""
