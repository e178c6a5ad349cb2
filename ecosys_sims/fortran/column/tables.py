"""Rows of the tables beside this file, as lines of Fortran for the templates (`*.fypp`); see scripts/generate.sh.

parameters.csv   one row a parameter: bounds, unit, meaning, default of all biomes or of each
state.csv        one row a prognostic variable: levels, unit, meaning, constant at a cold start, pool of the balances
fluxes.csv       one row a result of the day
inputs.csv       one row a property of a site or a forcing variable of a step or a day

`initial` is the value of a new array, `midnight` the one at the start of each day (none: the model sets it).
"""

import csv
import textwrap
from collections.abc import Iterator
from pathlib import Path

Row = dict[str, str]

COLUMNS = 100  # longest line of Fortran
TYPES = {"real": "real(wp)", "integer": "integer", "logical": "logical"}


def rows(table: str, **columns: str) -> list[Row]:
    """Rows of `table`.csv, in the order of the file, whose `columns` have these values."""
    with Path(__file__).with_name(f"{table}.csv").open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if all(row[name] == value for name, value in columns.items())]


def distinct(table: str, column: str) -> list[str]:
    """Values of a column in the order in which they first come, without the empty one."""
    return list(dict.fromkeys(row[column] for row in rows(table) if row[column]))


def biomes() -> list[str]:
    """Names of the site classes, in the order of their flags."""
    columns = list(rows("parameters")[0])
    return columns[columns.index("default") + 1 :]


def real(number: str) -> str:
    """A number of a table as a real literal of the model's kind; an expression stays."""
    try:
        float(number)
    except ValueError:
        return number
    return f"{number}_wp"


def components(table: str, **columns: str) -> list[str]:
    """Declarations with unit and meaning, one array over sites (and levels) a row."""
    lines = []
    for row in rows(table, **columns):
        shape = "(:, :)" if row.get("levels") else "(:)"
        declaration = f"    {TYPES[row.get('type', 'real')]}, allocatable :: {row['name']}{shape}"
        meaning = f"[{row['units']}] {row['description']}"
        if row.get("note"):
            meaning += f" ({row['note']})"
        if len(declaration) + len(meaning) + 6 <= COLUMNS:
            lines.append(f"{declaration}  !< {meaning}")
            continue
        first, *others = textwrap.wrap(meaning, COLUMNS - 7)
        lines += [f"    !> {first}", *(f"    !> {other}" for other in others), declaration]
    return lines


def allocations(table: str, owner: str, **columns: str) -> list[str]:
    """Statements that allocate every array of `owner` with its initial value."""
    lines = []
    for row in rows(table, **columns):
        shape = f"nsite, {row['levels']}" if row.get("levels") else "nsite"
        initial = real(row.get("initial") or "0.0") if row.get("type", "real") == "real" else row["initial"]
        lines.append(f"    allocate({owner}%{row['name']}({shape}), source={initial})")
    return lines


def assignments(table: str, owner: str, column: str, **columns: str) -> list[str]:
    """Statements that set each array to its constant in `column`, where it has one."""
    return [f"    {owner}%{row['name']} = {real(row[column])}" for row in rows(table, **columns) if row[column]]


def filled(pieces: list[str], indent: int) -> list[str]:
    """Pieces of one statement in lines of the allowed length, continued but for the last."""
    lines = [" " * indent + pieces[0]]
    for piece in pieces[1:]:
        if len(lines[-1]) + len(piece) + 3 <= COLUMNS:
            lines[-1] += f" {piece}"
        else:
            lines.append(" " * indent + piece)
    return [f"{line} &" for line in lines[:-1]] + lines[-1:]


def parameter_entries() -> Iterator[str]:
    """Statements that fill `info`, one entry of the parameter table a row."""
    for number, row in enumerate(rows("parameters"), start=1):
        defaults = [real(row[biome] or row["default"]) for biome in biomes()]
        if len(set(defaults)) == 1:
            values = [f"spread({defaults[0]}, 1, n_biomes),"]
        else:
            values = [f"{default}," for default in defaults]
            values[0] = f"[{values[0]}"
            values[-1] = f"{values[-1][:-1]}],"
        yield f"    info({number}) = parameter_info( &"
        name, units, group = (f"'{row[column]}'," for column in ("name", "units", "group"))
        yield f"      {name} {units} {group} {real(row['minimum'])}, {real(row['maximum'])}, &"
        lines = filled(values, 6)
        yield from lines[:-1]
        yield f"{lines[-1]} &"
        yield f"      '{row['description']}')"


def restart_fields(part: str) -> Iterator[str]:
    """Views of the fields of a part of the state, those of an optional scheme under its switch."""
    for scheme in ["", *distinct("state", "scheme")]:
        members = rows("state", part=part, scheme=scheme)
        if not members:
            continue
        yield f"    if (state%{scheme}) fields = [fields, &" if scheme else "    fields = [ &"
        for row in members:
            view = "layered" if row["levels"] else "single"
            end = ")]" if row is members[-1] else "), &"
            texts = f"      {view}('{row['name']}', '{row['units']}', '{row['description']}',"
            values = f"state%{row['name']}{end}"
            if len(texts) + len(values) + 1 <= COLUMNS:
                yield f"{texts} {values}"
            else:
                yield f"{texts} &"
                yield f"      {values}"


def pool_terms(pool: str) -> list[str]:
    """What the fields of a pool hold at site i, as terms of a sum in the order of the table."""
    terms = []
    for row in rows("state", pool=pool):
        values = f"state%{row['name']}(i, :)" if row["levels"] else f"state%{row['name']}(i)"
        if row["units"].endswith("m-3"):
            values += f"*dz(1:{row['levels']})"
        terms.append(f"sum({values})" if row["levels"] else values)
    return filled([terms[0], *(f"+ {term}" for term in terms[1:])], 6)


def pool_units(pool: str) -> str:
    """Unit of the sum over a column of what a pool holds."""
    (units,) = {row["units"].replace("m-3", "m-2") for row in rows("state", pool=pool)}
    return units
