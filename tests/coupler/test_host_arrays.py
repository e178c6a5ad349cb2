"""Arrays and settings of a host that would change numbers in silence: refused, or without effect."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from coupler import EcostepError, Model
from coupler.python.cells import spans_of_days
from tests.coupler import artefacts


class WithUnit(np.ndarray):
    """An array that holds more than its numbers."""


MASKED = np.ma.array([1.0, 2.0], mask=[False, True])


@pytest.mark.parametrize("values", [MASKED, np.ma.array([1.0, 2.0]), np.zeros(2).view(WithUnit)])
@pytest.mark.parametrize("role", ["input", "static", "output", "observed"])
def test_arrays_that_hold_more_than_numbers_are_refused(gauged_file: Path, values: np.ndarray, role: str) -> None:
    model = Model(gauged_file)
    described = {"input": model.inputs, "static": model.statics, "output": model.targets, "observed": model.targets}
    variable = described[role][0]
    with pytest.raises(TypeError, match=f"'{variable.name}'.* array"):
        getattr(model.cells(2), f"set_{role}")(variable.name, values, variable.units)


def test_masked_masks_states_weights_and_series_are_refused(stub_file: Path, host) -> None:
    land = host(stub_file, 2)
    cells = land.cells
    with pytest.raises(TypeError, match="mask: a masked array"):
        cells.set_mask(np.ma.array([1, 1], np.int32))
    with pytest.raises(TypeError, match="state: a masked array"):
        cells.state = np.ma.array(cells.state)
    with pytest.raises(TypeError, match="flux_weight: a masked array"):
        cells.gradient(2003, 12, 20, np.ma.ones((2, len(land.model.targets))))
    series = {v.name: (np.ma.ones((3, 2)), v.units) for v in land.model.inputs}
    with pytest.raises(TypeError, match="input 'tas': a masked array"):
        cells.spin_up(2003, 12, 20, series)


@pytest.mark.parametrize(("calendar", "last"), [("standard", 29), ("noleap", 28), ("360_day", 30)])
def test_spans_of_days_end_with_months(calendar: str, last: int) -> None:
    spans = list(spans_of_days(2004, 2, 27, 40, 20, calendar))
    assert sum(n for _, n, *_ in spans) == 40
    assert spans[:2] == [(0, last - 26, 2004, 2, 27), (last - 26, 20, 2004, 3, 1)]


def test_a_spin_up_in_spans_is_that_of_single_days(stub_file: Path, host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coupler.python.cells.CELL_DAYS_AT_ONCE", 6)
    spun, stepped = host(stub_file, 3), host(stub_file, 3)
    days = artefacts.sample_inputs(3, 15).astype(float)
    spun.cells.spin_up(2003, 12, 20, {v.name: (days[:, :, i], v.units) for i, v in enumerate(spun.model.inputs)})
    stepped.run(days)
    np.testing.assert_array_equal(spun.cells.state, stepped.cells.state)


def test_a_longitude_is_never_clipped_to_the_other_side(tmp_path: Path) -> None:
    variables = {
        "inputs": artefacts.variables([{"name": "tas", "units": "K", "accumulate": "mean"}], "fast"),
        "statics": artefacts.variables(
            [{"name": "lon", "units": "degrees_east", "valid_min": -180.0, "valid_max": 180.0}]
        ),
        "targets": artefacts.variables([{"name": "flux", "units": "1", "min": None, "max": None}]),
        "stub": {"bias": [0.0], "weights": [[1.0]], "decay": [0.0]},
        "state_size": 1,
    }
    cells = Model(artefacts.write_stub(tmp_path / "lon.pt", **variables)).cells(1)
    cells.set_policy("clip")
    cells.set_static("lon", np.array([260.0]), "degrees_east")
    with pytest.raises(EcostepError, match=r"'lon' is 260 .*\(add or subtract 360 degrees\)"):
        cells.init_state()


MODES = {
    "autocast": "torch.autocast('cpu', dtype=torch.bfloat16).__enter__()",
    "default type": "torch.set_default_dtype(torch.float64)",
    "onednn": "torch.backends.mkldnn.enabled = False",
    "precision": "torch.set_float32_matmul_precision('medium')",
    "deterministic": "torch.use_deterministic_algorithms(True)",
    "inference": "torch.inference_mode().__enter__()",
}

STEPS = """
import sys, numpy, torch
from coupler import Model
from tests.coupler import artefacts
{mode}
model = Model(sys.argv[1], "torchscript")
cells, out = model.cells(3), numpy.zeros(3)
days, statics = artefacts.sample_inputs(3, 3).astype(float), artefacts.sample_statics(3)
for i, v in enumerate(model.statics):
    cells.set_static(v.name, numpy.ascontiguousarray(statics[:, i]), v.units)
