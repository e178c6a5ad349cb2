"""What numbers and text of a netCDF variable mean by the attributes beside them (CF 1.11, section 2.5.1, chapter 8).

Packing, fill and missing values, valid ranges and unsigned integers have the rules of the process model's own reader
(ecosys_sims/fortran/program/stored_values.f90); a test compares what the two read.
"""

from typing import Any

import numpy as np

Variable = Any  # of the package netCDF4, which the foundations do without
SAME_REAL = 1e-6  # relative difference within which a real number is a fill value
UNPACKED_KINDS = "fiu"
WIDTHS = {"i1": 1, "u1": 1, "i2": 2, "u2": 2, "i4": 3, "u4": 3, "i8": 4, "u8": 4, "f4": 5, "f8": 6}
DEFAULT_FILLS = {
    "i2": -32767.0, "u2": 65535.0, "i4": -2147483647.0, "u4": 4294967295.0, "i8": -9223372036854775806.0,
    "u8": 18446744073709551614.0, "f4": 9.969209968386869e36, "f8": 9.969209968386869e36,
}  # fmt: skip


class StoredValueError(ValueError):
    """A variable's attributes make no sense; the message names the variable and what is wrong."""


def texts(variable: Variable) -> list[str]:
    """The texts of a variable (n,) or of one without dimension, stored as strings or as characters."""
    variable.set_auto_mask(False)
    variable.set_auto_chartostring(False)
    if variable.dtype is not str and np.dtype(variable.dtype).kind not in "SU":
        message = f"{variable.name}: is not text"
        raise StoredValueError(message)
    names = np.asarray(variable[...])
    if names.dtype.kind == "S":  # characters, the last dimension is that of one text
        rows = np.atleast_2d(names)
        joined = [b"".join(row.ravel().tolist()) for row in rows.reshape(-1, rows.shape[-1])]
        try:
            return [text.split(b"\0")[0].decode("utf-8").rstrip(" ") for text in joined]
        except UnicodeDecodeError as error:
            message = f"{variable.name}: has characters that are not UTF-8"
            raise StoredValueError(message) from error
    return [str(name).rstrip(" ") for name in np.atleast_1d(names).ravel()]


def numbers(variable: Variable, rows: Any = Ellipsis) -> np.ndarray:
    """The values of a variable, or of a part of it, in its units; float64, NaN where there is none.

    Raises StoredValueError for text, and where attributes such as scale_factor are no numbers.
    """
    variable.set_auto_maskandscale(False)
    return decoded(variable, np.asarray(variable[rows]))


def decoded(variable: Variable, stored: np.ndarray) -> np.ndarray:
    """The values, float64 with NaN, that numbers stored in a variable mean."""
    kind = _kind(variable)
    if kind is None:
        message = f"{variable.name}: is not numbers"
        raise StoredValueError(message)
    scale, offset = _attribute(variable, "scale_factor", 1), _attribute(variable, "add_offset", 1)
    factor, shift = (1.0 if scale is None else float(scale[0])), (0.0 if offset is None else float(offset[0]))
    if not (np.isfinite(factor) and np.isfinite(shift) and factor != 0.0):
        message = f"{variable.name}: scale_factor {factor:g} or add_offset {shift:g} is none"
        raise StoredValueError(message)
    values = _unwrapped(variable, kind, np.asarray(stored, dtype=float))
    absent = np.isnan(values)
    for fill in _fills(variable, kind):
        tolerance = SAME_REAL * abs(fill) if kind[0] == "f" else 0.0
        with np.errstate(invalid="ignore"):
            absent |= np.abs(values - fill) <= tolerance
    packed = scale is not None or offset is not None
    unpacked = factor * values + shift if packed else values
    lowest, highest, width = _valid_range(variable, kind)
    widest = max((_width(array) for array in (scale, offset) if array is not None), default=0)
    # NetCDF Users' Guide, appendix A: a range of the type of the unpacked values, if that is wider, is that of values.
    ranged = unpacked if packed and width == widest and width > WIDTHS[kind] else values
    with np.errstate(invalid="ignore"):
        absent |= np.isfinite(ranged) & ((ranged < lowest) | (ranged > highest))
    return np.where(absent, np.nan, unpacked)


def _kind(variable: Variable) -> str | None:
    if variable.dtype is str:
        return None
    kind = np.dtype(variable.dtype).str[1:]
    return kind if kind in WIDTHS else None


def _width(array: np.ndarray) -> int:
    return WIDTHS.get(array.dtype.str[1:], 0)


def _attribute(variable: Variable, name: str, length: int | None = None) -> np.ndarray | None:
    """Numbers of an attribute, None where it is not there; StoredValueError where it is not `length` numbers."""
    if name not in variable.ncattrs():
        return None
    values = np.atleast_1d(np.asarray(variable.getncattr(name)))
    if values.dtype.kind not in UNPACKED_KINDS or values.size == 0 or (length is not None and values.size != length):
        message = f"{variable.name}: attribute {name} is {variable.getncattr(name)!r}, expected "
        raise StoredValueError(message + ("two numbers" if length == 2 else "a number"))
    return values


def _unwrapped(variable: Variable, kind: str, values: np.ndarray) -> np.ndarray:
    """Signed integers that the attribute `_Unsigned` says are unsigned, and the reverse."""
    unsigned = str(getattr(variable, "_Unsigned", "")).rstrip("\0 ")
    if kind in ("i1", "i2", "i4") and unsigned in ("true", "True"):
        return np.where(values < 0.0, values + 2.0 ** (8 * int(kind[1])), values)
    if kind in ("u1", "u2", "u4") and unsigned in ("false", "False"):
        bits = 8 * int(kind[1])
        return np.where(values >= 2.0 ** (bits - 1), values - 2.0**bits, values)
    return values


def _fills(variable: Variable, kind: str) -> list[float]:
    explicit = _attribute(variable, "_FillValue")
    fills = [DEFAULT_FILLS[kind]] if explicit is None and kind in DEFAULT_FILLS else []
    for array in (explicit, _attribute(variable, "missing_value")):
        if array is not None:
            fills += array.astype(float).tolist()
    meant = _unwrapped(variable, kind, np.array(fills, dtype=float))
    return [fill for fill in meant.tolist() if np.isfinite(fill)]


def _valid_range(variable: Variable, kind: str) -> tuple[float, float, int]:
    """Lowest and highest valid number, and the width of the type in which the file says so; 0 for no range."""
    lowest, highest, width = -np.inf, np.inf, 0
    for name, length in (("valid_min", 1), ("valid_max", 1), ("valid_range", 2)):
        array = _attribute(variable, name, length)
        if array is None:
            continue
        bounds = array.astype(float)
        if _width(array) <= WIDTHS[kind]:
            bounds = _unwrapped(variable, kind, bounds)
        if name != "valid_max" and not np.isnan(bounds[0]):
            lowest, width = max(lowest, float(bounds[0])), max(width, _width(array))
        if name != "valid_min" and not np.isnan(bounds[-1]):
            highest, width = min(highest, float(bounds[-1])), max(width, _width(array))
    return lowest, highest, width
