"""Writes a forcing file of one site (docs/formats.md section 4) that also says where the site is and what it is."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import netCDF4
import numpy as np

from ecosys_sims.formats import biomes, variables
from ecosys_sims.formats.errors import AdapterError
from ecosys_sims.formats.forcing_variables import FORCING
from foundations import provenance
from foundations.netcdf_file import writing


@dataclass(frozen=True)
class TowerSite:
    """One site as &site_nl of the program wants it; units of docs/formats.md."""

    site_id: str
    lat: float
    lon: float
    biome: str
    elevation: float
    annual_precip: float
    continentality: float
    t_ann: float
    sand: float = 0.4
    clay: float = 0.2
    ph: float | None = None  # None: typical of the biome

    def __post_init__(self) -> None:
        if self.biome not in biomes.BY_NAME:
            message = f"site {self.site_id}: unknown biome {self.biome!r} (known: {', '.join(biomes.BY_NAME)})"
            raise AdapterError(message)
        if not (-90 <= self.lat <= 90 and -180 <= self.lon <= 180):
            message = f"site {self.site_id}: latitude {self.lat:g}, longitude {self.lon:g} are not on the globe"
            raise AdapterError(message)

    def columns(self) -> dict[str, float | int]:
        """Numbers by the names of a site table."""
        biome = biomes.BY_NAME[self.biome]
        return {
            "site_number": 1, "lat": self.lat, "lon": self.lon, "elevation": self.elevation, "sand": self.sand,
            "clay": self.clay, "ph": biome.ph if self.ph is None else self.ph, "biome": biome.flag,
            "annual_precip": self.annual_precip, "continentality": self.continentality, "t_ann": self.t_ann,
        }  # fmt: skip

    def statics(self) -> dict[str, np.ndarray]:
        """The columns and `site_id` as arrays of one site (1,), as a dataset has them."""
        columns = {name: np.array([value]) for name, value in self.columns().items()}
        return {"site_id": np.array([self.site_id]), **columns}


def write_forcing(
    path: str | Path,
    site: TowerSite,
    start: datetime,
    step_hours: int,
    columns: dict[str, np.ndarray],
    source: str,
    comments: dict[str, str] | None = None,
    time_zone: str = "local standard time",
) -> None:
    """Write regular data (T,), stamped at the start of each interval, with the site's own columns beside them."""
    with writing(path) as file:
        file.setncatts(
            {
                "Conventions": variables.CONVENTIONS,
                "featureType": "timeSeries",
                "title": f"weather at {site.site_id}",
                "source": source,
            }
        )
        file.history = f"{provenance.now()} written by ecosys_sims.adapters"
        file.git_hash = provenance.git_hash()
        count = len(next(iter(columns.values())))
        file.createDimension("time", count)
        file.createDimension("site", 1)
        _write_site(file, site)
        _write_time(file, start, step_hours, count, time_zone)
        for name, values in columns.items():
            series = file.createVariable(
                name, "f4", ("time", "site"), fill_value=np.float32(variables.FILL), zlib=True, fletcher32=True
            )
            described = FORCING[name]
            series.setncatts(
                {"units": described.units, "long_name": described.long_name, "coordinates": "lat lon site_id"}
            )
            if comments and name in comments:
                series.comment = comments[name]
            series[:, 0] = values


def _write_site(file: netCDF4.Dataset, site: TowerSite) -> None:
    identifier = file.createVariable("site_id", str, ("site",))
    identifier.setncatts({"long_name": "site identifier", "cf_role": "timeseries_id"})
    identifier[0] = site.site_id
    for name, value in site.columns().items():
        column = file.createVariable(name, "i4" if name in variables.INTEGERS else "f4", ("site",), fletcher32=True)
        column.setncatts(variables.attributes(variables.BY_NAME[name], coordinates=False))
        column[0] = value


def _write_time(file: netCDF4.Dataset, start: datetime, step_hours: int, count: int, time_zone: str) -> None:
    time = file.createVariable("time", "f8", ("time",), fletcher32=True)
    time.setncatts(
        {"standard_name": "time", "units": f"hours since {start:%Y-%m-%d %H:%M:%S}", "calendar": "standard",
         "stamp": "start", "time_zone": time_zone, "units_metadata": "leap_seconds: none"}
    )  # fmt: skip
    time[:] = np.arange(count) * float(step_hours)
