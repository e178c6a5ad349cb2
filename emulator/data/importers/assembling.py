"""From the columns of a site to its record: each variable of a mapping, day by day."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from emulator.data.importers.daily import day_grid, day_values, without_leap_days
from emulator.data.importers.definitions import Described, described
from emulator.data.importers.errors import ImportFault
from emulator.data.importers.fallbacks import add_fallback
from emulator.data.importers.filling import fill_intervals, source_of
from emulator.data.importers.mapping import Mapping, VariableMapping
from emulator.data.importers.notes import Notes
from emulator.data.importers.quantities import Quantities
from emulator.data.importers.report.twins import factor_between
from emulator.data.importers.series import SiteSeries
from emulator.data.importers.site_record import DRIVER_ROLES, SiteRecord
from emulator.data.importers.targets import Choices, add_target, good_share
from foundations.crosswalks import NoSuchClassOfOurs, crosswalk

DIURNAL = ("rsds", "nee")
"""Whose course of the day the report looks at."""


def variables_of(mapping: Mapping) -> dict[str, Described]:
    """What the variables of a mapping are."""
    return {
        name: described(name, source.definition, source.aggregate, mapping.name)
        for name, source in mapping.variables.items()
    }


def record_of(
    parts: Sequence[SiteSeries],
    mapping: Mapping,
    variables: dict[str, Described],
    statics: dict[str, float | str],
    notes: Notes,
    choices: Choices,
) -> SiteRecord:
    """The days of a site, of series with intervals of any length; variables that no series has are noted.

    variables: what the mapping's are, by `variables_of`.
    """
    records = [_record_of_part(part, mapping, variables, dict(statics), notes, choices) for part in parts]
    record = joined(records)
    for name, source in mapping.variables.items():
        if name in record.values or name in record.statics or variables[name].variable.role == "static":
            continue
        if any(name in withheld for withheld in (part.variables for part in records)) and source.fallback is None:
            continue
        record.variables[name] = variables[name]
        if source.fallback is not None:
            add_fallback(record, name, source.fallback, notes)
        else:
            wanted = ", ".join((*source.column, *source.sum)) or str(source.derive)
            notes.add("absent", f"not in the file (looked for {wanted})", record.site_id, name)
    if not record.values:
        message = f"{record.label}: site {record.site_id}: holds none of the variables of {mapping.name}"
        raise ImportFault(message)
    return record.part(without_leap_days(record.days)) if record.calendar == "noleap" else record


def _record_of_part(
    series: SiteSeries,
    mapping: Mapping,
    variables: dict[str, Described],
    statics: dict[str, float | str],
    notes: Notes,
    choices: Choices,
) -> SiteRecord:
    """What one series of a site has of the variables."""
    grid = day_grid(series, notes)
    quantities = Quantities(series, grid, notes, mapping.name)
    least = choices.minimum_share or mapping.minimum_share
    if grid.ends.size:
        notes.add("assumed", "values of months or years are held on each of their days", series.site_id)
    record = SiteRecord(series.site_id, series.label, grid.days, {}, {}, statics=statics, calendar=series.calendar)
    for name, source in mapping.variables.items():
        about = variables[name]
        if about.variable.role == "static":
            _add_static(record, name, source, about, quantities)
            continue
        outcome = quantities.variable(name, source, about.variable.units)
        if outcome is None:
            continue
        record.variables[name] = about
        if grid.per_day > 1 and name in DIURNAL:
            record.diurnal[name] = _mean_course(outcome[0])
        _compare_twins(record, name, source, outcome[0], quantities)
        if about.variable.role == "target":
            add_target(record, name, source, outcome[0], quantities, least, choices)
        else:
            _add_other(record, name, source, outcome, quantities, least)
    return record


def joined(records: Sequence[SiteRecord]) -> SiteRecord:
    """Records of a site as one, on the days of all of them; where two have a value the first counts."""
    if len(records) == 1:
        return records[0]
    days = np.arange(min(r.days[0] for r in records), max(r.days[-1] for r in records) + 1)
    if records[0].calendar == "noleap":
        days = days[without_leap_days(days)]
    whole = replace(records[0], days=days, values={}, source={}, quality={}, uncertainty={}, variables={}, statics={})
    for record in records:
        place = np.searchsorted(days, record.days)
        for name in record.values:
            _add_where_missing(whole, record, name, place)
        for part in ("variables", "statics", "diurnal"):
            for name, value in getattr(record, part).items():
                getattr(whole, part).setdefault(name, value)
    return whole


def _add_where_missing(whole: SiteRecord, record: SiteRecord, name: str, place: np.ndarray) -> None:
    """A variable, with its source, quality and uncertainty, on the days on which the whole has none."""
    before = whole.values.get(name, np.full(len(whole.days), np.nan))
    taken = np.isnan(before[place])
    for part in ("values", "source", "quality", "uncertainty"):
        series = getattr(record, part).get(name)
        if series is None:
            continue
        fill = np.int8(0) if part == "source" else np.nan
        laid = getattr(whole, part).get(name, np.full(len(whole.days), fill, series.dtype)).copy()
        laid[place[taken]] = series[taken]
        getattr(whole, part)[name] = laid


def _mean_course(laid: np.ndarray) -> np.ndarray:
    """Mean of each step of the day (steps,), NaN where it never has a value."""
    counts = np.isfinite(laid).sum(axis=0)
    sums = np.where(np.isfinite(laid), laid, 0.0).sum(axis=0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _compare_twins(
    record: SiteRecord, name: str, source: VariableMapping, laid: np.ndarray, quantities: Quantities
) -> None:
    """Note where a column and its filled one differ by a factor, as they do where one has another unit."""
    others = [other for other in source.twin if quantities.series.has(other)]
    for other in others:
        twin = source.model_copy(update={"column": (other,), "sum": (), "derive": None, "fill": (), "valid": None})
        values = quantities.variable(name, twin, record.variables[name].variable.units)
        text = factor_between(laid, values[0], name) if values is not None else ""
        if text:
            quantities.notes.add("suspicion", f"beside {other}, the same quantity, it {text}", record.site_id, name)


def _add_static(
    record: SiteRecord, name: str, source: VariableMapping, about: Described, quantities: Quantities
) -> None:
    record.variables[name] = about
    if about.flags:
        column = quantities.first(source.column)
        if column is not None:
            record.statics[name] = _class_of(column, source, about, float(record.statics["lat"]), quantities)
        return
    outcome = quantities.variable(name, source, about.variable.units)
    if outcome is not None and np.isfinite(outcome[0]).any():
        record.statics[name] = float(np.nanmean(outcome[0]))


def _crossed(scheme: str, code: str, column: str, lat: float, quantities: Quantities) -> str | None:
    """Our meaning of a class of a scheme at a latitude; None, noted, where none of ours is like it, as water."""
    try:
        return crosswalk(scheme, code, lat)
    except NoSuchClassOfOurs as error:
        quantities.notes.add("absent", str(error), quantities.series.site_id, column)
        return None
    except ValueError as error:
        series = quantities.series
        message = f"{series.label}: site {series.site_id}: {column}: {error}"
        raise ImportFault(message) from None


def _class_of(column: str, source: VariableMapping, about: Described, lat: float, quantities: Quantities) -> float:
    """The flag of the class that a column tells by a number or, through a crosswalk or `classes`, by a meaning."""
    values = quantities.laid(column).ravel()
    present = values[np.isfinite(values)]
    if not present.size:
        return float("nan")
    code = f"{present[0]:g}"
    if source.crosswalk is not None:
        meaning = _crossed(source.crosswalk, code, column, lat, quantities)
        return float("nan") if meaning is None else float(about.flags[meaning])
    if not source.classes:
        return float(present[0])
    meaning = source.classes.get(code)
    if meaning is None or meaning not in about.flags:
        message = (
            f"{quantities.series.label}: site {quantities.series.site_id}: {column} is {code}, which has no class in "
            f"{quantities.place}: variables.{about.name}.classes"
        )
        raise ImportFault(message)
    return float(about.flags[meaning])


def _add_other(
    record: SiteRecord,
    name: str,
    source: VariableMapping,
    outcome: tuple[np.ndarray, np.ndarray],
    quantities: Quantities,
    least: float,
) -> None:
    """A driver or a state. Drivers with gaps are filled within days here, whole days later."""
    laid, from_fill = outcome
    about = record.variables[name].variable
    aggregate = source.aggregate or about.accumulate
    if about.role not in DRIVER_ROLES:
        record.values[name] = day_values(laid, aggregate, least)[0]
        return
    direct = np.isfinite(laid) & ~from_fill
    if source.measured_where:
        seen = quantities.measured(source.measured_where)
        direct &= False if seen is None else seen
    measured = direct.mean(axis=1)
    if source.quality is not None:
        judged = good_share(source.quality, quantities, laid)
        measured = measured if judged is None else judged
    complete = fill_intervals(laid, name)
    record.values[name], _ = day_values(complete, aggregate, least)
    record.source[name] = source_of(measured, least, len(record.days))
    count = int((np.isfinite(record.values[name]) & (measured < least)).sum())
    if count:
        text = f"days filled from {', '.join(source.fill)}" if source.fill else "days that the source filled"
        if laid.shape[1] > 1:
            text = "days filled in part, from columns of the source or from hours near by"
        quantities.notes.add("filled", text, record.site_id, name, count)
