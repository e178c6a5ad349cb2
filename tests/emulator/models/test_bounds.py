"""Bounds that a configuration sets are kept by every model, everywhere or in some classes, stepped and scripted."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch

from emulator.artefact.code_check import beyond_arithmetic
from emulator.data.bounds import Bounds, bounded, check_bounds
from emulator.data.dataset_file import DatasetError
from emulator.data.scalers import Scalers
from emulator.data.signature import Signature
from emulator.data.windows import Batch
from emulator.models.registry import MODEL_CONFIGS, build
from emulator.models.streaming import StreamingModel, step_through
from emulator.models.wrappers.quantiles import QuantileModel
from foundations.variables import BIOMES
from tests.emulator.models.conftest import KINDS, Case

UPLAND = tuple(name for code, name in BIOMES.items() if code > 6)
EVERYWHERE = Bounds(max=0.0)
SOME = Bounds(max=0.0, biomes=UPLAND)
SITES = 6


def signature(case: Case, limits: Bounds = EVERYWHERE) -> Signature:
    return bounded(case.signature, {"fch4": limits})


def make(case: Case, kind: str, limits: Bounds, **options: object) -> StreamingModel:
    """A model with weights large enough that it breaks bounds that it does not keep."""
    torch.manual_seed(5)
    config = next(config for config in MODEL_CONFIGS if config.model_fields["kind"].default == kind)
    model = build(config(**{"hidden": 12, **options}), signature(case, limits), case.scalers)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    model.enrol(case.sites)
    model.prepare()
    return model.eval()


def predicted(case: Case, model: StreamingModel, days: int = 300) -> torch.Tensor:
    data = case.dataset
    with torch.no_grad():
        return model(
            data.drivers[:SITES, :days], case.calendar(SITES)[:, :days], data.static[:SITES], data.flux[:SITES, :days]
        )


def upland(case: Case) -> np.ndarray:
    return case.dataset.biome[:SITES] > 6


@pytest.mark.parametrize("kind", KINDS)
def test_uptake_only_is_kept_and_the_carbon_balance_closes(case: Case, kind: str) -> None:
    names = case.signature.target_names
    for limits in (EVERYWHERE, SOME):
        fluxes = predicted(case, make(case, kind, limits))
        methane = fluxes[..., names.index("fch4")]
        held = torch.from_numpy(upland(case)) if limits is SOME else torch.ones(SITES, dtype=torch.bool)
        assert methane[held].max() <= 0.0
        assert methane[held].std() > 0.0
        gpp, ra, rh, nee = (fluxes[..., names.index(name)] for name in ("gpp", "ra", "rh", "nee"))
        assert torch.equal(nee, ra + rh - gpp)
        assert gpp.min() >= 0
        assert ra.min() >= 0
        assert rh.min() >= 0
    assert upland(case).any()
    assert not upland(case).all()
    assert methane[~held].max() > 0.0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("limits", [EVERYWHERE, SOME], ids=["everywhere", "some classes"])
def test_a_bounded_model_steps_as_it_runs_forward_scripted_too(case: Case, kind: str, limits: Bounds) -> None:
    model, data, days = make(case, kind, limits), case.dataset, slice(0, 300)
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(model), buffer)
    assert beyond_arithmetic(buffer.getvalue()) == ""
    buffer.seek(0)
    scripted = torch.jit.load(buffer)
    start = model.init_state(data.static[:SITES])
    assert start.shape == (SITES, model.state_size)
    seen = None if model.past_flux == "none" else data.flux[:SITES, days]
    with torch.no_grad():
        stepped, _ = step_through(scripted, data.drivers[:SITES, days], data.calendar[days], start, seen)
    spread = case.training.flux.flatten(0, 1).std(0)
    assert ((stepped - predicted(case, model)).abs().amax((0, 1)) / spread).max() < 1e-5


def test_a_model_that_feeds_itself_sees_its_bounded_flux(case: Case) -> None:
    model, data, days = make(case, "cham_net", SOME, past_flux="self_fed"), case.dataset, slice(250, 420)
    start = model.init_state(data.static[:SITES])
    with torch.no_grad():
        fed, _ = step_through(model, data.drivers[:SITES, days], data.calendar[days], start)
        shown, _ = step_through(model, data.drivers[:SITES, days], data.calendar[days], start, fed)
    assert torch.equal(fed, shown)


def test_bounds_are_trained_through_and_a_state_dict_rebuilds_them(case: Case) -> None:
    model, data = make(case, "lstm", SOME), case.dataset
    flux = data.flux[:SITES, :100]
    batch = Batch(
        data.drivers[:SITES, :100],
        case.calendar(SITES)[:, :100],
        data.static[:SITES],
        flux,
        flux,
        torch.arange(SITES),
    )
    output = model.train().training_outputs(batch).prediction
    output[upland(case)][..., 4].sum().backward()
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    assert sum(float(gradient.abs().sum()) for gradient in gradients) > 0
    config = next(config for config in MODEL_CONFIGS if config.model_fields["kind"].default == "lstm")
    rebuilt = build(config(hidden=12), signature(case, SOME), Scalers.identity(case.signature)).eval()
    rebuilt.load_state_dict(model.state_dict())
    assert torch.equal(predicted(case, rebuilt), predicted(case, model.eval()))


def test_quantiles_keep_bounds_by_class(case: Case) -> None:
    model, data = QuantileModel(signature(case, SOME), case.scalers), case.dataset
    fluxes = 5.0 * torch.randn(12, 5, generator=torch.Generator().manual_seed(2))
    fluxes[:, :3] = fluxes[:, :3].abs()
    with torch.no_grad():
        flags = torch.zeros(12), torch.zeros(12, dtype=torch.bool), torch.zeros(12, 0)
        quantiles = model(fluxes, data.calendar[0], data.static, *flags)
    held = torch.from_numpy(data.biome > 6)
    assert quantiles[held][:, 4].max() <= 0.0 < quantiles[~held][:, 4].max()
    assert quantiles[:, :3].min() >= 0.0
    assert (quantiles.diff(dim=-1) >= 0).all()


def test_data_that_break_a_bound_are_refused_with_the_classes_that_do(case: Case) -> None:
    days = np.ones(case.dataset.flux.shape[:2], bool)
    check_bounds(case.dataset, signature(case, SOME), days)
    with pytest.raises(
        DatasetError, match=r"fch4: the bound max 0 .* swamp 99\.\d %.*data\.bounds\.fch4\.biomes"
    ) as error:
        check_bounds(case.dataset, signature(case), days)
    assert not any(name in str(error.value) for name in UPLAND)
    dry = torch.from_numpy(case.dataset.biome > 6)[:, None, None]
    tiny = replace(case.dataset, flux=torch.where(dry, case.dataset.flux, torch.tensor(1e-6)))
    check_bounds(tiny, signature(case), days)


def test_impossible_bounds_are_refused(case: Case) -> None:
    with pytest.raises(ValueError, match="min: 0 or max: 0"):
        Bounds(max=3.0)
    with pytest.raises(ValueError, match="meadow"):
        bounded(case.signature, {"fch4": Bounds(max=0.0, biomes=("meadow",))})
    with pytest.raises(ValueError, match="not in both"):
        Bounds(max=0.0, biomes=("bog",), classes={"biome": ("bog",)})
    with pytest.raises(ValueError, match="'pft' among the statics"):
        bounded(case.signature, {"fch4": Bounds(max=0.0, classes={"pft": ("c3_grass",)})})
    with pytest.raises(ValueError, match="not among the targets"):
        bounded(case.signature, {"fn2o": EVERYWHERE})
    with pytest.raises(ValueError, match="given by other targets"):
        bounded(case.signature, {"nee": EVERYWHERE})
    with pytest.raises(ValueError, match="biome"):
        bounded(Signature.from_names(statics=("lat",)), {"fch4": SOME})


def test_a_signature_with_bounds_survives_a_checkpoint(case: Case) -> None:
    assert Signature.from_dict(signature(case, SOME).to_dict()) == signature(case, SOME)
