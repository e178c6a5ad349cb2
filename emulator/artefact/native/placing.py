"""Where numbers lie: loads of the state, values written where they are wanted, references in their shortest form."""

import math

from emulator.artefact.native.fusion import renamed, without_dead
from emulator.artefact.native.program import Op, Ref, State, Value, whole

SHAPED = ("linear", "contract", "reduce", "cholesky_solve", "krige", "lstm", "gru")
"""Operations whose operands have another shape than the result."""


def placed(ops: list[Op]) -> list[Op]:
    """Operations in their final form."""
    ops = _loaded(without_dead(ops))
    ops = without_dead(_without_copies(ops))
    ops = [_shortened(op) for op in ops]
    stores = sorted((op for op in ops if op.name == "store"), key=lambda op: op.options["at"])
    computed = [op for op in ops if op.name != "store"]
    return computed + _joined_stores(stores)


def _joined_stores(stores: list[Op]) -> list[Op]:
    """Neighbours in the state row that are neighbours in a value are stored together."""
    joined: list[Op] = []
    for op in stores:
        ref, previous = op.args[0], joined[-1] if joined else None
        if previous is not None and previous.options.get("index") is None and op.options.get("index") is None:
            last = previous.args[0]
            beside = last.base is ref.base and last.plain and ref.plain and ref.offset == last.offset + last.size
            if beside and op.options["at"] == previous.options["at"] + last.size:
                both = Ref(last.base, last.offset, (last.size + ref.size,), (1,))
                joined[-1] = Op("store", None, [both], previous.options)
                continue
        joined.append(op)
    return joined


def _loaded(ops: list[Op]) -> list[Op]:
    """Load what is read of the state row, each stretch once and just before it is first read."""
    ops = [_as_load(op) for op in ops]
    stretches = _stretches([ref for op in ops for ref in op.args if isinstance(ref.base, State)])
    loads: dict[tuple, Ref] = {}
    with_loads: list[Op] = []
    for op in ops:
        args = []
        for ref in op.args:
            if isinstance(ref.base, State):
                begin, end = ref.offset, ref.offset + ref.span
                if ref.index is None:
                    begin, end = next((b, e) for b, e in stretches if b <= ref.offset and end <= e)
                key = (begin, end, ref.index)
                if key not in loads:
                    loads[key] = whole(Value(end - begin))
                    with_loads.append(_load(loads[key], begin, ref))
                args.append(Ref(loads[key].base, ref.offset - begin, ref.shape, ref.strides))
            else:
                args.append(ref)
        with_loads.append(Op(op.name, op.out, args, op.options))
    return with_loads


def _load(out: Ref, at: int, ref: Ref) -> Op:
    options = {"at": at} if ref.index is None else {"at": at, "index": ref.index}
    return Op("load", out, [], options)


def _as_load(op: Op) -> Op:
    """A copy out of the state row to one place is a load."""
    if op.name != "copy" or not isinstance(op.args[0].base, State):
        return op
    assert op.out is not None
    source = op.args[0]
    return _load(op.out, source.offset, source) if source.contiguous and op.out.contiguous else op


def _stretches(refs: list[Ref]) -> list[tuple[int, int]]:
    """What is read of the state at places that do not depend on the day, what overlaps or touches made one."""
    stretches: list[tuple[int, int]] = []
    for begin, end in sorted((ref.offset, ref.offset + ref.span) for ref in refs if ref.index is None and ref.size):
        last_begin, last_end = stretches[-1] if stretches else (begin, begin - 1)
        if begin <= last_end:
            stretches[-1] = (last_begin, max(end, last_end))
        else:
            stretches.append((begin, end))
    return stretches


def _without_copies(ops: list[Op]) -> list[Op]:
    """A value that is copied as a whole to a place is written there in the first place."""
    place: dict[Value, tuple[Value, int]] = {}

    def root(value: Value) -> Value:
        while value in place:
            value = place[value][0]
        return value

    computed = []
    for op in ops:
        if op.name == "copy" and op.out is not None and op.out.plain:
            source, target = op.args[0], op.out.base
            base = source.base
            assert isinstance(target, Value)
            if (
                isinstance(base, Value)
                and base not in place
                and source.plain
                and source.size == base.size
                and base.uniform == target.uniform
                and root(target) is not base
            ):
                place[base] = (target, op.out.offset)
                continue
        computed.append(op)
    return renamed(computed, place)


