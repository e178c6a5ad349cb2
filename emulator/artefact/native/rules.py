"""Rules for ATen operations that compute."""

# ruff: noqa: ARG001 - rules of one table have one form of call, whatever each of them needs

import math
from typing import Any

import torch
from torch import fx

from emulator.artefact.native import symbols
from emulator.artefact.native.context import Context
from emulator.artefact.native.errors import LoweringError
from emulator.artefact.native.program import Ref
from emulator.artefact.native.symbols import Factor, Symbol, broadcast, drop, dtype_of, insert, join, narrow
from emulator.artefact.native.view_rules import constant_of


def _operand(context: Context, value: Any, dtype: torch.dtype) -> Symbol:
    """A node's result or a number, in the type of the operation."""
    if isinstance(value, (int, float, bool)):
        return context.emission.scalar(float(value), dtype)
    if isinstance(value, symbols.Patched):
        value = context.emission.reference(value)
    return context.emission.cast(value, dtype)


def _apply(context: Context, name: str, dtype: torch.dtype, *values: Any) -> Symbol:
    return context.emission.elementwise(name, [_operand(context, value, dtype) for value in values], dtype)


def _plain(name: str) -> Any:
    """A rule for an operation with the operands of ours."""

    def rule(context: Context, node: fx.Node, *values: Any, **options: Any) -> Symbol:
        if any(options.get(key) not in (None, 1) for key in options):
            message = f"options {options}"
            raise LoweringError(message)
        return _apply(context, name, context.dtype(node), *values)

    return rule


def _comparison(name: str) -> Any:
    def rule(context: Context, node: fx.Node, a: Any, b: Any) -> Symbol:
        wide = any(
            isinstance(value, (Ref, symbols.Parts, symbols.Patched)) and dtype_of(value) == torch.float64
            for value in (a, b)
        )
        dtype = torch.float64 if wide else torch.float32
        return context.emission.cast(_apply(context, name, dtype, a, b), torch.float32)

    return rule


def _add(context: Context, node: fx.Node, a: Any, b: Any, alpha: float = 1) -> Symbol:
    dtype = context.dtype(node)
    return _apply(context, "add", dtype, a, b if alpha == 1 else _apply(context, "mul", dtype, b, alpha))


def _sub(context: Context, node: fx.Node, a: Any, b: Any, alpha: float = 1) -> Symbol:
    dtype = context.dtype(node)
    return _apply(context, "sub", dtype, a, b if alpha == 1 else _apply(context, "mul", dtype, b, alpha))


def _rsub(context: Context, node: fx.Node, a: Any, b: Any, alpha: float = 1) -> Symbol:
    return _sub(context, node, b, a, alpha)


def _div(context: Context, node: fx.Node, a: Any, b: Any, rounding_mode: str | None = None) -> Symbol:
    dtype = context.dtype(node)
    if rounding_mode == "floor":
        return _apply(context, "div", dtype, _apply(context, "sub", dtype, a, _remainder(context, node, a, b)), b)
    if rounding_mode is not None:
        message = f"rounding_mode {rounding_mode}"
        raise LoweringError(message)
    return _apply(context, "div", dtype, a, b)


def _remainder(context: Context, node: fx.Node, a: Any, b: Any) -> Symbol:
    return _apply(context, "remainder", context.dtype(node), a, b)


def _floor_divide(context: Context, node: fx.Node, a: Any, b: Any) -> Symbol:
    return _div(context, node, a, b, "floor")


def _mul(context: Context, node: fx.Node, a: Any, b: Any) -> Symbol:
    finite = _finite(node)
    if finite is not None:
        return _isfinite(context, node, context.env[finite])
    return _apply(context, "mul", context.dtype(node), a, b)


def _finite(node: fx.Node) -> fx.Node | None:
    """What torch.isfinite was called with, where it has become (x == x) * (|x| != inf)."""
    a, b = node.args
    if not (isinstance(a, fx.Node) and isinstance(b, fx.Node)):
        return None
    if str(a.target) != "aten.eq.Tensor" or str(b.target) != "aten.ne.Scalar" or b.args[1] != math.inf:
        return None
    source, size = a.args[0], b.args[0]
    assert isinstance(size, fx.Node)
    same = a.args[1] is source and str(size.target) == "aten.abs.default" and size.args[0] is source
    return source if same and isinstance(source, fx.Node) else None


