"""The program's parameters with their bounds and defaults, as the program itself prints them."""

from dataclasses import dataclass
from pathlib import Path

from ecosys_sims.formats import biomes
from ecosys_sims.program.executable import ModelError, output_of


@dataclass(frozen=True)
class ParameterInfo:
    """One row of the program's parameter table."""

    name: str
    group: str
    units: str
    minimum: float
    maximum: float
    biome_defaults: dict[str, float]


def parameter_table(program: Path) -> dict[str, ParameterInfo]:
    """The program's parameters with their bounds and the default of each biome, from `ecosys --parameters`."""
    rows: dict[str, dict[str, str]] = {}
    header: list[str] = []
    try:
        for line in output_of(program, "--parameters").splitlines():
            if not line.startswith("|") or set(line) <= set("|-: "):
                continue
            cells = [cell.strip(" `&") for cell in line.strip().strip("|").split("|")]
            if cells[0] == "name":
                header = cells  # of one of several tables, all with a row for each parameter
            else:
                rows.setdefault(cells[0], {}).update(zip(header, cells, strict=True))
        table = {name: _parameter(row) for name, row in rows.items()}
    except (ValueError, KeyError) as error:
        message = f"{program} --parameters: not the tables expected ({error}); build the program again"
        raise ModelError(message) from error
    if not table:
        message = f"{program} --parameters: printed no table; is it the program ecosys?"
        raise ModelError(message)
    return table


def _parameter(row: dict[str, str]) -> ParameterInfo:
    return ParameterInfo(
        name=row["name"],
        group=row["group"],
        units=row["units"],
        minimum=float(row["minimum"]),
        maximum=float(row["maximum"]),
        biome_defaults={biome.name: float(row[biome.name]) for biome in biomes.BIOMES},
    )
