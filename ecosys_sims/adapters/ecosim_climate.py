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
from typing import NamedTuple

import netCDF4
import numpy as np

from ecosys_sims.adapters import command
from ecosys_sims.adapters import tower_weather as weather
from ecosys_sims.formats.errors import AdapterError
from ecosys_sims.formats.forcing_check import require_valid_forcing
from ecosys_sims.formats.forcing_file import TowerSite, write_forcing
from ecosys_sims.formats.units import ZERO_CELSIUS
from foundations.command_end import ends_clearly
from foundations.file_faults import explain
from foundations.netcdf_file import reading
from foundations.netcdf_values import StoredValueError, numbers

log = logging.getLogger(__name__)

LONGEST_YEAR = 366  # days that each year has on file


class Quantity(NamedTuple):
    """What a variable may be: its units on file and possible values."""

    units: tuple[str, ...]
    lowest: float
    highest: float


QUANTITIES = {
    "TMPH": Quantity(("oC", "degC"), -75.0, 60.0), "WINDH": Quantity(("m s^-1", "m s-1"), 0.0, 60.0),
    "RAINH": Quantity(("mm m^-2 hr^-1", "mm h-1"), 0.0, 300.0), "DWPTH": Quantity(("kPa",), 0.0, 10.0),
    "SRADH": Quantity(("W m^-2", "W m-2"), -10.0, 1500.0),
}  # fmt: skip


def read_climate(path: str | Path, cell: int = 0) -> tuple[datetime, dict[str, np.ndarray]]:
    """Start and hourly quantities (T,) of a grid cell, in the units on file; AdapterError for gaps and other files."""
    path = Path(path)
    try:
        with reading(path) as file:
            years = _years(path, file)
            quantities = {name: _quantity(path, file, name, years, cell) for name in QUANTITIES}
    except OSError as error:
        raise AdapterError(explain(error)) from None
    except StoredValueError as error:
        message = f"{path}: cannot be read: {error}"
        raise AdapterError(message) from error
    return datetime(years[0], 1, 1), quantities


def _years(path: Path, file: netCDF4.Dataset) -> list[int]:
    missing = [name for name in ("year", *QUANTITIES) if name not in file.variables]
    if missing:
        message = f"{path}: variable {missing[0]} is missing; is it an hourly climate file of EcoSIM?"
        raise AdapterError(message)
    years = [int(year) for year in np.nan_to_num(numbers(file["year"]))]
    if not years or years != list(range(years[0], years[0] + len(years))):
        message = f"{path}: years {years} are not consecutive"
        raise AdapterError(message)
    return years


def _quantity(path: Path, file: netCDF4.Dataset, name: str, years: list[int], cell: int) -> np.ndarray:
    variable, expected = file[name], QUANTITIES[name]
    if variable.dimensions != ("year", "day", "hour", "ngrid") or variable.shape[1:3] != (LONGEST_YEAR, 24):
        message = (
            f"{path}: {name} has dimensions {variable.dimensions} {variable.shape}, "
            "expected (year, day=366, hour=24, ngrid)"
        )
        raise AdapterError(message)
    cells = variable.shape[3]
    if not 0 <= cell < cells:
        message = f"{path}: has {cells} grid cells, there is no cell {cell}"
        raise AdapterError(message)
    units = getattr(variable, "units", None)
    if units not in expected.units:
        message = f"{path}: {name} has units {units!r}, expected {expected.units[0]!r}"
        raise AdapterError(message)
    hours_of_years = []
    for row, year in enumerate(years):
        days = 366 if calendar.isleap(year) else 365
        values = numbers(variable, (row, slice(days), slice(None), cell)).ravel()
        impossible = ~((values >= expected.lowest) & (values <= expected.highest))
        if impossible.any():
            first = int(np.flatnonzero(impossible)[0])
            day, hour = divmod(first, 24)
            value = "missing" if np.isnan(values[first]) else f"{values[first]:g}"
            message = (
                f"{path}: {name} in {year}, day {day + 1}, hour {hour + 1} is "
                f"{value}, expected {expected.lowest:g} to {expected.highest:g}"
            )
            raise AdapterError(message)
        hours_of_years.append(values)
    return np.concatenate(hours_of_years)


def drivers(quantities: dict[str, np.ndarray], elevation: float) -> dict[str, np.ndarray]:
    """Weather (T,) under the names of a forcing file, in its units."""
    celsius = quantities["TMPH"]
    pressure = np.full(len(celsius), weather.standard_pressure(elevation))
    vapour = np.clip(1000.0 * quantities["DWPTH"], 1.0, weather.saturation_vapour_pressure(celsius))
    rain, snow = weather.rain_and_snow(quantities["RAINH"] / 3600.0, celsius)
    return {
        "Tair": celsius + ZERO_CELSIUS, "Qair": weather.humidity_from_vapour(vapour, pressure),
        "SWdown": np.maximum(quantities["SRADH"], 0.0), "Rainf": rain, "Snowf": snow, "Wind": quantities["WINDH"],
        "PSurf": pressure,
    }  # fmt: skip


@ends_clearly
def main(arguments: list[str] | None = None) -> int:
    """Command line; 0 done, 1 the file cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="hourly climate file of EcoSIM")
    parser.add_argument("--out", type=Path, required=True, help="forcing file to write")
    parser.add_argument("--cell", type=int, default=0, help="grid cell, from 0 (default 0)")
    command.add_site(parser, required=("site", "lat", "lon", "biome"))
    command.add_run(parser)
    options = parser.parse_args(arguments)
    outputs, inputs = {"--out": options.out}, [options.file]
    return command.complete(lambda: _convert(options), outputs, inputs) or command.run_model(options.out, options)


def _convert(options: argparse.Namespace) -> None:
    start, quantities = read_climate(options.file, options.cell)
    elevation = options.elevation or 0.0
    weather.check_local_time(f"{options.file}: SRADH", quantities["SRADH"], 24)
    times = np.datetime64(start, "h") + np.arange(len(quantities["TMPH"]))
    climate = weather.climate_from_weather(options.lat, times, quantities["TMPH"], 24.0 * quantities["RAINH"])
    site = TowerSite(
        site_id=options.site, lat=options.lat, lon=options.lon, biome=options.biome, elevation=elevation,
        **command.soil(options), **climate,
    )  # fmt: skip
    source = f"EcoSIM climate file {options.file.name}"
    write_forcing(options.out, site, start, 1, drivers(quantities, elevation), source)
    require_valid_forcing(options.out)
    log.info("%s: %s, %s, hourly from %s", options.out, site.site_id, site.biome, start)


if __name__ == "__main__":
    sys.exit(main())
