"""Bad files and bad calls: a status and a message that says what to do, never a crash, and nothing written."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

from coupler import EcostepError, Model
from tests.coupler import artefacts


def refusal(call, *arguments) -> tuple[str, str]:
    """Status and message of a call that must fail."""
    with pytest.raises(EcostepError) as error:
        call(*arguments)
    return error.value.status, str(error.value)


# ---- files ---------------------------------------------------------------------------------------------------------


def test_missing_file(tmp_path):
    status, message = refusal(Model, tmp_path / "none.pt")
    assert status == "FILE_ERROR" and "none.pt: cannot be opened: No such file" in message


def test_folder(tmp_path):
    status, message = refusal(Model, tmp_path)
    assert status == "FILE_ERROR" and "cannot be read" in message


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip file at all" * 100, b"\x89HDF\r\n\x1a\n"])
def test_not_an_artefact(tmp_path, content):
    path = tmp_path / "other.pt"
    path.write_bytes(content)
    status, message = refusal(Model, path)
    assert status == "NOT_AN_ARTEFACT" and f"{path}: not an ecostep artefact" in message


def test_torchscript_without_metadata(tmp_path):
    import torch

    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), str(tmp_path / "plain.pt"))
    status, message = refusal(Model, tmp_path / "plain.pt")
    assert status == "NOT_AN_ARTEFACT" and "without extra/ecostep.json" in message


def test_newer_format(tmp_path):
    status, message = refusal(Model, artefacts.write_stub(tmp_path / "new.pt", format_version=2))
    assert status == "NEWER_FORMAT" and "new.pt: artefact format 2 is newer than format 1" in message


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"format": "something else"}, "not an ecostep artefact"),
        ({"format_version": "1"}, "'format_version' is not a whole number"),
        ({"native_step_seconds": 3600}, "'native_step_seconds' is not 86400"),
        ({"state_size": -1}, "'state_size' is not a whole number"),
        ({"state_size": 3}, "'state_size' should be 2"),
        ({"inputs": []}, "'inputs' or 'targets' is empty"),
        ({"inputs": [{"name": "tas"}]}, "inputs[0]: 'units' is missing"),
        ({"inputs": artefacts.variables(artefacts.INPUTS)[:1] * 2}, "inputs: 'tas' occurs twice"),
        ({"inputs": "tas"}, "'inputs' is not a list"),
        ({"statics": None}, "'statics' is not a list"),
        ({"targets": [{"name": "gpp", "units": "1", "min": 2, "max": 1}]}, "the lower limit lies above the upper one"),
        (
            {"targets": [{"name": "gpp", "units": "1", "min": 1e39}]},
            "no number of single precision lies between the limits",
        ),
        ({"past_flux": "guess"}, "'past_flux' is 'guess'"),
        ({"backends": []}, "'backends' is not a list"),
        ({"stub": {"bias": [1.0], "weights": [], "decay": []}}, "stub: 'bias' has not 2 rows"),
        ({"stub": {"bias": [1.0, "a"], "weights": [], "decay": []}}, "something else than numbers"),
        ({"reference": {"ncell": 1, "nstep": 2, "start_date": "2001-01-01", "calendar": "noleap"}}, "not 76"),
    ],
)
def test_metadata_that_contradicts_the_format(tmp_path, changes, expected):
    status, message = refusal(Model, artefacts.write_stub(tmp_path / "bad.pt", **changes))
    assert status in ("CORRUPT", "NOT_AN_ARTEFACT") and "bad.pt" in message and expected in message


@pytest.mark.parametrize("text", [b"", b"{", b"[1, 2]", b'{"a": NaN}', b"\xff\xfe", b"[" * 100000])
def test_metadata_that_is_no_json(tmp_path, text):
    path = artefacts.write_zip(tmp_path / "bad.pt", {"extra/ecostep.json": text})
    status, message = refusal(Model, path)
    assert status in ("CORRUPT", "NOT_AN_ARTEFACT") and "extra/ecostep.json" in message


def test_backend_that_is_not_there(stub_file, tmp_path):
    status, message = refusal(Model, stub_file, "torchscript")
    assert status == "NO_BACKEND" and "the artefact has no backend 'torchscript' (it has: stub)" in message
    unknown = artefacts.write_stub(tmp_path / "x.pt", backends=["quantum"])
    assert "backend 'quantum' is not known to this ecostep" in refusal(Model, unknown)[1]


def test_plugin_that_is_not_there(lstm_file, tmp_path, monkeypatch):
    monkeypatch.setenv("ECOSTEP_PLUGIN_DIR", str(tmp_path))
    status, message = refusal(Model, lstm_file)
    assert status == "NO_BACKEND" and "torchscript backend not built or not found" in message
    (tmp_path / "libecostep_torch.so").write_bytes(b"not a library")
    assert "torchscript backend cannot be loaded" in refusal(Model, lstm_file)[1]


def test_plugin_of_another_torch(lstm_file, tmp_path, monkeypatch):
    Model(lstm_file)
    mapped = Path("/proc/self/maps").read_text().splitlines()
    plugin = Path(next(line.split(maxsplit=5)[5] for line in mapped if line.endswith("/libecostep_torch.so")))
    content = plugin.read_bytes()
    version = re.search(rb"TORCH_VERSION=([0-9.]+)\0", content)
    other = version[1].translate(bytes.maketrans(b"0123456789", b"9876543210"))
    (tmp_path / plugin.name).write_bytes(content.replace(version[0], version[0].replace(version[1], other)))
    monkeypatch.setenv("ECOSTEP_PLUGIN_DIR", str(tmp_path))
    status, message = refusal(Model, lstm_file)
    assert status == "NO_BACKEND"
    assert f"built with TORCH_VERSION={other.decode()}," in message
    assert f"has TORCH_VERSION={version[1].decode()}" in message


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_truncated(lstm_file, stub_file, tmp_path, share):
    for source in (lstm_file, stub_file):
        content = source.read_bytes()
        (tmp_path / "cut.pt").write_bytes(content[: int(share * len(content))])
        status, message = refusal(Model, tmp_path / "cut.pt")
        assert status == "CORRUPT" and "cut.pt: damaged or truncated" in message


def status_or_metadata(path):
    """Status of opening an artefact, and its metadata where it opens."""
    try:
        return "OK", Model(path).metadata
    except EcostepError as error:
        return error.status, None


def test_any_damaged_byte_is_noticed_or_harmless(stub_file, tmp_path):
    content = stub_file.read_bytes()
    metadata = Model(stub_file).metadata
    noticed = 0
    for at in range(len(content)):
        damaged = bytearray(content)
        damaged[at] ^= 0x41
        (tmp_path / "damaged.pt").write_bytes(damaged)
        status, damaged_metadata = status_or_metadata(tmp_path / "damaged.pt")
        assert status in ("OK", "CORRUPT", "NOT_AN_ARTEFACT"), f"byte {at}"
        assert status != "OK" or damaged_metadata == metadata, f"byte {at}"
        noticed += status != "OK"
    assert noticed > 0.9 * len(content)


def test_damaged_weights_and_code_are_noticed(lstm_file, tmp_path):
    content = lstm_file.read_bytes()
    with zipfile.ZipFile(lstm_file) as archive:
        places = {entry.filename: entry.header_offset + 30 + len(entry.filename) for entry in archive.infolist()}
    for name, place in places.items():
        extra_size = content[place - len(name) - 2 : place - len(name)]
        start = place + int.from_bytes(extra_size, "little")
        damaged = bytearray(content)
        damaged[start] ^= 0x01
        (tmp_path / "damaged.pt").write_bytes(damaged)
        status, message = refusal(Model, tmp_path / "damaged.pt")
        assert status == "CORRUPT" and f"entry '{name}'" in message


def test_module_that_is_not_what_the_metadata_says(lstm_file, tmp_path):
    import torch

    extra = {"ecostep.json": "", "reference.f32": ""}
    module = torch.jit.load(str(lstm_file), _extra_files=extra)
    about = json.loads(extra["ecostep.json"])

    def opened(module, **changes):
        extra["ecostep.json"] = json.dumps(about | changes)
        torch.jit.save(module, str(tmp_path / "wrong.pt"), _extra_files=extra)
        return refusal(Model, tmp_path / "wrong.pt")

    status, message = opened(module, state_size=about["state_size"] + 1)
    assert status == "BACKEND_FAILED" and "the state has shape [64, 65], the artefact says [64, 66]" in message
    status, message = opened(torch.jit.script(torch.nn.Linear(2, 2)))
    assert status == "CORRUPT" and "the TorchScript module has no method 'init_state'" in message


@pytest.mark.parametrize("place", [0, 10, -1])
def test_reference_that_is_not_finite(stub_file, tmp_path, place):
    statics, inputs = artefacts.sample_statics(1), artefacts.sample_inputs(1, 2)
    values = np.concatenate([statics.ravel(), inputs.ravel(), np.ones(4, np.float32)])
    values[place] = np.nan
    reference = {"ncell": 1, "nstep": 2, "start_date": "2001-01-01", "calendar": "noleap"}
    about = json.dumps(artefacts.metadata(reference=reference)).encode()
    entries = {"stub/extra/ecostep.json": about, "stub/extra/reference.f32": values.astype("<f4").tobytes()}
    status, message = refusal(Model, artefacts.write_zip(tmp_path / "nan.pt", entries))
    assert status == "CORRUPT" and "nan.pt" in message and "reference.f32 holds a value that is not finite" in message


# ---- calls ---------------------------------------------------------------------------------------------------------


def test_names_sizes_and_registration(stub_file):
    cells = Model(stub_file).cells(4)
    status, message = refusal(cells.set_input, "t2m", np.zeros(4), "K")
    assert status == "UNKNOWN_NAME" and "no input 't2m' (it has: tas tasmin tasmax pr rsds co2)" in message
    status, message = refusal(cells.set_input, "tas", np.zeros(5), "K")
    assert status == "WRONG_SIZE" and "input 'tas' has 5 values for 4 cells" in message
    status, message = refusal(cells.set_static, "lat", np.zeros(3), "degrees_north")
    assert status == "WRONG_SIZE" and "static 'lat' has 3 values for 4 cells" in message
    status, message = refusal(cells.init_state)
    assert status == "NOT_REGISTERED" and "static 'lat' was not registered" in message


def test_state_of_the_wrong_shape(stub_file):
    model = Model(stub_file)
    cells = model.cells(4)
    for shape, expected in [
        ((4, model.state_size + 1), f"the model needs {model.state_size}"),
        ((5, model.state_size), "the state has 5 rows for 4 cells"),
    ]:
        with pytest.raises(EcostepError, match=expected):
            cells.state = np.zeros(shape, np.float32)
    with pytest.raises(TypeError, match="type float64 is not one of float32"):
        cells.state = np.zeros((4, model.state_size))
    with pytest.raises(TypeError, match="C-contiguous float32"):
        cells.state = np.zeros((4, model.state_size), np.float32, order="F")


def test_input_that_was_not_registered(stub_file):
    cells = Model(stub_file).cells(1)
    for variable, value in zip(artefacts.STATICS, (50.0, 10.0, 2.0), strict=True):
        cells.set_static(variable["name"], np.array([value]), variable["units"])
    cells.init_state()
    status, message = refusal(cells.step, 2001, 1, 1)
    assert status == "NOT_REGISTERED" and "input 'tas' was not registered" in message


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        (0, np.nan, "input 'tas' is NaN in cell 67 of 70 (counted from 1): not a finite number"),
        (0, np.inf, "input 'tas' is inf K in cell 67 of 70"),
        (0, 20.0, "input 'tas' is 20 K in cell 67 of 70 (counted from 1): outside the valid range 180 to 340"),
        (3, -1e-6, "input 'pr' is -1e-06 kg m-2 s-1 in cell 67"),
        (4, 1e35, "input 'rsds' is 1e+35 W m-2 in cell 67 of 70 (counted from 1): too large"),
    ],
)
@pytest.mark.parametrize("seconds", [0, 43200])
def test_bad_driver_names_variable_cell_and_value_and_writes_nothing(stub_file, host, column, value, expected, seconds):
    inputs = artefacts.sample_inputs(70, 1)[0].astype(np.float64)
    land = host(stub_file, 70)
    if seconds:
        land.part(inputs, 0, seconds)
    state, flux = land.cells.state.copy(), {name: array.copy() for name, array in land.flux.items()}
    inputs[66, column] = value
    status, message = refusal(land.part, inputs, seconds, 43200)
    assert status == "BAD_VALUE" and expected in message
    np.testing.assert_array_equal(land.cells.state, state)
    for name, array in land.flux.items():
        np.testing.assert_array_equal(array, flux[name])


def test_class_that_does_not_exist(stub_file, host):
    statics = artefacts.sample_statics(3)
    statics[1, 2] = 4.5
    status, message = refusal(host, stub_file, 3, statics)
    assert status == "BAD_VALUE" and "static 'biome' is 4.5 in cell 2 of 3" in message
    assert "not one of the classes 1 2 3" in message


@pytest.mark.parametrize(("column", "what"), [(0, "gpp"), (62, "state")])
def test_failure_inside_the_network_writes_nothing(lstm_file, host, column, what):
    land = host(lstm_file, 130)  # the sum of measured flux, column 62, reaches no flux of this day
    inputs = artefacts.sample_inputs(130, 1)[0]
    land.cells.state[128, column] = np.nan
    state, flux = land.cells.state.copy(), land.flux["gpp"].copy()
    status, message = refusal(land.day, inputs)
    assert status == "BACKEND_FAILED"
    assert f"'{what}' in cell 129 of 130 (counted from 1) on 2003-12-20 is not finite" in message
    np.testing.assert_array_equal(land.cells.state, state)
    np.testing.assert_array_equal(land.flux["gpp"], flux)


@pytest.mark.parametrize(
    ("date", "seconds", "dt", "expected"),
    [
        ((2003, 12, 21), 0, 86400, "it is for 2003-12-21, but the state of cell 1 is ready for 2003-12-20"),
        ((2003, 12, 19), 0, 86400, "it is for 2003-12-19, but the state of cell 1 is ready for 2003-12-20"),
        ((2003, 12, 20), 3600, 3600, "it starts 3600 s after midnight of 2003-12-20, but the state of cell 1 has"),
        ((2003, 12, 20), 0, 7000, "a step of 7000 s does not divide the day"),
        ((2003, 12, 20), 0, 0, "a step of 0 s does not divide the day"),
        ((2003, 12, 20), 0, -3600, "a step of -3600 s does not divide the day"),
        ((2003, 12, 20), 0, 172800, "a step of 172800 s does not divide the day"),
        ((2003, 12, 20), 3600, 86400, "a step of 86400 s cannot start 3600 s after midnight"),
        ((2003, 2, 29), 0, 86400, "2003-02-29 is not a date"),
        ((2003, 13, 1), 0, 86400, "2003-13-01 is not a date"),
        ((-1, 1, 1), 0, 86400, "is not a date"),
    ],
)
def test_steps_that_do_not_follow(stub_file, host, date, seconds, dt, expected):
    land = host(stub_file, 1)
    land.date = np.datetime64("2003-12-19")
    land.day(artefacts.sample_inputs(1, 1)[0])
    status, message = refusal(land.cells.step, *date, seconds, dt)
    assert status == "BAD_DATE" and expected in message


def test_reset_date_goes_on_elsewhere_with_the_same_memory(stub_file, host):
    land = host(stub_file, 1)
    land.day(artefacts.sample_inputs(1, 1)[0])
    memory = land.cells.state[0, :2].copy()
    land.cells.reset_date()
    np.testing.assert_array_equal(land.cells.state[0, :2], memory)
    land.cells.step(1850, 1, 1)


@pytest.mark.parametrize("fill", [0.0, np.nan, 1e30, -7.0, 0.5])
def test_state_that_was_never_initialised(stub_file, host, fill):
    land = host(stub_file, 2)
    land.cells.state[:] = fill
    status, message = refusal(land.day, artefacts.sample_inputs(2, 1)[0])
    assert status == "BAD_DATE"
    assert "the state of cell 1 of 2 (counted from 1) holds no date: call ecostep_init_state" in message


def test_unknown_calendar(stub_file):
    status, message = refusal(Model(stub_file).cells, 1, "julian")
    assert status == "BAD_DATE" and "calendar 'julian' is not known (known: standard, noleap, 360_day)" in message


def test_arrays_of_the_wrong_kind(stub_file):
    cells = Model(stub_file).cells(2)
    with pytest.raises(TypeError, match="one-dimensional"):
        cells.set_input("tas", np.zeros((2, 1)), "K")
    with pytest.raises(TypeError, match="float16 is not one of"):
        cells.set_input("tas", np.zeros(2, np.float16), "K")
    with pytest.raises(TypeError, match="read-only"):
        cells.set_output("gpp", np.broadcast_to(np.zeros(1), 2), "g m-2 day-1")
