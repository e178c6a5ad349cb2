"""Make the tables of geography that the packages carry, from their sources: coastlines and climate normals.

    python scripts/geography_tables.py coastlines FOLDER      ne_50m_land.shp and ne_50m_lakes.shp of Natural Earth
    python scripts/geography_tables.py climate FILE           monthly means of ERA5, 0.25 degrees (t2m in degC, tp in m
                                                              or mm a day or month; needs coastlines)

Run once and commit what it writes; licences and citations stand in the attributes of the files and in
docs/adr/004-dependencies.md.
Needs `pip install pyshp` for coastlines.
"""

import argparse
import importlib
import logging
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # works from a source tree that is not installed

from foundations import coastlines
from foundations.netcdf_file import writing
from foundations.terminal import start_logging

ROOT = Path(__file__).resolve().parents[1]
CLIMATE = ROOT / "ecosys_sims" / "sites" / "climate_normals.nc"
CELL = 0.5  # degrees
DAYS = np.array([31, 28.2425, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
MONTHS = 12
GLOBAL_MEAN_RAIN = (900.0, 1200.0)  # kg m-2 year-1, by which the unit of `tp` is told

log = logging.getLogger("geography_tables")


def write_coastlines(folder: Path) -> None:
    """Rings of land and lakes at 0.01 degrees, about the accuracy of the map's scale of 1 to 50 million."""
    shapefile = importlib.import_module("shapefile")  # pyshp, which only this needs
    rings, counts, kinds = [], [], []
    for kind, name in ((coastlines.LAND, "ne_50m_land"), (coastlines.LAKE, "ne_50m_lakes")):
        for shape in shapefile.Reader(str(folder / name), encoding="utf-8", encodingErrors="replace").shapes():
            for first, last in zip(shape.parts, [*shape.parts[1:], len(shape.points)], strict=True):
                ring = np.round(np.array(shape.points[first:last])[:, :2] * 100.0).astype(np.int16)
                kept = np.append(True, (np.diff(ring, axis=0) != 0).any(axis=1))  # what rounding made equal
                if kept.sum() > coastlines.FEWEST_NODES:
                    rings.append(ring[kept])
                    counts.append(int(kept.sum()))
                    kinds.append(kind)
    nodes = np.concatenate(rings)
    mask = _land_mask(rings, kinds)
    with writing(coastlines.TABLE) as file:
        file.setncatts({
            "title": "coastlines, lake shores and land mask of the globe, 1:50m",
            "source": "Natural Earth, physical vectors 1:50m, land and lakes; rounded to 0.01 degrees",
            "references": "https://www.naturalearthdata.com",
            "license": "public domain",
        })  # fmt: skip
        file.createDimension("ring", len(counts))
        file.createDimension("node", len(nodes))
        for name, of_rings, about in (
            ("node_count", counts, "nodes of each ring, one after another"),
            ("kind", kinds, "what a ring encloses or, within another, cuts out"),
        ):
            column = file.createVariable(name, "i4", ("ring",), zlib=True)
            column.long_name = about
            column[:] = of_rings
        file["kind"].setncatts({"flag_values": np.array([0, 1], "i4"), "flag_meanings": "land lake"})
        for name, units, which in (("lon", "degrees_east", 0), ("lat", "degrees_north", 1)):
            axis = file.createVariable(name, "i2", ("node",), zlib=True, complevel=9)
            axis.setncatts({"units": units, "scale_factor": 0.01})
            axis.set_auto_scale(False)
            axis[:] = nodes[:, which]
        for name, length in zip(("row", "column"), mask.shape, strict=True):
            file.createDimension(name, length)
        land = file.createVariable("land", "u1", ("row", "column"), zlib=True, complevel=9, chunksizes=(720, 7200))
        land.long_name = "1 on land, 0 in the sea and in lakes; cells of 0.05 degrees from 90 S, 180 W"
        land[:] = mask
    log.info("%d rings, %d nodes: %s, %.0f kB", len(counts), len(nodes), coastlines.TABLE, _kilobytes(coastlines.TABLE))


def _land_mask(rings: list[np.ndarray], kinds: list[int]) -> np.ndarray:
    """Land at the centres of cells (3600, 7200), from the south and the west, of rings in 0.01 degrees."""
    from PIL import Image, ImageDraw

    rows, columns = coastlines.MASK_SHAPE
    image = Image.new("L", (columns, rows), 0)
    draw = ImageDraw.Draw(image)
    for kind in (coastlines.LAND, coastlines.LAKE):
        for outer in (True, False):
            for ring in (ring for ring, which in zip(rings, kinds, strict=True) if which == kind):
                if _clockwise(ring) == outer:  # shapefiles turn holes the other way
                    x, y = (ring / 100.0 + [180.0, 90.0]).T * rows / 180.0 - 0.5
                    draw.polygon(list(zip(x, y, strict=True)), fill=int((kind == coastlines.LAND) == outer))
    return np.asarray(image, dtype=np.uint8)


def _clockwise(ring: np.ndarray) -> bool:
    x, y = ring.astype(float).T
    return bool((x[:-1] * y[1:] - x[1:] * y[:-1]).sum() < 0)


def write_climate(source: Path) -> None:
    """Monthly normals on a grid of 0.5 degrees: cells with land and their neighbours, others missing."""
    import xarray as xr

    with xr.open_dataset(source) as file:
        monthly = file.sortby("latitude").assign_coords(longitude=(file.longitude + 180.0) % 360.0 - 180.0)
        monthly = monthly.sortby("longitude")
        lat, lon = monthly.latitude.to_numpy(), monthly.longitude.to_numpy()
        warmth, rain = monthly.t2m.to_numpy().astype(float), monthly.tp.to_numpy().astype(float)
    if warmth.mean() > 150.0:  # K
        warmth -= 273.15
    rain = np.maximum(rain, 0.0) * _to_month(rain, lat)
    # Nodes in the sea count little, so that a coast has the climate of its land.
    weight = 0.02 + coastlines.is_land(*np.meshgrid(lat, lon, indexing="ij"))
    cell_lat, cell_lon = np.arange(-90 + CELL / 2, 90, CELL), np.arange(-180 + CELL / 2, 180, CELL)
    total = _to_cells(weight)
    values = {"t_month": np.stack([_to_cells(month * weight) / total for month in warmth]),
              "p_month": np.stack([_to_cells(month * weight) / total for month in rain])}  # fmt: skip
    fraction = coastlines.land_fraction(CELL)
    near = fraction > 0
    near[1:] |= fraction[:-1] > 0
    near[:-1] |= fraction[1:] > 0
    near |= np.roll(near, 1, axis=1) | np.roll(near, -1, axis=1)
    near[cell_lat < -60] = False
    kept = {name: np.where(near, field, np.nan) for name, field in values.items()}
    _write_climate(cell_lat, cell_lon, fraction, kept)


def _to_month(rain: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Factor (12, 1, 1) to kg m-2 month-1, from whichever of the usual units gives the globe its mean."""
    days = DAYS[:, None, None]
    area = np.cos(np.radians(lat))[None, :, None] * np.ones_like(rain)
    for factor in (days * 1000.0, days, np.full_like(days, 1000.0), np.ones_like(days)):
        mean = MONTHS * np.average(rain * factor, weights=area)
        if GLOBAL_MEAN_RAIN[0] < mean < GLOBAL_MEAN_RAIN[1]:
            log.info("global mean precipitation: %.0f kg m-2 year-1", mean)
            return factor
    message = "tp is in none of the units m or mm, a day or a month"
    raise ValueError(message)


def _to_cells(nodes: np.ndarray) -> np.ndarray:
    """Means (360, 720) over cells of 0.5 degrees of values on nodes (721, 1440) at multiples of 0.25 degrees."""
    east = np.concatenate([nodes, nodes[:, :1]], axis=1)
    along = (east[:, 0:-2:2] + 2.0 * east[:, 1:-1:2] + east[:, 2::2]) / 4.0
    return (along[0:-2:2] + 2.0 * along[1:-1:2] + along[2::2]) / 4.0


def _write_climate(lat: np.ndarray, lon: np.ndarray, fraction: np.ndarray, values: dict[str, np.ndarray]) -> None:
    with writing(CLIMATE) as file:
        file.setncatts({
            "Conventions": "CF-1.11",
            "title": "climate normals 2000-2025 over land, 0.5 degrees",
            "source": "ERA5 monthly means (Hersbach et al. 2020, doi:10.1002/qj.3803), averaged over months and cells; "
                      "contains modified Copernicus Climate Change Service information 2026; neither the European "
                      "Commission nor ECMWF is responsible for any use of it",
            "references": "https://doi.org/10.24381/cds.f17050d7",
            "license": "CC-BY-4.0",
        })  # fmt: skip
        for name, axis, units in (("lat", lat, "degrees_north"), ("lon", lon, "degrees_east")):
            file.createDimension(name, len(axis))
            column = file.createVariable(name, "f4", (name,))
            column.units = units
            column[:] = axis
        file.createDimension("month", MONTHS)
        kept = file.createVariable("land_fraction", "u1", ("lat", "lon"), zlib=True, complevel=9)
        kept.setncatts({"standard_name": "land_area_fraction", "units": "1", "scale_factor": 0.005})
        kept[:] = fraction
        for name, units, step, about in (
            ("t_month", "degC", 0.1, "mean air temperature at 2 m of a month"),
            ("p_month", "kg m-2", 1.0, "precipitation of a month"),
        ):
            field = file.createVariable(
                name, "i2", ("month", "lat", "lon"), zlib=True, complevel=9, shuffle=True, fill_value=-32768
            )
            field.setncatts({"units": units, "long_name": about, "scale_factor": step})
            field[:] = np.ma.array(np.nan_to_num(values[name]), mask=np.isnan(values[name]))
    log.info("%s, %.0f kB", CLIMATE, _kilobytes(CLIMATE))


def _kilobytes(path: Path) -> float:
    return path.stat().st_size / 1000


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", choices=["coastlines", "climate"])
    parser.add_argument("source", type=Path)
    options = parser.parse_args(arguments)
    start_logging()
    (write_coastlines if options.table == "coastlines" else write_climate)(options.source)
    return 0


if __name__ == "__main__":
    sys.exit(main())
