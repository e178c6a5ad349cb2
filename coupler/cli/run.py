"""`ecostep run`: an artefact over drivers in netCDF files, chunk of cells by chunk of cells, to daily fluxes."""

from __future__ import annotations

import argparse
import logging
import sys
import time

import numpy as np
from numpy.typing import NDArray

from coupler.cli.chunk import Chunk
from coupler.cli.errors import CommandError
from coupler.cli.flux_file import FluxFile
from coupler.cli.forcing import Files
from coupler.cli.plan import Plan, make_plan
from coupler.cli.restart_file import Restart, read_restart, write_restart
from coupler.cli.time_axis import add_days, format_day
from coupler.python.model import Model
from foundations.file_name import printable
from foundations.output_file import OutputError, require_own_outputs
from foundations.provenance import file_sha256
from foundations.time_left import time_left

log = logging.getLogger(__name__)


def run(options: argparse.Namespace) -> int:
    """Run; returns 0. CommandError and EcostepError say what was wrong, and leave no output file."""
    _require_own_outputs(options)
    model = Model(options.file, options.backend, trust=options.trust)
    with Files(options.forcing) as forcing:
        if options.statics is None:
            return _run(options, model, forcing, forcing)
        with Files([options.statics]) as statics_file:
            return _run(options, model, forcing, statics_file)


def _require_own_outputs(options: argparse.Namespace) -> None:
    outputs = {"--out": options.out, "--restart-out": options.restart_out}
    inputs = [options.file, *options.forcing, options.statics]
    try:
        require_own_outputs(outputs, [*inputs, options.restart_in])
    except OutputError as error:
        raise CommandError(str(error)) from None


def _run(options: argparse.Namespace, model: Model, forcing: Files, statics_file: Files) -> int:
    artefact = file_sha256(options.file)
    restart = read_restart(options.restart_in, artefact, model.state_size) if options.restart_in else None
    plan = make_plan(options, model, forcing, statics_file, restart)
    grid = plan.grid
    last = add_days(grid.start, grid.count - 1)
    size, period = " x ".join(map(str, grid.shape)) or "1", f"{format_day(grid.start)} to {format_day(last)}"
    log.info("%s (%s): %s cells, %s, steps of %d s", model.name, model.backend, size, period, plan.days[0].dt)
    attributes = {
        "source": f"{model.name} ({model.kind}), ecostep artefact {artefact}",
        "history": "ecostep " + " ".join(map(printable, sys.argv[1:])),
        "forcing": " ".join(printable(path.name) for path in options.forcing),
    }
    targets = [(target.name, plan.flux_units[target.name], target.long_name) for target in model.targets]
    sources = [(files.first, files.first_places) for files in (forcing, statics_file)]
    with FluxFile(options.out, sources, grid, targets, attributes, plan.cells.site_id) as out:
        index, state = _run_chunks(plan, out, restart, options.chunk)
        if options.restart_out:
            write_restart(options.restart_out, _restart(artefact, plan, index, state))
    log.info("wrote %s%s", options.out, f" and {options.restart_out}" if options.restart_out else "")
    return 0


def _restart(artefact: str, plan: Plan, index: NDArray[np.int64], state: NDArray[np.float32]) -> Restart:
    """The state (N, state_size) after the last day, of cells at their places in the grid (N,)."""
    grid, cells = plan.grid, plan.cells.at(index)
    sites = None if cells.site_id is None else np.array(cells.site_id, dtype=object)
    next_day = add_days(grid.start, grid.count)
    return Restart(
        artefact, plan.model.name, grid.calendar, next_day, index, sites, state, cells.lat, cells.lon, grid.shape
    )


def _run_chunks(
    plan: Plan, out: FluxFile, restart: Restart | None, cells_at_once: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Run all cells; places in the grid (N,) and state rows (N, state_size) of those that have values."""
    places, states = [], []
    started = time.perf_counter()
    rows_at_once = max(1, cells_at_once // plan.cells_a_row)
    rows_total = plan.grid.shape[0] if plan.grid.shape else 1
    for begin in range(0, rows_total, rows_at_once):
        end = min(begin + rows_at_once, rows_total)
        chunk = Chunk(plan, slice(begin, end))
        places.append(chunk.index)
        states.append(chunk.run(out, restart))
        if chunk.beyond_training:
            log.warning("warning: %s: %s", plan.forcing.name, chunk.beyond_training)
        left = time_left(time.perf_counter() - started, end, rows_total)
        done = f"{end} of {rows_total} rows done, {len(chunk.index)} cells of them computed"
        log.info("%s%s", done, f", {left}" if left else "")
    if sum(map(len, places)) == 0:
        message = f"{plan.statics_file.name}: no cell has all statics ({', '.join(plan.statics)}) and drivers"
        raise CommandError(message)
    return np.concatenate(places), np.concatenate(states)
