"""The configuration of a training run. Sections are frozen and refuse unknown keys."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from emulator.data import vocabulary
from emulator.data.bounds import Bounds, bounded
from emulator.data.signature import Signature, with_priors
from emulator.data.splits import SplitConfig

if TYPE_CHECKING:
    ModelConfig = Any  # it is built from a tuple of classes, which type checkers cannot read
else:
    from emulator.models.registry import ModelConfig


class Section(BaseModel):
    """A part of the configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DataConfig(Section):
    """Which dataset, and which of its variables in which order. A relative `path` starts from the working directory.

    Names are those of the file; a list that is left out is all variables of the file that have its roles. `identities`:
    sums by target in place of those that the file declares, such as `nee: reco - gpp`; an empty text = it is learned.
    `prior`: the input that says what to expect of a target, such as `fch4: fch4_process`; the departure is learned.
    `filled_flux`: whether flux that `TARGET_qc` calls filled is learned from and shown as past flux (`use`), or is as
    if it were missing (`exclude`).
    """

    path: Path
    inputs: tuple[str, ...] | None = None
    statics: tuple[str, ...] | None = None
    targets: tuple[str, ...] | None = None
    identities: dict[str, str] = {}
    bounds: dict[str, Bounds] = {}
    prior: dict[str, str] = {}
    filled_flux: Literal["exclude", "use"] = "exclude"

    @model_validator(mode="after")
    def _lists_hold_names(self) -> Self:
        for name in ("inputs", "statics", "targets"):
            if getattr(self, name) == ():
                message = f"{name} is empty: give at least one variable, or leave the key out for all of the file"
                raise ValueError(message)
        return self

    def signature(self, path: Path | None = None) -> Signature:
        """The variables as the dataset, or another one at `path`, describes them; ValueError says what is wrong."""
        names = (self.inputs, self.statics, self.targets)
        described = bounded(vocabulary.resolve(path or self.path, *names, self.identities), self.bounds)
        return with_priors(described, self.prior)

    def table_signature(self) -> Signature:
        """The variables as our table describes them: for older checkpoints, which do not carry their own."""
        names = {role: getattr(self, role) for role in ("inputs", "statics", "targets")}
        return bounded(Signature.from_names(**{role: v for role, v in names.items() if v is not None}), self.bounds)

    def naming(self, signature: Signature) -> "DataConfig":
        """The same section with the names of a signature in the lists that were left out."""
        names = {
            "inputs": signature.input_names,
            "statics": signature.static_names,
            "targets": signature.target_names,
        }
        return self.model_copy(update={key: value for key, value in names.items() if getattr(self, key) is None})


class LossConfig(Section):
    """Shares of the loss terms (see emulator.training.losses) and optional weights by target, 1 where not given."""

    transformed: float = Field(1.0, ge=0)
    site: float = Field(1.0, ge=0)
    physical: float = Field(1.0, ge=0)
    balance: float = Field(0.0, ge=0, description="errors of monthly and annual sums")
    uncertainty_floor: float | None = Field(
        None,
        gt=0,
        description="floor, in spreads of the site, of the measurement's standard deviation (TARGET_sd), by whose "
        "inverse square days are weighed; null = all days count alike",
    )
    auxiliary: float = Field(1.0, ge=0)
    target_weights: dict[str, float] = {}


