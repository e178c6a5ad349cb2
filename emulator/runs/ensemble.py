"""A run folder that names the runs whose mean it is; it is evaluated, predicts and is exported like any other."""

from collections.abc import Sequence
from pathlib import Path

from emulator.runs import trained_model
from emulator.runs.run_folder import KIND, RunFolder, RunFolderError
from foundations import atomic_file, own_folder


def create(runs: Sequence[Path], out: RunFolder) -> None:
    """Write a folder that names the members, without what was made of former ones; RunFolderError where they do not go
    together.
    """
    if out.config.exists():
        message = f"{out.path}: holds a trained run; choose another --out"
        raise RunFolderError(message)
    if len(runs) < 2:
        message = f"{out.path}: an ensemble needs two runs or more"
        raise RunFolderError(message)
    members = [str(path.resolve()) for path in runs]
    trained_model.load_members(members)
    out.require_own()
    out.clear()
    own_folder.mark(out.path, KIND)
    atomic_file.write_json(out.members, {"members": members})
