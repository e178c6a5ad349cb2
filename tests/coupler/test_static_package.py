"""ecostep as a part of another project, as static libraries, and that project's installed package."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.coupler.test_install import run, source  # noqa: F401  a fixture

pytestmark = pytest.mark.slow

PROJECT = """
cmake_minimum_required(VERSION 3.24)
project(land LANGUAGES C CXX Fortran)
enable_testing()
add_subdirectory({source} ecostep)
if(TARGET ecosys OR TARGET ecostep_binding OR TARGET coupler_c_api OR NOT TARGET ecostep::fortran)
  message(FATAL_ERROR "more or less than the libraries")
endif()
add_executable(land land.cpp)
target_compile_features(land PRIVATE cxx_std_20)
target_link_libraries(land PRIVATE ecostep::ecostep)
"""
LAND = """
#include <ecostep.h>
#include <concepts>
int main(int, char** argv) {
  static_assert(std::same_as<decltype(ecostep_version()), const char*>);
  ecostep_model* model = nullptr;
  return ecostep_open(argv[1], nullptr, &model) == ECOSTEP_OK && ecostep_state_size(model) > 0 ? 0 : 1;
}
"""


def test_static_libraries_serve_hosts_in_c_cxx_and_fortran(source: Path, tmp_path: Path, project_root: Path) -> None:  # noqa: F811
    if shutil.which("gfortran") is None:
        pytest.skip("no gfortran")
    land, build, stage = tmp_path / "land model", tmp_path / "land build", tmp_path / "stage"
    land.mkdir()
    (land / "CMakeLists.txt").write_text(PROJECT.format(source=f'"{source}"'))
    (land / "land.cpp").write_text(LAND)
    options = ("-DBUILD_SHARED_LIBS=OFF", "-DECOSTEP_TORCH=OFF", "-DCMAKE_BUILD_TYPE=MinSizeRel")
    run("cmake", "-S", land, "-B", build, *options, "-DCMAKE_INSTALL_PREFIX=/opt/land", "-DCMAKE_INSTALL_LIBDIR=lib")
    run("cmake", "--build", build, "--parallel", "2")
    run("cmake", "--install", build, DESTDIR=str(stage))
    prefix = stage / "opt" / "land"
    assert sorted(path.name for path in prefix.glob("lib/libecostep*")) == ["libecostep.a", "libecostep_fortran.a"]
    stub = prefix / "share" / "ecostep" / "stub.pt"
    run(build / "land", stub)

    hosts, examples = tmp_path / "hosts", project_root / "coupler" / "examples"
    moved = project_root / "tests" / "coupler" / "hosts" / "moved"
    run("cmake", "-S", moved, "-B", hosts, f"-DCMAKE_PREFIX_PATH={prefix}", f"-DEXAMPLES={examples}")
    run("cmake", "--build", hosts)
    run(hosts / "c_host", stub, tmp_path / "restart.bin")
    for host in ("fortran_host", "tile_host"):
        run(hosts / host, stub)
    assert "libecostep" not in run("ldd", hosts / "tile_host")
    if shutil.which("pkg-config"):
        flags = run("pkg-config", "--cflags", "--libs", "ecostep", PKG_CONFIG_PATH=str(prefix / "lib" / "pkgconfig"))
        run("cc", examples / "04_c" / "main.c", *flags.split(), "-o", tmp_path / "c_host")
        run(tmp_path / "c_host", stub, tmp_path / "restart.bin")
