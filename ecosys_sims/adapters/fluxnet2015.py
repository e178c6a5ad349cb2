"""FLUXNET2015 files, half-hourly to monthly, to a forcing file and to observations.

    python -m ecosys_sims.adapters.fluxnet2015 FLX_DE-Geb_FLUXNET2015_FULLSET_HH_2001-2014_1-4.csv \\
        --lat 51.1 --lon 10.91 --biome cropland --out forcing.nc --observations observed.nc --run runs/DE-Geb

Source: FLUXNET2015 (Pastorello et al. 2020, Sci. Data 7, 225), FULLSET or SUBSET, HH, HR, DD or MM. Columns ending in
`_F` are gap-filled by the collection; half-hours become hours. Fluxes are those of the collection, daily, kept where
enough of the day was measured or filled well (`--min-quality`). Monthly files hold observations only.
"""

import argparse
import csv
import logging
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import netCDF4
import numpy as np

from ecosys_sims import variables
from ecosys_sims.adapters import command, fluxnet_ch4
from ecosys_sims.adapters import tower_weather as weather
from ecosys_sims.adapters.csv_columns import CsvColumns, read_columns, read_header
from ecosys_sims.adapters.forcing_file import TowerSite, write_forcing
from ecosys_sims.adapters.tower_weather import AdapterError
from ecosys_sims.atomic_file import replacing
from ecosys_sims.dataset import common_attributes, create_layout
from ecosys_sims.validation import require_valid_dataset, require_valid_forcing

log = logging.getLogger(__name__)

SOURCE = "FLUXNET2015 file {name} (Pastorello et al. 2020, doi:10.1038/s41597-020-0534-3)"
# column -> (lowest, highest), for sub-daily and longer intervals; the first five are needed
WEATHER = {
    "TA_F": (-75.0, 60.0), "SW_IN_F": (-30.0, 1500.0), "VPD_F": (0.0, 150.0), "P_F": (0.0, 1000.0),
    "WS_F": (0.0, 60.0), "PA_F": (40.0, 115.0), "LW_IN_F": (50.0, 700.0),
}  # fmt: skip
OPTIONAL = ("PA_F", "LW_IN_F")
CO2, CO2_RANGE = "CO2_F_MDS", (300.0, 1000.0)  # outside: the analyser, not the air
MOLES = fluxnet_ch4.CARBON  # umol CO2 m-2 s-1 -> kg m-2 s-1
GRAMS = 1.0e-3 / 86400.0  # g m-2 d-1 -> kg m-2 s-1
VAPORISATION = 2.501e6  # J kg-1, as in the process model
# IGBP class -> biome; forests and wetlands go by latitude. Savannas are grass with trees: our choice.
IGBP = {
    "CRO": "cropland", "GRA": "grassland", "SAV": "grassland", "WSA": "grassland", "OSH": "shrubland",
    "CSH": "shrubland", "CVM": "cropland",
}  # fmt: skip
FORESTS = ("ENF", "EBF", "DNF", "DBF", "MF")
REFERENCES = ("VUT_REF", "CUT_REF")  # friction velocity threshold by year, else one for all years


@dataclass(frozen=True)
class Record:
    """A file: evenly spaced intervals, columns (T,) with NaN where missing. `kind` is HH, HR, DD or MM."""

    table: CsvColumns
    kind: str
    times: np.ndarray  # (T,) starts of the intervals, numpy datetimes
    columns: dict[str, np.ndarray]

    @property
    def path(self) -> Path:
        """The file."""
        return self.table.path

    @property
    def hours(self) -> float:
        """Length of an interval; of monthly files none."""
        return {"HH": 0.5, "HR": 1.0, "DD": 24.0}[self.kind]


