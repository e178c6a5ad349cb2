"""JSON, YAML and zip archives that a stranger may have written: how much they would become is bounded before it does.

A text becomes no more values than it has characters, and an archive no more than a stated multiple of its bytes. What
is refused is no file that a command of ours wrote.
"""

import json
import re
import zipfile
from pathlib import Path
from typing import Any, Protocol

from ruamel.yaml import YAML
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    ScalarEvent,
)

MOST_BYTES = 32 << 20
MOST_LEVELS = 64
MOST_ENTRIES = 50_000
MOST_UNPACKED = 256 << 20
MOST_RATIO = 200
ANY_RATIO_BELOW = 1 << 20
"""Smaller entries may be packed to any ratio."""

_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{]|[\]}]', re.DOTALL)


class TooLarge(ValueError):
    """A text or archive that would become far more than it is; the message says what of it."""


class _Constructed(Protocol):
    def load(self, stream: str) -> Any: ...


def json_value(text: str | bytes, most_bytes: int = MOST_BYTES, most_levels: int = MOST_LEVELS) -> Any:
    """The value of a JSON text; ValueError where it is none, TooLarge where it is too long or too deep."""
    if len(text) > most_bytes:
        message = f"has {len(text)} characters of JSON, more than {most_bytes}"
        raise TooLarge(message)
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    if text.count("[") + text.count("{") > most_levels and _levels(text) > most_levels:
        message = f"has more than {most_levels} levels of lists and objects"
        raise TooLarge(message)
    return json.loads(text)


def read_json_value(path: Path) -> Any:
    """The value of a JSON file; ValueError and OSError as of `json_value` and of reading."""
    return json_value(read_text(path))


def read_text(path: Path, most_bytes: int = MOST_BYTES) -> str:
    """The text of a file of UTF-8; TooLarge where it is no text of ours by its size, which is looked at first."""
    with path.open("rb") as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        message = f"has more than {most_bytes} bytes"
        raise TooLarge(message)
    return content.decode("utf-8")


def yaml_value(text: str, yaml: _Constructed) -> Any:
    """What `yaml` makes of a YAML text; YAMLError where it is none, TooLarge where aliases or levels blow it up."""
    check_yaml(text)
    return yaml.load(text)


def check_yaml(text: str) -> None:
    """TooLarge unless a YAML text becomes at most as many values as it has characters, its aliases written out."""
    if len(text) > MOST_BYTES:
        message = f"has {len(text)} characters of YAML, more than {MOST_BYTES}"
        raise TooLarge(message)
    sizes: dict[str, int] = {}
    open_at: list[tuple[str | None, int]] = []
    values = 0
    for event in YAML(typ="safe", pure=True).parse(text):
        if isinstance(event, AliasEvent):
            if event.anchor not in sizes:
                message = f"has an alias, *{event.anchor}, within what it stands for"
                raise TooLarge(message)
            values += sizes[event.anchor]
        elif isinstance(event, CollectionStartEvent):
            open_at.append((event.anchor, values))
            sizes.pop(event.anchor, None)
            values += 1
        elif isinstance(event, CollectionEndEvent):
            anchor, before = open_at.pop()
            if anchor is not None:
                sizes[anchor] = values - before
        elif isinstance(event, ScalarEvent):
            values += 1
            if event.anchor is not None:
                sizes[event.anchor] = 1
        if len(open_at) > MOST_LEVELS:
            message = f"has more than {MOST_LEVELS} levels of lists and keys"
            raise TooLarge(message)
        if values > len(text):
            message = "has aliases that would make far more values of it than it has characters"
            raise TooLarge(message)


DIRECTORY = 0x10
"""Attribute of an entry of an archive that is a folder."""


def check_entries(archive: zipfile.ZipFile) -> None:
    """TooLarge unless the directory of an archive promises what its bytes can hold, before any is unpacked.

    Stored entries are as long as what is stored; others may be 256 MiB in all, and above 1 MiB each at most 200 times
    as long.
    """
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        message = f"has {len(entries)} entries, more than {MOST_ENTRIES}"
        raise TooLarge(message)
    unpacked = 0
    for entry in entries:
        if entry.external_attr & DIRECTORY:  # torch would read nothing, and take what the memory held before
            message = f"has an entry {entry.filename} that is marked as a folder"
            raise TooLarge(message)
        if entry.compress_type == zipfile.ZIP_STORED and entry.file_size == entry.compress_size:
            continue
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            message = f"has an entry {entry.filename} packed in a way that no command of ours uses"
            raise TooLarge(message)
        unpacked += entry.file_size
        if entry.file_size > ANY_RATIO_BELOW and entry.file_size > MOST_RATIO * entry.compress_size:
            message = f"has an entry {entry.filename} that is packed to less than one part in {MOST_RATIO}"
            raise TooLarge(message)
    if unpacked > MOST_UNPACKED:
        message = f"has packed entries of {unpacked} bytes, more than {MOST_UNPACKED}"
        raise TooLarge(message)
    if sum(entry.compress_size for entry in entries) > _size(archive):
        message = "has entries that share bytes"
        raise TooLarge(message)


def _levels(text: str) -> int:
    """Deepest nesting of lists and objects outside strings."""
    depth = deepest = 0
    for match in _BRACKET.finditer(text):
        bracket = match.group()
        if bracket in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif bracket in "]}":
            depth -= 1
    return deepest


def _size(archive: zipfile.ZipFile) -> int:
    file = archive.fp
    assert file is not None
    place = file.tell()
    size = file.seek(0, 2)
    file.seek(place)
    return size
