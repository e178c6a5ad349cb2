"""Units as files and hosts spell them: one grammar and one set of tables for Python, C, C++ and Fortran."""

from foundations.units.conversion import unit_conversion
from foundations.units.tables import QUANTITIES, Quantity
from foundations.units.unit import Unit, UnitError, parse_unit

__all__ = ["QUANTITIES", "SECONDS_PER_DAY", "Quantity", "Unit", "UnitError", "parse_unit", "unit_conversion"]

SECONDS_PER_DAY = 86400.0
