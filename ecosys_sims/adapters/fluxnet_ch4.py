"""FLUXNET-CH4 daily files to a forcing file and to a dataset of observations.

    python -m ecosys_sims.adapters.fluxnet_ch4 FLX_DE-Zrk_FLUXNET-CH4_DD_2013-2018_1-1.csv --meta META.csv \\
        --out forcing.nc --observations observed.nc

Source: FLUXNET-CH4 V1.0 (Delwiche et al. 2021, ESSD 13, 3607; Knox et al. 2019, BAMS). Columns ending in `_F` are
gap-filled by the collection; fluxes are taken where they were measured, never where they were filled.
"""

import argparse
import csv
import logging
import math
import re
import sys
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import netCDF4
import numpy as np

from ecosys_sims import variables
from ecosys_sims.adapters import command
from ecosys_sims.adapters import tower_weather as weather
from ecosys_sims.adapters.forcing_file import TowerSite, write_forcing
from ecosys_sims.adapters.tower_weather import AdapterError
from ecosys_sims.atomic_file import replacing
from ecosys_sims.dataset import common_attributes, create_layout
from ecosys_sims.validation import require_valid_dataset, require_valid_forcing

log = logging.getLogger(__name__)

MISSING = -9999.0
SOURCE = "FLUXNET-CH4 V1.0 daily file {name} (Delwiche et al. 2021, doi:10.5194/essd-13-3607-2021)"
# column -> (lowest, highest) that the instrument or the unit allows
WEATHER_COLUMNS = {
    "TA_F": (-75.0, 60.0), "VPD_F": (0.0, 120.0), "PA_F": (40.0, 115.0), "SW_IN_F": (-10.0, 600.0),
    "LW_IN_F": (50.0, 650.0), "P_F": (0.0, 1000.0), "WS_F": (0.0, 60.0),
}  # fmt: skip
CARBON = 12.011e-9  # umol CO2 -> kg C
METHANE = 16.043e-12  # nmol CH4 -> kg CH4
# target -> (column, factor to file units, lowest, highest in the column's unit); values outside are instrument faults
FLUX_COLUMNS = {
    "gpp": ("GPP_DT", CARBON, -5.0, 60.0),
    "nee": ("NEE", CARBON, -40.0, 40.0),
    "fch4": ("FCH4", METHANE, -100.0, 1500.0),
}
CLASS_TO_BIOME = {
    "Bog": "bog", "Fen": "fen", "Marsh": "marsh", "Salt marsh": "marsh", "Swamp": "swamp", "Mangrove": "swamp",
    "Wet tundra": "wet_tundra", "Rice": "rice",
}  # fmt: skip
UPLAND_TO_BIOME = (("crop", "cropland"), ("grass", "grassland"), ("meadow", "grassland"), ("tundra", "tundra"))


@dataclass(frozen=True)
class TowerRecord:
    """A daily file: consecutive days from `start`, columns (T,) with NaN where missing."""

    path: Path
    start: date
    columns: dict[str, np.ndarray]

    def days(self) -> np.ndarray:
        """Dates (T,) as numpy days."""
        return np.datetime64(self.start) + np.arange(len(self.columns["TA_F"]))

    def whole_years(self) -> "TowerRecord":
        """The part from the first 1 January to the last 31 December; AdapterError where there is no whole year."""
        days = self.days()
        last = self.start + timedelta(days=len(days) - 1)
        first = self.start if self.start == date(self.start.year, 1, 1) else date(self.start.year + 1, 1, 1)
        end_year = last.year if last == date(last.year, 12, 31) else last.year - 1
        if end_year < first.year:
            raise AdapterError(f"{self.path}: {self.start} to {last} holds no whole calendar year")
        keep = (days >= np.datetime64(first)) & (days <= np.datetime64(date(end_year, 12, 31)))
        return TowerRecord(self.path, first, {name: values[keep] for name, values in self.columns.items()})


def read_daily(path: str | Path) -> TowerRecord:
    """Read a daily file; AdapterError for a missing column, a gap in dates or weather, or a value that is no number."""
    path = Path(path)
    header, rows = _read_rows(path, "TIMESTAMP")
    wanted = [*WEATHER_COLUMNS, *(column for column, *_ in FLUX_COLUMNS.values())]
    absent = [name for name in wanted if name not in header]
    if absent:
        raise AdapterError(f"{path}: column {absent[0]} is missing; is it a FLUXNET-CH4 daily (DD) file?")
    days = _dates(path, rows)
    optional = [name for name in ("WTD_F", "WTD", "NEE_F", "LE", "LE_F") if name in header]
    columns = {name: _numbers(path, rows, name) for name in [*wanted, *optional]}
    for name, (lowest, highest) in WEATHER_COLUMNS.items():
        bad = ~((columns[name] >= lowest) & (columns[name] <= highest))
        if bad.any():
            first = int(np.flatnonzero(bad)[0])
            raise AdapterError(
                f"{path} line {first + 2} ({days[first]}): {name} = {rows[first][name]}, "
                f"expected {lowest:g} to {highest:g}; weather must have no gaps"
            )
    return TowerRecord(path, days[0], columns)


