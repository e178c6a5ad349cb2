"""Hourly climate files of EcoSIM (netCDF: year, day, hour, grid cell) to a forcing file.

    python -m ecosys_sims.adapters.ecosim_climate riceUSTWT.clim.hour.2008-2016.nc --site US-Twt --lat 38.11 \\
        --lon -121.65 --elevation -5 --biome rice --out forcing.nc

Variables: TMPH degC, WINDH m s-1, RAINH mm h-1, DWPTH vapour pressure in kPa, SRADH W m-2, in local time. Each year has
366 days; what stands in the last one of shorter years is left out. Pressure follows from the height, longwave
radiation is derived by the process model.
"""

import argparse
import calendar
import logging
import sys
from datetime import datetime
from pathlib import Path

import netCDF4
import numpy as np

from ecosys_sims.adapters import command
from ecosys_sims.adapters import tower_weather as weather
from ecosys_sims.adapters.forcing_file import TowerSite, write_forcing
from ecosys_sims.adapters.tower_weather import AdapterError
from ecosys_sims.validation import require_valid_forcing

log = logging.getLogger(__name__)

# name -> (units on file, lowest, highest)
QUANTITIES = {
    "TMPH": (("oC", "degC"), -75.0, 60.0), "WINDH": (("m s^-1", "m s-1"), 0.0, 60.0),
    "RAINH": (("mm m^-2 hr^-1", "mm h-1"), 0.0, 300.0), "DWPTH": (("kPa",), 0.0, 10.0),
    "SRADH": (("W m^-2", "W m-2"), -10.0, 1500.0),
}  # fmt: skip


def read_climate(path: str | Path, cell: int = 0) -> tuple[datetime, dict[str, np.ndarray]]:
    """Start and hourly quantities (T,) of a grid cell, in the units on file; AdapterError for gaps and other files."""
    path = Path(path)
    try:
        with netCDF4.Dataset(path) as file:
            file.set_auto_mask(False)
            years = _years(path, file)
            found = {name: _quantity(path, file, name, years, cell) for name in QUANTITIES}
    except (OSError, RuntimeError) as error:
        raise AdapterError(f"{path}: cannot be read: {error}") from error
    return datetime(years[0], 1, 1), found


def _years(path: Path, file: netCDF4.Dataset) -> list[int]:
    missing = [name for name in ("year", *QUANTITIES) if name not in file.variables]
    if missing:
        raise AdapterError(f"{path}: variable {missing[0]} is missing; is it an hourly climate file of EcoSIM?")
    years = [int(year) for year in file["year"][:]]
    if not years or years != list(range(years[0], years[0] + len(years))):
        raise AdapterError(f"{path}: years {years} are not consecutive")
    return years


def _quantity(path: Path, file: netCDF4.Dataset, name: str, years: list[int], cell: int) -> np.ndarray:
    variable, (units, lowest, highest) = file[name], QUANTITIES[name]
    if variable.dimensions != ("year", "day", "hour", "ngrid") or variable.shape[1:3] != (366, 24):
        raise AdapterError(f"{path}: {name} has dimensions {variable.dimensions} {variable.shape}, "
                           "expected (year, day=366, hour=24, ngrid)")  # fmt: skip
    if not 0 <= cell < variable.shape[3]:
        raise AdapterError(f"{path}: has {variable.shape[3]} grid cells, there is no cell {cell}")
    given = getattr(variable, "units", None)
    if given not in units:
        raise AdapterError(f"{path}: {name} has units {given!r}, expected {units[0]!r}")
    parts = []
    for place, year in enumerate(years):
        days = 366 if calendar.isleap(year) else 365
        values = np.asarray(variable[place, :days, :, cell], dtype=float).ravel()
        bad = ~((values >= lowest) & (values <= highest))
        if bad.any():
            day, hour = divmod(int(np.flatnonzero(bad)[0]), 24)
            raise AdapterError(f"{path}: {name} in {year}, day {day + 1}, hour {hour + 1} is "
                               f"{values[24 * day + hour]:g}, expected {lowest:g} to {highest:g}")  # fmt: skip
        parts.append(values)
    return np.concatenate(parts)


def drivers(found: dict[str, np.ndarray], elevation: float) -> dict[str, np.ndarray]:
    """Weather (T,) under the names of a forcing file, in its units."""
    celsius = found["TMPH"]
    pressure = np.full(len(celsius), weather.standard_pressure(elevation))
    vapour = np.clip(1000.0 * found["DWPTH"], 1.0, weather.saturation_vapour_pressure(celsius))
    rain, snow = weather.rain_and_snow(found["RAINH"] / 3600.0, celsius)
    return {
        "Tair": celsius + weather.ZERO_CELSIUS, "Qair": weather.humidity_from_vapour(vapour, pressure),
        "SWdown": np.maximum(found["SRADH"], 0.0), "Rainf": rain, "Snowf": snow, "Wind": found["WINDH"],
        "PSurf": pressure,
    }  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0 done, 1 the file cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="hourly climate file of EcoSIM")
    parser.add_argument("--out", type=Path, required=True, help="forcing file to write")
    parser.add_argument("--cell", type=int, default=0, help="grid cell, from 0 (default 0)")
    command.add_site(parser, required=("site", "lat", "lon", "biome"))
    command.add_run(parser)
    options = parser.parse_args(arguments)
    return command.complete(lambda: _convert(options)) or command.run_model(options.out, options)


def _convert(options: argparse.Namespace) -> None:
    start, found = read_climate(options.file, options.cell)
    elevation = options.elevation or 0.0
    weather.check_local_time(f"{options.file}: SRADH", found["SRADH"], 24)
    times = np.datetime64(start, "h") + np.arange(len(found["TMPH"]))
    climate = weather.climate_from_weather(options.lat, times, found["TMPH"], 24.0 * found["RAINH"])
    site = TowerSite(
        site_id=options.site, lat=options.lat, lon=options.lon, biome=options.biome, elevation=elevation,
        sand=options.sand, clay=options.clay, ph=options.ph, **climate,
    )  # fmt: skip
    write_forcing(options.out, site, start, 1, drivers(found, elevation), f"EcoSIM climate file {options.file.name}")
    require_valid_forcing(options.out)
    log.info("%s: %s, %s, hourly from %s", options.out, site.site_id, site.biome, start)


if __name__ == "__main__":
    sys.exit(main())
