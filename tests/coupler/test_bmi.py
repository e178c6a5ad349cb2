"""The BMI component, driven as a framework does that knows nothing but bmipy, against the direct calls, bit for bit."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.coupler import artefacts

bmipy = pytest.importorskip("bmipy", reason="the package bmipy is not installed; pip install 'ecostep[bmi]'")

from coupler import EcostepError, Model  # noqa: E402
from coupler.bmi import EcostepBmi  # noqa: E402
from coupler.bmi.names import CSDMS_NAMES, STATE, TIME  # noqa: E402

NCELL, DT = 5, 21600
START = np.datetime64("2003-12-30")
LISTED = ("land_surface_air__temperature", "atmosphere_water__precipitation_mass_flux", "co2")


@pytest.fixture
def configuration(tmp_path: Path) -> Callable[..., str]:
    """Write a configuration file for an artefact."""

    def write(artefact: Path, **changes: object) -> str:
        columns = artefacts.sample_statics(NCELL).T.astype(float).tolist()
        statics = {entry["name"]: column for entry, column in zip(artefacts.STATICS, columns, strict=True)}
        keys = {
            "artefact": str(artefact),
            "start": str(START),
            "ncell": NCELL,
            "time_step": DT,
            "statics": statics,
        } | changes
        lines = [f"{key}: {value}" for key, value in keys.items() if value is not None]
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.yaml"
        path.write_text("\n".join(lines) + "\n")
        return str(path)

    return write


def component(path: str) -> EcostepBmi:
    emulator = EcostepBmi()
    emulator.initialize(path)
    return emulator


def drivers(step: int) -> dict[str, np.ndarray]:
    """Drivers of a step by the artefact's names; tasmin and tasmax are the temperature of the step."""
    values = artefacts.sample_inputs(NCELL, 1, seed=step)[0].astype(float)
    named = {entry["name"]: values[:, i] for i, entry in enumerate(artefacts.INPUTS)}
    return named | {"tasmin": named["tas"], "tasmax": named["tas"]}


def drive(model: bmipy.Bmi, first: int, last: int) -> np.ndarray:
    """Steps as a framework takes them -> fluxes (T, C, N)."""
    fluxes = []
    artefact_name = {CSDMS_NAMES.get(name, name): name for name in drivers(0)}
    for step in range(first, last):
        values = drivers(step)
        for name in model.get_input_var_names():
            model.set_value(name, values[artefact_name[name]])
        model.update()
        fluxes.append([model.get_value(name, np.empty(NCELL)).copy() for name in model.get_output_var_names()])
    return np.array(fluxes)


