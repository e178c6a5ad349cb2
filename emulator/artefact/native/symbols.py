"""What the result of a node is before it is computed: views of values, and values that lie in parts."""

import math
from dataclasses import dataclass

import torch

from emulator.artefact.native.errors import LoweringError
from emulator.artefact.native.program import Index, Ref, row_major


@dataclass(frozen=True)
class Parts:
    """Parts along a dimension, each of which is a view of something of its own."""

    dim: int
    parts: tuple["Symbol", ...]

    @property
    def shape(self) -> tuple[int, ...]:
        first = self.parts[0].shape
        return (*first[: self.dim], sum(part.shape[self.dim] for part in self.parts), *first[self.dim + 1 :])


@dataclass(frozen=True)
class Patched:
    """A contiguous array of which `source` replaces a run of elements that begins where the day says."""

    base: Ref
    index: Index
    source: "Symbol"
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Factor:
    """The Cholesky factor of a matrix, which is only ever solved with."""

    matrix: "Symbol"


Symbol = Ref | Parts | Patched


def dtype_of(symbol: Symbol) -> torch.dtype:
    """Type of the numbers."""
    if isinstance(symbol, Parts):
        return dtype_of(symbol.parts[0])
    return symbol.base.base.dtype if isinstance(symbol, Patched) else symbol.base.dtype


def join(parts: list[Symbol], dim: int) -> Symbol:
    """Concatenation; parts of parts are joined, empty ones left out, neighbours in one array made one."""
    flat: list[Symbol] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, Parts) and part.dim == dim else [part])
    filled = [part for part in flat if part.shape[dim]] or flat[:1]
    merged = filled[:1]
    for part in filled[1:]:
        both = _adjacent(merged[-1], part, dim)
        if both is None:
            merged.append(part)
        else:
            merged[-1] = both
    return merged[0] if len(merged) == 1 else Parts(dim, tuple(merged))


def _adjacent(first: Symbol, second: Symbol, dim: int) -> Ref | None:
    if not (isinstance(first, Ref) and isinstance(second, Ref)) or first.base is not second.base:
        return None
    if first.index != second.index:
        return None
    others = [d for d in range(len(first.shape)) if d != dim and first.shape[d] != 1]
    if any(first.strides[d] != second.strides[d] for d in others):
        return None
    step = second.offset - first.offset
    if step < 0 or step % first.shape[dim]:
        return None
    stride = step // first.shape[dim]
    for part in (first, second):
        if part.shape[dim] != 1 and part.strides[dim] != stride:
            return None
    shape, strides = list(first.shape), list(first.strides)
    shape[dim] += second.shape[dim]
    strides[dim] = stride
    return Ref(first.base, first.offset, tuple(shape), tuple(strides), first.index)


def narrow(symbol: Symbol, dim: int, start: int, length: int, step: int = 1) -> Symbol:
    """`length` elements of a dimension, `step` apart."""
    if (start, length, step) == (0, symbol.shape[dim], 1):
        return symbol
    if isinstance(symbol, Patched):
        message = "slice of an array with an element that the day chooses"
        raise LoweringError(message)
    if isinstance(symbol, Ref):
        shape, strides = list(symbol.shape), list(symbol.strides)
        offset = symbol.offset + (start * strides[dim] if length else 0)
        shape[dim], strides[dim] = length, strides[dim] * step
        return Ref(symbol.base, offset, tuple(shape), tuple(strides), symbol.index)
    if dim != symbol.dim:
        return join([narrow(part, dim, start, length, step) for part in symbol.parts], symbol.dim)
    if step != 1:
        return join([narrow(symbol, dim, start + i * step, 1) for i in range(length)], dim)
    pieces, begin = [], 0
    for part in symbol.parts:
        size = part.shape[dim]
        first, last = max(start, begin), min(start + length, begin + size)
        if first < last:
            pieces.append(narrow(part, dim, first - begin, last - first))
        begin += size
    return join(pieces or [narrow(symbol.parts[0], dim, 0, 0)], dim)


def drop(symbol: Symbol, dim: int) -> Symbol:
    """Leave out a dimension of size 1."""
    if isinstance(symbol, Patched):
        return Patched(symbol.base, symbol.index, symbol.source, _without(symbol.shape, dim))
    if isinstance(symbol, Ref):
        return Ref(symbol.base, symbol.offset, _without(symbol.shape, dim), _without(symbol.strides, dim), symbol.index)
    parts_dim = symbol.dim - (dim < symbol.dim)
    return join([drop(part, dim) for part in symbol.parts], parts_dim)


def select(symbol: Symbol, dim: int, at: int) -> Symbol:
    """One element of a dimension, which goes."""
    return drop(narrow(symbol, dim, at, 1), dim)


