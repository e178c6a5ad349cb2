"""Names of the variables as frameworks know them: CSDMS standard names, as NextGen writes them, where there is one."""

CSDMS_NAMES = {
    "tas": "land_surface_air__temperature",
    "pr": "atmosphere_water__precipitation_mass_flux",
    "rsds": "land_surface_radiation~incoming~shortwave__energy_flux",
    "rlds": "land_surface_radiation~incoming~longwave__energy_flux",
    "ps": "land_surface_air__pressure",
    "sfcWind": "land_surface_wind__speed",
    "uas": "land_surface_wind__x_component_of_velocity",
    "vas": "land_surface_wind__y_component_of_velocity",
    "huss": "atmosphere_air_water~vapor__relative_saturation",
    "lai": "vegetation__leaf-area_index",
    "tsl": "soil__temperature",
    "wtd": "soil_water_sat-zone_top__depth",
    "lat": "land_surface__latitude",
    "lon": "land_surface__longitude",
    "elevation": "land_surface__elevation",
}
"""The others keep the artefact's names. Mirrored in ecostep_bmi.f90; a test compares them."""

SOURCES = {"tas": "K", "hurs": "%", "huss": "kg kg-1", "tdps": "K", "ps": "Pa", "uas": "m s-1", "vas": "m s-1"}
"""Units of what the library makes missing inputs of (`huss` has NextGen's name for specific humidity)."""

MADE_OF = {"vpd": ("hurs", "huss", "tdps"), "sfcWind": ("uas",)}
"""Sources that each take the place of an input."""

STATE = "ecostep__state"
"""The state rows one after the other, float32: the emulator's whole memory."""
TIME = "ecostep__time"
"""Seconds since the start of the run, float64: what belongs to a state."""
