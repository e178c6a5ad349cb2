"""Files that the program and its Python side write keep the CF conventions, as the IOOS compliance checker reads them.

The checker brings the table of standard names along; nothing is looked up on the network.
"""

import json
from datetime import datetime
from pathlib import Path

import netCDF4
import pytest

from ecosys_sims.adapters import fluxnet2015
from ecosys_sims.ensemble import configuration
from ecosys_sims.ensemble.simulation import simulate
from tests.ecosys_sims.program_case import Case, write_sites
from tests.ecosys_sims.test_fluxnet2015 import PLACE, rows_of, write_csv

runner = pytest.importorskip("compliance_checker.runner", reason="compliance-checker is not installed: setup.sh does")
CONVENTION = "cf:1.11"


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory):
    """A function from a file to what the checker says against it: errors and recommendations."""
    runner.CheckSuite.load_all_available_checkers()
    report = tmp_path_factory.mktemp("cf") / "report.json"

    def messages(path: Path) -> list[str]:
        # verbose 0, criteria strict: recommendations are told as well as errors
        runner.ComplianceChecker.run_checker(str(path), [CONVENTION], 0, "strict", output_filename=str(report),
                                             output_format=["json"])  # fmt: skip
        checked = json.loads(report.read_text())[CONVENTION]
        groups = [checked[f"{priority}_priorities"] for priority in ("high", "medium", "low")]
        sections = [section for group in groups for section in group]
        assert len(sections) > 10  # that it looked at the file at all
        return [text for section in sections if section["value"][0] < section["value"][1] for text in section["msgs"]]

    return messages


@pytest.mark.parametrize(
    ("calendar", "history"),
    [("standard", {"hist_diagnostics": True}), ("noleap", {"hist_nhtfrq": 0})],
)
def test_history_and_parameters_of_the_program(ecosys_exe: Path, tmp_path: Path, check, calendar: str, history: dict):
    case = Case(ecosys_exe, tmp_path)
    write_sites(tmp_path / "sites.nc", [61.0, -33.0, 5.0])
    run = {"fsites": "sites.nc", "calendar": calendar, "start_date": "2003-12-01", "stop_n": 91,
           "stop_option": "ndays", "spinup_years": 0}  # fmt: skip
    case.complete({"run_ctl": run, "hist_nl": history})
    (path,) = tmp_path.glob("case.h0.*.nc")
    assert check(path) == []
    if calendar == "standard":
        assert check(tmp_path / "case.params.nc") == []


def test_files_of_an_ensemble(
    ecosys_exe: Path, tmp_path: Path, check, small_config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECOSTEP_ECOSYS", str(ecosys_exe))
    simulate(configuration.parse({"sites": {"count": 4}, "period": {"years": 1, "spinup_years": 0}}, "cf"),
             tmp_path / "out", workers=1)  # fmt: skip
    for name in ("dataset.nc", "sites.nc", "params_truth.nc"):
        assert check(tmp_path / "out" / name) == [], name


def test_forcing_and_observations_of_a_tower(tmp_path: Path, check) -> None:
    source = write_csv(tmp_path / "FLX_XX-Abc_FULLSET_DD.csv", rows_of("DD", datetime(2013, 1, 1), 365))
    forcing, observed = tmp_path / "forcing.nc", tmp_path / "observed.nc"
    assert fluxnet2015.main([str(source), *PLACE, "--out", str(forcing), "--observations", str(observed)]) == 0
    assert check(observed) == []
    # (time, site) as land models have it, where CF recommends time last for a collection of sites.
    assert [text for text in check(forcing) if "not in the recommended order" not in text] == []


def test_the_checker_finds_faults(tmp_path: Path, check) -> None:
    source = write_csv(tmp_path / "FLX_XX-Abc_FULLSET_DD.csv", rows_of("DD", datetime(2013, 1, 1), 365))
    observed = tmp_path / "observed.nc"
    assert fluxnet2015.main([str(source), *PLACE, "--observations", str(observed)]) == 0
    with netCDF4.Dataset(observed, "a") as file:
        file["tas"].standard_name = "temperature_of_the_air"
        file["pr"].units = "mm per day"
    text = " ".join(check(observed))
    assert "temperature_of_the_air" in text
    assert "mm per day" in text
