"""An ensemble with the real program: plausible fluxes, and sites that do not depend on their block."""

from pathlib import Path

import netCDF4
import numpy as np
import pytest

from ecosys_sims.ensemble import configuration
from ecosys_sims.ensemble.simulation import simulate
from ecosys_sims.formats import biomes
from ecosys_sims.program.parameter_table import parameter_table
from ecosys_sims.sites.parameter_spread import UPLAND, WETLAND

CONTENT = {"seed": 7, "sites": {"count": 6}, "period": {"years": 1, "spinup_years": 1}}


def test_every_spread_fits_the_parameter_table_of_the_program(ecosys_exe: Path) -> None:
    table = parameter_table(ecosys_exe)
    for wetland, spreads in ((True, WETLAND), (False, UPLAND)):
        for spread in spreads:
            info = table[spread.name]
            assert info.minimum <= spread.lowest < spread.highest <= info.maximum, spread.name
            varying = [
                b.name for b in biomes.BIOMES if b.wetland == wetland and (not spread.only or b.name in spread.only)
            ]
            defaults = [info.biome_defaults[name] for name in varying]
            assert spread.lowest <= np.median(defaults) <= spread.highest, spread.name


def test_sites_do_not_depend_on_their_block(ecosys_exe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECOSTEP_ECOSYS", str(ecosys_exe))
    for size in (2, 6):
        config = configuration.parse({**CONTENT, "run": {"block_size": size}}, "test")
        simulate(config, tmp_path / str(size), workers=2)
    with netCDF4.Dataset(tmp_path / "2" / "dataset.nc") as cut, netCDF4.Dataset(tmp_path / "6" / "dataset.nc") as whole:
        for name in ("tas", "pr", "tsl", "gpp", "fch4"):
            assert np.array_equal(np.asarray(cut[name][:]), np.asarray(whole[name][:])), name
        wetland = biomes.is_wetland(np.asarray(whole["biome"][:]))
        methane = np.asarray(whole["fch4"][:]).mean(axis=1) * 86400e6
        assert (methane[~wetland] < 0.5).all()
        assert methane[wetland].max() > 1.0
        production = np.asarray(whole["gpp"][:]).mean(axis=1) * 86400e3 * 365
        assert ((production > 20) & (production < 6000)).all()
