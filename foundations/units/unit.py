"""A unit as a multiple of SI base units, and the grammar by which texts become units.

The same grammar is read by coupler/src/core/unit_parser.cpp for C, C++ and Fortran, with the same tables (tables.py);
a test compares the two.

    unit    = [ "/" ] factor { [ "*" | "." | "/" | "per" ] factor | substance }
    factor  = number [ power ] | symbol [ substance ] [ power ] | "(" unit ")" [ power ]
    power   = [ "^" | "**" ] [ "{" | "(" ] [ "+" | "-" ] digits [ "}" | ")" ]
"""

import re
from dataclasses import dataclass, field, replace
from typing import NoReturn

from foundations.units.tables import CHARACTERS, DIMENSIONS, PREFIXES, SUBSTANCES, SYMBOLS, Substance, Symbol

BLANKS = " \t\n\r\v\f"
LARGEST_POWER = 20
_NUMBER = re.compile(r"[0-9.]+(?:[eE][-+]?[0-9]+)?")
_DECIMAL = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_LETTERS = re.compile(r"[A-Za-z_%\u0080-\U0010ffff]+")
_POWER = re.compile(r"(\^|\*\*)?([{(])?([-+])?([0-9]+)([})])?")
_PLURAL = 3  # letters of the shortest symbol that has one: "bars"


class UnitError(ValueError):
    """A unit that is not understood, or not convertible to another; the message names what is wrong."""


@dataclass(frozen=True)
class Unit:
    """SI value = scale * value + offset; `powers` of kg, m, s, K, mol, rad.

    `substance` is what it measures mass or amount of, where the unit says so ("g CO2"); `kinds` are the dimensions of
    its factors ("mass", "amount", "length"), which a ratio loses.
    """

    powers: tuple[int, ...] = DIMENSIONS["number"]
    scale: float = 1.0
    offset: float = 0.0
    substance: Substance | None = None
    kinds: frozenset[str] = field(default_factory=frozenset)

    @property
    def is_number(self) -> bool:
        """Whether it has no dimension."""
        return self.powers == DIMENSIONS["number"]

    def __mul__(self, other: "Unit") -> "Unit":
        # In a product a temperature is a difference, unless a number scales it: "0.1 degC".
        offset = other.offset if self.is_number and not self.kinds else 0.0
        return Unit(
            tuple(a + b for a, b in zip(self.powers, other.powers, strict=True)),
            self.scale * other.scale,
            offset,
            self.substance or other.substance,
            self.kinds | other.kinds,
        )

    def __pow__(self, power: int) -> "Unit":
        if power == 1:
            return self
        return replace(self, powers=tuple(p * power for p in self.powers), scale=self.scale**power, offset=0.0)


def parse_unit(text: str) -> Unit:
    """Read a unit such as "kg m-2 s-1", "W/m2", "gC m-2 day-1", "1e-6"; UnitError names the part that is not known."""
    plain = "".join(CHARACTERS.get(letter, letter) for letter in text)
    plain = " ".join(part for part in re.split(f"[{BLANKS}]+", plain) if part)
    if plain in SYMBOLS:
        return _unit(SYMBOLS[plain])
    parser = _Parser(plain, text)
    unit = parser.product()
    if parser.at < len(plain):
        parser.refuse(f"unexpected '{plain[parser.at]}'")
    return unit


def _unit(symbol: Symbol, factor: float = 1.0) -> Unit:
    kind = "length" if symbol.dimension in ("length", "area", "volume") else symbol.dimension
    kinds = frozenset({kind} & {"mass", "amount", "length"})
    return Unit(DIMENSIONS[symbol.dimension], symbol.factor * factor, symbol.offset, None, kinds)


def _find_symbol(word: str) -> Unit | None:
    """The unit of a word: a symbol, a symbol with a prefix, or the plural of either."""
    for text in (word, word[:-1]):
        is_plural = len(text) < len(word)
        if is_plural and not word.endswith("s"):
            break
        if text in SYMBOLS and (not is_plural or len(text) >= _PLURAL):
            return _unit(SYMBOLS[text])
        for prefix, length, factor in PREFIXES:
            rest = text[len(prefix) :]
            if not text.startswith(prefix) or rest not in SYMBOLS or SYMBOLS[rest].prefixes != length:
                continue
            if not is_plural or len(rest) >= _PLURAL:
                return _unit(SYMBOLS[rest], factor)
    return None


