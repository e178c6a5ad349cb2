"""Configuration files: YAML 1.2 and overrides to validated models, with errors that say where to mend what."""

import difflib
import io
import json
import logging
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from foundations.bounded_text import TooLarge, read_text, yaml_value

log = logging.getLogger(__name__)

Location = tuple[int | str, ...]
"""Keys and places in lists from the top of a document to a value."""

Schema = TypeVar("Schema", bound=BaseModel)


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names file, line, key and what would be right."""


def load(schema: type[Schema], path: str | Path, overrides: Sequence[str] = ()) -> Schema:
    """Read a YAML file, apply overrides such as `training.epochs=3`, validate; ConfigError lists every fault."""
    path = Path(path)
    document = _read(path)
    values = _plain(document)
    sources: dict[Location, str] = {}
    for text in overrides:
        key, value = parse_override(text)
        _assign(schema, values, key, value, text)
        sources[key] = f"--set {text}"
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        faults = [_explain(schema, item, path, document, sources) for item in error.errors()]
        raise ConfigError("\n".join(faults)) from None


def value_at(path: str | Path, key: str) -> Any:
    """What a YAML file says at a dotted key, not validated; None where it says nothing."""
    value: Any = _plain(_read(Path(path)))
    for name in key.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def to_yaml(config: BaseModel) -> str:
    """The resolved configuration as YAML that `load` reads back to an equal configuration."""
    yaml = YAML()
    yaml.default_flow_style = None
    yaml.width = 110
    stream = io.StringIO()
    yaml.dump(config.model_dump(mode="json"), stream)
    return stream.getvalue()


def section_overrides(path: str | Path) -> list[str]:
    """Values of a choice.yaml, as emulator.tune writes it, as overrides: `model.kind=lstm`, `model.dropout=0.2`, ..."""
    content = _plain(_read(Path(path)))
    kind, sections = content.get("kind"), {name: content.get(name, {}) for name in ("model", "training")}
    if not isinstance(kind, str) or not all(isinstance(section, dict) for section in sections.values()):
        message = f"{path}: not a file of choices as emulator.tune writes it: key 'kind' is missing"
        raise ConfigError(message)
    values = [
        f"{name}.{key}={json.dumps(value)}" for name, section in sections.items() for key, value in section.items()
    ]
    return [f"model.kind={kind}", *values]


def _read(path: Path) -> CommentedMap:
    try:
        document = yaml_value(read_text(path), YAML(typ="rt"))
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise ConfigError(message) from None
    except TooLarge as error:
        message = f"{path}: {error}"
        raise ConfigError(message) from None
    except (YAMLError, ValueError, RecursionError) as error:  # ValueError: bytes that are no text, a date that is none
        message = f"{path}: not valid YAML: {error}"
        raise ConfigError(message) from None
    if not isinstance(document, CommentedMap):
        message = f"{path}: expected `key: value` lines at the top level, found {type(document).__name__}"
        raise ConfigError(message)
    return document


def _plain(node: Any) -> Any:
    """Plain Python containers and scalars of a round-trip YAML tree."""
    if isinstance(node, dict):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    for kind in (bool, int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node


def parse_override(text: str) -> tuple[tuple[str, ...], Any]:
    """`a.b=VALUE` -> (("a", "b"), value), the value read as YAML, so that `3`, `1e-3`, `true`, `[a, b]` are typed."""
    key, equals, value = text.partition("=")
    names = tuple(name.strip() for name in key.split("."))
    if not equals or not all(names):
        message = f"--set {text}: expected KEY=VALUE with a dotted key, for example training.epochs=3"
        raise ConfigError(message)
    try:
        return names, _plain(yaml_value(value, YAML(typ="rt")))
    except (YAMLError, TooLarge) as error:
        message = f"--set {text}: the value is not valid YAML: {error}"
        raise ConfigError(message) from None


def _assign(schema: type[BaseModel], values: dict[str, Any], key: tuple[str, ...], value: Any, text: str) -> None:
    """Set a dotted key in place. Another `kind` of a section drops the keys that the new kind does not have."""
    section = values
    for name in key[:-1]:
        section = section.setdefault(name, {})
        if not isinstance(section, dict):
            message = f"--set {text}: {name} is a value, not a section"
            raise ConfigError(message)
    if key[-1] == "kind" and value != section.get("kind"):
        _, fields = _walk(schema, (*key[:-1], str(value)))
        foreign = [name for name in section if fields and name not in fields]
        for name in foreign:
            log.info("--set %s: %s = %r does not apply to this kind and is dropped", text, name, section.pop(name))
    section[key[-1]] = value


def _walk(schema: type[BaseModel], location: Sequence[int | str]) -> tuple[Location, dict[str, Any]]:
    """Follow an error location: the key as the user wrote it, and the fields of the section there (empty for a value).

    Pydantic inserts the tag of a discriminated union into locations; it selects the member and is no part of the key.
    """
    key: list[int | str] = []
    kinds: list[type[BaseModel]] = [schema]
    names_follow = False
    for part in location:
        if names_follow:
            names_follow = False
            key.append(part)
            continue
        if tagged := [kind for kind in kinds if len(kinds) > 1 and part in _tags(kind)]:
            kinds = tagged
            continue
        key.append(part)
        field = next((kind.model_fields[part] for kind in kinds if part in kind.model_fields), None)
        kinds = _models(field.annotation) if field else []
        names_follow = field is not None and get_origin(field.annotation) is dict
    return tuple(key), kinds[0].model_fields if len(kinds) == 1 and not names_follow else {}


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Model classes named by an annotation such as `A`, `A | B`, `Annotated[A, ...]`, `dict[str, A]` or `A | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) is Annotated:
        return _models(get_args(annotation)[0])
    if get_origin(annotation) is dict:
        return _models(get_args(annotation)[1])
    if get_origin(annotation) in (Union, types.UnionType):
        return [model for member in get_args(annotation) for model in _models(member)]
    return []


def _tags(kind: type[BaseModel]) -> tuple[Any, ...]:
    """Values of the `kind` field of a model class."""
    field = kind.model_fields.get("kind")
    return get_args(field.annotation) if field else ()


def _explain(
    schema: type[BaseModel],
    item: Any,
    path: Path,
    document: CommentedMap,
    sources: dict[Location, str],
) -> str:
    """One fault in one line: place, key, what is wrong, what is known there."""
    location = item["loc"]
    key, _ = _walk(schema, location)
    if item["type"].startswith("union_tag"):
        key = (*key, "kind")
    dotted = ".".join(str(part) for part in key)
    place = _place(path, document, key, sources)
    if item["type"] == "extra_forbidden":
        _, section_fields = _walk(schema, location[:-1])
        fields = sorted(section_fields)
        near = difflib.get_close_matches(str(key[-1]), fields, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        return f"{place}: unknown key '{dotted}' (known here: {', '.join(fields)}){hint}"
    if item["type"] == "missing":
        return f"{place}: key '{dotted}' is missing"
    if item["type"] == "union_tag_invalid":
        return f"{place}: {dotted}: {item['ctx']['tag']!r} is not one of {item['ctx']['expected_tags']}"
    value = "" if isinstance(item["input"], dict) else f", found {item['input']!r}"
    return f"{place}: {dotted or 'configuration'}: {item['msg']}{value}"


def _place(path: Path, document: CommentedMap, key: Location, sources: dict[Location, str]) -> str:
    """`FILE:LINE` of the deepest part of the key that the file has, or the override that set it."""
    for depth in range(len(key), 0, -1):
        if key[:depth] in sources:
            return sources[key[:depth]]
    node, line = document, None
    for part in key:
        try:
            position = node.lc.key(part) if isinstance(node, CommentedMap) else node.lc.item(part)
            node = node[part]
        except (KeyError, IndexError, AttributeError, TypeError):
            break
        line = position[0] + 1
    return f"{path}:{line}" if line else str(path)
