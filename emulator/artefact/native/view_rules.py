"""Rules for ATen operations that move no numbers, or only move them."""

# ruff: noqa: ARG001 - rules of one table have one form of call, whatever each of them needs

import math
from typing import Any

import torch
from torch import Tensor, fx

from emulator.artefact.native import symbols
from emulator.artefact.native.context import Context, native_dtype
from emulator.artefact.native.emission import elements
from emulator.artefact.native.errors import LoweringError
from emulator.artefact.native.program import Constant, Ref
from emulator.artefact.native.symbols import Factor, Parts, Patched, Symbol, broadcast, drop, insert, join, narrow


def _same(context: Context, node: fx.Node, a: Any, *_: Any, **__: Any) -> Any:
    return a


def _getitem(context: Context, node: fx.Node, a: Any, at: int) -> Any:
    return a if isinstance(a, Factor) else a[at]


def _reshape(context: Context, node: fx.Node, a: Symbol, *_: Any, **__: Any) -> Symbol:
    source = node.args[0]
    assert isinstance(source, fx.Node)
    _check_cells(context, source, node)
    return context.emission.reshaped(a, context.shape(node))


def _check_cells(context: Context, source: fx.Node, node: fx.Node) -> None:
    """Cells must stay the outermost part of their dimension, and what comes before it must stay what it is."""
    before, after = context.info(source), context.info(node)
    if before.cells is None or after.cells is None:
        return
    assert before.shape is not None
    assert after.shape is not None
    if math.prod(before.shape[: before.cells]) != math.prod(after.shape[: after.cells]):
        message = "the shape mixes cells with other dimensions"
        raise LoweringError(message)


def _select(context: Context, node: fx.Node, a: Symbol, dim: int, at: int) -> Symbol:
    size = a.shape[dim]
    if context.operand_info(node).cells == dim % len(a.shape):
        message = "one cell is chosen among others"
        raise LoweringError(message)
    return symbols.select(_whole(context, a), dim % len(a.shape), at % size)


def _slice(
    context: Context, node: fx.Node, a: Symbol, dim: int = 0, start: Any = None, end: Any = None, step: int = 1
) -> Symbol:
    dim %= len(a.shape)
    size, length = a.shape[dim], context.shape(node)[dim]
    if length == size and step == 1:
        return a
    begin = 0 if start is None else max(0, start + size if start < 0 else start)
    return narrow(_whole(context, a), dim, min(begin, size), length, step)


def _whole(context: Context, a: Symbol) -> Symbol:
    return context.emission.reference(a) if isinstance(a, Patched) else a


def _split(context: Context, node: fx.Node, a: Symbol, sizes: int | list[int], dim: int = 0) -> list[Symbol]:
    dim %= len(a.shape)
    if isinstance(sizes, int):
        total = a.shape[dim]
        sizes = [min(sizes, total - begin) for begin in range(0, total, sizes)] or [0]
    pieces, begin, a = [], 0, _whole(context, a)
    for size in sizes:
        pieces.append(narrow(a, dim, begin, size))
        begin += size
    return pieces


def _unbind(context: Context, node: fx.Node, a: Symbol, dim: int = 0) -> list[Symbol]:
    dim %= len(a.shape)
    return [symbols.select(_whole(context, a), dim, at) for at in range(a.shape[dim])]


def _permute(context: Context, node: fx.Node, a: Symbol, order: list[int]) -> Symbol:
    return symbols.permute(_whole(context, a), [d % len(a.shape) for d in order])


def _transpose(context: Context, node: fx.Node, a: Symbol, first: int = 0, second: int = 1) -> Symbol:
    order = list(range(len(a.shape)))
    first, second = first % len(order), second % len(order)
    order[first], order[second] = order[second], order[first]
    return _permute(context, node, a, order)


def _t(context: Context, node: fx.Node, a: Symbol) -> Symbol:
    return a if len(a.shape) < 2 else _transpose(context, node, a)


def _expand(context: Context, node: fx.Node, a: Symbol, *_: Any, **__: Any) -> Symbol:
    return broadcast(_whole(context, a), context.shape(node))


def _unsqueeze(context: Context, node: fx.Node, a: Symbol, dim: int) -> Symbol:
    return insert(a, dim % (len(a.shape) + 1))


def _squeeze(context: Context, node: fx.Node, a: Symbol, dims: Any = None) -> Symbol:
    cells = context.operand_info(node).cells
    count = len(a.shape)
    chosen = range(count) if dims is None else [d % count for d in ([dims] if isinstance(dims, int) else dims)]
    for dim in sorted(chosen, reverse=True):
        if a.shape[dim] == 1 and dim != cells:
            a = drop(a, dim)
    return a


def _cat(context: Context, node: fx.Node, parts: list[Symbol], dim: int = 0) -> Symbol:
    shape, dtype = context.shape(node), context.dtype(node)
    dim %= len(shape)
    if context.info(node).cells == dim:
        message = "cells are put beside other cells"
        raise LoweringError(message)
    joined = [part for part in parts if len(part.shape) == len(shape)]
    return join([context.emission.cast(part, dtype) for part in joined], dim)


def _stack(context: Context, node: fx.Node, parts: list[Symbol], dim: int = 0) -> Symbol:
    dim %= len(context.shape(node))
    return _cat(context, node, [insert(part, dim) for part in parts], dim)


def _flip(context: Context, node: fx.Node, a: Symbol, dims: list[int]) -> Symbol:
    for dim in (d % len(a.shape) for d in dims):
        a = join([narrow(a, dim, at, 1) for at in reversed(range(a.shape[dim]))], dim)
    return a


