"""Artefacts to be timed: trained for an epoch on a small simulation, with the sizes that the quickstart gives them."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import zipfile
from pathlib import Path

from coupler.cli.backends import read_metadata

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("lstm", "cham_net", "raci", "unified")


def make(work: Path, kinds: tuple[str, ...], exported: dict[str, Path], *, sites: int, years: int,
         hidden: int | None = None) -> dict[str, Path]:  # fmt: skip
    """Artefacts by kind: those of `exported`, and others as exported now from trainings in `work` that are done once.

    hidden: units of the networks, in place of the quickstart's.
    """
    artefacts = dict(exported)
    for kind in kinds:
        if kind in artefacts:
            continue
        run = work / "models" / (kind if hidden is None else f"{kind}_hidden_{hidden}")
        artefacts[kind] = run / "model.pt"
        if artefacts[kind].exists():
            continue
        data = _simulation(work / "sims", sites, years)
        if not (run / "checkpoints").exists() or not list((run / "checkpoints").glob("best*")):
            log.info("training %s for an epoch", kind)
            settings = [f"model.kind={kind}", f"data.path={data}", "training.epochs=1", "training.years_per_window=2"]
            settings += [] if hidden is None else [f"model.hidden={hidden}"]
            options = [word for setting in settings for word in ("--set", setting)]
            _python("-m", "emulator.train", ROOT / "configs" / "quickstart.yaml", "--out", run, "--overwrite", *options)
        _python("-m", "emulator.export", run, "--out", artefacts[kind])
    return {kind: artefacts[kind].resolve() for kind in kinds}


def write_stub(path: Path, like: Path) -> Path:
    """A stub with the variables of another artefact: what the library itself costs with that many arrays."""
    about = read_metadata(like)
    inputs, targets = len(about["inputs"]), len(about["targets"])
    for key in ("reference", "quantiles", "native"):
        about.pop(key, None)
    about |= {
        "kind": "stub", "backends": ["stub"], "state_size": targets, "past_flux": "none",
        "stub": {"bias": [0.0] * targets, "weights": [[0.001] * inputs] * targets, "decay": [0.5] * targets},
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("stub/extra/ecostep.json", json.dumps(about))
    return path


def _simulation(folder: Path, sites: int, years: int) -> Path:
    data = folder / "dataset.nc"
    if not data.exists():
        log.info("simulating %d sites for %d years", sites, years)
        config = ROOT / "configs" / "sims" / "quickstart.yaml"
        sizes = ["--sites", sites, "--years", years, "--workers", 1]
        _python(ROOT / "scripts" / "gen_sims.py", "--config", config, "--out", folder, *sizes)
    return data


def _python(*words: object) -> None:
    command = [sys.executable, *map(str, words)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        message = f"{' '.join(command)} failed:\n{done.stderr[-2000:]}"
        raise RuntimeError(message)
