"""Configuration of a simulation (configs/sims/*.yaml): its schema, and errors that name file and keys."""

import difflib
import hashlib
import json
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ecosys_sims.sites.configuration import (
    CropsConfig,
    EvolutionConfig,
    HiddenParametersConfig,
    PeriodConfig,
    Section,
    SitesConfig,
)
from foundations.bounded_text import TooLarge, read_text, yaml_value
from foundations.configuration_file import ConfigError

# Keys of &run_ctl that the simulation sets itself, and the key of the configuration that a user means.
OWN_RUN_CTL = {
    "case_name": None, "start_date": "period.start_year", "stop_n": "period.years", "stop_option": "period.years",
    "calendar": "period.calendar", "seed": "seed", "finidat": None, "rest_frq": None, "fsites": "sites",
    "bgc_scheme": None, "spinup_years": "period.spinup_years", "outdir": None,
}  # fmt: skip
# Keys of &hist_nl that would take variables or days out of the history of which the dataset is made.
CUTTING_HIST_NL = {"hist_nhtfrq", "hist_split", "hist_fields"}


class RangeConfig(Section):
    """Values of a parameter in a design: `[low, high]`, or with `log` and `relative` said as well."""

    low: float
    high: float
    log: bool = False  # even in the logarithm
    relative: bool = False  # multiples of the value that the site has otherwise

    @model_validator(mode="before")
    @classmethod
    def _from_pair(cls, content: Any) -> Any:
        if not isinstance(content, list | tuple):
            return content
        try:
            low, high = content
        except ValueError:
            message = "expected [low, high]"
            raise ValueError(message) from None
        return {"low": low, "high": high}

    @model_validator(mode="after")
    def _ordered(self) -> "RangeConfig":
        if not self.low < self.high:
            message = "low must be less than high"
            raise ValueError(message)
        if self.log and self.low <= 0:
            message = "low must be above 0 where log is true"
            raise ValueError(message)
        return self


class DesignConfig(Section):
    """Whether each site is run once (`sites`) or as several members with parameters set on purpose."""

    kind: Literal["sites", "lhs", "oat", "table"] = "sites"
    members: Annotated[int, Field(ge=2, le=100_000)] = 32  # lhs: of each site
    levels: Annotated[int, Field(ge=2, le=1000)] = 2  # oat: values of each parameter, from low to high
    # Of lhs and oat; null: the literature's range; none: all that have one.
    parameters: dict[str, RangeConfig | None] = Field(default_factory=dict)
    table: str | None = None  # table: CSV or netCDF with a row for each member

    @model_validator(mode="before")
    @classmethod
    def _from_word(cls, content: Any) -> Any:
        return {"kind": content} if isinstance(content, str) else content

    @model_validator(mode="after")
    def _fitting(self) -> "DesignConfig":
        if (self.table is not None) != (self.kind == "table"):
            message = "design.table belongs to kind: table, which needs it"
            raise ValueError(message)
        if self.parameters and self.kind not in ("lhs", "oat"):
            message = f"design.parameters belong to lhs and oat, kind is {self.kind}"
            raise ValueError(message)
        return self


class RunConfig(Section):
    """How the work is cut and how long a block may take."""

    block_size: Annotated[int, Field(ge=1, le=4096)] = 16
    block_timeout_s: Annotated[float, Field(gt=0)] = 3600.0 * 6
    keep_block_histories: bool = False
    store: Literal["netcdf", "zarr"] = "netcdf"  # of the dataset: one file, or a store that the workers write into


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
    # Group -> key -> value, passed on as they are.
    namelist: dict[str, dict[str, bool | int | float | str]] = Field(default_factory=dict)
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
    def _reserved_keys(self) -> "SimulationConfig":
        """Refuse namelist keys that the simulation sets itself, or that would leave the dataset incomplete."""
        reserved = sorted(set(OWN_RUN_CTL) & set(self.namelist.get("run_ctl", {})))
        if reserved:
            instead = OWN_RUN_CTL[reserved[0]]
            remedy = f"use {instead}" if instead else "remove it"
            message = f"namelist.run_ctl.{reserved[0]} is set by the simulation itself; {remedy}"
            raise ValueError(message)
        cutting = sorted(CUTTING_HIST_NL & set(self.namelist.get("hist_nl", {})))
        if cutting:
            message = f"namelist.hist_nl.{cutting[0]}: a dataset needs all variables, daily, in one file; remove it"
            raise ValueError(message)
        return self


