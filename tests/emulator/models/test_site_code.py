"""Codes of sites: own at training sites, kriged elsewhere; what is left out is as if never there."""

from types import SimpleNamespace
from typing import cast

import pytest
import torch
from torch import Tensor

from emulator.data.windows import TrainingSites
from emulator.models.parts import many_sites, site_code
from emulator.models.parts.layers import StaticFeatures, unit_sphere
from emulator.models.parts.retrieval import Covariance, CovarianceOptions, attributes, distances, held_out_weights
from emulator.models.parts.retrieval import precision_of as precision
from emulator.models.parts.site_code import KRIGED_SHARE, KRIGED_WEIGHT, SIZE_WEIGHT, SiteCode

NAMES = ("lat", "lon", "sand", "clay")
FEATURES = cast("StaticFeatures", SimpleNamespace(size=2, lasting=[0, 1]))
OPTIONS = CovarianceOptions(0.5, 0.7, 600.0, 0.25)


def sites(count: int, seed: int) -> TrainingSites:
    """Training sites in a part of the globe; odd rows of a dataset; blocks of 5 degrees."""
    random = torch.Generator().manual_seed(seed)
    place = torch.rand(count, 2, generator=random) * torch.tensor([20.0, 30.0]) + torch.tensor([40.0, -20.0])
    static = torch.cat([place, torch.randn(count, 2, generator=random)], dim=1)
    block = (place[:, 0] // 5.0 * 100.0 + place[:, 1] // 5.0).long()
    return TrainingSites(static, 2 * torch.arange(count) + 1, block)


def features(static: Tensor) -> Tensor:
    """What the network makes of the statics: here the last two."""
    return 2.0 * static[:, 2:]


def truth(static: Tensor) -> Tensor:
    """Codes of two roles: the first varies in space alone, the second with attributes alone."""
    local = torch.sin(0.4 * static[:, 0]) + torch.cos(0.3 * static[:, 1])
    return torch.stack([local, torch.tanh(static[:, 2:]).sum(1)], dim=1)


def enrolled(count: int, seed: int = 1, **options: bool) -> tuple[SiteCode, TrainingSites]:
    code, training = SiteCode(NAMES, FEATURES, [1, 1], **options), sites(count, seed)
    code.enrol(training, features(training.static))
    with torch.no_grad():
        noise = torch.randn(count, 2, generator=torch.Generator().manual_seed(seed))
        code.code.copy_(truth(training.static) + 0.2 * noise)
    return code, training


def fitted(count: int, **options: bool) -> tuple[SiteCode, TrainingSites]:
    code, training = enrolled(count, **options)
    for _ in range(12):
        code.prepare()
    return code, training


def skill(code: SiteCode) -> Tensor:
    """Explained share of the codes of new sites, role by role."""
    new = sites(80, 2).static
    estimate = code(new, features(new)).detach()
    return 1.0 - ((estimate - truth(new)) ** 2).mean(0) / truth(new).var(0)


def test_each_role_chooses_its_own_neighbours() -> None:
    code, _ = fitted(300)
    local, functional = code.options()
    assert local.functional_share <= 0.25
    assert functional.functional_share >= 0.75
    assert (skill(code) > 0.7).all()


def test_neighbours_of_one_kind_tell_of_one_role() -> None:
    near, similar = (skill(fitted(300, **options)[0]) for options in ({"functional": False}, {"local": False}))
    assert (near[0] > 0.7, near[1] < 0.3) == (True, True)
    assert (similar[1] > 0.7, similar[0] < 0.3) == (True, True)


def test_a_training_site_has_its_own_code_and_a_new_one_next_to_it_has_not() -> None:
    code, training = fitted(40)
    static = training.static[[7, 3]].clone()
    assert torch.allclose(code(static, features(static)), code.code[[7, 3]])
    rounded = (static * 1000.0).round() / 1000.0
    assert torch.allclose(code(rounded, features(rounded)), code.code[[7, 3]]), "as a host writes them"
    for column, step in ((0, 0.1), (2, 0.05)):
        moved = static.clone()
        moved[:, column] += step
        assert ((code(moved, features(moved)) - code.code[[7, 3]]).abs() > 1e-3).any(1).all(), NAMES[column]


def test_a_training_site_is_known_by_what_lasts() -> None:
    """In another record of a site its climate normals are others."""
    code, training = fitted(40)
    code.lasting = torch.tensor([0])
    static = training.static[[7, 3]].clone()
    static[:, 3] += 0.3
    assert torch.allclose(code(static, features(static)), code.code[[7, 3]])
    static[:, 2] += 0.3
    assert not torch.allclose(code(static, features(static)), code.code[[7, 3]], atol=1e-3)


def test_a_training_with_other_sites_begins_with_what_the_former_sites_tell() -> None:
    code, training = fitted(60)
    new = sites(10, 2)
    static = torch.cat([new.static, training.static[:1]])
    expected = code(static, features(static)).detach()
    code.enrol(TrainingSites(static, torch.arange(11), torch.arange(11)), features(static))
    assert torch.allclose(code.code, expected)
    assert torch.allclose(code.code[10], expected[10])
    assert code.site_place.shape == (11, 3)


def test_sites_of_one_place_and_attributes_share_the_mean_of_their_codes() -> None:
    training = sites(40, 1)
    training.static[5] = training.static[4]
    code = SiteCode(NAMES, FEATURES, [1, 1])
    code.enrol(training, features(training.static))
    torch.nn.init.normal_(code.code)
    code.prepare()
    static = training.static[4:5]
    assert torch.allclose(code(static, features(static))[0], code.code[4:6].mean(0), atol=1e-6)


def test_a_code_is_told_as_if_its_block_were_not_there() -> None:
    """Block kriging from the inverse of the whole is kriging from the rest (Dubrule 1983)."""
    code, training = enrolled(40)
    code.choice[:] = torch.tensor(OPTIONS)
    told = code.told_by_others(torch.arange(40))
    out = training.block == training.block[0]
    place, attribute = unit_sphere(*training.static[:, :2].double().T), attributes(features(training.static))
    covariance = Covariance()(torch.tensor(OPTIONS), distances(place, place), distances(attribute, attribute))
    inner = covariance[~out][:, ~out] + OPTIONS.nugget * torch.eye(int((~out).sum()))
    expected = covariance[out][:, ~out] @ torch.linalg.solve(inner, code.code[~out].detach().double())
    assert 1 < out.sum() < 20
    assert torch.allclose(told[out].double(), expected, atol=1e-6)


def test_sites_that_are_blocks_of_their_own_are_left_out_alone() -> None:
    code, _ = enrolled(30)
    chord, contrast = code.gaps()
    inverse = precision(code.covariance, OPTIONS, chord, contrast)
    weights = held_out_weights(inverse, torch.arange(30))
    values = code.code.detach().double()
    assert torch.allclose(weights @ values, values - inverse @ values / inverse.diagonal()[:, None])
    assert not weights.diagonal().any()


def test_training_gives_own_codes_then_to_a_share_what_others_tell() -> None:
    code, training = enrolled(200)
    code.begin_epoch(0)
    first = code.training_codes(training.row)
    assert torch.equal(first.code, code.code)
    code.begin_epoch(1)
    given = code.training_codes(training.row).code
    told = code.told_by_others(torch.arange(200))
    is_told, is_own = (given == told).all(1), (given == code.code).all(1)
    assert (is_told | is_own).all()
    assert KRIGED_SHARE - 0.1 < is_told.float().mean() < KRIGED_SHARE + 0.1


def test_the_loss_holds_codes_near_0_and_near_what_others_tell() -> None:
    code, training = enrolled(50)
    rows = torch.tensor([4, 30])
    loss = code.training_codes(training.row[rows]).loss
    own, told = code.code[rows], code.told_by_others(rows)
    assert loss.item() == pytest.approx(
        (SIZE_WEIGHT * own.square().mean() + KRIGED_WEIGHT * (own - told).square().mean()).item()
    )
    loss.backward()
    assert code.code.grad[rows].all()
    others = torch.ones(50, dtype=torch.bool)
    others[rows] = False
    assert not code.code.grad[others].any(), "what others tell is not moved towards a site"


def test_a_site_that_is_told_moves_the_codes_of_those_that_tell() -> None:
    code, training = enrolled(50)
    code.choice[:] = torch.tensor(OPTIONS)
    code.kriged_share.fill_(1.0)
    code.training_codes(training.row[:1]).code.sum().backward()
    gradient = code.code.grad
    assert gradient is not None and gradient[training.block != training.block[0]].any(1).all()
    assert not gradient[training.block == training.block[0]].any(), "its own block tells nothing"


def test_without_training_sites_codes_are_0() -> None:
    code, static = SiteCode(NAMES, FEATURES, [3]), sites(4, 5).static
    assert torch.equal(code(static, features(static)), torch.zeros(4, 3))


def test_place_is_needed() -> None:
    with pytest.raises(ValueError, match="'lat' and 'lon' among the statics"):
        SiteCode(("lat", "sand"), FEATURES, [4])


def test_distances_stay_on_the_device_of_the_model() -> None:
    site = torch.ones(3, 3, dtype=torch.float64, device="meta")
    assert Covariance()(torch.tensor(OPTIONS), site, site).device.type == "meta"


def as_many(monkeypatch: pytest.MonkeyPatch, some: int) -> None:
    """All sites are many from here on, of which `some` stand for them."""
    monkeypatch.setattr(site_code, "DENSE_SITES", 0)
    monkeypatch.setattr(many_sites, "SOME_SITES", some)
    monkeypatch.setattr(many_sites, "ROWS", 37)


@pytest.mark.parametrize("options", [OPTIONS, CovarianceOptions(0.1, 2.8, 75.0, 0.03)])
def test_many_sites_are_kriged_exactly(monkeypatch: pytest.MonkeyPatch, options: CovarianceOptions) -> None:
    """By conjugate gradients with a covariance of low rank, from nothing and from where the codes were before."""
    code, _ = enrolled(300)
    monkeypatch.setattr(code, "choose", lambda: None)
    code.choice[:] = torch.tensor(options)
    new = sites(50, 2).static
    code.prepare()
    exact = code(new, features(new))
    code.dual.zero_()
    as_many(monkeypatch, 40)
    for _ in range(2):
        code.prepare()
        assert torch.allclose(code(new, features(new)), exact, atol=1e-6)


def test_what_other_blocks_tell_of_many_sites(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exact where the low rank goes through all sites; through an eighth of them the error is about as small."""
    code, training = fitted(400)
    rows = torch.tensor([399, 3, 17, 4, 200])
    exact, everywhere = code.told_by_others(rows), code.told_by_others(torch.arange(400))
    as_many(monkeypatch, 400)
    code.held_out = type(code.held_out)()
    assert torch.allclose(code.told_by_others(rows), exact, atol=1e-4)
    as_many(monkeypatch, 50)
    code.held_out = type(code.held_out)()
    errors = [
        (told - truth(training.static)).square().mean(0)
        for told in (code.told_by_others(torch.arange(400)), everywhere, code.code.mean(0).expand(400, 2))
    ]
    assert (errors[0] < 0.5 * (errors[1] + errors[2])).all(), "nearer to the exact one than to the mean of all"


def test_a_random_choice_of_many_sites_chooses_the_covariance(monkeypatch: pytest.MonkeyPatch) -> None:
    as_many(monkeypatch, 150)
    code, _ = fitted(400)
    assert code.options()[0].functional_share <= 0.25
    assert code.options()[1].functional_share >= 0.75
    assert (skill(code) > 0.7).all()
