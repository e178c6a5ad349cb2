"""Factor and offset between two units of a variable; the same as coupler/src/core/units.cpp, which a test compares."""

import math
import sys
from dataclasses import replace

from foundations.units.tables import BASES, DIMENSIONS, MEANINGS, QUANTITIES, SUBSTANCES, Quantity, Substance
from foundations.units.unit import Unit, UnitError, parse_unit

WATER_DENSITY = 1000.0  # kg m-3
_KG, _M, _S, _MOL = (BASES.index(base) for base in ("kg", "m", "s", "mol"))
_BY_NAME = {substance.name: substance for _, substance in SUBSTANCES}
_RATIOS = {
    # what a variable's numbers are a ratio of: the kinds of factors that a ratio of something else has, and what to say
    "amount": (
        {"mass"},
        "a ratio of masses is no mole fraction (divide it by the molar mass of the gas over that of air, "
        "28.97 g mol-1, and give 'mol mol-1')",
    ),
    "mass": ({"amount", "length"}, "a ratio of amounts or volumes is no mass fraction"),
    "length": ({"amount", "mass"}, "a ratio of masses or amounts is no area of leaves per area of ground"),
}


def unit_conversion(
    source: str, target: str, variable: str = "", interval: float = 0.0, of: str = ""
) -> tuple[float, float]:
    """(factor, offset) with target value = factor * source value + offset; UnitError, a ValueError, where none is.

    variable: its name in the tables of variables or of forcing files (docs/formats.md), by which water may be a depth
        (1 mm = 1 kg m-2), soil water a share of the layer's volume, a flux an amount ("umol m-2 s-1") or the mass of
        another form ("g CO2 m-2 day-1"); a ratio of masses is no mole fraction, nor the other way round. Of a variable
        that the tables do not have, a mass is of what either unit says.
    interval: length of a record, s, for amounts of it where a rate is wanted ("mm", "J m-2"); 0 where it has none.
    of: what the source is a mass or amount of ("C", "CO2", "CH4", "N", "N2O", "H2O"), where its unit does not say.

    >>> unit_conversion("degC", "K")
    (1.0, 273.15)
    """
    if source == target:
        return 1.0, 0.0
    try:
        given, wanted = parse_unit(source), parse_unit(target)
        if of and given.substance is None and given.kinds & {"mass", "amount"}:
            given = replace(given, substance=_substance(of))
        told = wanted.substance.name if wanted.substance else ""
        quantity = QUANTITIES.get(variable, Quantity(told))
        _refuse_other_ratio(given, wanted, quantity)
        if (given.powers, given.substance) != (wanted.powers, wanted.substance):
            given, wanted = _in_mass(given, quantity), _in_mass(wanted, quantity)
        if variable not in QUANTITIES and wanted.substance is None and given.powers == wanted.powers:
            given = replace(given, substance=None)
        if interval > 0.0 and given.powers != wanted.powers:
            per_interval = tuple(p - (i == _S) for i, p in enumerate(given.powers))
            if per_interval == wanted.powers:
                given = replace(given, powers=per_interval, scale=given.scale / interval)
        if (given.powers, given.substance) != (wanted.powers, wanted.substance):
            raise UnitError(_difference(source, given, target, wanted))
        factor, offset = given.scale / wanted.scale, (given.offset - wanted.offset) / wanted.scale
    except UnitError as error:
        message = f"cannot convert '{source}' to '{target}': {error}"
        raise UnitError(message) from None
    if not (sys.float_info.min <= factor < math.inf and abs(offset) < math.inf):
        message = f"cannot convert '{source}' to '{target}': the factor is no number"
        raise UnitError(message)
    return factor, offset


def _refuse_other_ratio(given: Unit, wanted: Unit, quantity: Quantity) -> None:
    if not quantity.ratio or not given.is_number or not wanted.is_number:
        return
    others, message = _RATIOS[quantity.ratio]
    if (given.kinds | wanted.kinds) & others:
        raise UnitError(message)


def _in_mass(unit: Unit, quantity: Quantity) -> Unit:
    """A unit of a quantity as mass of its substance, without naming that; as it is where it cannot be."""
    if not quantity.substance:
        return unit
    substance = _substance(quantity.substance)
    form = unit.substance or substance
    if form.element != substance.element:
        return unit
    mass, amount = unit.powers[_KG], unit.powers[_MOL]
    if unit.is_number:
        if quantity.depth and unit.kinds == {"length"}:
            return replace(unit, powers=DIMENSIONS["mass_per_area"], scale=unit.scale * quantity.depth * WATER_DENSITY)
        return replace(unit, substance=None) if form == substance else unit
    if quantity.ratio:
        return unit
    if (mass, amount) == (0, 1):
        scale = unit.scale * _mass_of(substance, form.atoms)
        return replace(unit, powers=_moved(unit.powers, kg=1, mol=-1), scale=scale, substance=None)
    if (mass, amount) == (1, 0):
        scale = unit.scale * _mass_of(substance, form.atoms / form.molar_mass)
        return replace(unit, scale=scale, substance=None)
    if (mass, amount) == (0, 0) and substance.name == "H2O":
        scale = unit.scale * WATER_DENSITY
        return replace(unit, powers=_moved(unit.powers, kg=1, m=-3), scale=scale, substance=None)
    return unit


def _substance(name: str) -> Substance:
    if name not in _BY_NAME:
        message = f"substance '{name}' is not one of {', '.join(sorted(_BY_NAME))}"
        raise UnitError(message)
    return _BY_NAME[name]


def _mass_of(substance: Substance, atoms: float) -> float:
    """Mass of `substance`, kg, that has `atoms` of the element."""
    return atoms / substance.atoms * substance.molar_mass


def _moved(powers: tuple[int, ...], kg: int = 0, m: int = 0, mol: int = 0) -> tuple[int, ...]:
    change = {_KG: kg, _M: m, _MOL: mol}
    return tuple(p + change.get(i, 0) for i, p in enumerate(powers))


def _difference(source: str, given: Unit, target: str, wanted: Unit) -> str:
    names = [MEANINGS.get(unit.powers) for unit in (given, wanted)]
    if None in names or given.powers == wanted.powers:
        return "they measure different things"
    return f"they measure different things: '{source}' is {names[0]}, '{target}' {names[1]}"
