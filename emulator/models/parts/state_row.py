"""The named fields of a state row.

A state row is a tuple of fields (N, size), one beside the other. Who owns a row declares its fields once, as a
`NamedTuple` of tensors, whose order is the order in the row; `field_sizes` says how wide each is. A row is taken apart
with `split`, at one place, and put together with `torch.cat(fields, dim=1)`: both are what TorchScript takes.
"""


def field_sizes(fields: type[tuple], **sizes: int) -> list[int]:
    """Sizes in the order of the fields; TypeError where a field has no size or a size no field."""
    names: tuple[str, ...] = fields._fields  # type: ignore[attr-defined] # NamedTuple has no type of its own
    if set(names) != set(sizes):
        message = f"{fields.__name__} has the fields {', '.join(names)}, sizes are of {', '.join(sizes)}"
        raise TypeError(message)
    return [sizes[name] for name in names]
