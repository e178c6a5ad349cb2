"""Classes of sites: biome, plant functional type, soil texture and whatever a file gives `flag_values`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foundations.variables import Variable


@dataclass(frozen=True)
class SiteClasses:
    """One class variable of N sites: codes (N,), int64, and the meaning of each code that the variable has."""

    codes: np.ndarray
    meanings: dict[int, str]

    def names(self) -> np.ndarray:
        """Meaning of each site's class, (N,) str; the number where it has none."""
        return np.array([self.meanings.get(code, str(code)) for code in self.codes.tolist()], dtype=str)

    def of_sites(self, index: np.ndarray) -> "SiteClasses":
        """The same variable for some of the sites."""
        return SiteClasses(self.codes[index], self.meanings)


def codes_of(variable: Variable, meanings: Sequence[str]) -> tuple[int, ...]:
    """Flag values of a class variable by meaning; ValueError names those that it does not have."""
    classes = variable.classes
    if not classes:
        message = f"'{variable.name}' has no classes"
        raise ValueError(message)
    unknown = sorted(set(meanings) - set(classes.values()))
    if unknown:
        message = f"{variable.name}: {', '.join(unknown)} not among {', '.join(classes.values())}"
        raise ValueError(message)
    return tuple(code for code, meaning in classes.items() if meaning in meanings)
