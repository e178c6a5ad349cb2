"""Units as the library reads them."""

from __future__ import annotations

from coupler.python import _binding
from coupler.python.errors import check


def unit_conversion(variable: str, source: str, target: str, interval: float = 0.0) -> tuple[float, float]:
    """(scale, offset) with value in `target` = scale * value in `source` + offset, as for an array of that name.

    variable: name in the artefact, "" for any. interval: length of records, s, whose amounts ("mm", "J m-2") are to
    become rates. Raises :class:`EcostepError` with status BAD_UNITS.
    """
    status, scale, offset = _binding.unit_conversion(variable, source, target, interval)
    check(status)
    return scale, offset
