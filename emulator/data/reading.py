"""Reads a dataset file, all at once or in blocks of sites, and checks all that it reads."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import netCDF4
import numpy as np
import torch
from torch import Tensor

from emulator.data.calendar import calendar_table
from emulator.data.classes import SiteClasses
from emulator.data.dataset_file import (
    DatasetError,
    FluxCheck,
    check_complete,
    check_deviation,
    check_places,
    check_range,
    check_time,
    check_variable,
    class_codes,
    driver_periods,
    open_checked,
    read_values,
)
from emulator.data.normals import climate_normal, is_normal
from emulator.data.series import new_series, site_blocks
from emulator.data.signature import Signature
from emulator.data.vocabulary import describe
from foundations.site_names import repeated_name, site_names
from foundations.units import unit_conversion
from foundations.variables import Variable

log = logging.getLogger(__name__)

MEASURED = 0
"""Flag of `driver_source` and of the quality of a target: measured, neither filled nor of another year."""


class Part(NamedTuple):
    """What is read of a file: rows of sites and days."""

    sites: np.ndarray | slice
    days: slice

    def of_sites(self, rows: slice) -> np.ndarray | slice:
        """Some of the sites, by their number within the part."""
        return rows if isinstance(self.sites, slice) else self.sites[rows]


@dataclass(frozen=True)
class SiteTable:
    """Sites and days without series: site_id, lat, lon (N,), degrees; classes of the sites by class variable; time (T,)
    as in the file.
    """

    site_id: np.ndarray
    lat: np.ndarray
    lon: np.ndarray
    classes: dict[str, SiteClasses]
    time: np.ndarray
    time_units: str
    calendar_name: str

    @property
    def groups(self) -> dict[str, SiteClasses]:
        """The class variables, the biome first where there is one."""
        first = {"biome": self.classes["biome"]} if "biome" in self.classes else {}
        return first | self.classes


class DatasetReader:
    """An open file: what it says of sites and days is read at once, series of a block of sites when it is asked for."""

    def __init__(
        self,
        file: netCDF4.Dataset,
        path: Path,
        signature: Signature,
        *,
        require_targets: bool,
        filled_flux: bool,
        sites: np.ndarray | None,
        days: slice,
    ) -> None:
        self.file, self.path, self.signature = file, path, signature
        self.part = Part(slice(None) if sites is None else sites, days)
        site_id = _site_ids(file, path)[self.part.sites]
        self.dates = check_time(file, path)[days]
        self.calendar = calendar_table(self.dates)
        time = file.variables["time"]
        lat, lon = (read_values(file.variables[name], path, self.part.sites) for name in ("lat", "lon"))
        check_places(lat, lon, path, site_id)
        self.table = SiteTable(
            site_id=site_id,
            lat=lat,
            lon=lon,
            classes=_read_classes(file, path, signature, self.part),
            time=_within_days(read_values(time, path, days), self.dates, time),
            time_units=str(time.units),
            calendar_name=str(getattr(time, "calendar", "standard")),
        )
        there = [require_targets or target.name in file.variables for target in signature.targets]
        self.shared = {driver.name for driver in signature.inputs if _is_shared(file, driver.name)}
        """Drivers that are the same at all sites, such as a global CO2: of time alone in the file."""
        self.driver_units = [
            check_variable(file, path, driver, ("time",) if driver.name in self.shared else ("site", "time"))
            for driver in signature.inputs
        ]
        self.flux_units = [
            check_variable(file, path, target, ("site", "time")) if present else None
            for target, present in zip(signature.targets, there, strict=True)
        ]
        self.flux_checks = [FluxCheck(file, path, target) for target in signature.targets]
        self.deviations = {
            target.name: _deviation_factor(file, path, target)
            for target in signature.targets
            if f"{target.name}_sd" in file.variables
        }
        """Of targets with a `TARGET_sd`, the factor that brings it to analysis units."""
        self.lost = 0
        marked = [target.name for target in signature.targets if f"{target.name}_qc" in file.variables]
        self.left_out = {} if filled_flux else dict.fromkeys(marked, 0)
        """Values of each target that are not used because they were filled."""

    def series(self, rows: slice) -> dict[str, Any]:
        """All series of a block of the sites, their statics and period, as `Dataset` has them."""
        site_id = self.table.site_id[rows]
        drivers, period = self._drivers(rows, site_id)
        flux = self._flux(rows, site_id)
        if period is not None:
            self.lost += _cut_to_records(flux, period)
        return {
            "drivers": drivers,
            "period": period,
            "flux": flux,
            "static": self._static(rows, site_id),
            "measured": self._measured(rows),
            "uncertainty": self._uncertainty(rows, site_id),
        }

    def tell_doubts(self) -> None:
        """Warn of what can hardly be, or is not used, in all that was read."""
        for check in self.flux_checks:
            check.tell_doubts()
        if self.lost:
            log.warning("%s: %d values of flux are on days without drivers and are not used", self.path, self.lost)
        for target, count in self.left_out.items():
            if count:
                log.info("%s: %s: %d filled values are not used (data.filled_flux)", self.path, target, count)

    def _drivers(self, sites: slice, site_id: np.ndarray) -> tuple[Tensor, np.ndarray | None]:
        """Drivers (N, T, D), and the period of each site, None where they all have all days."""
        variables = self.signature.inputs
        drivers = new_series(len(site_id), len(self.dates), len(variables))
        first_last, complete = np.zeros((len(site_id), 2), np.int64), True
        for rows in site_blocks(*drivers.shape[:2]):
            present = np.zeros((rows.stop - rows.start, len(self.dates)), bool)
            for index, variable in enumerate(variables):
                values = self._values(variable, self.driver_units[index], sites, rows)
                values = class_codes(values, self.file.variables[variable.name], self.path, variable)
                check_range(values, self.path, variable, site_id[rows], self.dates)
                drivers[rows, :, index] = torch.from_numpy(values.astype(np.float32))
                finite = np.isfinite(values)
                if variable.name not in self.shared or len(self.shared) == len(variables):
                    present |= finite
                complete = complete and bool(finite.all())
            first_last[rows] = driver_periods(present, self.path, site_id[rows])
        if complete:
            return drivers, None
        for rows in site_blocks(*drivers.shape[:2]):
            for index, variable in enumerate(variables):
                missing = drivers[rows, :, index].isnan().numpy()
                check_complete(missing, self.path, variable, first_last[rows], site_id[rows], self.dates)
        if self.shared:
            _cut_to_records(drivers, first_last)
        return drivers, first_last

    def _static(self, sites: slice, site_id: np.ndarray) -> Tensor:
        static = torch.empty((len(site_id), len(self.signature.statics)), dtype=torch.float32)
        where = self.part.of_sites(sites)
        for index, variable in enumerate(self.signature.statics):
            if is_normal(variable.name) and variable.name not in self.file.variables:
                values = climate_normal(self.file, self.path, variable, where)
            else:
                factor, offset = check_variable(self.file, self.path, variable, ("site",))
                in_file = self.file.variables[variable.name]
                values = class_codes(
                    factor * read_values(in_file, self.path, where) + offset, in_file, self.path, variable
                )
            check_range(values, self.path, variable, site_id, None)
            static[:, index] = torch.from_numpy(values.astype(np.float32))
        return static

    def _flux(self, sites: slice, site_id: np.ndarray) -> Tensor:
        variables = self.signature.targets
        flux = new_series(len(site_id), len(self.dates), len(variables))
        for rows in site_blocks(*flux.shape[:2]):
            for index, variable in enumerate(variables):
                units = self.flux_units[index]
                if units is None:
                    flux[rows, :, index] = torch.nan
                    continue
                values = self._values(variable, units, sites, rows)
                self.flux_checks[index].add(values, site_id[rows], self.dates)
                if variable.name in self.left_out:
                    values = self._without_filled(variable.name, values, sites, rows)
                flux[rows, :, index] = torch.from_numpy(values.astype(np.float32))
        return flux

    def _without_filled(self, target: str, values: np.ndarray, sites: slice, rows: slice) -> np.ndarray:
        """Values (n, T) of a target, NaN where `TARGET_qc` calls them filled."""
        flags = read_values(self.file.variables[f"{target}_qc"], self.path, self._index(sites, rows))
        filled = flags > MEASURED
        self.left_out[target] += int((filled & np.isfinite(values)).sum())
        return np.where(filled, np.nan, values)

    def _index(self, sites: slice, rows: slice) -> tuple[np.ndarray | slice, slice]:
        """Where some rows of a block of sites stand in the file."""
        return self.part.of_sites(slice(sites.start + rows.start, sites.start + rows.stop)), self.part.days

    def _values(self, variable: Variable, units: tuple[float, float], sites: slice, rows: slice) -> np.ndarray:
        """A series (n, T) of some rows of a block of sites, converted to the units of the signature."""
        factor, offset = units
        if variable.name in self.shared:
            values = factor * read_values(self.file.variables[variable.name], self.path, self.part.days) + offset
            return np.tile(values, (rows.stop - rows.start, 1))
        return factor * read_values(self.file.variables[variable.name], self.path, self._index(sites, rows)) + offset

    def _uncertainty(self, sites: slice, site_id: np.ndarray) -> Tensor | None:
        """Standard deviations of the measured targets (N, T, C) in analysis units, None where the file has none."""
        if not self.deviations:
            return None
        deviations = new_series(len(site_id), len(self.dates), len(self.signature.targets))
        for rows in site_blocks(*deviations.shape[:2]):
            deviations[rows] = torch.nan
            for index, target in enumerate(self.signature.targets):
                if target.name not in self.deviations:
                    continue
                name = f"{target.name}_sd"
                values = read_values(self.file.variables[name], self.path, self._index(sites, rows))
                check_deviation(values, self.path, name, site_id[rows], self.dates)
                deviations[rows, :, index] = torch.from_numpy((self.deviations[target.name] * values).astype("f4"))
        return deviations

    def _measured(self, sites: slice) -> Tensor | None:
        """Whether flux and drivers were measured, (N, T, C), by `driver_source` and the targets' quality flags."""
        names = [f"{target.name}_qc" for target in self.signature.targets]
        flagged = [name for name in ("driver_source", *names) if name in self.file.variables]
        if not flagged:
            return None
        measured = new_series(sites.stop - sites.start, len(self.dates), len(names), torch.bool)
        for rows in site_blocks(*measured.shape[:2]):
            measured[rows] = True
            index = self._index(sites, rows)
            for name in flagged:
                flags = torch.from_numpy(read_values(self.file.variables[name], self.path, index) == MEASURED)
                columns = slice(None) if name == "driver_source" else slice(names.index(name), names.index(name) + 1)
                measured[rows, :, columns] &= flags[..., None]
        return measured


