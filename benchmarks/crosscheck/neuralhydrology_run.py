"""One training with neuralhydrology's own code, run by the Python it is installed in: JSON in, npz out.

    python neuralhydrology_run.py SPEC.json

It imports nothing of ecostep. SPEC: `config` (options of neuralhydrology), `out` (npz), and `predict`, null or
`{basins, start, end, window, last}`: series of these basins are predicted in windows of `window` days of which the
last `last` count. Written are `predicted` (basins, days) in the units of the target, `dates`, and the processor's
time and the clock's for each epoch, `cpu_seconds` and `seconds`, batches read from their loader included.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from neuralhydrology.__about__ import __version__
from neuralhydrology.datasetzoo.genericdataset import load_attributes, load_timeseries
from neuralhydrology.training.basetrainer import BaseTrainer
from neuralhydrology.utils.config import Config


class TimedTrainer(BaseTrainer):
    """Their trainer with the time of each epoch."""

    def __init__(self, cfg: Config) -> None:
        super().__init__(cfg)
        self.cpu_seconds: list[float] = []
        self.seconds: list[float] = []

    def _train_epoch(self, epoch: int) -> None:
        cpu, clock = time.process_time(), time.perf_counter()
        super()._train_epoch(epoch)
        self.cpu_seconds.append(time.process_time() - cpu)
        self.seconds.append(time.perf_counter() - clock)


@torch.no_grad()
def predict(
    trainer: TimedTrainer, basins: list[str], start: str, end: str, window: int, last: int
) -> tuple[np.ndarray, np.ndarray]:
    """Predictions (basins, days) from start to end, and the dates."""
    cfg, scaler, model = trainer.cfg, trainer.loader.dataset.scaler, trainer.model.eval()
    centre, scale = scaler["xarray_feature_center"], scaler["xarray_feature_scale"]
    attributes = load_attributes(cfg.data_dir, basins)[cfg.static_attributes].sort_index(axis=1)
    attributes = (attributes - scaler["attribute_means"]) / scaler["attribute_stds"]
    dates = pd.date_range(start, end)
    target = cfg.target_variables[0]
    series_of_basins = []
    for basin in basins:
        series = load_timeseries(cfg.data_dir, basin)
        first = int(series.index.get_loc(dates[0]))
        ends = list(range(first + last, first + len(dates), last)) + [first + len(dates)]
        drivers = {
            name: torch.from_numpy(
                np.stack(
                    [
                        (series[name].to_numpy()[stop - window : stop] - float(centre[name])) / float(scale[name])
                        for stop in ends
                    ]
                ).astype(np.float32)
            ).unsqueeze(-1)
            for name in cfg.dynamic_inputs
        }
        static = torch.tensor(attributes.loc[basin].to_numpy(np.float32)).expand(len(ends), -1)
        data = model.pre_model_hook({"x_d": drivers, "x_s": static}, is_train=False)
        output = model(data)["y_hat"][:, -last:, 0].numpy() * float(scale[target]) + float(centre[target])
        days = np.empty(len(dates), np.float32)
        for stop, values in zip(ends, output, strict=True):
            days[max(0, stop - first - last) : stop - first] = values[-min(last, stop - first) :]
        series_of_basins.append(days)
    return np.stack(series_of_basins), dates.strftime("%Y-%m-%d").to_numpy().astype(str)


def main() -> None:
    """Train, predict and write what SPEC asks for."""
    spec = json.loads(Path(sys.argv[1]).read_text())
    torch.set_num_threads(1)
    rates = {int(epoch): rate for epoch, rate in spec["config"]["learning_rate"].items()}
    spec["config"]["learning_rate"] = rates  # the keys of JSON are text
    trainer = TimedTrainer(Config(spec["config"]))
    trainer.initialize_training()
    trainer.train_and_validate()
    arrays = {
        "cpu_seconds": np.array(trainer.cpu_seconds),
        "seconds": np.array(trainer.seconds),
        "parameters": np.array(sum(weight.numel() for weight in trainer.model.parameters())),
        "version": np.array(__version__),
    }
    if spec["predict"] is not None:
        arrays["predicted"], arrays["dates"] = predict(trainer, **spec["predict"])
    np.savez(spec["out"], **arrays)


if __name__ == "__main__":
    main()
