"""Calendars of CF by what they mean: `gregorian` is `standard`, `365_day` is `noleap`."""

_CALENDARS = {
    "standard": "standard",
    "gregorian": "standard",
    "proleptic_gregorian": "proleptic_gregorian",
    "noleap": "noleap",
    "365_day": "noleap",
    "all_leap": "all_leap",
    "366_day": "all_leap",
    "360_day": "360_day",
    "julian": "julian",
}
GREGORIAN_REFORM = (1582, 10, 15)
"""First day on which `standard` has the Gregorian calendar; before, it has the Julian one."""


def calendar_of(name: object) -> str:
    """The one name of a calendar, in any case of letters; ValueError for `none` and for names that CF has not."""
    calendar = _CALENDARS.get(str(name).strip().lower())
    if calendar is None:
        message = f"calendar '{name}' is not known (known: {', '.join(_CALENDARS)})"
        raise ValueError(message)
    return calendar


def is_mixed(calendar: str, day: tuple[int, int, int]) -> bool:
    """Whether a day (year, month, day) is one that the calendar counts as a Julian one, unlike later days."""
    return calendar_of(calendar) == "standard" and day < GREGORIAN_REFORM


def same_calendar(first: object, second: object) -> bool:
    """Whether two names mean one calendar from October 1582 on, where `proleptic_gregorian` and `standard` agree."""
    return _since_reform(first) == _since_reform(second)


def _since_reform(name: object) -> str:
    calendar = calendar_of(name)
    return "standard" if calendar == "proleptic_gregorian" else calendar
