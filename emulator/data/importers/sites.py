"""The table of sites: places, heights, soils and classes, by name, under the names that collections give them."""

from pathlib import Path

import numpy as np
import pandas as pd

from emulator.data.importers.conversion import conversion
from emulator.data.importers.definitions import Described
from emulator.data.importers.errors import ImportFault
from emulator.data.importers.mapping import ClassRule, Mapping
from foundations.crosswalks import crosswalk
from foundations.variables import BIOMES, VARIABLES

NAMES = {
    "site_id": ("site_id", "SITE_ID", "Site", "site", "SITE", "id"),
    "lat": ("lat", "LAT", "Lat", "latitude", "LATITUDE", "LOCATION_LAT", "Latitude"),
    "lon": ("lon", "LON", "Lon", "longitude", "LONGITUDE", "LOCATION_LONG", "Longitude"),
    "elevation": ("elevation", "ELEV", "LOCATION_ELEV", "Elevation", "elev"),
    "sand": ("sand", "SAND"), "clay": ("clay", "CLAY"), "ph": ("ph", "pH", "PH"), "biome": ("biome",),
}  # fmt: skip
"""Our names -> names of columns that mean them."""
MISSING = -9999.0
LARGEST_TEXTURE = 1.001
"""Sand and clay together, with room for their rounding."""


class SiteTable:
    """Rows by site. path: for messages."""

    def __init__(self, path: Path | None, rows: dict[str, dict[str, str]]) -> None:
        self.path = path
        self.rows = rows

    def row(self, site_id: str) -> dict[str, str]:
        """The site's row under our names and those of the file; empty where it has none."""
        return self.rows.get(site_id, {})


def read_sites(path: Path | None) -> SiteTable:
    """Read a table of sites, or of one value a line (BADM: SITE_ID, VARIABLE, DATAVALUE)."""
    if path is None:
        return SiteTable(None, {})
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", skipinitialspace=True)
    except (OSError, ValueError, UnicodeDecodeError) as error:
        message = f"{path}: cannot be read as a table of sites: {str(error).splitlines()[0]}"
        raise ImportFault(message) from None
    if {"SITE_ID", "VARIABLE", "DATAVALUE"} <= set(frame.columns):
        frame = frame.drop_duplicates(["SITE_ID", "VARIABLE"])
        frame = frame.pivot(index="SITE_ID", columns="VARIABLE", values="DATAVALUE").reset_index().fillna("")
    columns = {ours: next((name for name in names if name in frame.columns), None) for ours, names in NAMES.items()}
    if columns["site_id"] is None:
        message = f"{path}: no column of site names ({', '.join(NAMES['site_id'])})"
        raise ImportFault(message)
    rows = {}
    for record in frame.to_dict("records"):
        row = {str(key): str(value).strip() for key, value in record.items()}
        row |= {ours: row[name] for ours, name in columns.items() if name is not None}
        if row["site_id"] in rows:
            message = f"{path}: site {row['site_id']} stands there twice"
            raise ImportFault(message)
        rows[row["site_id"]] = row
    return SiteTable(path, rows)


def statics_of(
    site_id: str,
    table: SiteTable,
    mapping: Mapping,
    variables: dict[str, Described],
    given: dict[str, float | str],
    properties: dict[str, float | str],
) -> dict[str, float | str]:
    """Properties of a site: given on the command line, else in the table of sites, else in its own file.

    Numbers in the units of the dataset; classes by their flag. ImportFault where the place is not known.
    """
    row = table.row(site_id)
    statics: dict[str, float | str] = {}
    for name in dict.fromkeys((*NAMES, *mapping.site.properties, *properties)):
        if name in ("site_id", "biome"):
            continue
        value = given.get(name, _of_table(name, row, table, mapping, variables, site_id))
        value = properties.get(name) if value is None else value
        if value is not None:
            statics[name] = value
    for name in ("lat", "lon"):
        if name not in statics:
            where = f"{table.path} has no {name} for it" if table.path else "there is no table of sites"
            message = f"site {site_id}: its {name} is not known, {where}; give --sites, or --{name} for one site"
            raise ImportFault(message)
    if abs(float(statics["lat"])) > 90.0 or not -180.0 <= float(statics["lon"]) <= 360.0:
        message = f"site {site_id}: lat {statics['lat']}, lon {statics['lon']} is no place on Earth"
        raise ImportFault(message)
    if float(statics["lon"]) > 180.0:
        statics["lon"] = float(statics["lon"]) - 360.0
    _require_possible(site_id, statics, variables)
    for name in dict.fromkeys(("biome", *mapping.site.classes)):
        flag = _class(name, site_id, row, mapping, variables, given, float(statics["lat"]))
        if flag is not None:
            statics[name] = flag
    return statics


