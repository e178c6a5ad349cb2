"""Splits of records by rule and by file: every day has its place in time, and what is lacking is said."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from emulator.data.calendar import day_numbers, record_years
from emulator.data.dataset import Dataset
from emulator.data.signature import Signature
from emulator.data.split_days import LABELS, part_codes
from emulator.data.split_file import SplitFileError, read_split, split_text
from emulator.data.split_rules import lacks, split_dataset, tell
from emulator.data.splits import PARTS, SplitConfig
from tests.emulator.records import write_records
from tests.emulator.synthetic import write_dataset

SIGNATURE = Signature.from_names(("tas", "pr"), ("lat", "lon"), ("fch4",))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return Dataset.open(write_records(tmp_path_factory.mktemp("splits") / "towers.nc"), SIGNATURE)


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Eight sites, eight years, the same for all."""
    path = write_dataset(tmp_path_factory.mktemp("splits") / "sims.nc", sites=8, years=8, calendar="noleap")
    return Dataset.open(path, SIGNATURE)


def test_later_years_are_each_sites_own(data: Dataset) -> None:
    config = SplitConfig(time="later_years", space="none", test_years=1, validation_years=1, validation_fraction=0.0)
    codes = part_codes(split_dataset(config, data), data)
    names = np.array(LABELS)[codes]
    for site in range(data.n_sites):
        first, last = data.periods[site]
        inside = names[site, first : last + 1]
        assert "unused" not in inside
        assert (names[site, :first] == "unused").all()
        assert (names[site, last + 1 :] == "unused").all()
        years = record_years(data.calendar, int(first), int(last))
        by_year = [set(names[site, start:stop]) for start, stop in years]
        expected = {1: ["train"], 2: ["train", "temporal"], 3: ["train", "validation_temporal", "temporal"]}
        assert by_year == [{name} for name in expected[len(years)]], site


def test_sites_that_validate_or_test_without_training_flux_are_named(data: Dataset, caplog) -> None:
    config = SplitConfig(time="later_years", space="none", test_years=1, validation_years=1, validation_fraction=0.0)
    split = split_dataset(config, data)
    flux = data.flux.clone()
    flux[0, split.days(data, "train")[0]] = torch.nan
    tell(split, replace(data, flux=flux))
    for part in ("validation_temporal", "temporal"):
        assert f"split: {part} days of 1 sites without training flux: {data.site_id[0]}" in caplog.text
    caplog.clear()
    tell(split, data)
    assert "without training flux" not in caplog.text


@pytest.mark.parametrize(("years", "trained"), [(1, 0), (2, 0), (3, 1), (4, 2), (5, 3), (6, 4), (7, 5), (8, 6)])
def test_the_index_rule_tests_from_its_year_on(long: Dataset, years: int, trained: int) -> None:
    data = long.day_subset(slice(0, 365 * years))
    config = SplitConfig(time="index", space="none", validation_years=1, validation_fraction=0.0)
    if trained == 0:
        with pytest.raises(ValueError, match=r"sims.nc: the split leaves no day to train on"):
            split_dataset(config, data)
        return
    split = split_dataset(config, data)
    tested = split.days(data, "temporal")[0].numpy()
    assert tested.sum() == 365 * (years - trained)
    assert tested[365 * trained :].all()
    assert split.days(data, "validation_temporal")[0].sum() == (365 if trained > 1 else 0)
    assert split.days(data, "train")[0].sum() == 365 * (trained - (trained > 1))


def test_years_without_flux_do_not_count(long: Dataset) -> None:
    flux = long.flux.clone()
    flux[0, : 3 * 365] = torch.nan
    flux[0, 7 * 365 :] = torch.nan
    data = Dataset(**{**long.__dict__, "flux": flux})
    split = split_dataset(SplitConfig(time="index", space="none", validation_years=0, validation_fraction=0.0), data)
    assert split.days(data, "temporal")[0].nonzero().min() == 5 * 365, "years 3 to 6 have flux; index 2 of four"
    assert split.days(data, "temporal")[1].nonzero().min() == 6 * 365


def test_random_folds_and_a_share_of_the_sites(long: Dataset) -> None:
    folds = [split_dataset(SplitConfig(space="random", folds=4, test_fold=fold), long) for fold in range(4)]
    assert (sum(fold.test_sites.astype(int) for fold in folds) == 1).all()
    assert all(fold.test_sites.sum() == 2 for fold in folds)
    part = split_dataset(SplitConfig(space="random", folds=4, train_fraction=0.5, validation_fraction=0.0), long)
    assert (part.train_sites & ~folds[0].test_sites).sum() == 3 == part.train_sites.sum()


