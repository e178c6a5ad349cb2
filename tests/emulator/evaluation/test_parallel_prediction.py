"""Predictions by several processes: the numbers of one, and nothing done twice after an interruption."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from emulator import predict
from emulator.evaluation import parallel_prediction, series_file
from emulator.runs.ensemble import create
from emulator.runs.run_folder import RunFolder
from tests.emulator.synthetic import write_dataset


def test_parts_are_the_numbers_of_one_process_and_go_on(
    tmp_path: Path, trained_run: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_dataset(tmp_path / "dataset.nc", sites=70, years=1)
    run, whole, parts = trained_run("lstm"), tmp_path / "whole.nc", tmp_path / "parts.nc"
    command = [str(run), "--data", str(data)]
    assert predict.main([*command, "--out", str(whole)]) == 0
    monkeypatch.setattr(series_file, "BLOCK_SITE_DAYS", 1)  # parts of 32 sites
    predicted: list[int] = []
    true_predict = parallel_prediction.predict

    def killed_at_the_second(*arguments: Any, sites: np.ndarray, **options: Any) -> None:
        if len(predicted) == 1:
            raise KeyboardInterrupt
        predicted.append(int(sites[0]))
        true_predict(*arguments, sites=sites, **options)

    monkeypatch.setattr(parallel_prediction, "predict", killed_at_the_second)
    assert predict.main([*command, "--out", str(parts), "--workers", "1"]) == 130
    assert not parts.exists() and predicted == [0]
    monkeypatch.undo()
    monkeypatch.setattr(series_file, "BLOCK_SITE_DAYS", 1)
    first_part = tmp_path / "parts.nc.parts" / "s0000000.nc"
    written = first_part.stat().st_mtime_ns
    done: list[Path] = []
    monkeypatch.setattr(parallel_prediction.shutil, "rmtree", done.append)  # to look at the parts
    assert predict.main([*command, "--out", str(parts), "--workers", "2"]) == 0
    assert first_part.stat().st_mtime_ns == written and done == [first_part.parent]
    assert len(list(first_part.parent.glob("s*.nc"))) == 3
    with xr.open_dataset(whole) as at_once, xr.open_dataset(parts) as in_parts:
        xr.testing.assert_identical(at_once.load(), in_parts.load())
    assert predict.main([*command, "--out", str(parts), "--workers", "1", "--past-flux", "none"]) == 0
    assert first_part.stat().st_mtime_ns == written
    data.touch()
    assert predict.main([*command, "--out", str(parts), "--workers", "1"]) == 0
    assert first_part.stat().st_mtime_ns != written  # the data may be others


def test_parts_of_an_ensemble_depend_on_its_members(tmp_path: Path, trained_run: Callable[[str], Path]) -> None:
    members = [tmp_path / "a", tmp_path / "b"]
    for member in members:
        shutil.copytree(trained_run("lstm"), member)
    ensemble = RunFolder(tmp_path / "mean")
    create(members, ensemble)
    data = write_dataset(tmp_path / "dataset.nc", sites=2, years=1)
    before = parallel_prediction._identity(ensemble, data, "none", None)
    assert parallel_prediction._identity(ensemble, data, "none", None) == before
    with (members[1] / "checkpoints" / "best.pt").open("ab") as file:
        file.write(b" ")
    assert parallel_prediction._identity(ensemble, data, "none", None) != before


def test_budgets_are_of_one_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        predict.main([
            "run", "--data", "d.nc", "--quantiles", "new", "--annual", str(tmp_path / "a.csv"), "--workers", "2"
        ])  # fmt: skip
    assert "--annual is made by one process" in capsys.readouterr().err
