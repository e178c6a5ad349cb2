"""What each operation of a native program means: a plain interpreter, which tests and the exporter use."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from emulator.artefact.native.days import kind_of_day
from emulator.artefact.native.program import Program
from foundations.bounded_text import json_value

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

ELEMENTWISE: dict[str, Callable[..., Tensor]] = {
    **UNARY,
    **BINARY,
    "cast": lambda a: a,
    "where": lambda condition, chosen, otherwise: torch.where(condition != 0, chosen, otherwise),
}

REDUCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "sum": lambda a: a.sum(-1),
    "mean": lambda a: a.mean(-1),
    "max": lambda a: a.amax(-1),
}


def _lstm(gates: Tensor, cell: Tensor) -> Tensor:
    """gates: (N, 4 H), before their functions, in the order input, forget, candidate, output; cell: (N, H).

    c' = sigmoid(f) c + sigmoid(i) tanh(g), h' = sigmoid(o) tanh(c') -> h' and c', (N, 2 H).
    """
    i, f, g, o = gates.chunk(4, -1)
    c = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
    return torch.cat([torch.sigmoid(o) * torch.tanh(c), c], -1)


def _gru(from_inputs: Tensor, from_hidden: Tensor, hidden: Tensor) -> Tensor:
    """The two (N, 3 H), before their functions, in the order reset, update, candidate; hidden: (N, H).

    n = tanh(n_x + sigmoid(r_x + r_h) n_h), h' = n + sigmoid(z_x + z_h) (h - n) -> (N, H).
    """
    r_x, z_x, n_x = from_inputs.chunk(3, -1)
    r_h, z_h, n_h = from_hidden.chunk(3, -1)
    n = torch.tanh(n_x + torch.sigmoid(r_x + r_h) * n_h)
    return n + torch.sigmoid(z_x + z_h) * (hidden - n)


def _cholesky_solve(matrix: Tensor, right: Tensor) -> Tensor:
    """x of matrix x = right, NaN where the matrix is not positive definite."""
    factor, failed = torch.linalg.cholesky_ex(matrix)
    solution = torch.cholesky_solve(right.unsqueeze(-1), factor).squeeze(-1)
    return torch.where(failed.unsqueeze(-1) == 0, solution, torch.nan)


LAYERS: dict[str, Callable[..., Tensor]] = {"lstm": _lstm, "gru": _gru, "cholesky_solve": _cholesky_solve}


def program_for(calendar: Tensor, observed: bool) -> str:
    """Name of the program of a day. calendar: (6,)."""
    return kind_of_day(calendar.tolist()) + ("_observed" if observed else "")


class _Values:
    """The values of a program while it runs, each (N, size) or (1, size), and views of them and of its constants."""

    def __init__(
        self, constants: list[Tensor], places: dict[int, Tensor], declared: list[dict[str, Any]], cells: int
    ) -> None:
        """places: elements that a reference touches, by its identity; filled here, and good for all runs."""
        self._constants, self._places = constants, places
        self._values = [
            torch.full((1 if value["uniform"] else cells, value["size"]), torch.nan, dtype=DTYPES[value["type"]])
            for value in declared
        ]

    def shift(self, item: dict[str, Any]) -> int:
        """Elements by which the day moves a reference or a place in the state row."""
        if "i" not in item:
            return 0
        value, element, stride = item["i"]
        return int(self._values[value][0, element]) * stride

    def read(self, ref: dict[str, Any]) -> Tensor:
        """(N or 1, *shape) of a reference."""
        data = self._values[ref["v"]] if "v" in ref else self._constants[ref["c"]].reshape(1, -1)
        return data[:, self._elements(ref)]

    def write(self, ref: dict[str, Any], data: Tensor) -> None:
        target = self._values[ref["v"]]
        target[:, self._elements(ref).flatten()] = data.reshape(len(data), -1).to(target.dtype)

    def _elements(self, ref: dict[str, Any]) -> Tensor:
        if id(ref) not in self._places:
            place = torch.tensor(ref.get("o", 0))
            for size, stride in zip(ref["n"], ref.get("t") or _row_major(ref["n"]), strict=True):
                place = place.unsqueeze(-1) + stride * torch.arange(size)
            self._places[id(ref)] = place
        return self._places[id(ref)] + self.shift(ref)


class Interpreter:
    """Runs programs from the contents of native.json and native.bin."""

    def __init__(self, text: str | bytes, blob: bytes) -> None:
        content = json_value(text)
        if content["version"] != 1:
            message = f"native program of version {content['version']}, expected 1"
            raise ValueError(message)
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
        """One day: fluxes (N, C) and the new state.

        drivers: (N, D); calendar: (6,) int64; state: (N, state_size); observed: (N, C).
        """
        inputs = {"drivers": drivers, "calendar": calendar.double().unsqueeze(0)}
        if observed is not None:
            inputs["observed"] = observed
        state = state.clone()
        flux = self._run(program_for(calendar, observed is not None), inputs, state)
        assert flux is not None
        return flux, state

    def _run(self, name: str, inputs: dict[str, Tensor], state: Tensor) -> Tensor | None:
        """Run a program, writing the new state into `state`, (N, state_size); the fluxes (N, C), if it gives any."""
        program, cells = self.programs[name], len(state)
        before, flux = state.clone(), None
        values = _Values(self.constants, self._places, program["values"], cells)
        for op in program["ops"]:
            kind = op["op"]
            if kind == "flux":
                flux = values.read(op["a"])
                flux = flux.reshape(len(flux), -1).expand(cells, -1).clone()
            elif kind == "store":
                stored = values.read(op["a"])
                stored = stored.reshape(len(stored), -1)
                start = op["at"] + values.shift(op)
                state[:, start : start + stored.shape[1]] = stored
            elif kind == "input":
                values.write(op["out"], inputs[op["name"]])
            elif kind == "load":
                start = op["at"] + values.shift(op)
                values.write(op["out"], before[:, start : start + int(torch.Size(op["out"]["n"]).numel())])
            elif kind == "linear":
                values.write(op["out"], self._linear(op, [values.read(ref) for ref in op["in"]]))
            else:
                operands = [values.read(op[letter]) for letter in "abc" if letter in op]
                values.write(op["out"], self._apply(op, operands))
        return flux

    def _linear(self, op: dict[str, Any], parts: list[Tensor]) -> Tensor:
        cells = max(len(part) for part in parts)
        inputs = torch.cat([part.expand(cells, *part.shape[1:]) for part in parts], dim=-1)
        bias = None if op["bias"] is None else self.constants[op["bias"]]
        return ACTIVATIONS[op["act"]](torch.nn.functional.linear(inputs, self.constants[op["weight"]], bias))

    def _apply(self, op: dict[str, Any], operands: list[Tensor]) -> Tensor:
        kind = op["op"]
        if kind in ELEMENTWISE:
            return ELEMENTWISE[kind](*operands)
        if kind in LAYERS:
            return LAYERS[kind](*operands)
        if kind == "contract":
            left, right = operands
            return (left * right).flatten(-op["k"]).sum(-1)
        if kind == "reduce":
            (reduced,) = operands
            return REDUCTIONS[op["how"]](reduced.flatten(-op["k"]))
        if kind == "krige":
            return self._krige(op, *operands)
        message = f"unknown operation {kind}"
        raise ValueError(message)

    def _krige(self, op: dict[str, Any], place: Tensor, features: Tensor) -> Tensor:
        """Mean of a Gaussian process over M sites, without those closer than `own_site` to the place."""
        site_place, site_features, dual, choice, precision = (
            self.constants[op[key]] for key in ("site_place", "site_features", "dual", "choice", "precision")
        )
        gap = (place.unsqueeze(1) - site_place).square().sum(-1).sqrt()
        contrast = (features.unsqueeze(1) - site_features).square().sum(-1).sqrt()
        means = []
        for role, weights in enumerate(dual.split(op["role_sizes"], 1)):
            share, reach, local_reach, _ = choice[role]
            near = torch.exp(-gap * (op["earth_radius"] / local_reach))
            similar = torch.exp(-0.5 * (contrast / reach) ** 2)
            covariance = op["common"] + share * similar + (1.0 - share) * near
            answer = covariance @ weights
            for row, excluded in enumerate(gap <= op["own_site"]):
                excluded_sites = torch.nonzero(excluded).flatten()
                if len(excluded_sites):
                    columns = precision[role][excluded_sites]
                    inner = torch.linalg.solve(columns[:, excluded_sites], weights[excluded_sites])
                    answer[row] -= (columns @ covariance[row]) @ inner
            means.append(answer)
        return torch.cat(means, dim=1)


def _row_major(shape: list[int]) -> list[int]:
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return strides[::-1]
