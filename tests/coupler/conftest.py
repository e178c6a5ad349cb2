"""Artefacts and a small host that the coupler's tests share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.coupler import artefacts

if not os.environ.get("CI"):  # there the build must have made it
    pytest.importorskip("coupler.python._binding", reason="the coupler is not built; run bash scripts/setup.sh")


@pytest.fixture(scope="session")
def stub_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stub artefact."""
    return artefacts.write_stub(tmp_path_factory.mktemp("stub") / "stub.pt")


@pytest.fixture(scope="session")
def lstm_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A TorchScript artefact without past flux."""
    return artefacts.write_torchscript(tmp_path_factory.mktemp("lstm") / "lstm.pt")


@pytest.fixture(scope="session")
def gauged_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A TorchScript artefact that takes measured flux."""
    return artefacts.write_torchscript(tmp_path_factory.mktemp("gauged") / "gauged.pt", past_flux="ungauged")


@pytest.fixture(scope="session")
def uneven_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A TorchScript artefact with a layer of 33 inputs and 2 outputs, whose rows of a block come out unlike in MKL."""
    return artefacts.write_torchscript(tmp_path_factory.mktemp("uneven") / "uneven.pt", hidden=32)


@pytest.fixture(scope="session", params=["stub", "torchscript", "uneven"])
def any_file(request: pytest.FixtureRequest) -> Path:
    """One artefact of each backend, and one whose cells must be computed one by one."""
    files = {"stub": "stub_file", "torchscript": "lstm_file", "uneven": "uneven_file"}
    return request.getfixturevalue(files[request.param])


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Artefact of a real model in small (tests/coupler/models.py), exported on first use."""
    from tests.coupler import models

    folder = tmp_path_factory.mktemp("models")
    dataset = None

    def path(kind: str) -> Path:
        nonlocal dataset
        out = folder / f"{kind}.pt"
        if not out.exists():
            dataset = dataset or models.write_dataset(folder)
            models.write_model(kind, dataset, out)
        return out

    return path


class Host:
    """A land model in small: one array per variable, a calendar date, and cells that read and write them."""

    def __init__(
        self,
        path: Path,
        ncell: int,
        statics: np.ndarray | None = None,
        kind: type = np.float64,
        backend: str | None = None,
        calendar: str = "standard",
    ):
        from coupler import Model

        self.model = Model(path, backend)
        self.cells = self.model.cells(ncell, calendar)
        self.date = np.datetime64("2003-12-20")
        self.forcing = {v.name: np.zeros(ncell, kind) for v in self.model.inputs}
        self.flux = {v.name: np.full(ncell, -999.0, kind) for v in self.model.targets}
        statics = artefacts.sample_statics(ncell) if statics is None else statics
        self.statics = {v.name: np.ascontiguousarray(statics[:, i]) for i, v in enumerate(self.model.statics)}
        for variable in self.model.inputs:
            self.cells.set_input(variable.name, self.forcing[variable.name], variable.units)
        for variable in self.model.statics:
            self.cells.set_static(variable.name, self.statics[variable.name], variable.units)
        for variable in self.model.targets:
            self.cells.set_output(variable.name, self.flux[variable.name], variable.units)
        self.cells.init_state()

    def day(self, inputs: np.ndarray) -> np.ndarray:
        """Run one day in one step; inputs (N, D) -> fluxes (N, C)."""
        return self.part(inputs, 0, 86400)

    def part(self, inputs: np.ndarray, seconds: int, dt: int) -> np.ndarray:
        """Run one step within the day."""
        for i, array in enumerate(self.forcing.values()):
            array[:] = inputs[:, i]
        year, month, day = (int(part) for part in str(self.date).split("-"))
        self.cells.step(year, month, day, seconds, dt)
        if seconds + dt == 86400:
            self.date = self.date + 1
        return np.stack([array.copy() for array in self.flux.values()], axis=1)

    def run(self, inputs: np.ndarray) -> np.ndarray:
        """inputs (T, N, D) -> fluxes (T, N, C)."""
        return np.stack([self.day(one_day) for one_day in inputs])


@pytest.fixture
def host() -> Callable[..., Host]:
    """Make a :class:`Host`."""
    return Host
