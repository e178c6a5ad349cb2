"""What a FLUXNET2015 tower measured, as a dataset of days, or as a file of months."""

from pathlib import Path

import netCDF4
import numpy as np

from ecosys_sims.adapters import tower_weather as weather
from ecosys_sims.adapters.daily_record import ESTIMATED, without_faults
from ecosys_sims.adapters.fluxnet2015_forcing import SOURCE, drivers
from ecosys_sims.adapters.fluxnet2015_record import CO2, GOOD_FILL, REFERENCES, FluxnetRecord, by_day, hourly
from ecosys_sims.formats import variables
from ecosys_sims.formats.dataset import common_attributes, create_layout, write_series
from ecosys_sims.formats.dataset_check import require_valid_dataset
from ecosys_sims.formats.errors import AdapterError
from ecosys_sims.formats.forcing_file import TowerSite
from ecosys_sims.formats.units import (
    CARBON_OF_MICROMOL,
    KG_PER_GRAM_DAY,
    SECONDS_PER_DAY,
    VAPORISATION,
    ZERO_CELSIUS,
)
from foundations.netcdf_file import writing

# Beside the variables of docs/formats.md: what towers measure and the process model has under other names.
TOWER_VARIABLES = {
    "reco": variables.Variable(
        # No standard_name: the CF table has the respiration of plants and of soil only.
        "reco", "kg m-2 s-1", "target", "ecosystem respiration", cell_method="mean", analysis_units="g m-2 day-1",
        daily_min=-1.0e-7, daily_max=2.0e-6,
    ),
    "hfss": variables.Variable(
        "hfss", "W m-2", "state", "sensible heat flux", standard_name="surface_upward_sensible_heat_flux",
        cell_method="mean", daily_min=-1000.0, daily_max=1000.0,
    ),
}  # fmt: skip


def fluxes(record: FluxnetRecord, min_quality: float) -> dict[str, np.ndarray]:
    """Daily or monthly fluxes in file units, upward positive but gpp; NaN where less than `min_quality` is sure.

    The quality of a day is the share of its intervals that were measured or filled well (flags 0 and 1), as the
    collection has it in its own daily and monthly files.
    """
    measured = {}
    carbon = CARBON_OF_MICROMOL if record.sub_daily else KG_PER_GRAM_DAY
    scales = {"nee": carbon, "gpp": carbon, "reco": carbon, "evspsbl": 1.0 / VAPORISATION, "hfss": 1.0}
    for target, scale in scales.items():
        if target not in record.columns:
            continue
        values, quality = record.columns[target] * scale, record.columns[f"{target}_qc"]
        if record.sub_daily:
            values, quality = by_day(record, values), by_day(record, (quality <= GOOD_FILL).astype(float))
        values = np.where(quality >= min_quality, values, np.nan)
        variable = TOWER_VARIABLES.get(target) or variables.BY_NAME[target]
        measured[target] = without_faults(record.path, target, values, *variables.possible_range(variable))
    return measured


def daily_values(
    record: FluxnetRecord, site: TowerSite, min_quality: float
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Days and all daily variables of a dataset, NaN where not known."""
    forcing = drivers(hourly(record), site)
    deficit = 100.0 * record.columns["VPD_F"]
    if record.kind == "DD":
        days = record.times
        lowest, highest = forcing["Tmin"], forcing["Tmax"]
    else:
        hours = hourly(record)
        days = by_day(hours, hours.times, _first_of_each).astype("datetime64[D]")
        lowest, highest = (by_day(hours, forcing["Tair"], reduce) for reduce in (np.min, np.max))
        forcing = {name: by_day(hours, values) for name, values in forcing.items()}
        deficit = by_day(record, deficit)
    years = days.astype("datetime64[Y]").astype(int) + 1970
    values = {
        "tas": forcing["Tair"], "tasmin": lowest, "tasmax": highest, "pr": forcing["Rainf"] + forcing["Snowf"],
        "rsds": forcing["SWdown"], "vpd": deficit, "sfcWind": forcing["Wind"], "ps": forcing["PSurf"],
        "co2": forcing.get("CO2air", weather.carbon_dioxide(years)), "ch4": weather.methane(years),
        **fluxes(record, min_quality),
    }  # fmt: skip
    if "LWdown" in forcing:
        values["rlds"] = forcing["LWdown"]
    count = min(len(days), *(len(series) for series in values.values()))
    return days[:count], {name: series[:count] for name, series in values.items()}


def _first_of_each(rows: np.ndarray, axis: int) -> np.ndarray:
    return np.take(rows, 0, axis=axis)


def write_observations(record: FluxnetRecord, site: TowerSite, path: str | Path, min_quality: float = 0.75) -> int:
    """Write the days as a dataset (docs/formats.md section 1), or the months as a file of the same variables.

    Returns how many days or months have NEE.
    """
    monthly = record.kind == "MM"
    _require_fluxes(record)
    times, values = _monthly_values(record, min_quality) if monthly else daily_values(record, site, min_quality)
    daily = tuple(variable for variable in (*variables.DAILY, *TOWER_VARIABLES.values()) if variable.name in values)
    start = times[0].astype("datetime64[D]").astype(object)
    with writing(path) as file:
        source = SOURCE.format(name=record.path.name)
        history = "written by ecosys_sims.adapters.fluxnet2015"
        file.setncatts(common_attributes(f"observations at {site.site_id}", "FLUXNET2015", source, history))
        file.comment = f"fluxes with at least {min_quality:g} of their half-hours measured or filled well"
        create_layout(file, site.statics(), start, len(times), "standard", 1, daily)
        if monthly:
            _stamp_months(file, times)
        elif record.kind == "DD":
            for name in ("tasmin", "tasmax"):
                file[name].comment = ESTIMATED
        for name, series in values.items():
            write_series(file, name, series)
    if not monthly:
        require_valid_dataset(path)
    return int(np.isfinite(values["nee"]).sum())


def _require_fluxes(record: FluxnetRecord) -> None:
    """Raise AdapterError for a file whose observations would hold no net exchange, with the column that is missing."""
    if "nee" in record.columns:
        return
    absent = [name for name in record.absent_qualities if name.startswith("NEE")]
    reason = (
        f"column {absent[0]} is missing, without which the quality of NEE is not known"
        if absent
        else f"column NEE_{REFERENCES[0]} or NEE_{REFERENCES[1]} is missing"
    )
    message = (
        f"{record.path}: {reason}; there are no observations to write, take the FULLSET or SUBSET file as published"
    )
    raise AdapterError(message)


def _monthly_values(record: FluxnetRecord, min_quality: float) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Months and the variables that a monthly file has; weather may have gaps."""
    column = record.columns
    values = {
        "tas": column["TA_F"] + ZERO_CELSIUS, "pr": column["P_F"] / SECONDS_PER_DAY, "rsds": column["SW_IN_F"],
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
