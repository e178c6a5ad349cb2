"""Write the seeds of the fuzzers' corpus: `python -m tests.coupler.fuzz.make_corpus`.

Beside the seeds the corpus holds inputs that once failed, or that reach code which the seeds do not; their names are
digests.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from tests.coupler import artefacts
from tests.coupler.fuzz.native_seed import native_entries

FOLDER = Path(__file__).parent / "corpus"
STUB = Path(__file__).parents[3] / "coupler" / "examples" / "stub" / "extra" / "ecostep.json"


def reference(about: dict[str, Any], targets: float) -> bytes:
    """A reference run of one cell and two days, whose fluxes are `targets`."""
    statics, inputs = artefacts.sample_statics(1), artefacts.sample_inputs(1, 2)
    about["reference"] = {"ncell": 1, "nstep": 2, "start_date": "2001-12-30", "calendar": "noleap"}
    arrays = (statics, inputs, np.full((2, 1, len(about["targets"])), targets))
    return b"".join(np.ascontiguousarray(array, "<f4").tobytes() for array in arrays)


def sections(entries: dict[str, bytes]) -> bytes:
    """Entries of an artefact as the fuzzers read them."""
    return b"".join(b"%%" + name.encode() + b"\n" + content for name, content in entries.items())


def archive(
    entries: dict[str, bytes], compression: int, folder: str = "a/", comment: bytes = b"", zip64: bool = False
) -> bytes:
    """Entries of an artefact as a zip file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as zipped:
        zipped.comment = comment
        for name, content in entries.items():
            entry = zipfile.ZipInfo(folder + "extra/" + name)
            entry.compress_type = compression
            with zipped.open(entry, "w", force_zip64=zip64) as out:
                out.write(content)
    return file.getvalue()


def compact(about: dict[str, Any]) -> bytes:
    """JSON without blanks."""
    return json.dumps(about, separators=(",", ":")).encode()


def calls() -> dict[str, bytes]:
    """Sequences of calls as fuzz_calls.cpp reads them: set, model, function, arguments."""

    def on(cells: int, function: int, *arguments: int) -> bytes:
        return bytes([cells, 0, function, *arguments])

    seeds = {}
    for file in range(3):
        head = b"\0" + on(0, 0, 1, file)  # to the nearest; open
        day, part = on(0, 23, 0, 255), on(0, 23, 1, 255)
        run = on(0, 2, 3) + on(0, 5, 3, 1) + on(0, 11)  # three cells, float64, stride 1, init_state
        seeds[f"days_{file}"] = head + run + day * 5
        seeds[f"parts_{file}"] = head + run + part * 9 + on(0, 12) + part
        seeds[f"many_{file}"] = b"\1" + head[1:] + on(0, 2, 7) + on(0, 5, 0, 0) + on(0, 11) + day * 4
        seeds[f"closed_{file}"] = head + run + day + on(0, 1) + day + on(0, 4) + day
        seeds[f"spoilt_{file}"] = head + run + day + on(0, 14, 0, 0, 0, 0, 0, 1, 0) * 3 + day + on(0, 15, 2) + day
        seeds[f"wrong_{file}"] = (
            head + run + b"".join(on(0, 7, role, 0, how, 2, 3, 4) for role in range(4) for how in (3, 8, 16, 64))
        )
    return seeds


def main() -> None:
    """Write all seeds."""
    stub = json.loads(STUB.read_text())
    every = artefacts.metadata(past_flux="self_fed")
    every["inputs"][5]["accumulate"] = "sum"
    every["inputs"].append(every["inputs"][4] | {"name": "rlds", "accumulate": "last"})
    for row in every["stub"]["weights"]:
        row.append(0.001)
    tested = artefacts.metadata()
    texts = {
        "stub.txt": {"ecostep.json": compact(stub)},
        "stub_all.txt": {"ecostep.json": compact(every)},
        "reference.txt": {"reference.f32": reference(tested, 1.0), "ecostep.json": compact(tested)},
        "native.txt": native_entries(),
    }
    for kind in ("artefact", "archive", "calls"):
        (FOLDER / kind).mkdir(parents=True, exist_ok=True)
    for name, entries in texts.items():
        (FOLDER / "artefact" / name).write_bytes(sections(entries))
    small = {"ecostep.json": compact(stub)}
    zips = {
        "stored": archive(small, zipfile.ZIP_STORED),
        "deflated": archive(small, zipfile.ZIP_DEFLATED),
        "zip64": archive(texts["reference.txt"], zipfile.ZIP_STORED, zip64=True),
        "comment": archive(small, zipfile.ZIP_STORED, folder="", comment=b"PK\5\6" * 8),
        "native": archive(texts["native.txt"], zipfile.ZIP_DEFLATED),
    }
    for name, content in zips.items():
        (FOLDER / "archive" / name).write_bytes(content)
    for name, content in calls().items():
        (FOLDER / "calls" / name).write_bytes(content)


if __name__ == "__main__":
    main()
