"""The variable table: names, units, roles and ranges of everything a dataset may hold (docs/formats.md, section 1).

Roles are declared here and nowhere else; models that treat slow and fast drivers differently read them from this table.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

BIOMES = {
    1: "bog",
    2: "fen",
    3: "marsh",
    4: "swamp",
    5: "wet_tundra",
    6: "rice",
    7: "boreal_forest",
    8: "temperate_forest",
    9: "tropical_forest",
    10: "grassland",
    11: "shrubland",
    12: "tundra",
    13: "cropland",
}
"""Site classes by flag value; 1 to 6 are wetlands."""

SECONDS_PER_DAY = 86400.0


@dataclass(frozen=True)
class Variable:
    """One variable of a dataset.

    Statics and drivers are kept in `units`, the file's unit; targets are converted to `analysis_units` when read.
    `valid_min` and `valid_max` bound what a file or a host may give, sub-daily values included, in `units`.
    `minimum` is the physical lower bound of a target (0 for gpp, ra, rh), kept by every model, and `maximum` the upper
    one; a configuration may set either (`data.bounds`). `bounded_biomes`: site classes that both are limited to, by
    flag value; empty = all.
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
    analysis_units: str = ""
    minimum: float | None = None
    maximum: float | None = None
    bounded_biomes: tuple[int, ...] = ()
    skewed: bool = field(default=False, repr=False)
    least_spread: float = field(default=0.0, repr=False)


def _flux(name: str, long_name: str, analysis_units: str = "g m-2 day-1", minimum: float | None = None) -> Variable:
    return Variable(name, "kg m-2 s-1", "target", long_name, analysis_units=analysis_units, minimum=minimum)


_TABLE = (
    Variable("lat", "degrees_north", "static", "latitude", valid_min=-90, valid_max=90),
    Variable("lon", "degrees_east", "static", "longitude", valid_min=-180, valid_max=180),
    Variable("elevation", "m", "static", "elevation above sea level", valid_min=-500, valid_max=9000),
    Variable("sand", "1", "static", "sand mass fraction of the mineral soil", valid_min=0, valid_max=1),
    Variable("clay", "1", "static", "clay mass fraction of the mineral soil", valid_min=0, valid_max=1),
    Variable("ph", "1", "static", "pH of soil or peat", valid_min=2, valid_max=11),
    Variable("biome", "1", "static", "site class", flag_values=tuple(BIOMES)),
    Variable("tas", "K", "fast", "daily mean air temperature", valid_min=170, valid_max=350),
    Variable("tasmin", "K", "fast", "lowest air temperature of the day", "min", valid_min=170, valid_max=350),
    Variable("tasmax", "K", "fast", "highest air temperature of the day", "max", valid_min=170, valid_max=350),
    Variable("pr", "kg m-2 s-1", "fast", "precipitation", valid_min=0, valid_max=0.2, skewed=True),
    Variable("rsds", "W m-2", "fast", "downward shortwave radiation", valid_min=-10, valid_max=1500),
    Variable("rlds", "W m-2", "fast", "downward longwave radiation", valid_min=20, valid_max=800),
    Variable("vpd", "Pa", "fast", "vapour pressure deficit", valid_min=0, valid_max=15000, skewed=True),
    Variable("sfcWind", "m s-1", "fast", "wind speed", valid_min=0, valid_max=100),
    Variable("ps", "Pa", "fast", "surface air pressure", valid_min=30000, valid_max=120000),
    Variable("co2", "1e-6", "slow", "CO2 mole fraction", valid_min=100, valid_max=3000, least_spread=100.0),
    Variable("ch4", "1e-9", "slow", "CH4 mole fraction", valid_min=300, valid_max=20000, least_spread=500.0),
    Variable("crop", "1", "slow", "crop that stands, a flag", "last", valid_min=0, valid_max=4),
    Variable(
        "fertilisation",
        "kg m-2 s-1",
        "fast",
        "mineral fertiliser, mass of nitrogen",
        valid_min=0,
        valid_max=1e-4,
        skewed=True,
    ),
    Variable("tsl", "K", "state", "soil temperature at 0.10 m", valid_min=170, valid_max=350),
    Variable("mrsos", "kg m-2", "state", "water in the upper 0.10 m of soil", valid_min=0, valid_max=150),
    Variable("wtd", "m", "state", "water table depth, positive below the surface", valid_min=-10, valid_max=500),
    Variable("snw", "kg m-2", "state", "snow water equivalent", valid_min=0, valid_max=1e5, skewed=True),
    Variable("lai", "1", "state", "leaf area index", valid_min=0, valid_max=20),
    Variable("evspsbl", "kg m-2 s-1", "state", "evapotranspiration", valid_min=-0.01, valid_max=0.01),
    _flux("gpp", "gross primary production", minimum=0.0),
    _flux("ra", "autotrophic respiration", minimum=0.0),
    _flux("rh", "heterotrophic respiration", minimum=0.0),
    _flux("nee", "net ecosystem exchange, positive upward"),
    _flux("fch4", "net methane flux, positive upward", analysis_units="mg m-2 day-1"),
    _flux("fn2o", "nitrous oxide flux, positive upward", analysis_units="mg m-2 day-1"),
)

