"""What each operation of a native program means: a plain interpreter, which tests and the exporter use."""

import json
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from emulator.artefact.native.days import kind_of_day
from emulator.artefact.native.program import Program

DTYPES = {"f32": torch.float32, "f64": torch.float64}

UNARY: dict[str, Callable[[Tensor], Tensor]] = {
    "copy": lambda a: a,
    "neg": torch.neg,
    "abs": torch.abs,
    "sqrt": torch.sqrt,
    "exp": torch.exp,
    "log": torch.log,
    "log1p": torch.log1p,
    "sin": torch.sin,
    "cos": torch.cos,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
    "gelu": torch.nn.functional.gelu,
    "softplus": torch.nn.functional.softplus,
    "sinh": torch.sinh,
    "asinh": torch.asinh,
    "round": torch.round,
    "reciprocal": torch.reciprocal,
    "isfinite": lambda a: torch.isfinite(a).to(a.dtype),
    "not": lambda a: (a == 0).to(a.dtype),
}

BINARY: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "div": torch.div,
    "max": torch.maximum,
    "min": torch.minimum,
    "pow": torch.pow,
    "remainder": torch.remainder,
    "copysign": torch.copysign,
    "eq": lambda a, b: (a == b).to(a.dtype),
    "ne": lambda a, b: (a != b).to(a.dtype),
    "lt": lambda a, b: (a < b).to(a.dtype),
    "le": lambda a, b: (a <= b).to(a.dtype),
    "gt": lambda a, b: (a > b).to(a.dtype),
    "ge": lambda a, b: (a >= b).to(a.dtype),
    "and": lambda a, b: ((a != 0) & (b != 0)).to(a.dtype),
    "or": lambda a, b: ((a != 0) | (b != 0)).to(a.dtype),
}

ACTIVATIONS = {"none": lambda a: a} | {name: UNARY[name] for name in ("tanh", "sigmoid", "relu", "gelu", "softplus")}

REDUCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "sum": lambda a: a.sum(-1),
    "mean": lambda a: a.mean(-1),
    "max": lambda a: a.amax(-1),
}


def program_for(calendar: Tensor, observed: bool) -> str:
    """Name of the program of a day. calendar: (6,)."""
    return kind_of_day(calendar.tolist()) + ("_observed" if observed else "")


