"""The results of the runs, by what was tested, and the sums that belong to them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.learning import plan, statistics
from benchmarks.learning.workspace import read_result

SPLIT_ORDER = ("temporal", "spatial", "spatiotemporal", "leave_biome_out")


@dataclass(frozen=True)
class Case:
    """What is compared: a quantity on a part of the split."""

    ensemble: str
    target: str
    split: str


@dataclass(frozen=True)
class Entry:
    """A model as it was run: its name, and what it was given of past flux in the test."""

    model: str
    past_flux: str

    @property
    def kind(self) -> str:
        return self.model.partition("/")[0]

    @property
    def variant(self) -> str:
        """'' for the model as it is."""
        return self.model.partition("/")[2]


@dataclass(frozen=True)
class Sums:
    """Sums of one test: site (N,) rows in the dataset, year (Y,), table (N, Y, 4, len(statistics.SUMS))."""

    site: np.ndarray
    year: np.ndarray
    table: np.ndarray

    def of_sites(self, site: np.ndarray) -> "Sums":
        """The same for some of the sites."""
        shared = np.isin(self.site, site)
        return Sums(self.site[shared], self.year, self.table[shared])


@dataclass(frozen=True)
class ModelTest:
    """One test: its record, the key of its run, and the name of its sums in the run's arrays."""

    record: dict[str, Any]
    key: str
    sums: str


@dataclass
class Results:
    """All finished runs in a folder."""

    folder: Path
    contents: list[dict[str, Any]] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def read(cls, folder: Path) -> "Results":
        """Read every KEY.json; failed runs apart. Of a run that was done with several options the newest counts."""
        contents = [read_result(path) for path in sorted(folder.glob("*.json"))]
        done = sorted(
            (content for content in contents if "error" not in content),
            key=lambda content: content["provenance"]["created"],
        )
        newest = {run_name(content["key"]): content for content in done}
        failed = [content for content in contents if "error" in content and run_name(content["key"]) not in newest]
        return cls(folder, [newest[name] for name in sorted(newest)], failed)

    @property
    def records(self) -> list[dict[str, Any]]:
        return [record for content in self.contents for record in content["records"]]

    def __post_init__(self) -> None:
        self._tests: dict[tuple[Case, Entry], dict[int, ModelTest]] = {}
        for content in self.contents:
            for record in content["records"]:
                entry, prefix = _entry(record)
                case = Case(record["ensemble"], record["target"], record["split"])
                test = ModelTest(record, content["key"], f"{prefix}__{case.split}__{case.target}")
                self._tests.setdefault((case, entry), {})[record["seed"]] = test

    def cases(self) -> list[Case]:
        """Everything that was tested, in the order of the ensembles and splits."""
        names = list(plan.ENSEMBLES)
        return sorted(
            {case for case, _ in self._tests},
            key=lambda case: (names.index(case.ensemble), case.target, SPLIT_ORDER.index(case.split)),
        )

    def main_cases(self) -> list[Case]:
        """Those that the tables show."""
        return [case for case in self.cases() if case.target in plan.ENSEMBLES[case.ensemble].scored]

    def entries(self, case: Case) -> list[Entry]:
        """Models that were tested on a case."""
        return [entry for tested_case, entry in self._tests if tested_case == case]

    def seeds(self, case: Case, entry: Entry) -> tuple[int, ...]:
        return tuple(sorted(self._tests.get((case, entry), {})))

    def record(self, case: Case, entry: Entry, seed: int) -> dict[str, Any]:
        return self._tests[case, entry][seed].record

    def mean(self, case: Case, entry: Entry, metric: str, seeds: Sequence[int] | None = None) -> float:
        """Mean of a metric over seeds, NaN where there is none."""
        return float(np.mean(values)) if (values := self.values(case, entry, metric, seeds)) else float("nan")

    def values(self, case: Case, entry: Entry, metric: str, seeds: Sequence[int] | None = None) -> list[float]:
        """A metric by seed; undefined ones are left out."""
        tests = self._tests.get((case, entry), {})
        chosen = sorted(tests) if seeds is None else [seed for seed in seeds if seed in tests]
        by_seed = [tests[seed].record.get(metric) for seed in chosen]
        return [value for value in by_seed if value is not None]

    def sums(self, case: Case, entry: Entry, seed: int) -> Sums:
        """Sums by site, year and season of one test."""
        test = self._tests[case, entry][seed]
        arrays = _arrays(self.folder / f"{test.key}.npz")
        return Sums(arrays[f"site__{case.split}"], arrays[f"year__{case.split}"], arrays[test.sums])

    def places(self, case: Case, entry: Entry, seed: int) -> dict[str, np.ndarray]:
        """lat, lon and biome of all sites of the dataset."""
        arrays = _arrays(self.folder / f"{self._tests[case, entry][seed].key}.npz")
        return {name: arrays[name] for name in ("lat", "lon", "biome")}


def run_name(key: str) -> str:
    """`Run.name` of the run that has a key."""
    return re.sub(r"-[0-9a-f]{10}$", "", key)


def _entry(record: dict[str, Any]) -> tuple[Entry, str]:
    """Who was tested, and the prefix of the arrays' names. A history of k years is an entry of its own."""
    if "history_years" in record:
        return Entry(record["model"], f"history_{record['history_years']}"), f"k{record['history_years']}"
    return Entry(record["model"], record["past_flux"]), record["past_flux"]


@lru_cache(maxsize=256)
def _arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def error_sums(sums: Sums) -> tuple[np.ndarray, np.ndarray]:
    """Sum of squared errors and number of days of each site."""
    by_site = sums.table.sum(axis=(1, 2))
    return by_site[:, statistics.SQUARED_ERROR], by_site[:, statistics.DAYS]
