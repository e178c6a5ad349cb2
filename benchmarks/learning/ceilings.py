"""How well a network could do if it knew the hidden parameters of the sites: what two oracles are told.

`true_parameters` gives the hidden parameters themselves, a ceiling for models that see a site's own flux.
`kriged_parameters` gives the best guess of them from other sites and from what is seen of the site (climate, soil,
class, host states): a ceiling for models that retrieve. Only oracles may read the side file that these come from.
"""

from itertools import product
from pathlib import Path

import netCDF4
import numpy as np

from emulator.data.dataset import Dataset
from emulator.data.splits import EARTH_RADIUS_KM, Split

SIDE_FILE = "params_truth.nc"
LENGTHS_KM = (150.0, 300.0, 600.0, 1200.0)
NUGGETS = (0.5, 1.0, 2.0, 4.0)
"""Variance without structure in space, over that of the field."""
SLOPES = (0.01, 0.03, 0.1, 0.3)
"""Prior variance of each regression slope, over that of the field."""
LEAST_SKILL = 0.02
"""Parameters that cross-validation explains less of are left out of the kriged ones."""
CONSTANT = 1e-9
"""A parameter or feature whose range is no larger, over its size, does not vary."""


def true_parameters(ensemble_dir: str | Path, site_id: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
    """Names (P,) and values (N, P) of the hidden parameters at sites, in the order of `site_id`; mean 0, deviation 1.

    Skewed positive ones are taken as logarithms. Columns that do not vary are left out. Where a parameter is missing,
    as the process it belongs to is, the value is 0 and a column `has_NAME`, one for all that are missing together,
    is 0.
    """
    with netCDF4.Dataset(Path(ensemble_dir) / SIDE_FILE) as file:
        row = {str(name): index for index, name in enumerate(file["site_id"][:])}
        order = np.array([row[str(name)] for name in site_id])
        columns = {
            name: np.ma.filled(variable[:].astype(float), np.nan)[order]
            for name, variable in file.variables.items()
            if name != "site_id"
        }
    parameters: dict[str, np.ndarray] = {}
    flags: list[np.ndarray] = []
    for name, values in columns.items():
        present = np.isfinite(values)
        if not present.any() or np.ptp(values[present]) <= CONSTANT * np.abs(values[present]).max():
            continue
        parameters[name] = np.where(present, _standardised(values, present), 0.0)
        if not present.all() and not any((flag == present).all() for flag in flags):
            flags.append(present)
            parameters[f"has_{name}"] = present.astype(float)
    return tuple(parameters), np.stack(list(parameters.values()), axis=1).astype(np.float32)


def kriged_parameters(
    ensemble_dir: str | Path, dataset: Dataset, split: Split, *, buffer_km: float
) -> tuple[tuple[str, ...], np.ndarray]:
    """Names (P,) and estimates (N, P) of the hidden parameters from training sites alone.

    Regression on what is seen of a site and kriging of the remainder, as one Gaussian process: slopes with a normal
    prior, an exponential covariance over distance and a nugget, chosen for each parameter by leaving out the blocks of
    the split in turn. A training site's own block and `buffer_km` around it tell nothing of it, so that estimates at
    training and at held-out sites are alike.
    """
    names, truth = true_parameters(ensemble_dir, dataset.site_id)
    train = np.flatnonzero(split.train_sites)
    mean = truth[train].mean(0)
    anomaly = (truth[train] - mean).astype(float)
    features = site_features(dataset, split)
    distance = great_circle_km(dataset.lat, dataset.lon)
    groups = _left_out(split.block[train], distance[np.ix_(train, train)], buffer_km)
    least = np.full(len(names), np.inf)
    best = np.zeros_like(truth)
    for slope, length in product(SLOPES, LENGTHS_KM):
        covariance = slope * features @ features.T + np.exp(-distance / length)
        for nugget in NUGGETS:
            precision = np.linalg.inv(covariance[np.ix_(train, train)] + nugget * np.eye(len(train)))
            weights = precision @ anomaly
            held_out = _held_out_estimates(anomaly, precision, weights, groups)
            error = ((held_out - anomaly) ** 2).mean(0)
            estimates = covariance[:, train] @ weights
            estimates[train] = held_out
            better = error < least
            best[:, better], least[better] = estimates[:, better], error[better]
    explained = least < (1.0 - LEAST_SKILL) * (anomaly**2).mean(0)
    return tuple(np.array(names)[explained]), (best + mean)[:, explained].astype(np.float32)


def _held_out_estimates(
    anomaly: np.ndarray, precision: np.ndarray, weights: np.ndarray, groups: list[tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    """Estimates (N, P) at each training site without its block and what is near it; precision: of all, (N, N)."""
    estimates = np.empty_like(anomaly)
    for block, without in groups:
        left_out = anomaly[without] - np.linalg.solve(precision[np.ix_(without, without)], weights[without])
        estimates[block] = left_out[np.isin(without, block)]
    return estimates


def site_features(dataset: Dataset, split: Split) -> np.ndarray:
    """What is seen of each site, (N, F) standardised: class, soil, mean and spread of drivers in the training years,
    and the squares of all but the class.
    """
    years = dataset.years[split.train_years]
    drivers = dataset.drivers[:, dataset.days(int(years[0]), int(years[-1]))].double()
    continuous = [i for i, v in enumerate(dataset.signature.statics) if v.name != "lon" and not v.flag_values]
    features = np.concatenate(
        [dataset.static[:, continuous].numpy(), drivers.mean(1).numpy(), np.log(drivers.std(1).numpy() + 1e-12)], axis=1
    )
    spread = features.std(0)
    varies = spread > CONSTANT
    standardised = np.clip((features - features.mean(0))[:, varies] / spread[varies], -4.0, 4.0)
    classes = dataset.biome[:, None] == np.unique(dataset.biome)
    return np.concatenate([3.0 * classes, standardised, 0.5 * (standardised**2 - 1.0)], axis=1)


def _standardised(values: np.ndarray, present: np.ndarray) -> np.ndarray:
    sample = values[present]
    if sample.min() > 0.0 and sample.max() > 3.0 * sample.min():
        values = np.log(np.where(present, values, 1.0))
        sample = values[present]
    return (values - sample.mean()) / sample.std()


def great_circle_km(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Great-circle distances (N, N)."""
    phi, lam = np.deg2rad(lat), np.deg2rad(lon)
    direction = np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=1)
    return EARTH_RADIUS_KM * np.arccos(np.clip(direction @ direction.T, -1.0, 1.0))


def _left_out(block: np.ndarray, distance: np.ndarray, buffer_km: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each block its members, and these with all within the buffer of them; ascending indices."""
    groups = []
    for number in np.unique(block):
        members = np.flatnonzero(block == number)
        near = np.flatnonzero(distance[members].min(0) <= buffer_km)
        groups.append((members, np.union1d(members, near)))  # rounding puts a site some metres from itself
    return groups
