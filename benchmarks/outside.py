"""Are our LSTM baselines straw men, and what does a model cost? A cross-check with neuralhydrology, and throughput.

    python benchmarks/outside.py --ensemble wetland/dataset.nc --neuralhydrology-python VENV/bin/python \
        --json docs/results/outside.json

neuralhydrology (Kratzert et al. 2022, J. Open Source Softw. 7:4050) trains its LSTM and EA-LSTM with its own code on
the same sites, years and scaled inputs; what it predicts is scored here, on the same days as ours. Interrupted, the
same command goes on; the file holds what is done so far. See docs/results/README.md for what is compared with what.
"""

import argparse
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import torch

from emulator import atomic_file, provenance, trained_model
from emulator.config import Config
from emulator.data.dataset import Dataset
from emulator.data.scalers import DriverScaling, Scalers, fit_scalers
from emulator.data.splits import Split, SplitConfig
from emulator.data.variables import Signature
from emulator.data.windows import training_data
from emulator.evaluation import metrics
from emulator.evaluation.prediction import predict
from emulator.models import registry
from emulator.models.layers import StaticFeatures, season
from emulator.run_folder import RunFolder
from emulator.train import fit, make_deterministic

log = logging.getLogger(__name__)

INPUTS = ("tas", "pr", "rsds", "rlds", "vpd", "sfcWind", "co2", "ch4", "tsl", "mrsos", "wtd", "snw", "lai")
STATICS = ("lat", "lon", "elevation", "sand", "clay", "ph", "biome")
TARGET = "fch4"
SPLIT = SplitConfig(
    test_years=5, validation_years=2, folds=5, block_degrees=5.0, buffer_km=100.0, validation_fraction=0.1
)
HOW_TO_INSTALL = """\
neuralhydrology is not part of ecostep. Install it into an environment of its own and name its Python:
    python -m venv .venv-neuralhydrology
    .venv-neuralhydrology/bin/pip install torch --index-url https://download.pytorch.org/whl/cpu
    .venv-neuralhydrology/bin/pip install neuralhydrology==1.13.0
    python benchmarks/outside.py ... --neuralhydrology-python .venv-neuralhydrology/bin/python"""

LEARNING_RATE = 5e-3
THEIR_LEARNING_RATES = {0.0: LEARNING_RATE, 0.5: 2e-3, 0.75: 5e-4}
"""By the share of the epochs that are done; about our cosine."""

YEAR = 365
BATCH_YEARS = 48
"""Site-years that each update runs through, in all trainings."""


FEW = 40
"""Sites that neuralhydrology's speed is measured with: it takes long to index many."""


@dataclass(frozen=True)
class Theirs:
    """A training with neuralhydrology: `days` in a sequence, of which the last `scored` are in the loss."""

    model: str
    days: int
    scored: int

    @property
    def batch(self) -> int:
        return BATCH_YEARS * YEAR // self.days


THEIRS = {
    "neuralhydrology cudalstm, last year of two": Theirs("cudalstm", 2 * YEAR, YEAR),
    "neuralhydrology ealstm, last year of two": Theirs("ealstm", 2 * YEAR, YEAR),
    "neuralhydrology cudalstm, sequence to one": Theirs("cudalstm", YEAR, 1),
}
OURS = {
    "lstm": {},
    "ea_lstm": {},
    "lstm, squared error only": {"site": 0.0, "physical": 0.0},
}
"""Our trainings and their options of the loss; neuralhydrology's is the squared error in the same space."""