class Interpreter:
    """Runs programs from the contents of native.json and native.bin."""

    def __init__(self, text: str | bytes, blob: bytes) -> None:
        content = json.loads(text)
        if content["version"] != 1:
            raise ValueError(f"native program of version {content['version']}, expected 1")
        self.programs: dict[str, Any] = content["programs"]
        self.constants = []
        for entry in content["constants"]:
            count = int(torch.Size(entry["shape"]).numel())
            if count == 0:
                self.constants.append(torch.zeros(entry["shape"], dtype=DTYPES[entry["type"]]))
                continue
            data = torch.frombuffer(
                bytearray(blob), dtype=DTYPES[entry["type"]], count=count, offset=entry["offset"]
            ).clone()
            self.constants.append(data.view(entry["shape"]))
        self._places: dict[int, Tensor] = {}

    @classmethod
    def of(cls, program: Program) -> "Interpreter":
        """The interpreter of a program that has not been written."""
        return cls(*program.serialise())

    def init_state(self, static: Tensor, state_size: int) -> Tensor:
        """static: (N, P) -> state (N, state_size)."""
        state = torch.zeros(len(static), state_size)
        self._run("init", {"statics": static}, state)
        return state

    def step(
        self, drivers: Tensor, calendar: Tensor, state: Tensor, observed: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """One day. drivers: (N, D); calendar: (6,) int64; state: (N, S); observed: (N, C) -> fluxes (N, C), state."""
        inputs = {"drivers": drivers, "calendar": calendar.double().unsqueeze(0)}
        if observed is not None:
            inputs["observed"] = observed
        state = state.clone()
        flux = self._run(program_for(calendar, observed is not None), inputs, state)
        assert flux is not None
        return flux, state

    def _run(self, name: str, inputs: dict[str, Tensor], state: Tensor) -> Tensor | None:
        program, cells = self.programs[name], len(state)
        before, flux = state.clone(), None
        values = [
            torch.full((1 if v["uniform"] else cells, v["size"]), torch.nan, dtype=DTYPES[v["type"]])
            for v in program["values"]
        ]

        def move(item: dict[str, Any]) -> int:
            if "i" not in item:
                return 0
            value, element, stride = item["i"]
            return int(values[value][0, element]) * stride

        def places(ref: dict[str, Any]) -> Tensor:
            if id(ref) not in self._places:
                place = torch.tensor(ref.get("o", 0))
                for size, stride in zip(ref["n"], ref.get("t") or _row_major(ref["n"]), strict=True):
                    place = place.unsqueeze(-1) + stride * torch.arange(size)
                self._places[id(ref)] = place
            return self._places[id(ref)] + move(ref)

        def read(ref: dict[str, Any]) -> Tensor:
            data = values[ref["v"]] if "v" in ref else self.constants[ref["c"]].reshape(1, -1)
            return data[:, places(ref)]

        for op in program["ops"]:
            kind = op["op"]
            if kind == "flux":
                flux = read(op["a"])
                flux = flux.reshape(len(flux), -1).expand(cells, -1).clone()
                continue
            if kind == "store":
                a = read(op["a"])
                a = a.reshape(len(a), -1)
                start = op["at"] + move(op)
                state[:, start : start + a.shape[1]] = a
                continue
            out = op["out"]
            if kind == "input":
                result = inputs[op["name"]]
            elif kind == "load":
                start = op["at"] + move(op)
                result = before[:, start : start + int(torch.Size(out["n"]).numel())]
            elif kind == "linear":
                result = self._linear(op, [read(ref) for ref in op["in"]])
            else:
                result = self._apply(op, [read(op[letter]) for letter in "abc" if letter in op])
            target = values[out["v"]]
            target[:, places(out).flatten()] = result.reshape(len(result), -1).to(target.dtype)
        return flux

    def _linear(self, op: dict[str, Any], parts: list[Tensor]) -> Tensor:
        cells = max(len(part) for part in parts)
        inputs = torch.cat([part.expand(cells, *part.shape[1:]) for part in parts], dim=-1)
        bias = None if op["bias"] is None else self.constants[op["bias"]]
        return ACTIVATIONS[op["act"]](torch.nn.functional.linear(inputs, self.constants[op["weight"]], bias))

    def _apply(self, op: dict[str, Any], args: list[Tensor]) -> Tensor:
        kind = op["op"]
        if kind in UNARY:
            return UNARY[kind](args[0])
        if kind in BINARY:
            return BINARY[kind](args[0], args[1])
        if kind == "cast":
            return args[0]
        if kind == "where":
            return torch.where(args[0] != 0, args[1], args[2])
        if kind == "lstm":
            i, f, g, o = args[0].chunk(4, -1)
            c = torch.sigmoid(f) * args[1] + torch.sigmoid(i) * torch.tanh(g)
            return torch.cat([torch.sigmoid(o) * torch.tanh(c), c], -1)
        if kind == "gru":
            (r, z, n), (own_r, own_z, own_n), h = args[0].chunk(3, -1), args[1].chunk(3, -1), args[2]
            n = torch.tanh(n + torch.sigmoid(r + own_r) * own_n)
            return n + torch.sigmoid(z + own_z) * (h - n)
        if kind == "contract":
            return (args[0] * args[1]).flatten(-op["k"]).sum(-1)
        if kind == "reduce":
            return REDUCTIONS[op["how"]](args[0].flatten(-op["k"]))
        if kind == "cholesky_solve":
            factor, failed = torch.linalg.cholesky_ex(args[0])
            found = torch.cholesky_solve(args[1].unsqueeze(-1), factor).squeeze(-1)
            return torch.where(failed.unsqueeze(-1) == 0, found, torch.nan)
        if kind == "krige":
            return self._krige(op, args[0], args[1])
        raise ValueError(f"unknown operation {kind}")

    def _krige(self, op: dict[str, Any], place: Tensor, features: Tensor) -> Tensor:
        """Mean of a Gaussian process over M sites, without those closer than `own_site` to the place."""
        site_place, site_features, dual, choice, precision = (
            self.constants[op[key]] for key in ("site_place", "site_features", "dual", "choice", "precision")
        )
        gap = (place.unsqueeze(1) - site_place).square().sum(-1).sqrt()
        contrast = (features.unsqueeze(1) - site_features).square().sum(-1).sqrt()
        found = []
        for role, weights in enumerate(dual.split(op["role_sizes"], 1)):
            share, reach, local_reach, _ = choice[role]
            near = torch.exp(-gap * (op["earth_radius"] / local_reach))
            similar = torch.exp(-0.5 * (contrast / reach) ** 2)
            covariance = op["common"] + share * similar + (1.0 - share) * near
            answer = covariance @ weights
            for row, own in enumerate(gap <= op["own_site"]):
                hidden = torch.nonzero(own).flatten()
                if len(hidden):
                    columns = precision[role][hidden]
                    inner = torch.linalg.solve(columns[:, hidden], weights[hidden])
                    answer[row] -= (columns @ covariance[row]) @ inner
            found.append(answer)
        return torch.cat(found, dim=1)


def _row_major(shape: list[int]) -> list[int]:
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return strides[::-1]
