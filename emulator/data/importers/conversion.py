"""Units of files to those of a dataset, mass and amount of substance of carbon, methane and nitrogen included."""

import re

from emulator.data.importers.errors import ImportFault
from foundations.units import unit_conversion

MOLAR_MASS = {"C": 12.011, "CO2": 12.011, "CH4": 16.043, "N": 14.007, "N2O": 44.013}
"""g per mol of what a dataset counts: of CO2 its carbon."""
ATOMS = {"N2O": 2.0}
"""Atoms of carbon or nitrogen in a molecule, where not one."""
COUNTED_AS = {"gpp": "C", "ra": "C", "rh": "C", "nee": "C", "reco": "C", "npp": "C", "fch4": "CH4", "fn2o": "N2O",
              "fertilisation": "N"}  # fmt: skip
"""What the mass of a flux in a dataset is of."""
_PREFIXES = {"": 1.0, "k": 1e3, "m": 1e-3, "u": 1e-6, "µ": 1e-6, "n": 1e-9, "M": 1e6}
_TIMES = {"s": 1.0, "h": 3600.0, "hr": 3600.0, "hour": 3600.0, "d": 86400.0, "day": 86400.0}
_AREAS = {"m-2": 1.0, "ha-1": 1e4}
_FLUX = re.compile(
    r"^(?P<prefix>[kmuµnM]?)(?P<kind>g|mol)\s?(?P<of>CO2|CH4|N2O|C|N)?\s(?P<area>m-2|ha-1)\s(?P<time>[a-z]+)-1$"
)


def conversion(source: str, target: str, name: str = "", of: str | None = None, place: str = "") -> tuple[float, float]:
    """(factor, offset) with target = factor * source + offset, for the variable `name`.

    of: what the amounts of the source are of, where its unit does not tell. Raises ImportFault, which names `place`.
    """
    if source == target:
        return 1.0, 0.0
    flux = _FLUX.match(_plain(source))
    try:
        if flux is None:
            return unit_conversion(_spelled(source), target)
        counted = COUNTED_AS.get(name)
        substance = flux["of"] or of or counted
        per_second, _ = unit_conversion("kg m-2 s-1", target)
        if flux["kind"] == "mol":
            if substance is None or counted is None:
                message = f"units '{source}' of {name}: say of what they are (`of: CO2`, ...)"
                raise ValueError(message)
            mass = MOLAR_MASS[counted] * _ratio(substance, counted)
        else:
            mass = _mass_ratio(substance, counted)
        size = _PREFIXES[flux["prefix"]] * mass * 1e-3 / _AREAS[flux["area"]] / _TIMES[flux["time"]]
    except (ValueError, KeyError) as error:
        reason = error if isinstance(error, ValueError) else f"units '{source}' cannot be converted to '{target}'"
        message = f"{place}: {name}: {reason}"
        raise ImportFault(message) from None
    return size * per_second, 0.0


def _ratio(substance: str, counted: str) -> float:
    """Molecules of `counted` in a molecule of the substance."""
    return ATOMS.get(substance, 1.0) / ATOMS.get(counted, 1.0)


def _mass_ratio(substance: str | None, counted: str | None) -> float:
    """Mass of `counted` in a unit mass of the substance: 3.664 g CO2 have 1 g C, 1 g C is that of 1.336 g CH4."""
    if substance is None or counted is None or substance == counted:
        return 1.0
    whole = {"CO2": 44.009} | {name: mass for name, mass in MOLAR_MASS.items() if name != "CO2"}
    return _ratio(substance, counted) * whole[counted] / whole[substance]


def _plain(units: str) -> str:
    """`gC/m2/day`, `gC m^-2 d**-1` as `gC m-2 day-1`."""
    numerator, *denominators = units.strip().replace("**", "").replace("^", "").split("/")
    tokens = numerator.split()
    for part in denominators:
        symbol, *others = part.split()
        exponent = re.search(r"\d+$", symbol)
        tokens += [f"{symbol[: exponent.start()]}-{exponent[0]}" if exponent else f"{symbol}-1", *others]
    return " ".join(tokens)


def _spelled(units: str) -> str:
    """Other spellings of units that the table has."""
    return _SPELLINGS.get(_plain(units), units)


_SPELLINGS = {
    "mm h-1": "mm h-1", "mm hr-1": "mm h-1", "mm d-1": "mm day-1", "kg m-2 s-1": "kg m-2 s-1", "mm s-1": "mm s-1",
    "W m-2": "W m-2", "m s-1": "m s-1", "Kelvin": "K", "C": "degC", "deg C": "degC", "oC": "degC",
    "umol mol-1": "ppm", "nmol mol-1": "ppb", "mbar": "hPa", "millibars": "hPa", "m2 m-2": "m2 m-2", "-": "1",
    "fraction": "1", "unitless": "1", "none": "1",
}  # fmt: skip
