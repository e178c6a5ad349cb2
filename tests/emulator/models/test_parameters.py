"""Every parameter of a model takes part in its training."""

from collections.abc import Callable

import pytest
import torch

from emulator.data.windows import Batch
from emulator.models.streaming import StreamingModel
from tests.emulator.models.conftest import KINDS, Case

CHAM_NET = (
    {"history": False},
    {"hierarchy": False},
    {"film": False},
    {"hypernetwork_rank": 2},
    {"site_features": 0},
    {"contrastive_weight": 0.0},
)
RACI = ({"roles": False}, {"local": False}, {"film": False}, {"code_size": 0}, {"code_roles": True})
OPTIONS = (
    *((kind, {}) for kind in KINDS),
    *(("cham_net", options) for options in CHAM_NET),
    *(("unified", options) for options in ({"history": False}, {"site_features": 0}, {"code_size": 0})),
    *(("raci", options) for options in RACI),
    ("lstm", {"code_size": 4}),
)


@pytest.mark.parametrize(("kind", "options"), OPTIONS, ids=lambda part: part if isinstance(part, str) else str(part))
def test_no_parameter_is_left_out(
    case: Case, make_model: Callable[..., StreamingModel], kind: str, options: dict
) -> None:
    data, days = case.dataset, case.dataset.days(2003, 2006)
    flux = data.flux[:6, days]
    batch = Batch(data.drivers[:6, days], case.calendar(6)[:, days], data.static[:6], flux, flux, torch.arange(6))
    torch.manual_seed(4)
    model = make_model(kind, **options).train()
    output = model.training_outputs(batch)
    (output.prediction.square().mean() + sum(output.auxiliary.values())).backward()
    untrained = [
        name
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and (parameter.grad is None or not parameter.grad.any())
    ]
    assert untrained == []
