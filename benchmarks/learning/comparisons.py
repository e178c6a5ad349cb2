"""Who is better than whom: ratios of RMSE with a paired bootstrap over sites, and shares of the gap to oracles."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks.learning import plan
from benchmarks.learning.results import Case, Entry, Results, error_sums
from emulator.evaluation.bootstrap import RatioTest, by_site, rmse_ratio

TABLES = {"without": "none", "with": "gauged"}
"""How baselines of the two tables are run: without past flux for anyone, with past flux for everyone."""


def paired(results: Results, case: Case, model: Entry, reference: Entry, seeds: Sequence[int]) -> RatioTest:
    """RMSE of a model over that of a reference on the sites that both were tested on, over several seeds."""
    site, error, reference_error, days = [], [], [], []
    for seed in seeds:
        ours, theirs = results.sums(case, model, seed), results.sums(case, reference, seed)
        common = np.intersect1d(ours.site, theirs.site)
        own_error, own_days = error_sums(ours.of_sites(common))
        site.append(common)
        error.append(own_error)
        days.append(own_days)
        reference_error.append(error_sums(theirs.of_sites(common))[0])
    _, *values = by_site(*(np.concatenate(parts) for parts in (site, error, reference_error, days)))
    return rmse_ratio(*values)


def best(
    results: Results, case: Case, entries: Sequence[Entry], seeds: Sequence[int]
) -> tuple[Entry | None, tuple[int, ...]]:
    """The entry with the lowest mean RMSE over seeds, and those seeds.

    Entries are compared over the seeds that the most complete of them share with `seeds`; those that lack one of them
    are left out, as their mean is over other test sites.
    """
    shared = {entry: tuple(seed for seed in seeds if seed in results.seeds(case, entry)) for entry in entries}
    most = max(shared.values(), key=len, default=())
    if not most:
        return None, ()
    whole = [entry for entry in entries if set(most) <= set(shared[entry])]
    return min(whole, key=lambda entry: results.mean(case, entry, "rmse", most)), most


def overlooked(
    results: Results, case: Case, entries: Sequence[Entry], chosen: Entry, seeds: Sequence[int]
) -> list[Entry]:
    """Entries that `best` left out for a missing seed although they beat its choice on the seeds that they have."""
    found = []
    for entry in entries:
        shared = [seed for seed in seeds if seed in results.seeds(case, entry)]
        if shared and len(shared) < len(seeds):
            own, other = (results.mean(case, some, "rmse", shared) for some in (entry, chosen))
            found += [entry] if own < other else []
    return found


def baselines(results: Results, case: Case, table: str) -> list[Entry]:
    """Baselines of one of TABLES that were tested on a case."""
    return [
        entry for entry in results.entries(case) if entry.model in plan.BASELINES and entry.past_flux == TABLES[table]
    ]


def against_baselines(results: Results) -> Iterator[dict[str, Any]]:
    """Each of our models, as it can be run, against the best baseline of either table.

    Models that see no past flux are not compared with baselines that do.
    """
    for case in results.cases():
        for entry in results.entries(case):
            if entry.model not in plan.CHALLENGERS or entry.past_flux.startswith("history"):
                continue
            for table in TABLES:
                if table == "with" and entry.past_flux != "gauged":
                    continue
                candidates = baselines(results, case, table)
                reference, seeds = best(results, case, candidates, results.seeds(case, entry))
                if reference is not None:
                    yield (
                        {"kind": "baseline", "table": table}
                        | compare(results, case, entry, reference, seeds)
                        | {
                            "candidates": sum(set(seeds) <= set(results.seeds(case, some)) for some in candidates),
                            "overlooked": [
                                some.model for some in overlooked(results, case, candidates, reference, seeds)
                            ],
                        }
                    )


def unified_against_both(results: Results) -> Iterator[dict[str, Any]]:
    """The unified model against the better of the two, in the same mode as CHAM-net."""
    for case in results.cases():
        for entry in results.entries(case):
            if entry.model != "unified" or entry.past_flux not in ("gauged", "ungauged"):
                continue
            others = [
                other
                for other in results.entries(case)
                if other in (Entry("cham_net", entry.past_flux), Entry("raci", "none"), Entry("raci", entry.past_flux))
            ]
            reference, seeds = best(results, case, others, results.seeds(case, entry))
            if reference is not None:
                yield {"kind": "unified", "table": ""} | compare(results, case, entry, reference, seeds)


def against_ablations(results: Results) -> Iterator[dict[str, Any]]:
    """Each model against itself without one part, run in the same mode, or without past flux where it has lost that."""
    for case in results.cases():
        present = results.entries(case)
        for other in present:
            kind, _, variant = other.model.partition("/")
            if variant not in plan.ABLATIONS.get(kind, {}):
                continue
            modes = (other.past_flux,) if Entry(kind, other.past_flux) in present else ("gauged", "ungauged")
            for mode in modes:
                entry = Entry(kind, mode)
                seeds = tuple(set(results.seeds(case, entry)) & set(results.seeds(case, other)))
                if seeds:
                    yield {"kind": "ablation", "table": ""} | compare(results, case, entry, other, seeds)


def compare(results: Results, case: Case, entry: Entry, reference: Entry, seeds: Sequence[int]) -> dict[str, Any]:
    """One comparison, as models.json holds it."""
    found = paired(results, case, entry, reference, seeds)
    return {
        "ensemble": case.ensemble,
        "target": case.target,
        "split": case.split,
        "model": entry.model,
        "past_flux": entry.past_flux,
        "baseline": reference.model,
        "baseline_past_flux": reference.past_flux,
        "rmse_ratio": found.ratio,
        "low": found.low,
        "high": found.high,
        "p_value": found.p_value,
        "sites": found.sites,
        "seeds": sorted(seeds),
    }


def gaps(results: Results) -> Iterator[dict[str, Any]]:
    """Share of the distance from the best baseline to an oracle that a model has covered, from mean RMSE.

    The oracle is the same network, run in the same mode, given the hidden parameters or their kriging. Where it is no
    better than the baseline there is no gap, and the share is NaN.
    """
    for case in results.cases():
        present = results.entries(case)
        for oracle in present:
            kind, _, variant = oracle.model.partition("/")
            if variant not in (*plan.ORACLES, plan.RETRIEVED):
                continue
            entry = Entry(kind, oracle.past_flux)
            seeds = tuple(set(results.seeds(case, entry)) & set(results.seeds(case, oracle)))
            if not seeds or kind not in plan.CHALLENGERS:
                continue
            for table in TABLES:
                if table == "with" and entry.past_flux != "gauged":
                    continue
                reference, shared = best(results, case, baselines(results, case, table), seeds)
                if reference is None:
                    continue
                base, own, ideal = (results.mean(case, some, "rmse", shared) for some in (reference, entry, oracle))
                yield {
                    "ensemble": case.ensemble,
                    "target": case.target,
                    "split": case.split,
                    "model": kind,
                    "past_flux": entry.past_flux,
                    "oracle": variant,
                    "table": table,
                    "baseline": reference.model,
                    "baseline_past_flux": reference.past_flux,
                    "rmse": own,
                    "rmse_baseline": base,
                    "rmse_oracle": ideal,
                    "share_closed": (base - own) / (base - ideal) if ideal < base else math.nan,
                    "seeds": sorted(shared),
                }


def all_comparisons(results: Results) -> list[dict[str, Any]]:
    """Everything that models.json lists under `comparisons`."""
    return [*against_baselines(results), *unified_against_both(results), *against_ablations(results)]
