"""Traces of a model's methods: graphs of ATen operations, what each of them depends on, and the shape it has per cell.

A method is traced on a number of cells that divides no other size, so that the dimension of cells can be told from the
shape; everything after this step is about one cell.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx
from torch._decomp import core_aten_decompositions

from emulator.artefact.native.days import days_of
from emulator.artefact.native.errors import LoweringError
from emulator.artefact.native.recording import Recording, record

PRIMES = (97, 101, 103, 107, 109)
"""Numbers of cells to trace with: the first that divides no size of the model."""

KEPT_WHOLE = (
    "softplus",
    "lerp",
    "gelu",
    "lift_fresh",
    "layer_norm",
    "cholesky",
    "isfinite",
    "index_copy",
    "stack",
    "scaled_dot_product",
    "cdist",
    "silu",
)
"""Operations that are not decomposed, because lowering does better with them whole."""

SHAPE_ONLY = {
    f"aten.{name}"
    for name in ("full_like", "zeros_like", "ones_like", "empty_like", "new_zeros", "new_ones", "new_full", "new_empty")
}
READS = ("aten._local_scalar_dense.default", "aten.is_nonzero.default", "aten.item.default")


@dataclass(frozen=True)
class NodeInfo:
    """What is known of a node's result. depends: 'constant', 'uniform' (calendar only) or 'cell'.

    shape is that of one cell: the dimension of N cells, `cells`, has the size 1 there, or m where N m were merged.
    value: of a constant, in the shape of one cell; `None` for others and for what is no tensor.
    """

    depends: str
    shape: tuple[int, ...] | None = None
    cells: int | None = None
    dtype: torch.dtype | None = None
    value: Tensor | None = None


@dataclass(frozen=True)
class Trace:
    """A graph whose inputs are named."""

    graph: fx.Graph
    info: dict[fx.Node, NodeInfo]
    inputs: dict[str, fx.Node]


def cells_for(model: torch.nn.Module, *sizes: int) -> int:
    """A number of cells that divides no size of the model's arrays."""
    taken = {size for tensor in (*model.parameters(), *model.buffers()) for size in tensor.shape} | set(sizes)
    for prime in PRIMES:
        if all(size % prime or size == 0 for size in taken):
            return prime
    message = f"sizes of the model have all of {PRIMES} among their factors"
    raise LoweringError(message)


def trace(method: Callable[..., Any], inputs: dict[str, Tensor], kind: str, cells: int) -> Trace:
    """Trace `method(*inputs)` on examples of a kind of day. Every input but `calendar` begins with the cells."""
    table = {
        overload: rule
        for overload, rule in core_aten_decompositions().items()
        if not any(name in str(overload) for name in KEPT_WHOLE)
    }
    with torch.no_grad():
        try:
            recording = record(method, inputs, table)
        except (RuntimeError, TypeError, ValueError, NotImplementedError) as error:
            message = f"cannot be traced: {error}"
            raise LoweringError(message) from error
    info = _described(recording, cells)
    traced = Trace(recording.graph, info, recording.inputs)
    _check_reads(traced, recording.results, kind)
    return traced


def _described(recording: Recording, cells: int) -> dict[fx.Node, NodeInfo]:
    """What each node depends on and how it looks."""
    info: dict[fx.Node, NodeInfo] = {}
    calendar = recording.inputs.get("calendar")
    for node in recording.graph.nodes:
        if node.op == "placeholder":
            depends = "uniform" if node is calendar else "cell"
        elif node.op == "get_attr" or str(node.target).rsplit(".", 1)[0] in SHAPE_ONLY:
            depends = "constant"
        else:
            among = {info[source].depends for source in node.all_input_nodes}
            depends = "cell" if "cell" in among else "uniform" if "uniform" in among else "constant"
        result = recording.results[node]
        info[node] = NodeInfo(depends)
        if isinstance(result, Tensor) and node.op != "output":
            info[node] = _describe(node, result, depends, cells)
    return info


def _describe(node: fx.Node, result: Tensor, depends: str, cells: int) -> NodeInfo:
    dims = [dim for dim, size in enumerate(result.shape) if size and size % cells == 0]
    if len(dims) > 1 or (not dims and depends == "cell" and str(node.target) != "aten.any.default"):
        message = f"{place_of(node)} mixes cells: its result has the shape {tuple(result.shape)}"
        raise LoweringError(message)
    shape, value = list(result.shape), result.detach() if depends == "constant" else None
    if dims:
        shape[dims[0]] //= cells
        if value is not None:
            value = _one_cell(node, value, dims[0], shape[dims[0]], cells)
    return NodeInfo(depends, tuple(shape), dims[0] if dims else None, result.dtype, value)


def _one_cell(node: fx.Node, value: Tensor, dim: int, size: int, cells: int) -> Tensor:
    first = value.narrow(dim, 0, size)
    each, expected = value.unflatten(dim, (cells, size)), first.unsqueeze(dim)
    same = (each == expected) | each.isnan() & expected.isnan()
    if not bool(same.all()):
        message = f"{place_of(node)} differs from cell to cell without depending on any input"
        raise LoweringError(message)
    return first


def place_of(node: fx.Node) -> str:
    """The operation and the line of the model, as an error names them."""
    place = node.meta.get("place")
    return f"operation {node.target} at {place}" if place else f"operation {node.target} ({node.name})"


def _check_reads(trace: Trace, results: dict[fx.Node, Any], kind: str) -> None:
    """A branch of the model may only go where it goes on all days of the kind."""
    for node in trace.graph.nodes:
        if str(node.target) not in READS or trace.info[node].depends == "constant":
            continue
        if trace.info[node].depends == "cell":
            source = node.args[0]
            if str(source.target) == "aten.any.default" and bool(results[source]):
                continue  # taken where any cell needs it: what it does to the others must be guarded anyway
            message = f"{place_of(node)}: the model branches on the numbers of cells"
            raise LoweringError(message)
        needed = _ancestors(node)
        for calendar in days_of(kind):
            other = _evaluate(needed, {trace.inputs["calendar"]: calendar}, results)
            if other != results[node]:
                message = f"{place_of(node)}: the model branches on the date {calendar.tolist()[:3]}"
                raise LoweringError(message)


def _ancestors(node: fx.Node) -> list[fx.Node]:
    seen: dict[fx.Node, None] = {}

    def visit(descendant: fx.Node) -> None:
        for source in descendant.all_input_nodes:
            if source not in seen:
                visit(source)
        seen[descendant] = None

    visit(node)
    return list(seen)


def _evaluate(nodes: list[fx.Node], replaced: dict[fx.Node, Any], results: dict[fx.Node, Any]) -> Any:
    env = dict(replaced)
    for node in nodes:
        if node in env:
            continue
        if node.op != "call_function":
            env[node] = results[node]
            continue
        args, kwargs = fx.node.map_arg((node.args, node.kwargs), lambda source: env[source])
        assert callable(node.target)
        env[node] = node.target(*args, **kwargs)
    return env[nodes[-1]]
