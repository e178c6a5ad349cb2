"""The files that we read, each with a way to make one and to read it as the commands do."""

import atexit
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

Errors = tuple[type[BaseException], ...]


@dataclass(frozen=True)
class Case:
    """A kind of file.

    make: writes one into a folder; read: its content as something that can be compared; errors: those that commands
    tell in one line. checked: whether checksums in the file must tell any damage, so that no value may change.
    slow: whether a file takes long to make or to read.
    """

    name: str
    make: Callable[[Path], Path]
    read: Callable[[Path], Any]
    errors: Errors
    checked: bool = True
    slow: bool = False


def _digest(*arrays: Any) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        values = np.ascontiguousarray(array)
        digest.update(f"{values.shape} {values.dtype}".encode())
        digest.update(values.tobytes() if values.dtype != object else repr(values.tolist()).encode())
    return digest.hexdigest()


# ---- ensembles ----


def make_dataset(folder: Path) -> Path:
    """Three sites, 400 days, by our own writer."""
    from ecosys_sims.formats import variables
    from ecosys_sims.formats.dataset import common_attributes, create_layout
    from foundations.netcdf_file import writing

    rng, path, days = np.random.default_rng(1), folder / "dataset.nc", 400
    statics = {"site_id": np.array(["A1", "B2", "C3"]), "biome": np.array([1, 7, 13])}
    for variable in variables.STATICS:
        lowest, highest = variables.possible_range(variable)
        if variable.name not in statics:
            statics[variable.name] = lowest + rng.uniform(0.2, 0.4, 3) * (highest - lowest)
    with writing(path) as file:
        file.setncatts(common_attributes("a test", "none", "a test", "none"))
        create_layout(file, statics, date(2003, 1, 1), days, "standard", 16)
        for variable in variables.DAILY:
            lowest, highest = variables.possible_range(variable)
            low, high = max(lowest, -1e-7), min(highest, 400.0)
            values = low + rng.uniform(0.4, 0.6, (3, days)) * (high - low) if high > low else np.full((3, days), lowest)
            file[variable.name][:] = np.rint(values) if variable.name == "crop" else values
        file["crop"][:] = 1.0
        file["nee"][:] = file["ra"][:] + file["rh"][:] - file["gpp"][:]
    return path


def _alone(make: Callable[[Path], Path]) -> Callable[[Path], Path]:
    """The same file without the checksum behind its end."""

    def make_alone(folder: Path) -> Path:
        from foundations.file_seal import unseal

        path = make(folder)
        unseal(path)
        return path

    return make_alone


def read_dataset(path: Path) -> Any:
    from emulator.data.dataset import Dataset
    from emulator.data.signature import Signature

    data = Dataset.open(path, Signature.from_names())
    return data.content_hash()


def check_dataset(path: Path) -> Any:
    """As `ecosys_sims.check dataset` does."""
    from ecosys_sims.formats.dataset_check import require_valid_dataset

    require_valid_dataset(path)
    return "good"


def _emulator_errors() -> Errors:
    from emulator.data.dataset_file import DatasetError
    from emulator.evaluation.offline import PredictionError
    from emulator.runs.checkpoint import CheckpointError
    from emulator.runs.run_folder import RunFolderError

    return DatasetError, CheckpointError, PredictionError, RunFolderError, OSError


def _simulation_errors() -> Errors:
    from ecosys_sims.ensemble.output_folder import StaleOutputError
    from ecosys_sims.formats.errors import AdapterError, FormatError
    from ecosys_sims.program.executable import ModelError
    from ecosys_sims.towers.errors import TowerError
    from foundations.configuration_file import ConfigError

    return AdapterError, ConfigError, FormatError, ModelError, StaleOutputError, TowerError, OSError


@cache
def _site_table() -> Any:
    from ecosys_sims.ensemble import configuration
    from ecosys_sims.sites.site_drawing import draw_sites

    config = configuration.parse({"sites": {"count": 6}}, "test")
    return draw_sites(config.sites, 5)


def make_sites(folder: Path) -> Path:
    from ecosys_sims.formats.site_table import write_site_table

    sites = _site_table()
    write_site_table(folder / "sites.nc", sites, {"mgo": np.linspace(0.1, 0.9, len(sites))})
    return folder / "sites.nc"


def read_sites(path: Path) -> Any:
    from dataclasses import fields

    from ecosys_sims.formats.site_table import read_parameters, read_site_table

    table = read_site_table(path)
    numbers = [getattr(table, column.name) for column in fields(table) if column.name != "site_id"]
    return _digest(*numbers, *read_parameters(path, ["mgo"]).values())