def _isfinite(context: Context, node: fx.Node, a: Symbol) -> Symbol:
    dtype = dtype_of(a)
    return context.emission.cast(_apply(context, "isfinite", dtype, a), torch.float32)


def _isnan(context: Context, node: fx.Node, a: Symbol) -> Symbol:
    return context.emission.cast(_apply(context, "ne", dtype_of(a), a, a), torch.float32)


def _clamp(context: Context, node: fx.Node, a: Any, low: Any = None, high: Any = None) -> Symbol:
    dtype = context.dtype(node)
    if low is not None:
        a = _apply(context, "max", dtype, a, low)
    return a if high is None else _apply(context, "min", dtype, a, high)


def _clamp_max(context: Context, node: fx.Node, a: Any, high: Any) -> Symbol:
    return _clamp(context, node, a, None, high)


def _pow(context: Context, node: fx.Node, a: Any, b: Any) -> Symbol:
    dtype = context.dtype(node)
    if b == 2:
        return _apply(context, "mul", dtype, a, a)
    if b == 0.5:
        return _apply(context, "sqrt", dtype, a)
    return _apply(context, "pow", dtype, a, b)


def _rsqrt(context: Context, node: fx.Node, a: Any) -> Symbol:
    dtype = context.dtype(node)
    return _apply(context, "reciprocal", dtype, _apply(context, "sqrt", dtype, a))


def _where(context: Context, node: fx.Node, condition: Symbol, a: Any, b: Any) -> Symbol:
    dtype = context.dtype(node)
    args = [context.emission.cast(condition, torch.float32), *(_operand(context, value, dtype) for value in (a, b))]
    return context.emission.elementwise("where", args, dtype)


def _masked_fill(context: Context, node: fx.Node, a: Any, mask: Symbol, value: Any) -> Symbol:
    return _where(context, node, mask, value, a)


def _logical(name: str) -> Any:
    def rule(context: Context, node: fx.Node, *values: Any) -> Symbol:
        if context.info(node).dtype != torch.bool:
            message = "bits of whole numbers"
            raise LoweringError(message)
        return _apply(context, name, torch.float32, *values)

    return rule


def _gelu(context: Context, node: fx.Node, a: Any, approximate: str = "none") -> Symbol:
    if approximate != "none":
        message = f"approximate={approximate}"
        raise LoweringError(message)
    return _apply(context, "gelu", context.dtype(node), a)


def _softplus(context: Context, node: fx.Node, a: Any, beta: float = 1.0, threshold: float = 20.0) -> Symbol:
    dtype = context.dtype(node)
    if threshold != 20.0:
        message = f"threshold={threshold}"
        raise LoweringError(message)
    if beta == 1.0:
        return _apply(context, "softplus", dtype, a)
    return _apply(
        context, "div", dtype, _apply(context, "softplus", dtype, _apply(context, "mul", dtype, a, beta)), beta
    )


def _silu(context: Context, node: fx.Node, a: Any) -> Symbol:
    dtype = context.dtype(node)
    return _apply(context, "mul", dtype, a, _apply(context, "sigmoid", dtype, a))


def _lerp(context: Context, node: fx.Node, a: Any, b: Any, weight: Any) -> Symbol:
    dtype = context.dtype(node)
    change = _apply(context, "mul", dtype, weight, _apply(context, "sub", dtype, b, a))
    return _apply(context, "add", dtype, a, change)


