"""The writer's and the reader's idea of a dataset are the same: their tables agree, and each accepts the other's
file.
"""

from datetime import date
from pathlib import Path

import netCDF4
import numpy as np

from ecosys_sims.formats import variables as written
from ecosys_sims.formats.dataset import common_attributes, create_layout, sites_as_statics
from ecosys_sims.formats.dataset_check import check_dataset
from ecosys_sims.sites.configuration import SitesConfig
from ecosys_sims.sites.site_drawing import draw_sites
from emulator.data.dataset import Dataset
from emulator.data.signature import MANAGEMENT, STATICS, TARGETS, Signature
from foundations.variables import VARIABLES
from tests.emulator import synthetic

DRIVERS = (*synthetic.DRIVERS, *MANAGEMENT)
EVERYTHING = Signature.from_names(DRIVERS, STATICS, TARGETS)


def test_tables_agree() -> None:
    assert {variable.name for variable in written.DAILY} == {*DRIVERS, *TARGETS, *written.OPTIONAL}
    for variable in written.DAILY:
        ours = VARIABLES[variable.name]
        assert (ours.units, ours.role) == (variable.units, variable.role), variable.name
        if ours.role == "target":
            assert ours.analysis_units == variable.analysis_units, variable.name


def test_the_synthetic_dataset_passes_the_writers_check(tmp_path: Path) -> None:
    assert check_dataset(synthetic.write_dataset(tmp_path / "dataset.nc", sites=3, years=1)) == []


def test_a_written_dataset_is_read_in_full(tmp_path: Path) -> None:
    path, sites = tmp_path / "dataset.nc", draw_sites(SitesConfig(count=3), 2)
    random = np.random.default_rng(1)
    values = {}
    with netCDF4.Dataset(path, "w") as file:
        file.setncatts(common_attributes("test", "tests", "made up", "for tests"))
        create_layout(file, sites_as_statics(sites), date(2004, 1, 1), 366, "standard", 2)
        for variable in written.DAILY:
            ours = VARIABLES[variable.name]
            low = -1e-8 if ours.valid_min is None else ours.valid_min
            high = 1e-8 if ours.valid_max is None else ours.valid_max
            values[variable.name] = random.uniform(low, high, (3, 366)).astype(np.float32)
            file[variable.name][:] = values[variable.name]
    data = Dataset.open(path, EVERYTHING)
    for position, name in enumerate(DRIVERS):
        assert np.array_equal(data.drivers[..., position], values[name]), name
    assert np.allclose(data.flux[..., 4], values["fch4"] * 8.64e10, rtol=1e-6)
    assert data.years.tolist() == [2004]
    assert np.allclose(data.lat, sites_as_statics(sites)["lat"], atol=1e-4)
