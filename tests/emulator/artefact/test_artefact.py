"""Artefact files: round trip, and one clear error for each way a file can be wrong."""

import json
import zipfile

import numpy as np
import pytest

from emulator.artefact import metadata as artefact
from emulator.artefact.metadata import ArtefactError, InputSpec, StaticSpec, TargetSpec

TAS = InputSpec(name="tas", units="K", long_name="air temperature", role="fast", valid_min=150.0, valid_max=350.0)
PR = InputSpec(name="pr", units="kg m-2 s-1", long_name="precipitation", role="fast")
FCH4 = TargetSpec(name="fch4", units="mg m-2 day-1", long_name="net methane flux")
GPP = TargetSpec(name="gpp", units="g m-2 day-1", long_name="gross primary production", min=0.0)


@pytest.fixture
def stub(tmp_path):
    path = tmp_path / "stub.pt"
    artefact.write_stub_artefact(
        path,
        inputs=[TAS, PR],
        targets=[GPP, FCH4],
        statics=[StaticSpec(name="biome", units="1", long_name="site class", flag_values=(1, 2, 7))],
        weights=np.array([[0.02, 3.0], [-0.1, 0.0]]),
        bias=np.array([1.0, 20.0]),
        decay=np.array([0.0, 0.9]),
    )
    return path


def rewrite(path, change, *, raw=None):
    """The artefact with changed metadata."""
    with zipfile.ZipFile(path) as archive:
        metadata = json.loads(archive.read("archive/extra/ecostep.json"))
    change(metadata)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/extra/ecostep.json", raw or json.dumps(metadata))
    return path


def test_stub_round_trip(stub):
    stub_artefact = artefact.read_artefact(stub)
    metadata = stub_artefact.metadata
    assert metadata.backends == ("stub",)
    assert metadata.state_size == 2
    assert stub_artefact.reference is None
    assert metadata.inputs == (TAS, PR)
    assert metadata.targets == (GPP, FCH4)
    assert metadata.statics[0].flag_values == (1, 2, 7)
    assert metadata.stub.weights == ((0.02, 3.0), (-0.1, 0.0))
    assert metadata.stub.decay == (0.0, 0.9)
    assert not list(stub.parent.glob(".*")), "no temporary file is left"


def test_stub_with_wrong_weights_is_refused_and_not_written(tmp_path):
    path = tmp_path / "stub.pt"
    with pytest.raises(ValueError, match=r"weights \(1, 2\)"):
        artefact.write_stub_artefact(path, inputs=[TAS, PR], targets=[GPP], weights=np.ones((1, 3)))
    assert not path.exists()


def test_missing_file(tmp_path):
    with pytest.raises(ArtefactError, match="nowhere.pt: no such file"):
        artefact.read_artefact(tmp_path / "nowhere.pt")


@pytest.mark.parametrize("content", [b"", b"CDF\x01 this is netCDF", b"PK\x03\x04 looks like a zip"])
def test_file_that_is_no_artefact(tmp_path, content):
    path = tmp_path / "model.pt"
    path.write_bytes(content)
    with pytest.raises(ArtefactError, match=r"model\.pt: not an ecostep artefact: not a zip archive"):
        artefact.read_artefact(path)


def test_zip_without_metadata_says_how_to_export(tmp_path):
    path = tmp_path / "checkpoint.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", "x")
    with pytest.raises(ArtefactError, match=r"no extra/ecostep\.json.*python -m emulator\.export"):
        artefact.read_artefact(path)


def test_other_format(stub):
    rewrite(stub, lambda metadata: metadata.update(format="onnx"))
    with pytest.raises(ArtefactError, match=r"\"format\" is 'onnx', expected \"ecostep-artefact\""):
        artefact.read_artefact(stub)


def test_newer_version_is_refused_by_number(stub):
    rewrite(stub, lambda metadata: metadata.update(format_version=7, something_new=[1]))
    with pytest.raises(ArtefactError, match="format version 7 is newer than 1.*update ecostep"):
        artefact.read_artefact(stub)


@pytest.mark.parametrize("key", ["inputs", "targets", "state_size", "kind", "format_version"])
def test_missing_key_is_named(stub, key):
    rewrite(stub, lambda metadata: metadata.pop(key))
    with pytest.raises(ArtefactError, match=key):
        artefact.read_artefact(stub)


def test_name_twice_is_refused(stub):
    rewrite(stub, lambda metadata: metadata["inputs"][1].update(name="tas"))
    with pytest.raises(ArtefactError, match="inputs has a name twice: tas, tas"):
        artefact.read_artefact(stub)


def test_metadata_that_is_not_json(stub):
    rewrite(stub, lambda metadata: None, raw="{cut")
    with pytest.raises(ArtefactError, match="is not JSON"):
        artefact.read_artefact(stub)


def test_flipped_byte_is_found(stub):
    content = bytearray(stub.read_bytes())
    content[content.index(b"native_step_seconds")] ^= 0x20
    stub.write_bytes(bytes(content))
    with pytest.raises(ArtefactError, match="damaged"):
        artefact.read_artefact(stub)


def test_truncated_file_is_found(stub):
    content = stub.read_bytes()
    stub.write_bytes(content[: len(content) // 2])
    with pytest.raises(ArtefactError, match="stub.pt: not an ecostep artefact: .*cut short"):
        artefact.read_artefact(stub)


def test_reference_of_wrong_size(stub):
    def claim(metadata):
        metadata["reference"] = {"ncell": 2, "nstep": 3, "start_date": "2001-12-30", "calendar": "standard"}

    rewrite(stub, claim)
    with pytest.raises(ArtefactError, match=r"reference\.f32 is missing"):
        artefact.read_artefact(stub)
    with zipfile.ZipFile(stub, "a") as archive:
        archive.writestr("archive/extra/reference.f32", np.zeros(25, "<f4").tobytes())
    with pytest.raises(ArtefactError, match="has 100 bytes, the metadata calls for 104"):
        artefact.read_artefact(stub)


def test_reference_round_trip(stub):
    generator = np.random.default_rng(3)
    written = artefact.Reference(
        static=generator.normal(size=(2, 1)).astype("f4"),
        drivers=generator.normal(size=(3, 2, 2)).astype("f4"),
        expected=generator.normal(size=(3, 2, 2)).astype("f4"),
    )

    def claim(metadata):
        metadata["reference"] = {"ncell": 2, "nstep": 3, "start_date": "2001-12-30", "calendar": "standard"}

    rewrite(stub, claim)
    with zipfile.ZipFile(stub, "a") as archive:
        archive.writestr("archive/extra/reference.f32", written.to_bytes())
    read = artefact.read_artefact(stub).reference
    for name in ("static", "drivers", "expected"):
        assert np.array_equal(getattr(read, name), getattr(written, name))
