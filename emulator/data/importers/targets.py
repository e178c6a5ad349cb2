"""The fluxes of a record: days of which enough was measured, their quality, uncertainty and what fills the others."""

from dataclasses import dataclass

import numpy as np

from emulator.data.importers.daily import day_values
from emulator.data.importers.mapping import Quality, VariableMapping
from emulator.data.importers.quantities import Quantities
from emulator.data.importers.site_record import LONG_GAP, SHORT_GAP, SiteRecord


@dataclass(frozen=True)
class Choices:
    """What a user may choose beside the mapping."""

    filled_targets: bool = False
    minimum_share: float | None = None


def add_target(
    record: SiteRecord,
    name: str,
    source: VariableMapping,
    laid: np.ndarray,
    quantities: Quantities,
    least: float,
    choices: Choices,
) -> None:
    """A flux, on days of which at least `least` was measured (or well filled, where the source tells quality so)."""
    about = record.variables[name].variable
    aggregate = source.aggregate or about.accumulate
    good = np.isfinite(laid)
    measured = quantities.measured(source.measured_where)
    if measured is not None:
        good &= measured
    elif source.measured_where:
        text = f"not written: {source.measured_where[0]}, which tells when it was measured, is not in the file"
        quantities.notes.add("absent", text, record.site_id, name)
        return
    share = good.mean(axis=1)
    if source.quality is not None:
        judged = good_share(source.quality, quantities, laid)
        if judged is None:
            text = f"not written: {source.quality.column[0]}, which tells its quality, is not in the file"
            quantities.notes.add("absent", text, record.site_id, name)
            return
        share = judged
        if source.quality.exclude and laid.shape[1] > 1:
            laid = np.where(
                np.isin(quantities.laid(_first_of(source.quality, quantities)), source.quality.good), laid, np.nan
            )
    days, _ = day_values(laid, aggregate, least if source.quality is None and measured is None else 0.0)
    enough = (share >= least - 1e-9) & np.isfinite(days)
    sparse = int(((share > 0) & ~enough & np.isfinite(laid).any(axis=1)).sum())
    if sparse:
        text = f"days of which less than {least:g} was measured"
        quantities.notes.add("dropped", text, record.site_id, name, sparse)
    record.values[name] = np.where(enough, days, np.nan)
    record.quality[name] = np.where(enough, _mostly_filled(source.quality, quantities, least), np.nan)
    _add_uncertainty(record, name, source, quantities, least)
    if choices.filled_targets and source.filled is not None:
        _add_filled(record, name, source, quantities, aggregate)


def _mostly_filled(quality: Quality | None, quantities: Quantities, least: float) -> np.ndarray | float:
    """Flags (D,) of days: a short gap was filled where fewer of the intervals were measured than must be."""
    name = quantities.first(quality.column) if quality is not None else None
    if quality is None or name is None or quantities.grid.per_day == 1:
        return 0.0
    measured = np.isin(quantities.laid(name), quality.measured).mean(axis=1)
    return np.where(measured >= least - 1e-9, 0.0, float(SHORT_GAP))


def _first_of(quality: Quality, quantities: Quantities) -> str:
    return quantities.first(quality.column) or ""


def good_share(quality: Quality, quantities: Quantities, laid: np.ndarray) -> np.ndarray | None:
    """Share (D,) of the intervals of each day that were measured or filled well."""
    name = quantities.first(quality.column)
    if name is None:
        return None
    flags = quantities.laid(name)
    if flags.shape[1] == 1:
        return np.where(np.isfinite(flags).all(axis=1), flags.mean(axis=1), 0.0)
    good = np.isin(flags, quality.good) & np.isfinite(laid)
    return good.mean(axis=1)


def _add_uncertainty(
    record: SiteRecord, name: str, source: VariableMapping, quantities: Quantities, least: float
) -> None:
    column = quantities.first(source.uncertainty)
    if column is None:
        return
    about = record.variables[name].variable
    spread = source.model_copy(update={"column": (column,), "sum": (), "fill": (), "sign": 1, "valid": None})
    outcome = quantities.variable(name, spread, about.units)
    if outcome is not None:
        deviation = _root_mean_square_of_mean(outcome[0], least)
        record.uncertainty[name] = np.where(np.isfinite(record.values[name]), deviation, np.nan)


def _root_mean_square_of_mean(laid: np.ndarray, least: float) -> np.ndarray:
    """Standard deviation (D,) of a day's mean, of independent deviations (D, steps)."""
    if laid.shape[1] == 1:
        return laid[:, 0]
    squares, _ = day_values(laid**2, "mean", least)
    return np.sqrt(squares / np.isfinite(laid).sum(axis=1).clip(1))


def _add_filled(record: SiteRecord, name: str, source: VariableMapping, quantities: Quantities, aggregate: str) -> None:
    """Days that were not measured, from the source's filled column, with their flag."""
    filled = source.filled
    if filled is None:
        return
    stand_in = source.model_copy(update={"column": filled.column, "sum": (), "fill": ()})
    outcome = quantities.variable(name, stand_in, record.variables[name].variable.units)
    if outcome is None:
        return
    days, _ = day_values(outcome[0], aggregate, 1.0)
    flag_name = quantities.first(filled.quality)
    flags = np.full(len(days), float(SHORT_GAP))
    if flag_name is not None:
        worst = np.nanmax(np.where(np.isfinite(quantities.laid(flag_name)), quantities.laid(flag_name), -1.0), axis=1)
        flags = np.where(
            np.isin(worst, filled.long), LONG_GAP, np.where(np.isin(worst, filled.short), SHORT_GAP, np.nan)
        )
    stands_in = np.isnan(record.values[name]) & np.isfinite(days) & np.isfinite(flags)
    record.values[name] = np.where(stands_in, days, record.values[name])
    record.quality[name] = np.where(stands_in, flags, record.quality[name])
    text = f"days from {filled.column[0]}, marked in {name}_qc"
    quantities.notes.add("filled", text, record.site_id, name, int(stands_in.sum()))
