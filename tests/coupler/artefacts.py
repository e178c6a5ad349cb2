"""Small artefacts for the tests of the coupler, written by the letter of docs/formats.md and by nothing else.

`write_torchscript` makes a real TorchScript LSTM with statics, a calendar, and a history that measured flux enters and
that predictions see from the next year on. `write_stub` makes the linear one that needs no torch.
"""

from __future__ import annotations

import argparse
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

INPUTS = [
    {"name": "tas", "units": "K", "accumulate": "mean", "valid_min": 180.0, "valid_max": 340.0},
    {"name": "tasmin", "units": "K", "accumulate": "min", "valid_min": 180.0, "valid_max": 340.0},
    {"name": "tasmax", "units": "K", "accumulate": "max", "valid_min": 180.0, "valid_max": 340.0},
    {"name": "pr", "units": "kg m-2 s-1", "accumulate": "mean", "valid_min": 0.0, "valid_max": 0.1},
    {"name": "rsds", "units": "W m-2", "accumulate": "mean", "valid_min": 0.0, "valid_max": None},
    {"name": "co2", "units": "1e-6", "accumulate": "last", "valid_min": 0.0, "valid_max": None},
]
STATICS = [
    {"name": "lat", "units": "degrees_north", "valid_min": -90.0, "valid_max": 90.0},
    {"name": "elevation", "units": "m", "valid_min": None, "valid_max": None},
    {"name": "biome", "units": "1", "valid_min": 1, "valid_max": 13, "flag_values": list(range(1, 14))},
]
TARGETS = [
    {"name": "gpp", "units": "g m-2 day-1", "min": 0.0, "max": None},
    {"name": "fch4", "units": "mg m-2 day-1", "min": None, "max": None},
]
NORMAL = np.array([283.0, 278.0, 289.0, 3e-5, 180.0, 400.0], np.float32)  # typical inputs, and their spread
SPREAD = np.array([10.0, 10.0, 10.0, 3e-5, 90.0, 30.0], np.float32)


def variables(entries: list[dict[str, Any]], role: str | None = None) -> list[dict[str, Any]]:
    """Entries of the metadata with the keys that do not matter here filled in."""
    filled = [{"long_name": entry["name"], "train_min": None, "train_max": None, **entry} for entry in entries]
    return [entry | {"role": role} for entry in filled] if role else filled


def metadata(**changes: Any) -> dict[str, Any]:
    """Contents of extra/ecostep.json of a stub, with `changes`."""
    return {
        "format": "ecostep-artefact",
        "format_version": 1,
        "name": "test",
        "kind": "stub",
        "created": "2026-01-01",
        "backends": ["stub"],
        "native_step_seconds": 86400,
        "state_size": 2,
        "inputs": variables(INPUTS, "fast"),
        "statics": variables(STATICS, "static"),
        "targets": variables(TARGETS),
        "past_flux": "none",
        "provenance": {},
        "stub": {
            "bias": [1.0, -2.0],
            "weights": [[0.01, 0.0, 0.0, 0.0, 0.02, 0.0], [0.0, 0.1, -0.05, 1000.0, 0.0, 0.002]],
            "decay": [0.25, 0.5],
        },
    } | changes


def write_stub(path: Path, **changes: Any) -> Path:
    """A stub artefact at `path`."""
    return write_zip(path, {"stub/extra/ecostep.json": json.dumps(metadata(**changes)).encode()})


