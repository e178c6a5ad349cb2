"""Namelist values that a user changes on the command line, and those that follow from the forcing file."""

import f90nml

from ecosys_sims.towers.errors import TowerError

NamelistGroups = dict[str, dict[str, object]]
"""Group -> key -> value."""

# What a run from tower weather sets itself, or writes into the dataset; a group alone stands for all its keys.
IN_FORCING = "follows from the forcing file; change it there or write it anew with the adapter"
NOT_CHANGED = {
    "run_ctl.case_name": "names the files that are read back",
    "run_ctl.start_date": "follows from the days of the forcing file; cut the file to run fewer",
    "run_ctl.stop_n": "follows from the days of the forcing file; cut the file to run fewer",
    "run_ctl.stop_option": "follows from the days of the forcing file; cut the file to run fewer",
    "run_ctl.calendar": IN_FORCING,
    "run_ctl.fsites": IN_FORCING,
    "run_ctl.spinup_years": "has an option of its own; use --spinup-years",
    "run_ctl.outdir": "has an option of its own; use --out",
    "forcing_nl.source": "is always netcdf here; for generated weather use scripts/gen_sims.py",
    "forcing_nl.file": "is the first argument of the command",
    "site_nl": IN_FORCING,
    "hist_nl.hist_fields": "would leave variables out that a dataset must hold",
    "hist_nl.hist_nhtfrq": "would give months where a dataset must hold days",
    "hist_nl.hist_split": "would cut the history, which is read back as one file",
}


def parse_changes(texts: list[str]) -> NamelistGroups:
    """`group.key=value` texts as namelist groups; raises TowerError for anything else."""
    changes: NamelistGroups = {}
    for text in texts:
        name, equals, value = text.partition("=")
        group, dot, key = name.strip().lower().partition(".")
        if not (equals and dot and group and key):
            message = f"--set {text}: expected GROUP.KEY=VALUE, for example ch4_nl.mgo=0.4"
            raise TowerError(message)
        parsed = f90nml.reads(f"&{group} {key} = {value} /") if _is_literal(value) else {group: {key: value}}
        changes.setdefault(group, {})[key] = parsed[group][key]
    return changes


def _is_literal(value: str) -> bool:
    """Whether a value stands in a namelist without quotes: a number or a logical."""
    if value.lower() in (".true.", ".false."):
        return True
    try:
        float(value)
    except ValueError:
        return False
    return True


def refuse_reserved_keys(changes: NamelistGroups) -> None:
    """Raise TowerError where a change is of what the run sets itself."""
    for group, keys in changes.items():
        for key in keys:
            name = f"{group}.{key}".lower()
            reason = NOT_CHANGED.get(name) or NOT_CHANGED.get(group.lower())
            if reason:
                message = f"--set {name}: {reason}"
                raise TowerError(message)