def _layer_norm(
    context: Context, node: fx.Node, a: Symbol, shape: list[int], weight: Any, bias: Any, small: float
) -> tuple[Symbol, None, None]:
    dtype, dims = dtype_of(a), list(range(len(a.shape) - len(shape), len(a.shape)))
    a = context.emission.reference(a)
    centred = _apply(context, "sub", dtype, a, context.emission.reduce("mean", a, dims, True))
    variance = context.emission.reduce("mean", _apply(context, "mul", dtype, centred, centred), dims, True)
    root = _apply(context, "sqrt", dtype, _apply(context, "add", dtype, variance, small))
    normal = _apply(context, "mul", dtype, centred, _apply(context, "reciprocal", dtype, root))
    if weight is not None:
        normal = _apply(context, "mul", dtype, normal, weight)
    return (normal if bias is None else _apply(context, "add", dtype, normal, bias)), None, None


def _softmax(context: Context, node: fx.Node, a: Symbol, dim: int, *_: Any) -> Symbol:
    dtype, dim = dtype_of(a), dim % len(a.shape)
    a = context.emission.reference(a)
    weight = _apply(
        context, "exp", dtype, _apply(context, "sub", dtype, a, context.emission.reduce("max", a, [dim], True))
    )
    return _apply(context, "div", dtype, weight, context.emission.reduce("sum", weight, [dim], True))


# --- reductions ---


def _reduction(how: str) -> Any:
    def rule(context: Context, node: fx.Node, a: Symbol, dims: Any = None, keep: bool = False, **_: Any) -> Symbol:
        count = len(a.shape)
        chosen = list(range(count)) if dims in (None, []) else [dims] if isinstance(dims, int) else dims
        chosen = sorted(d % count for d in chosen)
        if context.operand_info(node).cells in chosen and context.info(node).depends == "cell":
            message = "a sum over cells"
            raise LoweringError(message)
        dtype = context.dtype(node) if how != "max" else dtype_of(a)
        return context.emission.reduce(how, context.emission.cast(a, dtype), chosen, keep)

    return rule


def _amin(context: Context, node: fx.Node, a: Symbol, dims: Any = None, keep: bool = False) -> Symbol:
    dtype = dtype_of(a)
    largest = _reduction("max")(context, node, _apply(context, "neg", dtype, a), dims, keep)
    return _apply(context, "neg", dtype, largest)


# --- products of matrices ---


def _linear(context: Context, node: fx.Node, a: Symbol, weight: torch.Tensor, bias: Any) -> Symbol:
    dtype = context.dtype(node)
    bias_row = None
    if bias is not None:
        bias_row = constant_of(bias)
        if bias_row is None:
            message = "a bias that is not constant"
            raise LoweringError(message)
        bias_row = bias_row.reshape(-1).to(dtype)
    return context.emission.linear(context.emission.cast(a, dtype), weight.to(dtype), bias_row)


def _addmm(
    context: Context, node: fx.Node, bias: Symbol, a: Symbol, b: Symbol, beta: float = 1, alpha: float = 1
) -> Symbol:
    if beta != 1 or alpha != 1:
        message = f"beta={beta}, alpha={alpha}"
        raise LoweringError(message)
    weight, bias_row = constant_of(b), constant_of(bias)
    if weight is not None and bias_row is not None and (len(bias_row.shape) == 1 or bias_row.shape[0] == 1):
        row = context.emission.constant(bias_row.reshape(-1).expand(weight.shape[1]))
        return _linear(context, node, a, weight.t(), row)
    return _apply(context, "add", context.dtype(node), bias, _mm(context, node, a, b))


def _mm(context: Context, node: fx.Node, a: Symbol, b: Symbol) -> Symbol:
    weight = constant_of(b)
    if weight is not None:
        return _linear(context, node, a, weight.t(), None)
    return drop(_product(context, node, insert(a, 0), insert(b, 0)), 0)


def _bmm(context: Context, node: fx.Node, a: Symbol, b: Symbol) -> Symbol:
    return _product(context, node, a, b)


def _product(context: Context, node: fx.Node, a: Symbol, b: Symbol) -> Symbol:
    """(B, n, K) x (B, K, m): a linear operation where one side is the same constant for all B."""
    first, second = _shared(a), _shared(b)
    if second is not None:
        return _linear(context, node, a, second.t(), None)
    if first is not None and first.shape[1] > 4:
        turned = _linear(context, node, symbols.permute(b, [0, 2, 1]), first, None)
        return symbols.permute(context.emission.reference(turned), [0, 2, 1])
    a, b = (context.emission.reference(context.emission.cast(side, context.dtype(node))) for side in (a, b))
    return _pairwise(context, a, symbols.permute(b, [0, 2, 1]))


