"""Where a command may write: to a plain file or a new one, that is none of its inputs and none of its other outputs."""

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
}


class OutputError(ValueError):
    """An output that would replace what it must not; the message names the file."""


def written_file(path: str | Path) -> Path:
    """The file that writing to `path` makes or replaces: behind a symbolic link, the file that it names.

    OutputError for a device, folder, pipe or socket, for a link that leads nowhere, and where no folder can hold it.
    """
    path = Path(path)
    try:
        target = path.resolve() if path.is_symlink() else path
        if path.is_symlink() and not target.parent.is_dir():
            message = f"{path}: is a link to {target}, whose folder is not there; name another file"
            raise OutputError(message)
        kind = _KINDS.get(stat.S_IFMT(target.stat().st_mode))
    except FileNotFoundError:
        return target
    except (OSError, RuntimeError) as error:  # RuntimeError: links that lead to one another
        reason = error.strerror if isinstance(error, OSError) else "links that lead to one another"
        message = f"{path}: cannot be written ({reason}); name another file"
        raise OutputError(message) from None
    if kind:
        message = f"{path}: is {kind}, which no output replaces; name a file"
        raise OutputError(message)
    return target


def require_own_outputs(outputs: Mapping[str, str | Path | None], inputs: Iterable[str | Path | None]) -> None:
    """Raise OutputError unless each output, by its option, is a file to be written apart from inputs and the others."""
    sources = [Path(path) for path in inputs if path is not None]
    options: dict[str, Path] = {}
    for option, path in outputs.items():
        if path is None:
            continue
        target = written_file(path)
        _require_folder(option, target)
        for source in sources:
            if _same(target, source):
                message = f"{option} {path}: is the input {source}, which would be lost; name another file"
                raise OutputError(message)
        for other, taken in options.items():
            if _same(target, taken):
                message = f"{option} {path}: is the file of {other} too; name another"
                raise OutputError(message)
        options[option] = target


def _require_folder(option: str, target: Path) -> None:
    """A folder that is there must be one, and let us write; one that is not there will be made."""
    folder = next(above for above in (target.parent, *target.parent.absolute().parents) if os.path.lexists(above))
    if not folder.is_dir():
        message = f"{option} {target}: {folder} is no folder; name another file"
        raise OutputError(message)
    if not os.access(folder, os.W_OK | os.X_OK):
        message = f"{option} {target}: no permission to write into {folder.absolute()}; name another file"
        raise OutputError(message)


def _same(first: Path, second: Path) -> bool:
    try:
        return first.samefile(second)
    except OSError:  # one of them is not there
        return first.resolve() == second.resolve()
