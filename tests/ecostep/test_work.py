"""`train` on a Dataset in memory, `simulate` and `import_files` from Python."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import ecostep
from tests.ecostep.conftest import OPTIONS


def test_training_on_a_dataset_in_memory_is_training_on_its_file(run, data, tmp_path: Path) -> None:
    out = tmp_path / "run"
    model = ecostep.train("quickstart", data, out, options=OPTIONS)
    xr.testing.assert_equal(model.predict(data), run.predict(data))
    assert ecostep.train("quickstart", data, str(out), options=OPTIONS).kind == "lstm"  # finished already
    changed = data.assign(fch4=data["fch4"] * 2.0)
    with pytest.raises(ValueError, match=r"dataset.nc: is another dataset; choose another out, or overwrite=True"):
        ecostep.train("quickstart", changed, out, options=OPTIONS)


@pytest.mark.parametrize("place", ["grid", "one place"])
def test_training_on_a_grid_and_on_one_place_with_a_driver_that_is_the_same_everywhere(
    place: str, tmp_path: Path
) -> None:
    days = pd.date_range("2001-01-01", "2003-12-31", name="time")
    over, shape = (("time", "lat", "lon"), (len(days), 2, 2)) if place == "grid" else (("time",), (len(days),))
    tas = np.random.default_rng(1).normal(283.0, 8.0, shape)
    grid = xr.Dataset(
        {
            "tas": (over, tas, {"units": "K"}),
            "co2": (("time",), np.linspace(370.0, 376.0, len(days)), {"units": "ppm"}),
            "gpp": (over, np.clip(tas - 280.0, 0.0, None), {"units": "g m-2 day-1"}),
        },
        {"time": days} | ({"lat": [45.0, 46.0], "lon": [5.0, 6.0]} if place == "grid" else {"lat": 45.0, "lon": 5.0}),
    )  # fmt: skip
    (tmp_path / "c.yaml").write_text(
        "data: {path: none.nc, inputs: [tas, co2], statics: [lat], targets: [gpp]}\n"
        "split: {space: none, test_years: 1, validation_years: 1}\nmodel: {kind: climatology}\ntraining: {threads: 1}\n"
    )
    model = ecostep.train(tmp_path / "c.yaml", grid, tmp_path / "run")
    predicted = model.predict(grid)["gpp"]
    assert predicted.sizes == grid["gpp"].sizes and predicted.notnull().all()
    assert ecostep.open_dataset(tmp_path / "run" / "dataset.nc").sizes["site"] == grid["lat"].size * grid["lon"].size


def test_a_configuration_that_is_wrong_is_told(data, dataset_path: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"training.epoch'.*did you mean epochs"):
        ecostep.train("quickstart", dataset_path, tmp_path / "run", options={"training.epoch": 3})
    with pytest.raises(ValueError, match="quikstart: no such file.*did you mean quickstart"):
        ecostep.simulate("quikstart", tmp_path)


def test_simulations_from_python(ecosys_exe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    monkeypatch.setenv("ECOSTEP_ECOSYS", str(ecosys_exe))
    with caplog.at_level("INFO", "ecostep"):
        dataset = ecostep.simulate("smoke", str(tmp_path / "sims"), sites=3, workers=1)
    assert "blocks done" in caplog.text
    data = ecostep.open_dataset(dataset)
    assert data.sizes["site"] == 3 and data["fch4"].notnull().all()
    monkeypatch.setenv("ECOSTEP_ECOSYS", str(tmp_path / "nothing"))
    with pytest.raises(ecostep.SimulationError, match="ECOSTEP_ECOSYS names"):
        ecostep.simulate("smoke", tmp_path / "other", sites=3, workers=1)


def test_towers_from_python(tmp_path: Path) -> None:
    days = pd.date_range("2010-01-01", periods=400)
    table = pd.DataFrame({"day": days.strftime("%Y-%m-%d"), "TA": np.linspace(-5, 20, 400), "NEE": np.ones(400)})
    table.to_csv(tmp_path / "mine.csv", index=False)
    (tmp_path / "mine.yaml").write_text(
        "name: mine\ntime: {column: day, format: '%Y-%m-%d'}\nvariables:\n"
        "  tas: {column: TA, units: degC}\n  nee: {column: NEE, units: g C m-2 day-1}\n"
    )
    place = {"site_id": "Mine", "lat": 50.0, "lon": 8.0}
    out = ecostep.import_files(tmp_path / "mine.yaml", tmp_path / "mine.csv", tmp_path / "out.nc", properties=place)
    data = ecostep.open_dataset(out)
    assert data["site_id"].values.tolist() == ["Mine"]
    assert float(data["tas"][0, 0]) == pytest.approx(268.15)
    assert (tmp_path / "out_report" / "report.html").exists()
