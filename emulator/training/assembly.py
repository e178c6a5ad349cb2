"""From a configuration, a dataset in memory and a split to the objects that the trainer works on."""

import logging
from typing import Any

import torch

from emulator.configuration.schema import Config, TrainingConfig
from emulator.data import processes as parallel
from emulator.data.bounds import check_bounds
from emulator.data.dataset import Dataset
from emulator.data.dataset_file import DatasetError
from emulator.data.scalers import Scalers, fit_scalers_to
from emulator.data.series import marked_days, site_blocks
from emulator.data.signature import Signature
from emulator.data.split_days import AnySplit, learnable_days, validation_days
from emulator.data.split_rules import source_sites
from emulator.data.windows import TrainingSites, WindowSampler
from emulator.models import registry
from emulator.models.parts import site_code
from emulator.models.parts.site_code import SiteCode
from emulator.models.streaming import StreamingModel
from emulator.runs.base_model import Base
from emulator.training.adversary import DomainAdversary
from emulator.training.averaging import WeightAverage
from emulator.training.departures import departure_scalers
from emulator.training.likeness import WindowWeights, window_weights
from emulator.training.losses import FluxLoss, LossWeights, flux_loss
from emulator.training.precision import keep_recurrences_in_float32
from emulator.training.schedule import Schedule
from emulator.training.starting import Start, freeze, take_up, wider
from emulator.training.trainer import Parts, Settings
from emulator.training.validation_loss import Validation

log = logging.getLogger(__name__)


def build(
    config: Config,
    dataset: Dataset,
    split: AnySplit,
    signature: Signature,
    origin: dict[str, Any],
    start: Start | None = None,
    base: Base | None = None,
) -> tuple[Parts, Settings]:
    """The objects that the trainer works on. `origin` is the provenance that checkpoints carry; `start` what the model
    begins with in place of random weights; `base` the emulator whose residual it learns.

    Raises ValueError where configuration, dataset and split do not fit together.
    """
    scalers = checked_scalers(dataset, split, signature)
    departure = departure_scalers(config, dataset, split.days(dataset, "train"), signature, scalers, base)
    model = _build_model(config, signature, scalers, base, departure)
    if start is not None:
        take_up(model, start, scalers, departure)
    model.enrol(_training_sites(dataset, split))
    freeze(model, config.init.freeze, config.init.only)
    device = next(model.parameters()).device
    batches = _build_batches(config, dataset, split)
    loss = build_loss(config, dataset, split, signature, scalers).to(device)
    adversary = _build_adversary(config, dataset, model, device)
    groups = weights_by_rate(model, config.training.learning_rate)
    if adversary is not None:
        groups.append(adversary.parameter_group(config.training.learning_rate))
    optimizer = torch.optim.AdamW(
        groups,
        lr=config.training.learning_rate,
        weight_decay=config.training.weight_decay,
        fused=True,
    )
    parts = Parts(
        model=model,
        loss=loss,
        batches=batches,
        validate=_build_validation(config, dataset, split, loss),
        optimizer=optimizer,
        schedule=_build_schedule(config.training, optimizer, len(batches)),
        average=WeightAverage(model, config.training.average_decay),
        description=describe(config, signature, scalers, origin, start, base),
        git_hash=origin["git_hash"],
        config_hash=origin["config_hash"],
        adversary=adversary,
        weights=_build_weights(config, dataset, split, signature),
    )
    log.info(
        "%s: %d parameters; %d training, %d validation and %d test sites; %d batches an epoch",
        config.model.kind,
        sum(p.numel() for p in model.parameters()),
        split.train_sites.sum(),
        split.validation_sites.sum(),
        split.test_sites.sum(),
        len(batches),
    )
    return parts, _settings(config)


