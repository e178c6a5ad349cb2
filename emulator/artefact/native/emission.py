"""Writing operations one after another: constants, common subexpressions, elementwise operations on parts."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from emulator.artefact.native.interpreter import ELEMENTWISE
from emulator.artefact.native.program import Constant, Op, Ref, State, Value, row_major
from emulator.artefact.native.symbols import (
    Parts,
    Patched,
    Symbol,
    broadcast,
    dtype_of,
    insert,
    join,
    narrow,
    permute,
    reshape,
)

MOST_RUNS = 8
"""An elementwise operation with a constant of ones and zeros is cut where it changes, into no more pieces than this."""

COSTLY = {"exp", "log", "log1p", "sin", "cos", "tanh", "sigmoid", "gelu", "softplus", "sinh", "asinh", "sqrt"}


class Emission:
    """The operations of one method so far."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.ops: list[Op] = []
        self._written: dict[Any, Ref] = {}
        self._copies: dict[Symbol, Ref] = {}
        self._writer: dict[Value, Op | None] = {}

    # --- constants ---

    def constant(self, data: Tensor) -> Ref:
        """A tensor as an operand; whole numbers become float64, truth values float32."""
        if data.dtype not in (torch.float32, torch.float64):
            data = data.to(torch.float32 if data.dtype == torch.bool else torch.float64)
        shape = tuple(data.shape)
        if data.numel() > 1 and bool((data == data.flatten()[0]).all()):
            return Ref(Constant(data.flatten()[:1].reshape([]).clone()), 0, shape, (0,) * len(shape))
        return Ref(Constant(data.contiguous().clone()), 0, shape, row_major(shape))

    def scalar(self, number: float, dtype: torch.dtype) -> Ref:
        """A number as an operand."""
        return self.constant(torch.tensor(number, dtype=dtype))

    # --- operations ---

    def emit(self, name: str, args: Sequence[Ref], shape: tuple[int, ...], dtype: torch.dtype, **options: Any) -> Ref:
        """Write an operation with a result of its own, unless it has been written before."""
        key = (name, tuple(_identity(ref) for ref in args), shape, dtype, tuple(sorted(options.items(), key=str)))
        if key not in self._written:
            out = self.new(shape, dtype, all(ref.base.uniform for ref in args) and name != "input")
            self.write(Op(name, out, list(args), options))
            self._written[key] = out
        return self._written[key]

    def new(self, shape: tuple[int, ...], dtype: torch.dtype, uniform: bool = False) -> Ref:
        """A value to be written."""
        return Ref(Value(math.prod(shape), dtype, uniform), 0, shape, row_major(shape))

    def write(self, op: Op) -> None:
        """Append an operation."""
        self.ops.append(op)
        if op.out is not None:
            base = op.out.base
            assert isinstance(base, Value)
            self._writer[base] = None if base in self._writer else op

    def reference(self, symbol: Symbol) -> Ref:
        """One view of one value: what lies in parts is copied together."""
        if isinstance(symbol, Ref):
            return symbol
        if symbol not in self._copies:
            self._copies[symbol] = self._patch(symbol) if isinstance(symbol, Patched) else self._gather(symbol)
        return self._copies[symbol]

    def _gather(self, symbol: Parts) -> Ref:
        parts = [self.reference(part) for part in symbol.parts]
        uniform = all(part.base.uniform for part in parts)
        out = self.new(symbol.shape, parts[0].base.dtype, uniform)
        begin = 0
        for part in parts:
            size = part.shape[symbol.dim]
            place = narrow(out, symbol.dim, begin, size)
            assert isinstance(place, Ref)
            self.write(Op("copy", place, [part]))
            begin += size
        return out

    def _patch(self, symbol: Patched) -> Ref:
        """Choose between source and base by the number of the element."""
        index = symbol.index
        length = self.reference(symbol.source).size
        source = self.reference(self.reshaped(symbol.source, (1, length)))
        rows = -(-symbol.base.size // index.stride)
        if length != index.stride or rows * index.stride != symbol.base.size:
            message = "a patch is one row of a table"
            raise ValueError(message)
        base = self.reshaped(symbol.base, (rows, length))
        number = self.constant(torch.arange(rows, dtype=torch.float64).unsqueeze(1))
        replaced = self.elementwise("eq", [number, Ref(index.value, index.element, (1, 1), (0, 0))], torch.float64)
        chosen = self.elementwise("where", [self.cast(replaced, torch.float32), source, base], dtype_of(source))
        return self.reference(self.reshaped(chosen, symbol.shape))

    def reshaped(self, symbol: Symbol, shape: tuple[int, ...]) -> Symbol:
        """The same elements in another shape, copied where there is no view."""
        view = reshape(symbol, shape)
        if view is not None:
            return view
        ref = self.reference(symbol)
        view = reshape(ref, shape)
        if view is None:
            copied = self.emit("copy", [ref], ref.shape, ref.base.dtype)
            view = reshape(copied, shape)
        assert view is not None
        return view

    def cast(self, symbol: Symbol, dtype: torch.dtype) -> Symbol:
        """The same numbers in another type."""
        if isinstance(symbol, Parts):
            return join([self.cast(part, dtype) for part in symbol.parts], symbol.dim)
        if dtype_of(symbol) == dtype:
            return symbol
        ref = self.reference(symbol)
        if isinstance(ref.base, Constant):
            return Ref(Constant(ref.base.data.to(dtype)), ref.offset, ref.shape, ref.strides)
        return self.emit("cast", [ref], ref.shape, dtype)

    # --- elementwise ---

    def elementwise(self, name: str, args: Sequence[Symbol], dtype: torch.dtype) -> Symbol:
        """An operation on broadcast operands; where they lie in parts, part by part."""
        shape = torch.broadcast_shapes(*(arg.shape for arg in args))
        shape = tuple(shape)
        if 0 in shape:
            return self.constant(torch.zeros(shape, dtype=dtype))
        spread = [broadcast(arg if not isinstance(arg, Patched) else self.reference(arg), shape) for arg in args]
        cuts = self._cuts(name, spread, shape)
        if cuts is None:
            refs = [self.reference(broadcast(self.reference(arg), shape)) for arg in args]
            return self._simplified(name, refs, shape, dtype) or self._elementwise(name, refs, shape, dtype)
        dim, bounds = cuts
        pieces: list[tuple[int, tuple[int, ...], list[Ref], Symbol | None]] = []
        for begin, end in itertools.pairwise(bounds):
            part = (*shape[:dim], end - begin, *shape[dim + 1 :])
            refs = [self.reference(narrow(arg, dim, begin, end - begin)) for arg in spread]
            pieces.append((begin, part, refs, self._simplified(name, refs, part, dtype)))
        if any(simple is not None for *_, simple in pieces):
            return join([simple or self._elementwise(name, refs, part, dtype) for _, part, refs, simple in pieces], dim)
        uniform = all(ref.base.uniform for _, _, refs, _ in pieces for ref in refs)
        out = self.new(shape, dtype, uniform)
        for begin, part, refs, _ in pieces:
            place = narrow(out, dim, begin, part[dim])
            assert isinstance(place, Ref)
            self.write(Op(name, place, refs))
        return out

    def _elementwise(self, name: str, refs: list[Ref], shape: tuple[int, ...], dtype: torch.dtype) -> Ref:
        if name == "where" and isinstance(refs[0].base, Constant):
            refs = [refs[0], *(self.pulled(ref) for ref in refs[1:])]
        return self.emit(name, refs, shape, dtype)

    def _cuts(self, name: str, args: Sequence[Symbol], shape: tuple[int, ...]) -> tuple[int, list[int]] | None:
        """A dimension, and where to cut it, so that no piece lies in parts; None for no cut.

        The pieces of a result lie one after another, so only the first dimension of more than one element can be cut.
        """
        dim = next((d for d, size in enumerate(shape) if size != 1), None)
        parts = [arg for arg in args if isinstance(arg, Parts)]
        if dim is None or any(arg.dim != dim for arg in parts):
            return None
        bounds = {0, shape[dim]}
        for arg in parts:
            end = 0
            for part in arg.parts:
                end += part.shape[dim]
                bounds.add(end)
        if all(size == 1 for d, size in enumerate(shape) if d != dim):
            for number, operand in enumerate(args):
                if isinstance(operand, Ref) and isinstance(operand.base, Constant):
                    bounds |= _changes(name, number, elements(operand).flatten())
        return (dim, sorted(bounds)) if len(bounds) > 2 else None

    def _simplified(self, name: str, refs: list[Ref], shape: tuple[int, ...], dtype: torch.dtype) -> Symbol | None:
        """What an operation comes to where constants decide it; None where it has to be done."""
        constants = [elements(ref) if isinstance(ref.base, Constant) else None for ref in refs]
        if all(data is not None for data in constants):
            return self.constant(_compute(name, [data for data in constants if data is not None], dtype))
        match name:
            case "where":
                return self._where(constants[0], refs)
            case "mul" | "and":
                return self._product(constants, refs, shape, dtype)
            case "add":
                return next((ref for data, ref in zip(constants, reversed(refs), strict=True) if _all(data, 0)), None)
            case "sub":
                return refs[0] if _all(constants[1], 0) else None
            case "div":
                return self._quotient(constants, refs, shape, dtype)
        return None

    def _where(self, condition: Tensor | None, refs: list[Ref]) -> Symbol | None:
        _, chosen, otherwise = refs
        if _all(condition, 0):
            return self.pulled(otherwise)
        return self.pulled(chosen) if condition is not None and bool((condition != 0).all()) else None

    def _product(
        self, constants: list[Tensor | None], refs: list[Ref], shape: tuple[int, ...], dtype: torch.dtype
    ) -> Symbol | None:
        for factor, ref in zip(constants, reversed(refs), strict=True):
            if _all(factor, 1):
                return ref
            if _all(factor, 0):
                return self.constant(torch.zeros(shape, dtype=dtype))
        return None

    def _quotient(
        self, constants: list[Tensor | None], refs: list[Ref], shape: tuple[int, ...], dtype: torch.dtype
    ) -> Symbol | None:
        numerator, denominator = constants
        if _all(denominator, 1) or (_all(numerator, 0) and self._positive(refs[1])):
            return refs[0]
        if denominator is None or not bool((denominator != 0).all()):
            return None
        inverse = self.constant((1.0 / denominator.double()).to(dtype))
        return self.emit("mul", [refs[0], inverse], shape, dtype)

    def _positive(self, ref: Ref) -> bool:
        """Whether numbers are known to be more than 0: they have been clamped."""
        op = self._writer.get(ref.base) if isinstance(ref.base, Value) else None
        return (
            op is not None
            and op.name == "max"
            and any(isinstance(arg.base, Constant) and bool((elements(arg) > 0).all()) for arg in op.args)
        )

    def pulled(self, ref: Ref) -> Ref:
        """A view of a part of the result of a costly function: the function of that part alone."""
        base = ref.base
        if not isinstance(base, Value) or ref.size == base.size or not ref.plain:
            return ref
        op = self._writer.get(base)
        if op is None or op.name not in COSTLY or op.out is None or op.out.size != base.size:
            return ref
        dims = [d for d, size in enumerate(op.out.shape) if size != 1]
        if len(dims) != 1:
            return ref
        args = [narrow(arg, dims[0], ref.offset, ref.size) for arg in op.args]
        view = reshape(self.reference(self.elementwise(op.name, args, base.dtype)), ref.shape)
        assert isinstance(view, Ref)
        return view

    # --- sums of products ---

    def linear(self, inputs: Symbol, weight: Tensor, bias: Tensor | None) -> Symbol:
        """inputs: (..., K); weight: (n, K); bias: (n) -> (..., n). Constant inputs go into the bias."""
        dim = len(inputs.shape) - 1
        if isinstance(inputs, Parts) and inputs.dim != dim:
            inputs = self.reference(inputs)
        pieces = list(inputs.parts) if isinstance(inputs, Parts) else [inputs]
        parts, columns, begin, lead = [], [], 0, inputs.shape[:-1]
        for piece in pieces:
            ref, end = self.reference(piece), begin + piece.shape[dim]
            piece_weight = weight[:, begin:end]
            begin = end
            if isinstance(ref.base, Constant):
                rows = elements(ref).reshape(-1, ref.shape[dim])
                if bool((rows == rows[:1]).all()):
                    constant_part = piece_weight.double() @ rows[0].double()
                    bias = (constant_part if bias is None else bias.double() + constant_part).to(weight.dtype)
                    continue
            parts.append(ref)
            columns.append(piece_weight)
        if not parts:
            row = torch.zeros(weight.shape[0], dtype=weight.dtype) if bias is None else bias
            return broadcast(self.constant(row), (*lead, len(row)))
        options = {
            "weight": Constant(torch.cat(columns, dim=1).contiguous()),
            "bias": None if bias is None else Constant(bias.contiguous()),
            "act": "none",
        }
        return self.emit("linear", parts, (*lead, weight.shape[0]), weight.dtype, **options)

    def contract(self, a: Symbol, b: Symbol, dims: int) -> Symbol:
        """Sum over the last `dims` dimensions of the product of two views of the same shape."""
        left, right = self.reference(a), self.reference(b)
        return self.emit("contract", [left, right], left.shape[: len(left.shape) - dims], left.base.dtype, k=dims)

    def reduce(self, how: str, a: Symbol, dims: list[int], keep: bool) -> Symbol:
        """`sum`, `mean` or `max` over dimensions."""
        reduced: Symbol
        ref = self.reference(a)
        free_dims = [d for d in range(len(ref.shape)) if d not in dims]
        order = (*free_dims, *dims)
        moved = Ref(
            ref.base,
            ref.offset,
            tuple(ref.shape[d] for d in order),
            tuple(ref.strides[d] for d in order),
            ref.index,
        )
        product = self._writer.get(ref.base) if how == "sum" and isinstance(ref.base, Value) else None
        if product is not None and product.name == "mul" and product.out == ref:
            left, right = (permute(arg, list(order)) for arg in product.args)
            reduced = self.contract(left, right, len(dims))
        else:
            reduced = self.emit("reduce", [moved], moved.shape[: len(free_dims)], ref.base.dtype, how=how, k=len(dims))
        if keep:
            for dim in sorted(dims):
                reduced = insert(reduced, dim)
        return reduced


def elements(ref: Ref) -> Tensor:
    """The numbers that a view of a constant shows."""
    assert isinstance(ref.base, Constant)
    if ref.size == 0:
        return torch.zeros(ref.shape, dtype=ref.base.dtype)
    return torch.as_strided(ref.base.data.contiguous(), ref.shape, ref.strides, ref.offset)


def _all(data: Tensor | None, number: float) -> bool:
    """Whether a constant operand is this number throughout; an operand that is no constant never is."""
    return data is not None and bool((data == number).all())


def _changes(name: str, number: int, data: Tensor) -> set[int]:
    """Where a constant operand becomes one that decides the result, or ceases to."""
    if name == "where" and number == 0:
        kind = (data != 0).to(torch.int8)
    elif name == "mul":
        kind = (data == 0).to(torch.int8) + 2 * (data == 1).to(torch.int8)
    elif name == "add" or (name == "sub" and number == 1):
        kind = (data == 0).to(torch.int8)
    else:
        return set()
    places = (torch.nonzero(kind[1:] != kind[:-1]).flatten() + 1).tolist()
    return set(places) if len(places) < MOST_RUNS else set()


def _compute(name: str, values: list[Tensor], dtype: torch.dtype) -> Tensor:
    computed = ELEMENTWISE[name](*values)
    return computed.to(dtype) if name == "cast" else computed


def _identity(ref: Ref) -> Any:
    """A reference for comparison: constants are compared by what they hold."""
    if not isinstance(ref.base, Constant):
        return ref
    data = ref.base.data
    content = data.numpy().tobytes() if data.numel() <= 64 else id(ref.base)
    return (data.dtype, tuple(data.shape), content, ref.offset, ref.shape, ref.strides)
