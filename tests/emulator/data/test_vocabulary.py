"""What a file says of its variables goes, what it leaves out is taken from the table, and what neither has is told."""

import json
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
import torch

from ecosys_sims.formats.dataset_check import check_dataset
from emulator.data.bounds import Bounds, bounded
from emulator.data.dataset import Dataset
from emulator.data.dataset_file import DatasetError
from emulator.data.identities import Identity, parse_identity, resolve_identities
from emulator.data.signature import Signature
from emulator.data.splits import SplitConfig
from emulator.data.vocabulary import resolve
from foundations.variables import VARIABLES, Variable
from tests import foreign
from tests.emulator.synthetic import DRIVERS, write_dataset


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("ours") / "d.nc", sites=4, years=1)


@pytest.fixture
def wet(tmp_path: Path) -> Path:
    return foreign.methane_wet(tmp_path / "wet.nc", sites=5, years=2)


def edit(path: Path, **attributes: dict[str, Any]) -> Path:
    with netCDF4.Dataset(path, "r+") as file:
        for name, changes in attributes.items():
            for attribute, value in changes.items():
                file[name].setncattr(attribute, value)
    return path


def by_name(signature: Signature) -> dict[str, Variable]:
    return {v.name: v for v in (*signature.inputs, *signature.statics, *signature.targets)}


def test_a_file_of_ours_is_the_table(ours: Path) -> None:
    signature = resolve(ours)
    assert set(signature.input_names) == set(DRIVERS)
    named = resolve(ours, ("tas", "pr"), ("lat", "biome"), ("gpp", "ra", "rh", "nee"))
    # the synthetic file calls every day's value a mean, and tasmin too; it says so, so it is
    assert named == Signature.from_names(("tas", "pr"), ("lat", "biome"), ("gpp", "ra", "rh", "nee"))
    assert named.identities == (Identity(3, ((1, 1.0), (2, 1.0), (0, -1.0)), ()),)
    assert resolve(ours, ("tas",), ("lat",), ("gpp", "nee")).targets[1].identity == ""


def test_what_the_file_says_goes(ours: Path, tmp_path: Path) -> None:
    path = write_dataset(tmp_path / "d.nc", sites=3, years=1)
    edit(
        path,
        tas={"valid_min": 200.0, "long_name": "air at 2 m", "cell_methods": "area: mean time: maximum (interval: 1 h)"},
        gpp={"analysis_units": "kg m-2 day-1", "plausible_range": np.array([-1e-6, 1e-6])},
        fch4={"maximum": 0.0},
    )
    variables = by_name(resolve(path, ("tas", "pr"), ("lat",), ("gpp", "fch4")))
    tas = variables["tas"]
    assert (tas.valid_min, tas.valid_max, tas.long_name, tas.accumulate) == (200.0, 350.0, "air at 2 m", "max")
    assert (variables["gpp"].analysis_units, variables["gpp"].daily_max) == ("kg m-2 day-1", 1e-6)
    assert (variables["fch4"].minimum, variables["fch4"].maximum) == (None, 0.0)
    assert variables["pr"] == VARIABLES["pr"]


def test_ranges_are_taken_into_the_units_that_models_work_in(tmp_path: Path) -> None:
    path = write_dataset(tmp_path / "d.nc", sites=3, years=1)
    with netCDF4.Dataset(path, "r+") as file:
        file["tas"][:] = file["tas"][:] - 273.15
        file["tas"].setncatts({"units": "degC", "valid_range": np.array([-80.0, 60.0])})
    tas = resolve(path, ("tas",), ("lat",), ("gpp",)).inputs[0]
    assert (tas.units, tas.valid_min, tas.valid_max) == ("K", pytest.approx(193.15), pytest.approx(333.15))


