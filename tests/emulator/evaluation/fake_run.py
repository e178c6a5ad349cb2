"""A folder like that which scripts/quickstart.sh leaves, made in seconds: "models" are truth plus noise."""

import json
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from emulator.data import calendar as column
from emulator.data.dataset import Dataset
from emulator.data.signature import Signature
from emulator.data.splits import PARTS, SplitConfig
from emulator.evaluation import probabilistic
from emulator.evaluation.climatology import Sites, class_climatology, day_slot, site_climatology
from emulator.evaluation.metrics import pooled, to_json
from emulator.evaluation.scoring import Series, score
from emulator.evaluation.series_file import write_predictions
from emulator.models.wrappers.quantiles import LEVELS
from foundations import atomic_file
from foundations.variables import BIOMES
from tests.emulator.synthetic import write_dataset

NOISE = {"lstm": 0.35, "cham_net": 0.15, "raci": 0.22}
TAKES_PAST_FLUX = "cham_net"
EPOCHS = 8
SPLIT = SplitConfig(test_years=1, validation_years=1, block_degrees=20.0)


def write_run(folder: Path, *, sites: int = 30, years: int = 4, seed: int = 0) -> Path:
    """Fill `folder` with simulations, evaluated models and a coupled run; returns it."""
    (folder / "sims").mkdir(parents=True)
    dataset = Dataset.open(
        write_dataset(folder / "sims" / "dataset.nc", sites=sites, years=years, seed=seed), Signature.from_names()
    )
    total = {"sites": sites, "years": years, "site_years": sites * years, "block_seconds": 12.0}
    facts = {"total": total, "provenance": {"git_hash": "0" * 40}}
    (folder / "sims" / "simulation.json").write_text(json.dumps(facts))
    random = np.random.default_rng(seed)
    for kind, noise in NOISE.items():
        _write_model(folder / "models" / kind, kind, dataset, noise, random)
    _write_coupled(folder / "coupled", dataset, random)
    step = {"seconds": 30.0, "peak_rss_mb": 900.0, "finished": "2030-01-01T00:00:00+00:00", "git_hash": "0" * 40}
    (folder / "steps.json").write_text(json.dumps(dict.fromkeys(("simulate", "lstm", "couple"), step)))
    return folder


