"""The configuration file of the component."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import cftime
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor

CALENDARS = ("standard", "noleap", "360_day")


@dataclass(frozen=True)
class Configuration:
    """What the configuration file of a component says.

    ``artefact`` is taken from the folder of the file where it is relative. ``start`` is the date, at midnight, of
    time 0 and ``end`` the one after the last step (none = no end); ``time_step`` is in s and divides the day.
    ``statics`` gives site attributes in the artefact's units, each one number for all cells or a list of ``ncell``;
    those that are not there are set with ``set_value`` before the first step.
    """

    artefact: Path
    start: cftime.datetime
    end: cftime.datetime | None = None
    backend: str | None = None
    ncell: int = 1
    time_step: int = 3600
    calendar: str = "standard"
    statics: dict[str, Any] = field(default_factory=dict)


class _DatesAsText(SafeConstructor):
    """YAML knows the standard calendar only, and 2001-02-30 is a date of another."""


_DatesAsText.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)


def read_configuration(path: str) -> Configuration:
    """Read a YAML file. Raises ValueError with the file's name for an unknown key or a wrong value."""
    file = Path(path)
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _DatesAsText
    content = yaml.load(file)
    if not isinstance(content, dict):
        raise ValueError(f"{path}: expected keys and values")
    known = [entry.name for entry in fields(Configuration)]
    for key in content:
        if key not in known:
            raise ValueError(f"{path}: unknown key '{key}' (known: {', '.join(known)})")
    for key in ("artefact", "start"):
        if key not in content:
            raise ValueError(f"{path}: the key '{key}' is missing")
    calendar = content.get("calendar", "standard")
    if calendar not in CALENDARS:
        raise ValueError(f"{path}: calendar '{calendar}' is not one of {', '.join(CALENDARS)}")
    for key in {"start", "end"} & content.keys():
        content[key] = _date(path, key, content[key], calendar)
    step = content.get("time_step", 3600)
    if not isinstance(step, int) or step < 1 or 86400 % step != 0:
        raise ValueError(f"{path}: time_step {step} is not a number of seconds that divides the day")
    if content.get("statics") is None:
        content["statics"] = {}
    return Configuration(**content | {"artefact": file.parent / str(content["artefact"])})


def _date(path: str, key: str, value: Any, calendar: str) -> cftime.datetime:
    try:
        year, month, day = (int(part) for part in str(value).split("-"))
        return cftime.datetime(year, month, day, calendar=calendar)
    except ValueError as error:
        raise ValueError(f"{path}: {key} '{value}' is not a date of the calendar {calendar} (YYYY-MM-DD)") from error