def insert(symbol: Symbol, dim: int) -> Symbol:
    """A new dimension of size 1."""
    if isinstance(symbol, Parts):
        parts_dim = symbol.dim + (dim <= symbol.dim)
        return join([insert(part, dim) for part in symbol.parts], parts_dim)
    shape = (*symbol.shape[:dim], 1, *symbol.shape[dim:])
    if isinstance(symbol, Patched):
        return Patched(symbol.base, symbol.index, symbol.source, shape)
    return Ref(symbol.base, symbol.offset, shape, (*symbol.strides[:dim], 0, *symbol.strides[dim:]), symbol.index)


def permute(symbol: Symbol, order: list[int]) -> Symbol:
    """Dimensions in another order."""
    if isinstance(symbol, Parts):
        return join([permute(part, order) for part in symbol.parts], order.index(symbol.dim))
    if isinstance(symbol, Patched):
        message = "transpose of an array with an element that the day chooses"
        raise LoweringError(message)
    shape, strides = tuple(symbol.shape[d] for d in order), tuple(symbol.strides[d] for d in order)
    return Ref(symbol.base, symbol.offset, shape, strides, symbol.index)


def broadcast(symbol: Symbol, shape: tuple[int, ...]) -> Symbol:
    """Repeat dimensions of size 1, and put new ones in front, up to `shape`."""
    for _ in range(len(shape) - len(symbol.shape)):
        symbol = insert(symbol, 0)
    if symbol.shape == shape:
        return symbol
    if isinstance(symbol, Parts):
        sizes = [(*shape[: symbol.dim], part.shape[symbol.dim], *shape[symbol.dim + 1 :]) for part in symbol.parts]
        parts = [broadcast(part, size) for part, size in zip(symbol.parts, sizes, strict=True)]
        return join(parts, symbol.dim)
    if isinstance(symbol, Patched):
        message = "expansion of an array with an element that the day chooses"
        raise LoweringError(message)
    strides = tuple(0 if n != m else t for n, m, t in zip(symbol.shape, shape, symbol.strides, strict=True))
    return Ref(symbol.base, symbol.offset, shape, strides, symbol.index)


def reshape(symbol: Symbol, shape: tuple[int, ...]) -> Symbol | None:
    """The same elements in another shape, None where that takes a copy."""
    if symbol.shape == shape:
        return symbol
    if isinstance(symbol, Patched):
        return Patched(symbol.base, symbol.index, symbol.source, shape)
    if isinstance(symbol, Ref):
        strides = _reshaped(symbol.shape, symbol.strides, shape)
        return None if strides is None else Ref(symbol.base, symbol.offset, shape, strides, symbol.index)
    return _reshape_parts(symbol, shape)


def _reshape_parts(symbol: Parts, shape: tuple[int, ...]) -> Symbol | None:
    """Parts one after another in memory: every dimension before the first of more than one element is of size 1."""
    before = math.prod(symbol.shape[: symbol.dim])
    dim, done = 0, 1
    while dim < len(shape) and (done < before or shape[dim] == 1):
        done *= shape[dim]
        dim += 1
    if done != before or dim == len(shape):
        return None
    inner = math.prod(shape[dim + 1 :])
    parts: list[Symbol] = []
    for part in symbol.parts:
        size = part.size if isinstance(part, Ref) else math.prod(part.shape)
        if size // before % inner if inner else True:
            return None
        view = reshape(part, (*shape[:dim], size // before // inner, *shape[dim + 1 :]))
        if view is None:
            return None
        parts.append(view)
    return join(parts, dim)


def _reshaped(shape: tuple[int, ...], strides: tuple[int, ...], new: tuple[int, ...]) -> tuple[int, ...] | None:
    """Strides of a view in a new shape, None where there is none."""
    if math.prod(shape) == 0:
        return row_major(new)
    old = [(n, t) for n, t in zip(shape, strides, strict=True) if n != 1]
    runs: list[tuple[int, int]] = []  # dimensions that can be merged, as size and innermost stride
    for n, t in old:
        size, stride = runs[-1] if runs else (1, 0)
        if runs and stride == n * t:
            runs[-1] = (size * n, t)
        else:
            runs.append((n, t))
    new_strides: list[int] = []
    remaining_runs = runs[::-1]
    left, stride = remaining_runs.pop() if runs else (1, 1)  # elements of the run that no dimension has taken yet
    for n in new:
        if n == 1:
            new_strides.append(0)
            continue
        if left == 1:
            left, stride = remaining_runs.pop()
        if left % n:
            return None
        left //= n
        new_strides.append(left * stride)
    return tuple(new_strides)


def _without(items: tuple[int, ...], dim: int) -> tuple[int, ...]:
    return (*items[:dim], *items[dim + 1 :])