def _require_possible(site_id: str, statics: dict[str, float | str], variables: dict[str, Described]) -> None:
    """ImportFault for a property that cannot be, as a percentage where a fraction is asked for."""
    for name, value in statics.items():
        about = variables[name] if name in variables else Described(VARIABLES[name]) if name in VARIABLES else None
        if about is None or is_missing(value):
            continue
        low, high = about.daily_range
        for bound, beyond in ((low, -1.0), (high, 1.0)):
            if bound is not None and beyond * (float(value) - bound) > 0.0:
                word = "most" if beyond > 0.0 else "least"
                message = f"site {site_id}: {name} is {value:g} {about.variable.units}, possible is {bound:g} at {word}"
                raise ImportFault(message)
    texture = [float(statics.get(name, 0.0)) for name in ("sand", "clay")]
    if sum(texture) > LARGEST_TEXTURE:
        message = f"site {site_id}: sand and clay are {texture[0]:g} and {texture[1]:g}, together more than 1"
        raise ImportFault(message)


def _of_table(
    name: str, row: dict[str, str], table: SiteTable, mapping: Mapping, variables: dict[str, Described], site_id: str
) -> float | None:
    column = mapping.site.properties.get(name)
    key = name if column is None else next((other for other in column.column if other in row), None)
    text = row.get(key or "", "")
    if text in ("", "NA"):
        return None
    try:
        value = float(text)
    except ValueError:
        message = f"{table.path}: site {site_id}: {name} is {text!r}, not a number"
        raise ImportFault(message) from None
    if value == MISSING or np.isnan(value):
        return None
    if column is not None and column.units is not None and name in variables:
        factor, offset = conversion(column.units, variables[name].variable.units, name, None, str(table.path))
        value = factor * value + offset
    return value


def _class(
    name: str,
    site_id: str,
    row: dict[str, str],
    mapping: Mapping,
    variables: dict[str, Described],
    given: dict[str, float | str],
    lat: float,
) -> float | None:
    """The flag of the site's class; None where nobody tells it."""
    flags = variables[name].flags if name in variables else _biomes()
    meaning = str(given.get(name) or row.get(name, "")) or None
    if meaning is None and row:
        rule = next((rule for rule in mapping.site.classes.get(name, ()) if _fits(rule, row, lat)), None)
        meaning = None if rule is None else _meaning(rule, row, lat, site_id)
    if meaning is None:
        return None
    if meaning in flags:
        return float(flags[meaning])
    if meaning.isdigit() and int(meaning) in flags.values():
        return float(meaning)
    message = f"site {site_id}: {name} '{meaning}' is not one of {', '.join(flags)}"
    raise ImportFault(message)


def _biomes() -> dict[str, int]:
    return {meaning: value for value, meaning in BIOMES.items()}


def _meaning(rule: ClassRule, row: dict[str, str], lat: float, site_id: str) -> str:
    """The meaning that a rule gives to the class of a row."""
    if rule.scheme is None:
        return rule.meaning
    try:
        return crosswalk(rule.scheme, row[rule.column], lat)
    except ValueError as error:
        message = f"site {site_id}: {error}; give its class in a column of our name, or on the command line"
        raise ImportFault(message) from None


def _fits(rule: ClassRule, row: dict[str, str], lat: float) -> bool:
    text = row.get(rule.column, "")
    if not rule.lat_from <= abs(lat) < rule.lat_below:
        return False
    if rule.scheme is not None:
        return bool(text)
    if rule.equals is not None:
        return text == rule.equals
    return rule.contains is not None and rule.contains.lower() in text.lower()


def is_missing(value: float | str | None) -> bool:
    """Whether a property is not known."""
    return value is None or (isinstance(value, float) and bool(np.isnan(value)))
