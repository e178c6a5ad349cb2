"""What takes a while: simulate, import, train."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import xarray as xr

from ecostep.artefact_model import ArtefactModel
from ecostep.model import Model
from foundations.shipped_configurations import configuration_path

PathLike = str | os.PathLike[str]

LINES_TOLD = 5
"""Of a simulation that fails."""

log = logging.getLogger(__name__)


class SimulationError(RuntimeError):
    """The process model did not run to the end; the message is what it told last."""


def load(path: PathLike, *, backend: str | None = None, trust: bool = False) -> Model:
    """A trained emulator, of a run folder (a :class:`RunModel`, run by torch) or of an artefact, NAME.pt.

    An artefact is an :class:`ArtefactModel` and is run by the coupler's library, which needs no torch. backend, trust:
    of an artefact, see there. Raises FileNotFoundError where there is nothing.
    """
    path = Path(path)
    if path.is_dir():
        from ecostep.run_model import RunModel

        return RunModel(path)
    if not path.exists():
        raise FileNotFoundError(2, "No such run folder or artefact", str(path))
    return ArtefactModel(path, backend, trust=trust)


def simulate(
    config: PathLike,
    out: PathLike,
    *,
    sites: int | None = None,
    years: int | None = None,
    seed: int | None = None,
    workers: int | None = None,
    overwrite: bool = False,
) -> Path:
    """Run the process model at sites over the globe; returns the path of the dataset.

    config: a YAML file (docs/simulations.md), or the name of one that comes with ecostep: 'smoke', 'quickstart',
    'wetland', ... out: folder of the results; a call that was stopped goes on from there. sites, years, seed: replace
    those of the configuration. workers: processes, default all processors. How far it is
    is logged, at level INFO. Raises ConfigError for a configuration that
    cannot be used, SimulationError where the model fails.
    """
    from ecosys_sims.ensemble import configuration
    from ecosys_sims.ensemble.output_folder import dataset_path

    path = configuration_path(config, "simulation")
    options = {"--sites": sites, "--years": years, "--seed": seed, "--workers": workers}
    keys = {"--sites": "sites.count", "--years": "period.years", "--seed": "seed"}
    configuration.load(path, {keys[name]: options[name] for name in keys if options[name] is not None})
    words = [word for name, value in options.items() if value is not None for word in (name, str(value))]
    words += ["--overwrite"] if overwrite else []
    _run_apart([sys.executable, "-m", "ecosys_sims.simulate", str(path), "--out", os.fspath(out), *words])
    return dataset_path(Path(out))


def _run_apart(command: list[str]) -> None:
    """Run a command of ours; its lines go to the log of this module. SimulationError where it fails.

    Simulations have a process of their own: Dask starts workers, which would begin with the caller's script again.
    """
    root = str(Path(__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    lines: deque[str] = deque(maxlen=LINES_TOLD)
    with subprocess.Popen(
        command,
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                lines.append(line.rstrip())
                log.info("%s", lines[-1])
        except BaseException:
            process.terminate()
            raise
    if process.returncode != 0:
        raise SimulationError("\n".join(lines) or f"ended with status {process.returncode}")


def import_files(
    mapping: PathLike,
    files: PathLike | Sequence[PathLike],
    out: PathLike,
    *,
    sites: PathLike | None = None,
    properties: Mapping[str, float | str] | None = None,
    filled_targets: bool = False,
    minimum_share: float | None = None,
) -> Path:
    """Bring towers or outputs of another model to a dataset; returns its path. A report lies beside it.

    mapping: a preset (`ecostep import list`) or a mapping of one's own, YAML (docs/importing.md). out: netCDF, or
    NAME.zarr for a Zarr store. sites: CSV table of
    places, heights, soils and classes by site. properties: of the one site, such as `{'site_id': 'FI-Hyy', 'lat':
    61.8, 'lon': 24.3, 'biome': 'boreal_forest'}`. filled_targets: also fluxes that the source filled, marked in
    NAME_qc. minimum_share: share of a day that must be measured. Raises ImportFault (a ValueError) naming file, column
    and line.
    """
    from emulator.data.importers.command import carry_out, require_own_output
    from emulator.data.importers.preset_files import mapping_file
    from emulator.data.importers.targets import Choices

    paths = [Path(files)] if isinstance(files, str | os.PathLike) else [Path(path) for path in files]
    table, out, name = None if sites is None else Path(sites), Path(out), os.fspath(mapping)
    require_own_output(out, [*paths, table, mapping_file(name)])
    out.parent.mkdir(parents=True, exist_ok=True)
    carry_out(name, paths, out, table, dict(properties or {}), Choices(filled_targets, minimum_share))
    return out


def train(
    config: PathLike,
    dataset: xr.Dataset | PathLike,
    out: PathLike,
    *,
    options: Mapping[str, Any] | None = None,
    choice: PathLike | None = None,
    resume: bool = True,
    overwrite: bool = False,
) -> Model:
    """Train an emulator; returns the model of the run folder `out`, a :class:`RunModel`.

    config: a YAML file (docs/training.md) or 'quickstart'. dataset: a file or store (docs/formats.md, section 1), or a
    Dataset of that form, which is written to OUT/dataset.nc. options: replace values of the configuration by dotted
    key, such as `{'model.kind': 'cham_net', 'training.epochs': 10}`. choice: tuned options of a kind, as of `ecostep
    tune`, or the name of those that come with ecostep, such as 'raci'. A call that was stopped goes on; `overwrite`
    discards what is in the folder. Ctrl-C saves the state and raises Interrupted. Raises ConfigError, DatasetError and
    RunFolderError, all ValueErrors.
    """
    from ecostep.run_model import RunModel
    from emulator.baselines.runs import fit_at_once
    from emulator.configuration.schema import Config
    from emulator.runs.run_folder import RunFolder
    from emulator.training.fit import train as train_run
    from foundations import configuration_file

    run = RunFolder(Path(out))
    data = _written(dataset, run.path, overwrite=overwrite) if isinstance(dataset, xr.Dataset) else Path(dataset)
    overrides = [] if choice is None else configuration_file.section_overrides(configuration_path(choice, "choice"))
    overrides += [f"{key}={json.dumps(value)}" for key, value in {"data.path": str(data), **(options or {})}.items()]
    settings = configuration_file.load(Config, configuration_path(config, "training"), overrides)
    train_run(settings, run, resume=resume, overwrite=overwrite, at_once=fit_at_once)
    return RunModel(run.path)


def _written(data: xr.Dataset, folder: Path, *, overwrite: bool) -> Path:
    """A Dataset in memory as a file beside the run, with all its variables of sites and days."""
    from ecostep.site_series import SiteSeries
    from foundations.provenance import file_sha256

    coordinates = {"lat", "lon", "latitude", "longitude", "site_id", *map(str, data.dims)}
    coordinates.add(data["time"].attrs.get("bounds", "") if "time" in data.variables else "")
    names = [str(name) for name in data.variables if str(name) not in coordinates and data[name].dtype.kind in "fiub"]
    names = [name for name in names if data[name].dims != ("time",) or name in data.data_vars]
    timed = [name for name in names if "time" in data[name].dims]
    series = SiteSeries.of(data, timed, [name for name in names if name not in timed])
    path = folder / "dataset.nc"
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=".dataset-") as temporary:
        written = Path(temporary) / path.name
        series.write(written, slice(None))
        if path.exists() and not overwrite and file_sha256(path) != file_sha256(written):
            message = f"{path}: is another dataset; choose another out, or overwrite=True"
            raise ValueError(message)
        written.replace(path)
    return path