def _read_rows(path: Path, first_column: str) -> tuple[list[str], list[dict[str, str]]]:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise AdapterError(f"{path}: cannot be read: {error}") from error
    header = list(reader.fieldnames or [])
    if first_column not in header or not rows:
        raise AdapterError(f"{path}: no column {first_column} or no data lines")
    return header, rows


def _dates(path: Path, rows: list[dict[str, str]]) -> list[date]:
    days: list[date] = []
    for line, row in enumerate(rows, start=2):
        try:
            day = datetime.strptime(row["TIMESTAMP"], "%Y%m%d").date()
        except (ValueError, TypeError) as error:
            raise AdapterError(f"{path} line {line}: TIMESTAMP {row['TIMESTAMP']!r} is not yyyymmdd") from error
        if days and day != days[-1] + timedelta(days=1):
            raise AdapterError(f"{path} line {line}: {day} follows {days[-1]}; days must be consecutive")
        days.append(day)
    return days


def _numbers(path: Path, rows: list[dict[str, str]], name: str) -> np.ndarray:
    values = np.empty(len(rows))
    for index, row in enumerate(rows):
        try:
            values[index] = float(row[name])
        except (ValueError, TypeError) as error:
            where = f"{path} line {index + 2} ({row['TIMESTAMP']})"
            raise AdapterError(f"{where}: {name} = {row[name]!r} is not a number") from error
    return np.where(values == MISSING, np.nan, values)


def read_site(meta: str | Path, site_id: str) -> dict[str, str]:
    """The site's row of the collection's site table; raises AdapterError where it is not there."""
    _, rows = _read_rows(Path(meta), "SITE_ID")
    for row in rows:
        if row["SITE_ID"] == site_id:
            return row
    raise AdapterError(f"{meta}: no site {site_id}; it has {', '.join(row['SITE_ID'] for row in rows[:5])} ...")


def biome_of(row: dict[str, str]) -> str:
    """Our site class for a site of the collection; raises AdapterError for lakes and towns, which have none."""
    kind, upland, lat = row["SITE_CLASSIFICATION"], row.get("UPLAND_CLASS", "").lower(), abs(float(row["LAT"]))
    if kind in CLASS_TO_BIOME:
        return CLASS_TO_BIOME[kind]
    for word, biome in UPLAND_TO_BIOME:
        if word in upland:
            return biome
    if "forest" in upland:
        return "boreal_forest" if lat >= 50.0 else "temperate_forest" if lat >= 24.0 else "tropical_forest"
    if kind == "Drained":
        return "fen" if lat < 60.0 else "wet_tundra"
    raise AdapterError(f"site {row['SITE_ID']}: class {kind!r} {upland!r} has no biome here; give --biome")


def site_id_of(path: str | Path) -> str:
    """The site's code from the usual name of a file; raises AdapterError for other names."""
    found = re.match(r"FLX_([A-Z]{2}-\w{3})_", Path(path).name)
    if not found:
        raise AdapterError(f"{path}: the name does not begin with FLX_<SITE>_; give --site")
    return found[1]


def describe_site(record: TowerRecord, row: dict[str, str], **changes) -> TowerSite:
    """The tower's site: place and class from the collection's table, climate and height from its weather.

    `changes` replace what is known so: biome, elevation, sand, clay, ph; None changes nothing.
    """
    lat = float(row["LAT"])
    known = {
        "site_id": row["SITE_ID"], "lat": lat, "lon": float(row["LON"]),
        "elevation": max(0.0, -8434.0 * math.log(record.columns["PA_F"].mean() / 101.325)),
        **weather.climate_from_weather(lat, record.days(), record.columns["TA_F"], record.columns["P_F"]),
    }  # fmt: skip
    known.update({name: value for name, value in changes.items() if value is not None})
    return TowerSite(biome=known.pop("biome", None) or biome_of(row), **known)


