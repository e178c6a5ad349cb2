"""The daily history of a run: its name, what it must hold, its series, and their way into a dataset."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path

import netCDF4
import numpy as np

from ecosys_sims.formats import variables
from ecosys_sims.formats.site_table import rows_of
from ecosys_sims.formats.units import GRAMS_PER_DAY, MILLIGRAMS_PER_DAY, SECONDS_PER_DAY
from ecosys_sims.program.executable import ModelError
from foundations.netcdf_file import reading
from foundations.netcdf_values import StoredValueError, texts

# Factor from file units to mm day-1, g C m-2 day-1 and mg CH4 m-2 day-1; all else is read as it is on file.
ANALYSIS_FACTORS: dict[str, float] = {
    **dict.fromkeys(("pr", "evspsbl", "mrro"), SECONDS_PER_DAY),
    **dict.fromkeys(("gpp", "ra", "rh", "nee", "harvest"), GRAMS_PER_DAY),
    **dict.fromkeys(("fch4", "fch4_diff", "fch4_ebul", "fch4_plant"), MILLIGRAMS_PER_DAY),
}


def history_path(folder: Path, case_name: str, start: date) -> Path:
    """The file in which the program leaves the history of a run that began on a day."""
    return folder / f"{case_name}.h0.{start.isoformat()}-00000.nc"


def check_history(path: Path, site_ids: Iterable[str], days: int) -> None:
    """Raise ModelError unless a history holds all daily variables of these sites and days."""
    expected_ids = list(site_ids)
    try:
        with reading(path) as file:
            written_ids = texts(file["site_id"])
            for variable in variables.DAILY:
                fault = _fault(file[variable.name], variable.units, (len(expected_ids), days))
                if fault:
                    message = f"{path.name}: {variable.name} has {fault}"
                    raise ModelError(message)
    except (OSError, StoredValueError) as error:
        message = f"{path.name}: not the history expected: {error}"
        raise ModelError(message) from error
    if written_ids != expected_ids:
        message = f"{path.name}: sites {written_ids[:3]}..., expected {expected_ids[:3]}..."
        raise ModelError(message)


def _fault(series: netCDF4.Variable, expected_units: str, expected_shape: tuple[int, int]) -> str | None:
    if series.shape != expected_shape:
        return f"shape {series.shape}, expected {expected_shape}"
    units = getattr(series, "units", None)
    return None if units == expected_units else f"units {units!r}, expected {expected_units!r}"


def copy_daily(history: Path, dataset: netCDF4.Dataset, sites: slice = slice(None)) -> None:
    """Copy the daily variables (N, T) of a history to rows of a dataset by the names of the sites, bit for bit."""
    for name, series in read_daily(history, texts(dataset["site_id"])[sites]):
        dataset[name][sites, :] = series


def read_daily(history: Path, site_ids: Sequence[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Name and stored values (N, T) of each daily variable, in the order of the sites.

    Faults of the history are told by its name.
    """
    with reading(history, "run the block again") as file:
        file.set_auto_mask(False)
        rows = rows_of(site_ids, texts(file["site_id"]), history)
        for variable in variables.DAILY:
            yield variable.name, file[variable.name][:, :][rows]


def read_series(history: Path, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Daily series name -> (N, T), float32, in the units of `ANALYSIS_FACTORS`; absent names are left out."""
    with reading(history) as file:
        file.set_auto_mask(False)
        return {
            name: file[name][:] * np.float32(ANALYSIS_FACTORS.get(name, 1.0))
            for name in names
            if name in file.variables
        }


def read_site_names(history: Path) -> list[str]:
    """Names of the sites of a history, in the order of its rows."""
    with reading(history) as file:
        return texts(file["site_id"])


def read_days(history: Path) -> np.ndarray:
    """Days (T,) of a history as numpy days."""
    with reading(history) as file:
        _days, _since, start, *_hour = file["time"].units.split()
        return np.datetime64(start) + np.floor(file["time"][:]).astype(int)
