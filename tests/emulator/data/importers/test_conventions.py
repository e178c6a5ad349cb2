"""Imported datasets keep the CF conventions, as the IOOS compliance checker reads them."""

import json
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from emulator.data.importers.command import main

from .made_up import fluxnet_ch4, sites

runner = pytest.importorskip("compliance_checker.runner", reason="compliance-checker is not installed: setup.sh does")


def test_an_imported_dataset_keeps_the_conventions(tmp_path: Path) -> None:
    table = sites(tmp_path, "XX-Abc,50.0,10.0,Fen,", "XX-Two,60.0,10.0,,")
    files = [fluxnet_ch4(tmp_path), fluxnet_ch4(tmp_path, "XX-Two", days=300)]
    out, report = tmp_path / "out.nc", tmp_path / "cf.json"
    words = ["--sites", str(table), "--out", str(out), "--filled-targets"]
    assert main(["fluxnet_ch4", *map(str, files), *words]) == 0
    with netCDF4.Dataset(out) as file:
        assert np.ma.getmaskarray(file["biome"][:]).tolist() == [False, True]  # a class that is not told
    runner.CheckSuite.load_all_available_checkers()
    runner.ComplianceChecker.run_checker(
        str(out), ["cf:1.11"], 0, "strict", output_filename=str(report), output_format=["json"]
    )
    checked = json.loads(report.read_text())["cf:1.11"]
    sections = [section for level in ("high", "medium", "low") for section in checked[f"{level}_priorities"]]
    assert len(sections) > 10
    assert [m for s in sections if s["value"][0] < s["value"][1] for m in s["msgs"]] == []