def make_truth(folder: Path) -> Path:
    from ecosys_sims.formats.site_table import write_true_parameters

    sites = _site_table()
    write_true_parameters(folder / "params_truth.nc", sites, {"mgo": np.linspace(0.1, 0.9, len(sites))}, {}, 3)
    return folder / "params_truth.nc"


def read_truth(path: Path) -> Any:
    from ecosys_sims.formats.site_table import read_true_parameters

    return _digest(*read_true_parameters(path, _site_table().site_id).values())


def make_forcing(folder: Path) -> Path:
    """Two years of hourly weather at a tower, by our own writer."""
    from datetime import datetime

    from ecosys_sims.formats.forcing_file import TowerSite, write_forcing
    from tests.ecosys_sims.program_case import synthetic_weather

    names = ("Tair", "Qair", "SWdown", "LWdown", "Rainf", "Snowf", "Wind", "PSurf")
    weather = synthetic_weather(400, 1)
    columns = {name: weather[name] for name in (*names, "Tmin", "Tmax")}
    site = TowerSite("XX-Tst", 52.0, 10.0, "fen", 30.0, 600.0, 30.0, 281.0)
    path = folder / "forcing.nc"
    write_forcing(path, site, datetime(2001, 1, 1), 24, columns, "test")
    return path


def read_forcing(path: Path) -> Any:
    """As `ecosys_sims.tower` reads it before the program does."""
    from ecosys_sims.formats.forcing_check import require_valid_forcing
    from ecosys_sims.towers.forcing_period import read_period
    from ecosys_sims.towers.tower_run import read_site
    from foundations.netcdf_file import reading
    from foundations.netcdf_values import numbers

    require_valid_forcing(path)
    with reading(path) as file:
        values = [numbers(file[name]) for name in ("Tair", "Rainf", "SWdown")]
    site = read_site(path)
    return site | {"site_id": ""}, read_period(path), _digest(*values)


def make_history(folder: Path) -> Path:
    """As the program writes one, of the variables of a dataset."""
    return make_dataset(folder).rename(folder / "history.nc")


def read_history(path: Path) -> Any:
    from ecosys_sims.formats import variables
    from ecosys_sims.program import history

    names = tuple(variable.name for variable in variables.DAILY)
    history.check_history(path, ["A1", "B2", "C3"], 400)
    return str(history.read_days(path)), _digest(*history.read_series(path, names).values())


# ---- the process model ----


class ProgramRefusal(Exception):
    """The program ended with a status of its own and one line."""


def _program() -> Path:
    from ecosys_sims.program.executable import find_program

    return find_program()


def _run_program(folder: Path, groups: dict[str, dict[str, Any]], name: str) -> Any:
    """History of a run, without names; ProgramRefusal where it says in one line why there is none."""
    from ecosys_sims.formats import variables
    from ecosys_sims.program.history import read_series
    from tests.ecosys_sims.program_case import Case as ProgramCase

    done = ProgramCase(_program(), folder).run(groups, name)
    if done.returncode < 0:
        message = f"the program was ended by signal {-done.returncode}"
        raise RuntimeError(message)
    if done.returncode != 0:
        if done.stderr.startswith("ecosys: ") and done.stderr.count("\n") == 1:
            raise ProgramRefusal(done.stderr)
        message = f"status {done.returncode}: {done.stderr[-300:]}"
        raise RuntimeError(message)
    (path,) = folder.glob(f"{name}.h0.*.nc")
    names = tuple(variable.name for variable in variables.DAILY)
    values = _digest(*read_series(path, names).values())
    path.unlink()
    return values


CONTROL = {"start_date": "2001-01-01", "stop_n": 3, "stop_option": "ndays", "spinup_years": 0, "seed": 1}


def make_program_sites(folder: Path) -> Path:
    return make_sites(folder)


def read_program_sites(path: Path) -> Any:
    groups = {"run_ctl": CONTROL | {"fsites": path.name, "outdir": "."}, "forcing_nl": {"source": "wgen"}}
    return _run_program(path.parent, groups, "case")


def read_program_forcing(path: Path) -> Any:
    site = {"site_id": "XX-Tst", "lat": 52.0, "lon": 10.0, "elevation": 30.0, "sand": 0.5, "clay": 0.2, "ph": 5.0}
    site |= {"biome": "fen", "annual_precip": 600.0, "continentality": 30.0, "t_ann": 281.0}
    groups = {"run_ctl": CONTROL | {"outdir": "."}, "site_nl": site}
    return _run_program(path.parent, groups | {"forcing_nl": {"source": "netcdf", "file": path.name}}, "case")