def weights_by_rate(model: StreamingModel, learning_rate: float) -> list[dict[str, Any]]:
    """Weights that are learned, with their learning rates: those of the network, and faster ones of the codes of
    sites.
    """
    codes = [part.code for part in model.modules() if isinstance(part, SiteCode)]
    network = [weights for weights in model.parameters() if all(weights is not code for code in codes)]
    groups = ((network, learning_rate), (codes, site_code.LEARNING_RATE * learning_rate))
    learned = [([weights for weights in group if weights.requires_grad], rate) for group, rate in groups]
    return [{"params": group, "lr": rate} for group, rate in learned if group]


def checked_scalers(dataset: Dataset, split: AnySplit, signature: Signature) -> Scalers:
    """Scalers of the training days; ValueError where configuration, dataset and split do not fit together."""
    check_shapes(dataset, signature)
    check_bounds(dataset, signature, split.days(dataset, "train").numpy())
    check_targets(dataset, signature, split)
    return fit_scalers_to(dataset, split.days(dataset, "train"), signature)


def _build_model(
    config: Config, signature: Signature, scalers: Scalers, base: Base | None, departure: Scalers | None
) -> StreamingModel:
    """A model with its first weights, which follow from the seed, on the device that the configuration names."""
    torch.manual_seed(config.seed)
    device = parallel.choose_device(config.training.device)
    parts = None if base is None else base.parts
    model = registry.build(config.model, signature, scalers, base=parts, departure=departure).to(device)
    if config.training.precision != "float32":
        keep_recurrences_in_float32(model, device)
    return model


def _build_adversary(
    config: Config, dataset: Dataset, model: StreamingModel, device: torch.device
) -> DomainAdversary | None:
    if not config.transfer.adversarial:
        return None
    return DomainAdversary(
        model,
        source_sites(config.split, dataset),
        weight=config.transfer.adversarial,
        hidden=config.transfer.adversarial_hidden,
        epochs=config.training.epochs,
    ).to(device)


def _build_weights(config: Config, dataset: Dataset, split: AnySplit, signature: Signature) -> WindowWeights | None:
    if not config.transfer.reweighting and config.transfer.source_weight == 1.0:
        return None
    return window_weights(
        dataset,
        split.days(dataset, "train"),
        source_sites(config.split, dataset),
        signature,
        source_weight=config.transfer.source_weight,
        by_likeness=config.transfer.reweighting,
        largest=config.transfer.largest_weight,
    )


def _build_batches(config: Config, dataset: Dataset, split: AnySplit) -> WindowSampler:
    """This process's share of the batches of training sites and years."""
    return WindowSampler(
        dataset,
        split.days(dataset, "train"),
        years_per_window=config.training.years_per_window,
        batch_size=config.training.batch_size,
        seed=config.seed,
        windows_per_site=config.training.windows_per_site,
        rank=parallel.rank(),
        world_size=parallel.world_size(),
        deviations=config.loss.uncertainty_floor is not None,
    )


def _build_validation(config: Config, dataset: Dataset, split: AnySplit, loss: FluxLoss) -> Validation:
    return Validation(
        dataset,
        split,
        loss,
        batch_size=config.training.batch_size,
        max_sites=config.training.validation_sites,
        record_years=config.training.validation_record_years,
        seed=config.seed,
    )


def _settings(config: Config) -> Settings:
    return Settings(
        epochs=config.training.epochs,
        patience=config.training.patience,
        gradient_clip=config.training.gradient_clip,
        validation_every=config.training.validation_every,
        precision=config.training.precision,
        auxiliary_weight=config.loss.auxiliary,
        seed=config.seed,
    )


def _training_sites(dataset: Dataset, split: AnySplit) -> TrainingSites:
    """The sites with training flux, which batches draw, with their blocks, those of the split."""
    learned_from = marked_days(split.days(dataset, "train"), dataset.has_flux)
    rows = torch.nonzero(learned_from).flatten()  # without flux nothing is learned of a site: it is kriged
    return TrainingSites(dataset.static[rows], rows, torch.as_tensor(split.block)[rows])