class _Parser:
    """Cuts a text into factors; `at` is the next letter."""

    def __init__(self, text: str, shown: str):
        self.text, self.shown, self.at, self.depth = text, shown, 0, 0

    def refuse(self, what: str) -> NoReturn:
        message = f"units '{self.shown}' are not understood: {what}"
        raise UnitError(message)

    def product(self) -> Unit:
        """Read factors up to the end, or to the parenthesis that closes them."""
        product, factors, divide, pending = Unit(), 0, False, False
        while self._next() not in ("", ")") or (self._next() == ")" and not self.depth):
            letter = self._next()
            if letter in "/*" or (letter == "." and not self._digit(self.at + 1)) or self._is_per():
                if pending or (factors == 0 and letter != "/"):
                    self.refuse(f"misplaced '{letter}'")
                divide, pending = letter in "/p", True
                self.at += 3 if letter == "p" else 1
                continue
            if factors and not pending and product.substance is None:
                substance = self._substance(self.at, product)
                if substance is not None:
                    product = replace(product, substance=substance)
                    continue
            factor = self._factor(-1 if divide else 1)
            product = factor if factors == 0 and not divide else product * factor
            factors, divide, pending = factors + 1, False, False
        if pending:
            self.refuse("nothing follows the last operator")
        if self.depth and not factors:
            self.refuse("unexpected ')'")
        return product

    def _next(self) -> str:
        while self.text[self.at : self.at + 1] == " ":
            self.at += 1
        return self.text[self.at : self.at + 1]

    def _digit(self, place: int) -> bool:
        return self.text[place : place + 1] in tuple("0123456789")

    def _is_per(self) -> bool:
        return self.text.startswith("per ", self.at)

    def _factor(self, sign: int) -> Unit:
        letter = self.text[self.at]
        if letter == "(":
            if self.depth:
                self.refuse("parentheses within parentheses")
            self.at, self.depth = self.at + 1, 1
            unit = self.product()
            if self._next() != ")":
                self.refuse("')' is missing")
            self.at, self.depth = self.at + 1, 0
        elif self._digit(self.at) or letter == ".":
            unit = Unit(scale=self._number())
        else:
            unit = self._symbol()
        return unit ** (sign * self._power())

    def _symbol(self) -> Unit:
        match = _LETTERS.match(self.text, self.at)
        if match is None:
            self.refuse(f"unexpected '{self.text[self.at]}'")
        start, self.at = self.at, match.end()
        unit = _find_symbol(match[0])
        if unit is not None:
            return unit
        for place in range(start + 1, match.end()):
            unit = _find_symbol(self.text[start:place])
            substance = self._substance(place, unit) if unit is not None else None
            if unit is not None and substance is not None:
                return replace(unit, substance=substance)
        self.refuse(f"unknown unit '{match[0]}'")

    def _substance(self, place: int, unit: Unit) -> Substance | None:
        """The substance at `place` that `unit` can be of, after which one goes on; None where there is none."""
        for spelling, substance in SUBSTANCES:
            end = place + len(spelling)
            of_water = substance.name == "H2O" and "length" in unit.kinds
            if not (unit.kinds & {"mass", "amount"} or of_water):
                continue
            if self.text.startswith(spelling, place) and not re.match(r"[A-Za-z0-9_%\x80-\U0010ffff]", self.text[end:]):
                self.at = end
                return substance
        return None

    def _number(self) -> float:
        match = _NUMBER.match(self.text, self.at)
        number = match[0] if match else ""
        self.at += len(number)
        value = float(number) if _DECIMAL.fullmatch(number) else 0.0
        if not 0.0 < value < float("inf"):
            self.refuse(f"'{number}' is not a positive number")
        return value

    def _power(self) -> int:
        match = _POWER.match(self.text, self.at)
        if match is None or (match[2] and not match[1] and match[2] == "("):
            if self.text[self.at : self.at + 1] in tuple("^-+{") or self.text.startswith("**", self.at):
                self.refuse(f"power missing in '{self.text[self.at :]}'")
            return 1
        _mark, opening, sign, digits, closing = match.groups()
        if {"{": "}", "(": ")"}.get(opening or "") != (closing if opening else None):
            self.refuse(f"power missing in '{self.text[self.at :]}'")
        if int(digits) > LARGEST_POWER:
            self.refuse("power too large")
        self.at = match.end() - (1 if closing and not opening else 0)
        return int(digits) * (-1 if sign == "-" else 1)
