"""Configuration of a simulation (configs/sims/*.yaml): its schema, and errors that name file and keys."""

import difflib
import hashlib
import json
import re
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ecosys_sims import biomes

# Keys of &run_ctl that the simulation sets itself, and the key of the configuration that a user means.
OWN_RUN_CTL = {
    "case_name": None, "start_date": "period.start_year", "stop_n": "period.years", "stop_option": "period.years",
    "calendar": "period.calendar", "seed": "seed", "finidat": None, "rest_frq": None, "fsites": "sites",
    "bgc_scheme": None, "spinup_years": "period.spinup_years", "outdir": None,
}  # fmt: skip


class ConfigError(ValueError):
    """The configuration cannot be used; the message names the file and the key."""


class Section(BaseModel):
    """A part of the configuration: unknown keys are errors, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_default(cls, content: Any) -> Any:
        return {} if content is None else content  # `sites:` with every key commented out


class SitesConfig(Section):
    """How many sites, and of which kinds."""

    count: Annotated[int, Field(ge=1)] = 128
    wetland_share: Annotated[float, Field(ge=0, le=1)] = 0.7
    biome_weights: dict[str, Annotated[float, Field(ge=0)]] = {}  # replaces the default weight of the biomes named
    lat_min: Annotated[float, Field(ge=-56, le=75)] = -56.0
    lat_max: Annotated[float, Field(ge=-55, le=76)] = 76.0
    table: str | None = None  # a site table of the user, whose sites replace those that would be drawn

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


class EvolutionConfig(Section):
    """Sites that change over the years, in ways that an emulator is not told (docs/process_model.md).

    The shares are of the sites to which each can happen: wetlands, all but crops, and sites below -2 degC.
    """

    drained_share: Annotated[float, Field(ge=0, le=1)] = 0.0  # drained or rewetted in a year of the period
    shifted_share: Annotated[float, Field(ge=0, le=1)] = 0.0  # denser or sparser vegetation, over 5 to 20 years
    thawing_share: Annotated[float, Field(ge=0, le=1)] = 0.0  # permafrost that collapses where it thaws deeper
    mgo_walk: Annotated[float, Field(ge=0, le=0.5)] = 0.0  # random walk of methane production, step of log a year
    cultivar_trend: Annotated[float, Field(ge=-0.02, le=0.05)] = 0.0  # of the quantum yield of crops, a year


class CropsConfig(Section):
    """What grows on the fields (biome cropland) of an ensemble."""

    # Rotation (digits, docs/parameters.md) -> weight among those that a field's climate suits; {}: the program's own.
    rotations: dict[str, Annotated[float, Field(ge=0)]] = {}

    @field_validator("rotations", mode="before")
    @classmethod
    def _digits(cls, rotations: Any) -> Any:
        if not isinstance(rotations, dict):
            return {} if rotations is None else rotations
        found = {str(name): weight for name, weight in rotations.items()}
        for name in found:
            # A leading fallow year would be lost in the number that the program reads, and so would its phases.
            if not re.fullmatch("[1-5]{1,5}", name):
                raise ValueError(f"{name!r} is not a rotation: 1 to 5 digits, each 1 to 5")
        return found


class RangeConfig(Section):
    """Values of a parameter in a design: `[low, high]`, or with `log` and `relative` said as well."""

    low: float
    high: float
    log: bool = False  # even in the logarithm
    relative: bool = False  # multiples of the value that the site has otherwise

    @model_validator(mode="before")
    @classmethod
    def _from_pair(cls, content: Any) -> Any:
        if isinstance(content, list | tuple):
            if len(content) != 2:
                raise ValueError("expected [low, high]")
            return {"low": content[0], "high": content[1]}
        return content

    @model_validator(mode="after")
    def _ordered(self) -> "RangeConfig":
        if not self.low < self.high:
            raise ValueError("low must be less than high")
        if self.log and self.low <= 0:
            raise ValueError("low must be above 0 where log is true")
        return self


class DesignConfig(Section):
    """Whether each site is run once (`sites`) or as several members with parameters set on purpose."""

    kind: Literal["sites", "lhs", "oat", "table"] = "sites"
    members: Annotated[int, Field(ge=2, le=100_000)] = 32  # lhs: of each site
    levels: Annotated[int, Field(ge=2, le=1000)] = 2  # oat: values of each parameter, from low to high
    parameters: dict[str, RangeConfig | None] = {}  # lhs, oat; null: the literature's range; none: all that have one
    table: str | None = None  # table: CSV or netCDF with a row for each member

    @model_validator(mode="before")
    @classmethod
    def _from_word(cls, content: Any) -> Any:
        return {"kind": content} if isinstance(content, str) else content

    @model_validator(mode="after")
    def _fitting(self) -> "DesignConfig":
        if (self.table is not None) != (self.kind == "table"):
            raise ValueError("design.table belongs to kind: table, which needs it")
        if self.parameters and self.kind not in ("lhs", "oat"):
            raise ValueError(f"design.parameters belong to lhs and oat, kind is {self.kind}")
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
    design: DesignConfig = DesignConfig()
    evolution: EvolutionConfig = EvolutionConfig()
    crops: CropsConfig = CropsConfig()
    namelist: dict[str, dict[str, bool | int | float | str]] = {}  # group -> key -> value, passed on as they are
    run: RunConfig = RunConfig()

    @field_validator("namelist", mode="before")
    @classmethod
    def _lower_case(cls, groups: Any) -> Any:
        """Fortran does not tell `MGO` from `mgo`; we look keys up by their lower-case names."""
        if groups is None:
            return {}
        if not isinstance(groups, dict):
            return groups
        return _lowered({name: _lowered(keys, f"{name}.") for name, keys in groups.items()})

    @model_validator(mode="after")
    def _own_keys(self) -> "SimulationConfig":
        taken = sorted(set(OWN_RUN_CTL) & set(self.namelist.get("run_ctl", {})))
        if taken:
            instead = OWN_RUN_CTL[taken[0]]
            raise ValueError(
                f"namelist.run_ctl.{taken[0]} is set by the simulation itself; "
                + (f"use {instead}" if instead else "remove it")
            )
        cut = sorted({"hist_nhtfrq", "hist_split", "hist_fields"} & set(self.namelist.get("hist_nl", {})))
        if cut:
            raise ValueError(f"namelist.hist_nl.{cut[0]}: a dataset needs all variables, daily, in one file; remove it")
        return self


def _lowered(content: Any, prefix: str = "") -> Any:
    if not isinstance(content, dict):
        return content  # told by the schema
    found: dict[Any, Any] = {}
    for key, value in content.items():
        lower = key.lower() if isinstance(key, str) else key
        if lower in found:
            raise ValueError(f"{prefix}{key} is there twice, in upper and lower case")
        found[lower] = value
    return found


def load(
    path: str | Path, changes: Mapping[str, Any] | None = None, options: Mapping[str, str] | None = None
) -> SimulationConfig:
    """Read a YAML 1.2 file; `changes` maps dotted keys (`sites.count`) to values that replace the file's.

    options: dotted key -> command-line option that gave its value, which errors name in the file's place.
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
    for section in ("sites", "design"):  # paths are relative to the file that names them
        part = content.get(section)
        if isinstance(part, dict) and isinstance(part.get("table"), str):
            _set(content, f"{section}.table", str((path.parent / part["table"]).resolve()))
    return parse(content, str(path), options)


