"""What is installed: the wheel with library and headers, and the library built without torch."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

LIBRARIES = ("libecostep.so", "libecostep_fortran.so", "libecostep_torch.so")
FOR_HOSTS = (
    "include/ecostep.h",
    "include/ecostep/ecostep.mod",
    "lib/cmake/ecostep/ecostepConfig.cmake",
    "lib/cmake/ecostep/ecostepConfigVersion.cmake",
    "lib/pkgconfig/ecostep.pc",
    "lib/pkgconfig/ecostep_fortran.pc",
    "share/ecostep/stub.pt",
    "share/ecostep/fortran/ecostep.f90",
    "share/ecostep/fortran/ecostep_bmi.f90",
    "share/ecostep/fortran/bmif_2_0.f90",
    "share/ecostep/fortran/register_bmi.f90",
)
PACKAGES = ("coupler/python/model.py", "coupler/bmi/component.py", "coupler/cli/command.py", "emulator/export.py")


def run(*command: str | Path, cwd: Path | None = None, **environment: str) -> str:
    """Output of a command, which must succeed."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def build_host(source: Path, folder: Path, prefix: Path) -> Path:
    """An example built against a prefix."""
    run("cmake", "-S", source, "-B", folder, f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", folder)
    return folder


@pytest.fixture(scope="module")
def source(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources, so that no build folder of the project is touched."""
    copy = tmp_path_factory.mktemp("source") / "ecostep"
    everywhere = shutil.ignore_patterns("__pycache__", "*.so")
    at_the_top = {".git", ".venv", "build", "runs", "tests"}

    def left_out(folder: str, names: list[str]) -> set[str]:
        return everywhere(folder, names) | (at_the_top if Path(folder) == project_root else set())

    shutil.copytree(project_root, copy, ignore=left_out)
    return copy


def test_the_wheel_serves_hosts(source: Path, tmp_path: Path) -> None:
    pytest.importorskip("scikit_build_core")
    scripts = sysconfig.get_path("scripts")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
    build = ("wheel", "--no-build-isolation", "--no-deps", "--no-index", "-w", tmp_path, source)
    run(*pip, *build, PATH=f"{scripts}:{os.environ['PATH']}", CMAKE_ARGS="-DECOSTEP_ECOSYS=OFF")
    (wheel,) = tmp_path.glob("ecostep-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    data = f"{'-'.join(wheel.name.split('-')[:2])}.data/data/"
    missing = [name for name in FOR_HOSTS + tuple(f"lib/{name}" for name in LIBRARIES) if data + name not in names]
    missing += [name for name in PACKAGES if name not in names]
    assert not missing
    assert not [name for name in names if name.startswith("coupler/") and name.endswith((".f90", ".cpp", ".h"))]
    assert [name for name in names if name.startswith("coupler/python/_binding")]

    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False)
    run(*pip, "--python", environment / "bin" / "python", "install", "--no-deps", "--no-index", wheel)
    stub = environment / "share" / "ecostep" / "stub.pt"
    host = build_host(source / "coupler" / "examples" / "04_c", tmp_path / "c", environment)
    assert "backend stub" in run(host / "c_host", stub, tmp_path / "restart.bin")
    script = source / "coupler" / "examples" / "05_python" / "main.py"
    numpy = sysconfig.get_path("platlib")  # of this Python: the new environment has ecostep alone
    run(
        environment / "bin" / "python",
        script,
        stub,
        tmp_path / "r.npz",
        PYTHONPATH=f"{environment_packages(environment)}:{numpy}",
    )


def environment_packages(environment: Path) -> Path:
    """Folder of an environment's packages."""
    return next(environment.glob("lib/python*/site-packages"))


def test_the_library_builds_without_torch_and_gives_the_same_bits(source: Path, tmp_path: Path) -> None:
    """A debugging build without torch and Python, compared with the installed one as a land model's baseline is."""
    pytest.importorskip("netCDF4")
    if shutil.which("nf-config") is None:
        pytest.skip("no netCDF-Fortran")
    prefix, installed = tmp_path / "prefix", Path(sys.prefix)
    if not (installed / "lib" / "cmake" / "ecostep").exists():
        pytest.skip(f"ecostep is not installed in {installed}")
    options = [f"-DECOSTEP_{part}=OFF" for part in ("TORCH", "PYTHON", "ECOSYS")]
    run("cmake", "-S", source, "-B", tmp_path / "b", "-DCMAKE_BUILD_TYPE=Debug", "-DBUILD_TESTING=OFF", *options)
    run("cmake", "--build", tmp_path / "b", "--parallel", "2")
    run("cmake", "--install", tmp_path / "b", "--prefix", prefix)
    assert not (prefix / "lib" / "libecostep_torch.so").exists() and not list(prefix.rglob("*.py"))
    assert "torch" not in run("ldd", prefix / "lib" / "libecostep.so")
    example = source / "coupler" / "examples" / "02_land_driver"
    drivers = [build_host(example, tmp_path / folder.name / "x", folder) for folder in (prefix, installed)]
    accepted = run(
        *(sys.executable, Path(__file__).parent / "hosts" / "acceptance.py", "--work", tmp_path / "work"),
        *("--artefact", prefix / "share" / "ecostep" / "stub.pt", "--driver", drivers[0], "--baseline", drivers[1]),
    )
    assert "same: baseline of another build" in accepted and "DIFFERENT" not in accepted
