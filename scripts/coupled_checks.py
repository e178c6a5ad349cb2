"""What must hold of a coupled run: equal to offline prediction, exact on restart and however cells are split."""

from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from coupled_runs import Host, HostRun, read_history, run_host

import coupler
from ecosys_sims.formats import variables
from emulator.data import calendar as column
from emulator.data.dataset import Dataset
from emulator.evaluation.metrics import pooled
from emulator.evaluation.prediction import predict
from emulator.evaluation.series_file import read_predictions
from emulator.runs.run_folder import RunFolder
from emulator.runs.trained_model import load

DAILY_NAMES = tuple(variable.name for variable in variables.DAILY)
LIMIT = 1e-5
"""Coupled equals offline where they differ by no more than this share of sd + |flux|, on any day, site and target."""
BALANCE_TERMS = {"nee": ("ra", "rh", "gpp")}
TINY = float(np.finfo(np.float64).tiny)
BLOCK_DAYS = 500
"""Days of the run in two blocks of sites, more than a year."""
CELLS = 64
SPLIT_DAYS = 45
"""Days of the 64-cell check, from 1 December on, so that a month and a year end within."""


def compare_offline(
    run: RunFolder,
    dataset: Path,
    process: dict[str, np.ndarray],
    coupled: dict[str, np.ndarray],
    out: Path,
    *,
    past_flux: str,
) -> dict[str, dict[str, Any]]:
    """By target: coupled against offline prediction from the same drivers, and emulated against process run.

    process, coupled: targets in analysis units, {name: (N, T)}; past_flux: 'none' or 'self_fed', as the artefact runs.
    Differences are over every site and day; sd is that of the process run over the same. The scale of a day is
    sd + |flux|, and of a balance of other targets (nee = ra + rh - gpp) sd + the sum of their sizes: single precision
    rounds a flux in proportion to its size, and a balance as its terms are rounded.
    """
    targets = load(run).signature.targets
    predict(run, dataset, out, past_flux=past_flux)
    prediction = read_predictions(out, targets).astype(np.float64)
    predicted = {target.name: prediction[..., index] for index, target in enumerate(targets)}
    agreement = {}
    for target in targets:
        spread = float(np.std(process[target.name], dtype=np.float64))
        differences = np.abs(coupled[target.name] - predicted[target.name])
        difference = float(np.max(differences))
        agreement[target.name] = {
            "units": target.analysis_units,
            "sd": spread,
            "max_abs_diff": difference,
            "max_abs_diff_over_sd": difference / spread if spread > 0 else (0.0 if difference == 0 else np.inf),
            "max_diff_over_scale": float(
                np.max(differences / np.maximum(spread + _flux_size(predicted, target.name), TINY))
            ),
            "emulated_against_process": pooled(process[target.name], coupled[target.name]),
        }
    return agreement


def _flux_size(fluxes: dict[str, np.ndarray], name: str) -> np.ndarray:
    """Size of a flux, or of the terms of a balance that the model computes from other fluxes, (N, T)."""
    terms = BALANCE_TERMS.get(name, ())
    return sum((np.abs(fluxes[term]) for term in (terms if terms and set(terms) <= fluxes.keys() else (name,))), 0.0)


def largest_difference(compared: dict[str, dict[str, Any]], measure: str = "max_diff_over_scale") -> float:
    """The largest of all targets' differences; NaN, which passes no limit, where one of them is NaN."""
    return float(np.max([target[measure] for target in compared.values()]))


def check_restart(host: Host, whole: HostRun, folder: Path) -> dict[str, Any]:
    """Run to some day, write a restart file, go on from it; compare every daily value with the whole run."""
    middle = host.days // 2 + 17
    date = host.start + timedelta(days=middle)
    until = run_host(host, folder / "until_restart", "emulator", days=middle, write_restart=True)
    onwards = run_host(
        host, folder / "from_restart", "emulator", first_day=middle, restart_from=until.restart_file(date).resolve()
    )
    expected, before, after = (read_history(run.history, DAILY_NAMES, host.sites) for run in (whole, until, onwards))
    differing = [
        name
        for name in DAILY_NAMES
        if not _same_bits(expected[name], np.concatenate([before[name], after[name]], axis=1))
    ]
    return {"date": date.strftime("%Y-%m-%d"), "bitwise": not differing, "differing": differing}


