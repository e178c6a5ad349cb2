"""Processor time of training and of offline prediction, in one thread."""

import logging
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from benchmarks.crosscheck.experiment import YEAR, CrossCheck, our_config
from benchmarks.crosscheck.theirs import Theirs, neuralhydrology
from emulator.data.windows import TrainingSites
from emulator.evaluation.offline import predict
from emulator.models import registry
from emulator.training.fit import fit

log = logging.getLogger(__name__)


def training_speed(crosscheck: CrossCheck, repeats: int = 2, batch: int = 64, updates: int = 30) -> dict[str, Any]:
    """Processor time of training one thread with batches of `batch` sequences of a year, ms a site-year.

    Ours: the time of six epochs more of `fit`, reading of batches included. Theirs: their epochs after the first,
    likewise. By turns, and the median of the turns.
    """
    sequences = {
        "neuralhydrology cudalstm, sequence to one": Theirs("cudalstm", YEAR, 1),
        "neuralhydrology cudalstm, all days of a year": Theirs("cudalstm", YEAR, YEAR),
        "neuralhydrology ealstm, all days of a year": Theirs("ealstm", YEAR, YEAR),
    }
    times: dict[str, list[float]] = {}
    for turn in range(repeats):
        for kind in ("lstm", "ea_lstm"):
            times.setdefault(kind, []).append(_our_step(crosscheck, kind, batch, f"{turn}"))
        for name, theirs in sequences.items():
            ms_per_site_year = _their_step(crosscheck, name, theirs, batch, updates)
            times.setdefault(name, []).append(ms_per_site_year)
            log.info("%s: %.3f ms a site-year", name, ms_per_site_year)
    speeds: dict[str, Any] = {"batch": batch, "days": YEAR, "hidden": crosscheck.hidden, "turns": repeats}
    for name, turns in times.items():
        last_day_only = name.endswith("sequence to one")
        median = float(np.median(turns))
        speeds[name] = {
            "ms_per_site_year_run_through": median,
            "us_per_step": 1000.0 * median / YEAR,
            "ms_per_predicted_site_year": median * (YEAR if last_day_only else 1),
            "turns": [round(ms, 4) for ms in turns],
        }
    for ours, prefix in (("lstm", "neuralhydrology cudalstm"), ("ea_lstm", "neuralhydrology ealstm")):
        if ours in speeds:
            speeds[f"{ours} over {prefix}"] = {
                name: {
                    key: speeds[name][key] / speeds[ours][key]
                    for key in ("ms_per_site_year_run_through", "ms_per_predicted_site_year")
                }
                for name in sequences
                if name.startswith(prefix) and name in speeds
            }
    return speeds


def _our_step(crosscheck: CrossCheck, kind: str, batch: int, turn: str) -> float:
    """ms of the processor a site-year of training; start, validation and the first epoch do not count."""
    more, windows = 6, 8
    sampling = {"batch_size": batch, "years_per_window": 1, "windows_per_site": windows, "validation_every": 99}
    seconds = []
    for epochs in (1, 1 + more):
        config = our_config(crosscheck, kind, {}, epochs=epochs, **sampling)
        began = time.process_time()
        fit(
            config,
            crosscheck.dataset,
            crosscheck.split,
            crosscheck.work / "speed" / f"{kind}-{epochs}-{turn}",
            overwrite=True,
        )
        seconds.append(time.process_time() - began)
    return 1000.0 * (seconds[1] - seconds[0]) / (more * windows * int(crosscheck.split.train_sites.sum()))


def _their_step(crosscheck: CrossCheck, name: str, theirs: Theirs, batch: int, updates: int) -> float:
    """ms of the processor a site-year of training; the first epoch does not count."""
    fixed = _Fixed(theirs.model, theirs.days, theirs.scored, batch)
    training = neuralhydrology(crosscheck, f"speed {name}", fixed, epochs=3, updates=updates, period=None)
    return 1000.0 * float(np.mean(training["cpu_seconds"][1:])) / (updates * batch)


@dataclass(frozen=True)
class _Fixed(Theirs):
    """With the batch size given."""

    size: int = 64

    @property
    def batch(self) -> int:
        return self.size


def prediction_speed(crosscheck: CrossCheck, sites: int = 32, repeats: int = 5) -> dict[str, Any]:
    """Processor time of offline prediction with one thread, ms a site-year, of every registered kind at one size."""
    rows = torch.as_tensor(np.flatnonzero(crosscheck.split.train_sites))
    block = torch.as_tensor(crosscheck.split.block)[rows]
    training_sites = TrainingSites(crosscheck.dataset.static[rows], rows, block)
    held_out = crosscheck.dataset.site_subset(np.flatnonzero(crosscheck.split.test_sites)[:sites])
    models = {}
    for config in registry.MODEL_CONFIGS:
        kind = config.model_fields["kind"].default
        options = {"hidden": crosscheck.hidden} if "hidden" in config.model_fields else {}
        model = registry.build(config(**options), crosscheck.dataset.signature, crosscheck.scalers)
        model.enrol(training_sites)
        model.prepare()
        models[kind] = model.eval()
        if "past_flux" in config.model_fields and config.model_fields["past_flux"].default == "none":
            models[f"{kind}, past flux"] = registry.build(
                config.model_validate(options | {"past_flux": "ungauged"}),
                crosscheck.dataset.signature,
                crosscheck.scalers,
            ).eval()
    visible = torch.ones(held_out.flux.shape[:2], dtype=torch.bool)
    times: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(repeats):
        for name, model in models.items():
            began = time.process_time()
            predict(model, held_out, visible)
            times[name].append(1000.0 * (time.process_time() - began) / (held_out.n_sites * len(held_out.years)))
    best = {name: min(turns) for name, turns in times.items()}
    return {
        name: {
            "ms_per_site_year": value,
            "over_lstm": value / best["lstm"],
            "parameters": sum(p.numel() for p in models[name].parameters()),
        }
        for name, value in best.items()
    }
