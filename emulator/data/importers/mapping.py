"""The schema of a mapping: where in somebody's files the variables of a dataset stand, and in which units and signs.

docs/importing.md explains every key; the presets (`presets/*.yaml`) are such mappings.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from ruamel.yaml import YAML

CLASS_RULES = Path(__file__).with_name("class_rules.yaml")

Names = Annotated[tuple[str, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)]
"""A name, or alternatives of which the first that a file has is taken."""
Numbers = Annotated[tuple[float, ...], BeforeValidator(lambda value: value if isinstance(value, list) else (value,))]
Role = Literal["static", "slow", "fast", "state", "target"]
Fallback = Literal["global_co2", "global_ch4", "pressure_of_elevation", "longwave_of_sky"]
Aggregate = Literal["mean", "min", "max", "sum", "last"]


class Part(BaseModel):
    """A part of a mapping; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Definition(Part):
    """What a variable is that our table does not have; keys that are left out are those of the table.

    valid_min and valid_max bound daily values in `units`; the other keys are the attributes of docs/formats.md, section
    1, "Variables of your own"; flags: meaning of a class -> its number.
    """

    units: str | None = None
    role: Role | None = None
    long_name: str | None = None
    standard_name: str | None = None
    cell_method: Literal["mean", "minimum", "maximum", "sum", "point"] | None = None
    analysis_units: str | None = None
    valid_min: float | None = None
    valid_max: float | None = None
    minimum: Literal[0] | None = None
    maximum: Literal[0] | None = None
    identity: str | None = None
    skewed: bool | None = None
    flags: dict[str, int] = Field(default_factory=dict)


class Column(Part):
    """A quantity in a file: the column that holds it, or a sum of columns (`-NAME` subtracts), and its unit there.

    units: by default what the file says; daily_units: in daily and longer files, where those have another. of: what
    moles and masses are of, where the unit does not tell. select: index of a layer by dimension.
    """

    column: Names = ()
    sum: tuple[str, ...] = ()
    units: str | None = None
    daily_units: str | None = None
    of: Literal["CO2", "CH4", "N2O", "C", "N"] | None = None
    factor: float = 1.0
    offset: float = 0.0
    select: dict[str, int] = Field(default_factory=dict)


class Quality(Part):
    """A column that tells how good values are.

    good: its values for intervals that were measured or filled well; of drivers, that were measured. In daily files it
    is the share of good intervals, 0 to 1. measured: its values for measured intervals; a day with fewer of them than
    the least share, but enough good ones, is marked as filled in `<target>_qc`. exclude: intervals that are not good do
    not count at all.
    """

    column: Names
    good: Numbers = (0.0, 1.0)
    measured: Numbers = (0.0,)
    exclude: bool = False


class FilledFlux(Part):
    """Gap-filled values of a target, written with `--filled-targets` only; flags of short and of long gaps."""

    column: Names
    quality: Names = ()
    short: Numbers = (1.0,)
    long: Numbers = (2.0, 3.0)


class VariableMapping(Column):
    """How a variable of the dataset is made of columns.

    fill: columns whose values stand in where the first is missing. sign: -1 turns the direction round. per: `interval`
    for amounts of the record's interval (mm of rain in half an hour). cumulative: amounts that add up since 1 January
    (`year`) or since the beginning (`run`). aggregate: how intervals become a day, by default as the table says.
    measured_where: the values count on days on which this column was measured. twin: columns of the same quantity, with
    which the report compares it. derive and inputs: a formula of
    `derivations.py` and its arguments. fallback: what stands in where the columns are not there. valid: values outside,
    in the file's unit, are left out. classes: class in the file -> meaning in the dataset.
    crosswalk: the scheme of foundations/crosswalks.csv that gives these meanings.
    """

    fill: Names = ()
    sign: Literal[1, -1] = 1
    per: Literal["time", "interval"] = "time"
    cumulative: Literal["no", "year", "run"] = "no"
    aggregate: Aggregate | None = None
    measured_where: Names = ()
    twin: Names = ()
    quality: Quality | None = None
    uncertainty: Names = ()
    filled: FilledFlux | None = None
    valid: tuple[float, float] | None = None
    derive: str | None = None
    fallback: Fallback | None = None
    inputs: dict[str, Column] = Field(default_factory=dict)
    classes: dict[str, str] = Field(default_factory=dict)
    crosswalk: str | None = None
    definition: Definition = Definition()

    @model_validator(mode="after")
    def _one_source(self) -> "VariableMapping":
        sources = sum((bool(self.column), bool(self.sum), self.derive is not None))
        if sources > 1 or (sources == 0 and self.fallback is None):
            message = "give one of column, sum and derive, or a fallback"
            raise ValueError(message)
        return self


