"""What the variables of a dataset are: what its file says, and where that says nothing, the table of variables.

A variable that the table does not have is as good as any other (docs/formats.md, section 1, "Variables of your own").
"""

import difflib
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import netCDF4
import numpy as np

from emulator.data.classes import codes_of
from emulator.data.dataset_file import ROLES, DatasetError, declared_classes, open_checked
from emulator.data.identities import missing_terms
from emulator.data.normals import driver_of, is_normal, normal_of
from emulator.data.signature import DRIVER_ROLES, Signature, require_distinct
from foundations.units import unit_conversion
from foundations.variables import DAY_VALUES, VARIABLES, Variable

log = logging.getLogger(__name__)

NEAR = 3
"""How many names are proposed in place of one that is not there."""
_CELL_METHOD = re.compile(r"\btime:\s*(\w+)")
Use = Literal["inputs", "statics", "targets"]


def resolve(
    path: str | Path,
    inputs: Sequence[str] | None = None,
    statics: Sequence[str] | None = None,
    targets: Sequence[str] | None = None,
    identities: Mapping[str, str] | None = None,
) -> Signature:
    """The variables that a model takes and gives, as a dataset file describes them.

    Of a list that is None, all variables of the file with the roles of that list: those of the table in its order, then
    the others by name, which is the same for netCDF and Zarr.
    identities: sums by target, in place of those that file and table declare; an empty text = the target is learned.
    DatasetError names the file, the variable and the remedy.
    """
    path = Path(path)
    with open_checked(path) as file:
        lists: dict[Use, Sequence[str] | None] = {"inputs": inputs, "statics": statics, "targets": targets}
        listed = {name for names in lists.values() for name in names or ()}
        for use, names in lists.items():
            try:
                require_distinct(names or (), f"data.{use}")
            except ValueError as error:
                message = f"{path}: {error}"
                raise DatasetError(message) from None
        parts = {
            use: _of_roles(file, path, use, listed) if names is None else _named(file, path, use, names)
            for use, names in lists.items()
        }
        parts["targets"] = tuple(_bounded_by_file(file, path, t, parts["statics"]) for t in parts["targets"])
    parts["targets"] = _with_identities(path, parts, identities or {})
    signature = Signature(parts["inputs"], parts["statics"], parts["targets"])
    _check_uses(path, signature)
    return signature


def describe(in_file: netCDF4.Variable, path: Path) -> Variable:
    """A variable as its file describes it; role and units are empty where nobody gives them."""
    table = _table_row(in_file)
    role = str(getattr(in_file, "role", table.role if table else ""))
    if role and role not in ROLES:
        message = f"{path}: {in_file.name}: role is '{role}', expected one of {', '.join(ROLES)}"
        raise DatasetError(message)
    units = str(getattr(in_file, "units", ""))
    variable = table or _foreign(in_file, units)
    variable = replace(variable, role=role, long_name=str(getattr(in_file, "long_name", variable.long_name)))
    numbers, words = declared_classes(in_file, path)
    if numbers:
        return _of_classes(variable, numbers, words)
    if table is not None and not table.flag_values and units:
        _require_conversion(path, in_file.name, units, table.units)
    variable = replace(variable, **_ranges(in_file, path, units, variable.units))
    variable = replace(variable, accumulate=_day_value(in_file, path, variable.accumulate))
    if variable.role == "target":
        return _as_target(variable, in_file, path)
    return variable


def _table_row(in_file: netCDF4.Variable) -> Variable | None:
    """What the table has under the name of a variable, None where the file means something else by it.

    That is so where neither role nor units are the table's: `ch4` is a mole fraction there, and may be a flux here.
    """
    table = VARIABLES.get(in_file.name)
    if table is None or str(getattr(in_file, "role", table.role)) == table.role or "units" not in in_file.ncattrs():
        return table
    try:
        unit_conversion(str(in_file.units), table.units, table.name)
    except ValueError:
        return None
    return table


