"""Predict fluxes for all sites and days of a dataset: python -m emulator.predict RUN --data D [--out F]"""

import argparse
import logging
import sys
from pathlib import Path

import numpy as np

from emulator.data.dataset import Dataset
from emulator.data.dataset_file import DatasetError
from emulator.evaluate import file_attributes
from emulator.evaluation import offline as prediction
from emulator.evaluation import quantile_file
from emulator.evaluation.offline import PredictionError
from emulator.evaluation.probabilistic_fit import band_series, predict_bands, run_model
from emulator.runs import trained_model
from emulator.runs.checkpoint import CheckpointError
from emulator.runs.run_folder import RunFolder, RunFolderError
from emulator.train import make_deterministic

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
    parser.add_argument(
        "--quantiles",
        choices=("new", "trained_on"),
        help="also write quantiles 0.05, 0.5 and 0.95, as of new sites or as of sites that the model was trained on; "
        "needs an evaluated run",
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    run = RunFolder(options.run)
    out = options.out or run.path / f"predictions_{options.data.stem}.nc"
    try:
        predict(run, options.data, out, past_flux=options.past_flux, quantiles=options.quantiles)
    except (DatasetError, CheckpointError, PredictionError, RunFolderError) as error:
        log.error("%s", error)
        return 1
    log.info("wrote %s", out)
    return 0


def predict(
    run: RunFolder, data: Path, out: Path, *, past_flux: str = "none", quantiles: str | None = None
) -> np.ndarray:
    """Write predictions of a run's best checkpoint; returns them, (N, T, C) in analysis units.

    quantiles: 'new' or 'trained_on', what the sites are to the model, or None for no quantiles.
    """
    trained = trained_model.load(run)
    make_deterministic(trained.config.training.threads)
    observed = past_flux == "observed"
    if past_flux != "none" and trained.model.past_flux == "none":
        raise RunFolderError(
            f"{run.path}: a model of kind {trained.config.model.kind} takes no past flux; use --past-flux none"
        )
    dataset = Dataset.open(data, trained.signature, require_targets=observed)
    everything = np.ones((dataset.n_sites, len(dataset.years)), bool)
    view = run_model(trained.model, dataset, everything if observed else None, self_fed=past_flux == "self_fed")
    fluxes = view.predicted
    named = {
        target.name: (target, fluxes[..., index], "predicted") for index, target in enumerate(trained.signature.targets)
    }
    if quantiles is not None:
        fitted = quantile_file.load(run, trained.signature, trained.epoch, trained.model)
        if fitted is None:
            raise RunFolderError(f"{run.path}: has no quantiles yet; run python -m emulator.evaluate {run.path}")
        bands = predict_bands(fitted, view, dataset, np.full(dataset.n_sites, quantiles == "trained_on"))
        for index, target in enumerate(trained.signature.targets):
            named |= band_series(target, bands[..., index, :])
    attributes = file_attributes(trained) | {"past_flux": past_flux, "drivers": data.name}
    prediction.write_predictions(out, dataset, named, attributes)
    return fluxes


if __name__ == "__main__":
    sys.exit(main())
