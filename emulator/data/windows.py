"""Windows of years, as models are trained on, and whole records, as they are judged on."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from emulator.data import calendar as column
from emulator.data.calendar import record_years
from emulator.data.dataset import Dataset
from emulator.data.dataset_file import DatasetError
from emulator.data.series import site_blocks


@dataclass(frozen=True)
class Batch:
    """B site windows of T days; sites with records from one New Year to another begin on 1 January.

    drivers: (B, T, D); calendar: (B, T, 6); static: (B, P);
    flux: (B, T, C) past flux the model may see, NaN = not known; the flux of a year moves the predictions of later
    years only;
    target: (B, T, C), NaN = not scored; site: (B,) row of the site in its dataset. Physical units throughout.
    length: (B,) days of each window where windows differ in their days, the rest of a row being padding without
    target; None where all windows are of the same days. deviation: (B, T, C) standard deviation of the target where
    training asks for it, NaN = not known; None = not asked for.
    """

    drivers: Tensor
    calendar: Tensor
    static: Tensor
    flux: Tensor
    target: Tensor
    site: Tensor
    length: Tensor | None = None
    deviation: Tensor | None = None

    def to(self, device: torch.device | str) -> "Batch":
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        moved: dict[str, Any] = {name: value.to(device) for name, value in values.items() if value is not None}
        return replace(self, **moved)

    def groups(self) -> list[tuple[Tensor, "Batch"]]:
        """Rows with the same days but for the number of the year, and the batch of each group, without padding."""
        if self.length is None:
            return [(torch.arange(len(self.site)), self)]
        shapes: dict[bytes, list[int]] = {}
        for row, length in enumerate(self.length.tolist()):
            shapes.setdefault(calendar_shape(self.calendar[row, :length]), []).append(row)
        return [(torch.tensor(rows), self._group(rows)) for rows in shapes.values()]

    def _group(self, rows: list[int]) -> "Batch":
        assert self.length is not None
        days = slice(0, int(self.length[rows[0]]))
        calendar = self.calendar[rows[0], days].expand(len(rows), -1, -1)
        drivers, flux, target = (values[rows][:, days] for values in (self.drivers, self.flux, self.target))
        return Batch(drivers, calendar, self.static[rows], flux, target, self.site[rows])


@dataclass(frozen=True)
class TrainingData:
    """Training sites and training years, nothing else.

    drivers: (N, T, D), NaN on days that are no training days; calendar: (T, 6); static: (N, P); flux: (N, T, C), NaN =
    missing; site: (N,) rows in the dataset; period: (N, 2), first and last training day of each site, None where all
    sites have all days.
    """

    drivers: Tensor
    calendar: Tensor
    static: Tensor
    flux: Tensor
    site: Tensor
    period: np.ndarray | None = None


@dataclass(frozen=True)
class TrainingSites:
    """Sites that a model is trained on: static (Nm, P); row (Nm,) of each in the dataset, ascending; block (Nm,), by
    which they are left out together where it is asked what the others tell of them.
    """

    static: Tensor
    row: Tensor
    block: Tensor


def training_data(dataset: Dataset, marked: np.ndarray | Tensor) -> TrainingData:
    """Cut the training sites and days out of a dataset; marked: (N, Y) bool in the order of `dataset.years`, or (N, T).

    Drivers and flux of a day that is not marked are NaN. Where the sites are consecutive and all their days marked, the
    tensors are views.
    """
    mask = dataset.day_mask(marked)
    sites, span = _marked(dataset, mask)
    days = slice(int(span[:, 0].min()), int(span[:, 1].max()) + 1)
    rows = torch.as_tensor(sites)
    chosen = _as_slice(sites)
    drivers, flux = (_visible(series[chosen, days], mask[chosen, days]) for series in (dataset.drivers, dataset.flux))
    period = span - days.start if dataset.period is not None or bool((span != span[0]).any()) else None
    return TrainingData(drivers, dataset.calendar[days], dataset.static[chosen], flux, rows, period)


def training_blocks(dataset: Dataset, marked: np.ndarray | Tensor) -> list[Callable[[], TrainingData]]:
    """`training_data` in blocks of sites, each made when it is called for, so that only one is in memory."""
    mask = dataset.day_mask(marked)
    sites, span = _marked(dataset, mask)
    days = int(span[:, 1].max()) + 1 - int(span[:, 0].min())

    def block(rows: slice) -> TrainingData:
        part = dataset.site_subset(sites[rows])
        return replace(training_data(part, mask[torch.as_tensor(sites[rows])]), site=torch.as_tensor(sites[rows]))

    return [partial(block, rows) for rows in site_blocks(len(sites), days)]


class WindowSampler:
    """Random windows of consecutive years of the marked days, the same for the same (seed, epoch).

    A site's windows lie within its marked days, from the first to the last, and hold flux; a record that begins or
    ends within a year has shorter ones there. A batch holds different sites, at about the same share of their records:
    where records are the same, all windows of a batch span the same years. In each epoch every site is drawn
    `windows_per_site` times, by default ceil(years / years_per_window) of its own years, with starts spread over them.
    Of several processes each gets its share of the sites of every batch, so that a batch is the same for any number of
    them.
    """

    def __init__(
        self,
        dataset: Dataset,
        marked: np.ndarray | Tensor,
        *,
        years_per_window: int,
        batch_size: int,
        seed: int,
        windows_per_site: int | None = None,
        rank: int = 0,
        world_size: int = 1,
        deviations: bool = False,
    ) -> None:
        """marked: (N, Y) or (N, T) bool; deviations: whether batches have the standard deviations of their targets.

        Raises ValueError where a batch has fewer sites than there are processes, DatasetError where no marked day has
        flux.
        """
        self.dataset = dataset
        self._deviation = dataset.uncertainty if deviations else None
        self._visible = dataset.day_mask(marked)
        sites, spans = _marked(dataset, self._visible)
        self.batch_size, self.seed, self.rank, self.world_size = batch_size, seed, rank, world_size
        cut = _window_cutter(dataset, years_per_window)
        windows, rounds = {}, []
        for site, (first, last) in zip(sites.tolist(), spans.tolist(), strict=True):
            candidates, turns = cut(first, last)
            present = self._visible[site, first : last + 1] & dataset.has_flux[site, first : last + 1]
            if bool(present.all()):
                windows[site] = candidates
            else:
                days = np.concatenate([[0], np.cumsum(present.numpy())])
                holds_flux = days[candidates[:, 1] - first] > days[candidates[:, 0] - first]
                windows[site] = candidates[holds_flux]
            rounds.append(min(windows_per_site or turns, (windows_per_site or 1) * len(windows[site])))
        drawn = np.array(rounds) > 0
        if not drawn.any():
            message = f"{dataset.path}: the training days have no flux to learn from; check the split"
            raise DatasetError(message)
        self.sites, self.windows = sites[drawn], windows
        self._rounds = np.array(rounds)[drawn]
        smallest = min(len(sites) for sites, _, _ in self._plan(np.random.default_rng(0)))
        if smallest < world_size:
            message = (
                f"training.batch_size: {world_size} processes share batches of {smallest} sites; "
                "use fewer processes or larger batches"
            )
            raise ValueError(message)

    def __len__(self) -> int:
        """Batches of one epoch."""
        return sum(pieces for _, pieces in self._turns())

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of one epoch in random order."""
        for sites, turns, chance in self._plan(np.random.default_rng([self.seed, number])):
            windows = np.stack(
                [self._choose(*draw, chance) for draw in zip(sites.tolist(), turns.tolist(), strict=True)]
            )
            share = np.array_split(np.arange(len(sites)), self.world_size)[self.rank]
            if (windows == windows[0]).all():
                yield self._window(sites[share], slice(*windows[0].tolist()))
            else:
                yield self._mixed(sites[share], windows[share], int((windows[:, 1] - windows[:, 0]).max()))

    def _turns(self) -> list[tuple[list[tuple[int, np.ndarray]], int]]:
        """What is drawn together: turns with the sites (n,) that take part, and batches that they make up."""
        turns = [(turn, self.sites[self._rounds > turn]) for turn in range(int(self._rounds.max()))]
        if (self._rounds == self._rounds[0]).all():
            return [([turn], math.ceil(len(turn[1]) / self.batch_size)) for turn in turns]
        return [(turns, math.ceil(int(self._rounds.sum()) / self.batch_size))]

    def _plan(self, random: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray, float]]:
        """Batches in random order: sites (B,), the turn of each, and where in the turn's share of a record it lies."""
        plan = []
        for turns, pieces in self._turns():
            sites = np.concatenate([random.permutation(sites) for _, sites in turns])
            turn_of_site = np.repeat([turn for turn, _ in turns], [len(sites) for _, sites in turns])
            for piece in np.array_split(np.arange(len(sites)), pieces):
                plan.append((sites[piece], turn_of_site[piece], random.random()))
        return [plan[index] for index in random.permutation(len(plan))]

    def _choose(self, site: int, turn: int, chance: float) -> np.ndarray:
        """Window (2,) of a site, first day and day after the last."""
        windows = self.windows[site]
        position = (turn + chance) / self._rounds[np.searchsorted(self.sites, site)]
        return windows[min(int(position * len(windows)), len(windows) - 1)]

    def _window(self, sites: np.ndarray, days: slice) -> Batch:
        rows = torch.as_tensor(sites)
        flux = _visible(self.dataset.flux[rows, days], self._visible[rows, days])
        batch = _batch(self.dataset, rows, days, flux, flux)
        return batch if self._deviation is None else replace(batch, deviation=self._deviation[rows, days])

    def _mixed(self, sites: np.ndarray, windows: np.ndarray, longest: int) -> Batch:
        """Windows that differ in their days, in rows that are as long as the longest of the batch."""
        data, rows = self.dataset, torch.as_tensor(sites)
        drivers = data.drivers.new_zeros((len(sites), longest, data.drivers.shape[2]))
        calendar = data.calendar.new_zeros((len(sites), longest, column.COLUMNS))
        flux = data.flux.new_full((len(sites), longest, data.flux.shape[2]), torch.nan)
        for row, (site, (start, stop)) in enumerate(zip(sites.tolist(), windows.tolist(), strict=True)):
            drivers[row, : stop - start] = data.drivers[site, start:stop]
            calendar[row, : stop - start] = data.calendar[start:stop]
            flux[row, : stop - start] = _visible(data.flux[site, start:stop], self._visible[site, start:stop])
        length = torch.as_tensor(windows[:, 1] - windows[:, 0])
        return Batch(
            drivers, calendar, data.static[rows], flux, flux, rows, length, self._mixed_deviation(flux, rows, windows)
        )

    def _mixed_deviation(self, flux: Tensor, rows: Tensor, windows: np.ndarray) -> Tensor | None:
        """Standard deviations of the flux (B, T, C) of windows (B, 2) that differ in their days."""
        if self._deviation is None:
            return None
        deviation = torch.full_like(flux, torch.nan)
        for row, (site, (start, stop)) in enumerate(zip(rows.tolist(), windows.tolist(), strict=True)):
            deviation[row, : stop - start] = self._deviation[site, start:stop]
        return deviation


