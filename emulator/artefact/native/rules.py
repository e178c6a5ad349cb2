"""Rules for ATen operations that compute."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import fx

from emulator.artefact.native import symbols
from emulator.artefact.native.emission import elements
from emulator.artefact.native.errors import LoweringError
from emulator.artefact.native.program import Constant, Op, Ref
from emulator.artefact.native.symbols import Factor, Symbol, broadcast, drop, dtype_of, insert, join, narrow
from emulator.artefact.native.view_rules import constant_of

if TYPE_CHECKING:
    from emulator.artefact.native.lowering import Lowering


def _operand(lowering: Lowering, value: Any, dtype: torch.dtype) -> Symbol:
    """A node's result or a number, in the type of the operation."""
    if isinstance(value, (int, float, bool)):
        return lowering.emission.scalar(float(value), dtype)
    if isinstance(value, symbols.Patched):
        value = lowering.emission.reference(value)
    return lowering.emission.cast(value, dtype)


def _apply(lowering: Lowering, name: str, dtype: torch.dtype, *values: Any) -> Symbol:
    return lowering.emission.elementwise(name, [_operand(lowering, value, dtype) for value in values], dtype)


def _plain(name: str) -> Any:
    """A rule for an operation with the operands of ours."""

    def rule(lowering: Lowering, node: fx.Node, *values: Any, **options: Any) -> Symbol:
        if any(options.get(key) not in (None, 1) for key in options):
            raise LoweringError(f"options {options}")
        return _apply(lowering, name, lowering.dtype(node), *values)

    return rule


def _comparison(name: str) -> Any:
    def rule(lowering: Lowering, node: fx.Node, a: Any, b: Any) -> Symbol:
        wide = any(
            isinstance(value, (Ref, symbols.Parts, symbols.Patched)) and dtype_of(value) == torch.float64
            for value in (a, b)
        )
        dtype = torch.float64 if wide else torch.float32
        return lowering.emission.cast(_apply(lowering, name, dtype, a, b), torch.float32)

    return rule


def _add(lowering: Lowering, node: fx.Node, a: Any, b: Any, alpha: float = 1) -> Symbol:
    dtype = lowering.dtype(node)
    return _apply(lowering, "add", dtype, a, b if alpha == 1 else _apply(lowering, "mul", dtype, b, alpha))


def _sub(lowering: Lowering, node: fx.Node, a: Any, b: Any, alpha: float = 1) -> Symbol:
    dtype = lowering.dtype(node)
    return _apply(lowering, "sub", dtype, a, b if alpha == 1 else _apply(lowering, "mul", dtype, b, alpha))


def _rsub(lowering: Lowering, node: fx.Node, a: Any, b: Any, alpha: float = 1) -> Symbol:
    return _sub(lowering, node, b, a, alpha)


def _div(lowering: Lowering, node: fx.Node, a: Any, b: Any, rounding_mode: str | None = None) -> Symbol:
    dtype = lowering.dtype(node)
    if rounding_mode == "floor":
        return _apply(lowering, "div", dtype, _apply(lowering, "sub", dtype, a, _remainder(lowering, node, a, b)), b)
    if rounding_mode is not None:
        raise LoweringError(f"rounding_mode {rounding_mode}")
    return _apply(lowering, "div", dtype, a, b)


def _remainder(lowering: Lowering, node: fx.Node, a: Any, b: Any) -> Symbol:
    return _apply(lowering, "remainder", lowering.dtype(node), a, b)


def _floor_divide(lowering: Lowering, node: fx.Node, a: Any, b: Any) -> Symbol:
    return _div(lowering, node, a, b, "floor")


def _mul(lowering: Lowering, node: fx.Node, a: Any, b: Any) -> Symbol:
    finite = _finite(node)
    if finite is not None:
        return _isfinite(lowering, node, lowering.env[finite])
    return _apply(lowering, "mul", lowering.dtype(node), a, b)


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
    return source if same else None


def _isfinite(lowering: Lowering, node: fx.Node, a: Symbol) -> Symbol:
    dtype = dtype_of(a)
    return lowering.emission.cast(_apply(lowering, "isfinite", dtype, a), torch.float32)


def _isnan(lowering: Lowering, node: fx.Node, a: Symbol) -> Symbol:
    return lowering.emission.cast(_apply(lowering, "ne", dtype_of(a), a, a), torch.float32)


def _clamp(lowering: Lowering, node: fx.Node, a: Any, low: Any = None, high: Any = None) -> Symbol:
    dtype = lowering.dtype(node)
    if low is not None:
        a = _apply(lowering, "max", dtype, a, low)
    return a if high is None else _apply(lowering, "min", dtype, a, high)


