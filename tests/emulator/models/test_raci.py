"""RACI: whose code a site has, which drivers act when, and what each part does."""

from collections.abc import Callable

import pytest
import torch
from pydantic import ValidationError

from emulator.data.signature import Signature
from emulator.data.windows import Batch
from emulator.models.kinds.raci import Raci, RaciConfig
from emulator.models.parts.site_code import LEARNING_RATE
from emulator.models.streaming import StreamingModel
from emulator.training.assembly import weights_by_rate
from tests.emulator.models.conftest import Case


@pytest.fixture
def raci(make_model: Callable[..., StreamingModel]) -> Raci:
    model = make_model("raci")
    assert isinstance(model, Raci)
    return model


def test_present_flux_moves_nothing(case: Case, raci: Raci) -> None:
    """Flux handed to `forward`, that of the year predicted included."""
    before = case.predict(raci, 12)
    assert torch.equal(case.predict(raci, 12, 5.0 * case.dataset.flux[:12] + 1.0), before)


def test_a_training_site_has_its_own_code_and_neighbours_tell_a_new_one(case: Case, raci: Raci) -> None:
    before = case.predict(raci, 12)
    with torch.no_grad():
        raci.code.code[4] += 1.0
        raci.prepare()
    changed = (case.predict(raci, 12) != before).any(2).any(1).tolist()
    assert changed == [site in (4, 10, 11) for site in range(12)]


def test_codes_learn_faster_and_alone_where_the_rest_is_frozen(raci: Raci) -> None:
    network, codes = weights_by_rate(raci, 0.01)
    assert [id(weights) for weights in codes["params"]] == [id(raci.code.code)]
    assert len(network["params"]) == len(list(raci.parameters())) - 1
    assert (network["lr"], codes["lr"]) == (0.01, 0.01 * LEARNING_RATE)
    raci.requires_grad_(requires_grad=False)
    raci.code.code.requires_grad_()
    (alone,) = weights_by_rate(raci, 0.01)
    assert alone["lr"] == codes["lr"]


def test_conditions_change_at_month_ends_only(case: Case, raci: Raci) -> None:
    data = case.dataset
    state = raci.init_state(data.static[:3]).detach()
    site, regimes = raci.fields(state).site, []
    assert site[:, raci.static_size :].any(1).all()
    with torch.no_grad():
        for day in range(120):
            _, state = raci.step(data.drivers[:3, day], data.calendar[day], state)
            regimes.append(raci.fields(state).regime)
            assert torch.equal(raci.fields(state).site, site)
    changes = [day for day in range(1, 120) if not torch.equal(regimes[day], regimes[day - 1])]
    assert changes == [30, 58, 89, 119]


def test_two_roles_read_a_half_of_the_code_each(case: Case, make_model: Callable[..., StreamingModel]) -> None:
    """The regime's half does not reach the daily path but by the modulation, the other's does not reach the regime."""
    raci = make_model("raci", code_roles=True, code_size=4)
    state = raci.init_state(case.dataset.static[:3]).detach()
    row = raci.fields(state)
    site = row.site.clone()
    site[:, raci.static_size : raci.static_size + 2] += 1.0
    assert torch.equal(raci.fast_site(site), raci.fast_site(row.site))
    assert not torch.equal(raci.slow_site(site), raci.slow_site(row.site))
    site = row.site.clone()
    site[:, -2:] += 1.0
    assert torch.equal(raci.slow_site(site), raci.slow_site(row.site))
    assert not torch.equal(raci.fast_site(site), raci.fast_site(row.site))
    assert case.stepping_error(raci) <= 1e-5


def test_training_takes_the_codes_of_the_rows_of_the_batch(case: Case, raci: Raci) -> None:
    """By the site's row in the dataset, whatever its statics are."""
    data, days = case.dataset, case.dataset.days(2003, 2005)
    flux = data.flux[:2, days]
    batch = Batch(data.drivers[:2, days], case.calendar(2)[:, days], data.static[:2], flux, flux, torch.tensor([7, 2]))
    before = raci.training_outputs(batch)
    with torch.no_grad():
        raci.code.code[7] += 0.5
    after = raci.training_outputs(batch)
    assert torch.equal(before.prediction[1], after.prediction[1])
    assert not torch.equal(before.prediction[0], after.prediction[0])
    assert before.auxiliary["codes"] != after.auxiliary["codes"]


ABLATIONS = (
    {"roles": False},
    {"functional": False},
    {"local": False},
    {"film": False},
    {"code_size": 0},
)


@pytest.mark.parametrize("options", ABLATIONS, ids=lambda options: "=".join(map(str, next(iter(options.items())))))
def test_each_part_matters(case: Case, make_model: Callable[..., StreamingModel], raci: Raci, options: dict) -> None:
    less = make_model("raci", **options)
    assert not torch.equal(case.predict(less, 12), case.predict(raci, 12))
    assert case.stepping_error(less) <= 1e-5


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


@pytest.mark.parametrize("options", [{"response": "none"}, {"memory_years": 4, "response_size": 4}], ids=str)
def test_options_of_the_former_raci_are_refused_by_a_clear_word(options: dict) -> None:
    with pytest.raises(ValidationError, match="RACI has site codes in place of retrieved responses"):
        RaciConfig(**options)


def test_two_roles_need_an_even_code() -> None:
    with pytest.raises(ValidationError, match="code_size is 5"):
        RaciConfig(code_roles=True, code_size=5)


@pytest.mark.parametrize("kind", ["raci", "cham_net", "unified"])
def test_sites_of_a_batch_may_be_of_other_days(case: Case, make_model: Callable[..., StreamingModel], kind) -> None:
    model, data = make_model(kind), case.dataset
    days = [slice(0, 800), slice(500, 1300)]
    sites = [(data.drivers[i, d], data.calendar[d], data.static[i], data.flux[i, d]) for i, d in enumerate(days)]
    with torch.no_grad():
        both = model(*(torch.stack(tensors) for tensors in zip(*sites, strict=True)))
        for row, site in zip(both, sites, strict=True):
            assert torch.equal(row, model(*(tensor.unsqueeze(0) for tensor in site))[0])