@contextmanager
def opened(
    path: Path,
    signature: Signature,
    *,
    require_targets: bool = True,
    filled_flux: bool = True,
    sites: np.ndarray | None = None,
    days: slice = slice(None),
) -> Iterator[DatasetReader]:
    """A reader of a file, which tells its doubts at the end; DatasetError, naming file and variable, for bad input."""
    with open_checked(path) as file:
        reader = DatasetReader(
            file, path, signature, require_targets=require_targets, filled_flux=filled_flux, sites=sites, days=days
        )
        yield reader
        reader.tell_doubts()


def _within_days(stamps: np.ndarray, dates: np.ndarray, time: netCDF4.Variable) -> np.ndarray:
    """The stamps (T,), or 12:00 of the days where they lie at their end, which is the beginning of the next."""
    middles = netCDF4.date2num(dates, str(time.units), str(getattr(time, "calendar", "standard")))
    return stamps if np.all(np.abs(stamps - middles) < 0.5) else np.asarray(middles, np.float64)


def _deviation_factor(file: netCDF4.Dataset, path: Path, target: Variable) -> float:
    """What brings a `TARGET_sd` to the analysis unit of the target; its unit is its own, else that of the target."""
    name = f"{target.name}_sd"
    in_file = file.variables[name]
    if in_file.dimensions != ("site", "time"):
        message = f"{path}: {name}: dimensions are {in_file.dimensions}, expected ('site', 'time')"
        raise DatasetError(message)
    units = getattr(in_file, "units", None) or getattr(file.variables.get(target.name), "units", None) or target.units
    try:
        return abs(unit_conversion(str(units), target.analysis_units or target.units, target.name)[0])
    except ValueError as error:
        message = f"{path}: {name}: {error}"
        raise DatasetError(message) from None


