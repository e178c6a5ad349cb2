"""Real models in small: every kind that hosts couple, with weights large enough that every path through it matters.

They are exported as users export theirs. `python -m tests.coupler.models FOLDER` writes them all.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

KINDS = ("lstm", "cham_net", "raci", "unified")


def write_dataset(folder: Path) -> Path:
    """Twelve sites, 2003 to 2012."""
    from tests.emulator.synthetic import write_dataset

    return write_dataset(folder / "dataset.nc", sites=12, years=10)


def write_model(kind: str, dataset: Path, out: Path, **options: Any) -> Path:
    """The artefact of an untrained model of `kind`, whose scalers and memory come from six years at ten sites."""
    import pytest
    import torch

    from emulator.artefact.exporting import export
    from emulator.configuration.schema import Config
    from emulator.data.dataset import Dataset
    from emulator.data.scalers import fit_scalers
    from emulator.data.windows import TrainingSites, training_data
    from emulator.models.registry import build
    from emulator.runs import trained_model
    from emulator.runs.run_folder import RunFolder
    from emulator.runs.trained_model import TrainedModel
    from emulator.training.assembly import describe

    config = Config.model_validate(
        {"data": {"path": dataset}, "model": {"kind": kind, "hidden": 12, **options}, "training": {"threads": 1}}
    )
    signature = config.data.signature()
    data = Dataset.open(dataset, signature)
    mask = np.zeros((data.n_sites, 10), bool)
    mask[:10, :6] = True
    training = training_data(data, mask)
    torch.manual_seed(11)
    scalers = fit_scalers(training, signature)
    model = build(config.model, signature, scalers)
    model.enrol(TrainingSites(training.static, training.site, training.site))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            # past flux goes straight to sinh, which magnifies rounding errors
            parameter.add_((0.03 if name.endswith("head.skip.weight") else 0.1) * torch.randn_like(parameter))
    model.prepare()
    origin = dict.fromkeys(("git_hash", "config_hash", "dataset_hash"), "")
    origin |= {"seed": 11, "versions": {"torch": torch.__version__}}
    description = describe(config, signature, scalers, origin)
    trained = TrainedModel(model.eval(), config, signature, description, 1, 0.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trained_model, "load", lambda *_, **__: trained)
        export(RunFolder(out.parent / "run"), out, name=kind)
    return out


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    data_file = write_dataset(folder)
    for each in KINDS:
        write_model(each, data_file, folder / f"{each}.pt")
