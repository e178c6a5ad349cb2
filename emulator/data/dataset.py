"""A dataset in memory: the boundary where netCDF becomes tensors and units are converted once."""

import hashlib
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
    check_flux,
    check_range,
    check_time,
    check_variable,
    class_codes,
    open_checked,
    read_values,
)
from emulator.data.signature import Signature
from emulator.data.vocabulary import describe
from foundations.site_names import repeated_name, site_names
from foundations.variables import BIOMES, Variable


class Part(NamedTuple):
    """What is read of a file: rows of sites and days."""

    sites: np.ndarray | slice
    days: slice


@dataclass(frozen=True)
class Dataset:
    """Daily series of N sites over T days. Tensors are float32 (calendar: int64).

    drivers: (N, T, D) in units of the signature; calendar: (T, 6), columns of emulator.data.calendar; static: (N, P);
    flux: (N, T, C) in analysis units, NaN = missing; lat, lon: (N,) degrees; biome: (N,) flag values, 0 where the file
    has none; classes: of every class variable of the file by name, `biome` among them.
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

    @classmethod
    def open(
        cls,
        path: str | Path,
        signature: Signature,
        *,
        require_targets: bool = True,
        sites: np.ndarray | None = None,
        days: slice = slice(None),
    ) -> "Dataset":
        """Read and check a file. Where `require_targets` is False, targets that the file lacks are NaN throughout.

        sites: rows, ascending and each once, and days: what is read and checked of the series, default all.
        Raises DatasetError, naming file and variable, for whatever docs/formats.md does not allow.
        """
        path = Path(path)
        with open_checked(path) as file:
            part = Part(slice(None) if sites is None else sites, days)
            site_id = _site_ids(file, path)[part.sites]
            dates = check_time(file, path)[days]
            time = file.variables["time"]
            classes = _read_classes(file, path, signature, part)
            return cls(
                path=path,
                signature=signature,
                drivers=_read_drivers(file, path, signature.inputs, part, site_id, dates),
                calendar=calendar_table(dates),
                static=_read_static(file, path, signature.statics, part, site_id),
                flux=_read_flux(file, path, signature.targets, part, site_id, dates, require_targets),
                site_id=site_id,
                lat=read_values(file.variables["lat"], path, part.sites),
                lon=read_values(file.variables["lon"], path, part.sites),
                biome=classes["biome"].codes if "biome" in classes else np.zeros(len(site_id), np.int64),
                time=read_values(time, path, days),
                time_units=str(time.units),
                calendar_name=str(getattr(time, "calendar", "standard")),
                classes=classes,
            )

    @property
    def n_sites(self) -> int:
        return self.drivers.shape[0]

    def group(self, name: str | None = None) -> SiteClasses:
        """Classes of the sites by a class variable; by default the biome, else the first that the file has, else none.

        DatasetError where the file has no such class.
        """
        if name is None:
            name = next(iter(sorted(self.classes, key=lambda other: other != "biome")), None)
        if name in self.classes:
            return self.classes[name]
        if name in (None, "biome"):
            return SiteClasses(self.biome, BIOMES if self.biome.any() else {0: "all sites"})
        choice = ", ".join(self.classes) or "none; give a static flag_values and flag_meanings"
        message = f"{self.path}: '{name}' is no class variable of the sites; those are: {choice}"
        raise DatasetError(message)

    @cached_property
    def years(self) -> np.ndarray:
        """Whole calendar years of the record, ascending, (Y,)."""
        years, first, counts = np.unique(self.calendar[:, column.YEAR].numpy(), return_index=True, return_counts=True)
        return years[counts == self.calendar[:, column.DAYS_IN_YEAR].numpy()[first]]

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
        )

    def content_hash(self) -> str:
        """SHA-256 of the series, statics, calendar and places in memory; they may differ from the file's."""
        digest = hashlib.sha256()
        for values in (self.drivers, self.static, self.flux, self.calendar):
            digest.update(f"{tuple(values.shape)}".encode())
            digest.update(values.contiguous().numpy().data)
        for places in (self.lat, self.lon):
            digest.update(np.ascontiguousarray(places).data)
        return digest.hexdigest()

    def day_mask(self, site_years: np.ndarray) -> Tensor:
        """Spread a mask over sites and years (N, Y), in the order of `years`, over days: (N, T) bool."""
        position = np.searchsorted(self.years, self.calendar[:, column.YEAR].numpy())
        whole = np.isin(self.calendar[:, column.YEAR].numpy(), self.years)
        clipped = np.minimum(position, len(self.years) - 1)
        return torch.as_tensor(np.asarray(site_years, bool)[:, clipped] & whole)


def read_extent(path: str | Path) -> tuple[int, Tensor]:
    """Number of sites of a file, and its calendar (T, 6), without any series; raises DatasetError like `open`."""
    path = Path(path)
    with open_checked(path) as file:
        return len(file.dimensions["site"]), calendar_table(check_time(file, path))


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
) -> Tensor:
    drivers = torch.empty((len(site_id), len(dates), len(variables)), dtype=torch.float32)
    for index, variable in enumerate(variables):
        factor, offset = check_variable(file, path, variable, ("site", "time"))
        values = factor * read_values(file.variables[variable.name], path, (part.sites, part.days)) + offset
        values = class_codes(values, file.variables[variable.name], path, variable)
        check_range(values, path, variable, site_id, dates)
        drivers[:, :, index] = torch.from_numpy(values.astype(np.float32))
    return drivers


def _read_static(
    file: netCDF4.Dataset, path: Path, variables: tuple[Variable, ...], part: Part, site_id: np.ndarray
) -> Tensor:
    static = torch.empty((len(site_id), len(variables)), dtype=torch.float32)
    for index, variable in enumerate(variables):
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
    flux = torch.full((len(site_id), len(dates), len(variables)), torch.nan)
    for index, variable in enumerate(variables):
        if variable.name not in file.variables and not required:
            continue
        factor, offset = check_variable(file, path, variable, ("site", "time"))
        values = factor * read_values(file.variables[variable.name], path, (part.sites, part.days)) + offset
        check_flux(values, path, variable, str(file.variables[variable.name].units), site_id, dates)
        flux[:, :, index] = torch.from_numpy(values.astype(np.float32))
    return flux


def _read_classes(file: netCDF4.Dataset, path: Path, signature: Signature, part: Part) -> dict[str, SiteClasses]:
    """Every variable of the sites that has classes, by the numbers of the signature, the table or the file."""
    statics = {variable.name: variable for variable in signature.statics}
    classes = {}
    for name, in_file in file.variables.items():
        if in_file.dimensions != ("site",) or in_file.dtype is str:
            continue
        variable = statics[name] if name in statics else describe(in_file, path)
        if variable.flag_values:
            codes = class_codes(read_values(in_file, path, part.sites), in_file, path, variable)
            missing = 0 if 0 not in variable.flag_values else min(variable.flag_values) - 1
            classes[name] = SiteClasses(np.nan_to_num(codes, nan=missing).astype(np.int64), variable.classes)
    return classes
