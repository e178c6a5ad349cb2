"""What a model of departures is built on: its base, and scalers of the departures of the training data."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from emulator.configuration.schema import Config
from emulator.data.dataset import Dataset
from emulator.data.scalers import Scalers, with_target_statistics
from emulator.data.signature import Signature
from emulator.data.windows import Batch, put_records, whole_records
from emulator.models import registry
from emulator.models.wrappers.departure import DepartureModel
from emulator.models.wrappers.ensemble import Ensemble
from emulator.runs import checkpoint, trained_model
from emulator.runs.base_model import Base, base_description
from emulator.runs.run_folder import RunFolder
from emulator.training.starting import read_start
from foundations.configuration_file import ConfigError

log = logging.getLogger(__name__)

SITES_AT_ONCE = 32


def read_base(path: Path, config: Config) -> Base:
    """The emulator of a run folder as base of a residual model; ConfigError for an ensemble, which is not one model."""
    takes = getattr(config.model, "past_flux", "none")
    trained = trained_model.load(RunFolder(path))
    if isinstance(trained.model, Ensemble):
        message = f"transfer.residual: {path} is an ensemble; give one of its members"
        raise ConfigError(message)
    if "none" not in (takes, trained.model.past_flux):
        trained = trained_model.load(RunFolder(path), past_flux=takes)
    description = base_description(trained.config, trained.signature, trained.description, path)
    return Base(trained.model, trained.signature, description)


def base_for(config: Config, last: Path | None) -> Base | None:
    """The base of a run: that of its checkpoint `last` where it goes on, else that of what it begins with, else the
    emulator that `transfer.residual` names.
    """
    begins = last or config.init.path
    if begins is None:
        return None if config.transfer.residual is None else read_base(config.transfer.residual, config)
    start = read_start(begins)
    model, base = trained_model.built(start.config, start.signature, start.description)
    if base is None and config.transfer.residual is not None:
        message = f"transfer.residual: {begins} is no residual model, so that init.path cannot begin one"
        raise ConfigError(message)
    checkpoint.load_weights(model, start.weights)
    return base


def on_base(signature: Signature, base: Base) -> Signature:
    """The variables of a dataset in the units and classes of the base, where it has them; ConfigError where the base
    needs one that is not there.
    """
    given = base.signature
    for role, needed, present in (
        ("inputs", given.input_names, signature.input_names),
        ("statics", given.static_names, signature.static_names),
    ):
        if missing := [name for name in needed if name not in present]:
            message = f"data.{role}: transfer.residual needs {', '.join(missing)}, which its run was trained with"
            raise ConfigError(message)
    if not set(given.target_names) & set(signature.target_names):
        message = (
            f"data.targets: the run of transfer.residual predicts none of them, but {', '.join(given.target_names)}"
        )
        raise ConfigError(message)
    former = {variable.name: variable for variable in (*given.inputs, *given.statics)}
    fluxes = {target.name: target for target in given.targets}
    targets = tuple(
        replace(t, units=fluxes[t.name].units, analysis_units=fluxes[t.name].analysis_units) if t.name in fluxes else t
        for t in signature.targets
    )
    log.info(
        "residual of %s for %s",
        base.description["origin"]["path"],
        ", ".join(fluxes.keys() & {*signature.target_names}),
    )
    inputs, statics = (
        tuple(former.get(variable.name, variable) for variable in part)
        for part in (signature.inputs, signature.statics)
    )
    return Signature(inputs, statics, targets)


def departure_scalers(
    config: Config, dataset: Dataset, training_days: Tensor, signature: Signature, scalers: Scalers, base: Base | None
) -> Scalers | None:
    """Scalers with the statistics of departures on training days, (N, T) bool, for targets; None where nothing is
    departed from.
    """
    if base is None and not signature.priors:
        return None
    model = registry.departure_model(
        config.model, signature, scalers, base=None if base is None else base.parts, departure=None
    )
    departures = torch.full_like(dataset.flux, torch.nan)
    sites = np.flatnonzero(training_days.any(1).numpy())
    for batch in whole_records(dataset, sites, SITES_AT_ONCE, visible_flux=training_days):
        put_records(departures, dataset, batch, departures_of(model, replace(batch, target=batch.flux)))
    return with_target_statistics(scalers, departures)


@torch.no_grad()
def departures_of(model: DepartureModel, batch: Batch) -> Tensor:
    """Departures (B, T, C) of a batch's targets from the prior, NaN where there is no target."""
    return model.space(batch.target) - model.prior_of(batch)
