"""Series of greenhouse gases (netCDF as EcoSIM has it) into a forcing file that is there already.

    python -m ecosys_sims.adapters.greenhouse_gases fatm_hist_GHGs_1750-2025.nc --forcing forcing.nc

The file has CO2 (ppm), CH4 and N2O (ppb) by decimal year. The means of calendar years are written, as CO2air and
CH4air: a forcing file has no N2O. Without them the process model takes global means of its own.
"""

import argparse
import logging
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cftime
import netCDF4
import numpy as np

from ecosys_sims.adapters import command
from ecosys_sims.formats import variables
from ecosys_sims.formats.errors import AdapterError
from ecosys_sims.formats.forcing_check import require_valid_forcing
from ecosys_sims.formats.forcing_variables import FORCING
from foundations import provenance
from foundations.atomic_file import replacing
from foundations.command_end import ends_clearly
from foundations.file_faults import explain
from foundations.file_seal import seal, unseal
from foundations.netcdf_file import reading
from foundations.netcdf_values import StoredValueError, numbers

log = logging.getLogger(__name__)


class Gas(NamedTuple):
    """What a gas is in the source file: accepted units, and possible values."""

    units: tuple[str, ...]
    lowest: float
    highest: float


GASES = {
    "CO2": Gas(("ppmv", "ppm", "1e-6"), 150.0, 3000.0),
    "CH4": Gas(("ppbv", "ppb", "1e-9"), 100.0, 2.0e4),
    "N2O": Gas(("ppbv", "ppb", "1e-9"), 100.0, 2.0e4),
}
FORCING_NAMES = {"CO2": "CO2air", "CH4": "CH4air"}
MONTHLY_YEARS = 0.5  # values that are closer than this are monthly
END_OF_MONTH_YEARS = 0.04  # by which the stamp of December may lie in the next year


@dataclass(frozen=True)
class GasHistory:
    """Means of calendar years; gas -> {year: mole fraction}, CO2 in 1e-6, the others in 1e-9. Gaps are absent."""

    path: Path
    means: dict[str, dict[int, float]]

    def of_years(self, gas: str, years: np.ndarray) -> np.ndarray:
        """Values for years (T,); AdapterError where the file has none."""
        means = self.means[gas]
        for year in np.unique(years):
            if int(year) not in means:
                message = f"{self.path}: {gas} has no value for {year}; it covers {min(means)} to {max(means)}"
                raise AdapterError(message)
        return np.array([means[int(year)] for year in years])


def read_gases(path: str | Path) -> GasHistory:
    """Read a file of yearly or monthly values; AdapterError where it is none or holds impossible values."""
    path = Path(path)
    try:
        with reading(path) as file:
            missing = [name for name in ("year", *GASES) if name not in file.variables]
            if missing:
                message = f"{path}: variable {missing[0]} is missing; expected year, CO2, CH4 and N2O"
                raise AdapterError(message)
            years = numbers(file["year"])
            means = {gas: _yearly(path, file[gas], gas, years) for gas in GASES}
    except OSError as error:
        raise AdapterError(explain(error)) from None
    except StoredValueError as error:
        message = f"{path}: cannot be read: {error}"
        raise AdapterError(message) from error
    return GasHistory(path, means)


def _yearly(path: Path, variable: netCDF4.Variable, gas: str, years: np.ndarray) -> dict[int, float]:
    expected = GASES[gas]
    units = getattr(variable, "units", None)
    if units not in expected.units:
        message = f"{path}: {gas} has units {units!r}, expected {expected.units[0]!r}"
        raise AdapterError(message)
    values = numbers(variable)
    impossible = (values < expected.lowest) | (values > expected.highest)
    if impossible.any():
        index = int(np.flatnonzero(impossible)[0])
        message = (
            f"{path}: {gas} in {years[index]:.2f} is {values[index]:g}, "
            f"expected {expected.lowest:g} to {expected.highest:g}"
        )
        raise AdapterError(message)
    # Monthly values are stamped at the end of the month: December's is the beginning of the next year.
    monthly = len(years) > 1 and np.diff(years).min() < MONTHLY_YEARS
    calendar_year = np.floor(years - (END_OF_MONTH_YEARS if monthly else 0.0)).astype(int)
    return {
        int(year): float(values[calendar_year == year].mean())
        for year in np.unique(calendar_year)
        if np.isfinite(values[calendar_year == year]).all()
    }


def add_gases(gases: GasHistory, forcing: str | Path) -> None:
    """Write CO2air and CH4air of the forcing file's years into it; the file stays as it was where that fails."""
    with replacing(forcing) as temporary:
        with reading(forcing):
            shutil.copyfile(forcing, temporary)
        unseal(temporary)
        with netCDF4.Dataset(temporary, "a") as file:
            time = file["time"]
            dates = cftime.num2date(numbers(time), time.units, getattr(time, "calendar", "standard"))
            years = np.array([date.year for date in dates])
            for gas, name in FORCING_NAMES.items():
                expected = FORCING[name]
                if name not in file.variables:
                    file.createVariable(name, "f4", file["Tair"].dimensions, fill_value=np.float32(variables.FILL))
                file[name].setncatts(
                    {"units": expected.units, "long_name": expected.long_name, "source": gases.path.name}
                )
                values = gases.of_years(gas, years)
                file[name][:] = values if file[name].ndim == 1 else values[:, None]
            file.history = f"{provenance.now()} greenhouse gases of {gases.path.name}\n" + getattr(file, "history", "")
        require_valid_forcing(temporary)
        seal(temporary)


@ends_clearly
def main(arguments: list[str] | None = None) -> int:
    """Command line; 0 done, 1 a file cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gases", type=Path, help="file of CO2, CH4 and N2O by year")
    parser.add_argument("--forcing", type=Path, required=True, help="forcing file that they are written into")
    options = parser.parse_args(arguments)
    return command.complete(lambda: _convert(options), {"--forcing": options.forcing}, [options.gases])


def _convert(options: argparse.Namespace) -> None:
    gases = read_gases(options.gases)
    if not options.forcing.is_file():
        message = f"{options.forcing}: no such file"
        raise AdapterError(message)
    add_gases(gases, options.forcing)
    log.info("%s: CO2air and CH4air from %s", options.forcing, options.gases.name)


if __name__ == "__main__":
    sys.exit(main())
