"""What a room may know of another: who only converts a file does not load what draws sites or runs ensembles."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ADAPTERS = ("ecosim_climate", "ecosys_weather", "fluxnet2015", "fluxnet_ch4", "greenhouse_gases")


def loaded(module: str) -> set[str]:
    """Modules that the import of one loads in a fresh interpreter."""
    code = f"import sys, {module}; print(*sys.modules)"
    process = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(process.stdout.split())


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_adapter_loads_no_drawing_of_sites_and_no_cluster(adapter: str) -> None:
    modules = loaded(f"ecosys_sims.adapters.{adapter}")
    assert "ecosys_sims.formats" in modules
    assert not {"ecosys_sims.sites", "ecosys_sims.ensemble", "ecosys_sims.evaluation", "distributed"} & modules


def test_a_check_of_a_file_loads_the_formats_only() -> None:
    rooms = {name.split(".")[1] for name in loaded("ecosys_sims.check") if name.startswith("ecosys_sims.")}
    assert rooms == {"check", "formats"}


def test_the_old_name_of_the_check_is_the_same_command() -> None:
    command = [sys.executable, "-m", "ecosys_sims.validation", "dataset", "absent.nc"]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.returncode == 1
    assert "absent.nc: no such file" in process.stderr
