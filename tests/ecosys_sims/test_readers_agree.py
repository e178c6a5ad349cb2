"""The program and the Python check read the same values from any forcing file, or both refuse it."""

from pathlib import Path

import netCDF4
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecosys_sims.formats.forcing_check import check_forcing
from ecosys_sims.formats.forcing_variables import FORCING, conversion
from foundations.netcdf_values import numbers
from tests.ecosys_sims.program_case import Case

DAYS = 5
# name -> (units, output of the program, values that files hold, whether the program derives what is missing)
QUANTITIES = {
    "Wind": ("m s-1", "sfcWind", (0.5, 20.0), False), "PSurf": ("Pa", "ps", (8.0e4, 1.0e5), False),
    "CO2air": ("1e-6", "co2", (350.0, 450.0), True), "LWdown": ("W m-2", "rlds", (200.0, 400.0), True),
}  # fmt: skip
PLAIN = {"Tair": ("K", 280.0), "Tmin": ("K", 277.0), "Tmax": ("K", 284.0), "Qair": ("kg kg-1", 0.004),
         "SWdown": ("W m-2", 20.0), "Rainf": ("kg m-2 s-1", 1e-5)}  # fmt: skip
CLASSIC = ("i1", "i2", "i4", "f4", "f8")
TYPES = (*CLASSIC, "u1", "u2", "u4", "i8", "u8")


@st.composite
def stored(draw: st.DrawFn, kind: str, lowest: float, highest: float) -> dict:
    """How a variable is stored: its type, its stored numbers (DAYS,), and the attributes beside them."""
    attributes: dict = {}
    real, real_type = kind[0] == "f", draw(st.sampled_from([np.float32, np.float64]))
    shares = np.array(draw(st.lists(st.floats(0.05, 0.95), min_size=DAYS, max_size=DAYS)))
    values = lowest + shares * (highest - lowest)
    packing = draw(st.sampled_from(["none", "both", "scale", "offset"])) if real or lowest >= 1 else "both"
    if kind in ("i1", "u1") or (kind in ("i2", "u2") and highest > 3.0e4):
        packing = "both"
    numbers_stored = values
    if packing == "both":
        span = 2.0e4 if real else float(min(np.iinfo(kind).max, 1_000_000)) * 0.9
        scale, offset = real_type((highest - lowest) / span), real_type(lowest)
        numbers_stored = (values - float(offset)) / float(scale)
        attributes |= {"scale_factor": scale, "add_offset": offset}
    elif packing == "scale":
        scale = real_type(draw(st.sampled_from([0.5, 2.0, 10.0])))
        numbers_stored = values / float(scale)
        attributes["scale_factor"] = scale
    elif packing == "offset":
        attributes["add_offset"] = real_type(lowest * 0.5)
        numbers_stored = values - lowest * 0.5
    array = numbers_stored.astype(kind) if real else np.rint(numbers_stored).astype(kind)
    if kind in ("i1", "i2", "i4") and draw(st.integers(0, 4)) == 0:
        attributes["_Unsigned"] = "true"
    if draw(st.booleans()):
        attributes["_FillValue"] = np.dtype(kind).type(draw(st.sampled_from([0, 1, 99, 127])))
    if draw(st.integers(0, 3)) == 0:
        fills = draw(st.lists(st.sampled_from([2, 3, 100, 126]), min_size=1, max_size=3))
        attributes["missing_value"] = np.array(fills, dtype=kind)
    limits = draw(st.sampled_from(["", "", "valid_min", "valid_max", "valid_range", "unpacked"]))
    if limits:
        inside = np.sort(array)[[0, -1]]
        cut = draw(st.integers(0, 3)) == 0  # the lowest or the highest value of the file is not valid
        bounds = inside if not cut else inside[::-1] if limits == "valid_range" else np.sort(array)[[1, -2]]
        if limits == "unpacked":
            attributes["valid_range"] = np.array([lowest, highest], dtype=draw(st.sampled_from(["f4", "f8"])))
        else:
            attributes[limits] = bounds if limits == "valid_range" else bounds[0 if limits == "valid_min" else 1]
    gap = draw(st.integers(0, 3))
    if gap == 0 and "_FillValue" in attributes:
        array[draw(st.integers(0, DAYS - 1))] = attributes["_FillValue"]
    elif gap == 1 and "missing_value" in attributes:
        array[draw(st.integers(0, DAYS - 1))] = attributes["missing_value"][-1]
    elif gap == 2 and real:
        array[1] = draw(st.sampled_from([np.nan, np.inf, -9999.0, 1e20]))
    fault = draw(st.integers(0, 25))
    if fault == 0:
        attributes["scale_factor"] = draw(st.sampled_from(["0.1", np.float32(0.0), np.array([1.0, 2.0])]))
    return {"kind": kind, "array": array, "attributes": attributes}


@st.composite
def files(draw: st.DrawFn) -> dict:
    """A daily forcing file: its netCDF format, whether its text is in strings, and its stored variables."""
    classic = draw(st.booleans())
    kinds = CLASSIC if classic else TYPES
    chosen = draw(st.sets(st.sampled_from(list(QUANTITIES)), min_size=1, max_size=2))
    return {
        "format": "NETCDF3_CLASSIC" if classic else "NETCDF4",
        "strings": not classic and draw(st.booleans()),
        "stored": {
            name: draw(stored(draw(st.sampled_from(kinds)), *QUANTITIES[name][2])) for name in sorted(chosen)
        },
    }  # fmt: skip


