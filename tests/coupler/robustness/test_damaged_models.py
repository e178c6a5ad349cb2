"""Real artefacts, with TorchScript module and native program, damaged: refused, or the same results to the last bit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from coupler import EcostepError, Model
from tests.coupler.test_conformance import Case, weather

NCELL, DAYS = 3, 2


def damaged(content: bytes, places: int) -> Iterator[tuple[str, bytes]]:
    """Copies with a byte changed or an end cut off, at places drawn at random and in the directory at the end."""
    random = np.random.default_rng(3)
    near_end = len(content) - random.integers(1, 4096, places // 4)
    for at in [*random.integers(0, len(content), places).tolist(), *near_end.tolist()]:
        copy = bytearray(content)
        copy[at] ^= 1 << int(random.integers(8))
        yield f"byte {at}", bytes(copy)
    for at in random.integers(0, len(content), places // 4).tolist():
        yield f"cut off at {at}", content[:at]


def refusal(path: Path, backend: str) -> EcostepError | None:
    """Why an artefact does not open; None where it does."""
    try:
        Model(path, backend)
    except EcostepError as error:
        return error
    return None


@pytest.mark.parametrize("places", [40, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("backend", ["native", "torchscript"])
def test_damage_is_refused_or_harmless(backend, places, model_file, tmp_path):
    path = model_file("cham_net")
    intact, (statics, inputs) = path.read_bytes(), weather(path, NCELL, DAYS)
    expected = Case(path, backend, statics, inputs).host().run(inputs)
    file, refused, tried = tmp_path / "damaged.pt", 0, 0
    for what, content in damaged(intact, places):
        file.write_bytes(content)
        tried += 1
        error = refusal(file, backend)
        if error is not None:
            assert error.status in ("CORRUPT", "NOT_AN_ARTEFACT") and "damaged.pt" in str(error), f"{what}: {error}"
            refused += 1
            continue
        np.testing.assert_array_equal(Case(file, backend, statics, inputs).host().run(inputs), expected, err_msg=what)
    assert refused > tried / 2