def whole_records(
    dataset: Dataset,
    sites: np.ndarray,
    batch_size: int,
    *,
    visible_flux: Tensor | None = None,
    scored: Tensor | None = None,
) -> Iterator[Batch]:
    """The full record of each of `sites` (an index array), in order, for offline prediction.

    Sites whose records differ in their days come in batches of their own. visible_flux, scored: (N, T) bool, which
    days' flux the model may see, default none, and which are scored, default all; days that were not measured are not.
    """
    flux = dataset.flux
    for members in _alike(dataset, np.asarray(sites)):
        for start in range(0, len(members), batch_size):
            rows = torch.as_tensor(members[start : start + batch_size])
            spans = dataset.periods[members[start : start + batch_size]]
            seen = torch.full_like(flux[rows], torch.nan)
            if visible_flux is not None:
                seen = _visible(flux[rows], visible_flux[rows])
            target = dataset.scored_flux(rows)
            if scored is not None:
                target = _visible(target, scored[rows])
            if (spans == spans[0]).all():
                days = slice(int(spans[0, 0]), int(spans[0, 1]) + 1)
                yield _batch(dataset, rows, days, seen[:, days], target[:, days])
            else:
                drivers, seen, target = (
                    torch.stack([row[first : last + 1] for row, (first, last) in zip(values, spans, strict=True)])
                    for values in (dataset.drivers[rows], seen, target)
                )
                calendar = dataset.calendar[int(spans[0, 0]) : int(spans[0, 1]) + 1].expand(len(rows), -1, -1)
                yield Batch(drivers, calendar, dataset.static[rows], seen, target, rows)


