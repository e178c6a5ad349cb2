"""Runs of the program `ecosys` for benchmarks and slow tests: sites of all kinds and extremes, builds, comparisons."""

import json
import os
import shutil
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import f90nml
import netCDF4
import numpy as np

from ecosys_sims.formats import biomes
from ecosys_sims.formats.site_table import SiteTable, write_site_table
from ecosys_sims.program import namelists
from ecosys_sims.program.parameter_table import ParameterInfo
from ecosys_sims.sites.configuration import SitesConfig
from ecosys_sims.sites.random_streams import stream
from ecosys_sims.sites.site_drawing import draw_sites

ROOT = Path(__file__).resolve().parents[1]
CASE = "case"

# Annual means of the extremes; the widest of Earth's stations lie within them.
EXTREMES = {
    "lat": (-80.0, 84.0), "lon": (-180.0, 180.0), "elevation": (-400.0, 5000.0), "ph": (3.0, 10.0),
    "continentality": (-5.0, 90.0), "t_ann": (238.15, 311.15),
}  # fmt: skip
PRECIPITATION = (5.0, 6000.0)  # kg m-2 year-1, drawn evenly in the logarithm
# Parameters that are no quantities: a number chooses what is done.
CODES = {"rotation": (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 12.0, 54321.0, 10203.0), "lue_scheme": (0.0, 1.0)}


@dataclass(frozen=True)
class ProgramRun:
    """How one run of the program went."""

    code: int
    message: str
    wall_s: float
    cpu_s: float
    peak_rss_mb: float
    timing: dict
    balance: dict

    @property
    def site_years_per_s(self) -> float:
        """Site-years, spin-up included, by the time from start to end of the process."""
        return self.timing["site_years"] / self.wall_s


def run_case(program: Path, folder: Path, groups: dict[str, dict], case: str = CASE) -> ProgramRun:
    """Run the program in `folder`, which is made, whatever comes of it."""
    folder.mkdir(parents=True, exist_ok=True)
    groups = groups | {"run_ctl": {"case_name": case, "outdir": "."} | groups.get("run_ctl", {})}
    namelists.write_namelist(f90nml.Namelist(groups), folder / f"{case}.nml")
    log_file = folder / f"{case}.log"
    started = time.perf_counter()
    with log_file.open("w") as log:
        process = subprocess.Popen(
            [str(program), f"{case}.nml"], cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        ended = threading.Event()
        with ThreadPoolExecutor(1) as watcher:
            memory = watcher.submit(_peak_memory, process.pid, ended)
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - started
            ended.set()
    process.returncode = os.waitstatus_to_exitcode(status)
    lines = log_file.read_text(errors="replace").strip().splitlines()
    return ProgramRun(
        code=process.returncode,
        message=lines[-1] if lines else "",
        wall_s=wall,
        cpu_s=usage.ru_utime + usage.ru_stime,
        peak_rss_mb=memory.result(),
        timing=_json(folder / f"{case}.timing.json"),
        balance=_json(folder / f"{case}.balance.json"),
    )


def _peak_memory(process: int, ended: threading.Event) -> float:
    """Largest resident memory of a process, MB: its own mark, read until it ends.

    That of wait4 is no smaller than this process's, from which it was forked.
    """
    peak = float("nan")
    while not ended.wait(0.02):
        try:
            lines = Path(f"/proc/{process}/status").read_text().splitlines()
        except OSError:  # it has just ended, or this system has no /proc
            continue
        marks = [line for line in lines if line.startswith("VmHWM")]
        peak = float(marks[0].split()[1]) / 1024.0 if marks else peak
    return peak


def _json(path: Path) -> dict:
    return json.loads(path.read_text()) if path.exists() else {}


def history_path(folder: Path, case: str = CASE) -> Path:
    """The one history file of a case."""
    (path,) = folder.glob(f"{case}.h0.*.nc")
    return path


def values_that_are_not_finite(path: Path) -> list[str]:
    """Names of the variables of a history that hold a NaN, an infinity or a missing value."""
    names = []
    with netCDF4.Dataset(path) as file:
        file.set_auto_mask(False)
        for name, variable in file.variables.items():
            if np.dtype(variable.dtype).kind != "f":
                continue
            values = np.asarray(variable[:])
            fill = getattr(variable, "_FillValue", None)
            if not np.isfinite(values).all() or (fill is not None and (values == fill).any()):
                names.append(name)
    return names


# ---- sites --------------------------------------------------------------------------------------------------------


def usual_sites(count: int, seed: int) -> SiteTable:
    """Sites over the globe as the ensembles draw them, half of them wetlands."""
    return draw_sites(SitesConfig(count=count, wetland_share=0.5), seed)


def extreme_sites(count: int, seed: int) -> SiteTable:
    """Sites whose every property is drawn by itself over its whole range; all biomes in turn, in any climate."""
    rng = stream(seed, "extreme sites")
    columns = {name: rng.uniform(*limits, count) for name, limits in EXTREMES.items()}
    for name, limits in EXTREMES.items():  # one site in five lies at an end of a range
        at_end = rng.uniform(size=count) < 0.2
        columns[name][at_end] = rng.choice(limits, at_end.sum())
    sand, clay, _ = rng.dirichlet([1.0, 1.0, 1.0], count).T
    low, high = np.log(PRECIPITATION)
    columns |= {"sand": sand, "clay": clay, "annual_precip": np.exp(rng.uniform(low, high, count))}
    number = np.arange(1, count + 1, dtype=np.int32)
    return SiteTable(
        site_id=np.array([f"X{n:05d}" for n in number]),
        site_number=number,
        biome=np.array([biomes.BIOMES[n % len(biomes.BIOMES)].flag for n in range(count)], dtype=np.int32),
        **{name: np.asarray(values, dtype=np.float32) for name, values in columns.items()},
    )


def any_parameters(table: dict[str, ParameterInfo], count: int, seed: int) -> dict[str, np.ndarray]:
    """Every parameter of the program, name -> (count,), over the whole range that the program accepts.

    A site in four keeps its biome's default of a parameter (NaN), one in ten has one of the two bounds; codes take
    values that have a meaning.
    """
    parameters = {}
    for name, info in table.items():
        rng = stream(seed, f"any {name}")
        if name in CODES:
            parameters[name] = rng.choice(CODES[name], count)
            continue
        values = rng.uniform(info.minimum, info.maximum, count)
        chance = rng.uniform(size=count)
        values[chance < 0.35] = rng.choice([info.minimum, info.maximum], (chance < 0.35).sum())
        values[chance < 0.25] = np.nan
        parameters[name] = values
    return parameters


def write_case_sites(folder: Path, sites: SiteTable, parameters: dict[str, np.ndarray] | None = None) -> str:
    """Write a site table into `folder`; returns its name for &run_ctl fsites."""
    folder.mkdir(parents=True, exist_ok=True)
    write_site_table(folder / namelists.SITE_TABLE, sites, parameters)
    return namelists.SITE_TABLE


# ---- builds -------------------------------------------------------------------------------------------------------


def build_program(folder: Path, optimisation: str, jobs: int = 2) -> Path:
    """Build `ecosys` alone with gfortran's `-O0`, `-O2`, ... in `folder`; returns the program."""
    configure = [
        "cmake", "-S", str(ROOT), "-B", str(folder), "-DCMAKE_BUILD_TYPE=Release", "-DBUILD_TESTING=OFF",
        "-DECOSTEP_PYTHON=OFF", "-DECOSTEP_TORCH=OFF", f"-DCMAKE_Fortran_FLAGS_RELEASE={optimisation}",
    ]  # fmt: skip
    if shutil.which("ninja"):
        configure += ["-G", "Ninja"]
    for command in (configure, ["cmake", "--build", str(folder), "--target", "ecosys", f"-j{jobs}"]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            message = f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-2000:]}"
            raise RuntimeError(message)
    return folder / "bin" / "ecosys"


