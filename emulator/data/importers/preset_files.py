"""The presets: mappings that come with the package, and mappings of users."""

import io
from pathlib import Path

from ruamel.yaml import YAML

from emulator.data.importers.errors import ImportFault
from emulator.data.importers.mapping import Mapping
from foundations.configuration_file import ConfigError, load

PRESETS = Path(__file__).with_name("presets")


def preset_names() -> list[str]:
    """Names of all presets."""
    return sorted(path.stem for path in PRESETS.glob("*.yaml"))


def mapping_file(name: str) -> Path | None:
    """The file of a user's mapping; None for the name of a preset."""
    return Path(name) if name.endswith((".yaml", ".yml")) else None


def load_mapping(name: str) -> Mapping:
    """A preset by its name, or a mapping by the name of its YAML file."""
    path = mapping_file(name) or PRESETS / f"{name}.yaml"
    if not path.is_file():
        message = f"{name}: no such preset (there are {', '.join(preset_names())}) and no mapping NAME.yaml"
        raise ImportFault(message)
    try:
        return load(Mapping, path)
    except ConfigError as error:
        raise ImportFault(str(error)) from None


def mapping_text(mapping: Mapping) -> str:
    """The mapping as YAML, without what has its default."""
    yaml = YAML()
    yaml.default_flow_style = None
    yaml.width = 110
    stream = io.StringIO()
    yaml.dump(mapping.model_dump(mode="json", exclude_defaults=True), stream)
    return stream.getvalue()
