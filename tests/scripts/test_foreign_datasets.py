"""Datasets of other models, in their own names, units and classes, from file to coupled run with no change of code."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import torch

from emulator import evaluate, export, predict, train
from emulator.artefact import native
from emulator.artefact.metadata import read_artefact
from emulator.baselines import climatology, nearest, ridge
from emulator.data.dataset import Dataset
from emulator.data.scalers import fit_scalers
from emulator.data.splits import SplitConfig
from emulator.data.vocabulary import resolve
from emulator.data.windows import TrainingSites, WindowSampler, training_data
from emulator.evaluation.held_out import group_names
from emulator.models.registry import MODEL_CONFIGS, build
from tests import foreign

CONFIG = """\
data: {{path: {dataset}}}
split: {{test_years: 1, validation_years: 1, folds: 3, block_degrees: 5.0, buffer_km: 0, validation_fraction: 0.2}}
model: {{kind: lstm, hidden: 8}}
training: {{epochs: 1, batch_size: 4, years_per_window: 1, threads: 1}}
"""
WRITERS: dict[str, Callable[..., Path]] = {"methane_wet": foreign.methane_wet, "kgml_ag": foreign.kgml_ag}
TARGETS = {"methane_wet": ("CH4",), "kgml_ag": ("NEE", "Ra", "Rh")}
KINDS = {config.model_fields["kind"].default: config for config in MODEL_CONFIGS}


@pytest.fixture(scope="module", params=list(WRITERS))
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """Folder with a foreign dataset and an LSTM trained on it and exported."""
    folder = tmp_path_factory.mktemp(request.param)
    dataset = WRITERS[request.param](folder / "d.nc")
    (folder / "c.yaml").write_text(CONFIG.format(dataset=dataset))
    assert train.main([str(folder / "c.yaml"), "--out", str(folder / "run")]) == 0
    assert export.main([str(folder / "run"), "--out", str(folder / "model.pt")]) == 0
    return request.param, folder


def series(path: Path, name: str) -> np.ndarray:
    with netCDF4.Dataset(path) as file:
        return np.ma.filled(file[name][:], np.nan)


def test_the_artefact_says_what_the_file_says(case: tuple[str, Path]) -> None:
    name, folder = case
    about = read_artefact(folder / "model.pt").metadata
    assert "native" in about.backends
    assert tuple(target.name for target in about.targets) == TARGETS[name]
    variables = {variable.name: variable for variable in (*about.inputs, *about.statics)}
    if name == "methane_wet":
        assert len(variables) == 15 + len(("lat", "lon"))
        assert about.targets[0].units == "mg m-2 day-1"
        assert variables["WETTYPE"].flag_meanings == foreign.WETLANDS
        assert variables["CLIM"].flag_meanings == foreign.KOEPPEN
        assert (variables["TAIR"].units, variables["TAIR"].valid_min) == ("degC", -90.0)
        assert variables["PREC"].valid_min == 0.0
    else:
        assert len(variables) == 19 + len(("lat", "lon"))
        assert [target.min for target in about.targets] == [None, 0.0, 0.0]
        assert (variables["CROP"].flag_meanings, variables["CROP"].accumulate) == (foreign.CROPS, "last")
        assert (variables["TMAX_AIR"].accumulate, variables["RADN"].accumulate) == ("max", "sum")


def test_coupled_is_offline(case: tuple[str, Path]) -> None:
    pytest.importorskip("coupler.python._binding", reason="the coupler is not built; run bash scripts/setup.sh")
    from coupler.cli.command import main as ecostep

    name, folder = case
    dataset, coupled, offline = folder / "d.nc", folder / "coupled.nc", folder / "offline.nc"
    assert ecostep(["verify", str(folder / "model.pt")]) == 0
    assert ecostep(["run", str(folder / "model.pt"), "--forcing", str(dataset), "--out", str(coupled)]) == 0
    assert predict.main([str(folder / "run"), "--data", str(dataset), "--out", str(offline)]) == 0
    for target in TARGETS[name]:
        values = series(offline, target)
        assert values.std() > 0
        assert np.abs(series(coupled, target) - values).max() < 1e-5 * values.std()
    if name == "kgml_ag":
        nee, ra, rh = (series(offline, target) for target in ("NEE", "Ra", "Rh"))
        assert np.array_equal(nee, (ra + rh) - series(dataset, "GPP"))
        nee, ra, rh = (series(coupled, target) for target in ("NEE", "Ra", "Rh"))
        assert np.abs(nee - (ra + rh - series(dataset, "GPP"))).max() < 1e-5


def test_a_host_in_python_gives_classes_and_its_own_units(case: tuple[str, Path]) -> None:
    pytest.importorskip("coupler.python._binding", reason="the coupler is not built; run bash scripts/setup.sh")
    from coupler import EcostepError, Model

    name, folder = case
    if name != "methane_wet":
        return
    model = Model(folder / "model.pt")
    cells = model.cells(3, "noleap")
    with netCDF4.Dataset(folder / "d.nc") as file:
        statics = {v.name: np.asarray(file[v.name][:3]) for v in model.statics}
        drivers = {v.name: np.asarray(file[v.name][:3, 0], np.float64) for v in model.inputs}
        units = {v.name: file[v.name].units for v in model.inputs}
    units["TAIR"], drivers["TAIR"] = "K", drivers["TAIR"] + 273.15
    flux = np.zeros(3)
    for static in model.statics:
        cells.set_static(static.name, statics[static.name], static.units)
    for driver in model.inputs:
        cells.set_input(driver.name, drivers[driver.name], units[driver.name])
    cells.set_output("CH4", flux, "g m-2 day-1")
    cells.init_state()
    cells.step(2001, 1, 1, 0, 86400)
    assert predict.main([str(folder / "run"), "--data", str(folder / "d.nc"), "--out", str(folder / "p.nc")]) == 0
    assert np.allclose(1e3 * flux, series(folder / "p.nc", "CH4")[:3, 0], rtol=1e-4, atol=1e-5)
    statics["VEG"][1] = 9
    with pytest.raises(EcostepError, match=r"static 'VEG' is 9 in cell 2 of 3 .*not one of the classes 1 2 3 4"):
        cells.init_state()


@pytest.fixture(scope="module")
def fortran_host(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The host of tests/coupler/any_host.f90, compiled against the installed library."""
    prefix, compiler = Path(sys.prefix), shutil.which("gfortran")
    if compiler is None or not (prefix / "include" / "ecostep" / "ecostep.mod").exists():
        reason = f"no gfortran, or no Fortran module of ecostep in {prefix}: bash scripts/setup.sh"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    folder = tmp_path_factory.mktemp("host")
    libraries = [f"-L{prefix / 'lib'}", "-lecostep_fortran", "-lecostep", f"-Wl,-rpath,{prefix / 'lib'}"]
    source = project_root / "tests" / "coupler" / "any_host.f90"
    command = [compiler, f"-I{prefix / 'include' / 'ecostep'}", str(source), "-o", "host", *libraries]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return folder / "host"