def put_records(out: Tensor, dataset: Dataset, batch: Batch, values: Tensor) -> None:
    """Write values (B, T, ...) of a batch of `whole_records` to their sites and days in `out` (N, T, ...)."""
    if dataset.period is None:
        out[batch.site] = values
        return
    for site, row in zip(batch.site.tolist(), values, strict=True):
        first = int(dataset.period[site, 0])
        out[site, first : first + len(row)] = row


def calendar_shape(calendar: Tensor) -> bytes:
    """What is the same for days (T, 6) that differ in the number of the year alone; models look at no more."""
    years = calendar[:, column.YEAR]
    return torch.cat([(years - years[0]).unsqueeze(1), calendar[:, 1:]], dim=1).numpy().tobytes()


def _alike(dataset: Dataset, sites: np.ndarray) -> list[np.ndarray]:
    """Sites in groups of which the records have the same days but for the number of the year."""
    if dataset.period is None:
        return [sites]
    shapes: dict[tuple[int, int], bytes] = {}
    groups: dict[bytes, list[int]] = {}
    for site in sites.tolist():
        first, last = dataset.period[site].tolist()
        if first > last:
            continue
        if (first, last) not in shapes:
            shapes[first, last] = calendar_shape(dataset.calendar[first : last + 1])
        groups.setdefault(shapes[first, last], []).append(site)
    return [np.array(group) for group in groups.values()]


