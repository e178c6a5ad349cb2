"""Write a trained model as an artefact that hosts couple, and verify what was written."""

import io
import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from emulator.artefact import metadata as artefact
from emulator.artefact import native
from emulator.artefact.code_check import NotTrusted
from emulator.artefact.continuing import training_record
from emulator.artefact.metadata import InputSpec, Metadata, Reference, ReferenceSpec, StaticSpec, TargetSpec
from emulator.artefact.module_file import load_module, no_deprecation_warnings
from emulator.artefact.native.checking import ProgramMismatch, check_program
from emulator.artefact.native.interpreter import Interpreter
from emulator.artefact.reference import ReferenceDays, reference_calendar, reference_days, step_reference
from emulator.models.wrappers.ensemble import Ensemble, combine
from emulator.models.wrappers.quantiles import LEVELS
from emulator.runs import quantile_file, trained_model
from emulator.runs.determinism import make_deterministic
from emulator.runs.run_folder import RunFolder
from emulator.runs.trained_model import TrainedModel
from foundations import atomic_file
from foundations.output_file import require_own_outputs
from foundations.provenance import now
from foundations.variables import Variable

log = logging.getLogger(__name__)


class ExportError(RuntimeError):
    """The written artefact does not do what the model does."""


class NativeError(ExportError):
    """The native program in the written artefact does not do what the model does."""


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
        trained, summary = trained_model.load_members([member_run.path for member_run in run], past_flux), {}
    if quantiles is not None:
        if bool(torch.isnan(quantiles.factor[0]).all()):
            log.warning(
                "%s has no quantiles at new sites, such as the cells of a host: see emulator.calibrate", out.name
            )
        members: Iterable[Any] = trained.model.members if isinstance(trained.model, Ensemble) else [trained.model]
        trained = replace(trained, model=combine(list(members), trained.signature, quantiles))
    make_deterministic(trained.config.training.threads)
    dataset = data or trained.config.data.path
    require_own_outputs({"--out": out}, [dataset])
    days = reference_days(dataset, trained.signature)
    module = _script(trained)
    reference = Reference(days.static.numpy(), days.drivers.transpose(0, 1).numpy(), step_reference(module, days))
    metadata = build_metadata(trained, days.spec, name or out.stem, summary)
    extras: dict[str, str | bytes] = {artefact.REFERENCE_FILE: reference.to_bytes()}
    if (training := training_record(trained)) is not None:
        extras[artefact.TRAINING_FILE] = training
    try:
        program = native.program_of(trained.model, trained.signature)
        return _write(out, module, metadata, extras, program)
    except (native.LoweringError, NativeError) as error:
        log.warning("%s has no native program and is coupled through libtorch: %s", out.name, error)
        return _write(out, module, metadata.model_copy(update={"native_unavailable": str(error)}), extras, None)


def _write(
    out: Path,
    module: torch.jit.ScriptModule,
    metadata: Metadata,
    extras: dict[str, str | bytes],
    program: native.Program | None,
) -> Metadata:
    """Write an artefact, verify what was written, and return its metadata. extras: files beside metadata and program,
    by name.
    """
    extras = dict(extras)
    if program is not None:
        metadata = metadata.model_copy(update={"backends": ("native", *metadata.backends)})
        extras[artefact.NATIVE_FILE], extras[artefact.NATIVE_CONSTANTS_FILE] = program.serialise()
    extras[artefact.METADATA_FILE] = json.dumps(metadata.model_dump(mode="json", exclude={"stub"}), indent=1)
    buffer = io.BytesIO()
    with no_deprecation_warnings():
        torch.jit.save(module, buffer, _extra_files=extras)
    with atomic_file.replacing(out) as temporary:
        temporary.write_bytes(buffer.getvalue())
        verify(temporary)
    return metadata


