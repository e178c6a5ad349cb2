"""A dataset in memory: the boundary where netCDF becomes tensors and units are converted once."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from emulator.data import calendar as column
from emulator.data.calendar import calendar_table
from emulator.data.classes import SiteClasses
from emulator.data.dataset_file import DatasetError, check_time, open_checked, read_values
from emulator.data.reading import DatasetReader, SiteTable, opened
from emulator.data.series import has_values, marks
from emulator.data.signature import Signature
from foundations.variables import BIOMES


@dataclass(frozen=True)
class Dataset:
    """Daily series of N sites over T days. Tensors are float32 (calendar: int64).

    drivers: (N, T, D) in units of the signature; calendar: (T, 6), columns of emulator.data.calendar; static: (N, P);
    flux: (N, T, C) in analysis units, NaN = missing; lat, lon: (N,) degrees; biome: (N,) flag values, 0 where the file
    has none; classes: of every class variable of the file by name, `biome` among them. period: (N, 2), first and last
    day of each site's record, outside which drivers and flux are NaN, None where all sites have all days; measured:
    (N, T, C) bool, whether flux and drivers were measured rather than filled, None where the file does not say, or they
    all were. uncertainty: (N, T, C), standard deviations of the measured flux in analysis units, NaN = not known, None
    where the file has none.
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
    uncertainty: Tensor | None = None

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
        with opened(
            path, signature, require_targets=require_targets, filled_flux=filled_flux, sites=sites, days=days
        ) as reader:
            return cls.read(reader, slice(0, len(reader.table.site_id)))

    @classmethod
    def blocks(cls, reader: DatasetReader, sites_at_once: int) -> Iterator[tuple[slice, "Dataset"]]:
        """The sites of an open file in blocks, with the rows of each, of which one is in memory at a time."""
        count = len(reader.table.site_id)
        for first in range(0, count, sites_at_once):
            rows = slice(first, min(first + sites_at_once, count))
            yield rows, cls.read(reader, rows)

    @classmethod
    def read(cls, reader: DatasetReader, rows: slice) -> "Dataset":
        """Some of the sites of an open file."""
        table = reader.table
        classes = {name: SiteClasses(of.codes[rows], of.meanings) for name, of in table.classes.items()}
        site_id = table.site_id[rows]
        return cls(
            path=reader.path,
            signature=reader.signature,
            calendar=reader.calendar,
            site_id=site_id,
            lat=table.lat[rows],
            lon=table.lon[rows],
            biome=classes["biome"].codes if "biome" in classes else np.zeros(len(site_id), np.int64),
            time=table.time,
            time_units=table.time_units,
            calendar_name=table.calendar_name,
            classes=classes,
            **reader.series(rows),
        )

    @property
    def n_sites(self) -> int:
        return self.drivers.shape[0]

    @cached_property
    def groups(self) -> dict[str, SiteClasses]:
        """Every class variable of the sites by name, the biome first where there is one."""
        has_biome = bool(self.biome.any()) or "biome" in self.classes
        biome = {"biome": SiteClasses(self.biome, BIOMES)} if has_biome else {}
        return biome | {name: classes for name, classes in self.classes.items() if classes.codes.size}

    @property
    def table(self) -> SiteTable:
        """The sites and days, without series."""
        return SiteTable(self.site_id, self.lat, self.lon, self.groups, self.time, self.time_units, self.calendar_name)

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
        return marks(self.n_sites, len(self.time), self._in_record)

    def _in_record(self, rows: slice) -> Tensor:
        """Those of a block of sites."""
        day, (first, last) = np.arange(len(self.time)), self.periods[rows].T
        return torch.as_tensor((day >= first[:, None]) & (day <= last[:, None]))

    @cached_property
    def has_flux(self) -> Tensor:
        """Days on which a site has any flux, (N, T) bool."""
        return has_values(self.flux)

    @cached_property
    def has_scored_flux(self) -> Tensor:
        """Days on which a site has any flux that predictions may be judged by, (N, T) bool."""
        if self.measured is None:
            return self.has_flux
        flux, measured = self.flux, self.measured
        return marks(self.n_sites, len(self.time), lambda rows: (torch.isfinite(flux[rows]) & measured[rows]).any(-1))

    def scored_flux(self, rows: Tensor | slice | None = None) -> Tensor:
        """Flux (n, T, C) of some sites, default all, that predictions may be judged by: NaN where it, or its drivers,
        were not measured.
        """
        flux = self.flux if rows is None else self.flux[rows]
        if self.measured is None:
            return flux
        return flux.masked_fill(~(self.measured if rows is None else self.measured[rows]), torch.nan)

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
            uncertainty=None if self.uncertainty is None else self.uncertainty[rows],
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
            uncertainty=None if self.uncertainty is None else self.uncertainty[:, days],
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
        by_year = tuple(mask.shape) == choice[0]
        if self.period is None and not by_year:
            return mask
        position = np.searchsorted(self.years, self.calendar[:, column.YEAR].numpy())
        year = torch.as_tensor(np.minimum(position, len(self.years) - 1))

        def block(rows: slice) -> Tensor:
            days = mask[rows][:, year] if by_year else mask[rows]
            return days if self.period is None else days & self._in_record(rows)

        return marks(self.n_sites, len(self.time), block)


def read_extent(path: str | Path) -> tuple[int, Tensor]:
    """Number of sites of a file, and its calendar (T, 6), without any series; raises DatasetError like `open`."""
    path = Path(path)
    with open_checked(path) as file:
        return len(file.dimensions["site"]), calendar_table(check_time(file, path))


def has_gaps(path: str | Path, variable: str, sites: np.ndarray, days: slice) -> bool:
    """Whether a series of a file lacks values at some sites on some days, as outside the records of sites."""
    path = Path(path)
    with open_checked(path) as file:
        if variable not in file.variables:
            return False
        index = days if tuple(file.variables[variable].dimensions) == ("time",) else (sites, days)
        return bool(np.isnan(read_values(file.variables[variable], path, index)).any())
