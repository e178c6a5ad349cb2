"""Targets that identities give, of inputs and of fluxes bounded in some classes, stepped, scripted and self-fed."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from emulator.data.bounds import Bounds, bounded
from emulator.data.dataset import Dataset
from emulator.data.scalers import fit_scalers
from emulator.data.vocabulary import resolve
from emulator.data.windows import TrainingSites, training_data
from emulator.models.registry import MODEL_CONFIGS, build
from emulator.models.streaming import StreamingModel, step_through
from emulator.models.wrappers.derived import DerivedModel, needs_derivation
from emulator.models.wrappers.ensemble import combine
from tests import foreign
from tests.emulator.models.conftest import Case

DAYS = slice(0, 420)


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    path = foreign.kgml_ag(Path(tmp_path_factory.mktemp("field")) / "d.nc", sites=5, years=2)
    return Dataset.open(path, resolve(path))


def make(field: Dataset, kind: str, seed: int = 1, **options: object) -> StreamingModel:
    torch.manual_seed(seed)
    config = next(config for config in MODEL_CONFIGS if config.model_fields["kind"].default == kind)
    training = training_data(field, torch.ones(5, 2, dtype=torch.bool))
    model = build(config(**{"hidden": 6, **options}), field.signature, fit_scalers(training, field.signature))
    model.enrol(TrainingSites(training.static, training.site, torch.arange(5)))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.add_((0.02 if "skip" in name else 0.1) * torch.randn_like(parameter))
    model.prepare()
    return model.eval()


def forward(field: Dataset, model: StreamingModel) -> torch.Tensor:
    calendar = field.calendar[DAYS].expand(5, -1, -1)
    with torch.no_grad():
        return model(field.drivers[:, DAYS], calendar, field.static, field.flux[:, DAYS])


def closes(field: Dataset, fluxes: torch.Tensor) -> bool:
    """NEE = Ra + Rh - GPP, to the last bit."""
    gpp = field.drivers[:, DAYS, field.signature.input_names.index("GPP")]
    nee, ra, rh = (fluxes[..., field.signature.target_names.index(name)] for name in ("NEE", "Ra", "Rh"))
    return torch.equal(nee, ra + rh - gpp) and float(nee.std()) > 0.0


@pytest.mark.parametrize(("kind", "past_flux"), [("lstm", "none"), ("gru", "ungauged"), ("cham_net", "ungauged")])
def test_the_sum_closes_and_steps_are_the_series(field: Dataset, kind: str, past_flux: str) -> None:
    model = make(field, kind, **({} if past_flux == "none" else {"past_flux": past_flux}))
    assert isinstance(model, DerivedModel)
    fluxes = forward(field, model)
    assert closes(field, fluxes)
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(model), buffer)
    buffer.seek(0)
    seen = None if model.past_flux == "none" else field.flux[:, DAYS]
    with torch.no_grad():
        start = model.init_state(field.static)
        scripted = torch.jit.load(buffer)
        stepped, _ = step_through(scripted, field.drivers[:, DAYS], field.calendar[DAYS], start, seen)
    assert closes(field, stepped)
    assert ((stepped - fluxes).abs().amax((0, 1)) / fluxes.flatten(0, 1).std(0)).max() < 1e-4


def test_a_model_that_feeds_itself_sees_the_derived_flux(field: Dataset) -> None:
    model = make(field, "cham_net", past_flux="self_fed")
    start = model.init_state(field.static)
    with torch.no_grad():
        fed, _ = step_through(model, field.drivers[:, DAYS], field.calendar[DAYS], start)
        shown, _ = step_through(model, field.drivers[:, DAYS], field.calendar[DAYS], start, fed)
    assert torch.equal(fed, shown)
    assert closes(field, fed)


def test_the_mean_of_members_closes_too(field: Dataset) -> None:
    members = [make(field, "lstm", seed) for seed in (1, 2, 3)]
    ensemble = combine(members, field.signature)
    fluxes = forward(field, ensemble)
    assert closes(field, fluxes)
    assert torch.allclose(fluxes, torch.stack([forward(field, member) for member in members]).mean(0), atol=1e-4)


def test_the_sum_holds_where_a_term_is_bounded_in_some_classes(case: Case) -> None:
    signature = bounded(
        replace(
            case.signature,
            targets=tuple(
                replace(target, identity="fch4 + ra" if target.name == "nee" else "", minimum=None)
                for target in case.signature.targets
            ),
        ),
        {"fch4": Bounds(max=0.0, biomes=("tundra", "cropland", "grassland", "bog", "fen"))},
    )
    assert needs_derivation(signature)
    torch.manual_seed(3)
    config = next(config for config in MODEL_CONFIGS if config.model_fields["kind"].default == "lstm")
    model = build(config(hidden=6), replace(signature, inputs=case.signature.inputs), case.scalers).eval()
    fluxes = case.predict(model, sites=12)
    names = signature.target_names
    ra, nee, fch4 = (fluxes[..., names.index(name)] for name in ("ra", "nee", "fch4"))
    assert torch.equal(nee, fch4 * 1e-3 + ra)