VARIABLES: dict[str, Variable] = {variable.name: variable for variable in _TABLE}

METEOROLOGY = ("tas", "pr", "rsds", "rlds", "vpd", "sfcWind", "ps", "co2", "ch4")
"""Drivers any host has."""
HOST_STATES = ("tsl", "mrsos", "wtd", "snw", "lai", "evspsbl")
"""What a host land model computes anyway; an emulator may ask for it."""
MANAGEMENT = ("crop", "fertilisation")
"""What is done to a field; observations may lack it."""
STATICS = ("lat", "lon", "elevation", "sand", "clay", "ph", "biome")
TARGETS = ("gpp", "ra", "rh", "nee", "fch4")


@dataclass(frozen=True)
class Signature:
    """What a model takes and gives, in call order: inputs (D), statics (P), targets (C)."""

    inputs: tuple[Variable, ...]
    statics: tuple[Variable, ...]
    targets: tuple[Variable, ...]

    @classmethod
    def from_names(
        cls, inputs: Sequence[str] = METEOROLOGY, statics: Sequence[str] = STATICS, targets: Sequence[str] = TARGETS
    ) -> "Signature":
        """Look the names up in the table; ValueError names an unknown or misplaced variable and the choice."""
        return cls(
            _look_up(inputs, ("fast", "slow", "state"), "inputs"),
            _look_up(statics, ("static",), "statics"),
            _look_up(targets, ("target",), "targets"),
        )

    @classmethod
    def from_dict(cls, parts: dict[str, list[dict[str, Any]]]) -> "Signature":
        """The inverse of `to_dict`. Variables of the table are taken from it; others are rebuilt from their fields."""
        return cls(
            *(tuple(_from_fields(fields) for fields in parts[role]) for role in ("inputs", "statics", "targets"))
        )

    def to_dict(self) -> dict[str, list[dict[str, Any]]]:
        """Plain containers, for a checkpoint of a model with variables that the table does not know."""
        return {
            role: [asdict(variable) for variable in getattr(self, role)] for role in ("inputs", "statics", "targets")
        }

    @property
    def input_names(self) -> tuple[str, ...]:
        return tuple(variable.name for variable in self.inputs)

    @property
    def static_names(self) -> tuple[str, ...]:
        return tuple(variable.name for variable in self.statics)

    @property
    def target_names(self) -> tuple[str, ...]:
        return tuple(variable.name for variable in self.targets)

    def inputs_of_role(self, *roles: str) -> list[int]:
        """Positions among the inputs of the variables with one of these roles."""
        return [index for index, variable in enumerate(self.inputs) if variable.role in roles]


