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

import cftime
import netCDF4
import numpy as np

from ecosys_sims import provenance, variables
from ecosys_sims.adapters import command
from ecosys_sims.adapters.forcing_file import FORCING_VARIABLES
from ecosys_sims.adapters.tower_weather import AdapterError
from ecosys_sims.atomic_file import replacing
from ecosys_sims.validation import require_valid_forcing

log = logging.getLogger(__name__)

UNITS = {"CO2": ("ppmv", "ppm", "1e-6"), "CH4": ("ppbv", "ppb", "1e-9"), "N2O": ("ppbv", "ppb", "1e-9")}
FORCING_NAMES = {"CO2": "CO2air", "CH4": "CH4air"}


@dataclass(frozen=True)
class GasHistory:
    """Means of calendar years; gas -> {year: mole fraction}, CO2 in 1e-6, the others in 1e-9. Gaps are absent."""

    path: Path
    means: dict[str, dict[int, float]]

    def of_years(self, gas: str, years: np.ndarray) -> np.ndarray:
        """Values for years (T,); AdapterError where the file has none."""
        known = self.means[gas]
        for year in np.unique(years):
            if int(year) not in known:
                raise AdapterError(
                    f"{self.path}: {gas} has no value for {year}; it covers {min(known)} to {max(known)}"
                )
        return np.array([known[int(year)] for year in years])


def read_gases(path: str | Path) -> GasHistory:
    """Read a file of yearly or monthly values; AdapterError where it is none or holds impossible values."""
    path = Path(path)
    try:
        with netCDF4.Dataset(path) as file:
            missing = [name for name in ("year", *UNITS) if name not in file.variables]
            if missing:
                raise AdapterError(f"{path}: variable {missing[0]} is missing; expected year, CO2, CH4 and N2O")
            years = np.ma.filled(file["year"][:].astype(float), np.nan)
            means = {gas: _yearly(path, file[gas], gas, years) for gas in UNITS}
    except (OSError, RuntimeError) as error:
        raise AdapterError(f"{path}: cannot be read: {error}") from error
    return GasHistory(path, means)


def _yearly(path: Path, variable: netCDF4.Variable, gas: str, years: np.ndarray) -> dict[int, float]:
    units = getattr(variable, "units", None)
    if units not in UNITS[gas]:
        raise AdapterError(f"{path}: {gas} has units {units!r}, expected {UNITS[gas][0]!r}")
    values = np.ma.filled(variable[:].astype(float), np.nan)
    lowest, highest = (150.0, 3000.0) if gas == "CO2" else (100.0, 2.0e4)
    bad = (values < lowest) | (values > highest)
    if bad.any():
        place = int(np.flatnonzero(bad)[0])
        raise AdapterError(
            f"{path}: {gas} in {years[place]:.2f} is {values[place]:g}, expected {lowest:g} to {highest:g}"
        )
    # Monthly values are stamped at the end of the month: December's is the beginning of the next year.
    monthly = len(years) > 1 and np.diff(years).min() < 0.5
    whole = np.floor(years - (0.04 if monthly else 0.0)).astype(int)
    return {int(year): float(values[whole == year].mean())
            for year in np.unique(whole) if np.isfinite(values[whole == year]).all()}  # fmt: skip


def add_gases(gases: GasHistory, forcing: str | Path) -> None:
    """Write CO2air and CH4air of the forcing file's years into it; the file stays as it was where that fails."""
    with replacing(forcing) as temporary:
        shutil.copyfile(forcing, temporary)
        with netCDF4.Dataset(temporary, "a") as file:
            time = file["time"]
            dates = cftime.num2date(time[:], time.units, getattr(time, "calendar", "standard"))
            years = np.array([date.year for date in dates])
            for gas, name in FORCING_NAMES.items():
                units, long_name = FORCING_VARIABLES[name]
                if name not in file.variables:
                    file.createVariable(name, "f4", file["Tair"].dimensions, fill_value=np.float32(variables.FILL))
                file[name].setncatts({"units": units, "long_name": long_name, "source": gases.path.name})
                values = gases.of_years(gas, years)
                file[name][:] = values if file[name].ndim == 1 else values[:, None]
            file.history = f"{provenance.now()} greenhouse gases of {gases.path.name}\n" + getattr(file, "history", "")
        require_valid_forcing(temporary)


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0 done, 1 a file cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gases", type=Path, help="file of CO2, CH4 and N2O by year")
    parser.add_argument("--forcing", type=Path, required=True, help="forcing file that they are written into")
    options = parser.parse_args(arguments)
    return command.complete(lambda: _convert(options))


def _convert(options: argparse.Namespace) -> None:
    gases = read_gases(options.gases)
    if not options.forcing.is_file():
        raise AdapterError(f"{options.forcing}: no such file")
    add_gases(gases, options.forcing)
    log.info("%s: CO2air and CH4air from %s", options.forcing, options.gases.name)


if __name__ == "__main__":
    sys.exit(main())
