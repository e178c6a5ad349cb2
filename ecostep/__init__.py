"""Emulators of ecosystem process models, from Python: simulate, train, predict, export, each in a call.

    import ecostep

    dataset = ecostep.simulate("smoke", "runs/sims", sites=24, years=4)        # or ecostep.import_files(...)
    model = ecostep.train("quickstart", dataset, "runs/lstm", options={"training.epochs": 20})
    print(model.evaluate())                                                    # pandas: later years, other sites
    fluxes = model.predict(ecostep.open_dataset(dataset))                      # xarray: points or a grid
    artefact = model.export()                                                  # one file, which land models call
    fluxes = ecostep.load("runs/lstm/model.pt").predict("drivers.nc")          # needs no torch

Paths are str or Path everywhere. Steps of a host's own, restart and derivatives are in :mod:`coupler`. The command
`ecostep` does the same from a shell. Nothing is imported before it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecostep.artefact_model import ArtefactModel
    from ecostep.errors import DataError
    from ecostep.model import Model
    from ecostep.run_model import RunModel
    from ecostep.site_series import open_dataset
    from ecostep.work import SimulationError, import_files, load, simulate, train

    __version__: str

__all__ = [
    "ArtefactModel",
    "DataError",
    "Model",
    "RunModel",
    "SimulationError",
    "__version__",
    "import_files",
    "load",
    "open_dataset",
    "simulate",
    "train",
]

_MODULES = {
    "ArtefactModel": "artefact_model",
    "DataError": "errors",
    "Model": "model",
    "RunModel": "run_model",
    "SimulationError": "work",
    "import_files": "work",
    "load": "work",
    "open_dataset": "site_series",
    "simulate": "work",
    "train": "work",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name == "__version__":
        from foundations.provenance import versions

        return versions(["ecostep"])["ecostep"]
    if name in _MODULES:
        return getattr(import_module(f"ecostep.{_MODULES[name]}"), name)
    message = f"module 'ecostep' has no attribute '{name}'"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted(__all__)
