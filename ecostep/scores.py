"""Scores as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from ecostep.errors import DataError
from ecostep.model import Described
from ecostep.site_series import label_of, with_time
from emulator.evaluation.metrics import pooled

if TYPE_CHECKING:
    import pandas as pd


def scores_table(data: xr.Dataset, predicted: xr.Dataset, targets: Iterable[Described]) -> pd.DataFrame:
    """Scores of predictions against the fluxes of the same name in `data`, by part, 'all', and target."""
    rows = {}
    for target in targets:
        if target.name in data.variables:
            flux = predicted[target.name]
            observed = _daily(with_time(data, label_of(data))[target.name], flux["time"], label_of(data))
            observed = observed.broadcast_like(flux).transpose(*flux.dims)
            scores = pooled(np.asarray(observed.values), np.asarray(flux.values))
            rows["all", target.name] = {"units": flux.attrs["units"], **scores}
    if not rows:
        message = f"{label_of(data)}: has none of the fluxes {', '.join(target.name for target in targets)}"
        raise DataError(message)
    return _table(rows)


def _daily(flux: xr.DataArray, days: xr.DataArray, label: str) -> xr.DataArray:
    """A flux on days (T,), as the mean of their steps where these are shorter; NaN on days that lack a step."""
    if "time" not in flux.dims or flux.sizes["time"] == days.size:
        return flux
    steps, rest = divmod(flux.sizes["time"], days.size)
    if rest:
        message = f"{label}: {flux.name}: {flux.sizes['time']} steps on {days.size} days; cut the data to whole days"
        raise DataError(message)
    return flux.coarsen(time=steps).reduce(np.mean).assign_coords(time=days)


def metrics_table(metrics: Mapping[str, Any]) -> pd.DataFrame:
    """The pooled scores of a metrics.json, by part of the split and target."""
    rows = {
        (part, name): {"units": skill["units"], **skill["pooled"]}
        for part, table in metrics["splits"].items()
        for name, skill in table["targets"].items()
    }
    return _table(rows)


def _table(rows: Mapping[tuple[str, str], Mapping[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    index = pd.MultiIndex.from_tuples(list(rows), names=["part", "target"])
    table = pd.DataFrame(list(rows.values()), index=index)
    numbers = table.columns.drop("units")
    return table.astype(dict.fromkeys(numbers, float)).astype({"n": int})