def _build_schedule(options: TrainingConfig, optimizer: torch.optim.Optimizer, batches_per_epoch: int) -> Schedule:
    return Schedule(
        optimizer,
        options.schedule,
        batches_per_epoch=batches_per_epoch,
        epochs=options.epochs,
        warmup_epochs=options.warmup_epochs,
    )


def build_loss(config: Config, dataset: Dataset, split: AnySplit, signature: Signature, scalers: Scalers) -> FluxLoss:
    """The loss, with spreads of sites and targets from training and validation data."""
    if config.loss.uncertainty_floor is not None and dataset.uncertainty is None:
        names = ", ".join(f"{name}_sd" for name in signature.target_names)
        message = f"{dataset.path}: loss.uncertainty_floor is given, but the file has no standard deviation: {names}"
        raise DatasetError(message)
    weights = config.loss.target_weights
    usable = learnable_days(split, dataset)
    return flux_loss(
        LossWeights(
            config.loss.transformed,
            config.loss.site,
            config.loss.physical,
            config.loss.balance,
            config.loss.uncertainty_floor,
        ),
        dataset.flux,
        usable,
        scale=scalers.target_scale,
        target_weight=torch.tensor([weights.get(name, 1.0) for name in signature.target_names]),
    )


def check_shapes(dataset: Dataset, signature: Signature) -> None:
    """ValueError where a dataset's columns are not as many as the signature's variables."""
    for what, tensor, variables in (
        ("inputs", dataset.drivers, signature.inputs),
        ("statics", dataset.static, signature.statics),
        ("targets", dataset.flux, signature.targets),
    ):
        if tensor.shape[-1] != len(variables):
            names = ", ".join(variable.name for variable in variables)
            message = (
                f"{dataset.path}: the dataset in memory has {tensor.shape[-1]} {what}, the signature {len(variables)}: "
                f"{names}; give `fit` the signature that the dataset was made with"
            )
            raise ValueError(message)


def check_targets(dataset: Dataset, signature: Signature, split: AnySplit) -> None:
    """DatasetError where a target has no value to learn from; a warning where it has none to validate with."""
    for what, days in (("training", split.days(dataset, "train")), ("validation", validation_days(split, dataset))):
        present = [
            (torch.isfinite(dataset.flux[rows]) & days[rows][..., None]).flatten(0, 1).any(0)
            for rows in site_blocks(*days.shape)
        ]
        for index, target in enumerate(signature.targets):
            if not days.any() or any(bool(block[index]) for block in present):
                continue
            message = f"{dataset.path}: {target.name}: is missing on all days of the {what} data"
            if what == "training":
                message += ", so nothing can be learnt; take it out of data.targets or choose another split"
                raise DatasetError(message)
            log.warning("%s; no epoch is judged by it", message)


def describe(
    config: Config,
    signature: Signature,
    scalers: Scalers,
    origin: dict[str, Any],
    start: Start | None = None,
    base: Base | None = None,
) -> dict[str, Any]:
    """What a checkpoint carries beside weights: enough to rebuild and export the model without its dataset."""
    former = {} if start is None else start.description
    of_base = {} if base is None else {"base": base.description}
    inputs = _ranges(signature.input_names, scalers.driver_min, scalers.driver_max)
    statics = _ranges(signature.static_names, scalers.static_min, scalers.static_max)
    return {
        "config": config.model_dump(mode="json"),
        "provenance": origin,
        "signature": signature.to_dict(),
        "input_ranges": wider(inputs, former.get("input_ranges", {})),
        "static_ranges": wider(statics, former.get("static_ranges", {})),
        **of_base,
    }


def _ranges(names: tuple[str, ...], low: torch.Tensor, high: torch.Tensor) -> dict[str, list[float]]:
    return {name: [float(low[i]), float(high[i])] for i, name in enumerate(names)}
