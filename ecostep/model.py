"""What any model of `ecostep.load` can do: fluxes and scores of a Dataset."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import xarray as xr
from tqdm import tqdm

from ecostep.errors import DataError, told_of
from ecostep.site_series import SiteSeries, label_of, opened
from foundations.provenance import versions
from foundations.units import unit_conversion
from foundations.variables import VARIABLES

if TYPE_CHECKING:
    import pandas as pd

PastFlux = Literal["none", "observed", "self_fed"]
Quantiles = Literal["new", "trained_on"]

BLOCK_BYTES = 256 * 2**20
"""Size of the series of the sites that are predicted at once."""


ENDINGS = ("", "_q05", "_q50", "_q95")
"""Of the names of a target and its quantiles."""


class Described(Protocol):
    """A variable of a model: what it is called, its units, and what it is."""

    @property
    def name(self) -> str:
        """Name, such as `tas`."""

    @property
    def units(self) -> str:
        """Units of the model; data may have any that convert to them."""

    @property
    def long_name(self) -> str:
        """What it is, in words."""


class Model(ABC):
    """A trained emulator: of a run folder (:class:`RunModel`) or an exported artefact (:class:`ArtefactModel`).

    path: the folder or file; kind: such as 'cham_net'; inputs (D), statics (P), targets (C): what it takes and gives,
    each with `name`, `units` and `long_name`.
    """

    path: Path
    kind: str
    inputs: Sequence[Described]
    statics: Sequence[Described]
    targets: Sequence[Described]

    def predict(
        self,
        data: xr.Dataset | str | os.PathLike[str],
        *,
        past_flux: PastFlux | None = None,
        quantiles: Quantiles | None = None,
    ) -> xr.Dataset:
        """Daily fluxes of the places and days of `data`.

        data: a Dataset, or a path that `open_dataset` opens, with the model's drivers over `time` and any dimensions of
        places, in any order: (site, time), (time, lat, lon), (time, y, x) or (time,) alone; its statics over those of
        places or over none; latitudes and longitudes. Variables carry the model's names and any `units` that convert to
        its own; classes, such as the biome, are codes with `flag_values` and `flag_meanings`, or words. Cells of a grid
        that lack a static or all drivers, such as the sea, stay NaN. A chunked Dataset is read in blocks of sites.

        past_flux: what the history of a model that takes past flux sees: 'none', the flux of earlier years in `data`
        ('observed'), or the model's own ('self_fed'). Default: none, of an artefact what it was exported with.
        quantiles: also give the quantiles 0.05, 0.5 and 0.95, NAME_q05, NAME_q50, NAME_q95, as of sites that are 'new'
        to the model or that it was 'trained_on'; of a run folder that was evaluated.

        Returns the targets over the dimensions of the drivers, float32, with the coordinates of `data`, CF attributes,
        and the units that `data` has for the target, else the model's own. Raises
        :class:`DataError` for data that the model cannot use, and ValueError for options that it does not have.
        """
        data = opened(data)
        self._require_options(past_flux, quantiles)
        fluxes = [target.name for target in self.targets]
        series = SiteSeries.of(
            data, [v.name for v in self.inputs], self._needed_statics(data),
            fluxes if past_flux == "observed" else (), self._classes(),
        )  # fmt: skip
        units = {target.name: _units(target, data) for target in self.targets}
        blocks, time = self._blocks(series, past_flux, quantiles)
        result = xr.Dataset(coords=_coordinates(series, time))
        for name, values in blocks.items():
            target = next(target for target in self.targets if name.removeprefix(target.name) in ENDINGS)
            result[name] = _described(series, name, values, target, units[target.name])
        return _finish(result, self, data)

    @abstractmethod
    def evaluate(self, data: xr.Dataset | str | os.PathLike[str]) -> pd.DataFrame:
        """Scores of the predictions against the fluxes in `data`, a row for each part of the data and target.

        Columns: rmse, bias (in `units`), nrmse, nrmse_sd, r2, kge, n (site-days), of all site-days together.
        """

    def _blocks(
        self, series: SiteSeries, past_flux: PastFlux | None, quantiles: Quantiles | None
    ) -> tuple[dict[str, xr.DataArray], xr.DataArray]:
        """Predict blocks of sites one after the other; the fluxes (N, T) by name, and their days."""
        count, site_bytes = series.data.sizes["site"], series.site_bytes
        if count == 0:
            message = f"{label_of(series.source)}: no cell has all of {', '.join(v.name for v in self.statics)}"
            raise DataError(message)
        sites_at_once = max(1, BLOCK_BYTES // site_bytes)
        parts = []
        starts = range(0, count, sites_at_once)
        with TemporaryDirectory(prefix="ecostep-") as folder:
            label = label_of(series.source)
            drivers, out = Path(folder) / f"{Path(label).stem} drivers.nc", Path(folder) / "fluxes.nc"
            for start in tqdm(starts, "predicting", unit="block", disable=True if len(starts) == 1 else None):
                series.write(drivers, slice(start, start + sites_at_once))
                with told_of(label, drivers, self._errors()):
                    self._predict_file(drivers, out, past_flux, quantiles)
                with xr.open_dataset(out) as fluxes:
                    parts.append(fluxes[self._names(fluxes)].load())
        whole = xr.concat(parts, "site") if len(parts) > 1 else parts[0]
        return {str(name): values for name, values in whole.data_vars.items()}, whole["time"].drop_attrs()

    def _names(self, fluxes: xr.Dataset) -> list[str]:
        """Targets in a file and their quantiles."""
        return [name for v in self.targets for end in ENDINGS if (name := f"{v.name}{end}") in fluxes]

    @abstractmethod
    def _predict_file(self, drivers: Path, out: Path, past_flux: PastFlux | None, quantiles: Quantiles | None) -> None:
        """Predict the sites of a dataset to a netCDF file of fluxes over (site, time)."""

    @abstractmethod
    def _require_options(self, past_flux: PastFlux | None, quantiles: Quantiles | None) -> None:
        """ValueError for options of `predict` that the model does not have."""

    @abstractmethod
    def _errors(self) -> tuple[type[Exception], ...]:
        """What may be raised about the data."""

    @abstractmethod
    def _classes(self) -> Mapping[str, Mapping[int, str]]:
        """Meanings by code of the inputs and statics that are classes."""

    @abstractmethod
    def _needed_statics(self, data: xr.Dataset) -> list[str]:
        """Statics that the data must have."""

    def __repr__(self) -> str:
        drivers, fluxes = (", ".join(v.name for v in variables) for variables in (self.inputs, self.targets))
        return f"<ecostep {self.kind} of {self.path}: {drivers} -> {fluxes}>"


def _coordinates(series: SiteSeries, days: xr.DataArray) -> dict[Hashable, xr.DataArray]:
    """Coordinates of the source over the dimensions of its drivers, with `days` (T,) where its steps are shorter."""
    given = series.source.coords.items()
    coordinates = {name: values.copy(deep=False) for name, values in given if set(values.dims) <= set(series.order)}
    if len(days) != series.data.sizes["time"]:
        coordinates = {name: values for name, values in coordinates.items() if "time" not in values.dims}
        coordinates["time"] = days
    return coordinates


def _units(target: Described, data: xr.Dataset) -> str:
    """Units that the data have for a flux, else the model's; DataError for those of another quantity."""
    units = str(data[target.name].attrs.get("units", target.units)) if target.name in data else target.units
    try:
        unit_conversion(target.units, units, target.name)
    except ValueError as error:
        message = f"{label_of(data)}: {target.name}: {error}"
        raise DataError(message) from None
    return units


