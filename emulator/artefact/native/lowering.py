"""From the trace of a method to operations: each node becomes a view, or operations and a view of their result."""

from typing import Any

import torch
from torch import fx

from emulator.artefact.native import rules, view_rules
from emulator.artefact.native.context import Context
from emulator.artefact.native.emission import elements
from emulator.artefact.native.errors import LoweringError
from emulator.artefact.native.program import Constant, Op, Ref, Value, row_major
from emulator.artefact.native.symbols import Parts, Patched, Symbol
from emulator.artefact.native.tracing import Trace, place_of

RULES = {**rules.RULES, **view_rules.RULES}
"""By the name of an ATen operation without its overload."""


class Lowering(Context):
    """The lowering of one method. A rule is called with this, the node and the node's arguments, nodes replaced by what
    they became.
    """

    def __init__(self, trace: Trace, state_size: int) -> None:
        super().__init__(trace, state_size)
        self._fresh = "state" not in trace.inputs  # a new row is 0 where nothing is stored

    def run(self) -> list[Op]:
        """Operations with references to the state row still among them."""
        for name, node in self.trace.inputs.items():
            self.env[node] = self._input(name, node)
        needed = self._needed()
        for node in self.trace.graph.nodes:
            if node in needed and node not in self.env and node.op != "output":
                self.env[node] = self._lower(node)
        output = next(node for node in self.trace.graph.nodes if node.op == "output").args[0]
        results = [self.env[node] for node in (output if isinstance(output, (tuple, list)) else [output])]
        if len(results) == 2:
            self._flux(results[0])
        self._stores(results[-1])
        return self.emission.ops

    def _input(self, name: str, node: fx.Node) -> Symbol:
        shape = self.info(node).shape
        assert shape is not None
        if name == "state":
            return Ref(self.state, 0, shape, row_major(shape))
        size = shape[-1]
        if name == "calendar":
            out = Ref(Value(size, torch.float64, True), 0, shape, row_major(shape))
        else:
            out = Ref(Value(size), 0, shape, row_major(shape))
        self.emission.write(Op("input", out, [], {"name": name}))
        return out

    def _needed(self) -> set[fx.Node]:
        """Nodes that the output depends on, without those that only constants depend on."""
        seen: set[fx.Node] = set()
        left = [node for node in self.trace.graph.nodes if node.op == "output"]
        while left:
            node = left.pop()
            if node in seen:
                continue
            seen.add(node)
            if self.trace.info[node].value is None:
                left.extend(node.all_input_nodes)
        return seen

    def _lower(self, node: fx.Node) -> Any:
        info = self.trace.info[node]
        if info.value is not None:
            return self.emission.constant(info.value)
        target = str(node.target)
        name = target.split(".")[1] if target.startswith("aten.") else target
        rule = RULES.get(name)
        if rule is None:
            message = f"{place_of(node)} has no counterpart in native programs"
            raise LoweringError(message)
        args, kwargs = fx.node.map_arg((node.args, node.kwargs), lambda source: self.env[source])
        try:
            return rule(self, node, *args, **kwargs)
        except LoweringError as error:
            message = f"{place_of(node)}: {error}"
            raise LoweringError(message) from error
        except (TypeError, ValueError, AssertionError, AttributeError, IndexError) as error:
            message = f"{place_of(node)} is used in a way that cannot be lowered: {error!r}"
            raise LoweringError(message) from error

    # --- results ---

    def _flux(self, symbol: Symbol) -> None:
        ref = self.emission.reference(self.emission.reshaped(symbol, (symbol.shape[-1],)))
        self.emission.write(Op("flux", None, [ref]))

    def _stores(self, row: Symbol) -> None:
        """Store what is not what it was: parts of the row one by one."""
        begin = 0
        parts = row.parts if isinstance(row, Parts) else (row,)
        if isinstance(row, Parts) and row.dim != 1:
            parts = (self.emission.reference(row),)
        for part in parts:
            size = part.shape[1]
            for at, piece in self._pieces(part, begin):
                self._store(piece, at)
            begin += size
        if begin != self.state.size:
            message = f"the new state has {begin} numbers, the state {self.state.size}"
            raise LoweringError(message)

    def _pieces(self, part: Symbol, begin: int) -> list[tuple[int, Symbol]]:
        if isinstance(part, Patched) and self._unchanged(part.base, begin):
            return [(begin, part)]
        if isinstance(part, Parts):
            part = self.emission.reference(part)
        return [(begin, part)]

    def _unchanged(self, ref: Symbol, begin: int) -> bool:
        return isinstance(ref, Ref) and ref.base is self.state and ref.plain and ref.offset == begin

    def _store(self, part: Symbol, at: int) -> None:
        if self._unchanged(part, at):
            return
        if self._fresh and isinstance(part, Ref) and isinstance(part.base, Constant) and not elements(part).any():
            return
        if isinstance(part, Patched) and self._unchanged(part.base, at):
            self.emission.write(
                Op("store", None, [self.emission.reference(part.source)], {"at": at, "index": part.index})
            )
            return
        self.emission.write(Op("store", None, [self.emission.reference(part)], {"at": at}))
