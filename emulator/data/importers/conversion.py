"""Units of files to those of a dataset, by the parser of `foundations.units`; faults name file and variable."""

import re
from functools import cache

from emulator.data.importers.errors import ImportFault
from foundations.units import unit_conversion

_AMOUNT = re.compile(r"^\s*([A-Za-zµ]*(?:g|mol))(?=[\s/]|$)(?!\s+(?:CO2|CH4|N2O|C|N)\b)")


def conversion(source: str, target: str, name: str = "", of: str | None = None, place: str = "") -> tuple[float, float]:
    """(factor, offset) with target = factor * source + offset, for the variable `name`.

    of: what the amounts of the source are of, where its unit does not tell. Raises ImportFault, which names `place`.
    """
    if of is not None:
        source = _AMOUNT.sub(rf"\1 {of}", source, count=1)
    try:
        return _factors(source, target, name)
    except ValueError as error:
        message = f"{place}: {name}: {error}"
        raise ImportFault(message) from None


@cache
def _factors(source: str, target: str, name: str) -> tuple[float, float]:
    """As `unit_conversion`, once for each pair: grids ask for every cell."""
    return unit_conversion(source, target, name)
