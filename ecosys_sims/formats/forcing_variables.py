"""The variables of a forcing file (docs/formats.md section 4, ALMA names): units, meaning and possible values.

Ranges are those of the program (forcing_file.f90), and so are conversions (foundations/units); a test compares the two.
"""

from dataclasses import dataclass

from foundations.units import UnitError, unit_conversion


@dataclass(frozen=True)
class ForcingVariable:
    """One variable; `units` as files are written. A file may lack it if `optional`, have gaps in it if `derivable`."""

    name: str
    units: str
    long_name: str
    lowest: float
    highest: float
    optional: bool = False
    derivable: bool = False


FORCING: dict[str, ForcingVariable] = {
    variable.name: variable
    for variable in (
        ForcingVariable("Tair", "K", "air temperature", 170.0, 340.0),
        ForcingVariable("Qair", "kg kg-1", "specific humidity", -1.0e-5, 0.1),
        ForcingVariable("SWdown", "W m-2", "downward shortwave radiation", -20.0, 1600.0),
        ForcingVariable("LWdown", "W m-2", "downward longwave radiation", 30.0, 800.0, optional=True, derivable=True),
        ForcingVariable("Rainf", "kg m-2 s-1", "rainfall", -1.0e-7, 0.2),
        ForcingVariable("Snowf", "kg m-2 s-1", "snowfall", -1.0e-7, 0.2, optional=True),
        ForcingVariable("Wind", "m s-1", "wind speed", -1.0e-3, 120.0),
        ForcingVariable("PSurf", "Pa", "surface pressure", 3.0e4, 1.15e5),
        ForcingVariable("CO2air", "1e-6", "CO2 mole fraction", 100.0, 5000.0, optional=True, derivable=True),
        ForcingVariable("CH4air", "1e-9", "CH4 mole fraction", 300.0, 1.0e5, optional=True, derivable=True),
        ForcingVariable("Tmin", "K", "lowest air temperature of the day", 170.0, 340.0, optional=True),
        ForcingVariable("Tmax", "K", "highest air temperature of the day", 170.0, 340.0, optional=True),
    )
}
RELATIVE_HUMIDITY = ("%", "percent")  # of Qair
LOWEST_RELATIVE, HIGHEST_RELATIVE = -0.05, 1.25


def conversion(units: str, variable: ForcingVariable, interval: float) -> tuple[float, float] | None:
    """Factor and offset from units of a file to those of a variable; None where they do not go together.

    interval: length of a record, s, for amounts such as mm.
    """
    try:
        return unit_conversion(units, variable.units, variable.name, interval)
    except UnitError:
        return None
