"""An artefact read into memory."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

from coupler.python import _binding
from coupler.python.cells import Cells
from coupler.python.errors import check

ROLES = {"input": 1, "static": 2, "target": 3}  # ecostep_role


@dataclass(frozen=True)
class Variable:
    """Description of an input, static or target. Limits that the artefact does not give are -inf or inf."""

    name: str
    units: str
    long_name: str
    accumulate: str
    valid_min: float
    valid_max: float
    train_min: float
    train_max: float


def library_version() -> str:
    """Version of libecostep."""
    return _binding.version()


class Model:
    """An artefact (docs/formats.md, section 2). Nothing in it changes, so threads may share it.

    ``backend`` is ``"native"``, ``"torchscript"``, ``"stub"``, None for the first that works, or ``"none"`` for a model
    that can be described only, whatever is in the file. ``trust`` lets TorchScript code use any operation
    (docs/security.md). Raises :class:`EcostepError` with status FILE_ERROR, NOT_AN_ARTEFACT, NEWER_FORMAT, CORRUPT,
    NO_BACKEND or NOT_TRUSTED.
    """

    def __init__(self, path: str | os.PathLike[str], backend: str | None = None, *, trust: bool = False):
        self.handle = _binding.Model()
        check(self.handle.open(os.fsencode(path), backend or "", trust))

    @property
    def name(self) -> str:
        """Label of the artefact."""
        return self.handle.name()

    @property
    def kind(self) -> str:
        """Kind of model, such as ``"lstm"``."""
        return self.handle.kind()

    @property
    def backend(self) -> str:
        """Backend in use."""
        return self.handle.backend()

    @property
    def backend_reason(self) -> str:
        """Why the backend in use is not the one that would come first; empty where it is, or was asked for."""
        return self.handle.backend_reason()

    @property
    def flops(self) -> float:
        """Floating-point operations of an ordinary day's step of one cell; 0 where the backend does not know."""
        return self.handle.flops()

    @property
    def past_flux(self) -> str:
        """``"none"``, ``"ungauged"`` or ``"self_fed"``: what ``step`` puts in the model's history."""
        return self.handle.past_flux()

    @property
    def fingerprint(self) -> str:
        """64 hexadecimal digits that tell the artefact from any other, for restart files (ecostep_fingerprint)."""
        return self.handle.fingerprint()

    @property
    def metadata(self) -> dict[str, Any]:
        """The whole of ``extra/ecostep.json``."""
        metadata: dict[str, Any] = json.loads(self.handle.metadata())
        return metadata

    @property
    def state_size(self) -> int:
        """Floats per cell of the state row."""
        return self.handle.state_size()

    @property
    def block_rows(self) -> int:
        """Cells computed at a time: 64, or 1 where the rows of a block do not come out alike (right, but slow)."""
        return self.handle.block_rows()

    @property
    def inputs(self) -> list[Variable]:
        """Drivers of each step, in the network's order."""
        return self._variables("input")

    @property
    def statics(self) -> list[Variable]:
        """Site attributes, read by ``init_state``."""
        return self._variables("static")

    @property
    def targets(self) -> list[Variable]:
        """Fluxes, in the network's order."""
        return self._variables("target")

    def verify(self) -> float:
        """Replay the reference run in the artefact; largest difference relative to each target's largest magnitude.

        Raises :class:`EcostepError` with status MISMATCH above 1e-4 and NOT_AVAILABLE without a reference.
        """
        status, difference = self.handle.verify()
        check(status)
        return difference

    def cells(self, ncell: int, calendar: str = "standard") -> Cells:
        """A set of ``ncell`` cells with a state array of their own (:class:`Cells`)."""
        return Cells(self, ncell, calendar)

    def _variables(self, role: str) -> list[Variable]:
        number = ROLES[role]
        return [Variable(*self.handle.variable(number, i)) for i in range(self.handle.count(number))]
