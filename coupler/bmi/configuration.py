"""The configuration file of the component."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cftime
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import YAMLError

from coupler.bmi.names import SOURCES
from foundations.bounded_text import TooLarge, read_text, yaml_value

SECONDS_PER_DAY = 86400
CALENDARS = ("standard", "noleap", "360_day")


@dataclass(frozen=True)
class Configuration:
    """What the configuration file of a component says.

    ``artefact`` is taken from the folder of the file where it is relative. ``start`` is the date, at midnight, of
    time 0 and ``end`` the one after the last step (none = no end); ``time_step`` is in s and divides the day.
    ``statics`` gives site attributes in the artefact's units, each one number for all cells or a list of ``ncell``;
    those that are not there are set with ``set_value`` before the first step. ``sources`` names what the framework has
    in place of inputs that can be made of it, such as ``huss`` and ``ps`` for ``vpd``, or ``uas`` and ``vas`` for
    ``sfcWind``. ``longitude``, one number or a list [degrees_east], makes each cell's day that of its mean solar time.
    """

    artefact: Path
    start: cftime.datetime
    end: cftime.datetime | None = None
    backend: str | None = None
    ncell: int = 1
    time_step: int = 3600
    calendar: str = "standard"
    statics: dict[str, Any] = dataclasses.field(default_factory=dict)
    sources: list[str] = dataclasses.field(default_factory=list)
    longitude: float | list[float] | None = None


class _DatesAsText(SafeConstructor):
    """YAML knows the standard calendar only, and 2001-02-30 is a date of another."""


_DatesAsText.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)


def read_configuration(path: str) -> Configuration:
    """Read a YAML file. Raises ValueError with the file's name for an unknown key or a wrong value."""
    file = Path(path)
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _DatesAsText
    try:
        content = yaml_value(read_text(file), yaml)
    except (YAMLError, UnicodeDecodeError) as error:
        message = f"{path}: not valid YAML: {error}"
        raise ValueError(message) from None
    except TooLarge as error:
        message = f"{path}: {error}"
        raise ValueError(message) from None
    if not isinstance(content, dict):
        message = f"{path}: expected keys and values"
        raise ValueError(message)
    keys = [field.name for field in dataclasses.fields(Configuration)]
    for key in content:
        if key not in keys:
            message = f"{path}: unknown key '{key}' (known: {', '.join(keys)})"
            raise ValueError(message)
    for key in ("artefact", "start"):
        if key not in content:
            message = f"{path}: the key '{key}' is missing"
            raise ValueError(message)
    calendar = content.get("calendar", "standard")
    if calendar not in CALENDARS:
        message = f"{path}: calendar '{calendar}' is not one of {', '.join(CALENDARS)}"
        raise ValueError(message)
    for key in {"start", "end"} & content.keys():
        content[key] = _date(path, key, content[key], calendar)
    ncell = content.get("ncell", 1)
    if not isinstance(ncell, int) or isinstance(ncell, bool) or ncell < 0:
        message = f"{path}: ncell {ncell!r} is no number of cells"
        raise ValueError(message)
    step = content.get("time_step", 3600)
    if not isinstance(step, int) or isinstance(step, bool) or step < 1 or SECONDS_PER_DAY % step != 0:
        message = f"{path}: time_step {step} is not a number of seconds that divides the day"
        raise ValueError(message)
    for key, kind, what in (("sources", list, "a list"), ("statics", dict, "names with values")):
        if content.get(key) is None:
            content[key] = kind()
        if not isinstance(content[key], kind):
            message = f"{path}: {key}: {content[key]!r} is not {what}"
            raise ValueError(message)
    for name in content["sources"]:
        if name not in SOURCES:
            message = f"{path}: source '{name}' is not one of {', '.join(SOURCES)}"
            raise ValueError(message)
    return Configuration(**content | {"artefact": file.parent / str(content["artefact"])})


def _date(path: str, key: str, value: Any, calendar: str) -> cftime.datetime:
    try:
        year, month, day = (int(number) for number in str(value).split("-"))
        return cftime.datetime(year, month, day, calendar=calendar)
    except ValueError as error:
        message = f"{path}: {key} '{value}' is not a date of the calendar {calendar} (YYYY-MM-DD)"
        raise ValueError(message) from error
