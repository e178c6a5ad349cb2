"""Is a file as one of our commands left it? What the record of a folder says of the SHA-256 of its files.

netCDF's own checksums hold for the values of a variable, but not for the index that says where they are: where that is
damaged, values are taken as missing. A folder of results has a record with digests of whole files.
"""

from pathlib import Path

from foundations.file_faults import DamagedFile, read_json
from foundations.provenance import file_sha256

RECORDS = ("simulation.json", "metrics.json", "coupled.json")
DIGESTS = "sha256"
"""The key of a record under which files of its folder have their digests."""


def digests(folder: Path, names: tuple[str, ...]) -> dict[str, str]:
    """The digests of files of a folder, for its record."""
    return {name: file_sha256(folder / name) for name in names}


def require_as_written(path: Path, remedy: str) -> None:
    """DamagedFile where a record in the file's folder says that it was written otherwise; nothing where none does."""
    for name in RECORDS:
        written = _digest_in(path.parent / name, path.name)
        if written is not None and file_sha256(path) != written:
            fault = f"is damaged or was changed: it is not as {name} beside it says (SHA-256)"
            raise DamagedFile(path, fault, f"{remedy}; if it was changed on purpose, give it another name")


def _digest_in(record: Path, name: str) -> str | None:
    if not record.is_file():
        return None
    try:
        content = read_json(record, "")
    except OSError:
        return None  # told by whoever needs the record
    written = content.get(DIGESTS) if isinstance(content, dict) else None
    digest = written.get(name) if isinstance(written, dict) else None
    return digest if isinstance(digest, str) else None
