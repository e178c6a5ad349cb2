"""An ensemble of an external simulator in one folder: the cases that are missing, on the cluster of our ensembles."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ecosys_sims.ensemble.blocks import BLOCKS
from ecosys_sims.ensemble.cluster import Scheduler, run_blocks
from ecosys_sims.external.cases import CaseTask, outputs_of, read_case, read_sites, run_case
from ecosys_sims.external.configuration import ExternalConfig
from ecosys_sims.external.simulators import SIMULATORS
from foundations import own_folder
from foundations.atomic_file import write_text
from foundations.configuration_file import to_yaml
from foundations.file_faults import SourceFault
from foundations.json_record import read_record, write_record
from foundations.provenance import file_sha256

log = logging.getLogger(__name__)

KIND = "external simulation"
CONFIG = "config.yaml"
INPUTS = "inputs.json"
DATASET = "dataset.nc"
LAYOUT = (CONFIG, INPUTS, DATASET, f"{BLOCKS}/*/*")


def simulate(
    config: ExternalConfig, out: Path, workers: int | None = None, scheduler: Scheduler | None = None
) -> list[CaseTask]:
    """Bring `out` to hold the cases of all sites, doing only what is missing; the cases.

    Raises ModelError (no executable), EnsembleError (cases failed), SourceFault (a file cannot be used).
    """
    simulator = SIMULATORS[config.simulator]
    program = simulator.executable()
    if not config.case.is_dir():
        message = f"{config.case}: no such folder; `case` is a case of {config.simulator} that works for one site"
        raise SourceFault(message)
    resolved = config.model_copy(
        update={
            "case": config.case.resolve(),
            "sites": config.sites.resolve(),
            "forcing": None if config.forcing is None else config.forcing.resolve(),
        }
    )
    rows = read_sites(resolved.sites)
    out = out.resolve()
    _require_same(resolved, out)
    inputs = _digests(resolved, program)
    _require_same_inputs(inputs, resolved, out)
    (out / BLOCKS).mkdir(parents=True, exist_ok=True)
    own_folder.mark(out, KIND)
    write_text(out / CONFIG, to_yaml(resolved))
    write_record(out / INPUTS, inputs)
    content = resolved.model_dump(mode="json")
    tasks = [CaseTask(str(out), n, n, n + 1, content, str(program), row) for n, row in enumerate(rows)]
    missing = [task for task in tasks if not task.folder.exists()]
    for task in tasks:
        if task.folder.exists():
            read_case(task)
    log.info("%d sites: %d to do", len(tasks), len(missing))
    run_blocks(missing, out, workers, scheduler, work=run_case)
    return tasks


def _require_same(config: ExternalConfig, out: Path) -> None:
    """SourceFault where the folder holds something else."""
    if not own_folder.is_marked(out, KIND):
        try:
            own_folder.refuse_foreign(out, own_folder.present(out, LAYOUT))
        except own_folder.ForeignFiles as error:
            raise SourceFault(str(error)) from None
        return
    if (out / CONFIG).exists() and (out / CONFIG).read_text(encoding="utf-8") != to_yaml(config):
        message = f"{out}: holds an ensemble of another configuration ({CONFIG}); choose another --out, or remove it"
        raise SourceFault(message)


def _digests(config: ExternalConfig, program: Path) -> dict[str, Any]:
    """SHA-256 of the files that all sites share, by their names: the case, the forcing and the executable."""
    files = {str(path.relative_to(config.case)): path for path in sorted(config.case.rglob("*")) if path.is_file()}
    digests: dict[str, Any] = {"case": {name: file_sha256(path) for name, path in files.items()}}
    digests["program"] = file_sha256(program)
    return digests | ({} if config.forcing is None else {"forcing": file_sha256(config.forcing)})


def _require_same_inputs(inputs: dict[str, Any], config: ExternalConfig, out: Path) -> None:
    """SourceFault where sites were run with other contents of the case, the forcing or the executable."""
    done = (out / BLOCKS).is_dir() and any(path.is_dir() and path.name[0] != "." for path in (out / BLOCKS).iterdir())
    if not done or not (out / INPUTS).exists():
        return
    before = read_record(out / INPUTS, ("case",), "remove it, if nothing has changed")
    case, former = inputs["case"], before["case"]
    changed = [f"{config.case}/{name}" for name in sorted(case | former) if case.get(name) != former.get(name)]
    changed += [f"the {what}" for what in ("program", "forcing") if inputs.get(what) != before.get(what)]
    if changed:
        message = (
            f"{changed[0]}: has changed since sites of {out} were run ({len(changed)} changed in all); choose another "
            "--out, or remove this one"
        )
        raise SourceFault(message)


def outputs(config: ExternalConfig, tasks: list[CaseTask]) -> Iterator[tuple[CaseTask, list[Path]]]:
    """Each case with what its simulator wrote."""
    simulator = SIMULATORS[config.simulator]
    for task in tasks:
        yield task, outputs_of(config, simulator, task.folder)