def read_record(path: str | Path, partitioning: str = "NT") -> Record:
    """Read a file; AdapterError for missing columns, gaps in time or weather, and values that are no numbers.

    Monthly files are not asked for weather without gaps. partitioning: NT or DT, the method of GPP and RECO.
    """
    path = Path(path)
    header = read_header(path)
    stamp = next((name for name in ("TIMESTAMP_START", "TIMESTAMP") if name in header), None)
    if stamp is None:
        raise AdapterError(f"{path}: no column TIMESTAMP or TIMESTAMP_START; is it a FLUXNET2015 file?")
    missing = [name for name in WEATHER if name not in header and name not in OPTIONAL]
    if missing:
        raise AdapterError(f"{path}: column {missing[0]} is missing; is it a FLUXNET2015 file?")
    fluxes = flux_columns(header, partitioning)
    names = [name for name in (*WEATHER, CO2) if name in header]
    names += [name for pair in fluxes.values() for name in pair]
    names += [name for name in ("TIMESTAMP_END", "Site", "Lat", "Lon", "PFT") if name in header]
    table = read_columns(path, stamp, names)
    kind, times = _times(table)
    columns = {name: table.numbers(name) for name in names if name in WEATHER or name == CO2}
    for target, (column, quality) in fluxes.items():
        columns[target], columns[f"{target}_qc"] = table.numbers(column), table.numbers(quality)
    if kind != "MM":
        _check_weather(table, columns)
    return Record(table, kind, times, columns)


def flux_columns(header: list[str], partitioning: str) -> dict[str, tuple[str, str]]:
    """Our name of each flux in the file -> its column and the column of its quality."""
    found: dict[str, tuple[str, str]] = {}
    for reference in REFERENCES:
        net = f"NEE_{reference}"
        if net not in header or f"{net}_QC" not in header:
            continue
        parts = {"nee": (net,), "gpp": (f"GPP_{partitioning}_{reference}",),
                 "reco": (f"RECO_{partitioning}_{reference}", "RECO")}  # fmt: skip
        for target, columns in parts.items():
            present = [name for name in columns if name in header]
            if present:
                found[target] = (present[0], f"{net}_QC")
        break
    for target, letters in (("evspsbl", "LE"), ("hfss", "H")):
        present = [name for name in (f"{letters}_F_MDS", f"{letters}_CORR") if name in header]
        if present and f"{letters}_F_MDS_QC" in header:
            found[target] = (present[0], f"{letters}_F_MDS_QC")
    return found


def _times(table: CsvColumns) -> tuple[str, np.ndarray]:
    """Kind of the file and starts of its intervals; raises AdapterError for gaps and for other files."""
    length = len(table.stamps[0])
    form, unit = {12: ("%Y%m%d%H%M", "m"), 8: ("%Y%m%d", "D"), 6: ("%Y%m", "M")}.get(length, ("", ""))
    if not form:
        raise AdapterError(f"{table.place(0)}: expected half-hourly, hourly, daily or monthly data (HH, HR, DD, MM)")
    starts = []
    for row, text in enumerate(table.stamps):
        try:
            starts.append(datetime.strptime(text, form))
        except ValueError as error:
            raise AdapterError(f"{table.place(row)}: {table.stamp_name} is not a time such as {form}") from error
    times = np.array(starts, dtype=f"datetime64[{unit}]")
    kind, step = {"D": ("DD", 1), "M": ("MM", 1), "m": ("HH", 30)}[unit]
    if "TIMESTAMP_END" in table.cells:
        try:
            end = datetime.strptime(table.cells["TIMESTAMP_END"][0], form)
        except ValueError as error:
            raise AdapterError(f"{table.place(0)}: TIMESTAMP_END is not a time such as {form}") from error
        minutes = int((end - starts[0]).total_seconds() / 60)
        if unit != "m" or minutes not in (30, 60):
            raise AdapterError(f"{table.place(0)}: intervals of {minutes / 60:g} h; expected HH, HR, DD or MM files")
        kind, step = ("HH", 30) if minutes == 30 else ("HR", 60)
    gaps = np.flatnonzero(np.diff(times).astype(int) != step)
    if gaps.size:
        row = int(gaps[0]) + 1
        raise AdapterError(f"{table.place(row)}: follows {table.stamps[row - 1]}; times must have no gaps")
    return kind, times


def _check_weather(table: CsvColumns, columns: dict[str, np.ndarray]) -> None:
    for name in OPTIONAL:
        if name in columns and np.isnan(columns[name]).any():
            log.warning("%s: %s has gaps and is left out", table.path.name, name)
            del columns[name]
    for name, (lowest, highest) in WEATHER.items():
        if name in columns:
            table.require_range(name, columns[name], lowest, highest)