def _described(
    series: SiteSeries, name: str, values: xr.DataArray, target: Described, units: str
) -> tuple[tuple[str, ...], np.ndarray, dict[str, str]]:
    """A flux or a quantile of it on the cells in some units, with its attributes."""
    scale, offset = unit_conversion(str(values.attrs["units"]), units, target.name)
    dims, on_cells = series.on_cells(np.asarray(values.values, np.float64) * scale + offset)
    ending = name.removeprefix(target.name)
    about = f"{target.long_name}{f', {int(ending[2:]) / 100:g} quantile' if ending else ''}"
    attributes = {"units": units, "long_name": about, "cell_methods": "time: mean"}
    entry = VARIABLES.get(target.name)
    if entry is not None and entry.standard_name and entry.long_name == target.long_name:
        attributes["standard_name"] = entry.standard_name
    return dims, on_cells, attributes


def _finish(result: xr.Dataset, model: Model, data: xr.Dataset) -> xr.Dataset:
    """The Dataset with attributes of CF: of its coordinates, and where it comes from."""
    axes = {"time": ("time", None), "lat": ("latitude", "degrees_north"), "lon": ("longitude", "degrees_east")}
    for name, (standard_name, units) in axes.items():
        if name in result.coords:
            result[name].attrs.setdefault("standard_name", standard_name)
            if units is not None:
                result[name].attrs.setdefault("units", units)
    if "time" in result.coords:
        result["time"].attrs.pop("bounds", None)
        if result["time"].dt.calendar in ("standard", "gregorian", "proleptic_gregorian"):
            result["time"].attrs.setdefault("units_metadata", "leap_seconds: none")
    for coordinate, values in result.coords.items():
        values.encoding = {key: value for key, value in values.encoding.items() if key in ("units", "calendar")}
        values.encoding |= {"_FillValue": None} | ({"dtype": "float64"} if coordinate == "time" else {})
    version = versions(["ecostep"])["ecostep"]
    history = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} ecostep {version}: predicted from {label_of(data)}"
    result.attrs = {
        "Conventions": "CF-1.11",
        "title": f"daily fluxes by the emulator {model.path.name}",
        "source": f"ecostep {version}: {model.kind}, {model.path}",
        "history": "\n".join([history, *([str(data.attrs["history"])] if "history" in data.attrs else [])]),
    }
    if "site" in result.dims and "site_id" in result.coords:
        result.attrs["featureType"] = "timeSeries"
    return result
