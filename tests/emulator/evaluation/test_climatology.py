"""Climatology baselines."""

import numpy as np

from emulator.evaluation import climatology


def _days(first_year: int, years: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    dates = np.arange(f"{first_year}-01-01", f"{first_year + years}-01-01", dtype="datetime64[D]")
    months = dates.astype("datetime64[M]")
    return dates, months.astype(int) % 12 + 1, (dates - months).astype(int) + 1


def _sites(codes, month: np.ndarray, day: np.ndarray, south: tuple[int, ...] = ()) -> climatology.Sites:
    codes = np.asarray(codes)
    return climatology.Sites(codes, np.isin(np.arange(len(codes)), south), climatology.day_slot(month, day))


def test_the_same_calendar_day_has_the_same_slot_in_leap_and_other_years():
    dates, month, day = _days(2003, 2)
    slot = climatology.day_slot(month, day)
    assert slot[dates == np.datetime64("2003-03-01")] == slot[dates == np.datetime64("2004-03-01")] == 60
    assert slot[dates == np.datetime64("2004-02-29")] == 59
    assert slot.min() == 0
    assert slot.max() == 365


def test_a_repeating_season_is_recovered_by_biome():
    dates, month, day = _days(2001, 6)
    season = np.sin(2 * np.pi * climatology.day_slot(month, day) / 366)
    biome = np.array([2, 2, 7, 7])
    flux = np.stack([season + 1, season + 3, 10 * season, 10 * season])[..., None]
    training = np.zeros((4, dates.size), bool)
    training[:, dates < np.datetime64("2005-01-01")] = True
    by_biome = climatology.class_climatology(flux, _sites(biome, month, day), training)
    assert np.abs(by_biome[0, :, 0] - (season + 2)).max() < 0.01
    assert np.abs(by_biome[2, :, 0] - 10 * season).max() < 0.1
    assert np.array_equal(by_biome[0], by_biome[1])
    by_site = climatology.site_climatology(flux, month, day, training)
    assert np.abs(by_site[1, :, 0] - (season + 3)).max() < 0.01


def test_only_training_days_are_read():
    generator = np.random.default_rng(11)
    dates, month, day = _days(2001, 4)
    flux = generator.normal(5, 2, (3, dates.size, 2))
    biome = np.array([1, 1, 4])
    training = np.zeros((3, dates.size), bool)
    training[:2, dates < np.datetime64("2004-01-01")] = True
    before = climatology.class_climatology(flux, _sites(biome, month, day), training)
    spoiled = np.where(training[..., None], flux, 1e6)
    after = climatology.class_climatology(spoiled, _sites(biome, month, day), training)
    assert np.array_equal(before, after)
    sites = climatology.site_climatology(spoiled, month, day, training)
    assert np.isnan(sites[2]).all()
    assert np.abs(sites[:2]).max() < 100


def test_biome_without_training_sites_gets_the_mean_over_all():
    dates, month, day = _days(2001, 2)
    flux = np.stack([np.full(dates.size, 2.0), np.full(dates.size, 4.0), np.full(dates.size, 90.0)])[..., None]
    training = np.repeat(np.array([True, True, False])[:, None], dates.size, axis=1)
    by_biome = climatology.class_climatology(flux, _sites([1, 2, 9], month, day), training)
    assert np.allclose(by_biome[2], 3.0)
    assert np.allclose(by_biome[0], 2.0)


def test_missing_fluxes_do_not_enter_the_mean():
    dates, month, day = _days(2001, 3)
    flux = np.full((1, dates.size, 1), 7.0)
    flux[0, ::3] = np.nan
    training = np.ones((1, dates.size), bool)
    assert np.allclose(climatology.class_climatology(flux, _sites([3], month, day), training), 7.0)


def test_a_class_of_both_hemispheres_keeps_its_season():
    """Two sites with the same season half a year apart: a mean by date would be flat."""
    _, month, day = _days(2001, 4)
    season = np.sin(2 * np.pi * climatology.day_slot(month, day) / 366)
    flux = np.stack([5 + season, 5 - season])[..., None]
    training = np.ones(flux.shape[:2], bool)
    shifted = climatology.class_climatology(flux, _sites([1, 1], month, day, south=(1,)), training)
    assert np.abs(shifted - flux).max() < 0.02
    means = climatology.ClassMeans(1)
    means.add(flux[:1], _sites([1], month, day))
    unknown = means.at(_sites([1, 7], month, day, south=(0, 1)))
    assert np.abs(unknown - flux[1]).max() < 0.02


def test_means_of_the_other_sites_are_those_without_some():
    """Classes that lose a site, all their sites, or none; half of the sites are southern."""
    _, month, day = _days(2001, 2)
    flux = np.random.default_rng(4).normal(3, 2, (7, month.size, 2))
    flux[2, ::5] = np.nan
    sites = _sites([1, 1, 2, 3, 3, 1, 2], month, day, south=(1, 4, 6))
    everything, part = climatology.ClassMeans(2), climatology.ClassMeans(2)
    for rows in (slice(0, 3), slice(3, 7)):
        everything.add(flux[rows], sites.rows(rows))
    members = np.array([3, 4, 5])
    part.add(flux[members], sites.rows(members))
    training = ~np.isin(np.arange(7), members)[:, None] & np.ones(flux.shape[:2], bool)
    expected = climatology.class_climatology(flux, sites, training)
    np.testing.assert_allclose(everything.without(part).at(sites), expected, rtol=1e-12)
