"""The simulators that are known: how each is started, which weather it reads, what it writes.

An executable is the user's own, named by an environment variable; nothing of theirs comes with this project.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from ecosys_sims.program.executable import ModelError


@dataclass(frozen=True)
class Simulator:
    """variable: of the environment, names the executable; arguments: of its command line, with placeholders;
    standard_input: a file of the case that it reads so; weather: its file, with placeholders, empty for none;
    outputs: patterns of what it writes; preset: by which that is imported.
    """

    name: str
    variable: str
    arguments: tuple[str, ...]
    standard_input: str
    weather: str
    outputs: tuple[str, ...]
    preset: str

    def executable(self) -> Path:
        """The user's executable; ModelError where the environment names none."""
        named = os.environ.get(self.variable)
        if not named:
            message = f"{self.name}: set {self.variable} to your executable of it"
            raise ModelError(message)
        path = Path(named)
        if not path.is_file() or not os.access(path, os.X_OK):
            message = f"{self.variable} names {named}, which is not an executable file; correct it"
            raise ModelError(message)
        return path.resolve()


SIMULATORS = {
    simulator.name: simulator
    for simulator in (
        Simulator("ecosys", "ECOSTEP_GRANT_ECOSYS", (), "run", "w{year}", ("*[0-9]d[cw]", "w[0-9]*"), "ecosys"),
        Simulator("ecosim", "ECOSTEP_ECOSIM", ("case.namelist",), "", "climate.nc", ("*.h[01].*nc",), "ecosim"),
        Simulator("noahmp", "ECOSTEP_NOAHMP", (), "", "{stamp}.LDASIN_DOMAIN1",
                  ("*LDASOUT_DOMAIN1*", "*.LDASIN_DOMAIN1"), "noahmp"),
    )
}  # fmt: skip