def parse(content: dict[str, Any], source: str, options: Mapping[str, str] | None = None) -> SimulationConfig:
    """Check a configuration given as a dictionary; `source` names it in errors, `options` some of its keys."""
    try:
        return SimulationConfig.model_validate(content)
    except ValidationError as error:
        raise ConfigError("\n".join(_message(problem, source, options or {}) for problem in error.errors())) from None


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
    for section in ("sites", "design"):  # what is in the tables counts, not where they lie
        content[section].pop("table")
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _set(content: dict[str, Any], key: str, value: Any) -> None:
    *sections, last = key.split(".")
    for section in sections:
        if content.get(section) is None:
            content[section] = {}
        content = content[section]
        if not isinstance(content, dict):
            return  # the schema tells what is wrong with the section
    content[last] = value


def _message(problem: dict[str, Any], source: str, options: Mapping[str, str]) -> str:
    place = [str(part) for part in problem["loc"]]
    if problem["type"] != "extra_forbidden":
        key = ".".join(place)
        origin = options.get(key) or (f"{source}: {key}" if key else source)
        text = problem["msg"].removeprefix("Value error, ")
        given = f" (found {problem['input']!r})" if place and not isinstance(problem["input"], dict) else ""
        return f"{origin}: {text}{given}"
    known = _known_keys(place[:-1])
    close = difflib.get_close_matches(place[-1], known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    section = f" in {'.'.join(place[:-1])}" if place[:-1] else ""
    return f"{source}: unknown key {place[-1]!r}{section}{hint} (known: {', '.join(known)})"


def _known_keys(section: list[str]) -> list[str]:
    model: type[BaseModel] = SimulationConfig
    for name in section:
        if name not in model.model_fields:
            return list(RangeConfig.model_fields)  # of a parameter in design.parameters
        model = model.model_fields[name].annotation
        if not isinstance(model, type):
            return list(RangeConfig.model_fields)
    return list(model.model_fields)