def write_zip(path: Path, entries: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    """A zip file of `entries`."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def sample_inputs(ncell: int, nstep: int, seed: int = 1) -> np.ndarray:
    """Plausible drivers (nstep, ncell, D) in the artefact's units."""
    random = np.random.default_rng(seed)
    values = NORMAL + SPREAD * random.standard_normal((nstep, ncell, len(INPUTS))).astype(np.float32)
    values[..., 3] = np.abs(values[..., 3])
    values[..., 4] = np.abs(values[..., 4])
    return values.astype(np.float32)


def sample_statics(ncell: int, seed: int = 2) -> np.ndarray:
    """Plausible statics (ncell, P)."""
    random = np.random.default_rng(seed)
    columns = [random.uniform(-60, 75, ncell), random.uniform(0, 2000, ncell), random.integers(1, 14, ncell)]
    return np.stack(columns, axis=1).astype(np.float32)


def write_torchscript(
    path: Path, hidden: int = 31, past_flux: str = "none", nstep: int = 40, seed: int = 3, **changes: Any
) -> Path:
    """A TorchScript artefact with a reference run of 3 cells and `nstep` days at `path`."""
    import torch

    from tests.coupler.lstm import TinyLSTM

    torch.manual_seed(seed)
    scales = [torch.from_numpy(scale) for scale in (NORMAL, SPREAD, np.array([90.0, 1000.0, 13.0], np.float32))]
    module = torch.jit.script(TinyLSTM(*scales, hidden).eval())
    statics, inputs = sample_statics(3), sample_inputs(3, nstep)
    targets = run_torchscript(module, statics, inputs)
    reference = {"ncell": 3, "nstep": nstep, "start_date": "2003-12-15", "calendar": "standard"}
    about = metadata(kind="lstm", backends=["torchscript"], state_size=int(module.state_size), past_flux=past_flux)
    about["reference"] = reference
    del about["stub"]
    return save_torchscript(path, module, about | changes, (statics, inputs, targets))


def write_odd_days(path: Path, in_place: bool) -> Path:
    """A TorchScript artefact that changes parts of its state on days on which no other does, perhaps in place."""
    import torch

    from tests.coupler.odd_days import OddDays

    module = torch.jit.script(OddDays(in_place).eval())
    statics, inputs = sample_statics(3), sample_inputs(3, 40)
    about = metadata(kind="odd", backends=["torchscript"], state_size=3)
    about["reference"] = {"ncell": 3, "nstep": 40, "start_date": "2003-12-15", "calendar": "standard"}
    del about["stub"]
    return save_torchscript(path, module, about, (statics, inputs, run_torchscript(module, statics, inputs)))


def save_torchscript(path: Path, module: Any, about: dict[str, Any], reference: tuple[np.ndarray, ...]) -> Path:
    """Module, metadata and the arrays of the reference run, in one file."""
    import torch

    arrays = b"".join(np.ascontiguousarray(array, "<f4").tobytes() for array in reference)
    torch.jit.save(module, str(path), _extra_files={"ecostep.json": json.dumps(about), "reference.f32": arrays})
    return path


def write_like_stub(path: Path, nstep: int = 20) -> Path:
    """A TorchScript artefact with the variables of coupler/examples/stub, for hosts that know those."""
    import torch

    from tests.coupler.lstm import TinyLSTM

    stub = Path(__file__).parents[2] / "coupler" / "examples" / "stub" / "extra" / "ecostep.json"
    about = json.loads(stub.read_text())
    normal = np.array([283.0, 3e-5, 0.2], np.float32)
    spread = np.array([10.0, 3e-5, 0.3], np.float32)
    torch.manual_seed(5)
    scales = [torch.from_numpy(scale) for scale in (normal, spread, np.array([90.0], np.float32))]
    module = torch.jit.script(TinyLSTM(*scales, 31).eval())
    random = np.random.default_rng(6)
    statics = random.uniform(-50, 70, (3, 1)).astype(np.float32)
    inputs = np.abs(normal + spread * random.uniform(-1, 1, (nstep, 3, 3))).astype(np.float32)
    about |= {"name": "lstm", "kind": "lstm", "backends": ["torchscript"], "state_size": int(module.state_size)}
    about["reference"] = {"ncell": 3, "nstep": nstep, "start_date": "2003-12-15", "calendar": "standard"}
    del about["stub"]
    return save_torchscript(path, module, about, (statics, inputs, run_torchscript(module, statics, inputs)))


def run_torchscript(module: Any, statics: np.ndarray, inputs: np.ndarray, start: str = "2003-12-15") -> np.ndarray:
    """What the module says offline: fluxes (nstep, ncell, C) of inputs (nstep, ncell, D) in blocks of 64 rows."""
    import torch

    ncell, fluxes = statics.shape[0], []
    assert ncell <= 64
    pad = [*range(ncell), *([ncell - 1] * (64 - ncell))]
    with torch.inference_mode():
        state = module.init_state(torch.from_numpy(statics[pad]))
        for day, drivers in enumerate(inputs):
            calendar = torch.tensor(calendar_row(np.datetime64(start) + day))
            flux, state = module.step(torch.from_numpy(drivers[pad]), calendar, state)
            fluxes.append(flux.numpy()[:ncell])
    return np.stack(fluxes)


def calendar_row(date: np.datetime64) -> list[int]:
    """year, month, day, day of year, days in month, days in year of the standard calendar."""
    year, month = date.astype("datetime64[Y]"), date.astype("datetime64[M]")
    starts = [year, month, year + 1, month + 1]
    first_of_year, first_of_month, next_year, next_month = [start.astype("datetime64[D]") for start in starts]
    days = [date - first_of_month, date - first_of_year, next_month - first_of_month, next_year - first_of_year]
    day, day_of_year, days_in_month, days_in_year = [int(d.astype(int)) for d in days]
    return [
        int(year.astype(int)) + 1970,
        int(month.astype(int)) % 12 + 1,
        day + 1,
        day_of_year + 1,
        days_in_month,
        days_in_year,
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write an artefact for the compiled tests.")
    parser.add_argument("--like-stub", type=Path, required=True, metavar="FILE")
    write_like_stub(parser.parse_args().like_stub)
