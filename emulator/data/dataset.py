"""A dataset in memory: the boundary where netCDF becomes tensors and units are converted once."""

import hashlib
import logging
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import netCDF4
import numpy as np
import torch
from torch import Tensor

from emulator.data import calendar as column
from emulator.data.calendar import calendar_table
from emulator.data.classes import SiteClasses
from emulator.data.dataset_file import (
    DatasetError,
    FluxCheck,
    check_complete,
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
from emulator.data.series import has_values, new_series, site_blocks
from emulator.data.signature import Signature
from emulator.data.vocabulary import describe
from foundations.site_names import repeated_name, site_names
from foundations.variables import BIOMES, Variable

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
class Dataset:
    """Daily series of N sites over T days. Tensors are float32 (calendar: int64).

    drivers: (N, T, D) in units of the signature; calendar: (T, 6), columns of emulator.data.calendar; static: (N, P);
    flux: (N, T, C) in analysis units, NaN = missing; lat, lon: (N,) degrees; biome: (N,) flag values, 0 where the file
    has none; classes: of every class variable of the file by name, `biome` among them. period: (N, 2), first and last
    day of each site's record, outside which drivers and flux are NaN, None where all sites have all days; measured:
    (N, T, C) bool, whether flux and drivers were measured rather than filled, None where the file does not say, or they
    all were.
    """

    path: Path
    signature: Signature
    drivers: Tensor
    calendar: Tensor
    static: Tensor
    flux: Tensor
    site_id: np.ndarray
    lat: np.ndarray
    lon: np.ndarray
    biome: np.ndarray
    time: np.ndarray
    time_units: str
    calendar_name: str
    classes: dict[str, SiteClasses] = field(default_factory=dict)
    period: np.ndarray | None = None
    measured: Tensor | None = None

    @classmethod
    def open(
        cls,
        path: str | Path,
        signature: Signature,
        *,
        require_targets: bool = True,
        filled_flux: bool = True,
        sites: np.ndarray | None = None,
        days: slice = slice(None),
    ) -> "Dataset":
        """Read and check a file. Where `require_targets` is False, targets that the file lacks are NaN throughout, and
        where `filled_flux` is False, those that `TARGET_qc` calls filled are NaN on such days.

        sites: rows, ascending and each once, and days: what is read and checked of the series, default all.
        Raises DatasetError, naming file and variable, for whatever docs/formats.md does not allow.
        """
        path = Path(path)
        with open_checked(path) as file:
            part = Part(slice(None) if sites is None else sites, days)
            site_id = _site_ids(file, path)[part.sites]
            dates = check_time(file, path)[days]
            time = file.variables["time"]
            lat, lon = (read_values(file.variables[name], path, part.sites) for name in ("lat", "lon"))
            check_places(lat, lon, path, site_id)
            classes = _read_classes(file, path, signature, part)
            drivers, period = _read_drivers(file, path, signature.inputs, part, site_id, dates)
            flux = _read_flux(file, path, signature.targets, part, site_id, dates, require_targets)
            if period is not None:
                flux = _within(period, flux, path)
            if not filled_flux:
                flux = _without_filled(file, path, signature.targets, part, flux)
            return cls(
                path=path,
                signature=signature,
                drivers=drivers,
                calendar=calendar_table(dates),
                static=_read_static(file, path, signature.statics, part, site_id),
                flux=flux,
                site_id=site_id,
                lat=lat,
                lon=lon,
                biome=classes["biome"].codes if "biome" in classes else np.zeros(len(site_id), np.int64),
                time=_within_days(read_values(time, path, days), dates, time),
                time_units=str(time.units),
                calendar_name=str(getattr(time, "calendar", "standard")),
                classes=classes,
                period=period,
                measured=_read_measured(file, path, signature.targets, part),
            )

    @property
    def n_sites(self) -> int:
        return self.drivers.shape[0]

    @cached_property
    def groups(self) -> dict[str, SiteClasses]:
        """Every class variable of the sites by name, the biome first where there is one."""
        biome = {"biome": SiteClasses(self.biome, BIOMES)} if self.biome.any() else {}
        return biome | {name: classes for name, classes in self.classes.items() if classes.codes.size}

    def group(self, name: str | None = None) -> SiteClasses:
        """Classes of the sites by a class variable, by default the first of `groups`, or all sites as one class.

        DatasetError where the file has no such class.
        """
        if name is None:
            everywhere = SiteClasses(np.zeros(self.n_sites, np.int64), {0: "all sites"})
            return next(iter(self.groups.values()), everywhere)
        if name not in self.groups:
            choice = ", ".join(self.groups) or "none; give a static flag_values and flag_meanings"
            message = f"{self.path}: '{name}' is no class variable of the sites; those are: {choice}"
            raise DatasetError(message)
        return self.groups[name]

    @cached_property
    def years(self) -> np.ndarray:
        """Whole calendar years of the time axis, ascending, (Y,); where no year is whole, those that it touches."""
        years, first, counts = np.unique(self.calendar[:, column.YEAR].numpy(), return_index=True, return_counts=True)
        whole = counts == self.calendar[:, column.DAYS_IN_YEAR].numpy()[first]
        return years[whole] if whole.any() else years

    @cached_property
    def periods(self) -> np.ndarray:
        """First and last day of each site's record, (N, 2)."""
        return np.tile([0, len(self.time) - 1], (self.n_sites, 1)) if self.period is None else self.period

    def in_record(self) -> Tensor:
        """Days within the record of each site, (N, T) bool."""
        day = np.arange(len(self.time))
        return torch.as_tensor((day >= self.periods[:, :1]) & (day <= self.periods[:, 1:]))

    @cached_property
    def has_flux(self) -> Tensor:
        """Days on which a site has any flux, (N, T) bool."""
        return has_values(self.flux)

    @cached_property
    def has_scored_flux(self) -> Tensor:
        """Days on which a site has any flux that predictions may be judged by, (N, T) bool."""
        return self.has_flux if self.measured is None else has_values(self.scored_flux())

    def scored_flux(self) -> Tensor:
        """Flux (N, T, C) that predictions may be judged by: NaN where it, or its drivers, were not measured."""
        return self.flux if self.measured is None else self.flux.masked_fill(~self.measured, torch.nan)

    def days(self, first_year: int, last_year: int) -> slice:
        """The days of first_year..last_year, both included."""
        year = self.calendar[:, column.YEAR]
        inside = torch.nonzero((year >= first_year) & (year <= last_year)).flatten()
        if inside.numel() == 0:
            message = f"{self.path}: time: no day in {first_year} to {last_year}; the years are {self.years.tolist()}"
            raise DatasetError(message)
        return slice(int(inside[0]), int(inside[-1]) + 1)

    def site_subset(self, sites: np.ndarray) -> "Dataset":
        """The same days for some sites: an index or boolean array."""
        index = np.flatnonzero(sites) if np.asarray(sites).dtype == bool else np.asarray(sites)
        rows = torch.as_tensor(index)
        return replace(
            self,
            drivers=self.drivers[rows],
            static=self.static[rows],
            flux=self.flux[rows],
            site_id=self.site_id[index],
            lat=self.lat[index],
            lon=self.lon[index],
            biome=self.biome[index],
            classes={name: classes.of_sites(index) for name, classes in self.classes.items()},
            period=None if self.period is None else self.period[index],
            measured=None if self.measured is None else self.measured[rows],
        )

    def day_subset(self, days: slice) -> "Dataset":
        """The same sites on some consecutive days; a site without a record there keeps an empty one."""
        start, stop, _ = days.indices(len(self.time))
        period = None
        if self.period is not None:
            period = (
                np.stack([np.maximum(self.period[:, 0], start), np.minimum(self.period[:, 1], stop - 1)], 1) - start
            )
        return replace(
            self,
            drivers=self.drivers[:, days],
            calendar=self.calendar[days],
            flux=self.flux[:, days],
            time=self.time[days],
            period=period,
            measured=None if self.measured is None else self.measured[:, days],
        )

    def content_hash(self) -> str:
        """SHA-256 of the series, statics, calendar and places in memory; they may differ from the file's."""
        digest = hashlib.sha256()
        for values in (self.drivers, self.static, self.flux, self.calendar):
            digest.update(f"{tuple(values.shape)}".encode())
            digest.update(values.contiguous().numpy().data)
        for places in (self.lat, self.lon):
            digest.update(np.ascontiguousarray(places).data)
        if self.measured is not None:
            digest.update(self.measured.numpy().tobytes())
        return digest.hexdigest()

    def day_mask(self, mask: np.ndarray | Tensor) -> Tensor:
        """A mask over sites and years (N, Y), in the order of `years`, or over sites and days (N, T), as one over days
        within the records of the sites: (N, T) bool. Days before the first or after the last whole year go with it.
        """
        mask = torch.as_tensor(mask, dtype=torch.bool)
        choice = [(self.n_sites, len(self.years)), (self.n_sites, len(self.time))]
        if tuple(mask.shape) not in choice:
            message = (
                f"mask over sites and years has shape {tuple(mask.shape)}, expected {choice[0]}, or of days {choice[1]}"
            )
            raise ValueError(message)
        if tuple(mask.shape) == choice[0]:
            position = np.searchsorted(self.years, self.calendar[:, column.YEAR].numpy())
            mask = mask[:, torch.as_tensor(np.minimum(position, len(self.years) - 1))]
        return mask if self.period is None else mask & self.in_record()


def _within_days(stamps: np.ndarray, dates: np.ndarray, time: netCDF4.Variable) -> np.ndarray:
    """The stamps (T,), or 12:00 of the days where they lie at their end, which is the beginning of the next."""
    middles = netCDF4.date2num(dates, str(time.units), str(getattr(time, "calendar", "standard")))
    return stamps if np.all(np.abs(stamps - middles) < 0.5) else np.asarray(middles, np.float64)


def read_extent(path: str | Path) -> tuple[int, Tensor]:
    """Number of sites of a file, and its calendar (T, 6), without any series; raises DatasetError like `open`."""
    path = Path(path)
    with open_checked(path) as file:
        return len(file.dimensions["site"]), calendar_table(check_time(file, path))


def has_gaps(path: str | Path, variable: str, sites: np.ndarray, days: slice) -> bool:
    """Whether a series of a file lacks values at some sites on some days, as outside the records of sites."""
    path = Path(path)
    with open_checked(path) as file:
        return variable in file.variables and bool(
            np.isnan(read_values(file.variables[variable], path, (sites, days))).any()
        )


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


def _read_drivers(
    file: netCDF4.Dataset,
    path: Path,
    variables: tuple[Variable, ...],
    part: Part,
    site_id: np.ndarray,
    dates: np.ndarray,
) -> tuple[Tensor, np.ndarray | None]:
    """Drivers (N, T, D), and the period of each site, None where they all have all days."""
    drivers = new_series(len(site_id), len(dates), len(variables))
    present, complete = np.zeros(drivers.shape[:2], bool), True
    units = [check_variable(file, path, variable, ("site", "time")) for variable in variables]
    for rows in site_blocks(*drivers.shape[:2]):
        for index, (variable, (factor, offset)) in enumerate(zip(variables, units, strict=True)):
            in_file = file.variables[variable.name]
            values = factor * read_values(in_file, path, (part.of_sites(rows), part.days)) + offset
            values = class_codes(values, in_file, path, variable)
            check_range(values, path, variable, site_id[rows], dates)
            drivers[rows, :, index] = torch.from_numpy(values.astype(np.float32))
            finite = np.isfinite(values)
            present[rows] |= finite
            complete = complete and bool(finite.all())
    if complete:
        return drivers, None
    period = driver_periods(present, path, site_id)
    for index, variable in enumerate(variables):
        check_complete(drivers[:, :, index].isnan().numpy(), path, variable, period, site_id, dates)
    return drivers, period


def _read_static(
    file: netCDF4.Dataset, path: Path, variables: tuple[Variable, ...], part: Part, site_id: np.ndarray
) -> Tensor:
    static = torch.empty((len(site_id), len(variables)), dtype=torch.float32)
    for index, variable in enumerate(variables):
        if is_normal(variable.name) and variable.name not in file.variables:
            values = climate_normal(file, path, variable, part.sites)
        else:
            factor, offset = check_variable(file, path, variable, ("site",))
            values = factor * read_values(file.variables[variable.name], path, part.sites) + offset
            values = class_codes(values, file.variables[variable.name], path, variable)
        check_range(values, path, variable, site_id, None)
        static[:, index] = torch.from_numpy(values.astype(np.float32))
    return static


def _read_flux(
    file: netCDF4.Dataset,
    path: Path,
    variables: tuple[Variable, ...],
    part: Part,
    site_id: np.ndarray,
    dates: np.ndarray,
    required: bool,
) -> Tensor:
    flux = new_series(len(site_id), len(dates), len(variables))
    present = [required or variable.name in file.variables for variable in variables]
    units = [
        check_variable(file, path, variable, ("site", "time")) if there else (1.0, 0.0)
        for variable, there in zip(variables, present, strict=True)
    ]
    checks = [FluxCheck(file, path, variable) for variable in variables]
    for rows in site_blocks(*flux.shape[:2]):
        for index, (variable, (factor, offset)) in enumerate(zip(variables, units, strict=True)):
            if not present[index]:
                flux[rows, :, index] = torch.nan
                continue
            in_file = file.variables[variable.name]
            values = factor * read_values(in_file, path, (part.of_sites(rows), part.days)) + offset
            checks[index].add(values, site_id[rows], dates)
            flux[rows, :, index] = torch.from_numpy(values.astype(np.float32))
    for check in checks:
        check.tell_doubts()
    return flux


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


def _within(period: np.ndarray, flux: Tensor, path: Path) -> Tensor:
    """Flux (N, T, C) without values on days that have no drivers, of which the log tells."""
    day = np.arange(flux.shape[1])
    outside = torch.as_tensor((day < period[:, :1]) | (day > period[:, 1:]))
    lost = int((torch.isfinite(flux) & outside[..., None]).sum())
    if lost:
        log.warning("%s: %d values of flux are on days without drivers and are not used", path, lost)
    return flux.masked_fill(outside[..., None], torch.nan)


def _without_filled(
    file: netCDF4.Dataset, path: Path, variables: tuple[Variable, ...], part: Part, flux: Tensor
) -> Tensor:
    """Flux (N, T, C) without the values that are marked as filled, of which the log tells."""
    for index, variable in enumerate(variables):
        if f"{variable.name}_qc" not in file.variables:
            continue
        flags = read_values(file.variables[f"{variable.name}_qc"], path, (part.sites, part.days))
        filled = torch.as_tensor(flags > MEASURED) & torch.isfinite(flux[..., index])
        if filled.any():
            log.info("%s: %s: %d filled values are not used (data.filled_flux)", path, variable.name, int(filled.sum()))
            flux[..., index] = flux[..., index].masked_fill(filled, torch.nan)
    return flux


def _read_measured(file: netCDF4.Dataset, path: Path, variables: tuple[Variable, ...], part: Part) -> Tensor | None:
    """Whether flux and drivers of a day were measured, (N, T, C), by `driver_source` and the targets' quality flags."""
    days = (part.sites, part.days)
    drivers = None
    if "driver_source" in file.variables:
        drivers = read_values(file.variables["driver_source"], path, days) == MEASURED
    by_target = []
    for variable in variables:
        quality = f"{variable.name}_qc"
        flags = read_values(file.variables[quality], path, days) if quality in file.variables else None
        by_target.append(None if flags is None else flags == MEASURED)
    if drivers is None and all(flags is None for flags in by_target):
        return None
    shape = next(flags.shape for flags in (drivers, *by_target) if flags is not None)
    everywhere = np.ones(shape, bool) if drivers is None else drivers
    return torch.as_tensor(
        np.stack([everywhere if flags is None else everywhere & flags for flags in by_target], axis=-1)
    )