def _foreign(in_file: netCDF4.Variable, units: str) -> Variable:
    """A variable that the table does not have. By its standard name it is compressed as the one that has it there."""
    name, standard_name = in_file.name, str(getattr(in_file, "standard_name", ""))
    like = next((v for v in VARIABLES.values() if standard_name and v.standard_name == standard_name), None)
    skewed, least_spread = str(getattr(in_file, "skewed", "")) in ("yes", "1", "true"), 0.0
    if like is not None:
        try:
            least_spread = unit_conversion(like.units, units, like.name)[0] * like.least_spread
            skewed = skewed or like.skewed
        except ValueError:
            log.warning("%s: units '%s' are not those of the standard name %s", name, units, standard_name)
    return Variable(
        name=name,
        units=units,
        role="",
        long_name=name,
        skewed=skewed,
        least_spread=least_spread,
        standard_name=standard_name,
    )


def _of_classes(variable: Variable, numbers: tuple[int, ...], words: tuple[str, ...]) -> Variable:
    """A variable of classes: by the table's numbers where the table has all the file's meanings, else by the file's."""
    if variable.flag_values and set(words) <= set(variable.flag_meanings):
        return variable
    if variable.flag_values:
        foreign = sorted(set(words) - set(variable.flag_meanings))
        log.info("%s: classes of its own: %s", variable.name, ", ".join(foreign) or "numbers without meaning")
    return replace(
        variable,
        flag_values=numbers,
        flag_meanings=words,
        units="1",
        accumulate="last",
        skewed=False,
        least_spread=0.0,
        valid_min=None,
        valid_max=None,
        daily_min=None,
        daily_max=None,
    )


def _ranges(in_file: netCDF4.Variable, path: Path, units: str, to_units: str) -> dict[str, Any]:
    """What the file says of valid and plausible values, in `to_units`; `minimum` and `maximum` stay as they are."""
    names = {"valid": ("valid_min", "valid_max"), "plausible": ("daily_min", "daily_max")}
    ranges: dict[str, Any] = {}
    for kind, ends in names.items():
        low, high = _pair(in_file, path, f"{kind}_range") or (None, None)
        low, high = (_number(in_file, path, f"{kind}_{end}", value) for end, value in (("min", low), ("max", high)))
        for end, value in zip(ends, (low, high), strict=True):
            if value is not None:
                factor, offset = _require_conversion(path, in_file.name, units, to_units)
                ranges[end] = factor * (_unpacked(in_file, value) if kind == "valid" else value) + offset
    return ranges


def _as_target(variable: Variable, in_file: netCDF4.Variable | None = None, path: Path | None = None) -> Variable:
    """A target: learned in the analysis units of file or table, else in its units; with bounds and identity."""
    variable = replace(variable, role="target", analysis_units=variable.analysis_units or variable.units)
    if in_file is None or path is None:
        return variable
    analysis_units = str(getattr(in_file, "analysis_units", variable.analysis_units))
    _require_conversion(path, in_file.name, variable.units, analysis_units)
    minimum = _number(in_file, path, "minimum", variable.minimum)
    maximum = _number(in_file, path, "maximum", variable.maximum)
    if {minimum, maximum} - {None, 0.0} or (minimum, maximum) == (0.0, 0.0):
        message = f"{path}: {in_file.name}: minimum {minimum}, maximum {maximum}; only one of them may be given, as 0"
        raise DatasetError(message)
    identity = str(getattr(in_file, "identity", variable.identity)).strip()
    return replace(variable, analysis_units=analysis_units, minimum=minimum, maximum=maximum, identity=identity)