def _clamp_max(lowering: Lowering, node: fx.Node, a: Any, high: Any) -> Symbol:
    return _clamp(lowering, node, a, None, high)


def _pow(lowering: Lowering, node: fx.Node, a: Any, b: Any) -> Symbol:
    dtype = lowering.dtype(node)
    if b == 2:
        return _apply(lowering, "mul", dtype, a, a)
    if b == 0.5:
        return _apply(lowering, "sqrt", dtype, a)
    return _apply(lowering, "pow", dtype, a, b)


def _rsqrt(lowering: Lowering, node: fx.Node, a: Any) -> Symbol:
    dtype = lowering.dtype(node)
    return _apply(lowering, "reciprocal", dtype, _apply(lowering, "sqrt", dtype, a))


def _where(lowering: Lowering, node: fx.Node, condition: Symbol, a: Any, b: Any) -> Symbol:
    dtype = lowering.dtype(node)
    args = [lowering.emission.cast(condition, torch.float32), *(_operand(lowering, value, dtype) for value in (a, b))]
    return lowering.emission.elementwise("where", args, dtype)


def _masked_fill(lowering: Lowering, node: fx.Node, a: Any, mask: Symbol, value: Any) -> Symbol:
    return _where(lowering, node, mask, value, a)


def _logical(name: str) -> Any:
    def rule(lowering: Lowering, node: fx.Node, *values: Any) -> Symbol:
        if lowering.info(node).dtype != torch.bool:
            raise LoweringError("bits of whole numbers")
        return _apply(lowering, name, torch.float32, *values)

    return rule


def _gelu(lowering: Lowering, node: fx.Node, a: Any, approximate: str = "none") -> Symbol:
    if approximate != "none":
        raise LoweringError(f"approximate={approximate}")
    return _apply(lowering, "gelu", lowering.dtype(node), a)


def _softplus(lowering: Lowering, node: fx.Node, a: Any, beta: float = 1.0, threshold: float = 20.0) -> Symbol:
    dtype = lowering.dtype(node)
    if threshold != 20.0:
        raise LoweringError(f"threshold={threshold}")
    if beta == 1.0:
        return _apply(lowering, "softplus", dtype, a)
    return _apply(
        lowering, "div", dtype, _apply(lowering, "softplus", dtype, _apply(lowering, "mul", dtype, a, beta)), beta
    )


def _silu(lowering: Lowering, node: fx.Node, a: Any) -> Symbol:
    dtype = lowering.dtype(node)
    return _apply(lowering, "mul", dtype, a, _apply(lowering, "sigmoid", dtype, a))


def _lerp(lowering: Lowering, node: fx.Node, a: Any, b: Any, weight: Any) -> Symbol:
    dtype = lowering.dtype(node)
    change = _apply(lowering, "mul", dtype, weight, _apply(lowering, "sub", dtype, b, a))
    return _apply(lowering, "add", dtype, a, change)


def _layer_norm(
    lowering: Lowering, node: fx.Node, a: Symbol, shape: list[int], weight: Any, bias: Any, small: float
) -> tuple[Symbol, None, None]:
    dtype, dims = dtype_of(a), list(range(len(a.shape) - len(shape), len(a.shape)))
    a = lowering.emission.reference(a)
    centred = _apply(lowering, "sub", dtype, a, lowering.emission.reduce("mean", a, dims, True))
    variance = lowering.emission.reduce("mean", _apply(lowering, "mul", dtype, centred, centred), dims, True)
    root = _apply(lowering, "sqrt", dtype, _apply(lowering, "add", dtype, variance, small))
    normal = _apply(lowering, "mul", dtype, centred, _apply(lowering, "reciprocal", dtype, root))
    if weight is not None:
        normal = _apply(lowering, "mul", dtype, normal, weight)
    return (normal if bias is None else _apply(lowering, "add", dtype, normal, bias)), None, None


def _softmax(lowering: Lowering, node: fx.Node, a: Symbol, dim: int, *_: Any) -> Symbol:
    dtype, dim = dtype_of(a), dim % len(a.shape)
    a = lowering.emission.reference(a)
    weight = _apply(
        lowering, "exp", dtype, _apply(lowering, "sub", dtype, a, lowering.emission.reduce("max", a, [dim], True))
    )
    return _apply(lowering, "div", dtype, weight, lowering.emission.reduce("sum", weight, [dim], True))


# --- reductions ---


