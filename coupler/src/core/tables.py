"""Rows of the tables of foundations as C++, for the templates beside this file; `scripts/generate.sh` loads it."""

import csv
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[3] / "foundations" / "units"
BASES = ("kg", "m", "s", "K", "mol", "rad")
PREFIXES = {"": "Prefixes::none", "short": "Prefixes::of_symbols", "long": "Prefixes::of_names"}
KINDS = {
    **dict.fromkeys(("length", "area", "volume"), "Kinds::length"), "mass": "Kinds::mass", "amount": "Kinds::amount",
}  # fmt: skip


def rows(table: str) -> list[dict[str, str]]:
    """Rows of a table of units in the order of the file."""
    return _rows_of(FOLDER / f"{table}.csv")


def _rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _powers(row: dict[str, str]) -> str:
    return "{" + ", ".join(row[base] for base in BASES) + "}"


def symbols() -> Iterator[str]:
    """Spelling, prefixes, powers, kind, factor and offset of each symbol."""
    powers = {row["dimension"]: _powers(row) for row in rows("dimensions")}
    for row in rows("symbols"):
        kind = KINDS.get(row["dimension"], "Kinds::none")
        numbers = f"{row['factor']}, {row['offset'] or 0}"
        yield f'{{"{row["symbol"]}", {PREFIXES[row["prefixes"]]}, {{{powers[row["dimension"]]}}}, {kind}, {numbers}}},'


def prefixes() -> Iterator[str]:
    """Spelling, kind and factor of each prefix."""
    for row in rows("prefixes"):
        yield f'{{"{row["prefix"]}", {PREFIXES[row["length"]]}, {row["factor"]}}},'


def substances() -> Iterator[str]:
    """Spelling, name, element, molar mass and atoms of each substance."""
    for row in rows("substances"):
        names = f"\"{row['substance']}\", '{row['element']}'"
        yield f'{{"{row["spelling"]}", {{{names}, {row["molar_mass"]}, {row["atoms"]}}}}},'


def quantities() -> Iterator[str]:
    """Variable, substance, ratio and depth of each quantity."""
    for row in rows("quantities"):
        ratio = KINDS.get(row["ratio"], "Kinds::none")
        yield f'{{"{row["variable"]}", "{row["substance"]}", {ratio}, {row["depth"] or 0}}},'


def meanings() -> Iterator[str]:
    """Powers and what messages call them."""
    for row in rows("dimensions"):
        yield f'{{{{{_powers(row)}}}, "{row["meaning"]}"}},'


def characters() -> Iterator[str]:
    """UTF-8 of each character and what it stands for."""
    for row in rows("characters"):
        code = "".join(f"\\x{byte:02x}" for byte in chr(int(row["code_point"], 16)).encode())
        yield f'{{"{code}", "{row["spelling"].replace("blank", " ")}"}},'


def fluxes() -> Iterator[str]:
    """Name, units, analysis units and possible daily values of each target."""
    for row in _rows_of(FOLDER.parent / "variables.csv"):
        if row["role"] == "target" and row["daily_min"]:
            texts = ", ".join(f'"{row[column]}"' for column in ("name", "units", "analysis_units"))
            yield f"{{{texts}, {row['daily_min']}, {row['daily_max']}}},"


def flux_values(kind: str) -> list[str]:
    """Values of a kind in the table of what files have for fluxes."""
    return [row["value"] for row in _rows_of(FOLDER.parent / "flux_values.csv") if row["kind"] == kind]