def make_program_restart(folder: Path) -> Path:
    make_sites(folder)
    groups = {"run_ctl": CONTROL | {"fsites": "sites.nc", "outdir": ".", "rest_frq": "end"}}
    _run_program(folder, groups | {"forcing_nl": {"source": "wgen"}}, "first")
    (path,) = folder.glob("first.r.*.nc")
    return path


def read_program_restart(path: Path) -> Any:
    control = CONTROL | {"start_date": "2001-01-04", "fsites": "sites.nc", "outdir": ".", "finidat": path.name}
    return _run_program(path.parent, {"run_ctl": control, "forcing_nl": {"source": "wgen"}}, "second")


# ---- training, evaluation, artefacts ----


@cache
def _trained_run() -> Path:
    """A run that is trained, evaluated and exported, in a folder that lives as long as the process."""
    from emulator import evaluate, export, train
    from tests.emulator.conftest import CONFIG
    from tests.emulator.synthetic import write_dataset

    folder = Path(tempfile.mkdtemp(prefix="mutations_run_"))
    atexit.register(_remove_in, os.getpid(), folder)
    dataset = write_dataset(folder / "dataset.nc", sites=10, years=4, first_year=2003, seed=8)
    (folder / "tiny.yaml").write_text(CONFIG.format(dataset=dataset))
    run = folder / "run"
    for main, arguments in (
        (train.main, [str(folder / "tiny.yaml"), "--out", str(run), "--set", "training.epochs=2"]),
        (evaluate.main, [str(run)]),
        (export.main, [str(run)]),
    ):
        assert main(arguments) == 0
    return run


def _remove_in(process: int, folder: Path) -> None:
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)


