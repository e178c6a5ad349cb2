"""Rules for ATen operations that move no numbers, or only move them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, fx

from emulator.artefact.native import symbols
from emulator.artefact.native.emission import elements
from emulator.artefact.native.errors import LoweringError
from emulator.artefact.native.program import Constant, Ref
from emulator.artefact.native.symbols import Factor, Parts, Patched, Symbol, broadcast, drop, insert, join, narrow

if TYPE_CHECKING:
    from emulator.artefact.native.lowering import Lowering


def _same(lowering: Lowering, node: fx.Node, a: Any, *_: Any, **__: Any) -> Any:
    return a


def _getitem(lowering: Lowering, node: fx.Node, a: Any, at: int) -> Any:
    return a if isinstance(a, Factor) else a[at]


def _reshape(lowering: Lowering, node: fx.Node, a: Symbol, *_: Any, **__: Any) -> Symbol:
    source = node.args[0]
    assert isinstance(source, fx.Node)
    _check_cells(lowering, source, node)
    return lowering.emission.reshaped(a, lowering.shape(node))


def _check_cells(lowering: Lowering, source: fx.Node, node: fx.Node) -> None:
    """Cells must stay the outermost part of their dimension, and what comes before it must stay what it is."""
    before, after = lowering.info(source), lowering.info(node)
    if before.cells is None or after.cells is None:
        return
    assert before.shape is not None and after.shape is not None
    if math.prod(before.shape[: before.cells]) != math.prod(after.shape[: after.cells]):
        raise LoweringError("the shape mixes cells with other dimensions")


def _select(lowering: Lowering, node: fx.Node, a: Symbol, dim: int, at: int) -> Symbol:
    size = a.shape[dim]
    if lowering.info(node.args[0]).cells == dim % len(a.shape):  # type: ignore[index]
        raise LoweringError("one cell is chosen among others")
    return symbols.select(_whole(lowering, a), dim % len(a.shape), at % size)


def _slice(
    lowering: Lowering, node: fx.Node, a: Symbol, dim: int = 0, start: Any = None, end: Any = None, step: int = 1
) -> Symbol:
    dim %= len(a.shape)
    size, wanted = a.shape[dim], lowering.shape(node)[dim]
    if wanted == size and step == 1:
        return a
    begin = 0 if start is None else max(0, start + size if start < 0 else start)
    return narrow(_whole(lowering, a), dim, min(begin, size), wanted, step)


def _whole(lowering: Lowering, a: Symbol) -> Symbol:
    return lowering.emission.reference(a) if isinstance(a, Patched) else a


def _split(lowering: Lowering, node: fx.Node, a: Symbol, sizes: int | list[int], dim: int = 0) -> list[Symbol]:
    dim %= len(a.shape)
    if isinstance(sizes, int):
        total = a.shape[dim]
        sizes = [min(sizes, total - begin) for begin in range(0, total, sizes)] or [0]
    found, begin, a = [], 0, _whole(lowering, a)
    for size in sizes:
        found.append(narrow(a, dim, begin, size))
        begin += size
    return found


def _unbind(lowering: Lowering, node: fx.Node, a: Symbol, dim: int = 0) -> list[Symbol]:
    dim %= len(a.shape)
    return [symbols.select(_whole(lowering, a), dim, at) for at in range(a.shape[dim])]


def _permute(lowering: Lowering, node: fx.Node, a: Symbol, order: list[int]) -> Symbol:
    return symbols.permute(_whole(lowering, a), [d % len(a.shape) for d in order])


def _transpose(lowering: Lowering, node: fx.Node, a: Symbol, one: int = 0, two: int = 1) -> Symbol:
    order = list(range(len(a.shape)))
    one, two = one % len(order), two % len(order)
    order[one], order[two] = order[two], order[one]
    return _permute(lowering, node, a, order)


def _t(lowering: Lowering, node: fx.Node, a: Symbol) -> Symbol:
    return a if len(a.shape) < 2 else _transpose(lowering, node, a)


def _expand(lowering: Lowering, node: fx.Node, a: Symbol, *_: Any, **__: Any) -> Symbol:
    return broadcast(_whole(lowering, a), lowering.shape(node))


def _unsqueeze(lowering: Lowering, node: fx.Node, a: Symbol, dim: int) -> Symbol:
    return insert(a, dim % (len(a.shape) + 1))


def _squeeze(lowering: Lowering, node: fx.Node, a: Symbol, dims: Any = None) -> Symbol:
    cells = lowering.info(node.args[0]).cells  # type: ignore[index]
    count = len(a.shape)
    chosen = range(count) if dims is None else [d % count for d in ([dims] if isinstance(dims, int) else dims)]
    for dim in sorted(chosen, reverse=True):
        if a.shape[dim] == 1 and dim != cells:
            a = drop(a, dim)
    return a


def _cat(lowering: Lowering, node: fx.Node, parts: list[Symbol], dim: int = 0) -> Symbol:
    shape, dtype = lowering.shape(node), lowering.dtype(node)
    dim %= len(shape)
    if lowering.info(node).cells == dim:
        raise LoweringError("cells are put beside other cells")
    kept = [part for part in parts if len(part.shape) == len(shape)]
    return join([lowering.emission.cast(part, dtype) for part in kept], dim)


def _stack(lowering: Lowering, node: fx.Node, parts: list[Symbol], dim: int = 0) -> Symbol:
    dim %= len(lowering.shape(node))
    return _cat(lowering, node, [insert(part, dim) for part in parts], dim)


def _flip(lowering: Lowering, node: fx.Node, a: Symbol, dims: list[int]) -> Symbol:
    for dim in (d % len(a.shape) for d in dims):
        a = join([narrow(a, dim, at, 1) for at in reversed(range(a.shape[dim]))], dim)
    return a


def _slice_scatter(
    lowering: Lowering,
    node: fx.Node,
    a: Symbol,
    source: Symbol,
    dim: int = 0,
    start: Any = None,
    end: Any = None,
    step: int = 1,
) -> Symbol:
    dim, size = dim % len(a.shape), a.shape[dim]
    if step != 1:
        raise LoweringError("elements with a step between them are replaced")
    begin = 0 if start is None else min(size, start + size if start < 0 else start)
    after = begin + source.shape[dim]
    whole = _whole(lowering, a)
    return join([narrow(whole, dim, 0, begin), source, narrow(whole, dim, after, size - after)], dim)


def _select_scatter(lowering: Lowering, node: fx.Node, a: Symbol, source: Symbol, dim: int, at: int) -> Symbol:
    dim %= len(a.shape)
    at %= a.shape[dim]
    return _slice_scatter(lowering, node, a, insert(source, dim), dim, at, at + 1)


def _index_select(lowering: Lowering, node: fx.Node, a: Symbol, dim: int, index: Symbol) -> Symbol:
    dim %= len(a.shape)
    if lowering.info(node).cells == dim:
        raise LoweringError("cells are chosen among cells")
    if isinstance(index, Ref) and isinstance(index.base, Constant):
        return _chosen(_whole(lowering, a), dim, [int(i) for i in elements(index).flatten()])
    if isinstance(a, Parts) and a.dim != dim:
        return join([_index_select(lowering, node, part, dim, index) for part in a.parts], a.dim)
    ref = lowering.emission.reference(a)
    if ref.index is not None or isinstance(ref.base, Constant):
        ref = lowering.emission.emit("copy", [ref], ref.shape, ref.base.dtype)
    parts: list[Symbol] = []
    for element in _elements(lowering, index):
        one = narrow(ref, dim, 0, 1)
        assert isinstance(one, Ref)
        where = lowering.index_of(element, ref.strides[dim])
        parts.append(Ref(one.base, one.offset, one.shape, one.strides, where))
    return join(parts, dim)


def _chosen(a: Symbol, dim: int, numbers: list[int]) -> Symbol:
    """Elements by number: runs of them that follow one another, or repeat, are one view each."""
    numbers = [number % a.shape[dim] for number in numbers]
    return join([narrow(a, dim, number, 1) for number in numbers], dim)


def _elements(lowering: Lowering, index: Symbol) -> list[Ref]:
    """The numbers of a uniform index, one by one."""
    count = math.prod(index.shape)
    if isinstance(index, Parts):
        flat = symbols.reshape(index, (count,))
        index = lowering.emission.reference(index) if flat is None else flat
    if isinstance(index, Parts):
        return [one for part in index.parts for one in _elements(lowering, part)]
    line = lowering.emission.reference(lowering.emission.reshaped(index, (count,)))
    found = []
    for number in range(count):
        one = narrow(line, 0, number, 1)
        assert isinstance(one, Ref)
        if isinstance(one.base, Constant):
            one = lowering.emission.emit("copy", [one], one.shape, one.base.dtype)
        found.append(one)
    return found


def _index(lowering: Lowering, node: fx.Node, a: Symbol, indices: list[Symbol | None]) -> Symbol:
    dims = [dim for dim, index in enumerate(indices) if index is not None]
    if len(dims) != 1:
        raise LoweringError("more than one dimension is indexed by arrays")
    index = indices[dims[0]]
    assert index is not None
    found = _index_select(lowering, node, a, dims[0], index)
    return found if len(index.shape) == 1 else lowering.emission.reshaped(found, lowering.shape(node))


def _index_copy(lowering: Lowering, node: fx.Node, a: Symbol, dim: int, index: Symbol, source: Symbol) -> Symbol:
    dim %= len(a.shape)
    if isinstance(index, Ref) and isinstance(index.base, Constant):
        numbers = [int(i) for i in elements(index).flatten()]
        for place, number in enumerate(numbers):
            a = _slice_scatter(lowering, node, a, narrow(source, dim, place, 1), dim, number, number + 1)
        return a
    places = _elements(lowering, index)
    if len(places) != 1 or any(size != 1 for size in a.shape[:dim]):
        raise LoweringError("more than one element is replaced where the day says")
    base = lowering.emission.reference(a)
    if not base.plain:
        base = lowering.emission.emit("copy", [base], base.shape, base.base.dtype)
    row = math.prod(a.shape[dim + 1 :])
    return Patched(base, lowering.index_of(places[0], row), source, a.shape)


def _roll(lowering: Lowering, node: fx.Node, a: Symbol, shifts: Any, dims: Any = ()) -> Symbol:
    shifts, dims = ([x] if isinstance(x, int) else list(x) for x in (shifts, dims))
    if not dims:
        raise LoweringError("a roll without dimensions")
    for shift, dim in zip(shifts, dims, strict=True):
        size = a.shape[dim]
        cut = -shift % size
        a = join([narrow(a, dim, cut, size - cut), narrow(a, dim, 0, cut)], dim)
    return a


def _to_copy(lowering: Lowering, node: fx.Node, a: Symbol, *_: Any, **__: Any) -> Symbol:
    dtype = lowering.info(node).dtype
    source = lowering.info(node.args[0]).dtype  # type: ignore[index]
    assert dtype is not None and source is not None
    if dtype == torch.bool and source != torch.bool:
        zero = lowering.emission.scalar(0.0, lowering.dtype(node.args[0]))  # type: ignore[arg-type]
        return lowering.emission.cast(lowering.emission.elementwise("ne", [a, zero], zero.base.dtype), torch.float32)
    if dtype in (torch.int64, torch.int32) and source.is_floating_point:
        raise LoweringError("a number is rounded to a whole one")
    if isinstance(a, Patched):
        a = lowering.emission.reference(a)
    return lowering.emission.cast(a, lowering.dtype(node))


def _nothing(lowering: Lowering, node: fx.Node, *_: Any, **__: Any) -> None:
    return None


def constant_of(symbol: Any) -> Tensor | None:
    """The numbers of a constant operand, None for others."""
    return elements(symbol) if isinstance(symbol, Ref) and isinstance(symbol.base, Constant) else None


RULES = {
    **dict.fromkeys(("alias", "detach", "clone", "contiguous", "lift_fresh_copy", "lift_fresh", "dropout"), _same),
    **dict.fromkeys(("view", "_unsafe_view", "reshape", "_reshape_alias", "flatten", "unflatten"), _reshape),
    "<built-in function getitem>": _getitem,
    "select": _select,
    "slice": _slice,
    **dict.fromkeys(("split", "split_with_sizes", "unsafe_split", "unsafe_split_with_sizes"), _split),
    **dict.fromkeys(("split_copy", "split_with_sizes_copy"), _split),
    "unbind": _unbind,
    "permute": _permute,
    "transpose": _transpose,
    "t": _t,
    "expand": _expand,
    "unsqueeze": _unsqueeze,
    "squeeze": _squeeze,
    "cat": _cat,
    "stack": _stack,
    "flip": _flip,
    "slice_scatter": _slice_scatter,
    "select_scatter": _select_scatter,
    "index_select": _index_select,
    "index": _index,
    "index_copy": _index_copy,
    "roll": _roll,
    "_to_copy": _to_copy,
    "_linalg_check_errors": _nothing,
    "_assert_tensor_metadata": _nothing,
}
