"""Python, C++ and Fortran accept the same spellings of units and convert by the same numbers, to the last bit."""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

import coupler
from foundations.units import UnitError, unit_conversion
from foundations.units.tables import CHARACTERS, PREFIXES, QUANTITIES, SUBSTANCES, SYMBOLS
from foundations.variables import VARIABLES

Pair = tuple[str, str, str, float]
"""Variable, unit, unit wanted, interval in s."""
Result = tuple[float, float] | str

# What land models, reanalyses and towers write: variable -> units that are converted to the table's.
COMMON = {
    "tas": (
        "K", "Kelvin", "kelvin", "degK", "C", "degC", "deg C", "degrees_C", "degrees C", "celsius", "Celsius", "°C",
        "℃", "oC",
    ),
    "pr": (
        "mm/day", "mm d-1", "mm day-1", "mm per day", "mm s-1", "mm/s", "mm h-1", "mm/hr", "m s**-1", "m/s",
        "kg m**-2 s**-1", "kg/m2/s", "kg m^-2 s^-1", "kg m^{-2} s^{-1}", "kg/(m2 s)", "kg m⁻² s⁻¹", "mm H2O/s",
        "mmH2O day-1", "kg H2O m-2 s-1",
    ),
    "evspsbl": ("mmol m-2 s-1", "mmol H2O m-2 s-1", "m of water equivalent s-1", "mm day-1", "kg m**-2 s**-1"),
    "snw": ("m of water equivalent", "mm w.e.", "mm", "m", "kg m**-2", "cm"),
    "mrsos": ("m3 m-3", "m**3 m**-3", "m3/m3", "mm3/mm3", "cm3 cm-3", "mm", "kg/m2", "kg m-2"),
    "ps": ("Pa", "hPa", "kPa", "mb", "mbar", "millibar", "millibars", "bar", "hectopascals", "atm", "mmHg"),
    "rsds": (
        "W/m2", "W m**-2", "W.m-2", "W m{-2}", "J m-2 s-1", "J m-2 day-1", "MJ m-2 d-1", "MJ/m2/day", "kWh m-2 day-1",
    ),
    "sfcWind": ("m s**-1", "m/s", "km/h", "km h-1", "knots", "mph"),
    "co2": (
        "ppm", "ppmv", "umol mol-1", "µmol mol-1", "umol/mol", "mol mol-1", "mol/mol", "1", "umolCO2 mol-1", "ppb",
    ),
    "ch4": ("ppb", "ppbv", "nmol mol-1", "ppm", "mol mol-1", "nmolCH4 mol-1", "1e-6"),
    "sand": (
        "%", "percent", "1", "-", "~", "none", "unitless", "fraction", "dimensionless", "kg/kg", "g kg-1", "(0 - 1)",
    ),
    "lai": ("m2 m-2", "m**2 m**-2", "m2/m2", "1", "-", "unitless"),
    "wtd": ("m", "cm", "mm", "km", "ft"),
    "lat": ("degrees_north", "degree_north", "degrees", "deg", "radians", "°"),
    "gpp": (
        "gC/m2/day", "gC m-2 d-1", "g C m-2 day-1", "gC m**-2 day**-1", "kgC m-2 s-1", "kg C m-2 s-1", "umol m-2 s-1",
        "umolCO2 m-2 s-1", "µmol CO2 m-2 s-1", "micromoles m-2 s-1", "mol m-2 day-1", "g CO2 m-2 day-1",
        "tC ha-1 yr-1", "Mg C ha-1 year-1", "kg m-2 s-1", "g m-2 d-1", "gC/m^2/s",
    ),
    "fch4": (
        "nmol m-2 s-1", "nmolCH4 m-2 s-1", "mg m-2 d-1", "mg CH4 m-2 day-1", "mgC m-2 h-1", "mg CH4-C m-2 day-1",
        "ug/m2/s", "kg m**-2 s**-1",
    ),
    "fn2o": ("kg N ha-1 day-1", "ug N2O-N m-2 h-1", "nmol m-2 s-1", "mg N2O m-2 day-1"),
    "": (
        "furlong", "kg", "", "  ", "m-", "Pa/", "1.2.3 m", "m^25", "(m", "m)", "((m))", "()", "m (", "* m", "kg ⁻",
        "1e400", "0", "g(CH4)",
    ),
}  # fmt: skip
PIECES = (
    *SYMBOLS, *(prefix for prefix, *_ in PREFIXES), *(spelling for spelling, _ in SUBSTANCES), *CHARACTERS,
    *("m-2", "s-1", "m2", "day-1", "^-2", "**", "{-1}", "(", ")", "/", "*", ".", " ", "-", "2", "1e-6", "0.5", "per"),
    *("s", "€"),
)  # fmt: skip


