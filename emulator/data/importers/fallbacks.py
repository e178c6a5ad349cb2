"""What stands in for a driver that no file of a site has, where the mapping asks for it; always noted, always `filled`.

Longwave radiation: emissivity of clear air by Brutsaert (1975, Water Resour. Res. 11, 742), clouds by the clearness of
the sky as Crawford and Duchon (1999, J. Appl. Meteorol. 38, 474) do, eq. 20.
"""

from collections.abc import Callable

import numpy as np

from emulator.data.importers.notes import Notes
from emulator.data.importers.site_record import FILLED, SiteRecord
from foundations.air import carbon_dioxide, methane, saturation_vapour_pressure, standard_pressure
from foundations.sun import radiation_above_atmosphere

STEFAN_BOLTZMANN = 5.670374e-8
ZERO_CELSIUS = 273.15
CLEAR_SKY = 0.75
"""Share of the radiation above the atmosphere that arrives on a clear day (Allen et al. 1998, FAO-56 eq. 37)."""


def years_of(record: SiteRecord) -> np.ndarray:
    """Calendar years (D,) of its days."""
    return record.days.astype("datetime64[Y]").astype(int) + 1970


def _carbon_dioxide(record: SiteRecord) -> np.ndarray | None:
    return carbon_dioxide(years_of(record))


def _methane(record: SiteRecord) -> np.ndarray | None:
    return methane(years_of(record))


def _pressure(record: SiteRecord) -> np.ndarray | None:
    elevation = record.statics.get("elevation")
    if not isinstance(elevation, float) or np.isnan(elevation):
        return None
    return np.full(len(record.days), standard_pressure(elevation))


def _longwave(record: SiteRecord) -> np.ndarray | None:
    if any(name not in record.values for name in ("tas", "vpd", "rsds")):
        return None
    kelvin, deficit, shortwave = (record.values[name] for name in ("tas", "vpd", "rsds"))
    saturated = saturation_vapour_pressure(kelvin - ZERO_CELSIUS)
    vapour = np.maximum(saturated - deficit, 0.05 * saturated)
    emissivity = 1.24 * (0.01 * vapour / kelvin) ** (1.0 / 7.0)
    day_of_year = (record.days - record.days.astype("datetime64[Y]").astype("datetime64[D]")).astype(int) + 1
    above = radiation_above_atmosphere(float(record.statics["lat"]), day_of_year)
    clear = np.clip(shortwave / np.maximum(CLEAR_SKY * above, 20.0), 0.0, 1.0)
    return STEFAN_BOLTZMANN * kelvin**4 * (1.0 - clear + clear * emissivity)


FALLBACKS: dict[str, tuple[Callable[[SiteRecord], np.ndarray | None], str]] = {
    "global_co2": (_carbon_dioxide, "global annual means (NOAA), not measured at the site"),
    "global_ch4": (_methane, "global annual means (NOAA), not measured at the site"),
    "pressure_of_elevation": (_pressure, "the standard atmosphere at the height of the site"),
    "longwave_of_sky": (_longwave, "estimated from temperature, humidity and clearness of the sky (Brutsaert 1975)"),
}
"""By the name in `fallback`: the values, None where they do not follow, and what the report says of them."""


def add_fallback(record: SiteRecord, name: str, fallback: str, notes: Notes) -> None:
    """Give a record a driver that its files lack; noted where it does not follow from what is there."""
    compute, text = FALLBACKS[fallback]
    values = compute(record)
    if values is None:
        notes.add(
            "absent", f"not in the file, and does not follow from what is there ({fallback})", record.site_id, name
        )
        return
    record.values[name] = values
    source = 0 if fallback.startswith("global") else FILLED
    record.source[name] = np.where(np.isnan(values), 0, source).astype(np.int8)
    notes.add("assumed", text, record.site_id, name, len(record.days))
