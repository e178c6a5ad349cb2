"""Units of files to those of a dataset, with the place that a message names."""

from emulator.data.importers.errors import ImportFault
from foundations.units import UnitError, unit_conversion


def conversion(source: str, target: str, name: str = "", of: str | None = None, place: str = "") -> tuple[float, float]:
    """(factor, offset) with target = factor * source + offset, for the variable `name`.

    of: what the amounts of the source are of, where its unit does not tell. Raises ImportFault, which names `place`.
    """
    try:
        return unit_conversion(source, target, name, of=of or "")
    except UnitError as error:
        message = f"{place}: {name}: {error}"
        raise ImportFault(message) from None
