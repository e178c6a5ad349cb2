"""A small artefact with a native program that uses most operations (docs/native_program.md), written by hand."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from tests.coupler import artefacts

STATE = 24  # h and c of an LSTM of 4 units, a number a month from 8 on, and some unused
STUB_INPUTS = [
    {"name": "tas", "units": "K", "accumulate": "mean", "valid_min": 180.0, "valid_max": 340.0},
    {"name": "pr", "units": "kg m-2 s-1", "accumulate": "sum", "valid_min": 0.0, "valid_max": 0.1},
    {"name": "wtd", "units": "m", "accumulate": "max", "valid_min": -5.0, "valid_max": 50.0},
]
STUB_STATICS = [{"name": "lat", "units": "degrees_north", "valid_min": -90.0, "valid_max": 90.0}]


class Constants:
    """native.bin and the list that describes it."""

    def __init__(self) -> None:
        self.list: list[dict[str, Any]] = []
        self.bytes = b""

    def add(self, values: Any, kind: str = "f32") -> int:
        """Number of a new constant."""
        array = np.asarray(values, "<f4" if kind == "f32" else "<f8")
        self.bytes += b"\0" * (-len(self.bytes) % 64)
        self.list.append({"type": kind, "shape": list(array.shape), "offset": len(self.bytes)})
        self.bytes += array.tobytes()
        return len(self.list) - 1


class Program:
    """Values and operations of one method."""

    def __init__(self) -> None:
        self.values: list[dict[str, Any]] = []
        self.ops: list[dict[str, Any]] = []

    def value(self, *shape: int, kind: str = "f32", uniform: bool = False) -> dict[str, Any]:
        """Reference to a new value."""
        self.values.append({"type": kind, "size": int(np.prod(shape)), "uniform": uniform})
        return {"v": len(self.values) - 1, "n": list(shape)}

    def do(self, name: str, out: dict[str, Any] | None, /, **options: Any) -> dict[str, Any] | None:
        """A new operation; its result."""
        self.ops.append({"op": name, **({"out": out} if out else {}), **options})
        return out

    def as_json(self) -> dict[str, Any]:
        """What native.json holds."""
        return {"values": self.values, "ops": self.ops}


def part(reference: dict[str, Any], start: int, *shape: int, **more: Any) -> dict[str, Any]:
    """Some elements of a value, from `start` on."""
    return {**{key: reference[key] for key in ("v", "c") if key in reference}, "o": start, "n": list(shape), **more}


def day(weights: dict[str, int], observed: bool) -> dict[str, Any]:
    """An LSTM step, a number a month, and a tour of the other operations that ends in the flux."""
    p = Program()
    scaled, calendar = p.value(3), p.value(6, kind="f64", uniform=True)
    drivers = p.do("input", p.value(3), name="drivers")
    p.do("input", calendar, name="calendar")
    share = p.do("div", p.value(1, kind="f64", uniform=True), a=part(calendar, 3, 1), b=part(calendar, 5, 1))
    season = p.do("sin", p.value(1, uniform=True), a=p.do("cast", p.value(1, uniform=True), a=share))
    memory = p.do("load", p.value(8), at=0)
    centred = p.do("sub", p.value(3), a=drivers, b={"c": weights["normal"], "n": [3]})
    p.do("mul", scaled, a=centred, b={"c": weights["scale"], "n": [3]})
    linear = {"weight": weights["gates"], "bias": weights["bias"], "act": "none"}
    gates = p.do("linear", p.value(16), **linear, **{"in": [scaled, season, part(memory, 0, 4)]})
    new = p.do("lstm", p.value(8), a=gates, b=part(memory, 4, 4))
    p.do("store", None, a=new, at=0)
    hidden = part(new, 0, 4)
    tour = hidden
    for name in ("tanh", "gelu", "softplus", "exp", "log1p", "sqrt", "sigmoid", "relu", "asinh", "abs"):
        tour = p.do(name, p.value(4), a=tour)
    mean = p.do("reduce", p.value(1), how="mean", a=part(tour, 0, 1, 4), k=1)
    finite = p.do("isfinite", p.value(4), a=tour)
    chosen = p.do("where", p.value(4), a=finite, b=tour, c=hidden)
    month = {"i": [calendar["v"], 1, 1]}
    last = p.do("load", p.value(1), at=8, **month)
    p.do("store", None, a=p.do("max", p.value(1), a=mean, b=last), at=8, **month)
    outer = p.do("mul", p.value(2, 2), a=part(chosen, 0, 2, 2, t=[1, 0]), b=part(chosen, 0, 2, 2, t=[0, 1]))
    matrix = p.do("add", p.value(2, 2), a=outer, b={"c": weights["unit"], "n": [2, 2]})
    solved = p.do("cholesky_solve", p.value(2), a=matrix, b=part(chosen, 2, 2))
    product = p.do("contract", p.value(2), a=matrix, b=part(solved, 0, 2, 2, t=[0, 1]), k=1)
    raw = p.do(
        "linear", p.value(2), weight=weights["head"], bias=None, act="softplus", **{"in": [hidden, product, last]}
    )
    if observed:
        flux = p.do("input", p.value(2), name="observed")
        seen = p.do("isfinite", p.value(2), a=flux)
        p.do("store", None, a=p.do("where", p.value(2), a=seen, b=flux, c=raw), at=21)
    p.do("flux", None, a=raw)
    return p.as_json()


def end(year: bool) -> dict[str, Any]:
    """The last day of a month or a year: next to nothing."""
    p = Program()
    drivers = p.do("input", p.value(3), name="drivers")
    if year:
        p.do("store", None, a=part(drivers, 1, 1), at=23)
    p.do("flux", None, a=part(drivers, 0, 2))
    return p.as_json()


def native_entries() -> dict[str, bytes]:
    """Entries of the artefact, without their folder."""
    random = np.random.default_rng(1)
    constants = Constants()
    weights = {
        "normal": constants.add([283.0, 0.0, 1.0]),
        "scale": constants.add([0.1, 1.0, 0.2]),
        "gates": constants.add(random.normal(0, 0.4, (16, 8))),
        "bias": constants.add(random.normal(0, 0.4, 16)),
        "head": constants.add(random.normal(0, 0.4, (2, 7))),
        "unit": constants.add(np.eye(2)),
        "start": constants.add(random.normal(0, 0.01, (8, 1))),
    }
    init = Program()
    lat = init.do("input", init.value(1), name="statics")
    start = {"weight": weights["start"], "bias": None, "act": "tanh", "in": [lat]}
    init.do("store", None, a=init.do("linear", init.value(8), **start), at=0)
    programs = {"init": init.as_json()}
    for suffix in ("", "_observed"):
        programs |= {"day" + suffix: day(weights, suffix != "")}
        programs |= {"month_end" + suffix: end(False), "year_end" + suffix: end(True)}
    about = artefacts.metadata(name="native", kind="seed", backends=["native"], state_size=STATE, past_flux="ungauged")
    about["inputs"], about["statics"] = (
        artefacts.variables(STUB_INPUTS, "fast"),
        artefacts.variables(STUB_STATICS, "static"),
    )
    del about["stub"]
    text = {"version": 1, "constants": constants.list, "programs": programs}
    entries = {"ecostep.json": about, "native.json": text}
    packed = {name: json.dumps(content, separators=(",", ":")).encode() for name, content in entries.items()}
    return packed | {"native.bin": constants.bytes}