def test_one_site_is_left_out(long: Dataset) -> None:
    config = SplitConfig(space="leave_site_out", leave_site="S0003", buffer_km=0.0, validation_fraction=0.0)
    split = split_dataset(config, long)
    assert long.site_id[split.test_sites].tolist() == ["S0003"]
    assert split.train_sites.sum() == 7
    by_number = split_dataset(SplitConfig(space="leave_site_out", test_fold=7, time="later_years"), long)
    assert long.site_id[by_number.test_sites].tolist() == ["S0007"]
    with pytest.raises(ValueError, match=r"leave_site: 'S003' is no site of the dataset; near are: S000"):
        split_dataset(SplitConfig(space="leave_site_out", leave_site="S003"), long)
    with pytest.raises(ValueError, match="test_fold is 8, but there are folds 0 to 7"):
        split_dataset(SplitConfig(space="leave_site_out", test_fold=8), long)
    with pytest.raises(ValidationError, match="space must be 'leave_site_out', not 'blocks'"):
        SplitConfig(leave_site="S0003")


def test_one_site_and_one_year_are_allowed_and_what_lacks_is_said(data: Dataset, caplog) -> None:
    alone = data.site_subset(np.array([3])).day_subset(slice(0, 364))
    split = split_dataset(SplitConfig(time="later_years"), alone)
    assert split.days(alone, "train").all()
    tell(split, alone)
    for text in ("no temporal test", "no spatial test", "no validation"):
        assert text in caplog.text
    with pytest.raises(ValueError, match=r"leave none of 1 to train on; lower them, or split.time later_years"):
        split_dataset(SplitConfig(), alone)


def test_flux_of_no_part_is_told(data: Dataset, tmp_path: Path, caplog) -> None:
    path = tmp_path / "split.csv"
    path.write_text("site,from,to,part\nS0000,2003-01-02,2004-06-30,train\nS0000,2004-07-01,,test\n")
    split = split_dataset(SplitConfig(file=path), data)
    tell(split, data)
    assert "days with flux are in no part, of 5 sites: S0001, S0002" in caplog.text
    assert not any("temporal" in line for line in lacks(split, data))


@pytest.mark.parametrize("time", ["years", "later_years"])
def test_a_split_comes_back_from_its_file(data: Dataset, tmp_path: Path, time: str) -> None:
    config = SplitConfig(time=time, folds=3, block_degrees=5.0, buffer_km=0.0, test_years=0, validation_years=0)
    split = split_dataset(config, data)
    path = tmp_path / "split.csv"
    path.write_text(split_text(split, data))
    again = read_split(path, data, config.block_degrees)
    for part in PARTS:
        assert torch.equal(again.days(data, part), split.days(data, part))
    assert np.array_equal(again.block, split.block)
    assert np.array_equal(again.train_sites, split.train_sites)
    assert split_text(again, data) == path.read_text()


def test_a_file_of_a_user(data: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(
        "part, site,from,to,why\ntrain,S0000,,2003-12-31,\nvalidation,S0000,2004-01-01,2004-03-31,\n"
        "test,S0000,2004-04-01,,\n\ntest,S0001,,,new site\nvalidation,S0002,,,\nunused,S0005,,,clear-cut\n"
    )
    split = split_dataset(SplitConfig(file=path), data)
    names = np.array(LABELS)[part_codes(split, data)]
    numbers = day_numbers(data.calendar)
    assert set(names[0][numbers <= 20031231]) == {"train"}
    assert set(names[0][(numbers > 20031231) & (numbers <= 20040331)]) == {"validation_temporal"}
    assert set(names[0][numbers >= 20040401]) == {"temporal"}
    assert set(names[1]) == {"spatial", "unused"}
    assert set(names[2]) == {"validation_spatial", "unused"}
    assert set(names[3]) == set(names[5]) == {"unused"}


FAULTS = {
    "column": ("site,from,to\nS0000,,\n", r"bad.csv: the columns are site, from, to; expected site, from, to, part"),
    "site": ("site,from,to,part\nS00,,,train\n", r"bad.csv: line 2: 'S00' is no site of the dataset; near are"),
    "date": ("site,from,to,part\nS0000,1.2.2003,,train\n", r"line 2: '1.2.2003' is not a date; write it as 2010-12-31"),
    "order": (
        "site,from,to,part\nS0000,2004-12-31,2004-01-01,train\n",
        r"line 2: from 2004-12-31 to 2004-01-01 is no day; give the earlier date first",
    ),
    "part": ("site,from,to,part\nS0000,,,learn\n", r"line 2: part 'learn' is not one of unused, train,"),
    "twice": (
        "site,from,to,part\nS0000,,2004-01-05,train\nS0000,2004-01-05,,test\n",
        r"line 3: days of site S0000 are in two parts",
    ),
    "short": ("site,from,to,part\nS0000,2004-01-05,train\n", r"line 2 has 3 values; expected site, from, to, part"),
    "nothing": ("site,from,to,part\nS0000,1990-01-01,1990-12-31,train\n", r"the split leaves no day to train on"),
}


@pytest.mark.parametrize(("text", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_faults_of_a_file_are_told_by_line(data: Dataset, tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        split_dataset(SplitConfig(file=path), data)
    assert issubclass(SplitFileError, ValueError)
