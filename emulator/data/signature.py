"""What a model takes and gives: names of the table of variables, in the order of a call (docs/formats.md, section 1).

Roles are declared in the table and nowhere else; models that treat slow and fast drivers differently read them there.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from foundations.variables import VARIABLES, Variable

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
    variable = VARIABLES.get(fields["name"])
    if variable is not None and variable.role == fields["role"]:
        bounds = {name: fields.get(name, getattr(variable, name)) for name in ("minimum", "maximum", "bounded_biomes")}
        return replace(variable, **{**bounds, "bounded_biomes": tuple(bounds["bounded_biomes"])})
    tuples = {name: tuple(fields.get(name, ())) for name in ("flag_values", "bounded_biomes")}
    return Variable(**{**fields, **tuples})


def _look_up(names: Sequence[str], roles: tuple[str, ...], what: str) -> tuple[Variable, ...]:
    choice = [variable.name for variable in VARIABLES.values() if variable.role in roles]
    for name in names:
        if name not in choice:
            message = f"{what}: '{name}' is not among the known ones: {', '.join(choice)}"
            raise ValueError(message)
    if len(set(names)) != len(names):
        message = f"{what}: a name appears twice in {', '.join(names)}"
        raise ValueError(message)
    return tuple(VARIABLES[name] for name in names)
