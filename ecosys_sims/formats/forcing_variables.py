"""The variables of a forcing file (docs/formats.md section 4, ALMA names): units, meaning and possible values.

Ranges and conversions are those of the program (forcing_file.f90, unit_conversion.f90); a test compares the two.
"""

from dataclasses import dataclass

HOUR, DAY = 3600.0, 86400.0  # s


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
CELSIUS = ("degC", "C", "celsius", "Celsius", "degrees_C", "degrees_Celsius", "deg_C", "degree_C", "degrees_celsius",
           "degree_Celsius", "degrees C", "deg C", "degree C", "degrees Celsius", "oC")  # fmt: skip
# Units of the model -> units of a file -> their factor; per interval where it is 0.
FACTORS: dict[str, dict[str, float]] = {
    "K": dict.fromkeys(("kelvin", "Kelvin", "kelvins", "degK", "deg_K", "degrees_K"), 1.0),
    "kg kg-1": {"1": 1.0, "kg/kg": 1.0, "g kg-1": 1.0e-3, "g/kg": 1.0e-3},
    "W m-2": {
        "W/m2": 1.0, "watt m-2": 1.0, "J m-2 s-1": 1.0, "MJ m-2 day-1": 1.0e6 / DAY, "MJ m-2 d-1": 1.0e6 / DAY,
        "J m-2 day-1": 1.0 / DAY, "kJ m-2 day-1": 1.0e3 / DAY,
    },
    "kg m-2 s-1": {
        "kg/m2/s": 1.0, "mm s-1": 1.0, "mm/s": 1.0, "m s-1": 1.0e3,
        **dict.fromkeys(("mm h-1", "mm hr-1", "mm/h", "mm/hr", "kg m-2 h-1"), 1.0 / HOUR),
        **dict.fromkeys(("mm day-1", "mm d-1", "mm/day", "mm/d", "kg m-2 day-1", "kg m-2 d-1"), 1.0 / DAY),
        "mm": 0.0, "kg m-2": 0.0,
    },
    "m s-1": {"m/s": 1.0, "km h-1": 1.0 / 3.6, "km/h": 1.0 / 3.6},
    "Pa": {**dict.fromkeys(("hPa", "mbar", "mb", "millibar", "millibars"), 100.0), "kPa": 1000.0},
    "1e-6": {
        **dict.fromkeys(("ppm", "ppmv", "umol mol-1", "umol/mol"), 1.0), **dict.fromkeys(("1", "mol mol-1"), 1.0e6),
    },
    "1e-9": {
        **dict.fromkeys(("ppb", "ppbv", "nmol mol-1", "nmol/mol"), 1.0),
        **dict.fromkeys(("1e-6", "ppm", "umol mol-1"), 1.0e3), **dict.fromkeys(("1", "mol mol-1"), 1.0e9),
    },
}  # fmt: skip


def conversion(units: str, to: str, interval: float) -> tuple[float, float] | None:
    """Factor and offset from units of a file to those of the model; None where they do not go together.

    interval: length of a record, s, for amounts such as mm.
    """
    plain = "".join(" " if letter == "." else letter for letter in units if letter not in "^*{}")
    unit = " ".join(part for part in plain.split(" ") if part)
    if unit == to:
        return 1.0, 0.0
    if to == "K" and unit in CELSIUS:
        return 1.0, 273.15
    factor = FACTORS[to].get(unit)
    if factor is None:
        return None
    return (factor or 1.0 / interval), 0.0