def _reduction(how: str) -> Any:
    def rule(lowering: Lowering, node: fx.Node, a: Symbol, dims: Any = None, keep: bool = False, **_: Any) -> Symbol:
        count = len(a.shape)
        chosen = list(range(count)) if dims in (None, []) else [dims] if isinstance(dims, int) else dims
        chosen = sorted(d % count for d in chosen)
        if lowering.info(node.args[0]).cells in chosen and lowering.info(node).depends == "cell":  # type: ignore[index]
            raise LoweringError("a sum over cells")
        dtype = lowering.dtype(node) if how != "max" else dtype_of(a)
        return lowering.emission.reduce(how, lowering.emission.cast(a, dtype), chosen, keep)

    return rule


def _amin(lowering: Lowering, node: fx.Node, a: Symbol, dims: Any = None, keep: bool = False) -> Symbol:
    dtype = dtype_of(a)
    largest = _reduction("max")(lowering, node, _apply(lowering, "neg", dtype, a), dims, keep)
    return _apply(lowering, "neg", dtype, largest)


# --- products of matrices ---


def _linear(lowering: Lowering, node: fx.Node, a: Symbol, weight: torch.Tensor, bias: Any) -> Symbol:
    dtype = lowering.dtype(node)
    known = None
    if bias is not None:
        known = constant_of(bias)
        if known is None:
            raise LoweringError("a bias that is not constant")
        known = known.reshape(-1).to(dtype)
    return lowering.emission.linear(lowering.emission.cast(a, dtype), weight.to(dtype), known)


def _addmm(
    lowering: Lowering, node: fx.Node, bias: Symbol, a: Symbol, b: Symbol, beta: float = 1, alpha: float = 1
) -> Symbol:
    if beta != 1 or alpha != 1:
        raise LoweringError(f"beta={beta}, alpha={alpha}")
    weight, known = constant_of(b), constant_of(bias)
    if weight is not None and known is not None and (len(known.shape) == 1 or known.shape[0] == 1):
        row = lowering.emission.constant(known.reshape(-1).expand(weight.shape[1]))
        return _linear(lowering, node, a, weight.t(), row)
    return _apply(lowering, "add", lowering.dtype(node), bias, _mm(lowering, node, a, b))


def _mm(lowering: Lowering, node: fx.Node, a: Symbol, b: Symbol) -> Symbol:
    weight = constant_of(b)
    if weight is not None:
        return _linear(lowering, node, a, weight.t(), None)
    return drop(_product(lowering, node, insert(a, 0), insert(b, 0)), 0)


def _bmm(lowering: Lowering, node: fx.Node, a: Symbol, b: Symbol) -> Symbol:
    return _product(lowering, node, a, b)


def _product(lowering: Lowering, node: fx.Node, a: Symbol, b: Symbol) -> Symbol:
    """(B, n, K) x (B, K, m): a linear operation where one side is the same constant for all B."""
    first, second = _shared(a), _shared(b)
    if second is not None:
        return _linear(lowering, node, a, second.t(), None)
    if first is not None and first.shape[1] > 4:
        turned = _linear(lowering, node, symbols.permute(b, [0, 2, 1]), first, None)
        return symbols.permute(lowering.emission.reference(turned), [0, 2, 1])
    a, b = (lowering.emission.reference(lowering.emission.cast(side, lowering.dtype(node))) for side in (a, b))
    return _pairwise(lowering, a, symbols.permute(b, [0, 2, 1]))