def _attention(
    context: Context,
    node: fx.Node,
    query: Symbol,
    key: Symbol,
    value: Symbol,
    dropout: float = 0.0,
    causal: bool = False,
    *,
    attn_mask: Any = None,
    scale: float | None = None,
) -> tuple[Symbol, None]:
    """softmax(scale query key + mask) value; (B, heads, Q, E), (B, heads, K, E) and (B, heads, K, E)."""
    if dropout or causal:
        message = f"attention with dropout={dropout}, is_causal={causal}"
        raise LoweringError(message)
    dtype = dtype_of(query)
    scaled = _apply(context, "mul", dtype, query, 1.0 / math.sqrt(query.shape[-1]) if scale is None else scale)
    scores = _pairwise(context, scaled, key)
    if attn_mask is not None:
        scores = _apply(context, "add", dtype, scores, attn_mask)
    weights = _softmax(context, node, scores, -1)
    return _pairwise(context, weights, symbols.permute(context.emission.reference(value), [0, 1, 3, 2])), None


def _pairwise(context: Context, a: Symbol, b: Symbol) -> Symbol:
    """(..., n, K) and (..., m, K) -> (..., n, m), summed over K."""
    a, b = context.emission.reference(a), context.emission.reference(b)
    lead, (n, m, k) = a.shape[:-2], (a.shape[-2], b.shape[-2], a.shape[-1])
    left = broadcast(insert(a, len(lead) + 1), (*lead, n, m, k))
    return context.emission.contract(left, broadcast(insert(b, len(lead)), (*lead, n, m, k)), 1)


def _shared(symbol: Symbol) -> torch.Tensor | None:
    """A constant (B, n, m) as the one matrix (n, m) that it repeats."""
    matrices = constant_of(symbol)
    if matrices is None or not bool((matrices == matrices[:1]).all()):
        return None
    return matrices[0]


def _mv(context: Context, node: fx.Node, a: Symbol, b: Symbol) -> Symbol:
    return drop(_mm(context, node, a, insert(b, 1)), 1)


def _baddbmm(
    context: Context, node: fx.Node, bias: Symbol, a: Symbol, b: Symbol, beta: float = 1, alpha: float = 1
) -> Symbol:
    dtype, product = context.dtype(node), _bmm(context, node, a, b)
    if alpha != 1:
        product = _apply(context, "mul", dtype, product, alpha)
    return product if beta == 0 else _apply(context, "add", dtype, product, _apply(context, "mul", dtype, bias, beta))


def _convolution(
    context: Context,
    node: fx.Node,
    a: Symbol,
    weight: Symbol,
    bias: Any,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    transposed: bool,
    output_padding: list[int],
    groups: int,
) -> Symbol:
    """A convolution (N, I, T) -> (N, O, T') in one dimension: a linear operation on the taps of each place."""
    taps = constant_of(weight)
    if taps is None or len(a.shape) != 3 or transposed or groups != 1 or any(padding):
        message = "a convolution that is not one-dimensional, unpadded and of one group"
        raise LoweringError(message)
    places = context.shape(node)[2]
    turned = symbols.permute(a, [0, 2, 1])
    inputs = join(
        [narrow(turned, 1, tap * dilation[0], places, stride[0]) for tap in range(taps.shape[2])],
        2,
    )
    joined = taps.permute(0, 2, 1).reshape(taps.shape[0], -1)
    products = _linear(context, node, inputs, joined, bias)
    return symbols.permute(context.emission.reference(products), [0, 2, 1])


def _cholesky(context: Context, node: fx.Node, a: Symbol, upper: bool = False, **_: Any) -> Any:
    return Factor(context.emission.reference(a))


