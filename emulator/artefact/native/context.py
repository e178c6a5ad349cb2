"""What the rules of lowering see of a method: its trace, the operations written so far, what each node has become."""

from typing import Any

import torch
from torch import fx

from emulator.artefact.native.emission import Emission
from emulator.artefact.native.errors import LoweringError
from emulator.artefact.native.program import Index, Ref, State, Value
from emulator.artefact.native.tracing import NodeInfo, Trace


class Context:
    """A method while it is lowered. `env`: what each node has become so far."""

    def __init__(self, trace: Trace, state_size: int) -> None:
        self.trace = trace
        self.state = State(state_size)
        self.emission = Emission(self.state)
        self.env: dict[fx.Node, Any] = {}

    def info(self, node: fx.Node) -> NodeInfo:
        """What the trace knows of a node."""
        return self.trace.info[node]

    def operand_info(self, node: fx.Node) -> NodeInfo:
        """What the trace knows of the first operand of a node."""
        operand = node.args[0]
        assert isinstance(operand, fx.Node)
        return self.info(operand)

    def shape(self, node: fx.Node) -> tuple[int, ...]:
        """Shape of a node's result for one cell."""
        shape = self.info(node).shape
        assert shape is not None
        return shape

    def dtype(self, node: fx.Node) -> torch.dtype:
        """Type of a node's result in a program."""
        dtype = self.info(node).dtype
        assert dtype is not None
        return native_dtype(dtype)

    def index_of(self, ref: Ref, stride: int) -> Index:
        """A place that depends on the day: one number of a uniform value."""
        if not ref.base.uniform or not isinstance(ref.base, Value):
            message = "an index that depends on the cell"
            raise LoweringError(message)
        if ref.index is not None:
            message = "an index that is itself chosen by the day"
            raise LoweringError(message)
        return Index(ref.base, ref.offset, stride)


def native_dtype(dtype: torch.dtype) -> torch.dtype:
    """Whole numbers are float64 in programs, truth values float32."""
    if dtype in (torch.float32, torch.bool):
        return torch.float32
    if dtype in (torch.float64, torch.int64, torch.int32):
        return torch.float64
    message = f"type {dtype}"
    raise LoweringError(message)
