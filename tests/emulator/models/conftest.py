"""Small models of every registered kind, with weights large enough that every path through them matters."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from emulator.data.dataset import Dataset
from emulator.data.scalers import Scalers, fit_scalers
from emulator.data.signature import HOST_STATES, METEOROLOGY, Signature
from emulator.data.windows import TrainingData, TrainingSites, training_data
from emulator.models.registry import MODEL_CONFIGS, build
from emulator.models.streaming import StreamingModel, step_through
from tests.emulator.synthetic import write_dataset

KINDS = tuple(config.model_fields["kind"].default for config in MODEL_CONFIGS)
WITH_PAST_FLUX = tuple(
    config.model_fields["kind"].default
    for config in MODEL_CONFIGS
    if "past_flux" in config.model_fields and config.model_fields["past_flux"].default == "none"
)
"""Models that read past flux if an option says so."""
VARIANTS = (
    *((kind, {}) for kind in KINDS),
    ("lstm", {"past_flux": "ungauged"}),
    *(
        pytest.param((kind, {"past_flux": "ungauged"}), marks=pytest.mark.slow)
        for kind in WITH_PAST_FLUX
        if kind != "lstm"
    ),
)
"""Every model, and with its options that change what it is. The code of past flux is the same for all: one is quick."""

SEEDS = {"unified": 12}
"""Weights by which a model's flux is not many times that of the data, where sinh would magnify rounding errors."""


@dataclass(frozen=True)
class Case:
    """A dataset of ten years, 2003 to 2012, and what was learned of its first six years at all but the last two
    sites.
    """

    dataset: Dataset
    training: TrainingData
    scalers: Scalers

    @property
    def signature(self) -> Signature:
        return self.dataset.signature

    @property
    def sites(self) -> TrainingSites:
        """Those of `training`, two to a block."""
        return TrainingSites(self.training.static, self.training.site, self.training.site // 2)

    def calendar(self, sites: int) -> Tensor:
        return self.dataset.calendar.expand(sites, -1, -1)

    def predict(self, model: StreamingModel, sites: int = 4, flux: Tensor | None = None) -> Tensor:
        """`forward` over the whole record of the first sites, with the measured past flux unless another is given."""
        data = self.dataset
        with torch.no_grad():
            seen = data.flux[:sites] if flux is None else flux
            return model(data.drivers[:sites], self.calendar(sites), data.static[:sites], seen)

    def stepping_error(self, model: StreamingModel, sites: int = 3) -> float:
        """Largest difference between three years stepped and of `forward`, past flux known, in deviations of a
        target.
        """
        data, days = self.dataset, self.dataset.days(2003, 2005)
        drivers, flux, static = data.drivers[:sites, days], data.flux[:sites, days], data.static[:sites]
        seen = None if model.past_flux == "none" else flux
        with torch.no_grad():
            whole = model(drivers, self.calendar(sites)[:, days], static, flux)
            stepped, _ = step_through(model, drivers, data.calendar[days], model.init_state(static), seen)
        return float(((stepped - whole).abs() / self.training.flux.flatten(0, 1).std(0)).max())


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Models this small only wait for one another on several threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    path = write_dataset(Path(tmp_path_factory.mktemp("models")) / "dataset.nc", sites=12, years=10)
    dataset = Dataset.open(path, Signature.from_names(METEOROLOGY + HOST_STATES))
    mask = np.zeros((12, 10), bool)
    mask[:10, :6] = True
    training = training_data(dataset, mask)
    return Case(dataset, training, fit_scalers(training, dataset.signature))


@pytest.fixture(scope="session")
def make_model(case: Case) -> Callable[..., StreamingModel]:
    def make(kind: str, **options: object) -> StreamingModel:
        torch.manual_seed(SEEDS.get(kind, 11))
        config = next(config for config in MODEL_CONFIGS if config.model_fields["kind"].default == kind)
        model = build(config(**{"hidden": 12, **options}), case.signature, case.scalers)
        model.enrol(case.sites)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                # past flux goes straight to sinh, which magnifies rounding errors
                parameter.add_((0.03 if name == "head.skip.weight" else 0.1) * torch.randn_like(parameter))
        model.prepare()
        return model.eval()

    return make


def variant_name(variant: tuple[str, dict[str, object]]) -> str:
    return "-".join([variant[0], *(f"{name}={value}" for name, value in variant[1].items())])


@pytest.fixture(scope="session", params=VARIANTS, ids=variant_name)
def model(request: pytest.FixtureRequest, make_model: Callable[..., StreamingModel]) -> StreamingModel:
    """Each variant of each registered model; shared by tests, which must not change it."""
    kind, options = request.param
    return make_model(kind, **options)
