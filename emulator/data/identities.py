"""Identities: targets that are sums of other targets and inputs, such as nee = ra + rh - gpp, which nobody learns.

A file declares them (attribute `identity` of a target), or a configuration (`data.identities`); the table of variables
has the one of nee. See docs/formats.md, section 1.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foundations.units import unit_conversion
from foundations.variables import Variable

Terms = tuple[tuple[int, float], ...]
"""Positions, and the factors that bring each term to the unit of the sum with its sign."""

_TERM = re.compile(r"\s*([+-]?)\s*(?:(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)\s*\*\s*)?([A-Za-z_]\w*)\s*")


@dataclass(frozen=True)
class Identity:
    """Target number `target` is the sum of `targets`, in analysis units, and `inputs`, in their units, by position."""

    target: int
    targets: Terms
    inputs: Terms


def parse_identity(name: str, text: str) -> list[tuple[float, str]]:
    """Factors and names of the terms of `ra + rh - gpp`, or `nee = ra + rh - gpp`; ValueError where it is no sum."""
    left, equals, right = text.partition("=")
    body = right if equals else left
    message = f"identity of '{name}': '{text}' is not a sum such as '{name} = ra + rh - gpp'"
    if equals and left.strip() != name:
        raise ValueError(message)
    terms: list[tuple[float, str]] = []
    place = 0
    while place < len(body):
        match = _TERM.match(body, place)
        if match is None or (terms and not match[1]):
            raise ValueError(message)
        terms.append(((-1.0 if match[1] == "-" else 1.0) * float(match[2] or 1.0), match[3]))
        place = match.end()
    names = [term for _, term in terms]
    if not terms or len(set(names)) != len(names):
        raise ValueError(message)
    return terms


def resolve_identities(inputs: Sequence[Variable], targets: Sequence[Variable]) -> tuple[Identity, ...]:
    """The identities of the targets whose terms are all there, others are learned; a target goes before an input.

    A term that is itself such a sum is replaced by its terms. ValueError where units do not fit, an identity leads back
    to itself or no target is left to learn.
    """
    given = {variable.name: variable for variable in (*inputs, *targets)}
    sums = {}
    for target in targets:
        terms = parse_identity(target.name, target.identity) if target.identity else []
        if terms and all(name in given for _, name in terms):
            sums[target.name] = [(factor * _factor(given[name], target), name) for factor, name in terms]
    input_index = {variable.name: index for index, variable in enumerate(inputs)}
    target_index = {variable.name: index for index, variable in enumerate(targets)}
    if sums and len(sums) == len(targets):
        message = f"no target is left to learn, all are given by identities: {', '.join(sums)}"
        raise ValueError(message)
    identities = []
    for name in sums:
        expanded = _expanded(name, sums, ())
        identities.append(
            Identity(
                target_index[name],
                tuple((target_index[term], factor) for factor, term in expanded if term in target_index),
                tuple((input_index[term], factor) for factor, term in expanded if term not in target_index),
            )
        )
    return tuple(identities)


def sum_of_terms(values: NDArray, terms: Terms) -> NDArray:
    """Sum of some columns (..., V) with their factors, in the order of the terms, (...); 0 where there is no term."""
    total = np.zeros(values.shape[:-1], values.dtype)
    for position, factor in terms:
        total = total + values.dtype.type(factor) * values[..., position]
    return total


def missing_terms(target: Variable, inputs: Sequence[Variable], targets: Sequence[Variable]) -> list[str]:
    """Names in the identity of a target that are neither among the inputs nor among the targets."""
    given = {variable.name for variable in (*inputs, *targets)}
    return [name for _, name in parse_identity(target.name, target.identity) if name not in given]


def _factor(term: Variable, target: Variable) -> float:
    units = term.analysis_units if term.role == "target" else term.units
    try:
        factor, offset = unit_conversion(units, target.analysis_units, term.name)
    except ValueError as error:
        message = f"identity of '{target.name}': {term.name}: {error}"
        raise ValueError(message) from None
    if offset != 0.0:
        message = f"identity of '{target.name}': {term.name}: '{units}' and '{target.analysis_units}' differ in zero"
        raise ValueError(message)
    return factor


def _expanded(
    name: str, sums: Mapping[str, list[tuple[float, str]]], above: tuple[str, ...]
) -> list[tuple[float, str]]:
    """Terms of a sum, those that are sums themselves replaced by theirs, each name once."""
    if name in above:
        message = f"identity of '{name}' leads back to itself: {' -> '.join((*above, name))}"
        raise ValueError(message)
    factors: dict[str, float] = {}
    for factor, term in sums[name]:
        parts = _expanded(term, sums, (*above, name)) if term in sums else [(1.0, term)]
        for inner, part in parts:
            factors[part] = factors.get(part, 0.0) + factor * inner
    return [(factor, term) for term, factor in factors.items() if factor != 0.0]