def _slice_scatter(
    context: Context,
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
        message = "elements with a step between them are replaced"
        raise LoweringError(message)
    begin = 0 if start is None else min(size, start + size if start < 0 else start)
    after = begin + source.shape[dim]
    whole = _whole(context, a)
    return join([narrow(whole, dim, 0, begin), source, narrow(whole, dim, after, size - after)], dim)


def _select_scatter(context: Context, node: fx.Node, a: Symbol, source: Symbol, dim: int, at: int) -> Symbol:
    dim %= len(a.shape)
    at %= a.shape[dim]
    return _slice_scatter(context, node, a, insert(source, dim), dim, at, at + 1)


def _index_select(context: Context, node: fx.Node, a: Symbol, dim: int, index: Symbol) -> Symbol:
    dim %= len(a.shape)
    if context.info(node).cells == dim:
        message = "cells are chosen among cells"
        raise LoweringError(message)
    if isinstance(index, Ref) and isinstance(index.base, Constant):
        return _chosen(_whole(context, a), dim, [int(i) for i in elements(index).flatten()])
    if isinstance(a, Parts) and a.dim != dim:
        return join([_index_select(context, node, part, dim, index) for part in a.parts], a.dim)
    ref = context.emission.reference(a)
    if ref.index is not None or isinstance(ref.base, Constant):
        ref = context.emission.emit("copy", [ref], ref.shape, ref.base.dtype)
    parts: list[Symbol] = []
    for element in _elements(context, index):
        element_view = narrow(ref, dim, 0, 1)
        assert isinstance(element_view, Ref)
        where = context.index_of(element, ref.strides[dim])
        parts.append(Ref(element_view.base, element_view.offset, element_view.shape, element_view.strides, where))
    return join(parts, dim)


def _chosen(a: Symbol, dim: int, numbers: list[int]) -> Symbol:
    """Elements by number: runs of them that follow one another, or repeat, are one view each."""
    numbers = [number % a.shape[dim] for number in numbers]
    return join([narrow(a, dim, number, 1) for number in numbers], dim)


def _elements(context: Context, index: Symbol) -> list[Ref]:
    """The numbers of a uniform index, one by one."""
    count = math.prod(index.shape)
    if isinstance(index, Parts):
        flat = symbols.reshape(index, (count,))
        index = context.emission.reference(index) if flat is None else flat
    if isinstance(index, Parts):
        return [view for part in index.parts for view in _elements(context, part)]
    line = context.emission.reference(context.emission.reshaped(index, (count,)))
    views = []
    for number in range(count):
        view = narrow(line, 0, number, 1)
        assert isinstance(view, Ref)
        if isinstance(view.base, Constant):
            view = context.emission.emit("copy", [view], view.shape, view.base.dtype)
        views.append(view)
    return views


def _index(context: Context, node: fx.Node, a: Symbol, indices: list[Symbol | None]) -> Symbol:
    dims = [dim for dim, index in enumerate(indices) if index is not None]
    if len(dims) != 1:
        message = "more than one dimension is indexed by arrays"
        raise LoweringError(message)
    index = indices[dims[0]]
    assert index is not None
    selected = _index_select(context, node, a, dims[0], index)
    return selected if len(index.shape) == 1 else context.emission.reshaped(selected, context.shape(node))


def _index_copy(context: Context, node: fx.Node, a: Symbol, dim: int, index: Symbol, source: Symbol) -> Symbol:
    dim %= len(a.shape)
    if isinstance(index, Ref) and isinstance(index.base, Constant):
        numbers = [int(i) for i in elements(index).flatten()]
        for place, number in enumerate(numbers):
            a = _slice_scatter(context, node, a, narrow(source, dim, place, 1), dim, number, number + 1)
        return a
    places = _elements(context, index)
    if len(places) != 1 or any(size != 1 for size in a.shape[:dim]):
        message = "more than one element is replaced where the day says"
        raise LoweringError(message)
    base = context.emission.reference(a)
    if not base.plain:
        base = context.emission.emit("copy", [base], base.shape, base.base.dtype)
    row = math.prod(a.shape[dim + 1 :])
    return Patched(base, context.index_of(places[0], row), source, a.shape)


def _roll(context: Context, node: fx.Node, a: Symbol, shifts: Any, dims: Any = ()) -> Symbol:
    shifts, dims = ([x] if isinstance(x, int) else list(x) for x in (shifts, dims))
    if not dims:
        message = "a roll without dimensions"
        raise LoweringError(message)
    for shift, dim in zip(shifts, dims, strict=True):
        size = a.shape[dim]
        cut = -shift % size
        a = join([narrow(a, dim, cut, size - cut), narrow(a, dim, 0, cut)], dim)
    return a


def _to_copy(context: Context, node: fx.Node, a: Symbol, *_: Any, **__: Any) -> Symbol:
    dtype = context.info(node).dtype
    source = context.operand_info(node).dtype
    assert dtype is not None
    assert source is not None
    if dtype == torch.bool and source != torch.bool:
        zero = context.emission.scalar(0.0, native_dtype(source))
        return context.emission.cast(context.emission.elementwise("ne", [a, zero], zero.base.dtype), torch.float32)
    if dtype in (torch.int64, torch.int32) and source.is_floating_point:
        message = "a number is rounded to a whole one"
        raise LoweringError(message)
    if isinstance(a, Patched):
        a = context.emission.reference(a)
    return context.emission.cast(a, context.dtype(node))


def _nothing(context: Context, node: fx.Node, *_: Any, **__: Any) -> None:
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