def hourly(record: Record) -> Record:
    """Half-hours as hours: means, sums of precipitation; from the first full hour on. Other records unchanged."""
    if record.kind != "HH":
        return record
    first = int(record.times[0].astype(int) % 60 != 0)
    count = (len(record.times) - first) // 2
    if count < 1:
        raise AdapterError(f"{record.path}: holds no full hour")

    def pairs(values: np.ndarray) -> np.ndarray:
        return values[first : first + 2 * count].reshape(count, 2)

    columns = {
        name: pairs(values).sum(axis=1) if name == "P_F" else pairs(values).mean(axis=1)
        for name, values in record.columns.items()
    }
    return Record(record.table, "HR", record.times[first : first + 2 * count : 2], columns)


def drivers(record: Record, site: TowerSite) -> dict[str, np.ndarray]:
    """Weather (T,) under the names of a forcing file, in its units; of hours or days."""
    column = dict(record.columns)
    count = len(record.times)
    column.setdefault("PA_F", np.full(count, weather.standard_pressure(site.elevation) / 1000.0))
    if record.kind == "DD":
        column.setdefault("LW_IN_F", np.full(count, np.nan))
        daily = fluxnet_ch4.TowerRecord(record.path, record.times[0].astype(object), column)
        given = fluxnet_ch4.drivers(daily, site.lat)
    else:
        celsius, pressure = column["TA_F"], 1000.0 * column["PA_F"]
        rain, snow = weather.rain_and_snow(column["P_F"] / (3600.0 * record.hours), celsius)
        given = {
            "Tair": celsius + weather.ZERO_CELSIUS,
            "Qair": weather.humidity_from_deficit(celsius, 100.0 * column["VPD_F"], pressure),
            "SWdown": np.maximum(column["SW_IN_F"], 0.0), "LWdown": column.get("LW_IN_F"),
            "Rainf": rain, "Snowf": snow, "Wind": column["WS_F"], "PSurf": pressure,
        }  # fmt: skip
    if "LW_IN_F" not in record.columns:
        del given["LWdown"]
    if CO2 in column and not np.isnan(column[CO2]).all():
        given["CO2air"] = _carbon_dioxide(column[CO2], record.times)
    return given


