"""Verbs replace neither their data nor files of the run, which is seen before anything is read."""

import logging
from pathlib import Path

import pytest

from emulator import export, predict
from emulator.evaluation.report.__main__ import main as report
from emulator.runs.run_folder import RunFolder


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    for file in folder.files():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("text")
    return folder


def test_predictions_and_artefacts_replace_no_input(run: RunFolder, tmp_path: Path, caplog) -> None:
    data = tmp_path / "data.nc"
    data.write_text("text")
    words = [str(run.path), "--data", str(data), "--out"]
    with caplog.at_level(logging.ERROR):
        for out in (data, *run.files()):
            for verb in (predict, export):
                caplog.clear()
                assert verb.main([*words, str(out)]) == 1
                assert f"--out {out}: is the input" in caplog.text
        assert report(["--run-dir", str(run.path), "--out", str(run.best)]) == 1
    assert all(file.read_text() == "text" for file in (data, *run.files()))