def _cholesky_solve(context: Context, node: fx.Node, right: Symbol, factor: Any, upper: bool = False) -> Symbol:
    if not isinstance(factor, Factor):
        message = "the factor does not come from a Cholesky decomposition just before"
        raise LoweringError(message)
    matrix, dtype = context.emission.reference(factor.matrix), context.dtype(node)
    columns = []
    for number in range(right.shape[-1]):
        column = context.emission.reference(symbols.select(right, len(right.shape) - 1, number))
        solved = context.emission.emit("cholesky_solve", [matrix, column], column.shape, dtype)
        columns.append(insert(solved, len(solved.shape)))
    return join(columns, len(right.shape) - 1)


def _distances(context: Context, node: fx.Node, a: Symbol, b: Symbol, power: float = 2.0, mode: Any = None) -> Symbol:
    """Euclidean distances of the row of a cell, (1, F), from constant rows (M, F)."""
    if power != 2.0:
        message = f"a distance of power {power}"
        raise LoweringError(message)
    dtype = context.dtype(node)
    gap = _apply(context, "sub", dtype, insert(context.emission.reference(a), 1), insert(b, 0))
    return _apply(
        context, "sqrt", dtype, context.emission.reduce("sum", _apply(context, "mul", dtype, gap, gap), [2], False)
    )


def _diag_embed(context: Context, node: fx.Node, a: Symbol, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Symbol:
    if (offset, dim1, dim2) != (0, -2, -1):
        message = "another than the main diagonal"
        raise LoweringError(message)
    size = a.shape[-1]
    wide = broadcast(insert(context.emission.reference(a), len(a.shape)), (*a.shape, size))
    eye = context.emission.constant(torch.eye(size))
    nothing = context.emission.scalar(0.0, context.dtype(node))
    return context.emission.elementwise("where", [eye, wide, nothing], context.dtype(node))


UNARY = (
    "neg",
    "abs",
    "sqrt",
    "exp",
    "log",
    "log1p",
    "sin",
    "cos",
    "tanh",
    "sigmoid",
    "relu",
    "sinh",
    "asinh",
    "round",
    "reciprocal",
)
"""Operations of one operand whose name is the same in ATen and in programs."""
BINARY = {"mul": "mul", "maximum": "max", "minimum": "min", "copysign": "copysign"}
"""Operations of two operands, by their name in ATen, and their name in programs."""
LOGICAL = {
    "bitwise_and": "and",
    "bitwise_or": "or",
    "bitwise_not": "not",
    "logical_and": "and",
    "logical_or": "or",
    "logical_not": "not",
}

RULES = {
    **{name: _plain(name) for name in UNARY},
    **{name: _plain(native_name) for name, native_name in BINARY.items()},
    **{name: _comparison(name) for name in ("eq", "ne", "lt", "le", "gt", "ge")},
    "add": _add,
    "sub": _sub,
    "rsub": _rsub,
    "mul": _mul,
    "div": _div,
    "floor_divide": _floor_divide,
    "remainder": _remainder,
    "clamp": _clamp,
    "clamp_min": _clamp,
    "clamp_max": _clamp_max,
    "pow": _pow,
    "rsqrt": _rsqrt,
    "where": _where,
    "masked_fill": _masked_fill,
    **{name: _logical(native_name) for name, native_name in LOGICAL.items()},
    "isfinite": _isfinite,
    "isnan": _isnan,
    "gelu": _gelu,
    "softplus": _softplus,
    "silu": _silu,
    "lerp": _lerp,
    "native_layer_norm": _layer_norm,
    "_softmax": _softmax,
    "sum": _reduction("sum"),
    "mean": _reduction("mean"),
    "amax": _reduction("max"),
    "amin": _amin,
    "any": _reduction("max"),
    "addmm": _addmm,
    "mm": _mm,
    "bmm": _bmm,
    "mv": _mv,
    "baddbmm": _baddbmm,
    "_scaled_dot_product_flash_attention_for_cpu": _attention,
    "convolution": _convolution,
    "linalg_cholesky_ex": _cholesky,
    "cholesky_solve": _cholesky_solve,
    "cdist": _distances,
    "_cdist_forward": _distances,
    "diag_embed": _diag_embed,
}
