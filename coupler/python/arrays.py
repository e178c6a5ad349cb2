"""Arrays of a host: plain numbers in a type and shape that need no copy, cast or broadcast, or refused."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

REALS = ("float32", "float64")
NUMBERS = (*REALS, "int32", "int64")
MASKS = ("bool", "int32", "int64")
CHECKSUMS = ("uint32", "int32")


def refuse_more_than_numbers(what: str, values: object) -> None:
    """TypeError where an array says more than its numbers: a mask or a unit, which the library would not see."""
    if isinstance(values, np.ma.MaskedArray):
        message = f"{what}: a masked array, whose mask would be lost; give numbers alone, such as values.filled(np.nan)"
        raise TypeError(message)
    if isinstance(values, np.ndarray) and type(values) not in (np.ndarray, np.memmap):
        message = f"{what}: expected a plain numpy array, not {type(values).__name__}, which may hold more than numbers"
        raise TypeError(message)


def require_array(
    what: str, values: object, types: tuple[str, ...], dimensions: tuple[int, ...], written: bool = False
) -> NDArray:
    """`values`, a plain numpy array of one of the types and numbers of dimensions; else TypeError that names `what`.

    written: the array receives results and must not be read-only.
    """
    refuse_more_than_numbers(what, values)
    if not isinstance(values, np.ndarray):
        message = f"{what}: expected a numpy array, not {type(values).__name__}"
        raise TypeError(message)
    if values.ndim not in dimensions:
        expected = " or ".join({1: "one", 2: "two"}[n] for n in dimensions)
        message = f"{what}: expected a {expected}-dimensional array, its shape is {values.shape}"
        raise TypeError(message)
    if values.dtype.name not in types or not values.dtype.isnative:
        message = f"{what}: type {values.dtype} is not one of {', '.join(types)}"
        raise TypeError(message)
    if written and not values.flags.writeable:
        message = f"{what}: the array is read-only"
        raise TypeError(message)
    return values


def require_shape(what: str, values: NDArray, *shapes: tuple[int, ...]) -> None:
    """ValueError unless the array has one of the shapes: nothing is broadcast."""
    if values.shape not in shapes:
        message = f"{what} has shape {values.shape}, expected {' or '.join(str(shape) for shape in shapes)}"
        raise ValueError(message)
