"""The variables of datasets and site tables as docs/formats.md fixes them: names, roles, units, CF attributes."""

from dataclasses import dataclass

from ecosys_sims import biomes

FILL = 9.96921e36  # netCDF's own default for float32
DATASET_VERSION = 1
CONVENTIONS = "CF-1.11"


@dataclass(frozen=True)
class Variable:
    """One variable: attributes as on file, and the range outside which a value is surely a mistake."""

    name: str
    role: str
    units: str
    long_name: str
    standard_name: str | None = None
    cell_methods: str | None = None
    analysis_units: str | None = None
    lowest: float = float("-inf")
    highest: float = float("inf")


def _daily(name, role, units, long_name, standard_name=None, method="mean", **more) -> Variable:
    return Variable(name, role, units, long_name, standard_name, f"time: {method}", **more)


# fmt: off
DRIVERS: tuple[Variable, ...] = (
    _daily("tas", "fast", "K", "air temperature", "air_temperature", lowest=170.0, highest=340.0),
    _daily("tasmin", "fast", "K", "lowest air temperature", "air_temperature", "minimum", lowest=170.0, highest=340.0),
    _daily("tasmax", "fast", "K", "highest air temperature", "air_temperature", "maximum", lowest=170.0, highest=350.0),
    _daily("pr", "fast", "kg m-2 s-1", "precipitation", "precipitation_flux", lowest=0.0, highest=0.03),
    _daily(
        "rsds", "fast", "W m-2", "downward shortwave radiation", "surface_downwelling_shortwave_flux_in_air",
        lowest=-5.0, highest=600.0,
    ),
    _daily(
        "rlds", "fast", "W m-2", "downward longwave radiation", "surface_downwelling_longwave_flux_in_air",
        lowest=30.0, highest=650.0,
    ),
    _daily(
        "vpd", "fast", "Pa", "vapour pressure deficit", "water_vapor_saturation_deficit_in_air",
        lowest=0.0, highest=12000.0,
    ),
    _daily("sfcWind", "fast", "m s-1", "wind speed", "wind_speed", lowest=0.0, highest=70.0),
    _daily("ps", "fast", "Pa", "surface air pressure", "surface_air_pressure", lowest=3.0e4, highest=1.2e5),
    _daily(
        "co2", "slow", "1e-6", "CO2 mole fraction", "mole_fraction_of_carbon_dioxide_in_air",
        lowest=150.0, highest=3000.0,
    ),
    _daily("ch4", "slow", "1e-9", "CH4 mole fraction", "mole_fraction_of_methane_in_air", lowest=300.0, highest=2.0e4),
)

# Management: the program writes it, observations may lack it.
MANAGEMENT: tuple[Variable, ...] = (
    _daily(
        "crop", "slow", "1", "crop that stands: 0 none, 1 maize, 2 soybean, 3 winter wheat, 4 rice", method="point",
        lowest=0.0, highest=4.0,
    ),
    _daily(
        "fertilisation", "fast", "kg m-2 s-1", "mineral fertiliser, mass of nitrogen", lowest=0.0, highest=1.0e-6
    ),
)

STATES: tuple[Variable, ...] = (
    _daily("tsl", "state", "K", "soil temperature at 0.10 m", "soil_temperature", lowest=180.0, highest=340.0),
    _daily(
        "mrsos", "state", "kg m-2", "water in the upper 0.10 m of soil", "mass_content_of_water_in_soil_layer",
        lowest=0.0, highest=110.0,
    ),
    _daily(
        "wtd", "state", "m", "water table depth, positive below the surface", "water_table_depth",
        lowest=-5.0, highest=100.0,
    ),
    _daily("snw", "state", "kg m-2", "snow water equivalent", "surface_snow_amount", lowest=0.0, highest=2.0e4),
    _daily("lai", "state", "1", "leaf area index", "leaf_area_index", lowest=0.0, highest=15.0),
    _daily(
        "evspsbl", "state", "kg m-2 s-1", "evapotranspiration", "water_evapotranspiration_flux",
        lowest=-1.0e-3, highest=1.0e-3,
    ),
)
# fmt: on


