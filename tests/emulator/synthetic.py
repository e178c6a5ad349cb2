"""A small dataset of the format of docs/formats.md, made without the simulator: hidden site parameters, structured in
space.

The fluxes follow simple rules (light use with a temperature optimum, Q10 respiration, methane from warm wet soil), so
that a model can learn them, and hidden parameters that vary smoothly over the globe, so that history and neighbours can
tell something.
"""

from pathlib import Path

import cftime
import netCDF4
import numpy as np

from emulator.data.signature import HOST_STATES, METEOROLOGY, STATICS, TARGETS
from foundations.variables import BIOMES, VARIABLES

DRIVERS = (*METEOROLOGY, "tasmin", "tasmax", *HOST_STATES)
FILL = 9.96921e36


def write_dataset(
    path: Path,
    *,
    sites: int = 12,
    years: int = 3,
    first_year: int = 2003,
    calendar: str = "standard",
    days: slice = slice(None),
    seed: int = 0,
) -> Path:
    """Write a conforming `dataset.nc`, or some consecutive `days` of it. The leap year 2004 is among the default
    years.
    """
    random = np.random.default_rng(seed)
    units = f"days since {first_year}-01-01 00:00:00"
    end = cftime.datetime(first_year + years, 1, 1, calendar=calendar)
    time = np.arange((end - cftime.datetime(first_year, 1, 1, calendar=calendar)).days)[days] + 0.5
    dates = cftime.num2date(time, units, calendar)
    fraction = np.array([(date.dayofyr - 0.5) / 365.25 for date in dates])
    static = _statics(random, sites)
    values = _weather(random, static, fraction)
    values |= _fluxes(random, static, values)
    with netCDF4.Dataset(path, "w") as file:
        _write_frame(file, sites, time, units, calendar)
        for name in STATICS:
            _write_static(file, name, static[name])
        for name in (*DRIVERS, *TARGETS):
            _write_series(file, name, values[name])
    return path