class TimeMapping(Part):
    """Where time stands.

    clock: column of the time of day, written after the date; format: of strptime, alternatives; parts: year, month,
    day, doy, hour, minute -> column. stamp: which moment of an interval the column tells. zone: `local` standard time,
    or `utc`, which is moved to the longitude's local time where the intervals are shorter than a day.
    """

    column: Names = ()
    clock: Names = ()
    format: Names = ()
    parts: dict[Literal["year", "month", "day", "doy", "hour", "minute"], Names] = Field(default_factory=dict)
    stamp: Literal["start", "middle", "end"] = "start"
    zone: Literal["local", "utc"] = "local"
    calendar: Literal["standard", "noleap"] = "standard"


class TableLayout(Part):
    """How a text file is laid out. suffixes: `TA` stands for `TA_1_1_1` as well, the first of them.

    header: number of the line, from 0, of the names, comments not counted; units_line: a line of units follows it,
    unless that is of numbers. delimiter: what a file is tried with first; one whose names another delimiter tells is
    read with that.
    """

    delimiter: Literal[",", ";", "tab", "space"] = ","
    decimal: Literal[".", ","] = "."
    comment: str | None = None
    header: int = 0
    units_line: bool = False
    missing: tuple[float | str, ...] = (-9999.0,)
    suffixes: bool = False


class ClassRule(Part):
    """A row of the table of sites is of class `meaning` where the column equals or contains a text, between latitudes.

    Latitudes are without sign; the first rule that fits counts. scheme: the column is a class of one of the schemes of
    foundations/crosswalks.csv, which gives the meaning.
    """

    column: str
    equals: str | None = None
    contains: str | None = None
    lat_from: float = 0.0
    lat_below: float = 91.0
    meaning: str = ""
    scheme: str | None = None

    @model_validator(mode="after")
    def _has_meaning(self) -> "ClassRule":
        if bool(self.meaning) == (self.scheme is not None):
            message = "give meaning, or scheme"
            raise ValueError(message)
        return self


def _named_rules(value: Any) -> Any:
    """Rules, or the name of those of class_rules.yaml."""
    if not isinstance(value, str):
        return value
    rules = YAML(typ="safe").load(CLASS_RULES.read_text(encoding="utf-8"))
    if value not in rules:
        message = f"no rules '{value}'; there are {', '.join(rules)}"
        raise ValueError(message)
    return rules[value]


class SiteMapping(Part):
    """Where the name and the properties of a site are found.

    pattern: regular expression of the file's name with a group `site`; column: of the table itself, for files with
    many sites; properties: static -> column of the table of sites; classes: static -> rules, or the name of a list of
    class_rules.yaml.
    """

    pattern: str | None = None
    column: Names = ()
    properties: dict[str, Column] = Field(default_factory=dict)
    classes: dict[str, Annotated[tuple[ClassRule, ...], BeforeValidator(_named_rules)]] = Field(default_factory=dict)


class Mapping(Part):
    """A whole mapping. reader: the code that reads the files."""

    name: str
    description: str = ""
    institution: str = ""
    references: str = ""
    reader: Literal["table", "grid", "ecosys", "dssat", "tem"] = "table"
    table: TableLayout = TableLayout()
    time: TimeMapping = TimeMapping()
    site: SiteMapping = SiteMapping()
    variables: dict[str, VariableMapping]
    minimum_share: float = Field(default=0.75, gt=0.0, le=1.0)
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _time_is_told(self) -> "Mapping":
        if self.reader == "table" and not (self.time.column or self.time.parts):
            message = "time: give column or parts, a table has no other time"
            raise ValueError(message)
        if self.time.column and not self.time.format and self.reader == "table":
            message = "time: give the format of column, for example '%Y%m%d'"
            raise ValueError(message)
        return self
