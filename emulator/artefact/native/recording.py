"""Recording what torch does: a function's ATen operations, without those that write in place, as a graph."""

import operator
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor, fx
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

Decompositions = dict[Any, Callable[..., Any]]


@dataclass
class Recording:
    """A graph, and the result of each of its nodes on the example."""

    graph: fx.Graph = field(default_factory=fx.Graph)
    results: dict[fx.Node, Any] = field(default_factory=dict)
    inputs: dict[str, fx.Node] = field(default_factory=dict)


def record(function: Callable[..., Any], inputs: dict[str, Tensor], table: Decompositions) -> Recording:
    """Run `function` on an example and record it. A second pass does away with writing in place: torch composes some
    operations of others that do.
    """
    first = _Recorder(inputs, {}).run(function)
    second = _Recorder(inputs, table)
    return second.run(torch.func.functionalize(lambda *tensors: _replay(first, tensors, second)))


def _caller() -> str:
    """The line outside torch and this package that called the operation, as file:line."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.parent != Path(__file__).parent and "torch" not in path.parts:
            return f"{path.name}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


class _Recorder(TorchDispatchMode):
    """Notes every operation that is called while it is active."""

    def __init__(self, inputs: dict[str, Tensor], table: Decompositions) -> None:
        super().__init__()
        self.table, self.inputs = table, inputs
        self.recording = Recording()
        self.place: str | None = None  # of the operation that is replayed
        self.node_of: dict[int, fx.Node] = {}
        self.kept: list[Tensor] = []  # so that no two tensors ever have the same id
        for name, value in inputs.items():
            node = self.recording.graph.placeholder(name)
            self.recording.inputs[name] = node
            self._note(value, node)

    def run(self, function: Callable[..., Any]) -> Recording:
        with self:
            results = function(*self.inputs.values())
        nodes = tree_map_only(Tensor, self._node, results)
        self.recording.results[self.recording.graph.output(nodes)] = results
        return self.recording

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if operation in self.table:
            with self:
                decomposed = self.table[operation](*args, **kwargs)
            if decomposed is not NotImplemented:
                return decomposed
        with self:
            decomposed = operation.decompose(*args, **kwargs)
        if decomposed is not NotImplemented:
            return decomposed
        node_args, node_kwargs = tree_map_only(Tensor, self._node, (tuple(args), kwargs))
        result = operation(*args, **kwargs)
        node = self.recording.graph.call_function(operation, node_args, node_kwargs)
        node.meta["place"] = _caller() if self.place is None else self.place
        self._note(result, node)
        return result

    def _note(self, result: Any, node: fx.Node) -> None:
        self.recording.results[node] = result
        if isinstance(result, Tensor):
            self.node_of[id(result)] = node
            self.kept.append(result)
        elif isinstance(result, (tuple, list)):
            for number, part in enumerate(result):
                self._note(part, self.recording.graph.call_function(operator.getitem, (node, number)))

    def _node(self, tensor: Tensor) -> fx.Node:
        if id(tensor) not in self.node_of:
            with self.recording.graph.inserting_before(next(iter(self.recording.graph.nodes))):
                self._note(tensor, self.recording.graph.get_attr(f"constant{len(self.node_of)}"))
        return self.node_of[id(tensor)]


def _replay(recording: Recording, inputs: tuple[Tensor, ...], recorder: _Recorder) -> Any:
    env: dict[fx.Node, Any] = dict(zip(recording.inputs.values(), inputs, strict=True))
    for node in recording.graph.nodes:
        if node.op == "get_attr":
            env[node] = recording.results[node]
        elif node.op == "call_function":
            args, kwargs = fx.node.map_arg((node.args, node.kwargs), env.__getitem__)
            recorder.place = node.meta.get("place", "")
            env[node] = node.target(*args, **kwargs)
        elif node.op == "output":
            return fx.node.map_arg(node.args[0], env.__getitem__)
    message = "a graph without output"
    raise AssertionError(message)
