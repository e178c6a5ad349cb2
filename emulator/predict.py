"""Predict fluxes for all sites and days of a dataset: python -m emulator.predict RUN --data D [--out F]"""

import argparse
import logging
import sys
from pathlib import Path

import numpy as np

from emulator import trained_model
from emulator.data.dataset import Dataset
from emulator.data.validation import DatasetError
from emulator.evaluate import file_attributes
from emulator.evaluation import prediction
from emulator.evaluation.prediction import PredictionError
from emulator.run_folder import RunFolder, RunFolderError
from emulator.train import make_deterministic
from emulator.training.checkpoint import CheckpointError

log = logging.getLogger(__name__)


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m emulator.predict", description="Predict fluxes of a dataset's sites."
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="run folder of emulator.train")
    parser.add_argument(
        "--data", type=Path, required=True, metavar="D", help="dataset with the drivers; targets may be absent"
    )
    parser.add_argument("--out", type=Path, metavar="F", help="netCDF file to write (default RUN/predictions_<D>.nc)")
    parser.add_argument(
        "--past-flux",
        choices=("none", "observed", "self_fed"),
        default="none",
        help="flux that the model's history sees: none (default; equals a coupled run), the dataset's of earlier "
        "years, or the model's own (equals a coupled run of an artefact exported with --past-flux self_fed)",
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    run = RunFolder(options.run)
    out = options.out or run.path / f"predictions_{options.data.stem}.nc"
    try:
        predict(run, options.data, out, past_flux=options.past_flux)
    except (DatasetError, CheckpointError, PredictionError, RunFolderError) as error:
        log.error("%s", error)
        return 1
    log.info("wrote %s", out)
    return 0


def predict(run: RunFolder, data: Path, out: Path, *, past_flux: str = "none") -> np.ndarray:
    """Write predictions of a run's best checkpoint; returns them, (N, T, C) in analysis units."""
    trained = trained_model.load(run)
    make_deterministic(trained.config.training.threads)
    observed = past_flux == "observed"
    if past_flux != "none" and trained.model.past_flux == "none":
        raise RunFolderError(
            f"{run.path}: a model of kind {trained.config.model.kind} takes no past flux; use --past-flux none"
        )
    dataset = Dataset.open(data, trained.signature, require_targets=observed)
    if past_flux == "self_fed":
        fluxes = prediction.predict_self_fed(trained.model, dataset)
    else:
        everything = dataset.day_mask(np.ones((dataset.n_sites, len(dataset.years)), bool))
        fluxes = prediction.predict(trained.model, dataset, everything if observed else None)
    named = {
        target.name: (target, fluxes[..., index], "predicted") for index, target in enumerate(trained.signature.targets)
    }
    attributes = file_attributes(trained) | {"past_flux": past_flux, "drivers": data.name}
    prediction.write_predictions(out, dataset, named, attributes)
    return fluxes


if __name__ == "__main__":
    sys.exit(main())
