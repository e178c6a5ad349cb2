"""Native programs: any model's exported methods as short programs that the coupler runs without libtorch.

docs/native_program.md is the format; `interpreter` says what each operation means.
"""

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor

from emulator.artefact.native.checking import Steps
from emulator.artefact.native.days import EXAMPLES
from emulator.artefact.native.errors import LoweringError
from emulator.artefact.native.fusion import fuse
from emulator.artefact.native.lowering import Lowering
from emulator.artefact.native.placing import placed
from emulator.artefact.native.program import Method, Program
from emulator.artefact.native.tracing import cells_for, trace
from emulator.data.signature import Signature
from emulator.models.streaming import StreamingModel

__all__ = ["LoweringError", "Program", "program_of"]


@torch.no_grad()
def program_of(model: StreamingModel, signature: Signature) -> Program:
    """Lower `init_state`, and `step` and `step_observed` on each kind of day; LoweringError where that cannot be."""
    model = model.eval()
    sizes = len(signature.inputs), len(signature.statics), len(signature.targets)
    cells = cells_for(model, *sizes, model.state_size)
    drivers, statics, flux = (torch.zeros(cells, size) for size in sizes)
    state, steps = model.init_state(statics), cast(Steps, model)
    methods: dict[str, Method] = {}

    def lower(name: str, method: Callable[..., Any], inputs: dict[str, Tensor], kind: str) -> None:
        lowering = Lowering(trace(method, inputs, kind, cells), model.state_size)
        methods[name] = Method(placed(fuse(lowering.run())))

    lower("init", model.init_state, {"statics": statics}, "day")
    for kind, calendar in EXAMPLES.items():
        inputs = {"drivers": drivers, "calendar": calendar, "state": state}
        lower(kind, model.step, inputs, kind)
        if model.past_flux != "none":
            lower(
                f"{kind}_observed",
                lambda drivers, calendar, state, observed: steps.step_observed(drivers, calendar, observed, state),
                inputs | {"observed": flux},
                kind,
            )
    return Program(methods)