@dataclass(frozen=True)
class Bench:
    """The data that everything is trained and tested on, and the options."""

    dataset: Dataset
    split: Split
    scalers: Scalers
    tested: dict[str, tuple[np.ndarray, range]]
    work: Path
    python: str
    hidden: int
    epochs: int
    seed: int

    @property
    def updates(self) -> int:
        """Updates of an epoch: all training years of all sites once, in windows of three years."""
        rounds = -(-int(self.split.train_years.sum()) // 3)
        return -(-int(self.split.train_sites.sum()) // (BATCH_YEARS // 3)) * rounds

    @property
    def training_years(self) -> np.ndarray:
        return self.dataset.years[self.split.train_years]


def open_bench(options: argparse.Namespace) -> Bench:
    """A part of the training sites, all validation sites and the test sites of the first fold."""
    whole = Dataset.open(options.ensemble, Signature.from_names(INPUTS, STATICS, (TARGET,)))
    split = SPLIT.build(whole.lat, whole.lon, whole.years)
    random = np.random.default_rng(options.seed)
    chosen = {
        part: np.sort(random.permutation(np.flatnonzero(sites))[: options.sites])
        for part, sites in (
            ("train", split.train_sites),
            ("validation", split.validation_sites),
            ("test", split.test_sites),
        )
    }
    rows = np.concatenate([chosen["train"], chosen["validation"], chosen["test"]])
    dataset = whole.site_subset(rows)
    part = np.repeat(np.arange(3), [len(sites) for sites in chosen.values()])
    split = Split(
        part == 0, part == 1, part == 2, split.train_years, split.validation_years, split.test_years, split.block[rows]
    )
    first, last = int(dataset.years[0]), int(dataset.years[-1])
    test_from = int(dataset.years[split.test_years][0])
    tested = {
        "temporal": (np.flatnonzero(split.train_sites)[: options.test_sites], range(test_from, last + 1)),
        "spatial": (np.flatnonzero(split.test_sites)[: options.test_sites], range(first + 2, test_from)),
        "spatiotemporal": (np.flatnonzero(split.test_sites)[: options.test_sites], range(test_from, last + 1)),
    }
    scalers = fit_scalers(training_data(dataset, split.mask("train")), dataset.signature)
    work = options.work.resolve()
    return Bench(
        dataset,
        split,
        scalers,
        tested,
        work,
        options.neuralhydrology_python,
        options.hidden,
        options.epochs,
        options.seed,
    )


# ---- skill ----------------------------------------------------------------------------------------------------------


def scores(bench: Bench, predicted: np.ndarray) -> dict[str, dict[str, float]]:
    """Our metrics of fluxes (N, T) on the test days of each part; the first two years are never scored."""
    year = bench.dataset.calendar[:, 0].numpy()
    result = {}
    for part, (sites, years) in bench.tested.items():
        days = np.isin(year, list(years))
        observed = bench.dataset.flux[sites][:, days, 0].numpy()
        found = predicted[np.ix_(sites, days)]
        assert np.isfinite(found).all()
        pooled = metrics.pooled(observed, found)
        median = metrics.median_over_sites(observed, found)
        result[part] = {name: pooled[name] for name in ("rmse", "nrmse", "nrmse_sd", "r2", "bias", "n")}
        result[part]["r2_median_site"] = median["r2"]
    return result


def our_config(bench: Bench, kind: str, loss: dict[str, float], **training: Any) -> Config:
    """The configuration of one of our trainings."""
    return Config.model_validate(
        {
            "seed": bench.seed,
            "data": {"path": bench.dataset.path, "inputs": INPUTS, "statics": STATICS, "targets": (TARGET,)},
            "split": SPLIT.model_dump(),
            "model": {"kind": kind, "hidden": bench.hidden},
            "loss": loss,
            "training": {"learning_rate": LEARNING_RATE, "threads": 1, "validation_sites": 32, **training},
        }
    )


def train_ours(bench: Bench, name: str) -> dict[str, Any]:
    """Train a model of ours and score it."""
    kind = name.split(",")[0]
    config = our_config(bench, kind, OURS[name], epochs=bench.epochs, batch_size=BATCH_YEARS // 3, years_per_window=3)
    folder = RunFolder(bench.work / "ours" / name.replace(", ", "-").replace(" ", "_"))
    began = time.process_time()
    fit(config, bench.dataset, bench.split, folder)
    seconds = time.process_time() - began
    model = trained_model.load(folder).model
    return {
        "skill": scores(bench, predict(model, bench.dataset)[..., 0]),
        "parameters": sum(p.numel() for p in model.parameters()),
        "updates": bench.epochs * bench.updates,
        "cpu_seconds": round(seconds, 1),
    }


def train_theirs(bench: Bench, name: str) -> dict[str, Any]:
    """Train a model of neuralhydrology with as many site-years, and score it."""
    theirs = THEIRS[name]
    sites = np.unique(np.concatenate([rows for rows, _ in bench.tested.values()]))
    first = bench.dataset.years[0] + 2
    chunk = min(theirs.scored, YEAR) if theirs.scored > 1 else 30
    period = {
        "basins": [str(bench.dataset.site_id[site]) for site in sites],
        "start": f"{first}-01-01",
        "end": f"{bench.dataset.years[-1]}-12-31",
        "window": theirs.days + (chunk - theirs.scored),
        "last": chunk,
    }
    found = neuralhydrology(bench, name, theirs, epochs=bench.epochs, updates=bench.updates, period=period)
    u = np.clip(found["predicted"], -float(bench.scalers.target_limit[0]), float(bench.scalers.target_limit[0]))
    predicted = np.full(tuple(bench.dataset.flux.shape[:2]), np.nan)
    days = bench.dataset.calendar[:, 0].numpy() >= first
    predicted[np.ix_(sites, days)] = float(bench.scalers.target_scale[0]) * np.sinh(u)
    return {
        "skill": scores(bench, predicted),
        "parameters": int(found["parameters"]),
        "updates": bench.epochs * bench.updates,
        "cpu_seconds": round(float(found["cpu_seconds"].sum()), 1),
    }


# ---- neuralhydrology ------------------------------------------------------------------------------------------------


def write_their_data(bench: Bench) -> tuple[list[str], list[str]]:
    """The generic dataset of neuralhydrology: a netCDF file a site and one table of attributes; names of both.

    Inputs are those that our LSTM computes inside: skewed drivers compressed, position in the season, one-hot classes;
    the target is asinh(flux / scale). neuralhydrology standardises them itself.
    """
    dataset = bench.dataset
    features = StaticFeatures(dataset.signature, bench.scalers)
    static = features(dataset.static)
    wave = season(dataset.calendar.expand(dataset.n_sites, -1, -1), static[:, :1]).numpy()
    drivers = DriverScaling(bench.scalers)(dataset.drivers).numpy()
    target = torch.asinh(dataset.flux / bench.scalers.target_scale).numpy()
    dynamic = [*INPUTS, "season_sine", "season_cosine"]
    static = static.numpy()
    varies = np.flatnonzero(static[bench.split.train_sites].std(axis=0) > 1e-6)
    attributes = [f"attribute_{column:02d}" for column in varies]
    folder = bench.work / "data"
    if (folder / "complete").exists():
        return dynamic, attributes
    for name in ("time_series", "attributes", "basins"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    rows = [",".join([str(dataset.site_id[row]), *map(str, static[row, varies])]) for row in range(dataset.n_sites)]
    (folder / "attributes" / "attributes.csv").write_text("\n".join([",".join(["site", *attributes]), *rows]) + "\n")
    first = f"{dataset.years[0]}-01-01"
    for row in range(dataset.n_sites):
        with netCDF4.Dataset(folder / "time_series" / f"{dataset.site_id[row]}.nc", "w") as file:
            file.createDimension("date", dataset.drivers.shape[1])
            date = file.createVariable("date", "i4", ("date",))
            date.setncatts({"units": f"days since {first}", "calendar": "standard"})
            date[:] = np.arange(dataset.drivers.shape[1])
            columns = np.concatenate([drivers[row], wave[row], target[row]], axis=1)
            for name, values in zip([*dynamic, TARGET], columns.T, strict=True):
                file.createVariable(name, "f4", ("date",))[:] = values
    basins = [f"{site}\n" for site in dataset.site_id[bench.split.train_sites]]
    (folder / "basins" / "train.txt").write_text("".join(basins))
    (folder / "basins" / "few.txt").write_text("".join(basins[:FEW]))
    (folder / "complete").write_text("")
    return dynamic, attributes


def neuralhydrology(
    bench: Bench, name: str, theirs: Theirs, *, epochs: int, updates: int, period: dict[str, Any] | None
) -> dict[str, np.ndarray]:
    """Train with neuralhydrology in a process of its Python; what neuralhydrology_run.py gives.

    period: what to predict (see there); None where only the speed is asked for, which a few sites tell.
    """
    dynamic, attributes = write_their_data(bench)
    folder = bench.work / "theirs" / name.replace(", ", "-").replace(" ", "_")
    folder.mkdir(parents=True, exist_ok=True)
    basins = str(bench.work / "data" / "basins" / ("train.txt" if period else "few.txt"))
    years = bench.training_years
    span = {"start": f"01/01/{years[0]}", "end": f"31/12/{years[-1]}"}
    config = {
        "experiment_name": "outside",
        "run_dir": str(folder),
        "dataset": "generic",
        "data_dir": str(bench.work / "data"),
        **{f"{part}_basin_file": basins for part in ("train", "validation", "test")},
        **{f"{part}_{end}_date": date for part in ("train", "validation", "test") for end, date in span.items()},
        "dynamic_inputs": dynamic,
        "static_attributes": attributes,
        "target_variables": [TARGET],
        "model": theirs.model,
        "head": "regression",
        "output_activation": "linear",
        "hidden_size": bench.hidden,
        "initial_forget_bias": 3,
        "output_dropout": 0.1,
        "optimizer": "Adam",
        "loss": "MSE",
        "learning_rate": {round(share * epochs): rate for share, rate in THEIR_LEARNING_RATES.items()},
        "clip_gradient_norm": 1,
        "batch_size": theirs.batch,
        "epochs": epochs,
        "max_updates_per_epoch": updates,
        "seq_length": theirs.days,
        "predict_last_n": theirs.scored,
        "seed": bench.seed,
        "device": "cpu",
        "num_workers": 0,
        "validate_every": None,
        "save_weights_every": epochs,
        "log_interval": 10_000,
        "log_tensorboard": False,
        "log_n_figures": 0,
        "verbose": 0,
        "metrics": [],
    }
    out = folder / f"{epochs}x{updates}.npz"
    spec = folder / "spec.json"
    spec.write_text(json.dumps({"config": config, "out": str(out), "predict": period}))
    script = Path(__file__).with_name("neuralhydrology_run.py")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run([bench.python, script, spec], capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        raise RuntimeError(f"neuralhydrology failed:\n{(done.stdout + done.stderr)[-3000:]}")
    with np.load(out) as file:
        return dict(file)


# ---- throughput -----------------------------------------------------------------------------------------------------


def training_speed(bench: Bench, repeats: int = 2, batch: int = 64, updates: int = 30) -> dict[str, Any]:
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
            times.setdefault(kind, []).append(_our_step(bench, kind, batch, f"{turn}"))
        for name, theirs in sequences.items():
            found = _their_step(bench, name, theirs, batch, updates)
            times.setdefault(name, []).append(found)
            log.info("%s: %.3f ms a site-year", name, found)
    result: dict[str, Any] = {"batch": batch, "days": YEAR, "hidden": bench.hidden, "turns": repeats}
    for name, found in times.items():
        one_day = name.endswith("sequence to one")
        value = float(np.median(found))
        result[name] = {
            "ms_per_site_year_run_through": value,
            "us_per_step": 1000.0 * value / YEAR,
            "ms_per_predicted_site_year": value * (YEAR if one_day else 1),
            "turns": [round(item, 4) for item in found],
        }
    for ours, prefix in (("lstm", "neuralhydrology cudalstm"), ("ea_lstm", "neuralhydrology ealstm")):
        if ours in result:
            result[f"{ours} over {prefix}"] = {
                name: {
                    key: result[name][key] / result[ours][key]
                    for key in ("ms_per_site_year_run_through", "ms_per_predicted_site_year")
                }
                for name in sequences
                if name.startswith(prefix) and name in result
            }
    return result


def _our_step(bench: Bench, kind: str, batch: int, turn: str) -> float:
    """ms of the processor a site-year of training; start, validation and the first epoch do not count."""
    more, windows = 6, 8
    sampling = {"batch_size": batch, "years_per_window": 1, "windows_per_site": windows, "validation_every": 99}
    seconds = []
    for epochs in (1, 1 + more):
        config = our_config(bench, kind, {}, epochs=epochs, **sampling)
        began = time.process_time()
        fit(config, bench.dataset, bench.split, bench.work / "speed" / f"{kind}-{epochs}-{turn}", overwrite=True)
        seconds.append(time.process_time() - began)
    return 1000.0 * (seconds[1] - seconds[0]) / (more * windows * int(bench.split.train_sites.sum()))


def _their_step(bench: Bench, name: str, theirs: Theirs, batch: int, updates: int) -> float:
    """ms of the processor a site-year of training; the first epoch does not count."""
    fixed = _Fixed(theirs.model, theirs.days, theirs.scored, batch)
    found = neuralhydrology(bench, f"speed {name}", fixed, epochs=3, updates=updates, period=None)
    return 1000.0 * float(np.mean(found["cpu_seconds"][1:])) / (updates * batch)


@dataclass(frozen=True)
class _Fixed(Theirs):
    """With the batch size given."""

    size: int = 64

    @property
    def batch(self) -> int:
        return self.size


def prediction_speed(bench: Bench, sites: int = 32, repeats: int = 5) -> dict[str, Any]:
    """Processor time of offline prediction with one thread, ms a site-year, of every registered kind at one size."""
    known = training_data(bench.dataset, bench.split.mask("train"))
    some = bench.dataset.site_subset(np.flatnonzero(bench.split.test_sites)[:sites])
    models = {}
    for config in registry.MODEL_CONFIGS:
        kind = config.model_fields["kind"].default
        options = {"hidden": bench.hidden} if "hidden" in config.model_fields else {}
        model = registry.build(config(**options), bench.dataset.signature, bench.scalers)
        model.prepare(known)
        models[kind] = model.eval()
        if "past_flux" in config.model_fields and config.model_fields["past_flux"].default == "none":
            models[f"{kind}, past flux"] = registry.build(
                config(**options, past_flux="ungauged"), bench.dataset.signature, bench.scalers
            ).eval()
    everything = torch.ones(some.flux.shape[:2], dtype=torch.bool)
    times: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(repeats):
        for name, model in models.items():
            began = time.process_time()
            predict(model, some, everything)
            times[name].append(1000.0 * (time.process_time() - began) / (some.n_sites * len(some.years)))
    best = {name: min(found) for name, found in times.items()}
    return {
        name: {
            "ms_per_site_year": value,
            "over_lstm": value / best["lstm"],
            "parameters": sum(p.numel() for p in models[name].parameters()),
        }
        for name, value in best.items()
    }


# ---- running --------------------------------------------------------------------------------------------------------


def parts(bench: Bench) -> dict[str, Callable[[], dict[str, Any]]]:
    """What is to be done, in order."""
    todo: dict[str, Callable[[], dict[str, Any]]] = {"prediction_speed": lambda: prediction_speed(bench)}
    if bench.python:
        todo["training_speed"] = lambda: training_speed(bench)
        for name in THEIRS:
            todo[name] = lambda name=name: train_theirs(bench, name)
    for name in OURS:
        todo[name] = lambda name=name: train_ours(bench, name)
    return todo


def find_neuralhydrology(python: str) -> str:
    """The Python to run it with, or '' with advice in the log."""
    for candidate in [python] if python else [sys.executable]:
        found = subprocess.run(
            [candidate, "-c", "import neuralhydrology.training.train"], capture_output=True, check=False
        )
        if found.returncode == 0:
            return candidate
    if python:
        raise SystemExit(f"{python} cannot import neuralhydrology.\n{HOW_TO_INSTALL}")
    log.warning("the comparison is left out. %s", HOW_TO_INSTALL)
    return ""


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    options.neuralhydrology_python = find_neuralhydrology(options.neuralhydrology_python)
    options.work.mkdir(parents=True, exist_ok=True)
    bench = open_bench(options)
    make_deterministic(1)
    settings = {
        "sites": options.sites,
        "test_sites": options.test_sites,
        "epochs": options.epochs,
        "hidden": options.hidden,
        "seed": options.seed,
        "target": TARGET,
    }
    kept = options.work / "outside.json.partial"
    done = json.loads(kept.read_text()) if kept.exists() else {"settings": settings, "parts": {}}
    if done["settings"] != settings:
        raise SystemExit(f"{kept} is of other settings, {done['settings']}; choose another --work")
    for name, work in parts(bench).items():
        if name in done["parts"]:
            continue
        log.info("%s", name)
        done["parts"][name] = metrics.to_json(work())
        atomic_file.write_json(kept, done)
        atomic_file.write_json(options.json, report(bench, settings, done["parts"]))
        log.info("%s: %s", name, json.dumps(done["parts"][name].get("skill", done["parts"][name])))
    atomic_file.write_json(options.json, report(bench, settings, done["parts"]))
    return 0


def report(bench: Bench, settings: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """What is committed."""
    versions = provenance.versions()
    if bench.python:
        command = [
            bench.python,
            "-c",
            "import neuralhydrology.__about__ as a, torch; print(a.__version__, torch.__version__)",
        ]
        answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        versions |= {"neuralhydrology": answer[0], "neuralhydrology's torch": answer[1]}
    return {
        "settings": settings
        | {
            "training_sites": int(bench.split.train_sites.sum()),
            "training_years": [int(year) for year in bench.training_years],
            "site_years_per_update": BATCH_YEARS,
            "tested": {
                part: {"sites": len(sites), "years": [years[0], years[-1]]}
                for part, (sites, years) in bench.tested.items()
            },
        },
        "skill": {name: part for name, part in found.items() if "skill" in part},
        "training_speed": found.get("training_speed"),
        "prediction_speed": found.get("prediction_speed"),
        "machine": {"cpus": os.cpu_count(), "processor": _processor(), "threads": 1},
        "versions": versions,
        "git_hash": provenance.git_hash(),
        "created": provenance.now(),
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ensemble", type=Path, required=True, metavar="DATASET", help="dataset.nc of the wetlands")
    parser.add_argument("--json", type=Path, default=Path("docs/results/outside.json"))
    parser.add_argument("--work", type=Path, default=Path("runs/outside"), help="folder of trainings and their data")
    parser.add_argument("--neuralhydrology-python", default="", metavar="PYTHON", help="Python that can import it")
    parser.add_argument("--sites", type=int, default=300, help="training sites, and at most as many others")
    parser.add_argument("--test-sites", type=int, default=150)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    return parser


if __name__ == "__main__":
    sys.exit(main())