def verify(path: Path) -> float:
    """Read an artefact back and replay its reference run; the largest difference, ExportError if not zero.

    Of the native program, where there is one, days of every kind are compared; NativeError if one differs.
    """
    written = artefact.read_artefact(path)
    assert written.reference is not None
    assert written.metadata.reference is not None
    spec = written.metadata.reference
    days = ReferenceDays(
        torch.from_numpy(written.reference.static.copy()),
        torch.from_numpy(written.reference.drivers.copy()).transpose(0, 1),
        reference_calendar(spec),
        spec,
    )
    try:
        module = load_module(path)
    except NotTrusted as error:
        message = f"{error}; operations that only compute are listed in foundations/torchscript_operations.csv"
        raise ExportError(message) from None
    difference = float(np.abs(step_reference(module, days) - written.reference.expected).max())
    if difference != 0.0:
        message = f"{path}: replaying the reference run differs by {difference:g}; please report this"
        raise ExportError(message)
    if written.native is not None:
        expected = torch.from_numpy(written.reference.expected.copy()).transpose(0, 1)
        try:
            check_program(Interpreter(*written.native), module, days.static, days.drivers, days.calendar, expected)
        except ProgramMismatch as error:
            message = f"{path}: the native program differs from the model: {error}"
            raise NativeError(message) from error
    return difference


def build_metadata(trained: TrainedModel, reference: ReferenceSpec, name: str, metrics: dict[str, Any]) -> Metadata:
    """Everything that a reader of the artefact needs to know."""
    signature, origin = trained.signature, trained.provenance
    return Metadata(
        format_version=artefact.FORMAT_VERSION,
        name=name,
        kind=trained.config.model.kind,
        created=now(),
        backends=("torchscript",),
        state_size=trained.model.state_size,
        inputs=tuple(_input_spec(variable, trained.description["input_ranges"]) for variable in signature.inputs),
        statics=tuple(_static_spec(variable, trained.description["static_ranges"]) for variable in signature.statics),
        targets=tuple(_target_spec(variable) for variable in signature.targets),
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


def _input_spec(variable: Variable, ranges: dict[str, list[float]]) -> InputSpec:
    train_min, train_max = (None, None) if variable.flag_values else ranges[variable.name]
    return InputSpec(
        name=variable.name,
        units=variable.units,
        long_name=variable.long_name,
        role=variable.role,
        accumulate=variable.accumulate,
        valid_min=variable.valid_min,
        valid_max=variable.valid_max,
        train_min=train_min,
        train_max=train_max,
        flag_values=variable.flag_values or None,
        flag_meanings=variable.flag_meanings or None,
    )


def _static_spec(variable: Variable, ranges: dict[str, list[float]]) -> StaticSpec:
    train_min, train_max = (None, None) if variable.flag_values else ranges[variable.name]
    return StaticSpec(
        name=variable.name,
        units=variable.units,
        long_name=variable.long_name,
        valid_min=variable.valid_min,
        valid_max=variable.valid_max,
        train_min=train_min,
        train_max=train_max,
        flag_values=variable.flag_values or None,
        flag_meanings=variable.flag_meanings or None,
    )


def _target_spec(variable: Variable) -> TargetSpec:
    """Bounds that hold in some classes of sites only are none that a host may count on."""
    return TargetSpec(
        name=variable.name,
        units=variable.analysis_units,
        long_name=variable.long_name,
        min=None if variable.bounded_classes else variable.minimum,
        max=None if variable.bounded_classes else variable.maximum,
    )


def _script(trained: TrainedModel) -> torch.jit.ScriptModule:
    with no_deprecation_warnings():
        return torch.jit.script(trained.model.eval())


def _metrics_summary(run: RunFolder) -> dict[str, Any]:
    """Pooled R2, RMSE and nRMSE by part and target, if the run has been evaluated."""
    if not run.metrics.exists():
        return {}
    splits = run.read_metrics()["splits"]
    return {
        part: {
            name: {metric: target["pooled"][metric] for metric in ("r2", "rmse", "nrmse")}
            for name, target in table["targets"].items()
        }
        for part, table in splits.items()
    }
