"""The results of the runs, by what was tested, and the sums that belong to them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.learning import plan, statistics
from benchmarks.learning.runner import read_result


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


@dataclass(frozen=True)
class Sums:
    """Sums of one test: site (N,) rows in the dataset, year (Y,), table (N, Y, 4, len(statistics.SUMS))."""

    site: np.ndarray
    year: np.ndarray
    table: np.ndarray

    def of_sites(self, site: np.ndarray) -> "Sums":
        """The same for some of the sites."""
        kept = np.isin(self.site, site)
        return Sums(self.site[kept], self.year, self.table[kept])


@dataclass
class Results:
    """All finished runs in a folder."""

    folder: Path
    contents: list[dict[str, Any]] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def read(cls, folder: Path) -> "Results":
        """Read every KEY.json; failed runs apart. Of a run that was done with several options the newest counts."""
        found = [read_result(path) for path in sorted(folder.glob("*.json"))]
        done = sorted(
            (content for content in found if "error" not in content), key=lambda some: some["provenance"]["created"]
        )
        newest = {run_name(content["key"]): content for content in done}
        failed = [some for some in found if "error" in some and run_name(some["key"]) not in newest]
        return cls(folder, [newest[name] for name in sorted(newest)], failed)

    @property
    def records(self) -> list[dict[str, Any]]:
        return [record for content in self.contents for record in content["records"]]

    def __post_init__(self) -> None:
        self._places: dict[tuple[Case, Entry], dict[int, tuple[dict[str, Any], str, str]]] = {}
        for content in self.contents:
            for record in content["records"]:
                entry, prefix = _entry(record)
                case = Case(record["ensemble"], record["target"], record["split"])
                place = (record, content["key"], f"{prefix}__{case.split}__{case.target}")
                self._places.setdefault((case, entry), {})[record["seed"]] = place

    def cases(self) -> list[Case]:
        """Everything that was tested, in the order of the ensembles and splits."""
        order = ("temporal", "spatial", "spatiotemporal", "leave_biome_out")
        names = list(plan.ENSEMBLES)
        return sorted(
            {case for case, _ in self._places},
            key=lambda case: (names.index(case.ensemble), case.target, order.index(case.split)),
        )

    def main_cases(self) -> list[Case]:
        """Those that the tables show."""
        return [case for case in self.cases() if case.target in plan.ENSEMBLES[case.ensemble].scored]

    def entries(self, case: Case) -> list[Entry]:
        """Models that were tested on a case."""
        return [entry for known, entry in self._places if known == case]

    def seeds(self, case: Case, entry: Entry) -> tuple[int, ...]:
        return tuple(sorted(self._places.get((case, entry), {})))

    def record(self, case: Case, entry: Entry, seed: int) -> dict[str, Any]:
        return self._places[case, entry][seed][0]

    def mean(self, case: Case, entry: Entry, name: str, seeds: Sequence[int] | None = None) -> float:
        """Mean of a metric over seeds, NaN where there is none."""
        return float(np.mean(values)) if (values := self.values(case, entry, name, seeds)) else float("nan")

    def values(self, case: Case, entry: Entry, name: str, seeds: Sequence[int] | None = None) -> list[float]:
        """A metric by seed; undefined ones are left out."""
        places = self._places.get((case, entry), {})
        found = [places[seed][0].get(name) for seed in (sorted(places) if seeds is None else seeds) if seed in places]
        return [value for value in found if value is not None]

    def sums(self, case: Case, entry: Entry, seed: int) -> Sums:
        """Sums by site, year and season of one test."""
        _, key, name = self._places[case, entry][seed]
        arrays = _arrays(self.folder / f"{key}.npz")
        return Sums(arrays[f"site__{case.split}"], arrays[f"year__{case.split}"], arrays[name])

    def places(self, case: Case, entry: Entry, seed: int) -> dict[str, np.ndarray]:
        """lat, lon and biome of all sites of the dataset."""
        arrays = _arrays(self.folder / f"{self._places[case, entry][seed][1]}.npz")
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
    return by_site[:, statistics.SUMS.index("error2")], by_site[:, statistics.SUMS.index("n")]
