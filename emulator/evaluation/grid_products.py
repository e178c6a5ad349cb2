"""What is made of series on a grid: a CF file, and maps as pictures."""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from emulator.evaluation.figures.season_maps import season_maps
from emulator.evaluation.grids import STEPS, GridError, Lattice, seasonal_means, series_of_sites, write_grid
from foundations.atomic_file import replacing
from foundations.units.conversion import unit_conversion

log = logging.getLogger(__name__)

DOTS_PER_INCH = 150


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of a command that say what is made."""
    parser.add_argument(
        "--grid", type=Path, metavar="F", help="CF netCDF (time, lat, lon) to write, of sites on a grid"
    )
    parser.add_argument("--every", choices=STEPS, default="month", help="time step of --grid (default month)")
    parser.add_argument("--maps", type=Path, metavar="DIR", help="folder for maps of annual and seasonal means, PNG")


def write_products(
    source: Path, grid: Path | None, every: str, maps: Path | None, names: Sequence[str] | None = None
) -> None:
    """Write the CF grid, and a picture of maps for each series into a folder; None: not.

    Maps of sites that are no grid show them as points; a grid file of them is a GridError.
    """
    if grid is not None:
        lattice = write_grid(source, grid, every, names)
        log.info(
            "wrote %s: %d x %d cells, %d of them sites", grid, len(lattice.lat), len(lattice.lon), len(lattice.row)
        )
    if maps is not None:
        write_maps(source, maps, names)


def write_maps(source: Path, folder: Path, names: Sequence[str] | None = None) -> list[Path]:
    """Maps of annual and seasonal means of each series, as FOLDER/<name>.png."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with series_of_sites(source, names) as series:
        places: Lattice | tuple = (series.lat, series.lon)
        try:
            places = series.lattice()
        except GridError as error:
            log.info("maps of points: %s", error)
        for name in series.names:
            means = seasonal_means(series, name)
            given = series.file[name]
            units, shown = str(getattr(given, "units", "1")), str(getattr(given, "analysis_units", ""))
            if shown:
                factor, offset = unit_conversion(units, shown, name)
                means, units = {season: factor * values + offset for season, values in means.items()}, shown
            figure = season_maps(means, places, f"{getattr(given, 'long_name', name)}, {units}")
            path = folder / f"{name}.png"
            with replacing(path) as temporary:
                figure.savefig(temporary, format="png", dpi=DOTS_PER_INCH, facecolor="white")
            log.info("wrote %s", path)
            written.append(path)
    return written
