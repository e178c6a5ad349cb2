"""Native programs in memory: values, constants, references and operations, as docs/native_program.md defines them."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

VERSION = 1
JSON_FILE = "native.json"
BIN_FILE = "native.bin"
ALIGNMENT = 64

TYPES = {torch.float32: "f32", torch.float64: "f64"}


@dataclass(eq=False)
class Value:
    """Numbers of each cell, or of all cells alike (`uniform`)."""

    size: int
    dtype: torch.dtype = torch.float32
    uniform: bool = False


@dataclass(eq=False)
class Constant:
    """A contiguous float32 or float64 array."""

    data: Tensor

    @property
    def dtype(self) -> torch.dtype:
        return self.data.dtype

    @property
    def uniform(self) -> bool:
        return True


@dataclass(eq=False)
class State:
    """The state row before the step; only while lowering: programs load what they read of it."""

    size: int
    dtype: torch.dtype = torch.float32
    uniform: bool = False


class Index(NamedTuple):
    """A place that the day chooses: an element of a uniform value, times a stride, is added to an offset."""

    value: Value
    element: int
    stride: int


@dataclass(frozen=True)
class Ref:
    """A strided view of a value, a constant or the state."""

    base: Value | Constant | State
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    index: Index | None = None

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def span(self) -> int:
        """Elements from the first to the last that the reference touches, 0 if it is empty."""
        if self.size == 0:
            return 0
        return 1 + sum((n - 1) * t for n, t in zip(self.shape, self.strides, strict=True))

    @property
    def contiguous(self) -> bool:
        return all(n == 1 or t == c for n, t, c in zip(self.shape, self.strides, row_major(self.shape), strict=True))

    @property
    def plain(self) -> bool:
        """Contiguous and at a place that does not depend on the day."""
        return self.index is None and self.contiguous


def row_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Strides of a contiguous array."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))


def whole(base: Value | Constant) -> Ref:
    """All elements, as one dimension."""
    size = base.size if isinstance(base, Value) else base.data.numel()
    return Ref(base, 0, (size,), (1,))


@dataclass(eq=False)
class Op:
    """One operation: operands in `args` (those of `linear` are its inputs), everything else in `options`."""

    name: str
    out: Ref | None
    args: list[Ref]
    options: dict[str, Any] = field(default_factory=dict)

    def constants(self) -> Iterator[Constant]:
        """Constants that the operation names beside its operands."""
        return (value for value in self.options.values() if isinstance(value, Constant))

    def indices(self) -> Iterator[Index]:
        """The places that depend on the day."""
        yield from (ref.index for ref in (self.out, *self.args) if ref is not None and ref.index is not None)
        if self.options.get("index") is not None:
            yield self.options["index"]

    def work(self) -> tuple[int, int]:
        """Multiply-adds and other elementwise operations for each cell; 0 for what is done once for all cells."""
        if self.out is None or self.out.base.uniform or self.name in ("load", "input", "copy"):
            return 0, 0
        size = self.out.size
        if self.name == "linear":
            return self.options["weight"].data.numel() * (size // self.options["weight"].data.shape[0]), 0
        if self.name in ("contract", "reduce"):
            return self.args[0].size, 0
        if self.name in ("lstm", "gru"):
            return 0, 5 * size
        if self.name == "cholesky_solve":
            return size * self.out.shape[-1] ** 2 // 6 + 2 * size * self.out.shape[-1], 0
        return 0, size


@dataclass
class Method:
    """The operations of one method on one kind of day."""

    ops: list[Op]

    def values(self) -> list[Value]:
        """Values in the order in which they are written."""
        values: dict[Value, None] = {}
        for op in self.ops:
            if op.out is not None:
                assert isinstance(op.out.base, Value)
                values.setdefault(op.out.base)
        return list(values)

    def work(self) -> tuple[int, int]:
        """Multiply-adds and elementwise operations for each cell."""
        each = [op.work() for op in self.ops]
        return sum(macs for macs, _ in each), sum(others for _, others in each)


@dataclass
class Program:
    """All methods of a model. `methods`: by name, `init`, `day`, `month_end`, `year_end` and their `_observed`."""

    methods: dict[str, Method]

    def serialise(self) -> tuple[str, bytes]:
        """Contents of native.json and native.bin."""
        constants, blob = _Constants(), bytearray()
        programs = {name: _encode(method, constants) for name, method in self.methods.items()}
        table = []
        for data in constants.arrays:
            blob += b"\0" * (-len(blob) % ALIGNMENT)
            table.append({"type": TYPES[data.dtype], "shape": list(data.shape), "offset": len(blob)})
            kind = "<f4" if data.dtype == torch.float32 else "<f8"
            blob += data.contiguous().numpy().astype(kind).tobytes()
        content = {"version": VERSION, "constants": table, "programs": programs}
        return json.dumps(content, separators=(",", ":")), bytes(blob)

    def save(self, folder: Path) -> None:
        """Write native.json and native.bin into a folder, which is made if need be."""
        folder.mkdir(parents=True, exist_ok=True)
        text, blob = self.serialise()
        (folder / JSON_FILE).write_text(text)
        (folder / BIN_FILE).write_bytes(blob)


class _Constants:
    """Numbers of constants; equal ones have one number."""

    def __init__(self) -> None:
        self.arrays: list[Tensor] = []
        self._number: dict[Any, int] = {}

    def number(self, constant: Constant) -> int:
        data = constant.data.detach()
        key = (data.dtype, tuple(data.shape), data.contiguous().numpy().tobytes())
        if key not in self._number:
            self._number[key] = len(self.arrays)
            self.arrays.append(data)
        return self._number[key]


def _encode(method: Method, constants: _Constants) -> dict[str, Any]:
    numbers = {value: number for number, value in enumerate(method.values())}

    def index(place: Index) -> list[int]:
        return [numbers[place.value], place.element, place.stride]

    def reference(ref: Ref) -> dict[str, Any]:
        assert not isinstance(ref.base, State)
        if isinstance(ref.base, Value):
            item: dict[str, Any] = {"v": numbers[ref.base]}
        else:
            item = {"c": constants.number(ref.base)}
        if ref.offset:
            item["o"] = ref.offset
        item["n"] = list(ref.shape)
        if not ref.contiguous:
            item["t"] = list(ref.strides)
        if ref.index is not None:
            item["i"] = index(ref.index)
        return item

    ops = []
    for op in method.ops:
        item: dict[str, Any] = {"op": op.name}
        if op.out is not None:
            item["out"] = reference(op.out)
        if op.name == "linear":
            item["in"] = [reference(ref) for ref in op.args]
        else:
            item |= {letter: reference(ref) for letter, ref in zip("abc", op.args, strict=False)}
        for key, option in op.options.items():
            if key == "index":
                if option is not None:
                    item["i"] = index(option)
            else:
                item[key] = constants.number(option) if isinstance(option, Constant) else option
        ops.append(item)
    values = [{"type": TYPES[v.dtype], "size": v.size, "uniform": v.uniform} for v in numbers]
    return {"values": values, "ops": ops}
