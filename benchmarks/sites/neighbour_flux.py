"""What a baseline can do with the flux of neighbours: the mean course of the year at the training sites, kriged.

The course of a site is the mean flux of each month over its training years. At every site it is the mean of a Gaussian
process over the training sites in other blocks, with an exponential covariance over distance, a common mean and a
nugget, chosen by leaving blocks out; so that training sites see what test sites see. Read as a daily driver.
"""

from dataclasses import replace
from itertools import product

import numpy as np
import torch

from benchmarks.learning.ceilings import great_circle_km
from emulator.data import calendar as column
from emulator.data.dataset import Dataset
from emulator.data.splits import Split
from foundations.variables import Variable

LENGTHS_KM = (75.0, 150.0, 300.0, 600.0, 1200.0)
NUGGETS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
MONTHS = 12


def with_neighbour_flux(dataset: Dataset, split: Split, targets: tuple[str, ...]) -> Dataset:
    """The dataset with a driver `neighbour_TARGET` for each of these: the kriged course, from day to day."""
    columns = [dataset.signature.target_names.index(name) for name in targets]
    courses = kriged_courses(dataset, split, columns)
    days = _between_months(courses, dataset.calendar)
    extra = tuple(
        Variable(f"neighbour_{name}", dataset.signature.targets[column].analysis_units, "slow", f"{name} of neighbours")
        for name, column in zip(targets, columns, strict=True)
    )
    signature = replace(dataset.signature, inputs=dataset.signature.inputs + extra)
    return replace(dataset, drivers=torch.cat([dataset.drivers, days], dim=2), signature=signature)


def kriged_courses(dataset: Dataset, split: Split, columns: list[int]) -> np.ndarray:
    """Mean flux of each month at every site as training sites of other blocks tell it, (N, 12, targets)."""
    train = np.flatnonzero(split.train_sites)
    values = _courses(dataset, split, train, columns).reshape(len(train), -1)
    mean, spread = values.mean(0), values.std(0) + 1e-12
    anomaly = (values - mean) / spread
    distance = great_circle_km(dataset.lat, dataset.lon)
    least, best = np.inf, np.zeros((dataset.n_sites, values.shape[1]))
    for length, nugget in product(LENGTHS_KM, NUGGETS):
        covariance = 1.0 + np.exp(-distance / length)
        precision = np.linalg.inv(covariance[np.ix_(train, train)] + nugget * np.eye(len(train)))
        dual = precision @ anomaly
        departure = _departures(precision, dual, split.block[train])
        error = float((departure**2).mean())
        if error < least:
            least, best = error, covariance[:, train] @ dual
            best[train] = anomaly - departure
    return (mean + spread * best).reshape(dataset.n_sites, MONTHS, len(columns))


def _courses(dataset: Dataset, split: Split, train: np.ndarray, columns: list[int]) -> np.ndarray:
    """Mean flux of each month in the training years, (Nm, 12, targets)."""
    seen = split.days(dataset, "train").numpy()[train]
    month = dataset.calendar[:, column.MONTH].numpy()
    flux = dataset.flux[torch.as_tensor(train)][..., columns].numpy().astype(float)
    flux = np.where(seen[..., None], flux, np.nan)
    return np.stack([np.nanmean(flux[:, month == number + 1], axis=1) for number in range(MONTHS)], axis=1)


def _departures(precision: np.ndarray, dual: np.ndarray, block: np.ndarray) -> np.ndarray:
    """Of each training site what its values differ from those that other blocks tell, (Nm, V)."""
    departure = np.empty_like(dual)
    for number in np.unique(block):
        members = np.flatnonzero(block == number)
        departure[members] = np.linalg.solve(precision[np.ix_(members, members)], dual[members])
    return departure


def _between_months(courses: np.ndarray, calendar: torch.Tensor) -> torch.Tensor:
    """Daily values (N, T, targets), linear between the middles of months."""
    day, length = calendar[:, column.DAY_OF_YEAR].numpy(), calendar[:, column.DAYS_IN_YEAR].numpy()
    position = MONTHS * (day - 0.5) / length - 0.5
    before = np.floor(position).astype(int)
    share = (position - before)[None, :, None]
    days = (1.0 - share) * courses[:, before % MONTHS] + share * courses[:, (before + 1) % MONTHS]
    return torch.as_tensor(days, dtype=torch.float32)