def _site_ids(file: netCDF4.Dataset, path: Path) -> np.ndarray:
    variable = file.variables["site_id"]
    if getattr(variable, "cf_role", "") != "timeseries_id":
        message = f"{path}: site_id: attribute cf_role is not 'timeseries_id'; see docs/formats.md, section 1"
        raise DatasetError(message)
    names = site_names(np.ma.asarray(variable[...]))
    if (name := repeated_name(names)) is not None:
        fault = f"'{name}' appears {names.count(name)} times" if name else "a site has no name"
        message = f"{path}: site_id: {fault}; names must be unique"
        raise DatasetError(message)
    return np.array(names)


def _read_classes(file: netCDF4.Dataset, path: Path, signature: Signature, part: Part) -> dict[str, SiteClasses]:
    """Every variable of the sites that has classes, by the numbers of the signature, the table or the file."""
    statics = {variable.name: variable for variable in signature.statics}
    classes = {}
    for name in sorted(file.variables):  # netCDF and Zarr have them in different orders
        in_file = file.variables[name]
        if in_file.dimensions != ("site",) or in_file.dtype is str:
            continue
        variable = statics[name] if name in statics else describe(in_file, path)
        if variable.flag_values:
            codes = class_codes(read_values(in_file, path, part.sites), in_file, path, variable)
            missing = 0 if 0 not in variable.flag_values else min(variable.flag_values) - 1
            classes[name] = SiteClasses(np.nan_to_num(codes, nan=missing).astype(np.int64), variable.classes)
    return classes


def _is_shared(file: netCDF4.Dataset, name: str) -> bool:
    """Whether a variable is of time alone."""
    return name in file.variables and tuple(file.variables[name].dimensions) == ("time",)


def _cut_to_records(series: Tensor, period: np.ndarray) -> int:
    """Remove values (N, T, V), in place, on days outside records; the number of values that were there."""
    day, lost = np.arange(series.shape[1]), 0
    for rows in site_blocks(*series.shape[:2]):
        outside = torch.as_tensor((day < period[rows, :1]) | (day > period[rows, 1:]))[..., None]
        lost += int((torch.isfinite(series[rows]) & outside).sum())
        series[rows] = series[rows].masked_fill(outside, torch.nan)
    return lost
