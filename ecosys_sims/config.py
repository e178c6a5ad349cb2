"""Configuration of a simulation (configs/sims/*.yaml): its schema, and errors that name file and keys."""

import difflib
import hashlib
import json
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ecosys_sims import biomes


class ConfigError(ValueError):
    """The configuration cannot be used; the message names the file and the key."""


class Section(BaseModel):
    """A part of the configuration: unknown keys are errors, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SitesConfig(Section):
    """How many sites, and of which kinds."""

    count: Annotated[int, Field(ge=1)] = 128
    wetland_share: Annotated[float, Field(ge=0, le=1)] = 0.7
    biome_weights: dict[str, Annotated[float, Field(ge=0)]] = {}  # replaces the default weight of the biomes named
    lat_min: Annotated[float, Field(ge=-56, le=75)] = -56.0
    lat_max: Annotated[float, Field(ge=-55, le=76)] = 76.0

    @model_validator(mode="after")
    def _known_biomes(self) -> "SitesConfig":
        unknown = sorted(set(self.biome_weights) - set(biomes.BY_NAME))
        if unknown:
            raise ValueError(f"unknown biome {unknown[0]!r} in biome_weights (known: {', '.join(biomes.BY_NAME)})")
        if self.lat_max - self.lat_min < 5:
            raise ValueError("lat_max must exceed lat_min by 5 degrees or more")
        return self


class SharesConfig(Section):
    """What the variance of a hidden parameter over the sites of a kind consists of."""

    # Biome means, regression on climate and soil, and random field together; the rest is noise of each site.
    structured: Annotated[float, Field(ge=0, le=1)] = 0.7
    # Of the structured deviations from the biome's mean: climate and soil; the rest is the field.
    climate_soil: Annotated[float, Field(ge=0, le=1)] = 0.5


class HiddenParametersConfig(Section):
    """Spread and spatial structure of the parameters that an emulator is not told."""

    shares: SharesConfig = SharesConfig()
    range_km: tuple[Annotated[float, Field(ge=50)], Annotated[float, Field(le=5000)]] = (300.0, 1000.0)
    spread: Annotated[float, Field(ge=0, le=1)] = 1.0  # 1: the full ranges; 0: every site has its biome's default

    @model_validator(mode="after")
    def _ordered(self) -> "HiddenParametersConfig":
        if self.range_km[0] > self.range_km[1]:
            raise ValueError("range_km must be [shortest, longest]")
        return self


class PeriodConfig(Section):
    """Simulated years."""

    start_year: Annotated[int, Field(ge=1850, le=2300)] = 2001
    years: Annotated[int, Field(ge=1, le=500)] = 10
    spinup_years: Annotated[int, Field(ge=0, le=500)] = 2
    calendar: Literal["standard", "noleap"] = "standard"


class RunConfig(Section):
    """How the work is cut and how long a block may take."""

    block_size: Annotated[int, Field(ge=1, le=4096)] = 16
    block_timeout_s: Annotated[float, Field(gt=0)] = 3600.0 * 6
    keep_block_histories: bool = False


class SimulationConfig(Section):
    """A whole simulation."""

    title: str = "ecosys ensemble"
    institution: str = "not given"
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1
    sites: SitesConfig = SitesConfig()
    period: PeriodConfig = PeriodConfig()
    hidden_parameters: HiddenParametersConfig = HiddenParametersConfig()
    namelist: dict[str, dict[str, bool | int | float | str]] = {}  # group -> key -> value, passed on as they are
    run: RunConfig = RunConfig()

    @model_validator(mode="after")
    def _own_keys(self) -> "SimulationConfig":
        ours = {"run_ctl": {"case_name", "start_date", "stop_n", "stop_option", "calendar", "seed", "fsites", "outdir"}}
        for group, keys in ours.items():
            taken = sorted(keys & set(self.namelist.get(group, {})))
            if taken:
                raise ValueError(
                    f"namelist.{group}.{taken[0]} is set by the simulation itself; use sites, period, seed"
                )
        return self


def load(path: str | Path, changes: dict[str, Any] | None = None) -> SimulationConfig:
    """Read a YAML 1.2 file; `changes` maps dotted keys (`sites.count`) to values that replace the file's.

    Raises ConfigError: file missing, not YAML, unknown key (with the known ones), value of the wrong kind.
    """
    path = Path(path)
    try:
        content = YAML(typ="safe", pure=True).load(path.read_text())
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the configuration: {error.strerror}") from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from error
    if content is None:
        content = {}
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected keys and values at the top level, found {type(content).__name__}")
    for key, value in (changes or {}).items():
        _set(content, key, value)
    return parse(content, str(path))


def parse(content: dict[str, Any], source: str) -> SimulationConfig:
    """Check a configuration given as a dictionary; `source` names it in errors."""
    try:
        return SimulationConfig.model_validate(content)
    except ValidationError as error:
        raise ConfigError("\n".join(_message(problem, source) for problem in error.errors())) from None


def to_yaml(config: SimulationConfig) -> str:
    """The resolved configuration, all defaults written out, as YAML."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.width = 200
    yaml.sort_base_mapping_type_on_output = False
    text = StringIO()
    yaml.dump(config.model_dump(mode="json"), text)
    return text.getvalue()


def result_hash(config: SimulationConfig) -> str:
    """Hash of all that the numbers depend on, which leaves out titles, limits and what is kept on disk."""
    content = config.model_dump(mode="json")
    for key in ("title", "institution"):
        content.pop(key)
    content["run"] = {"block_size": config.run.block_size}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _set(content: dict[str, Any], key: str, value: Any) -> None:
    *sections, last = key.split(".")
    for section in sections:
        content = content.setdefault(section, {})
    content[last] = value


def _message(problem: dict[str, Any], source: str) -> str:
    place = [str(part) for part in problem["loc"]]
    if problem["type"] != "extra_forbidden":
        where = f" {'.'.join(place)}:" if place else ""
        text = problem["msg"].removeprefix("Value error, ")
        given = f" (found {problem['input']!r})" if place and not isinstance(problem["input"], dict) else ""
        return f"{source}:{where} {text}{given}"
    known = _known_keys(place[:-1])
    close = difflib.get_close_matches(place[-1], known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    section = f" in {'.'.join(place[:-1])}" if place[:-1] else ""
    return f"{source}: unknown key {place[-1]!r}{section}{hint} (known: {', '.join(known)})"


def _known_keys(section: list[str]) -> list[str]:
    model: type[BaseModel] = SimulationConfig
    for name in section:
        model = model.model_fields[name].annotation
    return list(model.model_fields)
