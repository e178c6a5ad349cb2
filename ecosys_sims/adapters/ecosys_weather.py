"""Weather files of the original ecosys (R. F. Grant) to a forcing file: sub-hourly to 3-hourly years, one file each.

    python -m ecosys_sims.adapters.ecosys_weather me01w.csv me02w.csv --site US-Ne --lat 41.18 --lon -96.44 \\
        --elevation 361 --biome cropland --out forcing.nc

What the files hold is told by `foundations.ecosys_weather`. Times are moved by whole intervals so that the sun is
highest at 12 (files in UTC have other hours of noon in their header).
"""

import argparse
import logging
import sys
from datetime import datetime
from pathlib import Path

import numpy as np

from ecosys_sims.adapters import command
from ecosys_sims.adapters import tower_weather as weather
from ecosys_sims.formats.forcing_check import require_valid_forcing
from ecosys_sims.formats.forcing_file import TowerSite, write_forcing
from ecosys_sims.formats.units import ZERO_CELSIUS
from foundations.command_end import ends_clearly
from foundations.ecosys_weather import HOURS_OF_DAY, offset_to_local, read_noon, read_year, read_years

__all__ = ("describe_site", "drivers", "main", "offset_to_local", "read_noon", "read_year", "read_years")

log = logging.getLogger(__name__)


def drivers(quantities: dict[str, np.ndarray], step_hours: int) -> dict[str, np.ndarray]:
    """Weather (T,) under the names of a forcing file, in its units."""
    rain, snow = weather.rain_and_snow(quantities["precipitation"] / (3600.0 * step_hours), quantities["temperature"])
    forcing = {
        "Tair": quantities["temperature"] + ZERO_CELSIUS,
        "Qair": quantities["humidity"],
        "SWdown": np.maximum(quantities["shortwave"], 0.0),
        "Rainf": rain,
        "Snowf": snow,
        "Wind": quantities["wind"],
        "PSurf": 1000.0 * quantities["pressure"],
    }
    for name, source in (("LWdown", "longwave"), ("CO2air", "co2")):
        if source in quantities:
            forcing[name] = quantities[source]
    return forcing


def describe_site(
    start: datetime, step_hours: int, quantities: dict[str, np.ndarray], options: argparse.Namespace
) -> TowerSite:
    """The site of the command line, its climate from its weather."""
    temperature = quantities["temperature"]
    times = np.datetime64(start) + np.arange(len(temperature)) * np.timedelta64(step_hours, "h")
    daily_precipitation = quantities["precipitation"] * 24.0 / step_hours
    return TowerSite(
        site_id=options.site,
        lat=options.lat,
        lon=options.lon,
        biome=options.biome,
        elevation=options.elevation,
        **command.soil(options),
        **weather.climate_from_weather(options.lat, times, temperature, daily_precipitation),
    )


@ends_clearly
def main(arguments: list[str] | None = None) -> int:
    """Command line; 0 done, 1 a file cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, help="weather files, one a year, of consecutive years")
    parser.add_argument("--out", type=Path, required=True, help="forcing file to write")
    command.add_site(parser, required=("site", "lat", "lon", "biome"))
    parser.add_argument(
        "--utc-offset", type=float, help="hours from the file's times to local time (default: by the header's noon)"
    )
    command.add_run(parser)
    options = parser.parse_args(arguments)
    outputs, inputs = {"--out": options.out}, [*options.files]
    return command.complete(lambda: _convert(options), outputs, inputs) or command.run_model(options.out, options)


def _convert(options: argparse.Namespace) -> None:
    if options.elevation is None:
        options.elevation = 0.0
    offset = offset_to_local(options.files) if options.utc_offset is None else options.utc_offset
    start, step, quantities = read_years(options.files, options.elevation, offset)
    site = describe_site(start, step, quantities, options)
    source = "ecosys weather files " + ", ".join(path.name for path in options.files)
    weather.check_local_time(f"{options.files[0]}: shortwave", quantities["shortwave"], HOURS_OF_DAY // step)
    write_forcing(options.out, site, start, step, drivers(quantities, step), source)
    require_valid_forcing(options.out)
    log.info("%s: %s, %s, every %d h from %s", options.out, site.site_id, site.biome, step, start)


if __name__ == "__main__":
    sys.exit(main())