cells.set_output(model.targets[0].name, out, model.targets[0].units)
cells.init_state()
for day in range(3):
    for i, v in enumerate(model.inputs):
        cells.set_input(v.name, numpy.ascontiguousarray(days[day, :, i]), v.units)
    cells.step(2001, 7, 1 + day)
gradient, _ = cells.gradient(2001, 7, 4, numpy.ones((3, len(model.targets))))
print(out.tobytes().hex(), gradient.tobytes().hex())
"""


def test_modes_of_torch_do_not_change_a_step(lstm_file: Path) -> None:
    def fluxes(mode: str) -> str:
        command = [sys.executable, "-c", STEPS.format(mode=mode), str(lstm_file)]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout

    assert fluxes("\n".join(MODES.values())) == fluxes("")


SUMMARY = """
program host
  use ecostep
  implicit none
  type :: column
    double precision :: water = 0.1d0, flux = -1
    logical :: land = .true.
  end type
  type(ecostep_model) :: model, other
  type(ecostep_cells) :: cells, copy
  type(column), allocatable, target :: columns(:)
  double precision, allocatable, target :: table(:, :)
  integer, target :: land(2) = 1
  integer :: stat, i
  character(len=500) :: file
  character(len=:), allocatable :: message
  call get_command_argument(1, file)
  call model%open(trim(file))
  other = model
  allocate (columns(2), table(3, 2))
  table = 0.1d0
  call cells%create(model, 2)
  call model%close()
  if (other%name() == '') error stop 'the copy of a model lost it'
  copy = cells
  copy = copy
  call cells%destroy()
  call copy%input('tas', 'K', columns%water, stat, message)
  if (stat /= ecostep_invalid_argument) error stop 'a component of structures was taken'
  if (index(message, 'array of structures') == 0) error stop 'the reason is not named'
  call copy%mask(columns%land, stat, message)
  if (stat /= ecostep_invalid_argument) error stop 'a mask in structures was taken for none'
  if (index(message, 'array of structures') == 0) error stop 'the reason is not named, of a mask'
  call copy%observed('gpp', 'g m-2 day-1', columns%water, stat, message)
  if (stat /= ecostep_invalid_argument) error stop 'measured flux in structures was taken for none'
  if (index(message, 'array of structures') == 0) error stop 'the reason is not named, of measured flux'
  call copy%local_time('h', columns%water, stat, message)
  if (stat /= ecostep_invalid_argument) error stop 'a local time in structures was taken'
  call copy%input('tas', 'K', table(2, :))
  call copy%mask(land)
  call copy%policy(ecostep_policy_warn)
  do i = 1, 3
    call local()
  end do
  print '(a)', 'good'
contains
  subroutine local()
    type(ecostep_cells) :: mine, again
    call mine%create(other, 5)
    again = mine
  end subroutine local
end program host
"""


@pytest.mark.parametrize("flags", [[], ["-fdefault-integer-8"]])
def test_a_fortran_host_with_handles_sections_and_wide_integers(
    project_root: Path, stub_file: Path, tmp_path: Path, flags: list[str]
) -> None:
    library = Path(sys.prefix) / "lib"
    compiler = shutil.which("gfortran")
    if compiler is None or not (library / "libecostep.so").exists():
        pytest.skip("no gfortran, or the library is not installed")
    (tmp_path / "host.f90").write_text(SUMMARY)
    source = project_root / "coupler" / "fortran" / "ecostep.f90"
    build = [
        compiler,
        "-O1",
        *flags,
        source,
        "host.f90",
        f"-L{library}",
        "-lecostep",
        f"-Wl,-rpath,{library}",
        "-o",
        "host",
    ]
    subprocess.run(build, cwd=tmp_path, check=True, timeout=120)
    run = subprocess.run(["./host", stub_file], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert (run.returncode, run.stdout.strip()) == (0, "good"), run.stderr


REGISTRATIONS = """
subroutine host(cells, table, land, state, index)
  use ecostep
  implicit none
  type :: column
    double precision :: water = 0.1d0
  end type
  type(ecostep_cells) :: cells
  double precision, target :: table(3, 2)
  double precision, pointer :: associated_with_table(:)
  logical, target :: land(2)
  real, target :: state(9, 2)
  integer :: index(2)
  type(column), allocatable, target :: columns(:)
  double precision :: plain(2)
  plain = 0
  associated_with_table => table(2, :)
  call cells%{call}