def host_case(folder: Path, days: int, code: int | None = None) -> Path:
    """The file that the Fortran host reads: the first days of a dataset; code: in cell 2 of the first class static."""
    about = read_artefact(folder / "model.pt").metadata
    with netCDF4.Dataset(folder / "d.nc") as file:
        sites = len(file.dimensions["site"])
        counts = (sites, days, len(about.inputs), len(about.statics), len(about.targets))
        lines = [str(folder / "model.pt"), " ".join(map(str, (*counts, 2001, 1, 1)))]
        for variable in (*about.inputs, *about.statics, *about.targets):
            lines += [variable.name, variable.units]
        for static in about.statics:
            values = np.asarray(file[static.name][:], np.float64)
            if static.flag_values and code is not None:
                values[1], code = code, None
            lines.append(" ".join(map(repr, values.tolist())))
        for day in range(days):
            lines += [" ".join(map(repr, np.asarray(file[v.name][:, day], float).tolist())) for v in about.inputs]
    path = folder / "case.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_host_in_fortran_gets_what_was_predicted(case: tuple[str, Path], fortran_host: Path) -> None:
    name, folder = case
    days = 400
    done = subprocess.run([fortran_host, host_case(folder, days)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    fluxes = np.array([line.split() for line in done.stdout.splitlines()], float).reshape(days, len(TARGETS[name]), -1)
    offline = folder / "offline_of_host.nc"
    assert predict.main([str(folder / "run"), "--data", str(folder / "d.nc"), "--out", str(offline)]) == 0
    for index, target in enumerate(TARGETS[name]):
        expected = series(offline, target)[:, :days].T
        assert np.abs(fluxes[:, index] - expected).max() < 1e-5 * expected.std()
    if name == "methane_wet":
        refused = subprocess.run([fortran_host, host_case(folder, 1, 9)], capture_output=True, text=True, check=False)
        assert refused.returncode != 0
        assert "static 'CLIM' is 9 in cell 2 of 12 (counted from 1): not one of the classes 1 2 3 4" in refused.stderr


def test_evaluation_groups_by_any_class(case: tuple[str, Path], caplog: pytest.LogCaptureFixture) -> None:
    name, folder = case
    path = folder / "d.nc"
    dataset = Dataset.open(path, resolve(path))
    if name == "kgml_ag":  # has no class of sites
        assert group_names(dataset, ()) == []
        assert dataset.group().names().tolist() == ["all sites"] * dataset.n_sites
        return
    assert group_names(dataset, ()) == ["CLIM", "VEG", "WETTYPE"]
    assert evaluate.main([str(folder / "run"), "--group-by", "CLIM"]) == 0
    metrics = json.loads((folder / "run" / "evaluation" / "metrics.json").read_text())
    table = metrics["splits"]["spatial"]["targets"]["CH4"]
    assert table["units"] == "mg m-2 day-1"
    assert metrics["groups"] == list(table["by_class"]) == ["CLIM"]
    assert set(table["by_class"]["CLIM"]) <= set(foreign.KOEPPEN)
    assert sum(entry["n"] for entry in table["by_class"]["CLIM"].values()) == table["pooled"]["n"] > 0
    with netCDF4.Dataset(folder / "run" / "evaluation" / "predictions.nc") as file:
        assert file["VEG"].flag_meanings.split() == list(foreign.VEGETATION)
        assert file["CH4_pred"].units == "mg m-2 day-1"
    assert evaluate.main([str(folder / "run"), "--group-by", "PFT"]) == 1
    assert "'PFT' is no class variable of the sites; those are: CLIM, VEG, WETTYPE" in caplog.text


def test_classes_of_drivers_are_matched_by_meaning(case: tuple[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("coupler.python._binding", reason="the coupler is not built; run bash scripts/setup.sh")
    from coupler.cli.command import main as ecostep

    name, folder = case
    model, other = folder / "model.pt", folder / "other.nc"
    shutil.copy(folder / "d.nc", other)
    variable, meanings = ("CROP", foreign.CROPS) if name == "kgml_ag" else ("VEG", foreign.VEGETATION)
    with netCDF4.Dataset(other, "r+") as file:
        file[variable][:] = 40 - np.asarray(file[variable][:])
        file[variable].flag_values = 40 - np.arange(1, len(meanings) + 1, dtype=np.int32)
    days = ["--start", "2001-01-01", "--end", "2001-02-10"]

    def fluxes(path: Path, *options: str) -> np.ndarray:
        out = folder / "days.nc"
        out.unlink(missing_ok=True)
        assert ecostep(["run", str(model), "--forcing", str(path), "--out", str(out), *days, *options]) == 0
        return series(out, TARGETS[name][-1])

    assert np.array_equal(fluxes(other), fluxes(folder / "d.nc"))
    by_word = fluxes(other, "--set", f"{variable}={meanings[1]}")
    assert np.array_equal(by_word, fluxes(other, "--set", f"{variable}=2"))
    with netCDF4.Dataset(other, "r+") as file:
        file[variable].flag_meanings = " ".join(["lichen", *meanings[1:]])
    words = ["run", str(model), "--forcing", str(other), "--out", str(folder / "no.nc"), *days]
    assert ecostep(words) != 0
    assert f"'{variable}' is lichen (39) in a cell, which is none of the artefact's: {meanings[0]}," in (
        capsys.readouterr().err
    )
    assert ecostep(["info", str(model)]) == 0
    assert f"{variable}: 1={meanings[0]} 2={meanings[1]}" in capsys.readouterr().out


@pytest.mark.parametrize("name", list(WRITERS))
def test_every_baseline_learns(name: str, tmp_path: Path) -> None:
    path = WRITERS[name](tmp_path / "d.nc", sites=6, years=2)
    dataset = Dataset.open(path, resolve(path))
    split = SplitConfig(test_years=0, validation_years=1, space="none").build(dataset.lat, dataset.lon, dataset.years)
    for baseline in (climatology, nearest, ridge):
        fitted = baseline.fit(dataset, split, dataset.signature, past_flux=False, seed=1)
        predicted = fitted.predict(dataset)
        assert np.isfinite(predicted).all()
        if name == "kgml_ag":
            gpp = dataset.drivers[..., dataset.signature.input_names.index("GPP")].numpy()
            assert np.array_equal(predicted[..., 0], predicted[..., 1] + predicted[..., 2] - gpp)
            assert predicted[..., 1:].min() >= 0.0


@pytest.mark.parametrize(
    "kind", [kind if kind == "raci" else pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS]
)
@pytest.mark.parametrize("name", list(WRITERS))
def test_every_kind_learns_and_becomes_a_native_program(name: str, kind: str, tmp_path: Path) -> None:
    path = WRITERS[name](tmp_path / "d.nc", sites=6, years=2)
    dataset = Dataset.open(path, resolve(path))
    mask = np.ones((6, 2), bool)
    material = training_data(dataset, mask)
    torch.manual_seed(1)
    model = build(KINDS[kind](hidden=4), dataset.signature, fit_scalers(material, dataset.signature))
    model.enrol(TrainingSites(material.static, material.site, torch.arange(6)))
    model.prepare()
    batch = next(WindowSampler(dataset, mask, years_per_window=1, batch_size=6, seed=1).epoch(0))
    error = (model.training_outputs(batch).prediction - batch.target).square().mean()
    error.backward()
    assert torch.isfinite(error)
    assert sum(float(p.grad.abs().sum()) for p in model.parameters() if p.grad is not None) > 0
    program = native.program_of(model.eval(), dataset.signature)
    assert {"init", "day", "month_end", "year_end"} <= program.methods.keys()
