"""What every test may ask for: the project's root, the compiled program, the real data; and which tests run.

`--slow` runs the tests marked `slow` as well. Tests marked `gpu` need CUDA; tests marked `external` need data or
programs that are not part of the project, and say in their skip reason what is missing.
"""

import os
import shutil
from pathlib import Path

import pytest

PROJECT_ROOT = Path(__file__).resolve().parents[1]
MARKERS = (
    "slow: takes more than some seconds; runs with --slow",
    "gpu: needs a CUDA device",
    "external: needs data or programs that are not part of the project",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", default=False, help="run the tests marked slow as well")
    parser.addoption("--mutations", type=int, help="damaged copies of each file that tests/mutations reads")


def pytest_configure(config: pytest.Config) -> None:
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--slow"):
        _skip(items, "slow", "slow: runs with --slow")
    if any("gpu" in item.keywords for item in items) and not _cuda_is_available():
        _skip(items, "gpu", "no CUDA device")


def _skip(items: list[pytest.Item], marker: str, reason: str) -> None:
    for item in items:
        if item.get_closest_marker(marker):
            item.add_marker(pytest.mark.skip(reason=reason))


def _cuda_is_available() -> bool:
    import torch  # only asked where a test is marked gpu: importing it costs a second

    return torch.cuda.is_available()


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The root of the source tree."""
    return PROJECT_ROOT


@pytest.fixture(scope="session")
def ecosys_exe() -> Path:
    """The compiled process model: $ECOSTEP_ECOSYS, else `.venv/bin/ecosys`, else `ecosys` on the PATH.

    Without it a test is skipped with what to do; under CI it fails, since there the build must have made it.
    """
    named = os.environ.get("ECOSTEP_ECOSYS")
    candidates = [named] if named else [str(PROJECT_ROOT / ".venv" / "bin" / "ecosys"), shutil.which("ecosys")]
    for candidate in candidates:
        if candidate and os.access(candidate, os.X_OK):
            return Path(candidate).resolve()
    place = named or ".venv/bin/ecosys, then on the PATH"
    reason = f"the program ecosys is not built (looked for {place}): bash scripts/setup.sh"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of the real data: $ECOSTEP_DATA, default `../shared/data`; skipped where it is absent."""
    folder = Path(os.environ.get("ECOSTEP_DATA", PROJECT_ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real data not found in {folder}; set ECOSTEP_DATA to the folder that holds it")
    return folder