def _shortened(op: Op) -> Op:
    """Dimensions of size 1 left out, and dimensions that lie one after another in all operands made one."""
    if op.name == "flux":
        return Op(op.name, None, [_line(op.args[0])], op.options)
    if op.name == "store":
        return Op(op.name, None, _merged(op.args), op.options)
    assert op.out is not None
    if op.name in ("input", "load"):
        return Op(op.name, Ref(op.out.base, op.out.offset, (op.out.size,), (1,), op.out.index), [], op.options)
    if op.name == "linear":
        rows = len(op.out.shape) - 1
        lead, *leads = _merged([_lead(ref, rows) for ref in (op.out, *op.args)])
        args = [_with_tail(head, ref, rows) for head, ref in zip(leads, op.args, strict=True)]
        return Op(op.name, _with_tail(lead, op.out, rows), args, op.options)
    if op.name in ("contract", "reduce"):
        rows = len(op.out.shape)
        lead, *leads = _merged([op.out, *(_lead(ref, rows) for ref in op.args)])
        tails = _merged([_tail(ref, rows) for ref in op.args])
        count = max(1, len(tails[0].shape))
        tails = [tail if tail.shape else Ref(tail.base, tail.offset, (1,), (0,), tail.index) for tail in tails]
        args = [_beside(head, tail) for head, tail in zip(leads, tails, strict=True)]
        return Op(op.name, lead, args, op.options | {"k": count})
    if op.name == "cholesky_solve":
        rows = len(op.out.shape) - 1
        lead, *leads = _merged([_lead(ref, rows) for ref in (op.out, *op.args)])
        args = [_with_tail(head, ref, rows) for head, ref in zip(leads, op.args, strict=True)]
        return Op(op.name, _with_tail(lead, op.out, rows), args, op.options)
    if op.name in SHAPED:
        return Op(op.name, _line(op.out), [_line(ref) for ref in op.args], op.options)
    out, *args = _merged([op.out, *op.args])
    return Op(op.name, out, args, op.options)


def _line(ref: Ref) -> Ref:
    """One dimension, also of one element."""
    short = _merged([ref])[0]
    return short if short.shape else Ref(ref.base, ref.offset, (1,), (1,), ref.index)


def _lead(ref: Ref, rows: int) -> Ref:
    return Ref(ref.base, ref.offset, ref.shape[:rows], ref.strides[:rows], ref.index)


def _tail(ref: Ref, rows: int) -> Ref:
    return Ref(ref.base, ref.offset, ref.shape[rows:], ref.strides[rows:], ref.index)


def _beside(lead: Ref, tail: Ref) -> Ref:
    return Ref(lead.base, lead.offset, (*lead.shape, *tail.shape), (*lead.strides, *tail.strides), lead.index)


def _with_tail(lead: Ref, ref: Ref, rows: int) -> Ref:
    return _beside(lead, _tail(ref, rows))


def _merged(refs: list[Ref]) -> list[Ref]:
    """References of one shape, with as few dimensions as they can all have."""
    if math.prod(refs[0].shape) == 0:
        return refs
    sizes: list[int] = []
    steps: list[list[int]] = []
    for dim, size in enumerate(refs[0].shape):
        if size == 1:
            continue
        strides = [ref.strides[dim] for ref in refs]
        if sizes and all(before == size * stride for before, stride in zip(steps[-1], strides, strict=True)):
            sizes[-1] *= size
            steps[-1] = strides
        else:
            sizes.append(size)
            steps.append(strides)
    return [
        Ref(ref.base, ref.offset, tuple(sizes), tuple(step[number] for step in steps), ref.index)
        for number, ref in enumerate(refs)
    ]