class TrainingConfig(Section):
    """The optimiser and the loop."""

    epochs: int = Field(40, ge=1)
    batch_size: int = Field(16, ge=1, description="sites in a batch")
    years_per_window: int = Field(3, ge=1)
    learning_rate: float = Field(5e-3, gt=0)
    weight_decay: float = Field(1e-4, ge=0)
    gradient_clip: float = Field(1.0, gt=0)
    schedule: Literal["constant", "cosine", "plateau"] = "cosine"
    warmup_epochs: float = Field(0.5, ge=0)
    patience: int = Field(1000, ge=1, description="epochs without a better validation loss before training stops")
    average_decay: float = Field(0.99, ge=0, lt=1, description="decay per batch of the weight average; 0 = none")
    windows_per_site: int | None = Field(
        None, ge=1, description="windows of each site in an epoch; null = as many as cover the training years"
    )
    validation_sites: int = Field(
        64, ge=1, description="at most so many training sites, and so many validation sites, are scored"
    )
    validation_record_years: int | None = Field(
        None, ge=1, description="years before the test years that validation runs; null = all"
    )
    validation_every: int = Field(1, ge=1, description="epochs between validations; the last epoch is always validated")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: a GPU if there is one")
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="bfloat16: matrix products of training; the rest stays float32"
    )
    threads: int = Field(2, ge=1, description="threads of torch; results are equal bit for bit for equal numbers only")


class InitConfig(Section):
    """Weights that training begins with: a run folder or a checkpoint of one, and parts of the model that stay so, or
    the only ones that do not.
    """

    path: Path | None = None
    freeze: tuple[str, ...] = ()
    only: tuple[str, ...] = ()


class TransferConfig(Section):
    """How simulations help where little was measured. Sites that `split.train_only` names are the source domain, all
    others the target domain.
    """

    residual: Path | None = Field(None, description="run folder of an emulator whose residual is learned")
    adversarial: float = Field(0.0, ge=0, description="weight of the domain-adversarial term; 0 = none")
    adversarial_hidden: int = Field(32, ge=1, description="hidden units of the network that tells the domains apart")
    reweighting: bool = Field(False, description="weigh windows of the source by their likeness to the target")
    largest_weight: float = Field(10.0, gt=1, description="bound of those weights and, inverted, the other bound")
    source_weight: float = Field(1.0, gt=0, description="weight in the loss of all windows of the source")

    @property
    def needs_domains(self) -> bool:
        """Whether an option tells two domains apart."""
        return self.adversarial > 0 or self.reweighting or self.source_weight != 1.0


class EvaluationConfig(Section):
    """What predictions are judged by."""

    group_by: tuple[str, ...] = Field(
        (), description="class variables to tell skill apart by, first that of the climatology; default the biome"
    )
    score_filled: bool = Field(False, description="score days whose flux or drivers were filled, too")


class Config(Section):
    """Everything that determines a run."""

    seed: int = Field(1, ge=0)
    data: DataConfig
    split: SplitConfig = SplitConfig()
    model: ModelConfig
    loss: LossConfig = LossConfig()
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    init: InitConfig = InitConfig()
    transfer: TransferConfig = TransferConfig()

    @model_validator(mode="after")
    def _transfer_has_domains(self) -> Self:
        if self.transfer.needs_domains and not self.split.train_only:
            message = (
                "transfer: adversarial, reweighting and source_weight need split.train_only, which names the simulated "
                "sites, such as {source: simulation}"
            )
            raise ValueError(message)
        if self.transfer.residual is not None and self.data.prior:
            message = "transfer.residual: an emulator and data.prior cannot both be departed from; leave one out"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _weights_name_targets(self) -> Self:
        if self.data.targets is not None:
            self._check_weights(self.data.targets)
        return self

    @property
    def reads_filled_flux(self) -> bool:
        """Whether flux that was filled is read at all: to learn from it, or to be scored."""
        return self.data.filled_flux == "use" or self.evaluation.score_filled

    def _check_weights(self, targets: tuple[str, ...]) -> None:
        foreign = sorted(self.loss.target_weights.keys() - set(targets))
        if foreign:
            message = f"loss.target_weights: {', '.join(foreign)} not among data.targets: {', '.join(targets)}"
            raise ValueError(message)

    def resolved(self) -> tuple["Config", Signature]:
        """The configuration with all lists of variables filled in from the dataset, and what the dataset says of them.

        ValueError where configuration and dataset do not fit; DatasetError is one.
        """
        signature = self.data.signature()
        self._check_weights(signature.target_names)
        return self.model_copy(update={"data": self.data.naming(signature)}), signature
