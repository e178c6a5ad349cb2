"""The tests that land models pass before a change is accepted, on examples 02 and 03, to the last bit.

ERS: a run of n steps, and the same run stopped after k steps and restarted from the host's netCDF file.
ERP: the same on other numbers of ranks and with the cells dealt out otherwise, also restarted on another number.
Baseline: results stored by another build of the host.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

try:
    import netCDF4
except ImportError:
    print("SKIPPED: this Python has no netCDF4")
    sys.exit(77)

NCELL = 90  # of which a fifth is sea: more than one block of 64


@dataclass(frozen=True)
class Case:
    """A run: `steps` steps of `dt` s from `start`, stopped after `stop` steps."""

    name: str
    calendar: str
    start: str
    dt: int
    steps: int
    stop: int


CASES = (
    Case("midday over a leap day", "standard", "2004, 2, 27", 3600, 24 * 4, 24 * 2 + 11),
    Case("midnight in a month", "noleap", "2001, 6, 12", 1800, 48 * 3, 48 * 2),
    Case("first step of a day over a year's end", "360_day", "2001, 12, 29", 10800, 8 * 4, 8 * 2 + 1),
    Case("daily steps", "noleap", "2003, 12, 30", 86400, 6, 3),
    Case("last step of a day", "standard", "2001, 1, 31", 7200, 12 * 3, 12 * 2 - 1),
)


class LandRuns:
    """Runs drivers in the folder `work` and compares the files they write."""

    def __init__(self, work: Path, artefact: Path, backend: str):
        self.work, self.artefact, self.backend, self.failures = work, artefact, backend, 0
        work.mkdir(parents=True, exist_ok=True)

    def run(self, command: list[str], case: Case, name: str, restart: str = "", deal: bool = False) -> str:
        """One run of `command`; `restart` is the name of the run that it goes on from."""
        steps = case.steps - case.stop if restart else case.stop if name.endswith("stopped") else case.steps
        namelist = self.work / f"{name}.nml"
        namelist.write_text(
            f"&land\n  artefact = '{self.artefact}', backend = '{self.backend}', forcing = 'forcing.nc'\n"
            f"  history = '{name}.history.nc'\n"
            f"  restart_in = '{restart + '.restart.nc' if restart else ''}', restart_out = '{name}.restart.nc'\n"
            f"  calendar = '{case.calendar}', start = {case.start}, dt = {case.dt}, steps = {steps}\n"
            f"  round_robin = {'.true.' if deal else '.false.'}\n/\n"
        )
        completed = subprocess.run(
            [*command, namelist.name], cwd=self.work, capture_output=True, text=True, check=False
        )
        if completed.returncode != 0:
            output = completed.stdout + completed.stderr
            sys.exit(f"{' '.join(command)} {namelist}: exit {completed.returncode}\n{output}")
        return name

    def same(self, what: str, first: str, second: str, skipped: int = 0) -> None:
        """Whether both end with the same restart file, and the second has the first's history after `skipped` steps."""
        restarts = [(self.work / f"{name}.restart.nc").read_bytes() for name in (first, second)]
        agree = restarts[0] == restarts[1]
        files = [self.work / f"{name}.history.nc" for name in (first, second)]
        with netCDF4.Dataset(files[0]) as whole, netCDF4.Dataset(files[1]) as part:
            for name, variable in part.variables.items():
                expected = whole[name][skipped:]
                agree = agree and expected.shape == variable.shape and expected.tobytes() == variable[:].tobytes()
            fluxes = [variable[:] for name, variable in whole.variables.items() if name != "step"]
        if any(len(set(flux[-1].tolist())) < NCELL // 2 for flux in fluxes):
            agree, what = False, what + " (a flux is the same in most cells: the run says nothing)"
        print(f"{'same' if agree else 'DIFFERENT'}: {what}")
        self.failures += not agree


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="folder for the files of the runs")
    parser.add_argument("--artefact", type=Path, required=True)
    parser.add_argument("--backend", default="", help="default: the first of the artefact that works")
    parser.add_argument("--driver", required=True, help="folder of the built example 02")
    parser.add_argument("--baseline", help="the same, from another build")
    parser.add_argument("--mpi-driver", help="the built program of example 03")
    parser.add_argument("--mpirun", help="mpirun and its options, up to the number of ranks")
    parser.add_argument(
        "--cases",
        type=int,
        default=len(CASES),
        help="run the first ones only; of layouts a restart on 3 ranks alone after 1",
    )
    arguments = parser.parse_args()
    runs = LandRuns(arguments.work, arguments.artefact, arguments.backend)
    driver = [f"{arguments.driver}/land_driver"]
    subprocess.run([f"{arguments.driver}/make_forcing", "forcing.nc", str(NCELL), "3"], cwd=runs.work, check=True)

    for i, case in enumerate(CASES[: arguments.cases]):
        whole = runs.run(driver, case, f"{i}.whole")
        stopped = runs.run(driver, case, f"{i}.stopped")
        runs.same(f"restart at {case.name}", whole, runs.run(driver, case, f"{i}.resumed", stopped), case.stop)

    if arguments.baseline:
        baseline = runs.run([f"{arguments.baseline}/land_driver"], CASES[0], "baseline")
        runs.same("baseline of another build", baseline, "0.whole")

    if arguments.mpi_driver and arguments.mpirun:
        layouts = ((1, False), (2, True), (3, False), (3, True))
        for ranks, deal in layouts if arguments.cases > 1 else ():
            command = [*arguments.mpirun.split(), str(ranks), arguments.mpi_driver]
            name = f"{ranks} ranks, cells {'one by one' if deal else 'in blocks'}"
            runs.same(name, "0.whole", runs.run(command, CASES[0], f"ranks{ranks}{'d' if deal else 'b'}", deal=deal))
        resumed = runs.run([*arguments.mpirun.split(), "3", arguments.mpi_driver], CASES[0], "ranks", "0.stopped", True)
        runs.same("restart of one process on 3 ranks", "0.whole", resumed, CASES[0].stop)
    return int(runs.failures > 0)


if __name__ == "__main__":
    sys.exit(main())
