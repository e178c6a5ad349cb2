"""Factors between the units of files and those in which people and towers give fluxes."""

ZERO_CELSIUS = 273.15  # K
SECONDS_PER_DAY = 86400.0
DAYS_PER_YEAR = 365.25
GRAMS_PER_DAY = SECONDS_PER_DAY * 1000.0  # kg m-2 s-1 -> g m-2 day-1
MILLIGRAMS_PER_DAY = SECONDS_PER_DAY * 1000000.0  # kg m-2 s-1 -> mg m-2 day-1
KG_PER_GRAM_DAY = 1.0e-3 / SECONDS_PER_DAY  # g m-2 day-1 -> kg m-2 s-1
CARBON_OF_MICROMOL = 12.011e-9  # umol CO2 -> kg C
METHANE_OF_NANOMOL = 16.043e-12  # nmol CH4 -> kg CH4
CARBON_OF_METHANE = 12.011 / 16.043  # mass of carbon in that of CH4
NITROGEN_OF_N2O = 28.013 / 44.013  # mass of nitrogen in that of N2O
SQUARE_METRES_PER_HECTARE = 1.0e4
VAPORISATION = 2.501e6  # J kg-1, as in the process model
