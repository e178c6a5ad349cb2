"""Inputs that a host has not are made of what it has: vapour pressure deficit of humidity, wind of its components."""

from __future__ import annotations

import numpy as np
import pytest

from coupler import Cells, EcostepError, Model
from foundations.air import humidity_from_vapour, saturation_vapour_pressure
from tests.coupler import artefacts

N = 70
INPUTS = [
    {"name": "tas", "units": "K", "accumulate": "mean", "valid_min": 170.0, "valid_max": 350.0},
    {"name": "vpd", "units": "hPa", "accumulate": "mean", "valid_min": 0.0, "valid_max": 150.0},
    {"name": "sfcWind", "units": "m s-1", "accumulate": "max", "valid_min": 0.0, "valid_max": 100.0},
]
STUB = {"bias": [0.5, 0.0], "weights": [[0.0, 0.7, 0.0], [0.001, 0.05, 0.3]], "decay": [0.25, 0.5]}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    path = tmp_path_factory.mktemp("derived") / "stub.pt"
    return Model(artefacts.write_stub(path, inputs=artefacts.variables(INPUTS, "fast"), stub=STUB))


def cells_with(model: Model, inputs: dict[str, tuple[np.ndarray, str]]) -> tuple[Cells, np.ndarray]:
    """Cells with these inputs, and where their fluxes go."""
    cells, flux = model.cells(N), np.zeros((len(model.targets), N))
    for name, (values, units) in inputs.items():
        cells.set_input(name, values, units)
    statics = artefacts.sample_statics(N).T.astype(float)
    for entry, values in zip(model.statics, np.ascontiguousarray(statics), strict=True):
        cells.set_static(entry.name, values, entry.units)
    for entry, values in zip(model.targets, flux, strict=True):
        cells.set_output(entry.name, values, entry.units)
    cells.init_state()
    return cells, flux


class Weather:
    """Air of some cells, in the units that land models have, that changes from step to step."""

    def __init__(self) -> None:
        self.celsius, self.percent, self.pascal = (np.zeros(N) for _ in range(3))
        self.specific, self.dew_point, self.deficit, self.east, self.north, self.speed = (np.zeros(N) for _ in range(6))

    def change(self, step: int) -> None:
        random = np.random.default_rng(step)
        self.celsius[:] = random.uniform(-25.0, 35.0, N)
        self.percent[:] = random.uniform(5.0, 100.0, N)
        self.pascal[:] = random.uniform(60000.0, 103000.0, N)
        saturated = saturation_vapour_pressure(self.celsius)
        vapour = saturated * self.percent / 100.0
        self.specific[:] = humidity_from_vapour(vapour, self.pascal)
        logarithm = np.log(vapour / 610.8)  # over water, as dew points are
        self.dew_point[:] = 237.3 * logarithm / (17.27 - logarithm)
        self.deficit[:] = saturated - vapour
        self.east[:], self.north[:] = random.uniform(-9.0, 9.0, (2, N))
        self.speed[:] = np.hypot(self.east, self.north)

    def humidity(self, kind: str) -> dict[str, tuple[np.ndarray, str]]:
        return {
            "relative": {"hurs": (self.percent, "%")},
            "specific": {"huss": (self.specific, "kg kg-1"), "ps": (self.pascal, "Pa")},
            "dew point": {"tdps": (self.dew_point, "degC")},
        }[kind]


@pytest.mark.parametrize("kind", ["relative", "specific", "dew point"])
def test_fluxes_are_those_of_a_host_that_has_the_inputs(model: Model, kind: str) -> None:
    weather = Weather()
    tas = {"tas": (weather.celsius, "degC")}
    has, flux_of_has = cells_with(model, tas | {"vpd": (weather.deficit, "Pa"), "sfcWind": (weather.speed, "m s-1")})
    wind = {"uas": (weather.east, "m s-1"), "vas": (weather.north, "m s-1")}
    made, flux = cells_with(model, tas | weather.humidity(kind) | wind)
    for step in range(12):
        weather.change(step)
        for cells in (has, made):
            cells.step(2001, 7, 1 + step // 4, step % 4 * 21600, 21600)
        np.testing.assert_allclose(flux, flux_of_has, rtol=1e-5)
    assert np.ptp(flux, axis=1).min() > 0
    np.testing.assert_allclose(made.state, has.state, rtol=1e-5)


def test_an_input_that_the_host_has_goes_first(model: Model) -> None:
    weather = Weather()
    weather.change(1)
    inputs = {"tas": (weather.celsius, "degC"), "sfcWind": (weather.speed, "m s-1"), "vpd": (np.full(N, 3.0), "hPa")}
    direct, flux_of_direct = cells_with(model, inputs)
    both, flux = cells_with(model, inputs | weather.humidity("relative"))
    for cells in (direct, both):
        cells.step(2001, 7, 1)
    np.testing.assert_array_equal(flux, flux_of_direct)


def test_a_spin_up_makes_them_day_by_day(model: Model) -> None:
    weather, days = Weather(), []
    tas, relative = {"tas": (weather.celsius, "degC")}, weather.humidity("relative")
    daily, _ = cells_with(model, tas | relative | {"sfcWind": (weather.speed, "m s-1")})
    past, _ = cells_with(model, {})
    for day in range(1, 6):
        weather.change(day)
        daily.step(2001, 7, day)
        days.append([weather.celsius.copy(), weather.percent.copy(), weather.speed.copy()])
    series = np.array(days).transpose(1, 0, 2)
    past.spin_up(2001, 7, 1, {"tas": (series[0], "degC"), "hurs": (series[1], "%"), "sfcWind": (series[2], "m s-1")})
    np.testing.assert_array_equal(past.state, daily.state)


def test_what_is_missing_is_told_with_what_it_can_be_made_of(model: Model) -> None:
    weather = Weather()
    cells, _ = cells_with(model, {"tas": (weather.celsius, "degC"), "uas": (weather.east, "m s-1")})
    ways = "it can be made of tas and hurs, or of tas and tdps, or of tas, huss and ps"
    with pytest.raises(EcostepError, match=f"input 'vpd' was not registered; {ways}"):
        cells.step(2001, 7, 1)
    with pytest.raises(
        EcostepError,
        match="no input 'rain' .it has: tas vpd sfcWind; others can be made of: tas ps hurs huss tdps uas vas",
    ):
        cells.set_input("rain", weather.east, "mm")


@pytest.mark.parametrize(("value", "says"), [(np.nan, "NaN"), (451.0, "451 %")])
def test_a_bad_humidity_is_named_by_its_cell(model: Model, value: float, says: str) -> None:
    weather = Weather()
    weather.change(1)
    inputs = {"tas": (weather.celsius, "degC"), "sfcWind": (weather.speed, "m s-1")} | weather.humidity("relative")
    cells, _ = cells_with(model, inputs)
    state = cells.state.copy()
    weather.percent[66] = value
    with pytest.raises(EcostepError, match=f"input 'hurs' is {says} in cell 67 of 70"):
        cells.step(2001, 7, 1)
    np.testing.assert_array_equal(cells.state, state)
