"""Configurations that come with the project, by their names: `smoke`, `quickstart`, `lstm`.

They are the folder `configs/` of the sources, which a wheel holds inside this package.
"""

import difflib
import os
from pathlib import Path

from foundations.configuration_file import ConfigError

KINDS = {"training": "", "simulation": "sims", "choice": "models", "space": "tuning"}
"""What a configuration is for, and its folder."""


def shipped_folder() -> Path:
    """The folder of all of them: of the wheel, else of the sources."""
    package = Path(__file__).resolve().parent
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"


def shipped_names(kind: str) -> list[str]:
    """Names of the configurations of a kind (KINDS), sorted."""
    return sorted(path.stem for path in (shipped_folder() / KINDS[kind]).glob("*.yaml"))


def configuration_path(given: str | os.PathLike[str], kind: str) -> Path:
    """The file `given`, or the one that comes with the project under that name.

    A file in the present folder goes first. ConfigError for a word that is neither, with the names that there are.
    """
    path, text = Path(given), os.fspath(given)
    if path.is_file() or path.suffix or "/" in text:
        return path
    names = shipped_names(kind)
    if text in names:
        return shipped_folder() / KINDS[kind] / f"{text}.yaml"
    near = difflib.get_close_matches(text, names, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    message = f"{text}: no such file, and no {kind} configuration of that name ({', '.join(names)}){hint}"
    raise ConfigError(message)
