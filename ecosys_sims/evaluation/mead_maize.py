"""US-Ne1 at Mead, Nebraska: monthly fluxes of FLUXNET2015 beside a run with the hourly weather of the ecosys case."""

import csv
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from ecosys_sims.adapters import ecosys_weather
from ecosys_sims.evaluation.calibration import Plan, Range
from ecosys_sims.evaluation.comparison import CalibrationTask, compare
from ecosys_sims.evaluation.crop_cases import CONTINUOUS_MAIZE, FERTILISER, MEAD, WATER, has_crops
from ecosys_sims.evaluation.member_runs import SiteCase, drop_site_dimension
from ecosys_sims.evaluation.steps import write_arrays
from ecosys_sims.evaluation.tower_observations import DaySplit
from ecosys_sims.formats.errors import AdapterError
from ecosys_sims.formats.forcing_file import write_forcing

MONTHLY, FORCING = "fluxnet2015_monthly_cro_wet/US-Ne1_MM.csv", "ecosys_mead_forcing"
COLUMNS = {"gpp": "GPP_NT_VUT_REF", "nee": "NEE_VUT_REF"}
LEAST_QUALITY = 0.5  # share of measured or well-filled half-hours of a month
CARBON: tuple[Range, ...] = (
    Range("kphio", "carbon", 0.6, 1.5, relative=True),
    Range("lai_max", "carbon", 3.0, 8.0),
    Range("rm25", "carbon", 0.4, 2.2, relative=True, log=True),
    Range("maturity", "carbon", 0.4, 1.5),
    Range("som_mult", "carbon", 0.3, 3.0, log=True),
)
CROP: tuple[Range, ...] = (
    Range("sow_shift", "carbon", -15.0, 15.0),
    Range("gdd_factor", "carbon", 0.8, 1.25),
)


def has_data(data: Path) -> bool:
    """Whether fluxes and weather are there."""
    return (data / MONTHLY).is_file() and (data / FORCING).is_dir()


def read_monthly(path: Path, months: np.ndarray) -> dict[str, np.ndarray]:
    """Fluxes (M,), g C m-2 day-1, of numpy months; NaN where less than half of the half-hours are good."""
    fluxes = {name: np.full(len(months), np.nan) for name in COLUMNS}
    index_of = {str(month): index for index, month in enumerate(months)}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            stamp = row["TIMESTAMP"]
            index = index_of.get(f"{stamp[:4]}-{stamp[4:6]}")
            try:
                if index is not None and float(row["NEE_VUT_REF_QC"]) >= LEAST_QUALITY:
                    for name, column in COLUMNS.items():
                        fluxes[name][index] = float(row[column])
            except (KeyError, ValueError) as error:
                message = f"{path}, {stamp}: {error}"
                raise AdapterError(message) from error
    return fluxes


def compare_mead(data: Path, work: Path, plan: Plan) -> dict[str, Any]:
    """Scores of monthly means, default and calibrated on odd years; series in mead.npz."""
    work.mkdir(parents=True, exist_ok=True)
    paths = sorted((data / FORCING).glob("me0?w.csv"))
    start, step, quantities = ecosys_weather.read_years(paths, MEAD.elevation)
    columns = ecosys_weather.drivers(quantities, step)
    write_forcing(work / "mead_one.nc", MEAD, datetime(start.year, 1, 1), step, columns, "ecosys")
    forcing = drop_site_dimension(work / "mead_one.nc", work / "mead.nc")
    days = len(quantities["temperature"]) * step // 24
    case = SiteCase(MEAD, forcing, date(start.year, 1, 1), days, spinup_years=3)
    crops = has_crops()
    if crops:
        case = case.with_namelist(crop_nl={"rotation": CONTINUOUS_MAIZE, "n_fertiliser": FERTILISER},
                                  hydro_nl={"irrigation": WATER})  # fmt: skip
    months = np.unique((np.datetime64(case.start) + np.arange(days)).astype("datetime64[M]"))
    year = months.astype("datetime64[Y]").astype(int) + 1970
    odd = year % 2 == 1
    years = [int(y) for y in np.unique(year)]
    text = f"{', '.join(str(y) for y in years if y % 2)} | {', '.join(str(y) for y in years if not y % 2)}"
    observed = read_monthly(data / MONTHLY, months)
    ranges = CARBON + (CROP if crops else ())
    split = DaySplit(odd, ~odd, text)
    task = CalibrationTask(case, observed, split, ranges, {"carbon": tuple(COLUMNS)}, plan, months=True)
    results, series = compare(task, work / ".mead")
    write_arrays(work / "mead.npz", series)
    return {"start": case.start.isoformat(), "months": len(months), "crops": crops, **results}
