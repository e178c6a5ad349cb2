"""The two small C++ programs of the benchmark, compiled where it runs: plain libtorch, and the processor's peak."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).resolve().parent
DAYS_BEFORE = np.cumsum([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30])
DAYS_OF_MONTH = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def calendar_row(month: int, day: int, year: int = 2001) -> NDArray[np.int64]:
    """Year, month, day, day of year, days in month, days in year, of a year without leap day."""
    row = [year, month, day, DAYS_BEFORE[month - 1] + day, DAYS_OF_MONTH[month - 1], 365]
    return np.array(row, np.int64)


def _build(source: str, work: Path, options: list[str]) -> Path:
    """Compile unless it is there already, newer than its source."""
    library = work / f"{Path(source).stem}.so"
    if library.exists() and library.stat().st_mtime > (FOLDER / source).stat().st_mtime:
        return library
    compiler = shutil.which("g++") or shutil.which("c++")
    if compiler is None:
        message = "no C++ compiler: the benchmark compiles two small files"
        raise RuntimeError(message)
    work.mkdir(parents=True, exist_ok=True)
    command = [compiler, "-O3", "-shared", "-fPIC", str(FOLDER / source), "-o", str(library), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        message = f"{' '.join(command)} failed:\n{done.stderr[-2000:]}"
        raise RuntimeError(message)
    return library


def build_peak(work: Path) -> Path:
    """The kernel of the processor's peak."""
    return _build("peak.cpp", work, ["-std=c++17", "-march=native", "-ffp-contract=fast"])


def build_libtorch(work: Path) -> Path:
    """The host that calls libtorch without ecostep, against the torch of this Python."""
    import torch
    from torch.utils.cpp_extension import include_paths

    folder = Path(torch.__file__).resolve().parent / "lib"
    options = ["-std=c++20", f"-D_GLIBCXX_USE_CXX11_ABI={int(torch.compiled_with_cxx11_abi())}"]
    options += [f"-isystem{path}" for path in include_paths()]
    options += [f"-L{folder}", "-ltorch", "-ltorch_cpu", "-lc10", f"-Wl,-rpath,{folder}"]
    return _build("libtorch_host.cpp", work, options)


def measure_peak(library: Path, seconds: float = 0.5) -> float:
    """GFLOP/s of one core, best of many rounds within `seconds`."""
    function = ctypes.CDLL(str(library)).peak_gflops
    function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double]
    return function(seconds)


class LibtorchHost:
    """N cells of an artefact's TorchScript, stepped by libtorch alone with one thread."""

    def __init__(self, library: Path, path: Path, drivers: NDArray[np.float32], statics: NDArray[np.float32]) -> None:
        self._library = ctypes.CDLL(str(library))
        self._library.host_open.restype = ctypes.c_void_p
        self._library.host_open.argtypes = [ctypes.c_char_p, *[ctypes.c_int64] * 3, ctypes.c_void_p, ctypes.c_void_p]
        self._library.host_close.argtypes = [ctypes.c_void_p]
        self._library.host_steps.restype = ctypes.c_double
        self._library.host_steps.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p]
        self._library.host_error.restype = ctypes.c_char_p
        cells, n_drivers = drivers.shape
        self._host = self._library.host_open(
            str(path).encode(), cells, n_drivers, statics.shape[1], drivers.ctypes.data, statics.ctypes.data
        )
        if not self._host:
            raise RuntimeError(self._library.host_error().decode())
        self.flux_sum = 0.0

    def time(self, month: int, day: int, count: int = 1) -> float:
        """Seconds of a call, mean over `count` days from a date on."""
        row, total = calendar_row(month, day), ctypes.c_double()
        seconds = self._library.host_steps(self._host, row.ctypes.data, count, ctypes.byref(total))
        if seconds < 0:
            raise RuntimeError(self._library.host_error().decode())
        self.flux_sum = total.value
        return seconds / count

    def close(self) -> None:
        """Free the memory."""
        self._library.host_close(self._host)
        self._host = None