def _window_cutter(dataset: Dataset, years_per_window: int) -> Callable[[int, int], tuple[np.ndarray, int]]:
    """Windows (n, 2) of the days from a first to a last one, and how many it takes to cover them."""
    known: dict[tuple[int, int], tuple[np.ndarray, int]] = {}

    def cut(first: int, last: int) -> tuple[np.ndarray, int]:
        if (first, last) not in known:
            years = record_years(dataset.calendar, first, last)
            length = min(years_per_window, len(years))
            windows = [(years[n][0], years[n + length - 1][1]) for n in range(len(years) - length + 1)]
            known[first, last] = np.array(windows), math.ceil(len(years) / length)
        return known[first, last]

    return cut


def _batch(dataset: Dataset, rows: Tensor, days: slice, flux: Tensor, target: Tensor) -> Batch:
    calendar = dataset.calendar[days].expand(len(rows), -1, -1)
    return Batch(dataset.drivers[rows, days], calendar, dataset.static[rows], flux, target, rows)


def _visible(series: Tensor, mask: Tensor) -> Tensor:
    """NaN where the mask (…, T) is False; the series itself where it is True throughout."""
    return series if bool(mask.all()) else series.masked_fill(~mask[..., None], torch.nan)


def _as_slice(rows: np.ndarray) -> slice | Tensor:
    """Consecutive rows as a slice, with which a tensor gives a view."""
    first, last = int(rows[0]), int(rows[-1])
    return slice(first, last + 1) if last - first + 1 == len(rows) else torch.as_tensor(rows)


def _marked(dataset: Dataset, mask: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Rows of sites (n,) with a marked day (N, T), and the first and last marked day of each, (n, 2)."""
    spans = np.empty((len(mask), 2), np.int64)
    for rows in site_blocks(*mask.shape):
        marks = mask[rows].numpy()
        spans[rows, 0] = marks.argmax(axis=1)
        spans[rows, 1] = np.where(marks.any(axis=1), marks.shape[1] - 1 - marks[:, ::-1].argmax(axis=1), -1)
    sites = np.flatnonzero(spans[:, 1] >= 0)
    if len(sites) == 0:
        message = f"{dataset.path}: no site-year is left to train on; check the split"
        raise DatasetError(message)
    return sites, spans[sites]
