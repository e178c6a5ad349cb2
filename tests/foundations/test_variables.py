"""The table of variables and the table of units agree with themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundations.units import unit_conversion
from foundations.variables import SITE_VARIABLES, VARIABLES, Variable, class_meanings, wetland_classes

EVERY = [*VARIABLES.values(), *SITE_VARIABLES.values()]


@pytest.mark.parametrize("variable", EVERY, ids=lambda variable: variable.name)
def test_a_row_is_complete(variable: Variable) -> None:
    assert variable.role in ("static", "slow", "fast", "state", "target")
    assert variable.long_name
    assert variable.units
    assert variable.accumulate in ("mean", "min", "max", "last")
    if variable.role == "target":
        factor, offset = unit_conversion(variable.units, variable.analysis_units, variable.name)
        assert factor > 0
        assert offset == 0


@pytest.mark.parametrize("variable", EVERY, ids=lambda variable: variable.name)
def test_ranges_of_days_lie_within_those_of_steps(variable: Variable) -> None:
    for low, high in ((variable.valid_min, variable.valid_max), (variable.daily_min, variable.daily_max)):
        assert low is None or high is None or low < high
    if variable.valid_min is not None and variable.daily_min is not None:
        assert variable.valid_min <= variable.daily_min
    if variable.valid_max is not None and variable.daily_max is not None:
        assert variable.daily_max <= variable.valid_max


def test_classes_have_one_meaning_each() -> None:
    biomes = class_meanings("biome")
    assert len(set(biomes.values())) == len(biomes)
    assert VARIABLES["biome"].flag_values == tuple(biomes)
    assert {biomes[value] for value in wetland_classes()} >= {"bog", "fen"}
    assert class_meanings("tas") == {}


@given(st.floats(-60.0, 60.0))
def test_celsius_to_kelvin_and_back(celsius: float) -> None:
    factor, offset = unit_conversion("degC", "K")
    kelvin = factor * celsius + offset
    factor, offset = unit_conversion("K", "degC")
    assert factor * kelvin + offset == pytest.approx(celsius, abs=1e-9)


def test_conversions_of_fluxes_and_pressures() -> None:
    assert unit_conversion("hPa", "Pa") == (100.0, 0.0)
    factor, _ = unit_conversion("kg m-2 s-1", "mg m-2 day-1")
    assert factor == pytest.approx(86400e6)
    with pytest.raises(ValueError, match="cannot convert 'K' to 'Pa': .*is a temperature"):
        unit_conversion("K", "Pa")
