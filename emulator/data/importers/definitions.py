"""What a variable of a dataset is: by a mapping, and where that is silent by our table."""

from dataclasses import dataclass, field, replace

from emulator.data.importers.errors import ImportFault
from emulator.data.importers.mapping import Definition
from foundations.variables import VARIABLES, Variable, class_meanings

_CELL_METHODS = {"mean": "mean", "min": "minimum", "max": "maximum", "sum": "sum", "last": "point"}


@dataclass(frozen=True)
class Described:
    """A variable and what netCDF says of it besides. flags: meaning -> number of a class."""

    variable: Variable
    flags: dict[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its name."""
        return self.variable.name

    @property
    def daily_range(self) -> tuple[float | None, float | None]:
        """Lowest and highest daily value that can be, in `units`."""
        table = self.variable
        low = table.valid_min if table.daily_min is None else table.daily_min
        high = table.valid_max if table.daily_max is None else table.daily_max
        return low, high


def described(name: str, definition: Definition, aggregate: str | None, place: str) -> Described:
    """The variable `name`; ImportFault where neither mapping nor table tells its unit and role."""
    given = {key: value for key, value in definition.model_dump(exclude={"flags"}).items() if value is not None}
    if aggregate is not None:
        given.setdefault("cell_method", _CELL_METHODS[aggregate])
    table = VARIABLES.get(name)
    if table is None:
        missing = [key for key in ("units", "role") if key not in given]
        if missing:
            message = (
                f"{place}: variables.{name}: is not in our table; say in its definition which {missing[0]} it has "
                "(definition: {units: ..., role: fast, slow, state, target or static})"
            )
            raise ImportFault(message)
        given = {"long_name": name.replace("_", " "), "cell_method": "mean"} | given
        given["accumulate"] = {"mean": "mean", "minimum": "min", "maximum": "max", "sum": "sum", "point": "last"}[
            given["cell_method"]
        ]
        if given["role"] == "target":
            given.setdefault("analysis_units", given["units"])
        table = Variable(name=name, daily_min=given.get("valid_min"), daily_max=given.get("valid_max"), **given)
    elif given:
        if "valid_min" in given or "valid_max" in given:
            given |= {"daily_min": given.get("valid_min"), "daily_max": given.get("valid_max")}
        table = replace(table, **given)
    flags = dict(definition.flags) or {meaning: value for value, meaning in class_meanings(name).items()}
    return Described(replace(table, flag_values=tuple(flags.values()), flag_meanings=tuple(flags)), flags)
