"""What makes a method short: recurrent cells as one operation, sums of linear operations, activations in them."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from emulator.artefact.native.emission import elements
from emulator.artefact.native.interpreter import ACTIVATIONS
from emulator.artefact.native.program import Constant, Index, Op, Ref, Value, row_major, whole

Match = tuple[Op, dict[Value, tuple[Value, int]], Op]
"""A new operation, the values that become parts of its result, and the operation in whose place it comes."""


LARGEST_SHIFT = 4.0
"""Constants up to this are added to inputs of a linear operation by way of its bias."""


def fuse(ops: list[Op]) -> list[Op]:
    """Shorter operations that give the same results."""
    ops = without_dead(ops)
    ops = _cells(ops, _lstm)
    ops = _cells(ops, _gru)
    ops = _sums(ops)
    ops = _biases(ops)
    ops = _inputs(ops)
    ops = _activations(ops)
    return without_dead(ops)


def without_dead(ops: list[Op]) -> list[Op]:
    """Only operations of whose result something is used, stored or given out."""
    live: dict[Value, list[tuple[int, int]]] = defaultdict(list)
    needed: list[Op] = []
    for op in reversed(ops):
        if op.out is None or _overlaps(op.out, live):
            needed.append(op)
            for value, begin, end in _reads(op):
                live[value].append((begin, end))
    return needed[::-1]


def _reads(op: Op) -> Iterator[tuple[Value, int, int]]:
    """Stretches of values that an operation reads."""
    for ref in op.args:
        if isinstance(ref.base, Value) and ref.size:
            everything = ref.index is not None
            yield ref.base, *((0, ref.base.size) if everything else (ref.offset, ref.offset + ref.span))
    for value, element, _ in op.indices():
        yield value, element, element + 1


def _overlaps(ref: Ref, stretches: dict[Value, list[tuple[int, int]]]) -> bool:
    base = ref.base
    assert isinstance(base, Value)
    return any(begin < ref.offset + ref.span and ref.offset < end for begin, end in stretches.get(base, ()))


def renamed(ops: list[Op], place: dict[Value, tuple[Value, int]]) -> list[Op]:
    """Values become parts of others, from an element on."""

    def move(ref: Ref) -> Ref:
        base, offset = ref.base, ref.offset
        while isinstance(base, Value) and base in place:
            base, begin = place[base]
            offset += begin
        index = ref.index
        while index is not None and index.value in place:
            value, begin = place[index.value]
            index = Index(value, index.element + begin, index.stride)
        return Ref(base, offset, ref.shape, ref.strides, index)

    moved = []
    for op in ops:
        options = dict(op.options)
        if options.get("index") is not None:
            index = options["index"]
            element = move(Ref(index.value, index.element, (), ()))
            assert isinstance(element.base, Value)
            options["index"] = Index(element.base, element.offset, index.stride)
        moved.append(Op(op.name, None if op.out is None else move(op.out), [move(ref) for ref in op.args], options))
    return moved


class _Writers:
    """Which operation wrote a value, where only one did and wrote all of it."""

    def __init__(self, ops: list[Op]) -> None:
        self.uses: dict[Value, int] = defaultdict(int)
        self._writer: dict[Value, Op | None] = {}
        for op in ops:
            for ref in op.args:
                if isinstance(ref.base, Value):
                    self.uses[ref.base] += 1
            for value, _, _ in op.indices():
                self.uses[value] += 1
            if op.out is not None:
                base = op.out.base
                assert isinstance(base, Value)
                complete = op.out.plain and op.out.size == base.size and base not in self._writer
                self._writer[base] = op if complete else None

    def of(self, ref: Ref) -> Op | None:
        """The operation whose result the reference is, all of it and in order."""
        if not isinstance(ref.base, Value) or not ref.plain or ref.size != ref.base.size:
            return None
        return self._writer.get(ref.base)

    def sole_linear(self, ref: Ref) -> Op | None:
        """The linear operation, without activation, whose result the reference is, if nothing else is made of it."""
        op = self.of(ref)
        if op is None or op.name != "linear" or op.options["act"] != "none" or self.readers(ref) != 1:
            return None
        return op

    def readers(self, ref: Ref) -> int:
        """How often the value of a reference is read."""
        return self.uses[ref.base] if isinstance(ref.base, Value) else 0

    def writer(self, ref: Ref) -> Op | None:
        """The only operation that wrote the value of a reference."""
        return self._writer.get(ref.base) if isinstance(ref.base, Value) else None

    def peel(self, ref: Ref | None, name: str) -> list[Ref]:
        """Operands, as runs of elements, of the elementwise operation that made these elements; none for another."""
        if ref is None or not isinstance(ref.base, Value) or not ref.plain:
            return []
        op = self._writer.get(ref.base)
        if op is None or op.name != name or any(not arg.plain or arg.size != ref.base.size for arg in op.args):
            return []
        return [Ref(arg.base, arg.offset + ref.offset, (ref.size,), (1,)) for arg in op.args]

    def operand(self, ref: Ref | None, name: str) -> Ref | None:
        """The operand of an operation of one."""
        operands = self.peel(ref, name)
        return operands[0] if operands else None

    def pairs(self, ref: Ref | None, name: str) -> list[tuple[Ref, Ref]]:
        """The operands of an operation of two, in both orders."""
        operands = self.peel(ref, name)
        return [(operands[0], operands[1]), (operands[1], operands[0])] if len(operands) == 2 else []


def _cells(ops: list[Op], match: Callable[[_Writers, Op], Match | None]) -> list[Op]:
    """Replace all matches of a recurrent cell."""
    writers = _Writers(ops)
    place: dict[Value, tuple[Value, int]] = {}
    instead: dict[Op, Op] = {}
    for op in ops:
        cell = match(writers, op) if op.out is not None and writers.of(op.out) is op else None
        if cell is not None:
            new, values, position = cell
            place |= values
            instead[position] = new
    ops = [instead.get(op, op) for op in ops if op in instead or op.out is None or op.out.base not in place]
    return without_dead(renamed(ops, place))


def _run(ref: Ref, gates: int) -> Ref:
    return Ref(ref.base, ref.offset, (gates * ref.size,), (1,))


def _in_order(*gates: Ref | None) -> bool:
    """Whether runs of elements follow one another."""
    first = gates[0]
    return first is not None and all(
        gate is not None and gate.base is first.base and gate.offset == first.offset + number * first.size
        for number, gate in enumerate(gates)
    )


def _lstm(writers: _Writers, op: Op) -> Match | None:
    """h = sigmoid(o) tanh(c'), c' = sigmoid(f) c + sigmoid(i) tanh(g)."""
    assert op.out is not None
    for out_gate, squashed in writers.pairs(op.out, "mul"):
        o, after = writers.operand(out_gate, "sigmoid"), writers.operand(squashed, "tanh")
        made = writers.of(after) if after is not None else None
        if o is None or made is None:
            continue
        for remembered, written in writers.pairs(after, "add"):
            for forget, c in writers.pairs(remembered, "mul"):
                for take, candidate in writers.pairs(written, "mul"):
                    i, f = writers.operand(take, "sigmoid"), writers.operand(forget, "sigmoid")
                    g = writers.operand(candidate, "tanh")
                    if _in_order(i, f, g, o):
                        assert i is not None
                        assert after is not None
                        assert isinstance(op.out.base, Value)
                        assert isinstance(after.base, Value)
                        hidden_and_cell = Value(2 * o.size, op.out.base.dtype)
                        values = {op.out.base: (hidden_and_cell, 0), after.base: (hidden_and_cell, o.size)}
                        return Op("lstm", whole(hidden_and_cell), [_run(i, 4), c]), values, made
    return None


def _gru(writers: _Writers, op: Op) -> Match | None:
    """h' = n + z (h - n), n = tanh(a_n + r b_n), r and z = sigmoid(a + b)."""
    assert op.out is not None
    for n, change in writers.pairs(op.out, "add"):
        inner = writers.operand(n, "tanh")
        for update, difference in writers.pairs(change, "mul"):
            z = writers.operand(update, "sigmoid")
            before, subtracted = writers.peel(difference, "sub") or (None, None)
            if before is None or subtracted != n or z is None:
                continue
            for a_n, gated in writers.pairs(inner, "add"):
                for reset, b_n in writers.pairs(gated, "mul"):
                    r = writers.operand(reset, "sigmoid")
                    for a_r, b_r in writers.pairs(r, "add"):
                        for a_z, b_z in writers.pairs(z, "add"):
                            if _in_order(a_r, a_z, a_n) and _in_order(b_r, b_z, b_n):
                                assert isinstance(op.out.base, Value)
                                hidden = Value(a_r.size, op.out.base.dtype)
                                new = Op("gru", whole(hidden), [_run(a_r, 3), _run(b_r, 3), before])
                                return new, {op.out.base: (hidden, 0)}, op
    return None


def _sums(ops: list[Op]) -> list[Op]:
    """The sum of two linear operations is one, with the inputs of both."""
    writers = _Writers(ops)
    return without_dead([_joined(op, writers) for op in ops])


def _joined(op: Op, writers: _Writers) -> Op:
    """The linear operation that a sum of two comes to; any other operation as it is."""
    if op.name != "add":
        return op
    sources = [source for ref in op.args if (source := writers.sole_linear(ref)) is not None]
    if len(sources) != len(op.args):
        return op
    first, second = sources
    assert first.out is not None
    assert op.out is not None
    if second.out is None or first.out.shape != second.out.shape:
        return op
    biases = [source.options["bias"] for source in sources if source.options["bias"] is not None]
    options = {
        "weight": Constant(torch.cat([source.options["weight"].data for source in sources], dim=1)),
        "bias": Constant(sum(bias.data for bias in biases)) if biases else None,
        "act": "none",
    }
    out = Ref(op.out.base, op.out.offset, first.out.shape, row_major(first.out.shape))
    return Op("linear", out, [*first.args, *second.args], options)


def _biases(ops: list[Op]) -> list[Op]:
    """A constant that is added to some results of a linear operation, of which nothing else is made, goes into its
    bias.
    """
    writers = _Writers(ops)
    reads: dict[Value, list[tuple[int, int, Op]]] = defaultdict(list)
    for op in ops:
        for value, begin, end in _reads(op):
            reads[value].append((begin, end, op))
    place: dict[Value, tuple[Value, int]] = {}
    gone: set[Op] = set()
    for op in ops:
        if op.name != "add" or op.out is None or writers.of(op.out) is not op:
            continue
        assert isinstance(op.out.base, Value)
        for ref, other in (op.args, op.args[::-1]):
            source = writers.writer(ref)
            if source is None or source.name != "linear" or source.options["act"] != "none" or not ref.plain:
                continue
            assert isinstance(ref.base, Value)
            assert source.out is not None
            begin, end = ref.offset, ref.offset + ref.size
            alone = all(reader is op or last <= begin or end <= first for first, last, reader in reads[ref.base])
            rows = source.options["weight"].data.shape[0]
            if not isinstance(other.base, Constant) or not alone or source.out.size != rows:
                continue
            bias = source.options["bias"]
            more = torch.zeros(rows, dtype=torch.float64) if bias is None else bias.data.double()
            more[begin:end] += elements(other).flatten().double()
            source.options["bias"] = Constant(more.to(source.options["weight"].dtype))
            place[op.out.base] = (ref.base, begin)
            gone.add(op)
            break
    return renamed([op for op in ops if op not in gone], place)


def _inputs(ops: list[Op]) -> list[Op]:
    """Inputs of one linear operation alone that are scaled or moved by constants: its weights and bias do that."""
    writers = _Writers(ops)
    return without_dead([_absorbing(op, writers) if op.name == "linear" else op for op in ops])


def _absorbing(op: Op, writers: _Writers) -> Op:
    """A linear operation whose weights and bias do what was done to its inputs."""
    args, weight, bias, begin = [], op.options["weight"].data.double(), op.options["bias"], 0
    moved = torch.zeros(len(weight), dtype=torch.float64) if bias is None else bias.data.double()
    changed = False
    for arg in op.args:
        ref, columns = arg, slice(begin, begin + arg.shape[-1])
        begin += arg.shape[-1]
        while len(ref.shape) == 2 and ref.shape[0] == 1:
            affine = _affine(writers, ref)
            if affine is None:
                break
            ref = affine.x
            moved = moved + weight[:, columns] @ affine.shift
            weight = weight.clone()
            weight[:, columns] *= affine.scale
            changed = True
        args.append(ref)
    if not changed:
        return op
    dtype = op.options["weight"].dtype
    bias = None if bias is None and not moved.any() else Constant(moved.to(dtype))
    return Op(op.name, op.out, args, op.options | {"weight": Constant(weight.to(dtype)), "bias": bias})


class Affine(NamedTuple):
    """scale x + shift, with a number for each element of x."""

    x: Ref
    scale: Tensor
    shift: Tensor


def _affine(writers: _Writers, ref: Ref) -> Affine | None:
    """What an input is of x, where it is scale x or x + shift and nothing else is made of it. Large shifts are not
    taken: a small difference of large numbers is best taken before it is multiplied.
    """
    op = writers.of(ref)
    if op is None or op.name not in ("mul", "add", "sub") or writers.readers(ref) != 1:
        return None
    unit = torch.ones(ref.size, dtype=torch.float64)
    for operand, other in (op.args, op.args[::-1]):
        if not isinstance(other.base, Constant) or not operand.plain:
            continue
        if op.name == "sub" and operand is op.args[1]:
            continue
        x = Ref(operand.base, operand.offset, ref.shape, ref.strides)
        number = elements(other).double().flatten()
        if op.name == "mul":
            return Affine(x, number, 0.0 * unit)
        if float(number.abs().max()) <= LARGEST_SHIFT:
            return Affine(x, unit, number if op.name == "add" else -number)
    return None


def _activations(ops: list[Op]) -> list[Op]:
    """An activation that is all that becomes of a linear operation is done with it."""
    writers = _Writers(ops)
    instead: dict[Op, Op | None] = {}
    for op in ops:
        source = writers.of(op.args[0]) if op.name in ACTIVATIONS and op.out is not None else None
        if source is None or source.name != "linear" or source.options["act"] != "none":
            continue
        assert source.out is not None
        assert op.out is not None
        if writers.readers(source.out) != 1:
            continue
        out = Ref(op.out.base, op.out.offset, source.out.shape, row_major(source.out.shape))
        instead[source] = Op("linear", out, source.args, source.options | {"act": op.name})
        instead[op] = None
    return [new for new in (instead.get(op, op) for op in ops) if new is not None]
