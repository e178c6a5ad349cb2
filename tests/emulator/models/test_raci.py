"""RACI: what is in the memory bank and what is not, and how retrieval behaves."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch

from emulator.data.dataset import Dataset
from emulator.data.variables import Signature
from emulator.data.windows import training_data
from emulator.models.raci import Raci, RaciConfig
from emulator.models.responses import site_responses
from emulator.models.retrieval import functional_neighbours, local_neighbours
from emulator.models.streaming import StreamingModel
from tests.emulator.models.conftest import Case

MASK = np.zeros((12, 10), bool)
MASK[:10, :6] = True
"""Training site-years of the case."""


@pytest.fixture()
def raci(make_model: Callable[..., StreamingModel]) -> Raci:
    model = make_model("raci", neighbours=3)
    assert isinstance(model, Raci)
    return model


def test_held_out_flux_moves_nothing(case: Case, raci: Raci) -> None:
    """Neither that of held-out sites nor that of held-out years of training sites."""
    before = case.predict(raci, 12)
    flux = case.dataset.flux.clone()
    held_out = ~case.dataset.day_mask(MASK)
    flux[held_out] = 100.0 + 10.0 * flux[held_out]
    changed = copy.copy(case.dataset)
    object.__setattr__(changed, "flux", flux)
    raci.prepare(training_data(changed, MASK))
    assert torch.equal(case.predict(raci, 12), before)


def test_held_out_sites_are_not_in_the_bank(case: Case, raci: Raci) -> None:
    assert len(raci.bank.site_static) == 10
    drivers = case.dataset.drivers.clone()
    drivers[10:] += 1.0
    changed = copy.copy(case.dataset)
    object.__setattr__(changed, "drivers", drivers)
    before = case.predict(raci, 10)
    raci.prepare(training_data(changed, MASK))
    assert torch.equal(case.predict(raci, 10), before)


def test_own_flux_is_excluded_but_neighbours_count(case: Case, raci: Raci) -> None:
    before = case.predict(raci, 10)
    flux = case.dataset.flux.clone()
    flux[4] = flux[4] * 5.0 + 3.0
    changed = copy.copy(case.dataset)
    object.__setattr__(changed, "flux", flux)
    raci.prepare(training_data(changed, MASK))
    after = case.predict(raci, 10)
    assert torch.equal(after[4], before[4])
    others = [site for site in range(10) if site != 4]
    assert (after[others] != before[others]).any()


def test_a_blind_query_retrieves_nothing_near(case: Case, raci: Raci) -> None:
    """With the whole sphere blind, all sites get the same empty statistics, whatever is in the bank."""
    data, days = case.dataset, slice(0, 60)
    arguments = data.drivers[:4, days], case.calendar(4)[:, days], data.static[:4]
    with torch.no_grad():
        everything_hidden = raci.predict(*arguments, torch.full((4,), 3.0))
        raci.bank.site_flux.mul_(-2.0)
        again = raci.predict(*arguments, torch.full((4,), 3.0))
        seen = raci.predict(*arguments, torch.zeros(4))
    assert torch.equal(everything_hidden, again)
    assert torch.isfinite(seen).all() and not torch.equal(seen, again)


def test_conditions_change_at_month_ends_only(case: Case, raci: Raci) -> None:
    data = case.dataset
    state = raci.init_state(data.static[:3]).detach()
    kept = []
    with torch.no_grad():
        for day in range(120):
            _, state = raci.step(data.drivers[:3, day], data.calendar[day], state)
            kept.append(state.split(raci.layout, 1)[8])
    changes = [day for day in range(1, 120) if not torch.equal(kept[day], kept[day - 1])]
    assert changes == [31, 59, 90]


def test_frozen_memory_gives_the_same_and_survives_a_file(case: Case, raci: Raci, tmp_path) -> None:
    before = case.predict(raci)
    frozen = copy.deepcopy(raci)
    frozen.freeze()
    torch.jit.script(frozen).save(tmp_path / "raci.pt")
    with torch.no_grad():
        frozen.regime.token[0].weight.zero_()
    assert torch.equal(case.predict(torch.jit.load(tmp_path / "raci.pt")), before)
    assert not torch.equal(case.predict(frozen), before)


def test_neighbourhoods_have_soft_edges() -> None:
    """The neighbour that is about to drop out has weight zero, so results are continuous."""
    hidden = torch.zeros(1, 5, dtype=torch.bool)
    distance = torch.tensor([[0.1, 0.4, 0.2, 0.3, 0.9]])
    _, index, envelope = local_neighbours(distance, hidden, 3)
    assert index[0].tolist() == [0, 2, 3, 1]
    assert torch.allclose(envelope[0], torch.tensor([0.75, 0.5, 0.25, 0.0]))
    similarity = torch.tensor([0.9, 0.1, 0.5, 0.1 + 1e-6, 0.7]).view(1, 1, 1, 5)
    weight, index, best = functional_neighbours(similarity, hidden.unsqueeze(1), 3, torch.tensor(0.2))
    assert index.flatten().tolist() == [0, 4, 2, 3]
    assert weight.flatten()[3] == 0 and weight.sum() == pytest.approx(1.0, abs=1e-5)
    assert best.item() == pytest.approx(0.9)
    hidden[0, 0] = True
    weight, index, _ = functional_neighbours(similarity, hidden.unsqueeze(1), 4, torch.tensor(0.2))
    assert weight.flatten()[index.flatten() == 0].sum() == 0


def test_sensitivity_is_the_slope_of_anomalies(case: Case) -> None:
    torch.manual_seed(4)
    calendar = case.dataset.calendar[:730]
    drivers = torch.randn(2, 730, 3)
    season = torch.cos(calendar[:, 1] / 2.0)[None, :, None]
    flux = season + 0.5 * drivers[:, :, :1] - 0.25 * drivers[:, :, 2:]
    flux[1, 300:] = torch.nan
    months, present = torch.zeros(2, 24, 6), torch.ones(2, 24, 1)
    found = site_responses(drivers, flux, calendar, months, present)
    assert torch.allclose(found.sensitivity, torch.tensor([[0.5, 0.0, -0.25]]).expand(2, 3), atol=0.06)
    total, known = found.flux.split(1, 2)
    assert torch.equal(known[0], torch.ones(12, 1))
    assert known[1, 11] == 0 and 0 < known[1, 0] < 1
    assert torch.allclose(total[0, :, 0], torch.cos(torch.arange(1, 13) / 2.0), atol=0.4)


def test_roles_choose_the_path(case: Case, raci: Raci) -> None:
    """co2 and ch4 are slow: within the first month of a series they move nothing."""
    names = case.signature.input_names
    assert [names[index] for index in raci.fast.tolist()] == [n for n in names if n not in ("co2", "ch4")]
    data = case.dataset
    drivers = data.drivers[:2].clone()
    drivers[..., names.index("co2")] += 20.0
    with torch.no_grad():
        flux = data.flux[:2]
        kept = raci(data.drivers[:2], case.calendar(2), data.static[:2], flux)
        moved = raci(drivers, case.calendar(2), data.static[:2], flux)
    assert torch.equal(kept[:, :31], moved[:, :31])
    assert not torch.equal(kept[:, 31], moved[:, 31])


def test_place_is_needed(case: Case) -> None:
    with pytest.raises(ValueError, match="'lat' and 'lon' among the statics"):
        RaciConfig().build(Signature.from_names(statics=("elevation", "biome")), case.scalers)


def test_a_bank_of_one_or_no_site_works(case: Case, raci: Raci) -> None:
    one = np.zeros((12, 10), bool)
    one[3, :2] = True
    raci.prepare(training_data(case.dataset, one))
    assert torch.isfinite(case.predict(raci)).all()
    empty = RaciConfig(hidden=4).build(case.signature, case.scalers).eval()
    assert isinstance(case.dataset, Dataset) and torch.isfinite(case.predict(empty)).all()


def test_stepping_retrieves_what_forward_retrieves(case: Case, raci: Raci) -> None:
    """To the last digits: weights of neighbours magnify rounding errors of the keys, the more the sharper they are."""
    with torch.no_grad():
        raci.bank.log_temperature.fill_(-4.0)
    data, sites, years = case.dataset, 12, 2
    days = data.days(2003, 2004)
    state = raci.init_state(data.static).detach()
    with torch.no_grad():
        parts = state.split(raci.layout, 1)
        months, present = raci.regime.month_features(
            raci.drivers(data.drivers[:, days]), case.calendar(sites)[:, days], years
        )
        regime = raci.regime(months, present, parts[1]).view(sites, years, 12, -1).permute(2, 0, 1, 3)
        keys, values = raci.memory()
        offline = raci.month_conditions(parts[1], parts[2], regime, torch.zeros(sites), keys, values)
        for day in range(days.stop):
            _, state = raci.step(data.drivers[:, day], data.calendar[day], state)
            year, month, first = (data.calendar[day, :3] - torch.tensor([2003, 1, 0])).tolist()
            if first == 1:
                online = state.split(raci.layout, 1)[8]
                assert (online - offline[month, :, year]).abs().max() <= 1e-6, data.calendar[day]
