"""Who is better than whom: ratios of RMSE with a paired bootstrap over sites, and shares of the gap to oracles."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from benchmarks.learning import plan
from benchmarks.learning.results import Case, Entry, Results, error_sums
from emulator.evaluation.bootstrap import RatioTest, by_site, rmse_ratio

BASELINE_MODES = {"without": "none", "with": "gauged"}
"""How baselines of the two tables are run: without past flux for anyone, with past flux for everyone."""


class Opponent(NamedTuple):
    """An entry that others are compared with, None where there is none, and the seeds that it was chosen over."""

    entry: Entry | None
    seeds: tuple[int, ...]


def paired(results: Results, case: Case, model: Entry, reference: Entry, seeds: Sequence[int]) -> RatioTest:
    """RMSE of a model over that of a reference on the sites that both were tested on, over several seeds."""
    site, model_error, reference_error, days = [], [], [], []
    for seed in seeds:
        model_sums, reference_sums = results.sums(case, model, seed), results.sums(case, reference, seed)
        common = np.intersect1d(model_sums.site, reference_sums.site)
        squared_error, number_of_days = error_sums(model_sums.of_sites(common))
        site.append(common)
        model_error.append(squared_error)
        days.append(number_of_days)
        reference_error.append(error_sums(reference_sums.of_sites(common))[0])
    _, *sums_of_sites = by_site(*(np.concatenate(parts) for parts in (site, model_error, reference_error, days)))
    return rmse_ratio(*sums_of_sites)


def best(results: Results, case: Case, entries: Sequence[Entry], seeds: Sequence[int]) -> Opponent:
    """The entry with the lowest mean RMSE over seeds, and those seeds.

    Entries are compared over the seeds that the most complete of them share with `seeds`; those that lack one of them
    are left out, as their mean is over other test sites.
    """
    shared = {entry: tuple(seed for seed in seeds if seed in results.seeds(case, entry)) for entry in entries}
    most = max(shared.values(), key=len, default=())
    if not most:
        return Opponent(None, ())
    whole = [entry for entry in entries if set(most) <= set(shared[entry])]
    return Opponent(min(whole, key=lambda entry: results.mean(case, entry, "rmse", most)), most)


def overlooked(
    results: Results, case: Case, entries: Sequence[Entry], chosen: Entry, seeds: Sequence[int]
) -> list[Entry]:
    """Entries that `best` left out for a missing seed although they beat its choice on the seeds that they have."""
    better = []
    for entry in entries:
        shared = [seed for seed in seeds if seed in results.seeds(case, entry)]
        if shared and len(shared) < len(seeds):
            entry_rmse, chosen_rmse = (results.mean(case, model, "rmse", shared) for model in (entry, chosen))
            better += [entry] if entry_rmse < chosen_rmse else []
    return better


def baselines(results: Results, case: Case, table: str) -> list[Entry]:
    """Baselines of one of the tables of BASELINE_MODES that were tested on a case."""
    mode = BASELINE_MODES[table]
    return [entry for entry in results.entries(case) if entry.model in plan.BASELINES and entry.past_flux == mode]


def best_baseline(results: Results, case: Case, table: str) -> Opponent:
    """The best baseline of a table over all seeds of any of them."""
    candidates = baselines(results, case, table)
    return best(results, case, candidates, sorted({s for entry in candidates for s in results.seeds(case, entry)}))


def tables_for(entry: Entry) -> list[str]:
    """Tables whose baselines a model is compared with: without past flux, not with baselines that have it."""
    return [table for table in BASELINE_MODES if table == "without" or entry.past_flux == "gauged"]


def against_baselines(results: Results) -> Iterator[dict[str, Any]]:
    """Each of our models, as it can be run, against the best baseline of either table."""
    for case in results.cases():
        for entry in results.entries(case):
            if entry.model not in plan.CHALLENGERS or entry.past_flux.startswith("history"):
                continue
            for table in tables_for(entry):
                candidates = baselines(results, case, table)
                reference, seeds = best(results, case, candidates, results.seeds(case, entry))
                if reference is None:
                    continue
                complete = [model for model in candidates if set(seeds) <= set(results.seeds(case, model))]
                passed_over = overlooked(results, case, candidates, reference, seeds)
                yield (
                    {"kind": "baseline", "table": table}
                    | compare(results, case, entry, reference, seeds)
                    | {"candidates": len(complete), "overlooked": [model.model for model in passed_over]}
                )


def unified_against_both(results: Results) -> Iterator[dict[str, Any]]:
    """The unified model against the better of the two, in the same mode as CHAM-net."""
    for case in results.cases():
        present = results.entries(case)
        for entry in present:
            if entry.model != "unified" or entry.past_flux not in ("gauged", "ungauged"):
                continue
            parents = (Entry("cham_net", entry.past_flux), Entry("raci", "none"), Entry("raci", entry.past_flux))
            rivals = [rival for rival in present if rival in parents]
            reference, seeds = best(results, case, rivals, results.seeds(case, entry))
            if reference is not None:
                yield {"kind": "unified", "table": ""} | compare(results, case, entry, reference, seeds)


def against_ablations(results: Results) -> Iterator[dict[str, Any]]:
    """Each model against itself without one part, run in the same mode, or without past flux where it has lost that."""
    for case in results.cases():
        present = results.entries(case)
        for ablated in present:
            kind = ablated.kind
            if ablated.variant not in plan.ABLATIONS.get(kind, {}):
                continue
            modes = (ablated.past_flux,) if Entry(kind, ablated.past_flux) in present else ("gauged", "ungauged")
            for mode in modes:
                entry = Entry(kind, mode)
                seeds = tuple(set(results.seeds(case, entry)) & set(results.seeds(case, ablated)))
                if seeds:
                    yield {"kind": "ablation", "table": ""} | compare(results, case, entry, ablated, seeds)


def compare(results: Results, case: Case, entry: Entry, reference: Entry, seeds: Sequence[int]) -> dict[str, Any]:
    """One comparison, as models.json holds it."""
    ratio_test = paired(results, case, entry, reference, seeds)
    return _what_was_tested(case, entry) | {
        "baseline": reference.model,
        "baseline_past_flux": reference.past_flux,
        "rmse_ratio": ratio_test.ratio,
        "low": ratio_test.low,
        "high": ratio_test.high,
        "p_value": ratio_test.p_value,
        "sites": ratio_test.sites,
        "seeds": sorted(seeds),
    }


def gaps(results: Results) -> Iterator[dict[str, Any]]:
    """Share of the distance from the best baseline to an oracle that a model has covered, from mean RMSE.

    The oracle is the same network, run in the same mode, given the hidden parameters or their kriging. Where it is no
    better than the baseline there is no gap, and the share is NaN.
    """
    for case in results.cases():
        for oracle in results.entries(case):
            if oracle.variant not in (*plan.ORACLES, plan.RETRIEVED) or oracle.kind not in plan.CHALLENGERS:
                continue
            entry = Entry(oracle.kind, oracle.past_flux)
            seeds = tuple(set(results.seeds(case, entry)) & set(results.seeds(case, oracle)))
            if not seeds:
                continue
            for table in tables_for(entry):
                reference, shared = best(results, case, baselines(results, case, table), seeds)
                if reference is not None:
                    yield _gap(results, case, entry, oracle, table, Opponent(reference, shared))


def _gap(results: Results, case: Case, entry: Entry, oracle: Entry, table: str, baseline: Opponent) -> dict[str, Any]:
    reference, seeds = baseline
    assert reference is not None
    model_rmse, baseline_rmse, oracle_rmse = (
        results.mean(case, tested, "rmse", seeds) for tested in (entry, reference, oracle)
    )
    return _what_was_tested(case, entry) | {
        "oracle": oracle.variant,
        "table": table,
        "baseline": reference.model,
        "baseline_past_flux": reference.past_flux,
        "rmse": model_rmse,
        "rmse_baseline": baseline_rmse,
        "rmse_oracle": oracle_rmse,
        "share_closed": (baseline_rmse - model_rmse) / (baseline_rmse - oracle_rmse)
        if oracle_rmse < baseline_rmse
        else math.nan,
        "seeds": sorted(seeds),
    }


def _what_was_tested(case: Case, entry: Entry) -> dict[str, Any]:
    """Keys that comparisons and gaps begin with."""
    return {
        "ensemble": case.ensemble,
        "target": case.target,
        "split": case.split,
        "model": entry.model,
        "past_flux": entry.past_flux,
    }


def all_comparisons(results: Results) -> list[dict[str, Any]]:
    """Everything that models.json lists under `comparisons`."""
    return [*against_baselines(results), *unified_against_both(results), *against_ablations(results)]