contains
  function computed(n) result(values)
    integer, intent(in) :: n
    double precision :: values(n)
    values = 0
  end function computed
end subroutine host
"""


@pytest.mark.parametrize(
    ("call", "compiles"),
    [
        ("input('wtd', 'm', table(2, :))", True),
        ("input('wtd', 'm', associated_with_table)", True),
        ("output('fch4', 'kg m-2 s-1', table(3:2:-1, 1))", True),
        ("input('wtd', 'm', table(2, index(1)))", True),
        ("state(state)", True),
        ("mask(land)", True),
        ("input('wtd', 'm', table(2, :) + 1d0)", False),
        ("input('wtd', 'm', [0.1d0, 0.2d0])", False),
        ("input('wtd', 'm', 0.1d0)", False),
        ("input('wtd', 'm', plain)", False),
        ("input('wtd', 'm', computed(2))", False),
        ("static('lat', 'degrees_north', computed(2))", False),
        ("input('wtd', 'm', table(2, index))", False),
        ("static('lat', 'degrees_north', table(index, 1))", False),
        ("output('fch4', 'kg m-2 s-1', table(2, index))", False),
        ("observed('fch4', 'kg m-2 s-1', table(2, index))", False),
        ("input('wtd', 'm', columns(index)%water)", False),
        ("mask(land(index))", False),
        ("mask(table(2, :) > 0)", False),
        ("state(state(:, index))", False),
        ("state(transpose(state))", False),
    ],
)
def test_an_array_without_memory_of_its_own_does_not_compile(
    tmp_path: Path, fortran_module: Path, call: str, compiles: bool
) -> None:
    (tmp_path / "host.f90").write_text(REGISTRATIONS.replace("{call}", call))
    build = subprocess.run(
        ["gfortran", "-fsyntax-only", f"-I{fortran_module}", "host.f90"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (build.returncode == 0) == compiles, build.stderr
    assert compiles or "call cells%" in build.stderr


@pytest.fixture(scope="module")
def fortran_module(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the module file of ecostep.f90."""
    if shutil.which("gfortran") is None:
        pytest.skip("no gfortran")
    folder = tmp_path_factory.mktemp("module")
    source = project_root / "coupler" / "fortran" / "ecostep.f90"
    subprocess.run(["gfortran", "-fsyntax-only", source], cwd=folder, check=True, timeout=120)
    return folder


@pytest.mark.parametrize(
    ("options", "refused", "said"),
    [
        (["-DCMAKE_CXX_FLAGS=-O2 -ffast-math"], True, "CMAKE_CXX_FLAGS has -ffast-math"),
        (["-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_Fortran_FLAGS_RELEASE=-Ofast"], True, "-Ofast"),
        (["-DCMAKE_SHARED_LINKER_FLAGS=-ffast-math"], True, "NaN and infinity"),
        (["-DCMAKE_CXX_FLAGS=-O3 -march=native"], False, ""),
    ],
)
def test_options_of_a_build_that_do_not_fit(
    project_root: Path, tmp_path: Path, options: list[str], refused: bool, said: str
) -> None:
    cmake = shutil.which("cmake", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if cmake is None:
        pytest.skip("no cmake")
    include = project_root / "coupler" / "cmake" / "accepted_options.cmake"
    (tmp_path / "CMakeLists.txt").write_text(
        f"cmake_minimum_required(VERSION 3.24)\nproject(any LANGUAGES NONE)\ninclude({include})\n"
    )
    command = [cmake, "-S", ".", "-B", "build", *options]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert (run.returncode != 0) == refused, run.stderr
    assert said in " ".join(run.stderr.split())