def check_site_blocks(host: Host, whole: HostRun, folder: Path) -> dict[str, Any]:
    """Run the sites in two parts of unequal size for some days; compare every daily value with the run of all."""
    cut, days = max(1, len(host.sites) // 3), min(BLOCK_DAYS, host.days)
    blocks = [
        run_host(host.part(first, last), folder / name, "emulator", days=days)
        for name, first, last in (("first_sites", 0, cut), ("other_sites", cut, len(host.sites)))
    ]
    of_all = read_history(whole.history, DAILY_NAMES, host.sites)
    expected = {name: values[:, :days] for name, values in of_all.items()}
    parts = (host.sites.part(0, cut), host.sites.part(cut, len(host.sites)))
    histories = [read_history(block.history, DAILY_NAMES, part) for block, part in zip(blocks, parts, strict=True)]
    differing = [
        name
        for name in DAILY_NAMES
        if not _same_bits(expected[name], np.concatenate([history[name] for history in histories]))
    ]
    return {"sites": [cut, len(host.sites) - cut], "days": days, "bitwise": not differing, "differing": differing}


def check_single_cells(artefact: Path, data: Dataset) -> dict[str, Any]:
    """One call of 64 cells against 64 calls of one, through the Python binding: every flux and the last state."""
    model = coupler.Model(artefact)
    month, day = data.calendar[:, column.MONTH].numpy(), data.calendar[:, column.DAY].numpy()
    december = np.flatnonzero((month == 12) & (day == 1))
    first = int(december[0]) if len(december) else 0
    days = range(first, min(first + SPLIT_DAYS, data.drivers.shape[1]))
    cells = np.arange(CELLS) % data.n_sites
    together = _step_cells(model, data, cells, days)
    alone = [_step_cells(model, data, cells[[k]], days) for k in range(CELLS)]
    same_fluxes = _same_bits(together.fluxes, np.concatenate([cell.fluxes for cell in alone], axis=2))
    same_state = _same_bits(together.state, np.concatenate([cell.state for cell in alone], axis=0))
    return {"cells": CELLS, "days": len(days), "bitwise": same_fluxes and same_state}


class Stepped(NamedTuple):
    """Fluxes (C, T, N) of some days and the state rows (N, S) at their end."""

    fluxes: np.ndarray
    state: np.ndarray


def _step_cells(model: coupler.Model, data: Dataset, rows: np.ndarray, days: range) -> Stepped:
    """Step cells through days with the drivers of these rows of a dataset."""
    cells = model.cells(len(rows), "noleap" if data.calendar_name == "noleap" else "standard")
    drivers = {variable.name: np.empty(len(rows), np.float32) for variable in data.signature.inputs}
    fluxes = {variable.name: np.empty(len(rows), np.float32) for variable in data.signature.targets}
    for index, variable in enumerate(data.signature.statics):
        cells.set_static(variable.name, data.static[rows, index].numpy(), variable.units)
    for variable in data.signature.inputs:
        cells.set_input(variable.name, drivers[variable.name], variable.units)
    for variable in data.signature.targets:
        cells.set_output(variable.name, fluxes[variable.name], variable.analysis_units)
    cells.init_state()
    series = []
    for day in days:
        for index, variable in enumerate(data.signature.inputs):
            drivers[variable.name][:] = data.drivers[rows, day, index].numpy()
        cells.step(*data.calendar[day, [column.YEAR, column.MONTH, column.DAY]].tolist())
        series.append(np.stack([fluxes[variable.name].copy() for variable in data.signature.targets]))
    return Stepped(np.stack(series, axis=1), cells.state.copy())


def _same_bits(values: np.ndarray, expected: np.ndarray) -> bool:
    return values.shape == expected.shape and values.tobytes() == expected.tobytes()
