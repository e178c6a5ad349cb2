"""Splits: nothing is in two parts, held-out sites are far away, years are in order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.data.splits import PARTS, Split, SplitConfig, spatial_blocks


def globe(seed: int, sites: int = 200) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return np.rad2deg(np.arcsin(random.uniform(-0.8, 0.95, sites))), random.uniform(-180, 180, sites)


def great_circle_km(split: Split, lat: np.ndarray, lon: np.ndarray) -> float:
    """Shortest distance between a test site and a training or validation site, by the haversine formula."""
    used = split.train_sites | split.validation_sites
    phi, lam = np.deg2rad(lat), np.deg2rad(lon)
    a, b = np.ix_(used, split.test_sites)
    half = np.sin((phi[a] - phi[b]) / 2) ** 2 + np.cos(phi[a]) * np.cos(phi[b]) * np.sin((lam[a] - lam[b]) / 2) ** 2
    return float((2 * 6371.0 * np.arcsin(np.sqrt(half))).min())


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    fold=st.integers(0, 4),
    buffer_km=st.floats(0, 500),
    test_years=st.integers(1, 4),
    validation_years=st.integers(0, 2),
)
def test_parts_are_apart(seed: int, fold: int, buffer_km: float, test_years: int, validation_years: int) -> None:
    lat, lon = globe(seed)
    config = SplitConfig(
        seed=seed, test_fold=fold, buffer_km=buffer_km, test_years=test_years, validation_years=validation_years
    )
    years = np.arange(1999, 2009)
    split = config.build(lat, lon, years)
    parts = np.stack([split.mask(part) for part in PARTS])
    assert parts.sum(0).max() == 1
    assert great_circle_km(split, lat, lon) >= buffer_km - 1e-6
    for block in np.unique(split.block):
        members = split.block == block
        assert split.test_sites[members].all() or not split.test_sites[members].any()
        assert not (split.train_sites[members].any() and split.validation_sites[members].any())
    assert years[split.train_years].max() < years[~split.train_years].min()
    assert years[split.test_years].tolist() == list(range(2009 - test_years, 2009))
    assert 0.14 < split.test_sites.mean() < 0.27


def test_folds_cover_every_site_once() -> None:
    lat, lon = globe(3)
    tested = sum(SplitConfig(test_fold=fold).build(lat, lon, np.arange(8)).test_sites.astype(int) for fold in range(5))
    assert (tested == 1).all()


def test_blocks_are_of_about_equal_area_and_do_not_break_at_the_date_line() -> None:
    lat, lon = globe(5, 20000)
    block = spatial_blocks(lat, lon, 10.0)
    count = np.bincount(block)
    assert 350 < len(count) < 410  # 0.875 of the sphere in cells of 10 degrees squared
    assert np.percentile(count, 90) < 1.5 * np.percentile(count, 20)
    assert spatial_blocks(np.array([10.0, 10.0]), np.array([-180.0, 180.0]), 10.0).tolist() == [0, 0]


def test_validation_is_a_share_of_training() -> None:
    lat, lon = globe(7)
    split = SplitConfig(validation_fraction=0.2, buffer_km=0).build(lat, lon, np.arange(8))
    assert 0.15 < split.validation_sites.sum() / (~split.test_sites).sum() < 0.25
    assert split.validation_mask().sum() == split.train_sites.sum() + 5 * split.validation_sites.sum()
    none = SplitConfig(validation_fraction=0.0, buffer_km=0).build(lat, lon, np.arange(8))
    assert not none.validation_sites.any()
    assert (none.train_sites | none.test_sites).all()


def test_a_biome_left_out_is_tested_and_nothing_else() -> None:
    lat, lon = globe(11)
    biome = np.random.default_rng(0).choice([1, 2, 7], len(lat))
    config = SplitConfig(leave_biome="fen", test_fold=3, buffer_km=2000.0, validation_fraction=0.15)
    split = config.build(lat, lon, np.arange(2001, 2011), biome)
    assert (split.test_sites == (biome == 2)).all()
    assert (split.train_sites | split.validation_sites | split.test_sites).all()  # neither folds nor buffer
    assert not (split.train_sites & split.validation_sites).any()
    assert split.validation_sites.any()
    assert split.mask("spatiotemporal")[biome == 2].sum() == 3 * (biome == 2).sum()
    assert np.stack([split.mask(part) for part in PARTS]).sum(0).max() == 1


def test_a_biome_that_cannot_be_left_out_is_named() -> None:
    lat, lon = globe(12)
    with pytest.raises(ValueError, match=r"leave_biome\n.*'fens' is not among the biomes: bog, fen"):
        SplitConfig(leave_biome="fens")
    with pytest.raises(ValueError, match="needs the biome of each site"):
        SplitConfig(leave_biome="fen").build(lat, lon, np.arange(9))
    with pytest.raises(ValueError, match=r"leave_biome is 'fen', which leaves 0 training and 200 test sites"):
        SplitConfig(leave_biome="fen").build(lat, lon, np.arange(9), np.full(200, 2))
    with pytest.raises(ValueError, match=r"leaves .* training and 0 test sites"):
        SplitConfig(leave_biome="bog").build(lat, lon, np.arange(9), np.full(200, 2))


def test_impossible_splits_say_what_to_change() -> None:
    lat, lon = globe(1, 6)
    with pytest.raises(ValueError, match=r"3 test and 1 validation years leave none of 4"):
        SplitConfig().build(lat, lon, np.arange(4))
    with pytest.raises(ValueError, match=r"test_fold is 5, but there are folds 0 to 4"):
        SplitConfig(test_fold=5).build(lat, lon, np.arange(9))
    with pytest.raises(ValueError, match=r"smaller split.buffer_km"):
        SplitConfig(buffer_km=25000).build(lat, lon, np.arange(9))
    with pytest.raises(ValueError, match="'training' is not one of"):
        SplitConfig().build(lat, lon, np.arange(9)).mask("training")


def test_of_random_folds_each_site_is_a_block() -> None:
    """What is left out together to ask what others tell of it is as small as what is tested."""
    lat, lon = np.linspace(40.0, 41.0, 20), np.zeros(20)
    random, blocked = (SplitConfig(space=space).build(lat, lon, np.arange(2001, 2008)) for space in ("random", "none"))
    assert len(np.unique(random.block)) == 20
    assert len(np.unique(blocked.block)) <= 2