def _of_roles(file: netCDF4.Dataset, path: Path, use: Use, listed: set[str]) -> tuple[Variable, ...]:
    """All variables of a file that have a role of this use and are not listed for any."""
    roles = {"inputs": DRIVER_ROLES, "statics": ("static",), "targets": ("target",)}[use]
    order = {name: place for place, name in enumerate(VARIABLES)}
    names = sorted(file.variables, key=lambda name: (order.get(name, len(order)), name))
    candidates = [file.variables[name] for name in names if name not in listed]
    described = [describe(variable, path) for variable in candidates if _may_be_data(variable)]
    chosen = tuple(variable for variable in described if variable.role in roles)
    if not chosen:
        message = f"{path}: no variable has the role {' or '.join(roles)}; set `role` in the file, or list data.{use}"
        raise DatasetError(message)
    return chosen


def _may_be_data(in_file: netCDF4.Variable) -> bool:
    return in_file.name in VARIABLES or "role" in in_file.ncattrs()


def _named(file: netCDF4.Dataset, path: Path, use: Use, names: Sequence[str]) -> tuple[Variable, ...]:
    return tuple(_in_use(_find(file, path, use, name), file.variables.get(name), path, use) for name in names)


def _find(file: netCDF4.Dataset, path: Path, use: Use, name: str) -> Variable:
    """A variable of the file, or of the table where the file lacks it, which reading will tell."""
    if name in file.variables:
        return describe(file.variables[name], path)
    if name in VARIABLES:
        return VARIABLES[name]
    if use == "statics" and is_normal(name) and driver_of(name) in file.variables:
        return normal_of(describe(file.variables[driver_of(name)], path), name)
    data = [other for other, v in file.variables.items() if v.dimensions in (("site",), ("site", "time"))]
    folded = {other.lower(): other for other in dict.fromkeys([*VARIABLES, *data])}
    near = [folded[match] for match in difflib.get_close_matches(name.lower(), folded, NEAR, 0.5)]
    hint = f"did you mean {' or '.join(near)}?" if near else f"the file has {', '.join(data)}"
    message = f"{path}: data.{use}: '{name}' is neither in the file nor in the table of variables; {hint}"
    raise DatasetError(message)


def _in_use(variable: Variable, in_file: netCDF4.Variable | None, path: Path, use: Use) -> Variable:
    """The variable in the role that a list gives it: a flux may drive a model, and a state may be learned."""
    role = variable.role
    if use == "inputs" and role in ("", "target"):
        return replace(
            variable, role="fast", analysis_units="", minimum=None, maximum=None, identity="", bounded_classes=()
        )
    if use == "targets" and role in ("", "state", "target"):
        return _as_target(variable, in_file, path)
    if use == "statics" and role in ("", "static"):
        return replace(variable, role="static")
    if use == "inputs" and role in DRIVER_ROLES:
        return variable
    place = "statics" if role == "static" else "targets" if role == "target" else "inputs"
    message = f"{path}: data.{use}: the role of '{variable.name}' is {role}; list it in data.{place}, or mend its role"
    raise DatasetError(message)


def _bounded_by_file(file: netCDF4.Dataset, path: Path, target: Variable, statics: Sequence[Variable]) -> Variable:
    """The target with the classes of sites that the file limits its bound to: `bounded_classes = "biome: bog fen"`.

    Where that class is not among the statics nobody could keep the bound, and the target has none.
    """
    text = str(getattr(file.variables[target.name], "bounded_classes", "")) if target.name in file.variables else ""
    if not text:
        return target
    by_name = {static.name: static for static in statics}
    bounds = []
    for part in text.split(";"):
        name, colon, words = part.partition(":")
        if not colon or not words.split():
            message = f"{path}: {target.name}: bounded_classes is '{text}', expected 'VARIABLE: MEANING MEANING; ...'"
            raise DatasetError(message)
        if name.strip() not in by_name:
            log.warning("%s: %s: has no bound, '%s' is not among the statics", path, target.name, name.strip())
            return replace(target, minimum=None, maximum=None)
        try:
            bounds.append((name.strip(), codes_of(by_name[name.strip()], words.split())))
        except ValueError as error:
            message = f"{path}: {target.name}: bounded_classes: {error}"
            raise DatasetError(message) from None
    return replace(target, bounded_classes=tuple(bounds))


