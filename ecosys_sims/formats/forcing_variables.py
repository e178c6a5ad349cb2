"""The variables of a forcing file (docs/formats.md section 4, ALMA names): units, meaning and possible values."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ForcingVariable:
    """One variable; `units` as files are written, `other_units` that files may have as well."""

    name: str
    units: str
    long_name: str
    lowest: float
    highest: float
    other_units: tuple[str, ...] = ()
    optional: bool = False


FORCING: dict[str, ForcingVariable] = {
    variable.name: variable
    for variable in (
        ForcingVariable("Tair", "K", "air temperature", 170.0, 345.0),
        ForcingVariable("Qair", "kg kg-1", "specific humidity", 0.0, 0.06, ("kg/kg", "1")),
        ForcingVariable("SWdown", "W m-2", "downward shortwave radiation", -10.0, 1500.0, ("W/m2",)),
        ForcingVariable("LWdown", "W m-2", "downward longwave radiation", 30.0, 700.0, ("W/m2",), optional=True),
        ForcingVariable("Rainf", "kg m-2 s-1", "rainfall", 0.0, 0.1, ("kg/m2/s",)),
        ForcingVariable("Snowf", "kg m-2 s-1", "snowfall", 0.0, 0.1, ("kg/m2/s",), optional=True),
        ForcingVariable("Wind", "m s-1", "wind speed", 0.0, 90.0, ("m/s",)),
        ForcingVariable("PSurf", "Pa", "surface pressure", 3.0e4, 1.2e5),
        ForcingVariable("CO2air", "1e-6", "CO2 mole fraction", 150.0, 3000.0, ("ppm",), optional=True),
        ForcingVariable("CH4air", "1e-9", "CH4 mole fraction", 300.0, 2.0e4, ("ppb",), optional=True),
        ForcingVariable("Tmin", "K", "lowest air temperature of the day", 160.0, 345.0, optional=True),
        ForcingVariable("Tmax", "K", "highest air temperature of the day", 170.0, 350.0, optional=True),
    )
}
