"""The weather of a FLUXNET2015 file as a forcing file of the process model."""

from pathlib import Path

import numpy as np

from ecosys_sims.adapters import daily_record
from ecosys_sims.adapters import tower_weather as weather
from ecosys_sims.adapters.daily_record import ESTIMATED_EXTREMES, TowerRecord
from ecosys_sims.adapters.fluxnet2015_record import CO2, FluxnetRecord, hourly
from ecosys_sims.formats.errors import AdapterError
from ecosys_sims.formats.forcing_check import require_valid_forcing
from ecosys_sims.formats.forcing_file import TowerSite, write_forcing
from ecosys_sims.formats.units import ZERO_CELSIUS

SOURCE = "FLUXNET2015 file {name} (Pastorello et al. 2020, doi:10.1038/s41597-020-0534-3)"
LOWEST_CO2, HIGHEST_CO2 = 300.0, 1000.0  # 1e-6; outside: the analyser, not the air


def drivers(record: FluxnetRecord, site: TowerSite) -> dict[str, np.ndarray]:
    """Weather (T,) under the names of a forcing file, in its units; of hours or days."""
    column = dict(record.columns)
    count = len(record.times)
    column.setdefault("PA_F", np.full(count, weather.standard_pressure(site.elevation) / 1000.0))
    if record.kind == "DD":
        column.setdefault("LW_IN_F", np.full(count, np.nan))
        daily = TowerRecord(record.path, record.times[0].astype(object), column)
        forcing = daily_record.drivers(daily, site.lat)
        if "LW_IN_F" not in record.columns:
            del forcing["LWdown"]
    else:
        celsius, pressure = column["TA_F"], 1000.0 * column["PA_F"]
        rain, snow = weather.rain_and_snow(column["P_F"] / (3600.0 * record.hours), celsius)
        forcing = {
            "Tair": celsius + ZERO_CELSIUS,
            "Qair": weather.humidity_from_deficit(celsius, 100.0 * column["VPD_F"], pressure),
            "SWdown": np.maximum(column["SW_IN_F"], 0.0),
        }
        if "LW_IN_F" in column:
            forcing["LWdown"] = column["LW_IN_F"]
        forcing |= {"Rainf": rain, "Snowf": snow, "Wind": column["WS_F"], "PSurf": pressure}
    if CO2 in column and not np.isnan(column[CO2]).all():
        forcing["CO2air"] = _carbon_dioxide(column[CO2], record.times)
    return forcing


def _carbon_dioxide(measured: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Measured where it can be true, else the global mean of the year; 1e-6."""
    years = times.astype("datetime64[Y]").astype(int) + 1970
    with np.errstate(invalid="ignore"):
        plausible = (measured >= LOWEST_CO2) & (measured <= HIGHEST_CO2)
    return np.where(plausible, measured, weather.carbon_dioxide(years))


def write_tower_forcing(record: FluxnetRecord, site: TowerSite, path: str | Path) -> None:
    """Write the forcing file of a tower, hourly or daily; refuses monthly files and times that are not local."""
    if record.kind == "MM":
        message = (
            f"{record.path}: monthly values cannot drive the process model, which needs hourly or daily weather; "
            "take the HH, HR or DD file of the site, or ask for --observations alone"
        )
        raise AdapterError(message)
    record = hourly(record)
    forcing = drivers(record, site)
    start = record.times[0].astype("datetime64[s]").astype(object)
    if record.kind == "HR":
        before_midnight = (24 - start.hour) % 24  # records before the first midnight
        weather.check_local_time(f"{record.path}: SW_IN_F", forcing["SWdown"][before_midnight:], 24)
    comments = ESTIMATED_EXTREMES if record.kind == "DD" else None
    write_forcing(path, site, start, int(record.hours), forcing, SOURCE.format(name=record.path.name), comments)
    require_valid_forcing(path)
