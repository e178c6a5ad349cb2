"""Ways to run a predictor over whole series: without past flux, with what was measured, or with its own."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from emulator.data import calendar as column
from emulator.data.dataset import Dataset
from emulator.data.series import new_series, site_blocks
from emulator.evaluation.offline import predict, predict_self_fed
from emulator.models.streaming import StreamingModel
from emulator.models.wrappers.ensemble import Ensemble


@dataclass(frozen=True)
class View:
    """One way to run a predictor: predictions (N, T, C) in analysis units, of how many past years they knew flux,
    (N, T), None = of none, and, of an ensemble, the predictions of its members (M, N, T, C).
    """

    predicted: np.ndarray
    years_known: np.ndarray | None = None
    members: np.ndarray | None = None

    def rows(self, sites: slice) -> "View":
        """The same of some of the sites."""
        known = None if self.years_known is None else self.years_known[sites]
        return View(self.predicted[sites], known, None if self.members is None else self.members[:, sites])


@dataclass(frozen=True)
class Views:
    """A predictor without past flux and, of a model that takes it, with measured flux of all earlier years."""

    ungauged: View
    gauged: View | None = None

    def all(self) -> list[View]:
        """The views that there are."""
        return [self.ungauged] if self.gauged is None else [self.ungauged, self.gauged]

    def of_mode(self, mode: str) -> View:
        """The view of a skill table's mode: 'gauged', 'ungauged', or 'no past flux' of a model that takes none."""
        return self.gauged if mode == "gauged" and self.gauged is not None else self.ungauged

    def mixed(self, with_past: np.ndarray, sites: slice) -> View:
        """Some of the sites: the gauged view at those marked in `with_past` (N,), where there is one, the other one
        elsewhere.
        """
        ungauged, gauged = self.ungauged.rows(sites), None if self.gauged is None else self.gauged.rows(sites)
        if gauged is None or gauged.years_known is None:
            return ungauged
        rows = with_past[sites, None]
        members = None
        if ungauged.members is not None and gauged.members is not None:
            members = np.where(rows[..., None], gauged.members, ungauged.members)
        predicted = np.where(rows[..., None], gauged.predicted, ungauged.predicted)
        return View(predicted, np.where(rows, gauged.years_known, 0.0), members)


def all_views(model: StreamingModel, dataset: Dataset) -> Views:
    """The views of a model of all sites and days."""
    ungauged = run_model(model, dataset)
    if model.past_flux == "none":
        return Views(ungauged)
    return Views(ungauged, run_model(model, dataset, np.ones((dataset.n_sites, len(dataset.years)), bool)))


def run_model(
    model: StreamingModel, dataset: Dataset, visible: np.ndarray | None = None, self_fed: bool = False
) -> View:
    """Predictions of all sites and days, of an ensemble with the spread of its members.

    visible: (N, Y) site-years whose flux later years may see; self_fed: the model's own flux instead.
    """
    visible_days = None if visible is None else dataset.day_mask(visible)
    past_years = None if visible_days is None else years_known(dataset, visible_days.numpy())
    if self_fed:
        predicted = predict_self_fed(model, dataset)
        if not isinstance(model, Ensemble):
            return View(predicted)
        dataset = replace(dataset, flux=torch.from_numpy(predicted))
        visible_days = torch.ones(1, dtype=torch.bool).expand(predicted.shape[:2])
    elif not isinstance(model, Ensemble):
        return View(predict(model, dataset, visible_days), past_years)
    every_model: Iterable[Any] = model.members
    of_members = [predict(member, dataset, visible_days) for member in every_model]
    sites, days, targets = of_members[0].shape
    members = new_series(len(of_members) * sites, days, targets).view(len(of_members), sites, days, targets)
    average = new_series(sites, days, targets)
    for rows in site_blocks(sites, days):
        members[:, rows] = torch.from_numpy(np.stack([fluxes[rows] for fluxes in of_members]))
        average[rows] = model.average(members[:, rows], dataset.drivers[rows])
    return View(average.numpy(), past_years, members.numpy())


def years_known(dataset: Dataset, visible: np.ndarray | None = None) -> np.ndarray:
    """Number of earlier years with any flux on days that are `visible` (N, T), default all; (N, T) float32."""
    year_of_day = dataset.calendar[:, column.YEAR].numpy()
    years = np.unique(year_of_day)
    known = new_series(dataset.n_sites, len(year_of_day), 1)[..., 0]
    for rows in site_blocks(*known.shape):
        has_flux = dataset.has_flux[rows].numpy()
        if visible is not None:
            has_flux = has_flux & np.asarray(visible[rows], bool)
        with_flux = np.stack([has_flux[:, year_of_day == year].any(axis=1) for year in years], axis=1)
        earlier: np.ndarray = np.cumsum(with_flux, axis=1) - with_flux
        known[rows] = torch.from_numpy(earlier[:, np.searchsorted(years, year_of_day)]).float()
    return known.numpy()