def _lowered(content: Any, prefix: str = "") -> Any:
    if not isinstance(content, dict):
        return content  # told by the schema
    lowered: dict[Any, Any] = {}
    for key, value in content.items():
        name = key.lower() if isinstance(key, str) else key
        if name in lowered:
            message = f"{prefix}{key} is there twice, in upper and lower case"
            raise ValueError(message)
        lowered[name] = value
    return lowered


def load(
    path: str | Path, changes: Mapping[str, Any] | None = None, options: Mapping[str, str] | None = None
) -> SimulationConfig:
    """Read a YAML 1.2 file; `changes` maps dotted keys (`sites.count`) to values that replace the file's.

    options: dotted key -> command-line option that gave its value, which errors name in the file's place.
    Raises ConfigError: file missing, not YAML, unknown key (with the known ones), value of the wrong kind.
    """
    path = Path(path)
    content = _read_yaml(path)
    for key, value in (changes or {}).items():
        _set(content, key, value)
    for name in ("sites", "design"):  # paths are relative to the file that names them
        section = content.get(name)
        if isinstance(section, dict) and isinstance(section.get("table"), str):
            _set(content, f"{name}.table", str((path.parent / section["table"]).resolve()))
    return parse(content, str(path), options)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml_value(read_text(path), YAML(typ="safe", pure=True))
    except OSError as error:
        message = f"{path}: cannot read the configuration: {error.strerror}"
        raise ConfigError(message) from error
    except TooLarge as error:
        message = f"{path}: {error}"
        raise ConfigError(message) from error
    except (YAMLError, ValueError, RecursionError) as error:
        message = f"{path}: not valid YAML: {error}"
        raise ConfigError(message) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        message = f"{path}: expected keys and values at the top level, found {type(content).__name__}"
        raise ConfigError(message)
    return content


def parse(content: dict[str, Any], source: str, options: Mapping[str, str] | None = None) -> SimulationConfig:
    """Check a configuration given as a dictionary; `source` names it in errors, `options` some of its keys."""
    try:
        return SimulationConfig.model_validate(content)
    except ValidationError as error:
        message = "\n".join(_message(fault, source, options or {}) for fault in error.errors())
        raise ConfigError(message) from None


def to_yaml(config: SimulationConfig) -> str:
    """The resolved configuration, all defaults written out, as YAML."""
    yaml: Any = YAML(typ="safe", pure=True)  # its attributes are declared as None
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


def _set(content: dict[str, Any], dotted: str, value: Any) -> None:
    *sections, key = dotted.split(".")
    for section in sections:
        if content.get(section) is None:
            content[section] = {}
        content = content[section]
        if not isinstance(content, dict):
            return  # the schema tells what is wrong with the section
    content[key] = value


def _message(fault: ErrorDetails, source: str, options: Mapping[str, str]) -> str:
    location = [str(name) for name in fault["loc"]]
    if fault["type"] != "extra_forbidden":
        key = ".".join(location)
        origin = options.get(key) or (f"{source}: {key}" if key else source)
        text = fault["msg"].removeprefix("Value error, ")
        value = f" (found {fault['input']!r})" if location and not isinstance(fault["input"], dict) else ""
        return f"{origin}: {text}{value}"
    *sections, key = location
    keys = _keys_of_section(sections)
    close = difflib.get_close_matches(key, keys, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    section = f" in {'.'.join(sections)}" if sections else ""
    return f"{source}: unknown key {key!r}{section}{hint} (known: {', '.join(keys)})"


def _keys_of_section(sections: list[str]) -> list[str]:
    """The keys that a section may have, by the names of the sections that lead to it."""
    model: type[BaseModel] = SimulationConfig
    for name in sections:
        annotation = model.model_fields[name].annotation if name in model.model_fields else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return list(RangeConfig.model_fields)  # of a parameter in design.parameters
        model = annotation
    return list(model.model_fields)