def drivers(record: TowerRecord, lat: float) -> dict[str, np.ndarray]:
    """Daily weather (T,) under the names of a forcing file, in its units."""
    column = record.columns
    celsius, pressure = column["TA_F"], 1000.0 * column["PA_F"]
    days = record.days()
    day_of_year = (days - days.astype("datetime64[Y]")).astype(int) + 1
    half = 0.5 * weather.daily_range(column["SW_IN_F"], weather.radiation_above_atmosphere(lat, day_of_year))
    rain, snow = weather.rain_and_snow(column["P_F"] / 86400.0, celsius)
    return {
        "Tair": celsius + weather.ZERO_CELSIUS,
        "Tmin": celsius + weather.ZERO_CELSIUS - half,
        "Tmax": celsius + weather.ZERO_CELSIUS + half,
        "Qair": weather.humidity_from_deficit(celsius, 100.0 * column["VPD_F"], pressure),
        "SWdown": np.maximum(column["SW_IN_F"], 0.0),
        "LWdown": column["LW_IN_F"],
        "Rainf": rain,
        "Snowf": snow,
        "Wind": column["WS_F"],
        "PSurf": pressure,
    }


ESTIMATED = "estimated from the clearness of the sky (Bristow and Campbell 1984)"


def write_tower_forcing(record: TowerRecord, site: TowerSite, path: str | Path) -> None:
    """Write the forcing file of a tower, daily, all days of the record."""
    start = datetime.combine(record.start, datetime.min.time())
    comments = {"Tmin": ESTIMATED, "Tmax": ESTIMATED}
    source = SOURCE.format(name=record.path.name)
    write_forcing(path, site, start, 24, drivers(record, site.lat), source, comments)
    require_valid_forcing(path)


def fluxes(record: TowerRecord) -> dict[str, np.ndarray]:
    """Measured fluxes (T,) in file units, NaN where not measured; gpp on days with NEE, from which it is derived."""
    found = {}
    for target, (column, factor, lowest, highest) in FLUX_COLUMNS.items():
        values = record.columns[column]
        with np.errstate(invalid="ignore"):
            faulty = ~np.isnan(values) & ~((values >= lowest) & (values <= highest))
        if faulty.any():
            log.warning("%s: %d values of %s are faulty and left out", record.path.name, faulty.sum(), column)
        found[target] = np.where(faulty, np.nan, values) * factor
    found["gpp"] = np.where(np.isnan(record.columns["NEE"]), np.nan, found["gpp"])
    return found


def write_observations(record: TowerRecord, site: TowerSite, path: str | Path) -> None:
    """Write the whole years of a tower as a dataset (docs/formats.md section 1); what was not measured is missing."""
    record = record.whole_years()
    given, days = drivers(record, site.lat), len(record.days())
    year = record.days().astype("datetime64[Y]").astype(int) + 1970
    values = {
        "tas": given["Tair"], "tasmin": given["Tmin"], "tasmax": given["Tmax"], "pr": given["Rainf"] + given["Snowf"],
        "rsds": given["SWdown"], "rlds": given["LWdown"], "vpd": 100.0 * record.columns["VPD_F"],
        "sfcWind": given["Wind"], "ps": given["PSurf"], "co2": weather.carbon_dioxide(year),
        "ch4": weather.methane(year), **fluxes(record),
    }  # fmt: skip
    depth = record.columns.get("WTD_F", record.columns.get("WTD"))
    if depth is not None:
        values["wtd"] = -depth
    optional = {*variables.OPTIONAL, *(v.name for v in variables.STATES)}
    kept = tuple(v for v in variables.DAILY if v.name not in optional or v.name in values)
    statics = {
        "site_id": np.array([site.site_id]),
        **{name: np.array([value]) for name, value in site.columns().items()},
    }
    with replacing(path) as temporary, netCDF4.Dataset(temporary, "w", format="NETCDF4") as file:
        title, source = f"observations at {site.site_id}", SOURCE.format(name=record.path.name)
        file.setncatts(common_attributes(title, "FLUXNET-CH4", source, "written by ecosys_sims.adapters.fluxnet_ch4"))
        create_layout(file, statics, record.start, days, "standard", 1, kept)
        for name in ("tasmin", "tasmax"):
            file[name].comment = ESTIMATED
        for name, series in values.items():
            file[name][0, :] = np.where(np.isnan(series), variables.FILL, series)
    require_valid_dataset(path)


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
    return command.complete(lambda: _convert(options)) or command.run_model(options.out, options)


def _convert(options: argparse.Namespace) -> None:
    record = read_daily(options.csv)
    row = read_site(options.meta, options.site or site_id_of(options.csv))
    changes = {name: getattr(options, name) for name in ("biome", "elevation", "sand", "clay", "ph")}
    site = describe_site(record, row, **changes)
    write_tower_forcing(record, site, options.out)
    log.info("%s: %s, %s, %d days from %s", options.out, site.site_id, site.biome, len(record.days()), record.start)
    if options.observations:
        write_observations(record, site, options.observations)
        log.info("%s: %d days with measured CH4", options.observations, int(np.isfinite(record.columns["FCH4"]).sum()))


if __name__ == "__main__":
    sys.exit(main())