def _attention(
    lowering: Lowering,
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
        raise LoweringError(f"attention with dropout={dropout}, is_causal={causal}")
    dtype = dtype_of(query)
    scaled = _apply(lowering, "mul", dtype, query, 1.0 / math.sqrt(query.shape[-1]) if scale is None else scale)
    scores = _pairwise(lowering, scaled, key)
    if attn_mask is not None:
        scores = _apply(lowering, "add", dtype, scores, attn_mask)
    weights = _softmax(lowering, node, scores, -1)
    return _pairwise(lowering, weights, symbols.permute(lowering.emission.reference(value), [0, 1, 3, 2])), None


def _pairwise(lowering: Lowering, a: Symbol, b: Symbol) -> Symbol:
    """(..., n, K) and (..., m, K) -> (..., n, m), summed over K."""
    a, b = lowering.emission.reference(a), lowering.emission.reference(b)
    lead, (n, m, k) = a.shape[:-2], (a.shape[-2], b.shape[-2], a.shape[-1])
    left = broadcast(insert(a, len(lead) + 1), (*lead, n, m, k))
    return lowering.emission.contract(left, broadcast(insert(b, len(lead)), (*lead, n, m, k)), 1)


def _shared(symbol: Symbol) -> torch.Tensor | None:
    """A constant (B, n, m) as the one matrix (n, m) that it repeats."""
    known = constant_of(symbol)
    if known is None or not bool((known == known[:1]).all()):
        return None
    return known[0]


def _mv(lowering: Lowering, node: fx.Node, a: Symbol, b: Symbol) -> Symbol:
    return drop(_mm(lowering, node, a, insert(b, 1)), 1)


def _baddbmm(
    lowering: Lowering, node: fx.Node, bias: Symbol, a: Symbol, b: Symbol, beta: float = 1, alpha: float = 1
) -> Symbol:
    dtype, product = lowering.dtype(node), _bmm(lowering, node, a, b)
    if alpha != 1:
        product = _apply(lowering, "mul", dtype, product, alpha)
    return product if beta == 0 else _apply(lowering, "add", dtype, product, _apply(lowering, "mul", dtype, bias, beta))


def _convolution(
    lowering: Lowering,
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
        raise LoweringError("a convolution that is not one-dimensional, unpadded and of one group")
    places = lowering.shape(node)[2]
    turned = symbols.permute(a, [0, 2, 1])
    inputs = join(
        [narrow(turned, 1, tap * dilation[0], places, stride[0]) for tap in range(taps.shape[2])],
        2,
    )
    joined = taps.permute(0, 2, 1).reshape(taps.shape[0], -1)
    found = _linear(lowering, node, inputs, joined, bias)
    return symbols.permute(lowering.emission.reference(found), [0, 2, 1])


def _cholesky(lowering: Lowering, node: fx.Node, a: Symbol, upper: bool = False, **_: Any) -> Any:
    return Factor(lowering.emission.reference(a))


def _cholesky_solve(lowering: Lowering, node: fx.Node, right: Symbol, factor: Any, upper: bool = False) -> Symbol:
    if not isinstance(factor, Factor):
        raise LoweringError("the factor does not come from a Cholesky decomposition just before")
    matrix, dtype = lowering.emission.reference(factor.matrix), lowering.dtype(node)
    columns = []
    for number in range(right.shape[-1]):
        column = lowering.emission.reference(symbols.select(right, len(right.shape) - 1, number))
        solved = lowering.emission.emit("cholesky_solve", [matrix, column], column.shape, dtype)
        columns.append(insert(solved, len(solved.shape)))
    return join(columns, len(right.shape) - 1)


def _krige(lowering: Lowering, node: fx.Node, place: Symbol, features: Symbol, number: int) -> Symbol:
    memory = lowering.trace.memories[number]
    names = ("site_place", "site_features", "dual", "choice", "precision")
    options: dict[str, Any] = {name: Constant(getattr(memory, name).detach().double().contiguous()) for name in names}
    options |= {"role_sizes": list(memory.role_sizes), "common": memory.common}
    options |= {"earth_radius": memory.earth_radius, "own_site": memory.own_site}
    out = lowering.emission.new(lowering.shape(node), torch.float64)
    args = [lowering.emission.reference(lowering.emission.cast(side, torch.float64)) for side in (place, features)]
    lowering.emission.write(Op("krige", out, args, options))
    return out


def _diag_embed(
    lowering: Lowering, node: fx.Node, a: Symbol, offset: int = 0, dim1: int = -2, dim2: int = -1
) -> Symbol:
    if (offset, dim1, dim2) != (0, -2, -1):
        raise LoweringError("another than the main diagonal")
    size = a.shape[-1]
    wide = broadcast(insert(lowering.emission.reference(a), len(a.shape)), (*a.shape, size))
    eye = lowering.emission.constant(torch.eye(size))
    nothing = lowering.emission.scalar(0.0, lowering.dtype(node))
    return lowering.emission.elementwise("where", [eye, wide, nothing], lowering.dtype(node))


ONE = ("neg", "abs", "sqrt", "exp", "log", "log1p", "sin", "cos", "tanh", "sigmoid", "relu", "sinh", "asinh", "round")
ONE += ("reciprocal",)
TWO = {"mul": "mul", "maximum": "max", "minimum": "min", "copysign": "copysign"}

RULES = {
    **{name: _plain(name) for name in ONE},
    **{name: _plain(own) for name, own in TWO.items()},
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
    **{name: _logical(own) for name, own in (("bitwise_and", "and"), ("bitwise_or", "or"), ("bitwise_not", "not"))},
    **{name: _logical(own) for name, own in (("logical_and", "and"), ("logical_or", "or"), ("logical_not", "not"))},
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
    "krige": _krige,
    "diag_embed": _diag_embed,
}

__all__ = ["RULES", "elements"]
