"""The tables beside this file, as values: what both the Python and the C++ parser of units know.

dimensions.csv  powers of the base units kg, m, s, K, mol, rad, and what messages call a unit of them
symbols.csv     one row a spelling: SI value = factor * value + offset; prefixes it takes: short (hPa), long
                (hectopascal) or none
prefixes.csv    what both kinds of prefixes multiply by
substances.csv  what a mass or an amount may be of, by spelling, longest first where one begins with another
quantities.csv  what a variable measures, where its unit does not say: the substance of a mass, what a number is a ratio
                of, and the depth of a layer, m; names of our tables, of CMIP, and common ones of ERA5 and CLM
characters.csv  letters beyond ASCII that stand for others
"""

import csv
from dataclasses import dataclass
from pathlib import Path

BASES = ("kg", "m", "s", "K", "mol", "rad")
FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Substance:
    """What a mass or an amount is of; `atoms` of its `element` are in a molecule of `molar_mass`, kg mol-1."""

    name: str
    element: str
    molar_mass: float
    atoms: int


@dataclass(frozen=True)
class Symbol:
    """A spelling: SI value = factor * value + offset."""

    dimension: str
    factor: float
    offset: float
    prefixes: str = ""


@dataclass(frozen=True)
class Quantity:
    """What a variable is a mass of, its values a ratio of ("amount", "mass", "length"), and the depth of its layer."""

    substance: str = ""
    ratio: str = ""
    depth: float = 0.0


def rows(table: str) -> list[dict[str, str]]:
    """Rows of `table`.csv in the order of the file."""
    with (FOLDER / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


DIMENSIONS: dict[str, tuple[int, ...]] = {
    row["dimension"]: tuple(int(row[base]) for base in BASES) for row in rows("dimensions")
}
MEANINGS: dict[tuple[int, ...], str] = {DIMENSIONS[row["dimension"]]: row["meaning"] for row in rows("dimensions")}
SYMBOLS: dict[str, Symbol] = {
    row["symbol"]: Symbol(row["dimension"], float(row["factor"]), float(row["offset"] or 0.0), row["prefixes"])
    for row in rows("symbols")
}
PREFIXES: tuple[tuple[str, str, float], ...] = tuple(
    (row["prefix"], row["length"], float(row["factor"])) for row in rows("prefixes")
)
SUBSTANCES: tuple[tuple[str, Substance], ...] = tuple(
    (row["spelling"], Substance(row["substance"], row["element"], float(row["molar_mass"]), int(row["atoms"])))
    for row in rows("substances")
)
QUANTITIES: dict[str, Quantity] = {
    row["variable"]: Quantity(row["substance"], row["ratio"], float(row["depth"] or 0.0)) for row in rows("quantities")
}
CHARACTERS: dict[str, str] = {
    chr(int(row["code_point"], 16)): row["spelling"].replace("blank", " ") for row in rows("characters")
}