def _from_fields(fields: dict[str, Any]) -> Variable:
    known = VARIABLES.get(fields["name"])
    if known is not None and known.role == fields["role"]:
        bounds = {name: fields.get(name, getattr(known, name)) for name in ("minimum", "maximum", "bounded_biomes")}
        return replace(known, **{**bounds, "bounded_biomes": tuple(bounds["bounded_biomes"])})
    tuples = {name: tuple(fields.get(name, ())) for name in ("flag_values", "bounded_biomes")}
    return Variable(**{**fields, **tuples})


def _look_up(names: Sequence[str], roles: tuple[str, ...], what: str) -> tuple[Variable, ...]:
    known = [variable.name for variable in _TABLE if variable.role in roles]
    for name in names:
        if name not in known:
            raise ValueError(f"{what}: '{name}' is not among the known ones: {', '.join(known)}")
    if len(set(names)) != len(names):
        raise ValueError(f"{what}: a name appears twice in {', '.join(names)}")
    return tuple(VARIABLES[name] for name in names)


_SCALES: dict[str, tuple[str, float, float]] = {
    # unit: (base unit, factor, offset), base = factor * value + offset
    "K": ("K", 1.0, 0.0),
    "degC": ("K", 1.0, 273.15),
    "degree_Celsius": ("K", 1.0, 273.15),
    "Celsius": ("K", 1.0, 273.15),
    "Pa": ("Pa", 1.0, 0.0),
    "hPa": ("Pa", 100.0, 0.0),
    "mbar": ("Pa", 100.0, 0.0),
    "kPa": ("Pa", 1000.0, 0.0),
    "kg m-2 s-1": ("kg m-2 s-1", 1.0, 0.0),
    "mm s-1": ("kg m-2 s-1", 1.0, 0.0),
    "mm day-1": ("kg m-2 s-1", 1.0 / SECONDS_PER_DAY, 0.0),
    "kg m-2 day-1": ("kg m-2 s-1", 1.0 / SECONDS_PER_DAY, 0.0),
    "g m-2 day-1": ("kg m-2 s-1", 1e-3 / SECONDS_PER_DAY, 0.0),
    "g m-2 s-1": ("kg m-2 s-1", 1e-3, 0.0),
    "mg m-2 day-1": ("kg m-2 s-1", 1e-6 / SECONDS_PER_DAY, 0.0),
    "kg m-2": ("kg m-2", 1.0, 0.0),
    "mm": ("kg m-2", 1.0, 0.0),
    "m": ("m", 1.0, 0.0),
    "cm": ("m", 0.01, 0.0),
    "km": ("m", 1000.0, 0.0),
    "W m-2": ("W m-2", 1.0, 0.0),
    "m s-1": ("m s-1", 1.0, 0.0),
    "1": ("1", 1.0, 0.0),
    "m2 m-2": ("1", 1.0, 0.0),
    "%": ("1", 0.01, 0.0),
    "percent": ("1", 0.01, 0.0),
    "1e-6": ("1", 1e-6, 0.0),
    "ppm": ("1", 1e-6, 0.0),
    "1e-9": ("1", 1e-9, 0.0),
    "ppb": ("1", 1e-9, 0.0),
    "degrees_north": ("degrees_north", 1.0, 0.0),
    "degrees_east": ("degrees_east", 1.0, 0.0),
}


def unit_conversion(source: str, target: str) -> tuple[float, float]:
    """(factor, offset) with target value = factor * source value + offset; ValueError where there is none."""
    if source == target:
        return 1.0, 0.0
    if source not in _SCALES or target not in _SCALES or _SCALES[source][0] != _SCALES[target][0]:
        raise ValueError(f"units '{source}' cannot be converted to '{target}'")
    _, source_factor, source_offset = _SCALES[source]
    _, target_factor, target_offset = _SCALES[target]
    return source_factor / target_factor, (source_offset - target_offset) / target_factor
