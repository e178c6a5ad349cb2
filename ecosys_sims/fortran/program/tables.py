"""Rows of the table of variables as Fortran, for variable_table.fypp; `scripts/generate.sh` loads it."""

import csv
from pathlib import Path

TABLE = Path(__file__).resolve().parents[3] / "foundations" / "variables.csv"
LENGTHS = {"name": 20, "role": 8, "units": 14, "analysis_units": 14, "cell_method": 8, "standard_name": 100,
           "long_name": 80}  # fmt: skip
"""Length of each text in Fortran, by column of the table."""
LINE, MARGIN = 100, " " * 6


def variables() -> list[dict[str, str]]:
    """Texts of each variable that the history writes, by column; the history's own long name replaces the table's."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = [row | {"long_name": row["history_long_name"] or row["long_name"]} for row in csv.DictReader(file)]
    for row in rows:
        for column, length in LENGTHS.items():
            if len(row[column]) > length:
                message = f"{TABLE.name}: {column} of {row['name']} is longer than {length} characters"
                raise ValueError(message)
    return rows


def assignments(row: dict[str, str], target: str) -> list[str]:
    """One assignment to `target` for each text that is not empty, as lines of at most 100 characters."""
    return [line for column in LENGTHS if row[column] for line in _assignment(f"{target}%{column}", row[column])]


def _assignment(component: str, text: str) -> list[str]:
    line = f"{MARGIN}{component} = {_quoted(text)}"
    if len(line) <= LINE:
        return [line]
    cut = text.rfind("_", 0, LINE - 20) + 1
    return [f"{MARGIN}{component} = &", f"{MARGIN}  {_quoted(text[:cut])}// &", f"{MARGIN}  {_quoted(text[cut:])}"]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
