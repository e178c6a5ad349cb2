"""The table of variables that a dataset or a site table may hold (docs/formats.md, section 1).

The two files `variables.csv` and `classes.csv` are the one place where name, units, role, CF names, ranges and class
meanings are written: the process model's history, the dataset, the emulators and the documentation read them.
`history_long_name` is the long name in the history where that is worded otherwise than in a dataset; rows of the file
`diagnostic` are of the history alone.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

TABLE = Path(__file__).with_name("variables.csv")
CLASSES = Path(__file__).with_name("classes.csv")

DAY_VALUES = {"": "mean", "mean": "mean", "minimum": "min", "maximum": "max", "sum": "sum", "point": "last"}
"""How a host's steps become the value of a day, by the cell method of the daily value."""


@dataclass(frozen=True)
class Variable:
    """One variable of a dataset.

    Statics and drivers are kept in `units`, the file's unit; targets are converted to `analysis_units` when read.
    `accumulate` says how the steps of a host become the value of a day: mean, min, max, sum or last.
    `valid_min` and `valid_max` bound what a file or a host may give, sub-daily values included, in `units`; `daily_min`
    and `daily_max` bound daily values, outside which a value is surely a mistake.
    `minimum` is the physical lower bound of a target (0 for gpp, ra, rh), kept by every model, and `maximum` the upper
    one; a file or a configuration may set either (`data.bounds`). `bounded_classes`: site classes that both are limited
    to, as pairs of a class variable and flag values, such as (("biome", (7, 8)),), all of which must hold; empty = all
    sites. `identity`: the sum of targets and inputs that a target is, such as "ra + rh - gpp"; empty = it is learned.
    `prior`: the input that says what to expect of a target, such as the flux of a process model; empty = none.
    `flag_values` and `flag_meanings`: classes by number and word; where a file gives numbers alone, there are no words.
    `skewed` marks drivers with many small and few large values, which scalers compress.
    `least_spread` bounds the deviation that scalers divide by, in `units`: a trend that all sites share, such as CO2's,
    spans a few units in a training period and would otherwise soon leave the trained range, and be a clock till then.
    """

    name: str
    units: str
    role: str
    long_name: str
    accumulate: str = "mean"
    valid_min: float | None = None
    valid_max: float | None = None
    flag_values: tuple[int, ...] = ()
    flag_meanings: tuple[str, ...] = ()
    analysis_units: str = ""
    minimum: float | None = None
    maximum: float | None = None
    bounded_classes: tuple[tuple[str, tuple[int, ...]], ...] = ()
    identity: str = ""
    prior: str = ""
    skewed: bool = field(default=False, repr=False)
    least_spread: float = field(default=0.0, repr=False)
    standard_name: str = field(default="", repr=False)
    cell_method: str = field(default="", repr=False)
    daily_min: float | None = field(default=None, repr=False)
    daily_max: float | None = field(default=None, repr=False)

    @property
    def classes(self) -> dict[int, str]:
        """Meaning of each class by flag value, the number itself where there is no word; empty for a number."""
        return dict(zip(self.flag_values, self.flag_meanings or map(str, self.flag_values), strict=True))


def class_meanings(variable: str) -> dict[int, str]:
    """Meanings of the classes of a variable by flag value, such as 1: bog for `biome`; empty where it has none."""
    return {int(row["value"]): row["meaning"] for row in _rows(CLASSES) if row["variable"] == variable}


def wetland_classes() -> tuple[int, ...]:
    """Flag values of the biomes that are wetlands."""
    return tuple(int(row["value"]) for row in _rows(CLASSES) if row["wetland"] == "yes")


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _number(text: str) -> float | None:
    return float(text) if text else None


def _variable(row: dict[str, str]) -> Variable:
    return Variable(
        name=row["name"],
        units=row["units"],
        role=row["role"],
        long_name=row["long_name"],
        accumulate=DAY_VALUES[row["cell_method"]],
        valid_min=_number(row["valid_min"]),
        valid_max=_number(row["valid_max"]),
        flag_values=tuple(class_meanings(row["name"])),
        flag_meanings=tuple(class_meanings(row["name"]).values()),
        analysis_units=row["analysis_units"],
        minimum=_number(row["minimum"]),
        identity=row["identity"],
        skewed=row["skewed"] == "yes",
        least_spread=_number(row["least_spread"]) or 0.0,
        standard_name=row["standard_name"],
        cell_method=row["cell_method"],
        daily_min=_number(row["daily_min"]),
        daily_max=_number(row["daily_max"]),
    )


def _table(file: str) -> dict[str, Variable]:
    return {row["name"]: _variable(row) for row in _rows(TABLE) if row["file"] == file}


VARIABLES: dict[str, Variable] = _table("dataset")
"""Variables of datasets by name, in the order of docs/formats.md: statics, drivers, states, targets."""
SITE_VARIABLES: dict[str, Variable] = _table("site_table")
"""What a site table may hold besides the statics of a dataset."""
BIOMES: dict[int, str] = class_meanings("biome")
"""Site classes by flag value."""
