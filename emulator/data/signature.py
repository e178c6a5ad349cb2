"""What a model takes and gives, in the order of a call: variables of a file or the table (docs/formats.md, section 1).

Models that treat slow and fast drivers differently read the roles here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import Any

from emulator.data.identities import Identity, resolve_identities
from foundations.units import unit_conversion
from foundations.variables import VARIABLES, Variable

METEOROLOGY = ("tas", "pr", "rsds", "rlds", "vpd", "sfcWind", "ps", "co2", "ch4")
"""Drivers any host has."""
HOST_STATES = ("tsl", "mrsos", "wtd", "snw", "lai", "evspsbl")
"""What a host land model computes anyway; an emulator may ask for it."""
MANAGEMENT = ("crop", "fertilisation")
"""What is done to a field; observations may lack it."""
STATICS = ("lat", "lon", "elevation", "sand", "clay", "ph", "biome")
CLIMATE_NORMALS = ("tas_normal", "tas_spread", "pr_normal", "rsds_normal", "vpd_normal")
"""Statics that tell of the climate of a site (`emulator.data.normals`); a host must give them where a model asks."""
TARGETS = ("gpp", "ra", "rh", "nee", "fch4")
DRIVER_ROLES = ("fast", "slow", "state")


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
        """Look the names up in the table; ValueError names an unknown or misplaced variable and the choice.

        `emulator.data.vocabulary` looks them up in a file.
        """
        return cls(
            _look_up(inputs, DRIVER_ROLES, "inputs"),
            _look_up(statics, ("static",), "statics"),
            _look_up(targets, ("target",), "targets"),
        )

    @classmethod
    def from_dict(cls, parts: dict[str, list[dict[str, Any]]]) -> "Signature":
        """The inverse of `to_dict`. What an older ecostep did not write of a variable is taken from the table."""
        return cls(
            *(tuple(_from_fields(entries) for entries in parts[role]) for role in ("inputs", "statics", "targets"))
        )

    def to_dict(self) -> dict[str, list[dict[str, Any]]]:
        """Plain containers, for a checkpoint."""
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

    @cached_property
    def identities(self) -> tuple[Identity, ...]:
        """Targets that are sums of others and of inputs; ValueError where they cannot be."""
        return resolve_identities(self.inputs, self.targets)

    @cached_property
    def priors(self) -> dict[int, tuple[int, float, float]]:
        """Of targets with a prior, by position: the position of that input, and factor and offset that bring it to the
        target's analysis units; ValueError where they cannot.
        """
        priors = {}
        for index, target in enumerate(self.targets):
            if not target.prior:
                continue
            if target.prior not in self.input_names:
                message = f"prior of '{target.name}': '{target.prior}' is not among the inputs"
                raise ValueError(message)
            column = self.input_names.index(target.prior)
            try:
                conversion = unit_conversion(self.inputs[column].units, target.analysis_units, target.prior)
            except ValueError as error:
                message = f"prior of '{target.name}': {error}"
                raise ValueError(message) from None
            priors[index] = (column, *conversion)
        return priors

    def inputs_of_role(self, *roles: str) -> list[int]:
        """Positions among the inputs of the variables with one of these roles."""
        return [index for index, variable in enumerate(self.inputs) if variable.role in roles]


def with_priors(signature: Signature, priors: Mapping[str, str]) -> Signature:
    """The signature with an input as prior of a target, by their names; ValueError where either is not there, or units
    do not fit.
    """
    if foreign := sorted(priors.keys() - set(signature.target_names)):
        message = f"data.prior: {', '.join(foreign)} not among the targets: {', '.join(signature.target_names)}"
        raise ValueError(message)
    targets = tuple(replace(v, prior=priors.get(v.name, v.prior)) for v in signature.targets)
    described = Signature(signature.inputs, signature.statics, targets)
    try:
        _ = described.priors
    except ValueError as error:
        message = f"data.{error}"
        raise ValueError(message) from None
    return described


def _from_fields(entries: dict[str, Any]) -> Variable:
    entries = dict(entries)
    biomes = entries.pop("bounded_biomes", ())  # until bounds could be limited to any class
    entries.setdefault("bounded_classes", (("biome", tuple(biomes)),) if biomes else ())
    entries["bounded_classes"] = tuple((name, tuple(codes)) for name, codes in entries["bounded_classes"])
    for name in ("flag_values", "flag_meanings"):
        if name in entries:
            entries[name] = tuple(entries[name])
    variable = VARIABLES.get(entries["name"])
    if variable is not None and variable.role == entries["role"]:
        if entries.get("flag_values", variable.flag_values) != variable.flag_values:
            entries.setdefault("flag_meanings", ())
        return replace(variable, **entries)
    return Variable(**{field.name: entries[field.name] for field in fields(Variable) if field.name in entries})


def _look_up(names: Sequence[str], roles: tuple[str, ...], what: str) -> tuple[Variable, ...]:
    choice = [variable.name for variable in VARIABLES.values() if variable.role in roles]
    for name in names:
        if name not in choice:
            message = f"{what}: '{name}' is not among the known ones: {', '.join(choice)}"
            raise ValueError(message)
    require_distinct(names, what)
    return tuple(VARIABLES[name] for name in names)


def require_distinct(names: Sequence[str], what: str) -> None:
    """ValueError where a list of names has one of them twice."""
    if len(set(names)) != len(names):
        message = f"{what}: a name appears twice in {', '.join(names)}"
        raise ValueError(message)