def direct(artefact: Path, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """The same by the library's own calls -> fluxes (T, C, N) and state (N, S)."""
    model = Model(artefact)
    cells = model.cells(NCELL)
    forcing = {entry.name: np.zeros(NCELL) for entry in model.inputs}
    fluxes = [np.zeros(NCELL) for _ in model.targets]
    statics = artefacts.sample_statics(NCELL)
    for entry in model.inputs:
        cells.set_input(entry.name, forcing[entry.name], entry.units)
    for i, entry in enumerate(model.statics):
        cells.set_static(entry.name, np.ascontiguousarray(statics[:, i]), entry.units)
    for entry, values in zip(model.targets, fluxes, strict=True):
        cells.set_output(entry.name, values, entry.units)
    cells.init_state()
    results = []
    for step in range(steps):
        for name, values in drivers(step).items():
            forcing[name][:] = values
        year, month, day = (int(part) for part in str(START + step * DT // 86400).split("-"))
        cells.step(year, month, day, step * DT % 86400, DT)
        results.append([values.copy() for values in fluxes])
    return np.array(results), cells.state.copy()


def test_it_is_a_bmi_with_standard_names_and_units(stub_file: Path, configuration: Callable[..., str]) -> None:
    assert issubclass(EcostepBmi, bmipy.Bmi)
    model = component(configuration(stub_file, end="2004-01-02"))
    names = model.get_input_var_names()
    assert model.get_component_name() == "ecostep" and model.get_input_item_count() == len(names) == 4
    assert set(LISTED) <= set(names) and "tasmin" not in names
    assert model.get_output_var_names() == ("gpp", "fch4") and model.get_output_item_count() == 2
    assert model.get_var_units("land_surface_air__temperature") == model.get_var_units("tas") == "K"
    assert (model.get_var_type("gpp"), model.get_var_itemsize("gpp"), model.get_var_nbytes("gpp")) == (
        "float64",
        8,
        8 * NCELL,
    )
    assert model.get_var_location("gpp") == "node"
    assert (model.get_start_time(), model.get_end_time(), model.get_time_step()) == (0.0, 3 * 86400.0, DT)
    assert model.get_time_units() == "s"
    grid = model.get_var_grid("gpp")
    assert (model.get_grid_type(grid), model.get_grid_rank(grid), model.get_grid_size(grid)) == ("points", 1, NCELL)
    assert model.get_grid_shape(grid, np.empty(1, int)).tolist() == [NCELL] and model.get_grid_node_count(grid) == NCELL
    np.testing.assert_array_equal(model.get_grid_y(grid, np.empty(NCELL)), artefacts.sample_statics(NCELL)[:, 0])
    state = model.get_var_grid("ecostep__state")
    assert model.get_grid_type(state) == "vector" and model.get_var_type("ecostep__state") == "float32"
    assert model.get_var_nbytes("ecostep__state") == 4 * model.get_grid_size(state)
    with pytest.raises(NotImplementedError):
        model.get_grid_x(grid, np.empty(NCELL))  # this artefact has no longitude


def test_fortran_has_the_same_names(project_root: Path) -> None:
    source = (project_root / "coupler" / "bmi" / "ecostep_bmi.f90").read_text().replace("&\n", "")
    lists = re.findall(r"(?:artefact|csdms)_names\(\*\) = \[([^\]]*)\]", source)
    artefact, csdms = (re.findall(r"'([^']*)'", text) for text in lists)
    assert dict(zip(artefact, csdms, strict=True)) == CSDMS_NAMES
    assert f"state_name = '{STATE}', time_name = '{TIME}'" in source


def test_steps_are_those_of_the_library(any_file: Path, configuration: Callable[..., str]) -> None:
    model = component(configuration(any_file))
    fluxes, state = direct(any_file, 14)
    np.testing.assert_array_equal(drive(model, 0, 14), fluxes)
    np.testing.assert_array_equal(model.get_value_ptr("ecostep__state"), state.ravel())
    assert np.ptp(fluxes[-1], axis=1).min() > 0 and model.get_current_time() == 14 * DT


def test_state_and_time_restart_a_run(any_file: Path, configuration: Callable[..., str]) -> None:
    whole = drive(component(configuration(any_file)), 0, 14)
    stopped = component(configuration(any_file))
    drive(stopped, 0, 6)  # noon of the second day
    saved = {name: stopped.get_value_ptr(name).copy() for name in ("ecostep__state", "ecostep__time")}
    stopped.finalize()
    resumed = component(configuration(any_file, statics=None))
    for name, values in saved.items():
        resumed.set_value(name, values)
    assert resumed.get_current_time() == 6 * DT
    np.testing.assert_array_equal(drive(resumed, 6, 14), whole[6:])


def test_pointers_are_what_the_emulator_reads_and_writes(stub_file: Path, configuration: Callable[..., str]) -> None:
    model = component(configuration(stub_file))
    inputs = {name: model.get_value_ptr(name) for name in ("tas", "pr", "rsds", "co2")}
    flux = model.get_value_ptr("gpp")
    for step in range(4):
        for name, array in inputs.items():
            array[:] = drivers(step)[name]
        model.update()
    np.testing.assert_array_equal(flux, direct(stub_file, 4)[0][-1, 0])
    selected = model.get_value_at_indices("gpp", np.empty(2), np.array([3, 1]))
    np.testing.assert_array_equal(selected, flux[[3, 1]])


def test_update_until_takes_whole_steps(stub_file: Path, configuration: Callable[..., str]) -> None:
    model = component(configuration(stub_file))
    for name, values in drivers(0).items():
        if name not in ("tasmin", "tasmax"):
            model.set_value(name, values)
    model.update_until(3.0 * DT)
    assert model.get_current_time() == 3 * DT
    for time in (3.5 * DT, 2.0 * DT):
        with pytest.raises(ValueError, match="no whole number of steps"):
            model.update_until(time)
    assert model.get_current_time() == 3 * DT


def test_site_attributes_may_be_set_before_the_first_step_only(
    stub_file: Path, configuration: Callable[..., str]
) -> None:
    model = component(configuration(stub_file, statics=None))
    with pytest.raises(EcostepError, match="static 'lat' is NaN"):
        drive(model, 0, 1)
    for i, entry in enumerate(artefacts.STATICS):
        model.set_value(entry["name"], artefacts.sample_statics(NCELL)[:, i])
    np.testing.assert_array_equal(drive(model, 0, 4), direct(stub_file, 4)[0])
    with pytest.raises(ValueError, match="'land_surface__latitude' is read when a run starts"):
        model.set_value("land_surface__latitude", np.zeros(NCELL))


def test_a_driver_that_was_never_set_is_named(stub_file: Path, configuration: Callable[..., str]) -> None:
    model = component(configuration(stub_file))
    with pytest.raises(EcostepError, match="input 'tas' is NaN in cell 1"):
        model.update()
    assert model.get_current_time() == 0.0


def test_calendars_of_the_framework(stub_file: Path, configuration: Callable[..., str]) -> None:
    model = component(
        configuration(stub_file, calendar="360_day", start="2001-02-29", time_step=86400, end="2001-03-02")
    )
    assert model.get_end_time() == 3 * 86400.0
    assert "tasmin" in model.get_input_var_names()  # with steps of a day it is a driver of its own
    for name in ("tas", "tasmin", "tasmax", "pr", "rsds", "co2"):
        model.set_value(name, drivers(0)[name])
    model.update_until(model.get_end_time())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "red"}, "unknown key 'colour'"),
        ({"start": None}, "the key 'start' is missing"),
        ({"start": "2001-02-29"}, "is not a date of the calendar standard"),
        ({"calendar": "julian"}, "calendar 'julian'"),
        ({"time_step": 7}, "time_step 7 is not a number of seconds that divides the day"),
        ({"statics": {"slope": 1.0}}, "the artefact has no static 'slope'"),
    ],
)
def test_a_wrong_configuration_says_what(
    stub_file: Path, configuration: Callable[..., str], changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        component(configuration(stub_file, **changes))


def test_an_unknown_variable_lists_those_there_are(stub_file: Path, configuration: Callable[..., str]) -> None:
    model = component(configuration(stub_file))
    with pytest.raises(KeyError, match="land_surface_air__temperature"):
        model.get_var_units("rain")
    with pytest.raises(RuntimeError, match="not initialised"):
        EcostepBmi().update()


def test_values_that_do_not_fit_are_refused(stub_file: Path, configuration: Callable[..., str]) -> None:
    model = component(configuration(stub_file))
    two, full = np.array([0, 1]), np.zeros(NCELL)
    refused: list[tuple[type[Exception], Callable[[], object]]] = [
        (ValueError, lambda: model.set_value("co2", np.array([400.0]))),
        (ValueError, lambda: model.set_value("co2", np.zeros(NCELL + 1))),
        (TypeError, lambda: model.set_value("co2", np.ma.array(full))),
        (TypeError, lambda: model.set_value("co2", full.astype(complex))),
        (ValueError, lambda: model.set_value_at_indices("co2", two, np.array([400.0]))),
        (IndexError, lambda: model.set_value_at_indices("co2", np.array([-1]), np.array([400.0]))),
        (IndexError, lambda: model.get_value_at_indices("co2", np.zeros(1), np.array([NCELL]))),
        (TypeError, lambda: model.get_value_at_indices("co2", np.zeros(2), np.array([0.0, 1.0]))),
        (ValueError, lambda: model.get_value("co2", np.zeros(NCELL - 1))),
        (ValueError, lambda: model.get_value("co2", np.zeros((2, NCELL)))),
        (TypeError, lambda: model.get_value("co2", np.zeros(NCELL, int))),
        (ValueError, lambda: model.get_value_at_indices("co2", np.zeros(3), two)),
        (ValueError, lambda: model.get_grid_y(0, np.zeros((2, NCELL)))),
        (ValueError, lambda: model.get_grid_shape(0, np.zeros(2, int))),
    ]
    for error, call in refused:
        with pytest.raises(error):
            call()
    assert np.isnan(model.get_value("co2", full)).all()


def test_calls_before_and_after_the_run_say_so(stub_file: Path, configuration: Callable[..., str]) -> None:
    finalised, failed = component(configuration(stub_file)), EcostepBmi()
    finalised.finalize()
    with pytest.raises(ValueError, match="no static"):
        failed.initialize(configuration(stub_file, statics={"nothing": 1.0}))
    for model in (EcostepBmi(), finalised, failed):
        for call in (
            model.update,
            model.get_current_time,
            model.get_start_time,
            model.get_end_time,
            model.get_time_units,
            model.get_time_step,
            model.get_input_var_names,
            lambda model=model: model.update_until(86400.0),
            lambda model=model: model.get_grid_size(0),
            lambda model=model: model.get_value("co2", np.zeros(NCELL)),
        ):
            with pytest.raises(RuntimeError, match="not initialised"):
                call()


def test_a_run_stops_at_its_end(stub_file: Path, configuration: Callable[..., str]) -> None:
    model = component(configuration(stub_file, end="2003-12-31"))
    drive(model, 0, 86400 // DT)
    with pytest.raises(ValueError, match="the run ends at 86400 s"):
        model.update()
    with pytest.raises(ValueError, match="after the end of the run"):
        model.update_until(86400.0 + DT)
    for time in (np.nan, np.inf):
        with pytest.raises(ValueError, match="no whole number of steps"):
            model.update_until(time)


def test_a_framework_may_have_humidity_and_components_of_wind_and_run_in_utc(
    tmp_path: Path, configuration: Callable[..., str]
) -> None:
    inputs = [
        {"name": "tas", "units": "K", "accumulate": "mean", "valid_min": 170.0, "valid_max": 350.0},
        {"name": "vpd", "units": "Pa", "accumulate": "mean", "valid_min": 0.0, "valid_max": 15000.0},
        {"name": "sfcWind", "units": "m s-1", "accumulate": "mean", "valid_min": 0.0, "valid_max": 100.0},
    ]
    stub = {"bias": [0.0, 0.0], "weights": [[0.0, 0.0, 2.0], [0.0, 1.0, 0.0]], "decay": [0.0, 0.0]}
    artefact = artefacts.write_stub(tmp_path / "m.pt", inputs=artefacts.variables(inputs, "fast"), stub=stub)
    sources = "[huss, ps, uas, vas]"
    model = component(configuration(artefact, sources=sources, longitude=180.0))
    assert model.get_input_var_names() == (
        "land_surface_air__temperature",
        "atmosphere_air_water~vapor__relative_saturation",
        "land_surface_air__pressure",
        "land_surface_wind__x_component_of_velocity",
        "land_surface_wind__y_component_of_velocity",
    )
    for step in range(7):  # the first local day ends at noon of the second day
        by_name = {"tas": 290.0, "huss": 0.005, "ps": 1e5, "uas": 3.0 + step, "vas": 4.0}
        for name, value in by_name.items():
            model.set_value(name, np.full(NCELL, value))
        model.update()
        wind = model.get_value("gpp", np.empty(NCELL))[0]
        assert wind == (0.0 if step < 5 else np.float32(2 * np.mean([np.hypot(3.0 + k, 4.0) for k in range(2, 6)])))
    assert 1000.0 < model.get_value("fch4", np.empty(NCELL))[0] < 1500.0
    with pytest.raises(ValueError, match="source 'rain' is not one of tas, hurs, huss"):
        component(configuration(artefact, sources="[rain]"))


def test_temperature_that_only_a_deficit_is_made_of_may_be_a_source(
    tmp_path: Path, configuration: Callable[..., str]
) -> None:
    inputs = [{"name": "vpd", "units": "Pa", "accumulate": "mean", "valid_min": 0.0, "valid_max": 15000.0}]
    stub = {"bias": [0.0, 0.0], "weights": [[1.0], [1.0]], "decay": [0.0, 0.0]}
    artefact = artefacts.write_stub(tmp_path / "m.pt", inputs=artefacts.variables(inputs, "fast"), stub=stub)
    model = component(configuration(artefact, sources="[tas, hurs]"))
    assert model.get_input_var_names() == ("land_surface_air__temperature", "hurs")
    for name, value in (("tas", 293.15), ("hurs", 50.0)):
        model.set_value(name, np.full(NCELL, value))
    model.update_until(86400.0)
    assert model.get_value("gpp", np.empty(NCELL))[0] == pytest.approx(
        1169.0, abs=1.0
    )  # Murray 1967: 2338 Pa at 20 degC


@pytest.mark.parametrize(("line", "told"), [("sources: huss", "sources: 'huss' is not a list"), ("statics: 5", "5 is")])
def test_a_configuration_with_values_of_another_kind_is_told_by_its_name(tmp_path: Path, line: str, told: str) -> None:
    path = tmp_path / "bmi.yaml"
    path.write_text(f"artefact: model.pt\nstart: 2001-01-01\n{line}\n")
    with pytest.raises(ValueError, match=f"{path}: .*{told}"):
        EcostepBmi().initialize(str(path))
