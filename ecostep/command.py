"""The command `ecostep`: one word for each thing to do, and its options.

A word leads to the same `main` as `python -m emulator.train` and its like, which is imported only then: what runs
without torch, xarray or Dask starts without them.
"""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Sequence
from typing import NamedTuple

PROGRAM = "ecostep"
WRONG_USE = 2
EXTRAS = {"torch": "torch", "tensorboard": "tensorboard", "bmipy": "bmi", "xgboost": "benchmarks"}
"""Extra of this distribution by the module that it brings."""


class Verb(NamedTuple):
    """A thing to do: its word, the module whose `main` does it, and what it does."""

    name: str
    module: str
    does: str

    @property
    def is_compiled(self) -> bool:
        """Whether the coupler's library does the work; those verbs share a module, which is told the word."""
        return self.module == "coupler.cli.command"


VERBS = (
    Verb("simulate", "ecosys_sims.simulate", "run the process model at sites over the globe: a dataset"),
    Verb("import", "emulator.data.importers.command", "towers and outputs of other models to a dataset"),
    Verb("check", "ecosys_sims.check", "is a file what docs/formats.md says?"),
    Verb("train", "emulator.train", "train an emulator on a dataset: a run folder"),
    Verb("tune", "emulator.tune", "choose options of a model by random search"),
    Verb("calibrate", "emulator.calibrate", "train a run again without some sites in turn: intervals at new sites"),
    Verb("evaluate", "emulator.evaluate", "skill of a run on held-out sites and years"),
    Verb("ensemble", "emulator.ensemble", "combine runs into one"),
    Verb("predict", "emulator.predict", "fluxes of a dataset's sites, by a run"),
    Verb("maps", "emulator.maps", "series of sites on their grid (CF), and maps of seasons"),
    Verb("report", "emulator.evaluation.report.__main__", "a page about a run, or about a quickstart"),
    Verb("export", "emulator.export", "a run to an artefact that hosts couple: NAME.pt"),
    Verb("info", "coupler.cli.command", "what an artefact needs and gives"),
    Verb("verify", "coupler.cli.command", "replay the reference run in an artefact"),
    Verb("bench", "coupler.cli.command", "time of a call of an artefact on this machine"),
    Verb("run", "coupler.cli.command", "an artefact over drivers in netCDF files"),
    Verb("completion", "ecostep.completion", "code by which bash or zsh complete these words and their options"),
)


def usage() -> str:
    """The page of --help: every word with what it does."""
    rows = "\n".join(f"  {verb.name:11} {verb.does}" for verb in VERBS)
    return (
        f"usage: {PROGRAM} [--version] [--help] VERB ...\n\n"
        "Train an emulator of an ecosystem process model, and let a land model call it at every time step.\n\n"
        f"{rows}\n\n"
        f"`{PROGRAM} VERB --help` tells the options. In Python: `import ecostep`. All of it: docs/ of the sources.\n"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status of the verb, 2 for wrong use."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        (sys.stdout if words else sys.stderr).write(usage())
        return 0 if words else WRONG_USE
    if words[0] in ("-V", "--version"):
        from foundations.provenance import versions

        sys.stdout.write(f"{PROGRAM} {versions(['ecostep'])['ecostep']}\n")
        return 0
    verb = next((verb for verb in VERBS if verb.name == words[0]), None)
    if verb is None:
        sys.stderr.write(_unknown(words[0]))
        return WRONG_USE
    return _run(verb, words[1:])


def _run(verb: Verb, words: list[str]) -> int:
    try:
        module = importlib.import_module(verb.module)
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        sys.stderr.write(f"{PROGRAM} {verb.name}: needs {error.name}: pip install 'ecostep[{extra}]'\n")
        return 1
    status: int = module.main([verb.name, *words]) if verb.is_compiled else module.main(words, f"{PROGRAM} {verb.name}")
    return status


def _unknown(word: str) -> str:
    names = [verb.name for verb in VERBS]
    near = difflib.get_close_matches(word, names, n=1)
    hint = f"; did you mean `{PROGRAM} {near[0]}`?" if near else ""
    return f"{PROGRAM}: no such verb: '{word}'{hint}\n({', '.join(names)}; {PROGRAM} --help says what each does)\n"


if __name__ == "__main__":
    sys.exit(main())