def _write_model(folder: Path, kind: str, dataset: Dataset, noise: float, random: np.random.Generator) -> None:
    flux, calendar = dataset.flux.numpy(), dataset.calendar.numpy()
    split = SPLIT.build(dataset.lat, dataset.lon, dataset.years)
    training_days = dataset.day_mask(split.mask("train")).numpy()
    month, day = calendar[:, column.MONTH], calendar[:, column.DAY]
    series = Series(
        observed=flux,
        climatology=class_climatology(flux, Sites(dataset.biome, dataset.lat < 0, day_slot(month, day)), training_days),
        site_climatology=site_climatology(flux, month, day, training_days),
        groups={"biome": dataset.group("biome")},
        year=calendar[:, column.YEAR],
        month=month,
        targets=dataset.signature.targets,
    )
    predicted = (
        flux * random.lognormal(0.0, noise, (len(flux), 1, 1))
        + noise * flux.std((0, 1)) * random.normal(size=flux.shape) / 3
    )
    splits, codes, fluxes = {}, np.zeros(flux.shape[:2], np.int8), {}
    for code, part in enumerate(PARTS, start=1):
        days = dataset.day_mask(split.mask(part)).numpy()
        codes[days] = code
        if part in ("temporal", "spatial", "spatiotemporal"):
            takes_past = "gauged" if part == "temporal" else "ungauged"
            mode = takes_past if kind == TAKES_PAST_FLUX else "no past flux"
            splits[part] = score(series, predicted, days, mode=mode, trained_on=part == "temporal")
            _add_uncertainty(splits[part], flux[days], predicted[days])
    for index, target in enumerate(dataset.signature.targets):
        fluxes[target.name] = (target, flux[..., index], "simulated")
        fluxes[f"{target.name}_pred"] = (target, predicted[..., index], "predicted")
        fluxes[f"{target.name}_climatology"] = (target, series.climatology[..., index], "climatology")
    write_predictions(folder / "evaluation" / "predictions.nc", dataset, fluxes, {}, (codes, ("unused", *PARTS)))
    other = {}
    if kind == TAKES_PAST_FLUX:
        days = dataset.day_mask(split.mask("temporal")).numpy()
        worse = predicted + 0.3 * (predicted - flux)
        other["temporal_ungauged"] = score(series, worse, days, mode="ungauged", trained_on=True)
    table = {"kind": kind, "parameters": 12345, "splits": splits, "other_modes": other}
    atomic_file.write_json(folder / "evaluation" / "metrics.json", to_json(table))
    log = [_epoch(number, noise) for number in range(EPOCHS)]
    (folder / "log.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in log))
    (folder / "config.yaml").write_text(f"model:\n  kind: {kind}\n")
    (folder / "provenance.json").write_text(json.dumps({"git_hash": "0" * 40, "seed": 1, "dataset_hash": "1" * 64}))


def _add_uncertainty(table: dict, observed: np.ndarray, predicted: np.ndarray) -> None:
    """Quantiles of normal errors in proportion to the flux; observed, predicted: (n, C)."""
    deviate = torch.special.ndtri(torch.tensor(LEVELS, dtype=torch.float64)).numpy()
    for index, target in enumerate(table["targets"].values()):
        spread = 0.3 * np.abs(predicted[:, index]) + 1e-3
        target["uncertainty"] = probabilistic.score(
            observed[:, index], predicted[:, index, None] + spread[:, None] * deviate, LEVELS
        )


def _epoch(number: int, noise: float) -> dict[str, float]:
    loss = noise + np.exp(-number / 3.0)
    return {
        "epoch": number,
        "train_loss": loss,
        "val_loss": 1.1 * loss + 0.01 * number**1.5,
        "lr": 1e-3,
        "seconds": 2.0 * (number + 1),
    }


def _write_coupled(folder: Path, dataset: Dataset, random: np.random.Generator) -> None:
    folder.mkdir()
    series = xr.Dataset(
        {
            "site_id": ("site", dataset.site_id.astype(str)),
            "biome": ("site", [BIOMES[code] for code in dataset.biome.tolist()]),
        },
        {"time": xr.open_dataset(dataset.path)["time"]},
    )
    targets = {}
    for index, target in enumerate(dataset.signature.targets):
        process = dataset.flux[..., index].numpy()
        emulated = process * random.lognormal(0.0, 0.2, (len(process), 1))
        series[f"{target.name}_process"] = (("site", "time"), process)
        series[f"{target.name}_emulator"] = (("site", "time"), emulated.astype(np.float32))
        against = pooled(process, emulated)
        differences = {"max_abs_diff": 2e-6, "max_abs_diff_over_sd": 1e-6, "max_diff_over_scale": 8e-7}
        targets[target.name] = {**differences, "emulated_against_process": against}
    series.to_netcdf(folder / "series.nc")
    timing = {
        "forcing_s": 1.0,
        "physics_s": 5.0,
        "biogeochemistry_s": 6.0,
        "history_s": 0.5,
        "wall_s": 12.5,
        "site_years": 120.0,
    }
    table = {
        "model": {"kind": "cham_net", "name": "cham_net", "sha256": "2" * 64},
        "sites": dataset.n_sites,
        "start_date": "2003-01-01",
        "days": len(dataset.time),
        "targets": targets,
        "equals_offline": True,
        "equals_offline_limit": 1e-5,
        "max_diff_over_scale": 8e-7,
        "max_abs_diff_over_sd": 1e-6,
        "restart": {"date": "2005-01-01"},
        "restart_bitwise": True,
        "decomposition": {"description": "one call of 64 cells against 64 calls of one: compared bit for bit"},
        "decomposition_bitwise": True,
        "timing": {"process": timing, "emulator": timing | {"biogeochemistry_s": 3.0, "wall_s": 9.5}},
        "speedup": 2.0,
        "speedup_total": 1.3,
    }
    atomic_file.write_json(folder / "coupled.json", to_json(table))
