"""The artefact file `NAME.pt` seen from Python: metadata schema, reader, validator, and a writer of stub artefacts.

The format is specified in docs/formats.md, section 2. Nothing here needs torch: an artefact is a zip with
`<archive>/extra/ecostep.json` and `<archive>/extra/reference.f32`.
"""

import zipfile
import zlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal, Self

import numpy as np
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from foundations import atomic_file
from foundations.bounded_text import TooLarge, check_entries, json_value
from foundations.provenance import git_hash, now

FORMAT: Final = "ecostep-artefact"
FORMAT_VERSION = 1
METADATA_FILE = "ecostep.json"
REFERENCE_FILE = "reference.f32"
NATIVE_FILE = "native.json"
NATIVE_CONSTANTS_FILE = "native.bin"
TRAINING_FILE = "training.json"
NATIVE_STEP_SECONDS: Final = 86400
MOST_METADATA = 8 << 20
MOST_LEVELS = 16
"""Bytes, and levels of lists and objects, of the metadata; the coupler has the same bounds."""


class ArtefactError(ValueError):
    """A file that is not a usable artefact; the message names the file, what is wrong and what to do."""


class _Schema(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


_CLASS_KEYS = ("flag_values", "flag_meanings")


class _ClassSpec(_Schema):
    """Classes of a variable: codes, such as those of `biome`, and their meanings in the same order; None for a number.

    Artefacts of before have no meanings.
    """

    flag_values: tuple[int, ...] | None = None
    flag_meanings: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _as_many_meanings(self) -> Self:
        if self.flag_meanings is not None and len(self.flag_meanings) != len(self.flag_values or ()):
            message = f"flag_meanings has {len(self.flag_meanings)} words for {len(self.flag_values or ())} flag_values"
            raise ValueError(message)
        return self

    @model_serializer(mode="wrap")
    def _without_absent_classes(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What readers of before do not know is written where there is something to say."""
        content: dict[str, Any] = serialise(self)
        return {key: value for key, value in content.items() if value is not None or key not in _CLASS_KEYS}


class StaticSpec(_ClassSpec):
    """One static attribute: physical units, valid range (outside it is an error) and range seen in training."""

    name: str
    units: str
    long_name: str
    role: Literal["static"] = "static"
    valid_min: float | None = None
    valid_max: float | None = None
    train_min: float | None = None
    train_max: float | None = None


class InputSpec(_ClassSpec):
    """One daily driver in dataset units, and how sub-daily values become the daily one."""

    name: str
    units: str
    long_name: str
    role: Literal["slow", "fast", "state"]
    accumulate: Literal["mean", "min", "max", "sum", "last"] = "mean"
    valid_min: float | None = None
    valid_max: float | None = None
    train_min: float | None = None
    train_max: float | None = None


class TargetSpec(_Schema):
    """One flux in its analysis unit; `min` and `max` are constraints that the model keeps, None where there is none."""

    name: str
    units: str
    long_name: str
    min: float | None = None
    max: float | None = None


class ReferenceSpec(_Schema):
    """Shape and dates of the replayable run in `reference.f32`."""

    ncell: int = Field(ge=1)
    nstep: int = Field(ge=1)
    start_date: date
    calendar: Literal["standard", "noleap", "360_day"]


class StubSpec(_Schema):
    """The stub backend: flux = bias + weights x drivers; the output is state' = decay state + (1 - decay) flux."""

    bias: tuple[float, ...]
    weights: tuple[tuple[float, ...], ...]
    decay: tuple[float, ...]


class Metadata(_Schema):
    """Contents of `ecostep.json`."""

    format: Literal["ecostep-artefact"] = FORMAT
    format_version: int
    name: str
    kind: str
    created: str
    backends: tuple[Literal["native", "torchscript", "stub"], ...] = Field(min_length=1)
    native_step_seconds: Literal[86400] = NATIVE_STEP_SECONDS
    state_size: int = Field(ge=0)
    inputs: tuple[InputSpec, ...] = Field(min_length=1)
    statics: tuple[StaticSpec, ...] = ()
    targets: tuple[TargetSpec, ...] = Field(min_length=1)
    past_flux: Literal["none", "ungauged", "self_fed"] = "none"
    members: int = Field(default=1, ge=1)
    """Models whose mean the artefact gives."""
    quantiles: tuple[float, ...] | None = None
    """Levels that the method `quantiles` of the module gives, None where it has none."""
    provenance: dict[str, object] = {}
    native_unavailable: str | None = None
    """Why the artefact has no native program, None where it has one or none was asked for."""
    reference: ReferenceSpec | None = None
    stub: StubSpec | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for role, entries in (("inputs", self.inputs), ("statics", self.statics), ("targets", self.targets)):
            names = [entry.name for entry in entries]
            if len(set(names)) != len(names):
                message = f"{role} has a name twice: {', '.join(names)}"
                raise ValueError(message)
        if "torchscript" in self.backends and self.reference is None:
            message = "reference is missing: a torchscript artefact carries one"
            raise ValueError(message)
        if "native" in self.backends and self.native_unavailable is not None:
            message = "native_unavailable is given although backends names native"
            raise ValueError(message)
        if "stub" in self.backends:
            self._check_stub()
        return self

    def _check_stub(self) -> None:
        if self.stub is None:
            message = "stub is missing although backends names it"
            raise ValueError(message)
        drivers, targets = len(self.inputs), len(self.targets)
        shapes = (len(self.stub.bias), len(self.stub.decay), len(self.stub.weights))
        if shapes != (targets,) * 3 or any(len(row) != drivers for row in self.stub.weights):
            message = f"stub must have bias ({targets}), weights ({targets}, {drivers}) and decay ({targets})"
            raise ValueError(message)
        if self.state_size != targets:
            message = f"state_size of a stub is its number of targets, {targets}, not {self.state_size}"
            raise ValueError(message)


@dataclass(frozen=True)
class Reference:
    """A short run to replay: static (N, P), drivers (T, N, D), expected fluxes (T, N, C), float32."""

    static: np.ndarray
    drivers: np.ndarray
    expected: np.ndarray

    def to_bytes(self) -> bytes:
        """Little-endian float32 in the order of docs/formats.md."""
        return b"".join(np.ascontiguousarray(a, "<f4").tobytes() for a in (self.static, self.drivers, self.expected))


@dataclass(frozen=True)
class Artefact:
    """Validated metadata of a file, its reference run, its native program (native.json, native.bin) and its training
    record (training.json), where it has them.
    """

    path: Path
    metadata: Metadata
    reference: Reference | None
    native: tuple[bytes, bytes] | None = None
    training: bytes | None = None


def read_artefact(path: str | Path) -> Artefact:
    """Read and validate an artefact; raises ArtefactError naming the file and the fault."""
    path = Path(path)
    extras = _read_extras(path)
    metadata = parse_metadata(extras[METADATA_FILE], path)
    reference = None
    if metadata.reference is not None:
        if REFERENCE_FILE not in extras:
            message = f"{path}: extra/{REFERENCE_FILE} is missing; export the model again"
            raise ArtefactError(message)
        reference = _split_reference(extras[REFERENCE_FILE], metadata, path)
    native = None
    if "native" in metadata.backends:
        missing = [name for name in (NATIVE_FILE, NATIVE_CONSTANTS_FILE) if name not in extras]
        if missing:
            message = f"{path}: extra/{missing[0]} is missing; export the model again"
            raise ArtefactError(message)
        native = extras[NATIVE_FILE], extras[NATIVE_CONSTANTS_FILE]
    return Artefact(path, metadata, reference, native, extras.get(TRAINING_FILE))


def parse_metadata(content: bytes, path: str | Path) -> Metadata:
    """Metadata from the bytes of `ecostep.json`; `path` is named in errors."""
    try:
        raw = json_value(content, MOST_METADATA, MOST_LEVELS)
    except TooLarge as error:
        message = f"{path}: extra/{METADATA_FILE} {error}"
        raise ArtefactError(message) from None
    except (ValueError, RecursionError) as error:
        message = f"{path}: extra/{METADATA_FILE} is not JSON: {error}"
        raise ArtefactError(message) from None
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        form = raw.get("format") if isinstance(raw, dict) else type(raw).__name__
        message = f'{path}: not an ecostep artefact: "format" is {form!r}, expected "{FORMAT}"'
        raise ArtefactError(message)
    version = raw.get("format_version")
    if not isinstance(version, int) or version < 1:
        message = f'{path}: "format_version" must be a positive integer, found {version!r}'
        raise ArtefactError(message)
    if version > FORMAT_VERSION:
        message = (
            f"{path}: artefact format version {version} is newer than {FORMAT_VERSION}, the newest this ecostep reads; "
            "update ecostep or export the model with this version"
        )
        raise ArtefactError(message)
    try:
        return Metadata.model_validate(raw)
    except ValidationError as error:
        faults = "; ".join(f"{_place(item['loc'])}: {item['msg']}" for item in error.errors())
        message = f"{path}: extra/{METADATA_FILE} is invalid: {faults}"
        raise ArtefactError(message) from None


def write_stub_artefact(
    path: str | Path,
    *,
    inputs: list[InputSpec],
    targets: list[TargetSpec],
    weights: np.ndarray,
    bias: np.ndarray | None = None,
    decay: np.ndarray | None = None,
    statics: list[StaticSpec] | None = None,
    name: str = "stub",
) -> Metadata:
    """Write a stub artefact, with which a host is built and tested without torch, and return its metadata.

    weights: (C, D) target units per driver unit; bias: (C,) target units; decay: (C,) in 0..1 per day; both default to
    0.
    """
    zeros = np.zeros(len(targets))
    stub = StubSpec(
        bias=tuple((zeros if bias is None else np.asarray(bias, float)).tolist()),
        weights=tuple(tuple(row) for row in np.asarray(weights, float).tolist()),
        decay=tuple((zeros if decay is None else np.asarray(decay, float)).tolist()),
    )
    metadata = Metadata(
        format_version=FORMAT_VERSION,
        name=name,
        kind="stub",
        created=now(),
        backends=("stub",),
        state_size=len(targets),
        inputs=tuple(inputs),
        statics=tuple(statics or ()),
        targets=tuple(targets),
        provenance={"git_hash": git_hash()},
        stub=stub,
    )
    with atomic_file.replacing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(f"archive/extra/{METADATA_FILE}", metadata.model_dump_json(indent=1))
    return metadata


def _read_extras(path: Path) -> dict[str, bytes]:
    """The files under `<archive>/extra/`, by name."""
    if not path.is_file():
        message = f"{path}: no such file"
        raise ArtefactError(message)
    if not zipfile.is_zipfile(path):
        message = f"{path}: not an ecostep artefact: not a zip archive, or cut short; export the model again"
        raise ArtefactError(message)
    try:
        with zipfile.ZipFile(path) as archive:
            check_entries(archive)
            damaged = archive.testzip()
            if damaged is not None:
                message = f"{path}: damaged: the checksum of {damaged} is wrong; export the model again"
                raise ArtefactError(message)
            names = [name for name in archive.namelist() if name.split("/")[-2:-1] == ["extra"]]
            extras = {name.rsplit("/", 1)[1]: archive.read(name) for name in names}
    except TooLarge as error:
        message = f"{path}: {error}; export the model again"
        raise ArtefactError(message) from None
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        message = f"{path}: damaged zip archive ({error}); export the model again"
        raise ArtefactError(message) from None
    if METADATA_FILE not in extras:
        message = (
            f"{path}: not an ecostep artefact: it has no extra/{METADATA_FILE}; "
            "a training checkpoint is made into an artefact by `python -m emulator.export RUN --out model.pt`"
        )
        raise ArtefactError(message)
    return extras


def _split_reference(content: bytes, metadata: Metadata, path: Path) -> Reference:
    """Cut `reference.f32` into its three arrays."""
    assert metadata.reference is not None
    ncell, nstep = metadata.reference.ncell, metadata.reference.nstep
    shapes = [
        (ncell, len(metadata.statics)),
        (nstep, ncell, len(metadata.inputs)),
        (nstep, ncell, len(metadata.targets)),
    ]
    sizes = [int(np.prod(shape)) for shape in shapes]
    if len(content) != 4 * sum(sizes):
        message = (
            f"{path}: extra/{REFERENCE_FILE} has {len(content)} bytes, the metadata calls for {4 * sum(sizes)}; "
            "export the model again"
        )
        raise ArtefactError(message)
    parts = np.split(np.frombuffer(content, "<f4"), np.cumsum(sizes)[:-1])
    static, drivers, expected = (part.reshape(shape) for part, shape in zip(parts, shapes, strict=True))
    return Reference(static, drivers, expected)


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "top level"
