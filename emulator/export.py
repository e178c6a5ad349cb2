"""Export a trained model as an artefact that hosts couple: python -m emulator.export RUN --out model.pt"""

import argparse
import io
import json
import logging
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import cftime
import numpy as np
import torch
from torch import Tensor

from emulator.artefact.metadata import InputSpec, Metadata, Reference, ReferenceSpec, StaticSpec, TargetSpec, native
from emulator.artefact.metadata import metadata as artefact
from emulator.artefact.native.checking import ProgramMismatch, check_program
from emulator.artefact.native.interpreter import Interpreter
from emulator.data.dataset import Dataset, calendar_table
from emulator.data.dataset_file import DatasetError
from emulator.evaluation import quantile_file
from emulator.models.streaming import step_through
from emulator.models.wrappers.ensemble import Ensemble, combine
from emulator.models.wrappers.quantiles import LEVELS
from emulator.runs import provenance, trained_model
from emulator.runs.checkpoint import CheckpointError
from emulator.runs.run_folder import RunFolder, RunFolderError
from emulator.runs.trained_model import TrainedModel
from emulator.train import make_deterministic
from foundations import atomic_file

log = logging.getLogger(__name__)

REFERENCE_CELLS = 3
REFERENCE_DAYS = 400
"""More than a year from 1 December on, so that months, two New Years and a whole year of memory are replayed."""


class ExportError(RuntimeError):
    """The written artefact does not do what the model does."""


class NativeError(ExportError):
    """The native program in the written artefact does not do what the model does."""


