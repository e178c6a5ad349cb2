"""Time left, as people read it."""

import pytest

from foundations.time_left import duration, time_left


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (99, "99 s"), (100, "2 min"), (5900, "98 min"), (6000, "1.7 h"), (260000, "3 days")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_time_left_is_in_proportion_to_what_is_done() -> None:
    assert time_left(30.0, 10, 40) == "90 s left"
    assert time_left(30.0, 40, 40) == "" == time_left(30.0, 0, 40)