def _with_identities(
    path: Path, parts: Mapping[Use, tuple[Variable, ...]], identities: Mapping[str, str]
) -> tuple[Variable, ...]:
    """The targets with the identities of the configuration, and without those whose terms are not there."""
    names = [target.name for target in parts["targets"]]
    if foreign := sorted(identities.keys() - set(names)):
        message = f"{path}: data.identities: {', '.join(foreign)} not among the targets: {', '.join(names)}"
        raise DatasetError(message)
    targets = []
    for target in parts["targets"]:
        declared = replace(target, identity=identities.get(target.name, target.identity).strip())
        if declared.identity:
            try:
                missing = missing_terms(declared, parts["inputs"], parts["targets"])
            except ValueError as error:
                message = f"{path}: {error}"
                raise DatasetError(message) from None
            if missing and target.name in identities:
                message = (
                    f"{path}: data.identities.{target.name}: {', '.join(missing)} is neither among the inputs nor "
                    "among the targets"
                )
                raise DatasetError(message)
            declared = declared if not missing else replace(declared, identity="")
        targets.append(declared)
    return tuple(targets)


def _check_uses(path: Path, signature: Signature) -> None:
    """DatasetError where a name has two uses, a variable has no units, or identities do not fit."""
    both = sorted(set(signature.input_names) & set(signature.target_names))
    if both:
        message = f"{path}: {', '.join(both)} cannot be input and target at once; list it in one of them"
        raise DatasetError(message)
    for variable in (*signature.inputs, *signature.statics, *signature.targets):
        if not variable.units and not variable.flag_values:
            message = f"{path}: {variable.name}: attribute units is missing; give it one, '1' for a plain number"
            raise DatasetError(message)
    for target in signature.targets:
        if target.flag_values:
            message = f"{path}: {target.name}: has classes (flag_values); only numbers can be targets"
            raise DatasetError(message)
    try:
        _ = signature.identities
    except ValueError as error:
        message = f"{path}: {error}"
        raise DatasetError(message) from None


def _day_value(in_file: netCDF4.Variable, path: Path, otherwise: str) -> str:
    """How a host's steps become the value of a day, by `cell_methods`."""
    match = _CELL_METHOD.search(str(getattr(in_file, "cell_methods", "")))
    if match is None:
        return otherwise
    if match[1] not in DAY_VALUES:
        methods = ", ".join(method for method in DAY_VALUES if method)
        message = f"{path}: {in_file.name}: cell_methods '{in_file.cell_methods}' are not one of {methods} over time"
        raise DatasetError(message)
    return DAY_VALUES[match[1]]


def _require_conversion(path: Path, name: str, units: str, to_units: str) -> tuple[float, float]:
    try:
        return unit_conversion(units, to_units, name)
    except ValueError as error:
        message = f"{path}: {name}: {error}"
        raise DatasetError(message) from None


def _unpacked(in_file: netCDF4.Variable, value: float) -> float:
    return value * float(getattr(in_file, "scale_factor", 1.0)) + float(getattr(in_file, "add_offset", 0.0))


def _number(in_file: netCDF4.Variable, path: Path, attribute: str, otherwise: float | None) -> float | None:
    value: Any = getattr(in_file, attribute, otherwise)
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        message = f"{path}: {in_file.name}: attribute {attribute} is {value!r}, expected a number"
        raise DatasetError(message) from None


def _pair(in_file: netCDF4.Variable, path: Path, attribute: str) -> tuple[float, float] | None:
    if attribute not in in_file.ncattrs():
        return None
    values = np.atleast_1d(in_file.getncattr(attribute))
    if values.shape != (2,) or values.dtype.kind not in "iuf":
        message = f"{path}: {in_file.name}: attribute {attribute} is {values.tolist()}, expected two numbers"
        raise DatasetError(message)
    return float(values[0]), float(values[1])