def write(path: Path, content: dict) -> None:
    with netCDF4.Dataset(path, "w", format=content["format"]) as file:
        file.createDimension("time", DAYS)
        time = file.createVariable("time", "f8", ("time",))
        put_text(time, "units", "days since 2001-01-01", content["strings"])
        time[:] = np.arange(DAYS)
        for name, (units, value) in PLAIN.items():
            variable = file.createVariable(name, "f4", ("time",))
            put_text(variable, "units", units, content["strings"])
            variable[:] = value
        for name, (units, _output, (lowest, highest), derivable) in QUANTITIES.items():
            encoded = content["stored"].get(name)
            if encoded is None:
                if not derivable:
                    variable = file.createVariable(name, "f8", ("time",))
                    variable.units = units
                    variable[:] = 0.5 * (lowest + highest)
                continue
            attributes = dict(encoded["attributes"])
            fill = attributes.pop("_FillValue", None)
            variable = file.createVariable(name, encoded["kind"], ("time",), fill_value=fill)
            variable.set_auto_maskandscale(False)
            put_text(variable, "units", units, content["strings"])
            for attribute, value in attributes.items():
                if isinstance(value, str):
                    put_text(variable, attribute, value, content["strings"])
                else:
                    variable.setncattr(attribute, value)
            variable[:] = encoded["array"]


def put_text(variable: netCDF4.Variable, name: str, text: str, string: bool) -> None:
    (variable.setncattr_string if string else variable.setncattr)(name, text)


def run_program(case: Case, **forcing: object) -> tuple[int, str]:
    for old in case.folder.glob("case.h0*"):
        old.unlink()
    outputs = ",".join(output for _units, output, _values, _derivable in QUANTITIES.values())
    run_ctl = {"start_date": "2001-01-01", "stop_n": DAYS, "stop_option": "ndays", "spinup_years": 0}
    done = case.run({
        "run_ctl": run_ctl, "forcing_nl": {"source": "netcdf", "file": "met.nc"} | forcing,
        "hist_nl": {"hist_fields": outputs},
    })  # fmt: skip
    return done.returncode, done.stderr


@settings(max_examples=80, deadline=None, derandomize=True, database=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])  # fmt: skip
@given(content=files())
def test_both_read_the_same_values_or_refuse(ecosys_exe: Path, tmp_path: Path, content: dict) -> None:
    case = Case(ecosys_exe, tmp_path)
    write(tmp_path / "met.nc", content)
    faults = check_forcing(tmp_path / "met.nc")
    code, message = run_program(case)
    assert bool(faults) == bool(code), (content, faults, message)
    assert message.count("\n") == bool(code)
    if faults:
        return
    history = case.history()
    with netCDF4.Dataset(tmp_path / "met.nc") as file:
        for name in content["stored"]:
            expected = numbers(file[name])
            present = np.isfinite(expected)
            output = history[QUANTITIES[name][1]][0]
            np.testing.assert_allclose(output[present], expected[present], rtol=3e-7, err_msg=str(content))


def test_both_convert_the_same_units(ecosys_exe: Path, tmp_path: Path) -> None:
    """Common units, and one of another quantity that both refuse, by what they give; tests/coupler has more."""
    case = Case(ecosys_exe, tmp_path)
    for name, output, value, spellings, wrong in (
        ("Tair", "tas", 280.0, ("Kelvin", "degrees_C", "°C"), "m s-1"), ("PSurf", "ps", 9.0e4, ("hPa", "mb"), "m"),
        ("Wind", "sfcWind", 4.0, ("m s**-1", "km/h"), "K"), ("CO2air", "co2", 400.0, ("ppm", "mol mol-1"), "kg kg-1"),
        ("Rainf", "pr", 1e-5, ("mm", "mm/day", "kg m**-2 s**-1"), "W m-2"),
    ):  # fmt: skip
        for units in (*spellings, wrong):
            converted = conversion(units, FORCING[name], 86400.0)
            with netCDF4.Dataset(tmp_path / "met.nc", "w") as file:
                file.createDimension("time", DAYS)
                time = file.createVariable("time", "f8", ("time",))
                time.units = "days since 2001-01-01"
                time[:] = np.arange(DAYS)
                columns = {key: (unit, number) for key, (unit, number) in PLAIN.items()}
                columns |= {"Wind": ("m s-1", 3.0), "PSurf": ("Pa", 1e5)}
                scale, offset = converted or (1.0, 0.0)
                columns[name] = (units, (value - offset) / scale)
                for key, (unit, number) in columns.items():
                    variable = file.createVariable(key, "f8", ("time",))
                    variable.units = unit
                    variable[:] = number
            faults = check_forcing(tmp_path / "met.nc")
            case.folder.joinpath("case.nml").unlink(missing_ok=True)
            for old in tmp_path.glob("case.h0*"):
                old.unlink()
            run_ctl = {"start_date": "2001-01-01", "stop_n": 1, "stop_option": "ndays", "spinup_years": 0}
            done = case.run({"run_ctl": run_ctl, "forcing_nl": {"source": "netcdf", "file": "met.nc"},
                             "hist_nl": {"hist_fields": output}})  # fmt: skip
            assert bool(faults) == bool(done.returncode) == (units == wrong), (units, faults, done.stderr)
            if not faults:
                np.testing.assert_allclose(case.history()[output], value, rtol=1e-6, err_msg=units)