def test_a_flux_drives_and_a_state_is_learned_where_a_configuration_says_so(ours: Path) -> None:
    signature = resolve(ours, ("tas", "gpp"), ("lat",), ("ra", "rh", "nee", "tsl"))
    gpp, tsl = signature.inputs[1], signature.targets[3]
    assert (gpp.role, gpp.units, tsl.role, tsl.analysis_units) == ("fast", "kg m-2 s-1", "target", "K")
    (identity,) = signature.identities
    assert identity.targets == ((0, 1.0), (1, 1.0))
    assert identity.inputs == ((1, pytest.approx(-8.64e7)),)
    data = Dataset.open(ours, signature)
    nee = data.flux[..., 0] + data.flux[..., 1] - 8.64e7 * data.drivers[..., 1]
    assert torch.allclose(data.flux[..., 2], nee, rtol=1e-4, atol=1e-5)
    assert Signature.from_dict(json.loads(json.dumps(signature.to_dict()))) == signature


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        ({"inputs": ("TAR",)}, r"wet\.nc: data\.inputs: 'TAR' is neither .* did you mean TAIR"),
        ({"inputs": ("VEG",)}, r"data\.inputs: the role of 'VEG' is static; list it in data\.statics"),
        ({"targets": ("TAIR",)}, r"data\.targets: the role of 'TAIR' is fast; list it in data\.inputs"),
        ({"inputs": ("TAIR", "TAIR")}, r"data\.inputs: a name appears twice"),
        ({"inputs": ("CH4", "TAIR"), "targets": ("CH4",)}, r"CH4 cannot be input and target at once"),
        ({"identities": {"NEE": "Ra - GPP"}}, r"data\.identities: NEE not among the targets: CH4"),
        ({"identities": {"CH4": "PROD - OXID"}}, r"data\.identities\.CH4: PROD, OXID is neither among the inputs nor"),
        ({"identities": {"CH4": "PROD OXID"}}, r"identity of 'CH4': 'PROD OXID' is not a sum such as"),
        ({"identities": {"CH4": "TAIR"}}, r"identity of 'CH4': TAIR: .*convert"),
        ({"targets": ("NPP",)}, r"the role of 'NPP' is slow"),
    ],
)
def test_lists_that_cannot_be(wet: Path, lists: dict[str, Any], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        resolve(wet, **lists)


@pytest.mark.parametrize(
    ("name", "attributes", "message"),
    [
        ("TAIR", {"role": "quick"}, r"TAIR: role is 'quick', expected one of static, slow"),
        ("TAIR", {"units": ""}, r"TAIR: attribute units is missing"),
        ("TAIR", {"cell_methods": "time: median"}, r"TAIR: cell_methods 'time: median' are not one of mean, minimum"),
        ("TAIR", {"valid_range": np.array([1.0])}, r"TAIR: attribute valid_range is \[1\.0\], expected two numbers"),
        ("TAIR", {"plausible_min": "low"}, r"TAIR: attribute plausible_min is 'low', expected a number"),
        ("CH4", {"analysis_units": "K"}, r"CH4: .*g m-2 day-1.*K"),
        ("CH4", {"minimum": 2.0}, r"CH4: minimum 2\.0, maximum None; only one of them may be given, as 0"),
        ("CH4", {"bounded_classes": "WETTYPE bog"}, r"CH4: bounded_classes is 'WETTYPE bog', expected"),
        ("CH4", {"bounded_classes": "WETTYPE: bog"}, r"CH4: bounded_classes: WETTYPE: bog not among none, peatland"),
        ("CH4", {"flag_values": np.array([1, 2], "i4")}, r"CH4: has classes"),
        ("VEG", {"flag_meanings": "one two"}, r"VEG: flag_values and flag_meanings are not as many"),
        ("VEG", {"flag_values": np.array([1.5, 2, 3, 4])}, r"VEG: flag_values .* are not whole numbers"),
    ],
)
def test_attributes_that_cannot_be(wet: Path, name: str, attributes: dict[str, Any], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        resolve(edit(wet, **{name: attributes}))


def test_a_file_without_roles_needs_lists(wet: Path) -> None:
    with netCDF4.Dataset(wet, "r+") as file:
        file["CH4"].delncattr("role")
        file["TAIR"].delncattr("role")
    with pytest.raises(DatasetError, match=r"no variable has the role target; set `role` in the file, or list data"):
        resolve(wet)
    signature = resolve(wet, ("TAIR",), None, ("CH4",))
    assert (signature.inputs[0].role, signature.targets[0].role) == ("fast", "target")


def test_a_name_of_the_table_may_be_another_quantity(wet: Path) -> None:
    with netCDF4.Dataset(wet, "r+") as file:
        file.renameVariable("CH4", "ch4")
    assert VARIABLES["ch4"].role == "slow"
    target = resolve(wet).targets[0]
    assert (target.name, target.units, target.least_spread) == ("ch4", "g m-2 day-1", 0.0)
    with netCDF4.Dataset(wet, "r+") as file:
        file.renameVariable("TAIR", "tas")
        file["tas"].units = "m"
    with pytest.raises(DatasetError, match=r"tas: .*'m'.*'K'"):
        resolve(wet)


def test_classes_of_another_file_are_matched_by_meaning(wet: Path, tmp_path: Path) -> None:
    signature = resolve(wet)
    usual = Dataset.open(wet, signature)
    other = foreign.methane_wet(tmp_path / "other.nc", sites=5, years=2)
    with netCDF4.Dataset(other, "r+") as file:
        codes = np.asarray(file["VEG"][:])
        file["VEG"][:] = 10 * codes
        file["VEG"].flag_values = np.array([10, 20, 30, 40], "i4")
    read = Dataset.open(other, signature)
    assert torch.equal(read.static, usual.static)
    assert read.group("VEG").names().tolist() == usual.group("VEG").names().tolist()
    edit(other, VEG={"flag_meanings": "desert steppe savanna lichen"})
    with pytest.raises(DatasetError, match=r"VEG: class '\w+' is not one of tundra, boreal_forest"):
        Dataset.open(other, signature)


def test_classes_of_our_own_kind_may_have_meanings_that_we_do_not_have(tmp_path: Path) -> None:
    path = write_dataset(tmp_path / "d.nc", sites=4, years=1)
    with netCDF4.Dataset(path, "r+") as file:
        file["biome"][:] = [1, 2, 2, 1]
        file["biome"].flag_values, file["biome"].flag_meanings = np.array([1, 2], "i4"), "heath bog"
    signature = resolve(path, ("tas",), ("biome",), ("gpp",))
    assert signature.statics[0].classes == {1: "heath", 2: "bog"}
    assert Dataset.open(path, signature).group().names().tolist() == ["heath", "bog", "bog", "heath"]


def test_a_bound_holds_in_the_classes_that_file_or_configuration_name(wet: Path) -> None:
    edit(wet, CH4={"minimum": 0.0, "bounded_classes": "WETTYPE: peatland marsh; CLIM: ET"})
    limits = (("WETTYPE", (1, 2)), ("CLIM", (4,)))
    assert resolve(wet).targets[0].bounded_classes == limits
    without = resolve(wet, statics=("lat", "lon", "WETTYPE")).targets[0]
    assert (without.minimum, without.bounded_classes) == (None, ())
    free = foreign.methane_wet(wet.with_name("free.nc"), sites=5, years=2)
    bound = Bounds(min=0.0, classes={"WETTYPE": ("peatland", "marsh"), "CLIM": ("ET",)})
    assert bounded(resolve(free), {"CH4": bound}).targets[0].bounded_classes == limits


def test_sites_of_a_class_are_left_out(wet: Path) -> None:
    data = Dataset.open(wet, resolve(wet))
    meaning = data.group("CLIM").names()[0]
    config = SplitConfig(leave_class={"CLIM": meaning}, test_years=1, validation_years=0)
    from emulator.data.split_rules import split_dataset

    split = split_dataset(config, data)
    assert np.array_equal(split.test_sites, data.group("CLIM").names() == meaning)
    for choice, message in (
        ({"PFT": "tree"}, r"needs the PFT of each site; class variables are: CLIM, VEG, WETTYPE"),
        ({"CLIM": "Bwh"}, r"split\.leave_class\.CLIM: 'Bwh' is not among Af, Cfb, Dfc, ET"),
    ):
        with pytest.raises(ValueError, match=message):
            split_dataset(SplitConfig(leave_class=choice, test_years=1, validation_years=0), data)
    with pytest.raises(ValueError, match="not several"):
        SplitConfig(leave_class={"CLIM": "ET"}, leave_biome="bog")


@pytest.mark.parametrize("write", [foreign.methane_wet, foreign.kgml_ag])
def test_the_check_of_datasets_takes_foreign_ones(write: Any, tmp_path: Path) -> None:
    faults = check_dataset(write(tmp_path / "d.nc", sites=3, years=1))
    assert [fault for fault in faults if not fault.startswith(("global attribute", "time:"))] == []


def target(name: str, identity: str = "", units: str = "g m-2 day-1") -> Variable:
    return Variable(name, units, "target", name, analysis_units=units, identity=identity)


def test_sums_may_be_of_sums_with_factors_and_other_units() -> None:
    assert parse_identity("nee", "nee = 0.5*reco - gpp") == [(0.5, "reco"), (-1.0, "gpp")]
    targets = (
        target("ra"),
        target("rh", units="kg m-2 day-1"),
        target("reco", "ra + rh"),
        target("nee", "-gpp + reco"),
    )
    inputs = (Variable("gpp", "mg m-2 day-1", "fast", "gpp"),)
    reco, nee = resolve_identities(inputs, targets)
    assert reco == Identity(2, ((0, 1.0), (1, pytest.approx(1000.0))), ())
    assert nee == Identity(3, ((0, 1.0), (1, pytest.approx(1000.0))), ((0, pytest.approx(-1e-3)),))


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ((target("a", "b + c"), target("b", "a - c"), target("c")), "leads back to itself"),
        ((target("a", "b"), target("b", "a")), "no target is left to learn"),
        ((target("a", "b + t"), target("b"), target("t", units="K")), r"identity of 'a': t: .*"),
        ((target("a", "b + b"), target("b")), "is not a sum"),
        ((target("a", "x = b"), target("b")), "is not a sum"),
        ((target("a", "b * c"), target("b")), "is not a sum"),
    ],
)
def test_sums_that_cannot_be(targets: tuple[Variable, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resolve_identities((), targets)


def test_signatures_of_older_checkpoints_are_read() -> None:
    signature = Signature.from_names(("tas",), ("lat", "biome"), ("gpp", "ra", "rh", "nee", "fch4"))
    older = json.loads(json.dumps(signature.to_dict()))
    new = ("flag_meanings", "identity", "bounded_classes")
    for variables in older.values():
        for fields in variables:
            for name in new:
                del fields[name]
            fields["bounded_biomes"] = []
    assert Signature.from_dict(older) == signature
    older["targets"][4] |= {"maximum": 0.0, "bounded_biomes": [7, 12]}
    read = Signature.from_dict(older).targets[4]
    assert (read.maximum, read.bounded_classes) == (0.0, (("biome", (7, 12)),))


@pytest.mark.filterwarnings("ignore")
def test_a_store_is_described_as_a_file_is(wet: Path) -> None:
    xr = pytest.importorskip("xarray")
    store = wet.with_suffix(".zarr")
    with xr.open_dataset(wet, decode_times=False, mask_and_scale=False) as dataset:
        dataset.to_zarr(store, zarr_format=3)
    assert resolve(store) == resolve(wet)
    assert list(Dataset.open(store, resolve(store)).groups) == ["CLIM", "VEG", "WETTYPE"]
