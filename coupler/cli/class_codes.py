"""Classes of files by the codes of an artefact: files may number them in another order, their meanings tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import netCDF4
import numpy as np
from numpy.typing import NDArray

from coupler.cli.errors import CommandError


@dataclass(frozen=True)
class Recoding:
    """The artefact's code by that of a file; meanings of the file's codes that the artefact does not have."""

    codes: dict[int, int]
    strange: dict[int, str]
    choice: str

    def apply(self, values: NDArray, what: str) -> NDArray:
        """Codes of a file, NaN where missing -> those of the artefact; CommandError for a class that it lacks.

        A number to which the file gives no meaning could be any class of the artefact, and is refused, too.
        """
        for number, meaning in self.strange.items():
            if (values == number).any():
                message = f"{what} is {meaning} ({number}) in a cell, which is none of the artefact's: {self.choice}"
                raise CommandError(message)
        meaningless = values[np.isfinite(values) & ~np.isin(values, [*self.codes, *self.strange])]
        if meaningless.size > 0:
            message = f"{what} is {meaningless[0]:g} in a cell, which is none of its flag_values"
            raise CommandError(message)
        recoded = values.copy()
        for number, code in self.codes.items():
            recoded[values == number] = code
        return recoded


def recoding(variable: netCDF4.Variable, classes: Mapping[int, str]) -> Recoding | None:
    """How to bring the codes of a file to those of an artefact; None where they are the same or have no meanings.

    classes: meanings by code in the artefact, "" where it has none.
    """
    meanings = str(getattr(variable, "flag_meanings", "")).split()
    if not meanings or not all(classes.values()):
        return None
    flag_values = np.atleast_1d(getattr(variable, "flag_values", np.empty(0)))
    where = f"{variable.group().filepath()}: '{variable.name}'"
    if flag_values.dtype.kind not in "iuf" or (flag_values != np.round(flag_values)).any():
        message = f"{where}: flag_values {flag_values.tolist()} are not whole numbers"
        raise CommandError(message)
    numbers = [int(number) for number in flag_values.tolist()]
    if len(meanings) != len(numbers) or len(set(numbers)) != len(numbers):
        message = f"{where} has {len(set(numbers))} different flag_values and {len(meanings)} flag_meanings"
        raise CommandError(message)
    in_file = dict(zip(numbers, meanings, strict=True))
    if in_file.items() <= classes.items():
        return None
    by_meaning = {meaning: code for code, meaning in classes.items()}
    return Recoding(
        {number: by_meaning[word] for number, word in in_file.items() if word in by_meaning},
        {number: word for number, word in in_file.items() if word not in by_meaning},
        ", ".join(classes.values()),
    )
