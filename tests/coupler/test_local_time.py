"""Hosts that run in UTC: the day of each cell is that of its own clock."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from coupler import Cells, EcostepError, Model
from tests.coupler import artefacts

DT = 3600
STEPS_A_DAY = 86400 // DT
START = np.datetime64("2003-12-28")
DAYS = 7  # of the host, over a New Year
LONGITUDES = np.array([-180.0, -97.3, -7.6, 0.0, 8.0, 139.7, 179.0, 350.0])
SHIFT = np.array([-12, -6, -1, 0, 1, 9, 12, -1])
"""Hours that mean solar time is ahead of UTC: 15 degrees an hour, in whole steps, halves to the lower one."""


class Land:
    """A host of some cells with hourly forcing that differs from hour to hour, by the host's clock."""

    def __init__(self, path: Path, place: np.ndarray) -> None:
        self.place, self.model = place, Model(path)
        n = len(place)
        self.forcing = [np.zeros(n) for _ in self.model.inputs]
        self.flux = {target.name: np.full(n, -999.0) for target in self.model.targets}
        self.statics = artefacts.sample_statics(len(LONGITUDES))[place].T.astype(float)
        self.cells = self.start()

    def start(self) -> Cells:
        cells = self.model.cells(len(self.place))
        for entry, values in zip(self.model.inputs, self.forcing, strict=True):
            cells.set_input(entry.name, values, entry.units)
        self.statics = np.ascontiguousarray(self.statics)
        for entry, values in zip(self.model.statics, self.statics, strict=True):
            cells.set_static(entry.name, values, entry.units)
        for entry in self.model.targets:
            cells.set_output(entry.name, self.flux[entry.name], entry.units)
        cells.init_state()
        return cells

    def step(self, hour: int, clock: np.datetime64, hour_of_day: int) -> np.ndarray:
        """The step of the `hour` of the run, by a clock -> fluxes (N, C)."""
        weather = artefacts.sample_inputs(len(LONGITUDES), 1, seed=1000 + hour)[0]
        for values, of_all in zip(self.forcing, weather.T, strict=True):
            values[:] = of_all[self.place]
        year, month, day = (int(part) for part in str(clock).split("-"))
        self.cells.step(year, month, day, hour_of_day * DT, DT)
        return np.stack(list(self.flux.values()), axis=1)

    def step_by_host(self, hour: int) -> np.ndarray:
        return self.step(hour, START + hour // STEPS_A_DAY, hour % STEPS_A_DAY)


def run_alone(path: Path, cell: int, shift: int) -> np.ndarray:
    """Fluxes (hours, C) of one cell whose host has the local clock and begins at its first midnight; 0 before."""
    land = Land(path, np.array([cell]))
    first = -shift % STEPS_A_DAY
    fluxes = np.zeros((DAYS * STEPS_A_DAY, len(land.flux)))
    for hour in range(first, DAYS * STEPS_A_DAY):
        local = hour + shift
        fluxes[hour] = land.step(hour, START + local // STEPS_A_DAY, local % STEPS_A_DAY)
    return fluxes


def test_each_cell_has_the_days_of_its_own_clock(any_file: Path) -> None:
    place = np.arange(len(LONGITUDES))
    land = Land(any_file, place)
    land.cells.set_local_time(LONGITUDES, "degrees_east")
    fluxes = np.array([land.step_by_host(hour).copy() for hour in range(DAYS * STEPS_A_DAY)])
    for cell, shift in enumerate(SHIFT):
        np.testing.assert_array_equal(fluxes[:, cell], run_alone(any_file, cell, int(shift)))
    assert (fluxes[0] == 0).all() and (fluxes[-1] != 0).all()


def test_offsets_in_hours_are_those_of_longitudes_and_a_restart_goes_on(stub_file: Path) -> None:
    place = np.arange(len(LONGITUDES))
    by_longitude, by_hours = Land(stub_file, place), Land(stub_file, place)
    by_longitude.cells.set_local_time(LONGITUDES, "degrees_east")
    with pytest.raises(EcostepError, match="K"):  # and what was registered stays, 350 E among it
        by_longitude.cells.set_local_time(SHIFT.astype(float), "K")
    by_hours.cells.set_local_time(SHIFT.astype(np.float32), "h")
    active = np.ones(len(place), bool)
    for hour in range(60):
        expected = by_longitude.step_by_host(hour)
        np.testing.assert_array_equal(by_hours.step_by_host(hour), expected)
        if hour == 30:  # in the middle of everybody's day
            state = by_hours.cells.state.copy()
            by_hours.cells = by_hours.start()
            by_hours.cells.set_local_time(SHIFT.astype(float), "h")
            by_hours.cells.set_mask(active)
            by_hours.cells.state = state
            for values in by_hours.flux.values():
                values[:] = -999.0
            by_hours.cells.write_outputs()
            np.testing.assert_array_equal(np.stack(list(by_hours.flux.values()), axis=1), expected)
    np.testing.assert_array_equal(by_hours.cells.state, by_longitude.cells.state)


def test_a_run_may_begin_at_any_hour_and_waits_for_midnight(any_file: Path) -> None:
    land, whole = Land(any_file, np.arange(3)), Land(any_file, np.arange(3))
    for hour in range(18, 72):
        flux = land.step_by_host(hour)
        if hour < 24:
            assert (flux == 0).all()
        else:
            np.testing.assert_array_equal(flux, whole.step_by_host(hour))
    np.testing.assert_array_equal(land.cells.state, whole.cells.state)


def test_a_step_left_out_while_cells_wait_is_told(stub_file: Path) -> None:
    land = Land(stub_file, np.arange(3))
    land.step_by_host(18)
    with pytest.raises(EcostepError, match="it starts 72000 s after .* but the state of cell 1 has come to 68400 s"):
        land.step_by_host(20)


@pytest.mark.parametrize(
    ("offset", "units", "expected"),
    [
        (np.array([0.0, 25.0, 0.0]), "h", "the local time of cell 2 .* is 90000 s from the host's"),
        (np.array([0.0, np.nan, 0.0]), "degrees_east", "the local time of cell 2"),
        (np.array([0.0, 8.0, -190.0]), "degrees_east", "cell 3 .* longitude -190, expected -180 to 360"),
        (np.zeros(3), "K", "K"),
        (np.zeros(2), "h", "the local time has 2 values for 3 cells"),
    ],
)
def test_offsets_that_are_no_local_time(stub_file: Path, offset: np.ndarray, units: str, expected: str) -> None:
    land = Land(stub_file, np.arange(3))
    state = land.cells.state.copy()

    def step() -> None:
        land.cells.set_local_time(offset, units)
        land.step_by_host(0)

    with pytest.raises(EcostepError, match=expected):
        step()
    np.testing.assert_array_equal(land.cells.state, state)


def test_a_bad_value_of_one_clock_leaves_all_cells_as_they_were(stub_file: Path) -> None:
    land = Land(stub_file, np.arange(len(LONGITUDES)))
    land.cells.set_local_time(LONGITUDES, "degrees_east")
    for hour in range(26):
        land.step_by_host(hour)
    state = land.cells.state.copy()
    for cell in range(len(LONGITUDES)):
        temperature = land.forcing[0].copy()
        land.forcing[0][cell] = np.nan
        with pytest.raises(EcostepError, match=f"NaN in cell {cell + 1}"):
            land.cells.step(2003, 12, 29, 2 * DT, DT)
        land.forcing[0][:] = temperature
        np.testing.assert_array_equal(land.cells.state, state)


@pytest.mark.parametrize("name", ["NO_LEAP", "noleap", "365day", "GREGORIAN", "360DAY", "proleptic_gregorian"])
def test_calendars_as_hosts_spell_them(stub_file: Path, name: str) -> None:
    Model(stub_file).cells(1, calendar=name)


def test_a_value_that_is_refused_leaves_all_cells_untouched_on_both_sides_of_the_date_line(any_file: Path) -> None:
    land = Land(any_file, np.arange(len(LONGITUDES)))
    land.cells.set_local_time(LONGITUDES, "degrees_east")
    for hour in range(35):
        land.step_by_host(hour)
    before = land.cells.state.copy()
    land.forcing[0][6] = np.nan  # 179 E, which completes its day as 180 W completes another
    with pytest.raises(EcostepError, match="NaN in cell 7 of 8"):
        land.cells.step(2003, 12, 29, 11 * DT, DT)
    np.testing.assert_array_equal(land.cells.state, before)
    land.step_by_host(35)


def test_a_network_that_fails_on_one_side_of_the_date_line_leaves_the_other_side_as_it_was(stub_file: Path) -> None:
    land = Land(stub_file, np.arange(len(LONGITUDES)))
    land.cells.set_local_time(LONGITUDES, "degrees_east")
    for hour in range(35):
        land.step_by_host(hour)
    land.cells.state[6, 0] = np.nan  # 179 E
    state, flux = land.cells.state.copy(), {name: values.copy() for name, values in land.flux.items()}
    with pytest.raises(EcostepError, match="in cell 7 of 8"):
        land.step_by_host(35)
    np.testing.assert_array_equal(land.cells.state, state)
    for name, values in land.flux.items():
        np.testing.assert_array_equal(values, flux[name])