def _statics(random: np.random.Generator, sites: int) -> dict[str, np.ndarray]:
    """Sites in loose clusters over the globe."""
    clusters = max(2, sites // 3)
    centre = np.stack([random.uniform(-50, 70, clusters), random.uniform(-170, 170, clusters)])
    place = centre[:, np.arange(sites) % clusters] + random.normal(0, 2.0, (2, sites))
    return {
        "lat": place[0],
        "lon": np.clip(place[1], -180, 180),
        "elevation": random.uniform(0, 1500, sites),
        "sand": random.uniform(0.1, 0.6, sites),
        "clay": random.uniform(0.05, 0.4, sites),
        "ph": random.uniform(4, 8, sites),
        "biome": random.choice(list(BIOMES), sites),
    }


def _hidden(static: dict[str, np.ndarray], random: np.random.Generator, phase: float) -> np.ndarray:
    """A hidden parameter of order one, (N, 1): mostly a smooth field over the globe, partly noise."""
    lat, lon = np.deg2rad(static["lat"]), np.deg2rad(static["lon"])
    field = np.sin(2 * lat + phase) + np.cos(lon + 2 * phase) * np.cos(lat)
    return np.exp(0.4 * field + 0.15 * random.normal(size=len(lat)))[:, None]


def _weather(random: np.random.Generator, static: dict[str, np.ndarray], fraction: np.ndarray) -> dict[str, np.ndarray]:
    sites, days = len(static["lat"]), len(fraction)
    lat = np.deg2rad(static["lat"])[:, None]
    noise = np.zeros((4, sites, days))
    for day in range(1, days):
        noise[:, :, day] = 0.8 * noise[:, :, day - 1] + 0.6 * random.normal(size=(4, sites))
    season = -np.cos(2 * np.pi * fraction) * np.sign(lat)
    tas = 298 - 35 * np.abs(np.sin(lat)) ** 1.5 + 14 * np.abs(np.sin(lat)) * season + 3 * noise[0]
    wet = noise[1] > 0.5
    rsds = np.clip((150 + 110 * np.abs(np.sin(lat)) * season) * (1 - 0.4 * wet) + 20 * noise[2], 5, 450)
    elapsed = np.arange(days) / 365.25
    values = {
        "tas": tas,
        "tasmin": tas - 4,
        "tasmax": tas + 5,
        "pr": np.where(wet, random.exponential(1e-4, (sites, days)), 0.0),
        "rsds": rsds,
        "rlds": 0.85 * 5.67e-8 * tas**4,
        "vpd": 150 * np.exp(0.06 * (tas - 283)) * (1 - 0.5 * wet),
        "sfcWind": 3 + np.abs(noise[3]),
        "ps": np.broadcast_to(101325 * np.exp(-static["elevation"][:, None] / 8000), tas.shape),
        "co2": np.broadcast_to(375 + 2 * elapsed, tas.shape),
        "ch4": np.broadcast_to(1770 + 5 * elapsed, tas.shape),
    }
    smooth = np.apply_along_axis(
        lambda row: np.convolve(np.pad(row, (14, 0), "edge"), np.full(15, 1 / 15), "valid"), 1, tas
    )
    values["tsl"] = 0.5 * (smooth + np.maximum(smooth, 273.15))
    values["wtd"] = 0.3 - 0.2 * noise[1]
    values["mrsos"] = np.clip(30 + 10 * noise[1], 2, 60)
    values["snw"] = np.clip(273.15 - smooth, 0, None) * 4
    values["lai"] = 0.3 + 4 / (1 + np.exp(-(smooth - 283) / 3))
    values["evspsbl"] = 1e-7 * rsds * values["lai"]
    return values


def _fluxes(
    random: np.random.Generator, static: dict[str, np.ndarray], values: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """kg m-2 s-1, with nee = ra + rh - gpp."""
    productivity, decay, methane = (_hidden(static, random, phase) for phase in (0.3, 1.7, 2.9))
    wetland = (static["biome"] <= 6)[:, None]
    warmth = np.clip((values["tas"] - 273.15) / 20, 0, 1.2)
    gpp = productivity * 1.0e-9 * values["rsds"] * warmth * values["lai"] / 4
    ra = 0.45 * gpp + 2e-9 * 2 ** ((values["tas"] - 283) / 10)
    rh = decay * 1.5e-8 * 2.2 ** ((values["tsl"] - 283) / 10)
    emission = methane * 6e-10 * 3.0 ** ((values["tsl"] - 283) / 10) / (1 + np.exp(8 * (values["wtd"] - 0.3)))
    uptake = 1.2e-11 * methane * 1.5 ** ((values["tsl"] - 283) / 10)
    fch4 = np.where(wetland, emission, -uptake)
    gpp, ra, rh, fch4 = (flux.astype(np.float32) for flux in (gpp, ra, rh, fch4))
    return {"gpp": gpp, "ra": ra, "rh": rh, "nee": ra + rh - gpp, "fch4": fch4}


def _write_frame(file: netCDF4.Dataset, sites: int, time: np.ndarray, units: str, calendar: str) -> None:
    file.setncatts(
        {
            "Conventions": "CF-1.11",
            "featureType": "timeSeries",
            "title": "synthetic dataset for tests",
            "institution": "none",
            "source": "tests/emulator/synthetic.py",
            "history": "made for a test",
            "references": "none",
            "ecostep_dataset_version": np.int32(1),
            "git_hash": "none",
            "seed": np.int32(0),
            "config": "",
            "namelist": "",
        }
    )
    file.createDimension("site", sites)
    file.createDimension("time", len(time))
    file.createDimension("nv", 2)
    names = file.createVariable("site_id", str, ("site",))
    names.cf_role = "timeseries_id"
    names[:] = np.array([f"S{index:04d}" for index in range(sites)], object)
    axis = file.createVariable("time", "f8", ("time",))
    axis.setncatts({"units": units, "calendar": calendar, "bounds": "time_bnds", "standard_name": "time"})
    axis[:] = time
    bounds = file.createVariable("time_bnds", "f8", ("time", "nv"))
    bounds[:] = np.stack([time - 0.5, time + 0.5], axis=1)


def _write_static(file: netCDF4.Dataset, name: str, values: np.ndarray) -> None:
    variable = VARIABLES[name]
    kind = "i4" if variable.flag_values else "f4"
    out = file.createVariable(name, kind, ("site",))
    out.setncatts({"long_name": variable.long_name, "role": "static", "units": variable.units})
    if variable.flag_values:
        out.flag_values = np.array(variable.flag_values, np.int32)
        out.flag_meanings = " ".join(BIOMES.values())
    out[:] = values


def _write_series(file: netCDF4.Dataset, name: str, values: np.ndarray) -> None:
    variable = VARIABLES[name]
    out = file.createVariable(name, "f4", ("site", "time"), fill_value=np.float32(FILL))
    out.setncatts(
        {
            "units": variable.units,
            "long_name": variable.long_name,
            "role": variable.role,
            "cell_methods": "time: mean",
            "coordinates": "lat lon site_id",
        }
    )
    if variable.analysis_units:
        out.analysis_units = variable.analysis_units
    out[:] = values.astype(np.float32)
