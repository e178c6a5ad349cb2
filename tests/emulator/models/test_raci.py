"""RACI: what is in its memory and what is not, and how retrieval behaves."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch

from emulator.data import calendar as column
from emulator.data.signature import Signature
from emulator.data.windows import Batch, training_data
from emulator.models.kinds.raci import Raci, RaciConfig
from emulator.models.parts.responses import response_statistics, site_responses
from emulator.models.parts.retrieval import CovarianceOptions, ResponseMemory
from emulator.models.streaming import StreamingModel
from tests.emulator.models.conftest import Case

MASK = np.zeros((12, 10), bool)
MASK[:10, :6] = True
"""Training site-years of the case."""


@pytest.fixture
def raci(make_model: Callable[..., StreamingModel]) -> Raci:
    model = make_model("raci")
    assert isinstance(model, Raci)
    return model


def with_flux(case: Case, flux: torch.Tensor):
    changed = copy.copy(case.dataset)
    object.__setattr__(changed, "flux", flux)
    return changed


def test_held_out_flux_moves_nothing(case: Case, raci: Raci) -> None:
    """Neither that of held-out sites nor that of held-out years of training sites."""
    before = case.predict(raci, 12)
    flux = case.dataset.flux.clone()
    held_out = ~case.dataset.day_mask(MASK)
    flux[held_out] = 100.0 + 10.0 * flux[held_out]
    raci.prepare(training_data(with_flux(case, flux), MASK))
    assert torch.equal(case.predict(raci, 12), before)


def test_held_out_sites_are_not_in_the_memory(case: Case, raci: Raci) -> None:
    assert len(raci.memory.site_place) == 10
    drivers = case.dataset.drivers.clone()
    drivers[10:] += 1.0
    changed = copy.copy(case.dataset)
    object.__setattr__(changed, "drivers", drivers)
    before = case.predict(raci, 10)
    raci.prepare(training_data(changed, MASK))
    assert torch.equal(case.predict(raci, 10), before)


def test_present_flux_moves_nothing(case: Case, raci: Raci) -> None:
    """Flux handed to `forward`, that of the year predicted included."""
    before = case.predict(raci, 12)
    assert torch.equal(case.predict(raci, 12, 5.0 * case.dataset.flux[:12] + 1.0), before)


def test_own_flux_is_excluded_but_neighbours_count(case: Case, raci: Raci) -> None:
    before = case.predict(raci, 10)
    raci.memory.response[4] += 3.0
    values = raci.memory.response.split(raci.memory.role_sizes, 1)
    raci.memory.dual = torch.cat([p @ v for p, v in zip(raci.memory.precision, values, strict=True)], dim=1)
    after = case.predict(raci, 10)
    assert torch.equal(after[4], before[4])
    others = [site for site in range(10) if site != 4]
    assert (after[others] != before[others]).any((1, 2)).all()


def test_conditions_change_at_month_ends_only(case: Case, raci: Raci) -> None:
    data = case.dataset
    state = raci.init_state(data.static[:3]).detach()
    response, regimes = raci.fields(state).response, []
    assert response.abs().max() > 0
    with torch.no_grad():
        for day in range(120):
            _, state = raci.step(data.drivers[:3, day], data.calendar[day], state)
            regimes.append(raci.fields(state).regime)
            assert torch.equal(raci.fields(state).response, response)
    changes = [day for day in range(1, 120) if not torch.equal(regimes[day], regimes[day - 1])]
    assert changes == [30, 58, 89, 119]


def test_responses_are_slopes_of_the_error() -> None:
    torch.manual_seed(4)
    features = torch.cat([torch.ones(2, 900, 1), torch.randn(2, 900, 2)], 2)
    error = 0.5 + features[:, :, 1:2] * torch.tensor([[[1.0]], [[-1.0]]]) + 0.1 * torch.randn(2, 900, 1)
    error[1, 20:] = torch.nan
    slopes = site_responses(*response_statistics(features, error))[:, 0]
    assert torch.allclose(slopes[0], torch.tensor([0.5, 1.0, 0.0]), atol=0.08)
    assert -1.0 < slopes[1, 1] < -0.5, "little data: shrunk"
    error[1] = torch.nan
    assert torch.equal(site_responses(*response_statistics(features, error))[1], torch.zeros(1, 3))


def _field(sites: int, seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Places, attributes, blocks, and responses of two roles: one local, one functional."""
    generator = torch.Generator().manual_seed(seed)
    lat, lon = 0.3 * torch.rand(sites, generator=generator), 0.5 * torch.rand(sites, generator=generator)
    place = torch.stack([lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()], 1).double()
    features = torch.randn(sites, 2, generator=generator).double()
    local = torch.sin(20.0 * lat) + torch.cos(15.0 * lon)
    functional = torch.tanh(features).sum(1)
    noise = 0.2 * torch.randn(sites, 2, generator=generator)
    block = (lat // 0.05) * 100 + lon // 0.05
    return place, features, block, (torch.stack([local, functional], 1) + noise).double()


def test_each_role_finds_its_own_neighbours() -> None:
    place, features, block, response = _field(300, 1)
    memory = ResponseMemory(2, [1, 1])
    memory.fit(place, features, response, block)
    assert memory.choice[0, 0] <= 0.1
    assert memory.choice[1, 0] >= 0.75
    new_place, new_features, _, truth = _field(80, 2)
    estimate = memory(new_place, new_features)
    skill = 1.0 - ((estimate - truth) ** 2).mean(0) / truth.var(0)
    assert (skill > 0.7).all()


def test_leaving_out_is_as_if_never_there() -> None:
    """A query at a bank site gets what a memory without this site would give."""
    place, features, block, response = _field(40, 3)
    memory = ResponseMemory(2, [1, 1])
    memory.fit(place, features, response, block)
    estimate = memory(place[:1], features[:1])
    others = torch.arange(40) > 0
    for role in range(2):
        gaps, contrasts = torch.cdist(place, place), torch.cdist(features, features)
        covariance = memory.covariance(memory.choice[role], gaps, contrasts)
        inner = covariance[others][:, others] + memory.choice[role, 3] * torch.eye(int(others.sum()))
        weight = torch.linalg.solve(inner, covariance[0, others])
        expected = weight @ response[others, role]
        assert estimate[0, role] == pytest.approx(float(expected), abs=1e-9)


def test_the_memory_is_made_on_the_device_of_the_model() -> None:
    memory, site = ResponseMemory(2, [1]), torch.ones(3, 3, dtype=torch.float64, device="meta")
    assert memory._precision(CovarianceOptions(0.5, 1.4, 300.0, 2.0), site, site).device.type == "meta"


def test_training_is_of_the_network_alone(case: Case, raci: Raci) -> None:
    data, days = case.dataset, case.dataset.days(2003, 2005)
    rows = torch.tensor([7, 2])
    flux = data.flux[rows, days]
    batch = Batch(data.drivers[rows, days], case.calendar(2)[:, days], data.static[rows], flux, flux, rows)
    before = raci.training_outputs(batch).prediction
    raci.memory.dual.mul_(3.0)
    assert torch.equal(raci.training_outputs(batch).prediction, before)
    assert not torch.equal(raci(batch.drivers, batch.calendar, batch.static, flux), before)


ABLATIONS = (
    {"roles": False},
    {"functional": False},
    {"local": False},
    {"film": False},
    {"response": "regime"},
    {"response": "none"},
)


@pytest.mark.parametrize("options", ABLATIONS, ids=lambda options: "=".join(map(str, next(iter(options.items())))))
def test_each_part_matters(case: Case, make_model: Callable[..., StreamingModel], raci: Raci, options: dict) -> None:
    less = make_model("raci", **options)
    assert not torch.equal(case.predict(less), case.predict(raci))
    assert case.stepping_error(less) <= 1e-5


def test_without_retrieval_the_memory_is_not_used(case: Case, make_model: Callable[..., StreamingModel]) -> None:
    alone = make_model("raci", response="none")
    before = case.predict(alone)
    alone.memory.dual.fill_(1.0)
    assert torch.equal(case.predict(alone), before)


def test_roles_choose_the_path(case: Case, raci: Raci) -> None:
    """co2 and ch4 are slow: within the first month of a series they move nothing."""
    names = case.signature.input_names
    assert [names[index] for index in raci.fast.tolist()] == [n for n in names if n not in ("co2", "ch4")]
    data = case.dataset
    drivers = data.drivers[:2].clone()
    drivers[..., names.index("co2")] += 20.0
    with torch.no_grad():
        flux = data.flux[:2]
        before = raci(data.drivers[:2], case.calendar(2), data.static[:2], flux)
        moved = raci(drivers, case.calendar(2), data.static[:2], flux)
    assert torch.equal(before[:, :31], moved[:, :31])
    assert not torch.equal(before[:, 31], moved[:, 31])


def test_place_is_needed(case: Case) -> None:
    with pytest.raises(ValueError, match="'lat' and 'lon' among the statics"):
        RaciConfig().build(Signature.from_names(statics=("elevation", "biome")), case.scalers)


def test_a_memory_of_one_or_no_site_works(case: Case, raci: Raci) -> None:
    one_site = np.zeros((12, 10), bool)
    one_site[3, :2] = True
    raci.prepare(training_data(case.dataset, one_site))
    assert torch.isfinite(case.predict(raci)).all()
    empty = RaciConfig(hidden=4).build(case.signature, case.scalers).eval()
    assert torch.isfinite(case.predict(empty)).all()


def test_a_site_without_flux_is_not_in_the_memory(case: Case, raci: Raci) -> None:
    """Nothing is known of its response, which is not a response of 0; years before the memory's do not count."""
    flux, mask = case.dataset.flux.clone(), MASK.copy()
    flux[4, case.dataset.calendar[:, column.YEAR] > 2004] = torch.nan
    raci.prepare(training_data(with_flux(case, flux), MASK))
    assert len(raci.memory.site_place) == 9
    without_flux = case.predict(raci, 12)
    mask[4] = False
    raci.prepare(training_data(case.dataset, mask))
    assert torch.allclose(without_flux, case.predict(raci, 12), rtol=1e-4, atol=1e-5)
    raci.prepare(training_data(with_flux(case, torch.full_like(flux, torch.nan)), MASK))
    assert len(raci.memory.site_place) == 9, "without any flux the memory stays as it was"


@pytest.mark.parametrize("kind", ["raci", "cham_net", "unified"])
def test_sites_of_a_batch_may_be_of_other_days(case: Case, make_model: Callable[..., StreamingModel], kind) -> None:
    model, data = make_model(kind), case.dataset
    days = [slice(0, 800), slice(500, 1300)]
    sites = [(data.drivers[i, d], data.calendar[d], data.static[i], data.flux[i, d]) for i, d in enumerate(days)]
    with torch.no_grad():
        both = model(*(torch.stack(tensors) for tensors in zip(*sites, strict=True)))
        for row, site in zip(both, sites, strict=True):
            assert torch.equal(row, model(*(tensor.unsqueeze(0) for tensor in site))[0])
