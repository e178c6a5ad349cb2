"""The pine plantation of Duke Forest as the original ecosys (R. F. Grant) simulated it, 1980 to 1993, beside ours."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from ecosys_sims.adapters import ecosys_weather
from ecosys_sims.adapters.tower_weather import conrad_continentality
from ecosys_sims.evaluation.calibration import Plan, Range
from ecosys_sims.evaluation.comparison import CalibrationTask, compare
from ecosys_sims.evaluation.flux_scores import rounded
from ecosys_sims.evaluation.member_runs import SiteCase, drop_site_dimension
from ecosys_sims.evaluation.steps import write_arrays
from ecosys_sims.evaluation.tower_observations import DaySplit
from ecosys_sims.formats.errors import AdapterError
from ecosys_sims.formats.forcing_file import TowerSite, write_forcing
from ecosys_sims.formats.units import DAYS_PER_YEAR, ZERO_CELSIUS

FOLDER = "ecosys_dukeforest"
# Latitude, height, texture and pH are those of the run's site and soil files; longitude only names the place.
LATITUDE, LONGITUDE, ELEVATION, SAND, CLAY, PH = 35.875, -79.1, 130.0, 0.48, 0.09, 5.9
CARBON_DIOXIDE = 340.6  # 1e-6, constant in that run
FELLED, GROWN = 1982, 1988  # from felling to the year in which the new stand photosynthesises like a forest again
COLUMNS = {"gpp": "ECO_GPP", "ra": "ECO_RA", "rh": "ECO_RH"}
RANGES: tuple[Range, ...] = (
    Range("kphio", "carbon", 0.6, 1.5, relative=True),
    Range("lai_max", "carbon", 2.0, 9.0),
    Range("lai_min", "carbon", 0.05, 0.9),
    Range("b0", "carbon", 0.1, 1.0),
    Range("rm25", "carbon", 0.5, 3.0, relative=True, log=True),
    Range("maturity", "carbon", 0.2, 1.2),
    Range("som_mult", "carbon", 0.3, 3.0, log=True),
)


def has_data(data: Path) -> bool:
    """Whether the run is there."""
    return (data / FOLDER / "output_daily").is_dir() and (data / FOLDER / "forcing").is_dir()


def read_fluxes(folder: Path) -> tuple[date, dict[str, np.ndarray]]:
    """First day, and GPP, Ra and Rh (T,), g C m-2 day-1, positive; raises AdapterError.

    The files hold sums since 1 January, with losses negative.
    """
    daily: dict[str, list[np.ndarray]] = {name: [] for name in COLUMNS}
    paths = sorted(folder.glob("01010????dc"))
    if not paths:
        message = f"{folder}: no files 01010<year>dc"
        raise AdapterError(message)
    for path in paths:
        lines = path.read_text().split("\n")
        header = lines[0].split()
        try:
            table = np.array([[float(cell) for cell in line.split()] for line in lines[1:] if line.strip()])
            for name, column in COLUMNS.items():
                daily[name].append(np.diff(np.abs(table[:, header.index(column)]), prepend=0.0))
        except (ValueError, IndexError) as error:
            message = f"{path}: not a daily carbon file of ecosys: {error}"
            raise AdapterError(message) from error
    first_year = int(paths[0].name.removeprefix("01010")[:4])
    return date(first_year, 1, 1), {name: np.concatenate(of_years) for name, of_years in daily.items()}


def compare_duke(data: Path, work: Path, plan: Plan) -> dict[str, Any]:
    """Scores of defaults and of what was calibrated on every other year with a grown stand; series in duke.npz."""
    start, observed = read_fluxes(data / FOLDER / "output_daily")
    work.mkdir(parents=True, exist_ok=True)
    case = _case(data, work, start, len(observed["gpp"]))
    year = (np.datetime64(start) + np.arange(case.days)).astype("datetime64[Y]").astype(int) + 1970
    grown = [int(y) for y in np.unique(year) if y < FELLED or y >= GROWN]
    first, second = grown[0::2], grown[1::2]
    split = DaySplit(np.isin(year, first), np.isin(year, second), f"{_list(first)} | {_list(second)}")
    judged = {"carbon": tuple(COLUMNS)}
    results, series = compare(CalibrationTask(case, observed, split, RANGES, judged, plan), work / ".duke")
    write_arrays(work / "duke.npz", series)
    return {"start": start.isoformat(), "days": case.days, "annual": _annual(series, year), **results}


def _list(years: list[int]) -> str:
    return ", ".join(map(str, years))


def _annual(series: dict[str, np.ndarray], year: np.ndarray) -> dict[str, list[float | int | None]]:
    """Sums of each year, g C m-2: kind_flux -> list in the order of `year`."""
    years = np.unique(year)
    sums: dict[str, list[float | int | None]] = {"year": [int(y) for y in years]}
    for kind in ("observed", "default", "calibrated"):
        for name in COLUMNS:
            values = series[f"{kind}_{name}"]
            sums[f"{kind}_{name}"] = [rounded(float(values[year == y].sum())) for y in years]
    return sums


def _case(data: Path, work: Path, start: date, days: int) -> SiteCase:
    paths = sorted((data / FOLDER / "forcing").glob("w*"))
    # Their headers say that the sun is highest at 17.27 h: times are in UTC.
    begin, step, quantities = ecosys_weather.read_years(paths, ELEVATION, ecosys_weather.offset_to_local(paths))
    if begin.date() != start:
        message = f"{paths[0]}: weather begins on {begin.date()}, fluxes on {start}"
        raise AdapterError(message)
    celsius = quantities["temperature"]
    month = (np.datetime64(begin) + np.arange(len(celsius)) * np.timedelta64(step, "h")).astype("datetime64[M]")
    by_month = [celsius[month.astype(int) % 12 == m].mean() for m in range(12)]
    site = TowerSite(
        "DukeForest", LATITUDE, LONGITUDE, "temperate_forest", ELEVATION,
        annual_precip=float(quantities["precipitation"].mean() * 24 / step * DAYS_PER_YEAR),
        continentality=conrad_continentality(LATITUDE, max(by_month), min(by_month)),
        t_ann=float(celsius.mean() + ZERO_CELSIUS), sand=SAND, clay=CLAY, ph=PH,
    )  # fmt: skip
    columns = ecosys_weather.drivers(quantities, step)
    columns["CO2air"] = np.full(len(celsius), CARBON_DIOXIDE)
    first = datetime(start.year, 1, 1)
    write_forcing(work / "duke_one.nc", site, first, step, columns, "ecosys weather files")
    forcing = drop_site_dimension(work / "duke_one.nc", work / "duke.nc")
    return SiteCase(site, forcing, start, days, spinup_years=3)