@dataclass(frozen=True)
class ReferenceDays:
    """Drivers of the reference run: static (N, P), drivers (N, T, D), calendar (T, 6)."""

    static: Tensor
    drivers: Tensor
    calendar: Tensor
    spec: ReferenceSpec


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m emulator.export", description="Export a trained model as an artefact."
    )
    parser.add_argument(
        "run",
        type=Path,
        nargs="+",
        metavar="RUN",
        help="run folder of emulator.train or emulator.ensemble; the mean of several, which must share data and split",
    )
    parser.add_argument("--out", type=Path, metavar="F", help="artefact to write (default RUN/model.pt)")
    parser.add_argument(
        "--data", type=Path, metavar="D", help="dataset for the reference run (default: the training dataset)"
    )
    parser.add_argument("--name", help="label in the artefact (default: the file name without .pt)")
    parser.add_argument(
        "--past-flux",
        choices=("ungauged", "self_fed"),
        help="what a host's step puts in the history of a model that has one: no flux (ungauged) or its own "
        "(self_fed); default: model.past_flux of the configuration",
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    runs = [RunFolder(path) for path in options.run]
    out = options.out or runs[0].artefact
    try:
        metadata = export(
            runs[0] if len(runs) == 1 else runs, out, data=options.data, past_flux=options.past_flux, name=options.name
        )
    except (DatasetError, CheckpointError, RunFolderError, ExportError) as error:
        log.error("%s", error)
        return 1
    log.info("wrote %s: %s, %d state values a cell", out, metadata.kind, metadata.state_size)
    return 0


def export(
    run: RunFolder | Sequence[RunFolder],
    out: Path,
    *,
    data: Path | None = None,
    past_flux: str | None = None,
    name: str | None = None,
) -> Metadata:
    """Write the artefact of a run's best checkpoint and verify what was written; returns its metadata.

    Of several runs the mean is exported, without quantiles; `emulator.ensemble` makes an ensemble that has them. Of a
    run that has been evaluated the artefact carries the quantiles.
    """
    quantiles = None
    if isinstance(run, RunFolder):
        trained = trained_model.load(run, past_flux=past_flux)
        quantiles = quantile_file.load(run, trained.signature, trained.epoch, trained.model)
        summary = _metrics_summary(run)
    else:
        trained, summary = trained_model.load_members([one.path for one in run], past_flux), {}
    if quantiles is not None:
        members = trained.model.members if isinstance(trained.model, Ensemble) else [trained.model]
        trained = replace(trained, model=combine(list(members), trained.signature, quantiles))
    make_deterministic(trained.config.training.threads)
    dataset = Dataset.open(data or trained.config.data.path, trained.signature, require_targets=False)
    days = reference_days(dataset)
    module = _script(trained)
    reference = Reference(days.static.numpy(), days.drivers.transpose(0, 1).numpy(), _step_reference(module, days))
    metadata = build_metadata(trained, days.spec, name or out.stem, summary)
    try:
        program = native.program_of(trained.model, trained.signature)
        return _write(out, module, metadata, reference, program)
    except (native.LoweringError, NativeError) as error:
        log.warning("%s has no native program and is coupled through libtorch: %s", out.name, error)
        return _write(out, module, metadata.model_copy(update={"native_unavailable": str(error)}), reference, None)


def _write(
    out: Path,
    module: torch.jit.ScriptModule,
    metadata: Metadata,
    reference: Reference,
    program: native.Program | None,
) -> Metadata:
    """Write an artefact, verify what was written, and return its metadata."""
    extras: dict[str, str | bytes] = {artefact.REFERENCE_FILE: reference.to_bytes()}
    if program is not None:
        metadata = metadata.model_copy(update={"backends": ("native", *metadata.backends)})
        extras[artefact.NATIVE_FILE], extras[artefact.NATIVE_CONSTANTS_FILE] = program.serialise()
    extras[artefact.METADATA_FILE] = json.dumps(metadata.model_dump(mode="json", exclude={"stub"}), indent=1)
    buffer = io.BytesIO()
    with _no_deprecation_warnings():
        torch.jit.save(module, buffer, _extra_files=extras)
    with atomic_file.replacing(out) as temporary:
        temporary.write_bytes(buffer.getvalue())
        verify(temporary)
    return metadata


def load_module(path: Path) -> torch.jit.ScriptModule:
    """The TorchScript module of an artefact, in eval mode on the CPU."""
    with _no_deprecation_warnings():
        return torch.jit.load(str(path), map_location="cpu").eval()


def verify(path: Path) -> float:
    """Read an artefact back and replay its reference run; the largest difference, ExportError if not zero.

    Of the native program, where there is one, days of every kind are compared; NativeError if one differs.
    """
    found = artefact.read_artefact(path)
    assert found.reference is not None and found.metadata.reference is not None
    spec = found.metadata.reference
    days = ReferenceDays(
        torch.from_numpy(found.reference.static.copy()),
        torch.from_numpy(found.reference.drivers.copy()).transpose(0, 1),
        _calendar(spec),
        spec,
    )
    module = load_module(path)
    difference = float(np.abs(_step_reference(module, days) - found.reference.expected).max())
    if difference != 0.0:
        raise ExportError(f"{path}: replaying the reference run differs by {difference:g}; please report this")
    if found.native is not None:
        expected = torch.from_numpy(found.reference.expected.copy()).transpose(0, 1)
        try:
            check_program(Interpreter(*found.native), module, days.static, days.drivers, days.calendar, expected)
        except ProgramMismatch as error:
            raise NativeError(f"{path}: the native program differs from the model: {error}") from error
    return difference


def reference_days(dataset: Dataset) -> ReferenceDays:
    """Drivers of some sites, spread over the dataset, over REFERENCE_DAYS days with a New Year."""
    total = len(dataset.time)
    if total < REFERENCE_DAYS:
        raise DatasetError(f"{dataset.path}: has {total} days; the reference run of an artefact needs {REFERENCE_DAYS}")
    december = torch.nonzero((dataset.calendar[:, 1] == 12) & (dataset.calendar[:, 2] == 1)).flatten()
    start = min(int(december[0]) if len(december) else 0, total - REFERENCE_DAYS)
    sites = torch.from_numpy(np.linspace(0, dataset.n_sites - 1, REFERENCE_CELLS).round().astype(np.int64))
    days = slice(start, start + REFERENCE_DAYS)
    year, month, day = dataset.calendar[start, :3].tolist()
    calendar = "noleap" if dataset.calendar_name in ("noleap", "365_day") else "standard"
    spec = ReferenceSpec(
        ncell=REFERENCE_CELLS, nstep=REFERENCE_DAYS, start_date=date(year, month, day), calendar=calendar
    )
    return ReferenceDays(dataset.static[sites], dataset.drivers[sites, days], dataset.calendar[days], spec)


def build_metadata(trained: TrainedModel, reference: ReferenceSpec, name: str, metrics: dict[str, Any]) -> Metadata:
    """Everything that a reader of the artefact needs to know."""
    signature, origin = trained.signature, trained.provenance
    input_ranges, static_ranges = trained.description["input_ranges"], trained.description["static_ranges"]
    return Metadata(
        format_version=artefact.FORMAT_VERSION,
        name=name,
        kind=trained.config.model.kind,
        created=provenance.now(),
        backends=("torchscript",),
        state_size=trained.model.state_size,
        inputs=tuple(
            InputSpec(
                name=variable.name,
                units=variable.units,
                long_name=variable.long_name,
                role=variable.role,
                accumulate=variable.accumulate,
                valid_min=variable.valid_min,
                valid_max=variable.valid_max,
                train_min=input_ranges[variable.name][0],
                train_max=input_ranges[variable.name][1],
            )
            for variable in signature.inputs
        ),
        statics=tuple(
            StaticSpec(
                name=variable.name,
                units=variable.units,
                long_name=variable.long_name,
                valid_min=variable.valid_min,
                valid_max=variable.valid_max,
                train_min=None if variable.flag_values else static_ranges[variable.name][0],
                train_max=None if variable.flag_values else static_ranges[variable.name][1],
                flag_values=variable.flag_values or None,
            )
            for variable in signature.statics
        ),
        targets=tuple(
            TargetSpec(
                name=variable.name,
                units=variable.analysis_units,
                long_name=variable.long_name,
                min=None if variable.bounded_biomes else variable.minimum,
                max=None if variable.bounded_biomes else variable.maximum,
            )
            for variable in signature.targets
        ),
        past_flux=trained.model.past_flux,
        members=len(trained.model.members) if isinstance(trained.model, Ensemble) else 1,
        quantiles=LEVELS if isinstance(trained.model, Ensemble) and trained.model.quantile_model is not None else None,
        provenance={
            "git_hash": origin["git_hash"],
            "config_hash": origin["config_hash"],
            "dataset_hash": origin["dataset_hash"],
            "seed": origin["seed"],
            "torch_version": origin["versions"]["torch"],
            "metrics": metrics,
        },
        reference=reference,
    )


def _script(trained: TrainedModel) -> torch.jit.ScriptModule:
    with _no_deprecation_warnings():
        return torch.jit.script(trained.model.eval())


@torch.no_grad()
def _step_reference(module: torch.jit.ScriptModule, days: ReferenceDays) -> np.ndarray:
    """Expected fluxes (T, N, C), stepped day by day as a host does."""
    fluxes, _ = step_through(module, days.drivers, days.calendar, module.init_state(days.static))
    return fluxes.transpose(0, 1).contiguous().numpy()


def _calendar(spec: ReferenceSpec) -> Tensor:
    """Calendar (T, 6) of the reference run from its first day."""
    start = spec.start_date
    first = cftime.datetime(start.year, start.month, start.day, calendar=spec.calendar)
    dates = cftime.num2date(np.arange(spec.nstep), f"days since {first.strftime('%Y-%m-%d')}", spec.calendar)
    return calendar_table(dates)


def _metrics_summary(run: RunFolder) -> dict[str, Any]:
    """Pooled R2, RMSE and nRMSE by part and target, if the run has been evaluated."""
    if not run.metrics.exists():
        return {}
    splits = json.loads(run.metrics.read_text())["splits"]
    return {
        part: {
            name: {metric: target["pooled"][metric] for metric in ("r2", "rmse", "nrmse")}
            for name, target in table["targets"].items()
        }
        for part, table in splits.items()
    }


def _no_deprecation_warnings() -> warnings.catch_warnings:
    """TorchScript is deprecated in torch 2.9 and later; we know, and need not tell every user."""
    return warnings.catch_warnings(action="ignore", category=DeprecationWarning)


if __name__ == "__main__":
    sys.exit(main())
