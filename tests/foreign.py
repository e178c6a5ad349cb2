"""Datasets of other people's models, in their own names and units, of which our table knows next to nothing.

`methane_wet`: what X-MethaneWet is driven by, eight maps (three of them classes), yearly CO2 and CH4, daily
PREC SOLR TAIR VAPR and monthly NPP, with one target CH4. `kgml_ag`: the 19 inputs of KGML-ag (Liu et al. 2024, Nature
Communications 15:357), of which the crop is a class that changes with the year, with Ra, Rh and NEE = Ra + Rh - GPP.
"""

from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

Column = tuple[np.ndarray, dict[str, Any]]
"""Values (site,) or (site, time), and attributes."""

WETLANDS = ("none", "peatland", "marsh", "floodplain")
VEGETATION = ("tundra", "boreal_forest", "tropical_forest", "grassland")
KOEPPEN = ("Af", "Cfb", "Dfc", "ET")
CROPS = ("corn", "soybean")
SOIL = ("TBKDS", "TSAND", "TSILT", "TFC", "TWP", "TKSAT", "TSOC", "TPH", "TCEC")


def methane_wet(path: Path, sites: int = 12, years: int = 3, seed: int = 1) -> Path:
    """Write a dataset as X-MethaneWet has it."""
    random, days = np.random.default_rng(seed), 365 * years
    place, weather = _places(random, sites), _weather(random, sites, days)
    wetland, year = random.integers(0, 4, sites), np.arange(days) // 365
    month = np.minimum(np.arange(days) % 365 // 31, 11)
    npp = random.uniform(10, 80, (sites, 12))[:, month]
    warmth = np.exp(0.07 * weather["TAIR"])
    methane = np.where(wetland > 0, wetland, -0.05)[:, None] * 0.01 * warmth * (0.5 + npp / 80)
    static, slow, fast = ({"role": role} for role in ("static", "slow", "fast"))
    columns: dict[str, Column] = place | {
        "PHW": (random.uniform(4, 8, sites), static | {"units": "1", "long_name": "topsoil pH"}),
        "CLAY": (random.uniform(5, 50, sites), static | {"units": "%"}),
        "SILT": (random.uniform(5, 50, sites), static | {"units": "%"}),
        "BULK": (random.uniform(0.1, 1.6, sites), static | {"units": "g cm-3"}),
        "ELEV": (random.uniform(0, 900, sites), static | {"units": "m"}),
        "WETTYPE": (wetland, static | _flags(WETLANDS, first=0)),
        "VEG": (random.integers(1, 5, sites), static | _flags(VEGETATION)),
        "CLIM": (random.integers(1, 5, sites), static | _flags(KOEPPEN)),
        "CO2": (np.broadcast_to(370.0 + 2 * year, (sites, days)), slow | {"units": "ppm"}),
        "CH4AIR": (np.broadcast_to(1750.0 + 5 * year, (sites, days)), slow | {"units": "ppb"}),
        "PREC": (
            weather["PREC"],
            fast | {"units": "mm day-1", "standard_name": "precipitation_flux", "valid_min": 0.0},
        ),
        "SOLR": (weather["SOLR"], fast | {"units": "W m-2"}),
        "TAIR": (weather["TAIR"], fast | {"units": "degC", "valid_range": np.array([-90.0, 60.0])}),
        "VAPR": (weather["VAPR"], fast | {"units": "hPa"}),
        "NPP": (npp, slow | {"units": "gC m-2 month-1"}),
        "CH4": (methane, {"role": "target", "units": "g m-2 day-1", "analysis_units": "mg m-2 day-1"}),
    }
    return _write(path, columns, sites, days)


def kgml_ag(path: Path, sites: int = 12, years: int = 3, seed: int = 2) -> Path:
    """Write a dataset as KGML-ag has it."""
    random, days = np.random.default_rng(seed), 365 * years
    weather, year = _weather(random, sites, days), np.arange(days) // 365
    crop = 1 + (np.arange(sites)[:, None] + year) % 2
    season = np.clip(np.sin(2 * np.pi * (np.arange(days) % 365 - 90) / 365), 0, None)
    gpp = (20.0 * season * np.where(crop == 1, 1.0, 0.6)).astype(np.float32)
    ra = (0.4 * gpp + 0.1).astype(np.float32)
    rh = (random.uniform(0.5, 2.0, (sites, 1)) * np.exp(0.05 * weather["TAIR"])).astype(np.float32)
    fast, carbon = {"role": "fast"}, {"role": "target", "units": "g m-2 day-1"}
    soil = {name: (random.uniform(0.1, 2.0, sites), {"role": "static", "units": "1"}) for name in SOIL}
    columns: dict[str, Column] = _places(random, sites) | soil
    columns |= {
        "RADN": (weather["SOLR"] * 0.0864, fast | {"units": "MJ m-2 day-1", "cell_methods": "time: sum"}),
        "TMAX_AIR": (weather["TAIR"] + 5, fast | {"units": "degC", "cell_methods": "time: maximum"}),
        "TDIF_AIR": (random.uniform(4, 15, (sites, days)), fast | {"units": "K"}),
        "HMAX_AIR": (weather["VAPR"] / 10, fast | {"units": "kPa", "cell_methods": "time: maximum"}),
        "HDIF_AIR": (random.uniform(0, 0.5, (sites, days)), fast | {"units": "kPa"}),
        "WIND": (random.uniform(50, 400, (sites, days)), fast | {"units": "km day-1"}),
        "PRECN": (weather["PREC"], fast | {"units": "mm day-1", "skewed": "yes"}),
        "CROP": (crop, {"role": "slow"} | _flags(CROPS)),
        "GPP": (gpp, fast | {"units": "g m-2 day-1"}),
        "YEAR": (np.broadcast_to(2001.0 + year, (sites, days)), {"role": "slow", "units": "1"}),
        "Ra": (ra, carbon | {"long_name": "autotrophic respiration", "minimum": 0.0}),
        "Rh": (rh, carbon | {"long_name": "heterotrophic respiration", "minimum": 0.0}),
        "NEE": (ra + rh - gpp, carbon | {"long_name": "net ecosystem exchange", "identity": "Ra + Rh - GPP"}),
    }
    return _write(path, columns, sites, days)


def _places(random: np.random.Generator, sites: int) -> dict[str, Column]:
    return {
        "lat": (random.uniform(-50, 70, sites), {"role": "static", "units": "degrees_north"}),
        "lon": (random.uniform(-170, 170, sites), {"role": "static", "units": "degrees_east"}),
    }


def _weather(random: np.random.Generator, sites: int, days: int) -> dict[str, np.ndarray]:
    season = -np.cos(2 * np.pi * np.arange(days) / 365)
    tair = 8.0 + 10.0 * season + random.normal(0, 2, (sites, days))
    return {
        "TAIR": tair,
        "SOLR": 150.0 + 100.0 * season + random.normal(0, 10, (sites, days)),
        "PREC": np.where(random.random((sites, days)) < 0.3, random.exponential(6.0, (sites, days)), 0.0),
        "VAPR": 6.0 * np.exp(0.06 * tair),
    }


def _flags(meanings: tuple[str, ...], first: int = 1) -> dict[str, Any]:
    numbers = np.arange(first, first + len(meanings), dtype=np.int32)
    return {"flag_values": numbers, "flag_meanings": " ".join(meanings)}


def _write(path: Path, columns: dict[str, Column], sites: int, days: int) -> Path:
    with netCDF4.Dataset(path, "w") as file:
        file.setncatts({"Conventions": "CF-1.11", "featureType": "timeSeries", "ecostep_dataset_version": np.int32(2)})
        file.createDimension("site", sites)
        file.createDimension("time", days)
        names = file.createVariable("site_id", str, ("site",))
        names.cf_role = "timeseries_id"
        names[:] = np.array([f"cell{number}" for number in range(sites)], object)
        time = file.createVariable("time", "f8", ("time",))
        time.setncatts({"units": "days since 2001-01-01 00:00:00", "calendar": "noleap"})
        time[:] = np.arange(days) + 0.5
        for name, (values, attributes) in columns.items():
            kind = "i4" if "flag_values" in attributes else "f4"
            variable = file.createVariable(name, kind, ("site", "time")[: np.ndim(values)])
            variable.setncatts({"long_name": name} | attributes)
            variable[:] = values
    return path
