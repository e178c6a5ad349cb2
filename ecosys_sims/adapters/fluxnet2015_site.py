"""The site of a FLUXNET2015 file: from the command line, the file itself, and the collection's table of sites."""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from ecosys_sims.adapters import tower_weather as weather
from ecosys_sims.adapters.csv_columns import read_header
from ecosys_sims.adapters.daily_record import SCALE_HEIGHT, SEA_LEVEL_PRESSURE, site_id_of
from ecosys_sims.adapters.fluxnet2015_record import FluxnetRecord
from ecosys_sims.formats.errors import AdapterError
from ecosys_sims.formats.forcing_file import TowerSite
from foundations.crosswalks import crosswalk

META_NAMES = {"LOCATION_LAT": "lat", "LOCATION_LONG": "lon", "LOCATION_ELEV": "elevation", "IGBP": "igbp"}


def describe_site(record: FluxnetRecord, description: dict[str, str | float | None]) -> TowerSite:
    """The tower's site; `description` by the names of TowerSite and `igbp`, what is None is taken from the file.

    Raises AdapterError where place or class are known to neither.
    """
    cells = record.table.cells
    site: dict[str, Any] = {name: value for name, value in description.items() if value is not None}
    for name, column, kind in (("site_id", "Site", str), ("lat", "Lat", float), ("lon", "Lon", float)):
        if column in cells:
            site.setdefault(name, kind(cells[column][0]))
    if "PFT" in cells:
        site.setdefault("igbp", cells["PFT"][0])
    if "site_id" not in site:
        site["site_id"] = site_id_of(record.path)
    for name in ("lat", "lon"):
        if name not in site:
            message = f"{record.path}: the place of {site['site_id']} is not known; give --{name} or --meta"
            raise AdapterError(message)
    igbp = str(site.pop("igbp", ""))
    if "biome" not in site:
        site["biome"] = biome_of(str(site["site_id"]), igbp, float(site["lat"]))
    celsius, rain = record.columns["TA_F"], record.columns["P_F"]
    if record.kind != "MM":
        rain = rain * 24.0 / record.hours
    elevation = site.pop("elevation", None)
    if elevation is None:
        pressure = np.nanmean(record.columns["PA_F"]) if "PA_F" in record.columns else SEA_LEVEL_PRESSURE
        elevation = max(0.0, -SCALE_HEIGHT * float(np.log(pressure / SEA_LEVEL_PRESSURE)))
    site |= weather.climate_from_weather(float(site["lat"]), record.times, celsius, rain)
    return TowerSite(elevation=elevation, **site)


def biome_of(site_id: str, igbp: str, lat: float) -> str:
    """Our site class for a class of the IGBP; raises AdapterError where there is none."""
    try:
        return crosswalk("igbp", igbp, lat)
    except ValueError:
        message = f"site {site_id}: class {igbp!r} has no biome here; give --biome"
        raise AdapterError(message) from None


def read_meta(path: Path, site_id: str) -> dict[str, str | float | None]:
    """Place, height and class of a site in the collection's table (BADM, one value a line, saved as CSV)."""
    header = read_header(path)
    if not {"SITE_ID", "VARIABLE", "DATAVALUE"} <= set(header):
        message = f"{path}: expected columns SITE_ID, VARIABLE and DATAVALUE, as of the collection's BADM table"
        raise AdapterError(message)
    description: dict[str, str | float | None] = {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            name = META_NAMES.get(row["VARIABLE"])
            if row["SITE_ID"] == site_id and name:
                try:
                    description[name] = row["DATAVALUE"] if name == "igbp" else float(row["DATAVALUE"])
                except ValueError as error:
                    message = f"{path}: {row['VARIABLE']} of {site_id} is {row['DATAVALUE']!r}"
                    raise AdapterError(message) from error
    if not description:
        message = f"{path}: no site {site_id}"
        raise AdapterError(message)
    return description
