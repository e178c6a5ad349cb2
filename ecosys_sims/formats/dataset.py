"""The layout of a dataset (docs/formats.md section 1): dimensions, coordinates, statics, and empty daily variables."""

from datetime import date

import netCDF4
import numpy as np

from ecosys_sims.formats import variables
from ecosys_sims.formats.site_table import SiteTable
from foundations import provenance

CHUNK_VALUES = 1 << 18  # 1 MiB of float32: one chunk is one block of sites over some years
REFERENCES = "https://cfconventions.org/cf-conventions/cf-conventions.html; docs/formats.md"


def common_attributes(title: str, institution: str, source: str, history: str) -> dict[str, str | np.int32]:
    """Global attributes that every dataset has, simulated or observed."""
    return {
        "Conventions": variables.CONVENTIONS,
        "featureType": "timeSeries",
        "title": title,
        "institution": institution,
        "source": source,
        "history": f"{provenance.now()} {history}",
        "references": REFERENCES,
        "ecostep_dataset_version": np.int32(variables.DATASET_VERSION),
        "git_hash": provenance.git_hash(),
    }


def sites_as_statics(sites: SiteTable) -> dict[str, np.ndarray]:
    """The static variables of a dataset, and `site_id`."""
    return {"site_id": sites.site_id, **{static.name: getattr(sites, static.name) for static in variables.STATICS}}


def create_layout(
    file: netCDF4.Dataset,
    statics: dict[str, np.ndarray],
    first_day: date,
    days: int,
    calendar: str,
    chunk_sites: int,
    daily: tuple[variables.Variable, ...] = variables.DAILY,
) -> None:
    """Dimensions, coordinates, statics (N,) with their values, and the empty `daily` variables (N, T) of a dataset."""
    sites = len(statics["site_id"])
    file.createDimension("site", sites)
    file.createDimension("time", days)
    file.createDimension("nv", 2)
    _write_statics(file, statics, first_day, days, calendar)
    chunk_sites = min(chunk_sites, sites)
    chunks = (chunk_sites, max(1, min(days, CHUNK_VALUES // chunk_sites)))
    for variable in daily:
        series = file.createVariable(
            variable.name, "f4", ("site", "time"), fill_value=np.float32(variables.FILL),
            zlib=True, complevel=1, shuffle=True, fletcher32=True, chunksizes=chunks,
        )  # fmt: skip
        series.setncatts(variables.attributes(variable))
        series.set_auto_mask(False)


def _write_statics(
    file: netCDF4.Dataset, statics: dict[str, np.ndarray], first_day: date, days: int, calendar: str
) -> None:
    identifier = file.createVariable("site_id", str, ("site",))
    identifier.setncatts({"long_name": "site identifier", "cf_role": "timeseries_id"})
    identifier[:] = np.asarray(statics["site_id"], dtype=object)
    _write_time(file, first_day, days, calendar)
    for variable in variables.STATICS:
        integer = variable.name in variables.INTEGERS
        fill = None if variable.name in ("lat", "lon") or integer else np.float32(variables.FILL)
        column = file.createVariable(
            variable.name, "i4" if integer else "f4", ("site",), fill_value=fill, fletcher32=True
        )
        column.setncatts(variables.attributes(variable))
        values = np.asarray(statics[variable.name])
        column[:] = values if integer else np.where(np.isnan(values), variables.FILL, values)


def _write_time(file: netCDF4.Dataset, first_day: date, days: int, calendar: str) -> None:
    units = f"days since {first_day:%Y-%m-%d} 00:00:00"
    time = file.createVariable("time", "f8", ("time",), fletcher32=True)
    time.setncatts(
        {"standard_name": "time", "long_name": "middle of the day", "axis": "T", "units": units, "calendar": calendar,
         "bounds": "time_bnds"}
    )  # fmt: skip
    if calendar == "standard":
        time.units_metadata = "leap_seconds: none"
    time[:] = np.arange(days) + 0.5
    bounds = file.createVariable("time_bnds", "f8", ("time", "nv"), fletcher32=True)
    bounds[:, 0] = np.arange(days)
    bounds[:, 1] = np.arange(days) + 1.0


def write_series(file: netCDF4.Dataset, name: str, series: np.ndarray) -> None:
    """Write daily values (T,) of the one site of a file; fill values where they are NaN."""
    file[name][0, :] = np.where(np.isnan(series), variables.FILL, series)
