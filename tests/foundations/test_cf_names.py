"""Calendars and names of sites are compared by what they mean; impossible fluxes are told."""

import numpy as np
import pytest

from foundations.cf_calendar import calendar_of, is_mixed, same_calendar
from foundations.flux_range import impossible_flux
from foundations.site_names import repeated_name, site_names
from foundations.variables import VARIABLES, Variable


def test_calendars_by_meaning() -> None:
    assert calendar_of("Gregorian") == "standard" and calendar_of("365_day") == calendar_of("noleap") == "noleap"
    assert same_calendar("gregorian", "proleptic_gregorian") and not same_calendar("noleap", "standard")
    assert is_mixed("gregorian", (1582, 10, 14)) and not is_mixed("gregorian", (1582, 10, 15))
    assert not is_mixed("proleptic_gregorian", (1500, 2, 28)) and not is_mixed("noleap", (1, 1, 1))
    for name in ("none", "", "tropical"):
        with pytest.raises(ValueError, match="is not known"):
            calendar_of(name)


def test_names_in_every_form() -> None:
    characters = np.array([[b"A", b"b", b""], [b"\xc3", b"\xa4", b" "]], "S1")
    assert site_names(characters) == ["Ab", "ä"]
    assert site_names(np.ma.masked_equal(characters, b"b")) == ["A", "ä"]
    assert site_names(np.array(["Ab", "ä\0"], object)) == site_names(np.array(["Ab", "ä"])) == ["Ab", "ä"]
    assert site_names(np.array([7, 8])) == ["7", "8"]
    assert repeated_name(["A", "B", "A"]) == "A" and repeated_name(["A", ""]) == "" and repeated_name(["A"]) is None


@pytest.mark.parametrize("value", [-9999.0, 9999.0, 1e20, np.inf])
def test_impossible_fluxes(value: float) -> None:
    series = np.full((3, 2), np.nan)
    series[0] = 20.0
    assert impossible_flux(VARIABLES["fch4"], series, "mg m-2 day-1") is None
    series[2, 1] = value
    fault = impossible_flux(VARIABLES["fch4"], series, "mg m-2 day-1")
    assert fault is not None and fault.place == (2, 1) and fault.count == 1
    assert f"is {value:g} mg m-2 day-1" in fault.text
    assert impossible_flux(Variable("flux", "1", "target", "a flux of another model"), series, "1") is not None