def pairs() -> list[Pair]:
    """A few hundred usual spellings, every symbol, amounts of records, and texts that no one writes."""
    result: list[Pair] = []
    for name, spellings in COMMON.items():
        units = VARIABLES[name].units if name else "m"
        result += [(name, spelling, units, 0.0) for spelling in spellings]
        result += [(name, units, spelling, 0.0) for spelling in spellings]
    result += [
        (variable, "m", units, interval)
        for variable, units, interval in product(("pr", "Rainf"), ("mm", "kg m-2 s-1"), (0.0, 3600.0, 86400.0))
    ]
    result += [("rsds", "J m**-2", "W m-2", 3600.0), ("SWdown", "MJ m-2", "W m-2", 86400.0), ("tas", "K s", "K", 60.0)]
    forms = (
        "gC m-2 day-1",
        "g CO2 m-2 day-1",
        "umol CO2 m-2 s-1",
        "kg m-2 s-1",
        "umol m-2 s-1",
        "mg N m-2 h-1",
        "mm s-1",
    )
    result += [(name, *both, 0.0) for name in ("of_another_model", "gpp", "pr") for both in product(forms, forms)]
    result += [("", symbol, other, 0.0) for symbol in SYMBOLS for other in ("K", "kg", "m", "Pa", "s", "1", "mol", "J")]
    draw = random.Random(11)
    for _ in range(3000):
        texts = ["".join(draw.choices(PIECES, k=draw.randint(1, 4))) for _ in range(2)]
        texts[draw.randint(0, 1)] = draw.choice(["1", "m", "kg m-2 s-1", texts[0], draw.choice(PIECES)])
        result.append((draw.choice([*QUANTITIES, "of_another_model", "", ""]), *texts, draw.choice([0.0, 60.0])))
    return result


def by_python(pair: Pair) -> Result:
    variable, source, target, interval = pair
    try:
        return unit_conversion(source, target, variable, interval)
    except UnitError as error:
        return str(error)


def by_cpp(pair: Pair) -> Result:
    variable, source, target, interval = pair
    try:
        return coupler.unit_conversion(variable, source, target, interval)
    except coupler.EcostepError as error:
        return str(error).removeprefix(f"variable '{variable}': ")


def test_python_and_cpp_convert_alike_and_refuse_with_the_same_words() -> None:
    for pair in pairs():
        assert by_python(pair) == by_cpp(pair), pair


@pytest.mark.parametrize("name", [name for name in COMMON if name])
def test_common_spellings_are_converted(name: str) -> None:
    for spelling in COMMON[name]:
        factor, _ = unit_conversion(spelling, VARIABLES[name].units, name)
        assert factor > 0


def test_fortran_converts_as_python_does(tmp_path: Path) -> None:
    compiler, prefix = shutil.which("gfortran"), Path(sys.prefix)
    if compiler is None or not (prefix / "include" / "ecostep" / "ecostep.mod").is_file():
        pytest.skip("no gfortran, or the Fortran module is not installed: bash scripts/setup.sh")
    program = tmp_path / "unit_conversions"
    libraries = [f"-L{prefix / 'lib'}", f"-Wl,-rpath,{prefix / 'lib'}", "-lecostep_fortran", "-lecostep"]
    source = Path(__file__).with_name("unit_conversions.f90")
    include = f"-I{prefix / 'include' / 'ecostep'}"
    subprocess.run([compiler, include, str(source), "-o", str(program), *libraries], check=True, cwd=tmp_path)
    trimmed = [pair for pair in pairs() if not any(text.endswith(" ") for text in pair[:3])]
    lines = "".join(f"{interval}\n{variable}\n{a}\n{b}\n" for variable, a, b, interval in trimmed)
    done = subprocess.run([program], input=lines.encode(), capture_output=True, check=True)
    results = [line.split() for line in done.stdout.decode().splitlines()]
    assert len(results) == len(trimmed) > 1000
    for pair, (stat, *numbers) in zip(trimmed, results, strict=True):
        expected = by_python(pair)
        if isinstance(expected, str):
            assert stat == "8", pair
        else:
            assert stat == "0" and struct.unpack("2d", struct.pack("2q", *map(int, numbers))) == expected, pair


def test_what_a_mass_is_of_may_be_said_beside_the_unit() -> None:
    carbon, _ = unit_conversion("mg C m-2 h-1", "mg m-2 day-1", "fch4")
    assert unit_conversion("mg m-2 h-1", "mg m-2 day-1", "fch4", of="C") == (carbon, 0.0)
    assert carbon == pytest.approx(24 * 16.043 / 12.011)
    with pytest.raises(UnitError, match="substance 'S' is not one of C, CH4, CO2, H2O, N, N2O"):
        unit_conversion("mg m-2 h-1", "mg m-2 day-1", "fch4", of="S")


def test_another_quantity_is_refused_by_name() -> None:
    for name, units, why in (
        ("tas", "m s-1", "'m s-1' is a speed, 'K' a temperature"),
        ("pr", "W m-2", "'W m-2' is an energy flux, 'kg m-2 s-1' a mass flux"),
        ("co2", "kg kg-1", "a ratio of masses is no mole fraction"),
        ("gpp", "gN m-2 day-1", "they measure different things"),
    ):
        with pytest.raises(UnitError, match=why):
            unit_conversion(units, VARIABLES[name].units, name)