def year_of_all_biomes(program: Path, folder: Path, days: int = 365, seed: int = 3) -> tuple[Path, Path]:
    """A site of each biome for a year; returns the history and the restart file at its end (double precision)."""
    sites = usual_sites(60, seed)
    first_of_each = sorted(int(np.flatnonzero(sites.biome == flag)[0]) for flag in np.unique(sites.biome))
    table = write_case_sites(folder, sites[np.array(first_of_each)])
    run = run_case(program, folder, {
        "run_ctl": {"fsites": table, "start_date": "2001-01-01", "stop_n": days, "stop_option": "ndays",
                    "spinup_years": 0, "rest_frq": "end", "seed": seed},
    })  # fmt: skip
    if run.code != 0:
        message = f"{program}: {run.message}"
        raise RuntimeError(message)
    (restart,) = folder.glob(f"{CASE}.r.*.nc")
    return history_path(folder), restart


def largest_difference(path: Path, reference: Path) -> dict[str, float]:
    """name -> largest difference of a variable's values between two files, relative to the larger of the two.

    Values below 1e-6 of the largest of that variable count as that size, so that rounding around zero does not.
    """
    differences = {}
    with netCDF4.Dataset(path) as file, netCDF4.Dataset(reference) as reference_file:
        file.set_auto_mask(False)
        reference_file.set_auto_mask(False)
        if set(file.variables) != set(reference_file.variables):
            message = f"{path} and {reference} hold different variables"
            raise ValueError(message)
        for name in file.variables:
            if np.dtype(file[name].dtype).kind == "f":
                values, expected = np.asarray(file[name][:], float), np.asarray(reference_file[name][:], float)
                differences[name] = _relative_difference(values, expected)
    return differences


def _relative_difference(values: np.ndarray, expected: np.ndarray) -> float:
    if np.isnan(values).any() or np.isnan(expected).any():
        return float("nan")
    size = np.maximum(np.abs(values), np.abs(expected))
    floor = 1e-6 * size.max(initial=0.0)
    scale = np.maximum(size, floor)
    return float(np.max(np.abs(values - expected) / np.where(scale > 0, scale, 1.0), initial=0.0))
