"""Cases for the tests of the program `ecosys`: namelists, site tables, forcing files and stub artefacts."""

import json
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

DRIVERS = {"Tair": "K", "Qair": "kg kg-1", "SWdown": "W m-2", "LWdown": "W m-2", "Rainf": "kg m-2 s-1",
           "Snowf": "kg m-2 s-1", "Wind": "m s-1", "PSurf": "Pa", "CO2air": "1e-6", "CH4air": "1e-9"}  # fmt: skip
DATASET_VARIABLES = ["tas", "tasmin", "tasmax", "pr", "rsds", "rlds", "vpd", "sfcWind", "ps", "co2", "ch4",
                     "crop", "fertilisation", "tsl", "mrsos", "wtd", "snw", "lai", "evspsbl", "gpp", "ra", "rh", "nee",
                     "fch4", "fn2o"]  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A folder to run the program in."""

    exe: Path
    folder: Path

    def write(self, groups: dict[str, dict[str, Any]], name: str = "case") -> Path:
        """`NAME.nml` with the groups; values are written as Fortran has them."""
        lines = []
        for group, keys in groups.items():
            lines += [f"&{group}", *(f"  {key} = {fortran(value)}" for key, value in keys.items()), "/"]
        path = self.folder / f"{name}.nml"
        path.write_text("\n".join(lines) + "\n")
        return path

    def start(self, namelist: Path, **options: Any) -> subprocess.CompletedProcess:
        """Run the program whatever comes of it."""
        return subprocess.run([self.exe, namelist.name], cwd=self.folder, capture_output=True, text=True, check=False,
                              timeout=300, **options)  # fmt: skip

    def run(self, groups: dict[str, dict[str, Any]], name: str = "case", **options: Any) -> subprocess.CompletedProcess:
        """Write a namelist and run the program whatever comes of it."""
        groups = groups | {"run_ctl": {"case_name": name} | groups.get("run_ctl", {})}
        return self.start(self.write(groups, name), **options)

    def complete(self, groups: dict[str, dict[str, Any]], name: str = "case") -> dict[str, np.ndarray]:
        """Run a case that must succeed; its history by variable."""
        done = self.run(groups, name)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == "SUCCESSFUL COMPLETION"
        return self.history(name)

    def refuse(self, groups: dict[str, dict[str, Any]], code: int) -> str:
        """Run a case that must fail with an exit code; its message. No output file may be left."""
        done = self.run(groups)
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        assert "SUCCESSFUL" not in done.stdout
        assert not list(self.folder.glob("*.h0.*")) and not list(self.folder.glob("*.tmp"))
        assert done.stderr.startswith("ecosys: ") and done.stderr.count("\n") == 1, done.stderr
        return done.stderr

    def history(self, name: str = "case") -> dict[str, np.ndarray]:
        """The one history file of a case, by variable."""
        (path,) = self.folder.glob(f"{name}.h0.*.nc")
        with netCDF4.Dataset(path) as file:
            return {key: np.ma.filled(variable[:]) for key, variable in file.variables.items()}


def fortran(value: Any) -> str:
    """A value as it is written in a namelist."""
    if isinstance(value, bool):
        return ".true." if value else ".false."
    if isinstance(value, str | Path):
        return "'" + str(value).replace("'", "''") + "'"
    return repr(value)


def write_sites(path: Path, lat: list[float], first_number: int = 1, order: list[int] | None = None,
                **columns: list[float]) -> Path:  # fmt: skip
    """A site table; `order` picks sites, whose names and numbers stay with them. `columns` add or replace."""
    n = len(lat)
    table = {"lat": lat, "lon": [10.0] * n, "elevation": [100.0] * n, "sand": [0.5] * n, "clay": [0.15] * n,
             "ph": [5.5] * n, "biome": [1 + (3 * i) % 13 for i in range(n)], "annual_precip": [800.0] * n,
             "continentality": [35.0] * n, "site_number": [first_number + i for i in range(n)]} | columns  # fmt: skip
    pick = range(n) if order is None else order
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("site", len(pick))
        names = file.createVariable("site_id", str, ("site",))
        for k, i in enumerate(pick):
            names[k] = f"S{i}"
        for name, values in table.items():
            kind = "i4" if name in ("biome", "site_number") else "f8"
            file.createVariable(name, kind, ("site",), fill_value=-999 if kind == "i4" else -999.0)[:] = [
                values[i] for i in pick
            ]
    return path


def synthetic_weather(days: int, per_day: int) -> dict[str, np.ndarray]:
    """Smooth hourly or daily weather of a northern mire, (days * per_day)."""
    t = (np.arange(days * per_day) + 0.5) / per_day
    season = np.cos(2 * np.pi * (t - 200) / 365)
    hour = 24 * (t % 1)
    sun = np.clip(np.cos(2 * np.pi * (hour - 12) / 24), 0, None) * np.pi if per_day > 1 else np.ones_like(t)
    daily = 4 * np.cos(2 * np.pi * (hour - 15) / 24) if per_day > 1 else 0 * t
    weather = {
        "Tair": 277 + 11 * season + daily,
        "Qair": 0.004 + 0.0025 * season,
        "SWdown": (120 + 100 * season) * sun,
        "LWdown": 290 + 40 * season,
        "Rainf": 2.4e-5 * (1 + season) * (np.floor(t) % 3 == 0),
        "Snowf": 2.4e-5 * (1 - season) * (np.floor(t) % 4 == 0),
        "Wind": 3 + 0 * t,
        "PSurf": 99000 + 0 * t,
        "CO2air": 400 + 0 * t,
        "CH4air": 1900 + 0 * t,
    }
    if per_day == 1:
        weather |= {"Tmin": weather["Tair"] - 4, "Tmax": weather["Tair"] + 4}
    return weather


def write_forcing(path: Path, weather: dict[str, np.ndarray], per_day: int, start: str = "2001-01-01",
                  units: dict[str, str] | None = None, calendar: str = "standard", stamp: str | None = None,
                  offset_days: float = 0.0, sites: list[str] | None = None) -> Path:  # fmt: skip
    """A forcing file; arrays are (time) or (time, site)."""
    units = DRIVERS | {"Tmin": "K", "Tmax": "K"} | (units or {})
    with netCDF4.Dataset(path, "w") as file:
        n = len(next(iter(weather.values())))
        file.createDimension("time", n)
        time = file.createVariable("time", "f8", ("time",))
        time.units, time.calendar = f"days since {start} 00:00:00", calendar
        if stamp:
            time.stamp = stamp
        time[:] = np.arange(n) / per_day + offset_days
        if sites:
            file.createDimension("site", len(sites))
            names = file.createVariable("site_id", str, ("site",))
            for k, name in enumerate(sites):
                names[k] = name
        for name, values in weather.items():
            variable = file.createVariable(name, "f8", ("time", "site")[: np.ndim(values)], fill_value=-9999.0)
            if units[name]:
                variable.units = units[name]
            variable[:] = values
    return path


TARGETS = {"gpp": "g m-2 day-1", "fch4": "mg m-2 day-1"}


def write_stub(path: Path, inputs: dict[str, tuple[str, str]], statics: dict[str, str],
               limits: dict[str, float] | None = None, targets: dict[str, str] = TARGETS) -> Path:  # fmt: skip
    """A stub artefact: targets (name -> units) linear in the inputs (name -> units, accumulate).

    The first target is bounded by 0; the weights of input i are 0.001 (i + 1) for it and 0.02 - 0.003 i for the others,
    the biases 0.5 and -1, -2, ...
    """
    limits = {"valid_min": None, "valid_max": None, "train_min": None, "train_max": None} | (limits or {})
    others = len(targets) - 1
    content = {
        "format": "ecostep-artefact", "format_version": 1, "name": "stub", "kind": "stub", "created": "2026-01-01",
        "backends": ["stub"], "native_step_seconds": 86400, "state_size": len(targets), "past_flux": "none",
        "provenance": {},
        "inputs": [{"name": name, "units": unit, "long_name": name, "role": "fast", "accumulate": rule} | limits
                   for name, (unit, rule) in inputs.items()],
        "statics": [{"name": name, "units": unit, "long_name": name, "role": "static"} | limits
                    for name, unit in statics.items()],
        "targets": [{"name": name, "units": unit, "long_name": name, "min": None if i else 0.0, "max": None}
                    for i, (name, unit) in enumerate(targets.items())],
        "stub": {"bias": [0.5, *(-1.0 - i for i in range(others))],
                 "weights": [[0.001 * (i + 1) for i in range(len(inputs))],
                             *[[0.02 - 0.003 * i for i in range(len(inputs))]] * others],
                 "decay": [0.25, *[0.9] * others]},
    }  # fmt: skip
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("stub/extra/ecostep.json", json.dumps(content))
    return path


ALL_INPUTS = {
    "tas": ("K", "mean"), "tasmin": ("K", "min"), "tasmax": ("K", "max"), "pr": ("kg m-2 s-1", "mean"),
    "rsds": ("W m-2", "mean"), "rlds": ("W m-2", "mean"), "vpd": ("Pa", "mean"), "sfcWind": ("m s-1", "mean"),
    "ps": ("Pa", "mean"), "co2": ("1e-6", "mean"), "ch4": ("1e-9", "mean"), "tsl": ("K", "mean"),
    "mrsos": ("kg m-2", "mean"), "wtd": ("m", "mean"), "snw": ("kg m-2", "mean"), "lai": ("1", "mean"),
    "evspsbl": ("kg m-2 s-1", "mean"), "crop": ("1", "last"), "fertilisation": ("kg m-2 s-1", "mean"),
}  # fmt: skip
ALL_STATICS = {"lat": "degrees_north", "lon": "degrees_east", "elevation": "m", "sand": "1", "clay": "1", "ph": "1"}
