"""FLUXNET-CH4 daily files to a forcing file and to a dataset of observations.

    python -m ecosys_sims.adapters.fluxnet_ch4 FLX_DE-Zrk_FLUXNET-CH4_DD_2013-2018_1-1.csv --meta META.csv \\
        --out forcing.nc --observations observed.nc

Source: FLUXNET-CH4 V1.0 (Delwiche et al. 2021, ESSD 13, 3607; Knox et al. 2019, BAMS). Columns ending in `_F` are
gap-filled by the collection; fluxes are taken on days on which they were measured. NEE of a day is the mean of its
measured half-hours, more of them by day than by night, so that NEE_F of such days is taken.
"""

import argparse
import csv
import logging
import math
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ecosys_sims.adapters import command
from ecosys_sims.adapters import tower_weather as weather
from ecosys_sims.adapters.csv_columns import MISSING
from ecosys_sims.adapters.daily_record import (
    ESTIMATED,
    ESTIMATED_EXTREMES,
    SCALE_HEIGHT,
    SEA_LEVEL_PRESSURE,
    TowerRecord,
    drivers,
    forest_of,
    site_id_of,
    without_faults,
)
from ecosys_sims.formats import variables
from ecosys_sims.formats.dataset import common_attributes, create_layout, write_series
from ecosys_sims.formats.dataset_check import require_valid_dataset
from ecosys_sims.formats.errors import AdapterError
from ecosys_sims.formats.forcing_check import require_valid_forcing
from ecosys_sims.formats.forcing_file import TowerSite, write_forcing
from ecosys_sims.formats.units import CARBON_OF_MICROMOL, METHANE_OF_NANOMOL
from foundations.command_end import ends_clearly
from foundations.netcdf_file import writing

log = logging.getLogger(__name__)

SOURCE = "FLUXNET-CH4 V1.0 daily file {name} (Delwiche et al. 2021, doi:10.5194/essd-13-3607-2021)"
# column -> (lowest, highest) that the instrument or the unit allows
WEATHER_COLUMNS = {
    "TA_F": (-75.0, 60.0), "VPD_F": (0.0, 120.0), "PA_F": (40.0, 115.0), "SW_IN_F": (-10.0, 600.0),
    "LW_IN_F": (50.0, 650.0), "P_F": (0.0, 1000.0), "WS_F": (0.0, 60.0),
}  # fmt: skip
OPTIONAL_COLUMNS = ("WTD_F", "WTD", "NEE_F", "LE", "LE_F")


class FluxColumn(NamedTuple):
    """Column of a target: factor to file units, and possible values in the column's unit."""

    column: str
    factor: float
    lowest: float
    highest: float


FLUX_COLUMNS = {
    "gpp": FluxColumn("GPP_DT", CARBON_OF_MICROMOL, -5.0, 60.0),
    "nee": FluxColumn("NEE", CARBON_OF_MICROMOL, -40.0, 40.0),  # NEE_F where the file has it
    "fch4": FluxColumn("FCH4", METHANE_OF_NANOMOL, -100.0, 1500.0),
}
CLASS_TO_BIOME = {
    "Bog": "bog", "Fen": "fen", "Marsh": "marsh", "Salt marsh": "marsh", "Swamp": "swamp", "Mangrove": "swamp",
    "Wet tundra": "wet_tundra", "Rice": "rice",
}  # fmt: skip
UPLAND_TO_BIOME = (("crop", "cropland"), ("grass", "grassland"), ("meadow", "grassland"), ("tundra", "tundra"))
ARCTIC_FEN = 60.0  # degrees: drained peat from here on counts as wet tundra


def read_daily(path: str | Path) -> TowerRecord:
    """Read a daily file; AdapterError for a missing column, a gap in dates or weather, or a value that is no number."""
    path = Path(path)
    header, rows = _read_rows(path, "TIMESTAMP")
    required = [*WEATHER_COLUMNS, *(flux.column for flux in FLUX_COLUMNS.values())]
    absent = [name for name in required if name not in header]
    if absent:
        message = f"{path}: column {absent[0]} is missing; is it a FLUXNET-CH4 daily (DD) file?"
        raise AdapterError(message)
    days = _dates(path, rows)
    optional = [name for name in OPTIONAL_COLUMNS if name in header]
    columns = {name: _numbers(path, rows, name) for name in [*required, *optional]}
    for name, (lowest, highest) in WEATHER_COLUMNS.items():
        impossible = ~((columns[name] >= lowest) & (columns[name] <= highest))
        if impossible.any():
            row = int(np.flatnonzero(impossible)[0])
            message = (
                f"{path} line {row + 2} ({days[row]}): {name} = {rows[row][name]}, "
                f"expected {lowest:g} to {highest:g}; weather must have no gaps"
            )
            raise AdapterError(message)
    return TowerRecord(path, days[0], columns)


