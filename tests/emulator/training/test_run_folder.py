"""Run folders: the user's files stay, damage is named, and a former run goes only when the new one can begin."""

import os
import shutil
from pathlib import Path

import pytest

from emulator import ensemble, train
from foundations.own_folder import MARK


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def run(trained_run, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained_run("lstm"), tmp_path / "run"))


@pytest.mark.parametrize(
    "name", ["config.yaml", "log.jsonl", "checkpoints/best.pt", "evaluation/metrics.json", "model.pt"]
)
@pytest.mark.parametrize("options", [[], ["--overwrite"]])
def test_files_of_the_user_are_not_replaced(name: str, options, tiny_config, tmp_path, caplog) -> None:
    (tmp_path / "my" / name).parent.mkdir(parents=True)
    (tmp_path / "my" / name).write_text("mine")
    (tmp_path / "my" / "evaluation").mkdir(exist_ok=True)
    (tmp_path / "my" / "evaluation" / "notes.txt").write_text("mine")
    before = contents(tmp_path / "my")
    assert train.main([str(tiny_config), "--out", str(tmp_path / "my"), *options]) == 2
    assert f"{tmp_path / 'my'}: holds {name}, which this command did not make" in caplog.text
    assert contents(tmp_path / "my") == before


def test_other_files_of_a_run_folder_stay_when_a_run_is_discarded(tiny_config, run, tmp_path) -> None:
    for name in ("notes.txt", "evaluation/thesis.txt", "checkpoints/best_of_last_year.pt"):
        (run / name).parent.mkdir(exist_ok=True)
        (run / name).write_text("mine")
    settings = ["--set", "training.epochs=1", "--overwrite"]
    assert train.main([str(tiny_config), "--out", str(run), *settings]) == 0
    after = contents(run)
    assert all(after[name] == b"mine" for name in ("notes.txt", "evaluation/thesis.txt"))
    assert after["checkpoints/best_of_last_year.pt"] == b"mine"


@pytest.mark.parametrize("setting", ["data.path=typo.nc", "split.test_years=9", "data.inputs=[nosuch]"])
def test_a_former_run_stays_where_the_new_one_cannot_begin(setting: str, tiny_config, run) -> None:
    before = contents(run)
    settings = ["--set", setting]
    assert train.main([str(tiny_config), "--out", str(run), *settings, "--overwrite"]) != 0
    assert contents(run) == before


def test_a_configuration_edited_in_the_run_folder_is_not_replaced(run, caplog) -> None:
    edited = "# my own comment\n" + (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(edited)
    assert train.main([str(run / "config.yaml"), "--out", str(run), "--overwrite"]) == 2
    assert "config.yaml: has been changed since training wrote it" in caplog.text
    assert (run / "config.yaml").read_text() == edited


def test_the_dataset_is_not_removed(tiny_config, tiny_dataset, run, caplog) -> None:
    (run / "evaluation").mkdir(exist_ok=True)
    data = Path(shutil.copy(tiny_dataset, run / "evaluation" / "predictions.nc"))
    arguments = [str(tiny_config), "--out", str(run), "--set", f"data.path={data}", "--overwrite"]
    assert train.main(arguments) == 2
    assert "is an input and would be replaced" in caplog.text
    assert data.read_bytes() == tiny_dataset.read_bytes()


DAMAGE = {
    "config.yaml": lambda path: path.write_text(": : [\n"),
    "log.jsonl": lambda path: path.write_text("".join(path.read_text().splitlines(keepends=True)[1:])),
    "last.pt": lambda path: os.truncate(path, 2000),
    "best.pt": lambda path: path.unlink(),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_refused_by_the_name_of_the_file(name: str, tiny_config, run, caplog) -> None:
    (run / MARK).unlink()  # as of a run made before there were manifests
    DAMAGE[name](next(run.rglob(name)))
    assert train.main([str(tiny_config), "--out", str(run)]) != 0
    assert f"{name}: " in caplog.text
    assert "weights_only" not in caplog.text


def test_a_run_without_its_last_state_is_not_begun_anew(tiny_config, run, caplog) -> None:
    (run / "checkpoints" / "last.pt").unlink()
    before = contents(run)
    assert train.main([str(tiny_config), "--out", str(run)]) == 2
    assert "last.pt: is missing, but the folder holds best.pt" in caplog.text
    assert contents(run) == before


def test_lines_of_the_log_beyond_the_state_are_mended(tiny_config, run) -> None:
    whole = (run / "log.jsonl").read_bytes()
    (run / "log.jsonl").write_bytes(whole + b"xx{\n\x00\x00\xff\n")
    assert train.main([str(tiny_config), "--out", str(run)]) == 0
    assert (run / "log.jsonl").read_bytes() == whole


def test_an_ensemble_does_not_replace_files_of_the_user(run, tmp_path, caplog) -> None:
    (tmp_path / "my").mkdir()
    (tmp_path / "my" / "model.pt").write_text("mine")
    assert ensemble.main([str(run), str(run), "--out", str(tmp_path / "my")]) == 1
    assert "holds model.pt" in caplog.text
    assert contents(tmp_path / "my") == {"model.pt": b"mine"}