def _carbon_dioxide(measured: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Measured where it can be true, else the global mean of the year; 1e-6."""
    years = times.astype("datetime64[Y]").astype(int) + 1970
    with np.errstate(invalid="ignore"):
        good = (measured >= CO2_RANGE[0]) & (measured <= CO2_RANGE[1])
    return np.where(good, measured, weather.carbon_dioxide(years))


def describe_site(record: Record, known: dict[str, str | float | None]) -> TowerSite:
    """The tower's site; `known` by the names of TowerSite and `igbp`, what is None is taken from the file.

    Raises AdapterError where place or class are known to neither.
    """
    cells = record.table.cells
    known = {name: value for name, value in known.items() if value is not None}
    for name, column, kind in (("site_id", "Site", str), ("lat", "Lat", float), ("lon", "Lon", float)):
        if column in cells:
            known.setdefault(name, kind(cells[column][0]))
    if "PFT" in cells:
        known.setdefault("igbp", cells["PFT"][0])
    if "site_id" not in known:
        known["site_id"] = fluxnet_ch4.site_id_of(record.path)
    for name in ("lat", "lon"):
        if name not in known:
            raise AdapterError(f"{record.path}: the place of {known['site_id']} is not known; give --{name} or --meta")
    igbp = str(known.pop("igbp", ""))
    if "biome" not in known:
        known["biome"] = biome_of(str(known["site_id"]), igbp, float(known["lat"]))
    celsius, rain = record.columns["TA_F"], record.columns["P_F"]
    if record.kind != "MM":
        rain = rain * 24.0 / record.hours
    elevation = known.pop("elevation", None)
    if elevation is None:
        pressure = np.nanmean(record.columns["PA_F"]) if "PA_F" in record.columns else 101.325
        elevation = max(0.0, -8434.0 * float(np.log(pressure / 101.325)))
    climate = weather.climate_from_weather(float(known["lat"]), record.times, celsius, rain)
    return TowerSite(elevation=elevation, **climate, **known)


def biome_of(site_id: str, igbp: str, lat: float) -> str:
    """Our site class for a class of the IGBP; raises AdapterError where there is none."""
    lat = abs(lat)
    if igbp in FORESTS:
        return "boreal_forest" if lat >= 50.0 else "temperate_forest" if lat >= 24.0 else "tropical_forest"
    if igbp == "WET":
        return "wet_tundra" if lat >= 66.0 else "fen" if lat >= 24.0 else "swamp"
    if igbp not in IGBP:
        raise AdapterError(f"site {site_id}: class {igbp!r} has no biome here; give --biome")
    return IGBP[igbp]


def read_meta(path: Path, site_id: str) -> dict[str, str | float | None]:
    """Place, height and class of a site in the collection's table (BADM, one value a line, saved as CSV)."""
    wanted = {"LOCATION_LAT": "lat", "LOCATION_LONG": "lon", "LOCATION_ELEV": "elevation", "IGBP": "igbp"}
    header = read_header(path)
    if not {"SITE_ID", "VARIABLE", "DATAVALUE"} <= set(header):
        raise AdapterError(
            f"{path}: expected columns SITE_ID, VARIABLE and DATAVALUE, as of the collection's BADM table"
        )
    found: dict[str, str | float | None] = {}
    with open(path, newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            name = wanted.get(row["VARIABLE"])
            if row["SITE_ID"] == site_id and name:
                try:
                    found[name] = row["DATAVALUE"] if name == "igbp" else float(row["DATAVALUE"])
                except ValueError as error:
                    raise AdapterError(f"{path}: {row['VARIABLE']} of {site_id} is {row['DATAVALUE']!r}") from error
    if not found:
        raise AdapterError(f"{path}: no site {site_id}")
    return found


def write_tower_forcing(record: Record, site: TowerSite, path: str | Path) -> None:
    """Write the forcing file of a tower, hourly or daily; refuses monthly files and times that are not local."""
    if record.kind == "MM":
        raise AdapterError(
            f"{record.path}: monthly values cannot drive the process model, which needs hourly or daily weather; "
            "take the HH, HR or DD file of the site, or ask for --observations alone"
        )
    record = hourly(record)
    given = drivers(record, site)
    start = record.times[0].astype("datetime64[s]").astype(object)
    if record.kind == "HR":
        behind = (24 - start.hour) % 24  # records before the first midnight
        weather.check_local_time(f"{record.path}: SW_IN_F", given["SWdown"][behind:], 24)
    comments = {"Tmin": fluxnet_ch4.ESTIMATED, "Tmax": fluxnet_ch4.ESTIMATED} if record.kind == "DD" else None
    write_forcing(path, site, start, int(record.hours), given, SOURCE.format(name=record.path.name), comments)
    require_valid_forcing(path)


def fluxes(record: Record, min_quality: float) -> dict[str, np.ndarray]:
    """Daily or monthly fluxes in file units, upward positive but gpp; NaN where less than `min_quality` is sure.

    The quality of a day is the share of its intervals that were measured or filled well (flags 0 and 1), as the
    collection has it in its own daily and monthly files.
    """
    found = {}
    carbon = MOLES if record.kind in ("HH", "HR") else GRAMS
    scales = {"nee": carbon, "gpp": carbon, "reco": carbon, "evspsbl": 1.0 / VAPORISATION, "hfss": 1.0}
    for target, scale in scales.items():
        if target not in record.columns:
            continue
        values, quality = record.columns[target] * scale, record.columns[f"{target}_qc"]
        if record.kind in ("HH", "HR"):
            values, quality = by_day(record, values), by_day(record, (quality <= 1).astype(float))
        values = np.where(quality >= min_quality, values, np.nan)
        lowest, highest = _limits(target)
        faulty = (values < lowest) | (values > highest)
        if faulty.any():
            log.warning("%s: %d values of %s are faulty and left out", record.path.name, faulty.sum(), target)
        found[target] = np.where(faulty, np.nan, values)
    return found


# Beside the variables of docs/formats.md: what towers measure and the process model has under other names.
EXTRA = (
    variables.Variable(
        # No standard_name: the CF table has the respiration of plants and of soil only.
        "reco", "target", "kg m-2 s-1", "ecosystem respiration", None, "time: mean", "g m-2 day-1", -1.0e-7, 2.0e-6,
    ),
    variables.Variable(
        "hfss", "state", "W m-2", "sensible heat flux", "surface_upward_sensible_heat_flux", "time: mean", None,
        -1000.0, 1000.0,
    ),
)  # fmt: skip


def _limits(name: str) -> tuple[float, float]:
    known = variables.BY_NAME.get(name) or next(v for v in EXTRA if v.name == name)
    return known.lowest, known.highest


def by_day(record: Record, values: np.ndarray, reduce=np.mean) -> np.ndarray:
    """Values (T,) of whole days, from the first midnight on, reduced to (days,)."""
    per_day = round(24 / record.hours)
    minutes = int((record.times[0] - record.times[0].astype("datetime64[D]")).astype(int))
    first = round(minutes / 60 / record.hours) and per_day - round(minutes / 60 / record.hours)
    days = (len(values) - first) // per_day
    return reduce(values[first : first + days * per_day].reshape(days, per_day), axis=1)


def daily_values(record: Record, site: TowerSite, min_quality: float) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Days and all daily variables of a dataset, NaN where not known."""
    given = drivers(hourly(record), site)
    found = fluxes(record, min_quality)
    if record.kind == "DD":
        days, of_hours = record.times, None
        lowest, highest = given["Tmin"], given["Tmax"]
    else:
        of_hours = hourly(record)
        days = by_day(of_hours, of_hours.times, lambda rows, axis: rows[:, 0]).astype("datetime64[D]")
        lowest, highest = (by_day(of_hours, given["Tair"], reduce) for reduce in (np.min, np.max))
        given = {name: by_day(of_hours, values) for name, values in given.items()}
    deficit = 100.0 * record.columns["VPD_F"]
    years = days.astype("datetime64[Y]").astype(int) + 1970
    values = {
        "tas": given["Tair"], "tasmin": lowest, "tasmax": highest, "pr": given["Rainf"] + given["Snowf"],
        "rsds": given["SWdown"], "vpd": deficit if record.kind == "DD" else by_day(record, deficit),
        "sfcWind": given["Wind"], "ps": given["PSurf"],
        "co2": given.get("CO2air", weather.carbon_dioxide(years)), "ch4": weather.methane(years), **found,
    }  # fmt: skip
    if "LWdown" in given:
        values["rlds"] = given["LWdown"]
    count = min(len(days), *(len(series) for series in values.values()))
    return days[:count], {name: series[:count] for name, series in values.items()}


def write_observations(record: Record, site: TowerSite, path: str | Path, min_quality: float = 0.75) -> int:
    """Write the whole years as a dataset (docs/formats.md section 1), or the months as a file of the same variables.

    Returns how many days or months have NEE.
    """
    monthly = record.kind == "MM"
    times, values = _monthly_values(record, min_quality) if monthly else daily_values(record, site, min_quality)
    if not monthly:
        keep = _whole_years(record.path, times)
        times, values = times[keep], {name: series[keep] for name, series in values.items()}
    daily = tuple(v for v in (*variables.DAILY, *EXTRA) if v.name in values)
    statics = {
        "site_id": np.array([site.site_id]),
        **{name: np.array([value]) for name, value in site.columns().items()},
    }
    start = times[0].astype("datetime64[D]").astype(object)
    with replacing(path) as temporary, netCDF4.Dataset(temporary, "w", format="NETCDF4") as file:
        source = SOURCE.format(name=record.path.name)
        history = "written by ecosys_sims.adapters.fluxnet2015"
        file.setncatts(common_attributes(f"observations at {site.site_id}", "FLUXNET2015", source, history))
        file.comment = f"fluxes with at least {min_quality:g} of their half-hours measured or filled well"
        create_layout(file, statics, start, len(times), "standard", 1, daily)
        if monthly:
            _stamp_months(file, times)
        elif record.kind == "DD":
            for name in ("tasmin", "tasmax"):
                file[name].comment = fluxnet_ch4.ESTIMATED
        for name, series in values.items():
            file[name][0, :] = np.where(np.isnan(series), variables.FILL, series)
    if not monthly:
        require_valid_dataset(path)
    return int(np.isfinite(values["nee"]).sum()) if "nee" in values else 0


def _whole_years(path: Path, days: np.ndarray) -> np.ndarray:
    """Which days (T,) belong to calendar years that are there from 1 January to 31 December."""
    years = days.astype("datetime64[Y]")
    lengths = {year: (year + 1).astype("datetime64[D]") - year.astype("datetime64[D]") for year in np.unique(years)}
    whole = [year for year, length in lengths.items() if (years == year).sum() == length.astype(int)]
    if not whole:
        raise AdapterError(f"{path}: {days[0]} to {days[-1]} holds no whole calendar year")
    return np.isin(years, np.array(whole))


def _monthly_values(record: Record, min_quality: float) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Months and the variables that a monthly file has; weather may have gaps."""
    column = record.columns
    values = {
        "tas": column["TA_F"] + weather.ZERO_CELSIUS, "pr": column["P_F"] / 86400.0, "rsds": column["SW_IN_F"],
        "vpd": 100.0 * column["VPD_F"], "sfcWind": column["WS_F"], **fluxes(record, min_quality),
    }  # fmt: skip
    for name, source, scale in (("rlds", "LW_IN_F", 1.0), ("ps", "PA_F", 1000.0), ("co2", CO2, 1.0)):
        if source in column:
            values[name] = column[source] * scale
    return record.times, values


def _stamp_months(file: netCDF4.Dataset, months: np.ndarray) -> None:
    """Replace the daily time axis by months: stamped in the middle, with bounds."""
    edges = np.append(months, months[-1] + 1).astype("datetime64[D]")
    days = (edges - edges[0]).astype(float)
    file["time"].long_name = "middle of the month"
    file["time"][:] = 0.5 * (days[:-1] + days[1:])
    file["time_bnds"][:] = np.stack([days[:-1], days[1:]], axis=1)
    file.frequency = "mon"


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0 done, 1 the file cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", type=Path, help="FLX_<SITE>_FLUXNET2015_<FULLSET|SUBSET>_<HH|HR|DD|MM>_<years>.csv")
    parser.add_argument("--out", type=Path, help="forcing file to write")
    parser.add_argument("--observations", type=Path, help="also, or only, write the measured fluxes as a dataset")
    parser.add_argument("--meta", type=Path, help="the collection's table of sites (BADM) as CSV: place, height, class")
    parser.add_argument("--partitioning", choices=("NT", "DT"), default="NT", help="method of GPP and RECO")
    parser.add_argument(
        "--min-quality", type=float, default=0.75,
        help="share of a day that must be measured or filled well (default %(default)s)",
    )  # fmt: skip
    command.add_site(parser)
    command.add_run(parser)
    options = parser.parse_args(arguments)
    if not (options.out or options.observations):
        parser.error("nothing to write: give --out or --observations")
    if options.run and not options.out:
        parser.error("--run needs --out")
    return command.complete(lambda: _convert(options)) or command.run_model(options.out, options)


def _convert(options: argparse.Namespace) -> None:
    record = read_record(options.csv, options.partitioning)
    known = {name: getattr(options, name) for name in ("lat", "lon", "biome", "elevation", "sand", "clay", "ph")}
    known["site_id"] = options.site
    if options.meta:
        site_id = options.site or fluxnet_ch4.site_id_of(options.csv)
        known.update(
            {name: value for name, value in read_meta(options.meta, site_id).items() if known.get(name) is None}
        )
    site = describe_site(record, known)
    if options.out:
        write_tower_forcing(record, site, options.out)
        log.info("%s: %s, %s, %d %s intervals from %s", options.out, site.site_id, site.biome, len(record.times),
                 record.kind, record.times[0])  # fmt: skip
    if options.observations:
        count = write_observations(record, site, options.observations, options.min_quality)
        log.info("%s: %d %s with NEE", options.observations, count, "months" if record.kind == "MM" else "days")


if __name__ == "__main__":
    sys.exit(main())