def _read_rows(path: Path, first_column: str) -> tuple[list[str], list[dict[str, str]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        message = f"{path}: cannot be read: {error}"
        raise AdapterError(message) from error
    header = list(reader.fieldnames or [])
    if first_column not in header or not rows:
        message = f"{path}: no column {first_column} or no data lines"
        raise AdapterError(message)
    return header, rows


def _dates(path: Path, rows: list[dict[str, str]]) -> list[date]:
    days: list[date] = []
    for line, row in enumerate(rows, start=2):
        try:
            day = datetime.strptime(row["TIMESTAMP"], "%Y%m%d").date()
        except (ValueError, TypeError) as error:
            message = f"{path} line {line}: TIMESTAMP {row['TIMESTAMP']!r} is not yyyymmdd"
            raise AdapterError(message) from error
        if days and day != days[-1] + timedelta(days=1):
            message = f"{path} line {line}: {day} follows {days[-1]}; days must be consecutive"
            raise AdapterError(message)
        days.append(day)
    return days


def _numbers(path: Path, rows: list[dict[str, str]], name: str) -> np.ndarray:
    values = np.empty(len(rows))
    for index, row in enumerate(rows):
        try:
            values[index] = float(row[name])
        except (ValueError, TypeError) as error:
            message = f"{path} line {index + 2} ({row['TIMESTAMP']}): {name} = {row[name]!r} is not a number"
            raise AdapterError(message) from error
    return np.where(values == MISSING, np.nan, values)


def read_site(meta: str | Path, site_id: str) -> dict[str, str]:
    """The site's row of the collection's site table; raises AdapterError where it is not there."""
    _, rows = _read_rows(Path(meta), "SITE_ID")
    for row in rows:
        if row["SITE_ID"] == site_id:
            return row
    message = f"{meta}: no site {site_id}; it has {', '.join(row['SITE_ID'] for row in rows[:5])} ..."
    raise AdapterError(message)


def biome_of(row: dict[str, str]) -> str:
    """Our site class for a site of the collection; raises AdapterError for lakes and towns, which have none."""
    kind, upland, lat = row["SITE_CLASSIFICATION"], row.get("UPLAND_CLASS", "").lower(), abs(float(row["LAT"]))
    if kind in CLASS_TO_BIOME:
        return CLASS_TO_BIOME[kind]
    for word, biome in UPLAND_TO_BIOME:
        if word in upland:
            return biome
    if "forest" in upland:
        return forest_of(lat)
    if kind == "Drained":
        return "fen" if lat < ARCTIC_FEN else "wet_tundra"
    message = f"site {row['SITE_ID']}: class {kind!r} {upland!r} has no biome here; give --biome"
    raise AdapterError(message)


def describe_site(record: TowerRecord, row: dict[str, str], **changes: Any) -> TowerSite:
    """The tower's site: place and class from the collection's table, climate and height from its weather.

    `changes` replace what is known so: biome, elevation, sand, clay, ph; None changes nothing.
    """
    lat = float(row["LAT"])
    mean_pressure = record.columns["PA_F"].mean()
    description: dict[str, Any] = {
        "site_id": row["SITE_ID"], "lat": lat, "lon": float(row["LON"]),
        "elevation": max(0.0, -SCALE_HEIGHT * math.log(mean_pressure / SEA_LEVEL_PRESSURE)),
        **weather.climate_from_weather(lat, record.days(), record.columns["TA_F"], record.columns["P_F"]),
    }  # fmt: skip
    description.update({name: value for name, value in changes.items() if value is not None})
    return TowerSite(biome=description.pop("biome", None) or biome_of(row), **description)


def write_tower_forcing(record: TowerRecord, site: TowerSite, path: str | Path) -> None:
    """Write the forcing file of a tower, daily, all days of the record."""
    start = datetime.combine(record.start, datetime.min.time())
    source = SOURCE.format(name=record.path.name)
    write_forcing(path, site, start, 24, drivers(record, site.lat), source, ESTIMATED_EXTREMES)
    require_valid_forcing(path)


def fluxes(record: TowerRecord) -> dict[str, np.ndarray]:
    """Measured fluxes (T,) in file units, NaN where not measured; gpp on days with NEE, from which it is derived."""
    columns = dict(record.columns)
    unmeasured = np.isnan(columns["NEE"])
    if "NEE_F" in columns:
        columns["NEE"] = np.where(unmeasured, np.nan, columns["NEE_F"])
    else:
        log.warning("%s: no column NEE_F; NEE, of measured half-hours, leans to the day", record.path.name)
    measured = {}
    for target, flux in FLUX_COLUMNS.items():
        values = without_faults(record.path, flux.column, columns[flux.column], flux.lowest, flux.highest)
        measured[target] = values * flux.factor
    measured["gpp"] = np.where(unmeasured, np.nan, measured["gpp"])
    return measured


def write_observations(record: TowerRecord, site: TowerSite, path: str | Path) -> int:
    """Write the days of a tower as a dataset (docs/formats.md section 1); what was not measured is missing.

    Returns how many days have methane.
    """
    forcing, days = drivers(record, site.lat), len(record.days())
    year = record.days().astype("datetime64[Y]").astype(int) + 1970
    values = {
        "tas": forcing["Tair"], "tasmin": forcing["Tmin"], "tasmax": forcing["Tmax"],
        "pr": forcing["Rainf"] + forcing["Snowf"], "rsds": forcing["SWdown"], "rlds": forcing["LWdown"],
        "vpd": 100.0 * record.columns["VPD_F"], "sfcWind": forcing["Wind"], "ps": forcing["PSurf"],
        "co2": weather.carbon_dioxide(year), "ch4": weather.methane(year), **fluxes(record),
    }  # fmt: skip
    depth = record.columns.get("WTD_F", record.columns.get("WTD"))
    if depth is not None:
        values["wtd"] = -depth
    optional = {*variables.OPTIONAL, *(state.name for state in variables.STATES)}
    daily = tuple(v for v in variables.DAILY if v.name not in optional or v.name in values)
    with writing(path) as file:
        title, source = f"observations at {site.site_id}", SOURCE.format(name=record.path.name)
        file.setncatts(common_attributes(title, "FLUXNET-CH4", source, "written by ecosys_sims.adapters.fluxnet_ch4"))
        create_layout(file, site.statics(), record.start, days, "standard", 1, daily)
        for name in ("tasmin", "tasmax"):
            file[name].comment = ESTIMATED
        for name, series in values.items():
            write_series(file, name, series)
    require_valid_dataset(path)
    return int(np.isfinite(values["fch4"]).sum())


@ends_clearly
def main(arguments: list[str] | None = None) -> int:
    """Command line; 0 done, 1 the file cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", type=Path, help="daily file FLX_<SITE>_FLUXNET-CH4_DD_<years>_<version>.csv")
    parser.add_argument("--meta", type=Path, required=True, help="site table of the collection (CSV)")
    parser.add_argument("--out", type=Path, required=True, help="forcing file to write")
    parser.add_argument("--observations", type=Path, help="also write the measured fluxes as a dataset")
    command.add_run(parser)
    parser.add_argument("--site", help="site code; default: from the file's name")
    parser.add_argument("--biome", help="site class, instead of the one that the site table implies")
    for name, meaning in (
        ("elevation", "m"),
        ("sand", "mass fraction"),
        ("clay", "mass fraction"),
        ("ph", "soil or peat pH"),
    ):
        parser.add_argument(f"--{name}", type=float, help=meaning)
    options = parser.parse_args(arguments)
    outputs, inputs = {"--out": options.out, "--observations": options.observations}, [options.csv, options.meta]
    return command.complete(lambda: _convert(options), outputs, inputs) or command.run_model(options.out, options)


def _convert(options: argparse.Namespace) -> None:
    record = read_daily(options.csv)
    row = read_site(options.meta, options.site or site_id_of(options.csv))
    changes = {name: getattr(options, name) for name in ("biome", "elevation", "sand", "clay", "ph")}
    site = describe_site(record, row, **changes)
    command.tell_assumed(site.site_id, changes)
    write_tower_forcing(record, site, options.out)
    log.info("%s: %s, %s, %d days from %s", options.out, site.site_id, site.biome, len(record.days()), record.start)
    if options.observations:
        count = write_observations(record, site, options.observations)
        log.info("%s: %d days with measured CH4", options.observations, count)


if __name__ == "__main__":
    sys.exit(main())