def _of_run(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        shutil.copytree(_trained_run(), folder / "run")
        return folder / "run" / name

    return make


def _run_of(path: Path) -> Any:
    from emulator.runs.run_folder import RunFolder

    return RunFolder(path.parent if path.parent.name == "run" else path.parents[1])


def read_best(path: Path) -> Any:
    from emulator.runs import trained_model
    from emulator.runs.quantile_file import weights_hash

    trained = trained_model.load(_run_of(path))
    return weights_hash(trained.model), trained.epoch, trained.provenance["dataset_hash"]


def read_last(path: Path) -> Any:
    from emulator.runs import checkpoint

    saved = checkpoint.load(path)
    return repr(saved.progress), _digest(*(value.numpy() for value in saved.model.values())), repr(saved.optimizer)


def read_quantiles(path: Path) -> Any:
    from emulator.runs import quantile_file, trained_model
    from emulator.runs.quantile_file import weights_hash

    run = _run_of(path)
    trained = trained_model.load(run)
    quantiles = quantile_file.load(run, trained.signature, trained.epoch, trained.model)
    assert quantiles is not None
    return weights_hash(quantiles)


def read_metrics(path: Path) -> Any:
    return _run_of(path).read_metrics()


def read_provenance(path: Path) -> Any:
    from emulator.evaluation.report.provenance import _read

    return {key: value for key, value in _read(path).items() if key in ("git_hash", "config_hash", "seed", "versions")}


def read_log(path: Path) -> Any:
    """As the report does, which knows the best epoch."""
    run = _run_of(path)
    epoch = run.read_metrics()["checkpoint"]["epoch"]
    return [entry["val_loss"] for entry in run.read_log_to(epoch)[: epoch + 1]]


def read_run_config(path: Path) -> Any:
    """As training does that goes on."""
    from emulator.configuration.schema import Config
    from foundations import configuration_file

    run = _run_of(path)
    run.require_own()
    run.check_config(configuration_file.to_yaml(configuration_file.load(Config, run.config)))
    return configuration_file.load(Config, run.config).model_dump(mode="json")


def read_predictions(path: Path) -> Any:
    """As the report does."""
    from emulator.evaluation.report.products import ModelRun

    run = ModelRun("lstm", _run_of(path), {})
    series = [*run.pairs("temporal", "gpp"), run.climatology("gpp")]
    run.predictions.close()
    return _digest(*series)


def read_artefact(path: Path) -> Any:
    """As `ecostep verify` does with the native backend, and as the exporter reads it back."""
    from coupler import Model
    from emulator.artefact import metadata

    model = Model(path)
    artefact = metadata.read_artefact(path)
    assert artefact.reference is not None
    return model.verify(), artefact.metadata.model_dump_json(), _digest(artefact.reference.expected)


def _coupler_errors() -> Errors:
    from coupler import EcostepError
    from coupler.cli.errors import CommandError
    from emulator.artefact.metadata import ArtefactError

    return EcostepError, CommandError, ArtefactError, OSError


def make_train_config(folder: Path) -> Path:
    from tests.emulator.conftest import CONFIG

    (folder / "tiny.yaml").write_text(CONFIG.format(dataset=folder / "dataset.nc"))
    return folder / "tiny.yaml"


def read_train_config(path: Path) -> Any:
    from emulator.configuration.schema import Config
    from foundations import configuration_file

    return configuration_file.load(Config, path).model_dump(mode="json")


def make_sims_config(folder: Path) -> Path:
    source = Path(__file__).parents[2] / "configs" / "sims" / "quickstart.yaml"
    (folder / "sims.yaml").write_bytes(source.read_bytes())
    return folder / "sims.yaml"


def read_sims_config(path: Path) -> Any:
    from ecosys_sims.ensemble import configuration

    return configuration.load(path).model_dump(mode="json")


def make_summary(folder: Path) -> Path:
    from foundations.json_record import write_record

    total = {"sites": 3, "years": 2, "site_years": 6, "block_seconds": 1.5}
    facts = {"seconds": 3.5, "site_years_per_s": 2.25, "total": total, "sha256": {"dataset.nc": "0" * 64}}
    write_record(folder / "simulation.json", facts)
    return folder / "simulation.json"


def read_summary(path: Path) -> Any:
    from foundations.json_record import read_record

    return read_record(path, ("seconds", "total"), "simulate again")


def make_cli_restart(folder: Path) -> Path:
    import cftime

    from coupler.cli.restart_file import Restart, write_restart

    rng = np.random.default_rng(4)
    names = np.array(["A1", "B2", "C3"], dtype=object)
    restart = Restart(
        artefact="a" * 64, name="lstm", calendar="standard", next_day=cftime.datetime(2004, 1, 1), index=np.arange(3),
        site_id=names, state=rng.normal(size=(3, 40)).astype(np.float32), lat=np.array([1.0, 2.0, 3.0]),
        lon=np.array([4.0, 5.0, 6.0]), shape=(3,),
    )  # fmt: skip
    write_restart(folder / "restart.nc", restart)
    return folder / "restart.nc"


def read_cli_restart(path: Path) -> Any:
    from coupler.cli.restart_file import read_restart

    restart = read_restart(path, "a" * 64, 40)
    return str(restart.next_day), restart.calendar, _digest(restart.state, restart.index)


def _all_cases() -> dict[str, Case]:
    emulator, sims, coupled, program = _emulator_errors(), _simulation_errors(), _coupler_errors(), (ProgramRefusal,)
    config = sims
    cases = [
        Case("dataset", make_dataset, read_dataset, emulator),
        Case("dataset_alone", _alone(make_dataset), read_dataset, emulator, checked=False),
        Case("dataset_check", _alone(make_dataset), check_dataset, sims, checked=False),
        Case("site_table", make_sites, read_sites, sims),
        Case("site_table_alone", _alone(make_sites), read_sites, sims, checked=False),
        Case("forcing_alone", _alone(make_forcing), read_forcing, sims, checked=False),
        Case("true_parameters", make_truth, read_truth, sims),
        Case("forcing", make_forcing, read_forcing, sims),
        Case("history", make_history, read_history, sims),
        Case("program_site_table", make_program_sites, read_program_sites, program, slow=True),
        Case("program_site_table_alone", _alone(make_sites), read_program_sites, program, checked=False, slow=True),
        Case("program_forcing_alone", _alone(make_forcing), read_program_forcing, program, checked=False, slow=True),
        Case("program_forcing", make_forcing, read_program_forcing, program, slow=True),
        Case("program_restart", make_program_restart, read_program_restart, program, slow=True),
        Case("best_checkpoint", _of_run("checkpoints/best.pt"), read_best, emulator, slow=True),
        Case("last_checkpoint", _of_run("checkpoints/last.pt"), read_last, emulator, slow=True),
        Case("quantiles", _of_run("evaluation/quantiles.pt"), read_quantiles, emulator, slow=True),
        Case("metrics", _of_run("evaluation/metrics.json"), read_metrics, emulator, slow=True),
        Case("provenance", _of_run("provenance.json"), read_provenance, emulator, slow=True),
        Case("log", _of_run("log.jsonl"), read_log, emulator, slow=True),
        Case("run_config", _of_run("config.yaml"), read_run_config, (*emulator, *config), slow=True),
        Case("predictions", _of_run("evaluation/predictions.nc"), read_predictions, emulator, slow=True),
        Case("artefact", _of_run("model.pt"), read_artefact, coupled, slow=True),
        Case("train_config", make_train_config, read_train_config, config, checked=False),
        Case("sims_config", make_sims_config, read_sims_config, config, checked=False),
        Case("simulation_summary", make_summary, read_summary, sims),
        Case("cli_restart", make_cli_restart, read_cli_restart, coupled),
    ]
    return {case.name: case for case in cases}


CASES = _all_cases()
