"""Damaged copies of each file that we read: refused by its name, or read as the whole file."""

from pathlib import Path

import pytest

from tests.mutations.cases import CASES
from tests.mutations.trial import kinds_of_faults, try_all

QUICK = 20


NAMES = [pytest.param(name, marks=[pytest.mark.slow] * case.slow) for name, case in CASES.items()]


@pytest.mark.parametrize("name", NAMES)
def test_no_damage_goes_unseen(name: str, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    case = CASES[name]
    outcome = try_all(case, tmp_path, range(pytestconfig.getoption("--mutations") or QUICK))
    assert not outcome.faults, "\n".join(f"{count} x {text}" for text, count in kinds_of_faults(outcome.faults).items())
    assert not case.checked or not outcome.changed
    assert outcome.refused > 0
