"""A quantity of a mapping from the columns of a series: which column, its unit, its sum, its formula."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from emulator.data.importers.conversion import conversion
from emulator.data.importers.daily import DayGrid, increments, interval_seconds, spread
from emulator.data.importers.derivations import FORMULAS
from emulator.data.importers.errors import ImportFault
from emulator.data.importers.mapping import Column, VariableMapping
from emulator.data.importers.notes import Notes
from emulator.data.importers.series import SiteSeries


@dataclass(frozen=True)
class Quantities:
    """The columns of a site, laid out by days. place: the mapping's name, for messages."""

    series: SiteSeries
    grid: DayGrid
    notes: Notes
    place: str
    _laid: dict[str, np.ndarray] = field(default_factory=dict)

    def first(self, names: tuple[str, ...]) -> str | None:
        """The first of these columns that the series has."""
        return next((name for name in names if self.series.has(name)), None)

    def laid(self, name: str) -> np.ndarray:
        """A column as it is (days, steps)."""
        if name not in self._laid:
            if name in self.series.columns:
                self._laid[name] = spread(self.grid, self.series.columns[name])
            else:
                self._laid[name] = np.full((len(self.grid.days), self.grid.per_day), self.series.constants[name])
        return self._laid[name]

    def measured(self, names: tuple[str, ...]) -> np.ndarray | None:
        """Whether intervals (days, steps) have a value in the first of these columns; None where there is no such."""
        name = self.first(names)
        return None if name is None else np.isfinite(self.laid(name))

    def variable(self, name: str, source: VariableMapping, target: str) -> tuple[np.ndarray, np.ndarray] | None:
        """Values (days, steps) of a variable in `target` units, and where they come from a filled column.

        None where the columns are not there.
        """
        values: np.ndarray | None = None
        if source.derive is not None:
            values = self._derived(name, source, target)
        elif source.column or source.sum:
            values = self._column(name, source, target, source)
        if values is None and any(self.series.has(column) for column in source.fill):
            values = np.full((len(self.grid.days), self.grid.per_day), np.nan)
        if values is None:
            return None
        filled = np.zeros(values.shape, bool)
        for column in source.fill:
            if self.series.has(column):
                other = self._column(name, source.model_copy(update={"column": (column,), "sum": ()}), target, source)
                stands_in = np.isnan(values) & np.isfinite(other)  # type: ignore[arg-type]
                filled |= stands_in
                values = np.where(stands_in, other, values)  # type: ignore[arg-type]
        return values, filled

    def _column(self, name: str, column: Column, target: str, source: VariableMapping | None) -> np.ndarray | None:
        """A column or a sum of columns in `target` units; None where one is not there."""
        terms = self._terms(column)
        if terms is None:
            return None
        total: np.ndarray | None = None
        for sign, term in terms:
            values = self.laid(term)
            if source is not None:
                values = self._valid(name, values, source)
            if source is not None and source.cumulative != "no":
                self._require_days(name)
                values = increments(values, self.grid.days, source.cumulative, self.series.calendar)
            units = self._units(column, term)
            if units is None:
                message = f"{self.place}: variables.{name}: the file does not tell the unit of {term}; give units"
                raise ImportFault(message)
            values = self._converted(name, values, units, target, column, source)
            total = sign * values if total is None else total + sign * values
        return total

    def _require_days(self, name: str) -> None:
        """ImportFault where intervals are months or years, each day of which would have the sum of them all."""
        if self.grid.ends.size:
            message = (
                f"{self.series.label}: site {self.series.site_id}: {name} adds up, and the intervals are months or "
                "years; what adds up is read of days and parts of days: give the amounts of each interval "
                "(per: interval)"
            )
            raise ImportFault(message)

    def _units(self, column: Column, term: str) -> str | None:
        if column.daily_units is not None and self.grid.per_day == 1:
            return column.daily_units
        return column.units or self.series.units.get(term)

    def _terms(self, column: Column) -> list[tuple[float, str]] | None:
        if not column.sum:
            name = self.first(column.column)
            return None if name is None else [(1.0, name)]
        terms = [(-1.0, term[1:]) if term.startswith("-") else (1.0, term) for term in column.sum]
        return terms if all(self.series.has(term) for _, term in terms) else None

    def _converted(
        self, name: str, values: np.ndarray, units: str, target: str, column: Column, source: VariableMapping | None
    ) -> np.ndarray:
        values = column.factor * values + column.offset
        amounts = source is not None and (source.per == "interval" or source.cumulative != "no")
        amounts &= column.daily_units is None or units != column.daily_units
        rate = f"{units} s-1" if amounts else units
        place = f"{self.series.label} ({self.place})"
        if target == "" or (units == target and not amounts):
            factor, offset = 1.0, 0.0
        else:
            factor, offset = conversion(rate, target, name, column.of, place)
        if amounts:
            values = values / interval_seconds(self.grid)
        sign = source.sign if source is not None else 1
        return sign * (factor * values + offset)

    def _valid(self, name: str, values: np.ndarray, source: VariableMapping) -> np.ndarray:
        if source.valid is None:
            return values
        low, high = source.valid
        with np.errstate(invalid="ignore"):
            outside = (values < low) | (values > high)
        if outside.any():
            text = f"outside {low:g} to {high:g}, what the instrument or the unit allows; left out"
            self.notes.add("dropped", text, self.series.site_id, name, int(outside.sum()))
        return np.where(outside, np.nan, values)

    def _derived(self, name: str, source: VariableMapping, target: str) -> np.ndarray | None:
        formula = FORMULAS.get(str(source.derive))
        if formula is None:
            message = f"{self.place}: variables.{name}: no formula {source.derive!r}; there are {', '.join(FORMULAS)}"
            raise ImportFault(message)
        if set(source.inputs) != set(formula.arguments):
            message = f"{self.place}: variables.{name}: {source.derive} needs the inputs {', '.join(formula.arguments)}"
            raise ImportFault(message)
        arguments: dict[str, np.ndarray] = {}
        for argument, units in formula.arguments.items():
            column = source.inputs[argument]
            unit_of_argument = units or column.units or ""
            values = self._column(argument, column, unit_of_argument, None)
            if values is None:
                return None
            arguments[argument] = values
        compute: Callable[..., np.ndarray] = formula.compute
        values = compute(**arguments)
        units = formula.units or source.units or target
        place = f"{self.series.label} ({self.place})"
        factor, offset = conversion(units, target, name, source.of, place)
        return source.sign * (factor * values + offset)