def _carbon(name: str, long_name: str, standard_name: str | None, lowest: float) -> Variable:
    return _daily(
        name,
        "target",
        "kg m-2 s-1",
        long_name,
        standard_name,
        analysis_units="g m-2 day-1",
        lowest=lowest,
        highest=2.0e-6,
    )


# fmt: off
TARGETS: tuple[Variable, ...] = (
    _carbon(
        "gpp", "gross primary production", "gross_primary_productivity_of_biomass_expressed_as_carbon", -1.0e-7
    ),
    _carbon(
        "ra", "autotrophic respiration",
        "surface_upward_mass_flux_of_carbon_dioxide_expressed_as_carbon_due_to_plant_respiration", -1.0e-7,
    ),
    _carbon(
        "rh", "heterotrophic respiration",
        "surface_upward_mass_flux_of_carbon_dioxide_expressed_as_carbon_due_to_heterotrophic_respiration", -1.0e-7,
    ),
    _carbon("nee", "net ecosystem exchange, positive to the atmosphere", None, -2.0e-6),
    _daily(
        # No standard_name: the CF table has names for methane fluxes by source only.
        "fch4", "target", "kg m-2 s-1", "net methane flux, positive to the atmosphere",
        analysis_units="mg m-2 day-1", lowest=-1.0e-8, highest=1.0e-6,
    ),
    _daily(
        "fn2o", "target", "kg m-2 s-1", "nitrous oxide flux, positive to the atmosphere",
        analysis_units="mg m-2 day-1", lowest=-1.0e-9, highest=1.0e-7,
    ),
)
# fmt: on

DAILY: tuple[Variable, ...] = DRIVERS + MANAGEMENT + STATES + TARGETS
OPTIONAL = ("crop", "fertilisation", "fn2o")  # daily variables that the program writes and observations may lack
STATICS: tuple[Variable, ...] = (
    Variable("lat", "static", "degrees_north", "latitude", "latitude", lowest=-90.0, highest=90.0),
    Variable("lon", "static", "degrees_east", "longitude", "longitude", lowest=-180.0, highest=180.0),
    Variable("elevation", "static", "m", "height above sea level", "surface_altitude", lowest=-500.0, highest=9000.0),
    Variable("sand", "static", "1", "sand mass fraction of the mineral soil", lowest=0.0, highest=1.0),
    Variable("clay", "static", "1", "clay mass fraction of the mineral soil", lowest=0.0, highest=1.0),
    Variable("ph", "static", "1", "pH of soil or peat", lowest=2.0, highest=12.0),
    Variable("biome", "static", "1", "site class", lowest=1, highest=13),
)
SITE_ONLY: tuple[Variable, ...] = (
    Variable("site_number", "static", "1", "number that seeds the site's random weather"),
    Variable("annual_precip", "static", "kg m-2 year-1", "annual precipitation", lowest=0.0, highest=12000.0),
    Variable("continentality", "static", "1", "Conrad continentality index", lowest=0.0, highest=110.0),
    Variable("t_ann", "static", "K", "annual mean air temperature", "air_temperature", lowest=220.0, highest=320.0),
)
BY_NAME: dict[str, Variable] = {v.name: v for v in DAILY + STATICS + SITE_ONLY}
INTEGERS = ("biome", "site_number")


def attributes(variable: Variable, coordinates: bool = True) -> dict:
    """The netCDF attributes of a variable (without _FillValue); daily ones refer to the site coordinates."""
    found = {"units": variable.units, "long_name": variable.long_name, "role": variable.role}
    for key in ("standard_name", "cell_methods", "analysis_units"):
        if getattr(variable, key):
            found[key] = getattr(variable, key)
    if "temperature" in (variable.standard_name or ""):
        found["units_metadata"] = "temperature: on_scale"
    if coordinates and (variable.cell_methods or variable.name in ("sand", "clay", "ph", "elevation", "biome")):
        found["coordinates"] = "lat lon site_id"
    if variable.name == "biome":
        found["flag_values"] = biomes.FLAG_VALUES
        found["flag_meanings"] = biomes.FLAG_MEANINGS
    return found
