"""History of a site: what CHAM-net's encoder makes of the years before the one that is predicted.

After CHAM-net (arXiv 2606.00338), of which the abstract is public: a hierarchical encoder learns site characteristics
and cross-year evolution from historical context. The layers are our reading: days are pooled to month tokens (learned
embeddings beside explicit means and spreads), a recurrence over twelve tokens gives the year's embedding, and past
years are pooled causally with a learned positive gate and a kernel over lag that is a mixture of exponentials, so that
a running sum is all that must be remembered. Beside the annual context stands a season-resolved one, and the past flux
of each season as plain statistics.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from emulator.data import calendar as column
from emulator.models.parts.layers import mlp
from emulator.models.parts.seasons import (
    days_of_years,
    ends_month,
    ends_year,
    month_neighbour,
    month_of_year,
    month_weights,
    sum_months,
)
from emulator.models.parts.state_row import field_sizes

SPREAD_FLOOR = 0.02
"""Standard deviations within a month are at least this, in training standard deviations: the root has a slope there."""
KNOWN_FLOOR = 0.02
"""Past flux known for less of a month than this counts little."""


class HistoryRow(NamedTuple):
    """State row of the history: `MonthRow` and `YearRow` of the month and year under way, `PastRow` of past years."""

    month: Tensor
    year: Tensor
    past: Tensor


class MonthRow(NamedTuple):
    """A month under way: sums of gates and of gated values (token), and of each feature (D + C) the number of known
    days, their mean and the sum of squared deviations from it.
    """

    gates: Tensor
    values: Tensor
    observed_days: Tensor
    mean: Tensor
    squares: Tensor


class YearRow(NamedTuple):
    """A year under way: embedding of its months so far (year), and of each month token (12 token), whether it was there
    (12) and its flux statistics (12 2 C).
    """

    embedding: Tensor
    tokens: Tensor
    present: Tensor
    flux_statistics: Tensor


class PastRow(NamedTuple):
    """Past years: running sums and weights of the kernels, of years and of each month, sums over past years of the
    months' flux statistics (12 2 C), and those of last year.
    """

    year_sums: Tensor
    year_weights: Tensor
    month_sums: Tensor
    month_weights: Tensor
    flux_sums: Tensor
    last_flux: Tensor


class MonthTokens(NamedTuple):
    """Of months: token (..., token), whether there were days (..., 1), flux statistics (..., 2 C): known share of the
    days times mean flux, and known share.
    """

    token: Tensor
    present: Tensor
    flux_statistics: Tensor


class KernelPooling(nn.Module):
    """Causal weighted mean over past years: weight = gate x kernel(lag), kernel = mixture of exponentials, one mixture
    per head.

    A learned token takes part with a learned weight, and is all there is without a past. Running sums (..., kernels,
    values), weights (..., kernels).
    """

    def __init__(self, values: int, kernels: int, heads: int) -> None:
        super().__init__()
        memory_years = torch.logspace(0.0, 1.3, kernels)
        decay = torch.exp(-1.0 / memory_years)
        self.decay_logit = nn.Parameter(torch.logit(decay))
        self.mixture = nn.Parameter(2.0 * torch.eye(heads, kernels).flip(1))
        self.token = nn.Parameter(torch.zeros(values))
        self.prior = nn.Parameter(torch.zeros(1))
        self.width = heads * values

    def forward(self, sums: Tensor, weights: Tensor) -> Tensor:
        """(..., kernels, values), (..., kernels) -> context (..., heads * values)."""
        mixture = torch.softmax(self.mixture, dim=1)
        prior = nn.functional.softplus(self.prior)
        numerator = torch.matmul(mixture, sums) + prior * self.token
        denominator = torch.matmul(weights, mixture.t()).unsqueeze(-1) + prior
        return (numerator / denominator).flatten(-2)

    @torch.jit.export
    def push(self, sums: Tensor, weights: Tensor, value: Tensor, gate: Tensor) -> tuple[Tensor, Tensor]:
        """Sums and weights after a year that had this value (..., values) and gate (..., 1)."""
        decay = torch.sigmoid(self.decay_logit)
        return decay.unsqueeze(1) * (sums + (gate * value).unsqueeze(-2)), decay * (weights + gate)


class HistoryEncoder(nn.Module):
    """Days -> months -> years -> context, vectorised (`forward`) and streaming (`advance`, `annual`,
    `seasonal`).

    Drivers (D) are standardised; flux (C) is in the standardised transformed space, NaN where not known.
    Context of a day: annual vector (`annual_size`) and season vector (`season_size`), the latter made of the pooled
    month tokens and, per target, climatological flux, how well it is known, last year's flux and whether it is known.
    """

    full_precision = True
    __constants__ = ("hierarchy",)

    def __init__(
        self,
        drivers: int,
        targets: int,
        *,
        token: int = 16,
        year: int = 32,
        season: int = 16,
        kernels: int = 3,
        heads: int = 2,
        hierarchy: bool = True,
    ) -> None:
        """`hierarchy: False` averages months instead of running through them and leaves the seasons out."""
        super().__init__()
        self.n_drivers, self.n_targets, self.token_size, self.kernels = drivers, targets, token, kernels
        self.spread_floor, self.known_floor = SPREAD_FLOOR, KNOWN_FLOOR
        features = drivers + targets
        self.day = nn.Linear(drivers + 2 * targets, 2 * token)
        self.month = mlp(token + 2 * features + targets, 2 * token, token)
        self.hierarchy = hierarchy
        if hierarchy:
            self.year = nn.GRUCell(token, year)
        else:
            self.mean_month = nn.Linear(token, year)
        self.year_value = nn.Linear(year, year)
        self.year_gate = nn.Linear(year, 1)
        if hierarchy:
            self.month_gate = nn.Linear(token, 1)
        self.years = KernelPooling(year, kernels, heads)
        if hierarchy:
            self.months = KernelPooling(token, kernels, heads)
            self.season = mlp(self.months.width, 2 * token, season)
        self.year_size, self.context_size = year, season
        self.annual_size = self.years.width
        self.season_size = season + 4 * targets if hierarchy else 0
        self.month_layout = field_sizes(
            MonthRow, gates=token, values=token, observed_days=features, mean=features, squares=features
        )
        self.year_layout = field_sizes(
            YearRow, embedding=year, tokens=12 * token, present=12, flux_statistics=12 * 2 * targets
        )
        self.past_layout = field_sizes(
            PastRow,
            year_sums=kernels * year,
            year_weights=kernels,
            month_sums=12 * kernels * token,
            month_weights=12 * kernels,
            flux_sums=12 * 2 * targets,
            last_flux=12 * 2 * targets,
        )
        self.past_size = sum(self.past_layout)
        self.layout = field_sizes(
            HistoryRow, month=sum(self.month_layout), year=sum(self.year_layout), past=self.past_size
        )
        self.state_size = sum(self.layout)

    def forward(self, drivers: Tensor, flux: Tensor, calendar: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """drivers: (T, B, D); flux: (T, B, C); calendar: (T, 6), that of all sites.

        Returns the annual context each year starts with (B, Y, annual_size), the season vector of each day (T, B,
        season_size) and the embedding of each year (B, Y, year).
        """
        tokens, present, flux_statistics = self.encode_months(drivers, flux, calendar)
        batch, years = tokens.shape[0], tokens.shape[1]
        embedding = torch.zeros([batch, years, self.year_size], dtype=drivers.dtype, device=drivers.device)
        for month in range(12):
            embedding = self.add_month(embedding, tokens[:, :, month], present[:, :, month])
        past = torch.zeros([batch, self.past_size], dtype=drivers.dtype, device=drivers.device)
        annual, season, months = [], [], torch.arange(12, device=drivers.device)
        for year, weights in enumerate(month_weights(calendar).split(days_of_years(calendar))):
            annual.append(self.annual_context(past))
            if self.hierarchy:
                table = self.season_table(past, months).transpose(0, 1)
                daily = torch.matmul(weights, table.flatten(1)).view(-1, batch, table.shape[2])
                season.append(self.season_features(daily))
            else:
                season.append(drivers.new_zeros([weights.shape[0], batch, 0]))
            tokens_of_year = MonthTokens(tokens[:, year], present[:, year], flux_statistics[:, year])
            past = self.turn_year(past, embedding[:, year], tokens_of_year)
        return torch.stack(annual, 1), torch.cat(season), embedding

    @torch.jit.export
    def init_state(self, like: Tensor) -> Tensor:
        """An empty history for each row of `like` (N, ...): (N, state_size)."""
        return torch.zeros([like.shape[0], self.state_size], dtype=torch.float32, device=like.device)

    @torch.jit.export
    def annual(self, state: Tensor) -> Tensor:
        """Annual context (N, annual_size), which changes when the year turns."""
        return self.annual_context(self.fields(state).past)

    @torch.jit.export
    def seasonal(self, calendar: Tensor, state: Tensor) -> Tensor:
        """Season vector (N, season_size) of a day; calendar: (6,)."""
        past = self.fields(state).past
        season = state[:, :0]
        if self.hierarchy:
            offset, weight = month_neighbour(calendar)
            month = month_of_year(calendar)
            months = torch.stack([month, (month + offset) % 12])
            at_month, at_neighbour = self.season_table(past, months).unbind(1)
            season = self.season_features(at_month + weight * (at_neighbour - at_month))
        return season

    @torch.jit.export
    def advance(self, drivers: Tensor, flux: Tensor, calendar: Tensor, state: Tensor) -> Tensor:
        """Take in a day. drivers: (N, D); flux: (N, C), NaN = not known; calendar: (6,)."""
        month, year, past = self.fields(state)
        month = self.add_day(drivers, flux, month)
        if ends_month(calendar):
            year = self.turn_month(month, year, calendar[column.MONTH : column.MONTH + 1] - 1)
            month = torch.zeros_like(month)
        if ends_year(calendar):
            embedding, tokens, present, flux_statistics = year.split(self.year_layout, 1)
            tokens = tokens.view(-1, 12, self.token_size)
            flux_statistics = flux_statistics.view(-1, 12, 2 * self.n_targets)
            past = self.turn_year(past, embedding, MonthTokens(tokens, present.unsqueeze(-1), flux_statistics))
            year = torch.zeros_like(year)
        return torch.cat([month, year, past], dim=1)

    def fields(self, state: Tensor) -> HistoryRow:
        """State row (N, state_size) -> its fields."""
        month, year, past = state.split(self.layout, 1)
        return HistoryRow(month, year, past)

    def month_fields(self, month: Tensor) -> MonthRow:
        """Row of a month under way (R, size) -> its fields."""
        gates, values, observed_days, mean, squares = month.split(self.month_layout, 1)
        return MonthRow(gates, values, observed_days, mean, squares)

    def past_fields(self, past: Tensor) -> PastRow:
        """Row of past years (N, size) -> its fields."""
        year_sums, year_weights, month_sums, month_weights, flux_sums, last_flux = past.split(self.past_layout, 1)
        return PastRow(year_sums, year_weights, month_sums, month_weights, flux_sums, last_flux)

    # --- days to months ---

    def day_inputs(self, drivers: Tensor, flux: Tensor) -> Tensor:
        """Drivers, flux (0 where not known) and whether it is known, (..., D + 2 C)."""
        observed = torch.isfinite(flux)
        return torch.cat(
            [drivers, torch.where(observed, flux, torch.zeros_like(flux)), observed.to(drivers.dtype)], dim=-1
        )

    def encode_months(self, drivers: Tensor, flux: Tensor, calendar: Tensor) -> MonthTokens:
        """Tokens (B, Y, 12, token), presence (B, Y, 12, 1) and flux statistics (B, Y, 12, 2 C) of all months of a
        series, see `forward`.
        """
        years, month = days_of_years(calendar), month_of_year(calendar)
        sums: list[Tensor] = []
        first = 0
        for length in years:
            last = first + length
            sums.append(self.month_sums(self.day_inputs(drivers[first:last], flux[first:last]), month[first:last]))
            first = last
        tokens = self.month_token(self.month_fields(torch.stack(sums).flatten(0, 2)))
        shape = [len(years), 12, drivers.shape[1], -1]
        return MonthTokens(
            tokens.token.view(shape).permute(2, 0, 1, 3),
            tokens.present.view(shape).permute(2, 0, 1, 3),
            tokens.flux_statistics.view(shape).permute(2, 0, 1, 3),
        )

    def month_sums(self, inputs: Tensor, month: Tensor) -> Tensor:
        """What `add_day` leaves at the end of each month of a year, (12, B, size of a `MonthRow`).

        inputs: (T, B, D + 2 C); month: (T,), 0 to 11.
        """
        observed = inputs[..., self.n_drivers + self.n_targets :]
        # tanh(x) = 2 sigmoid(2 x) - 1, which is quicker
        doubled = torch.ones([2 * self.token_size], dtype=inputs.dtype, device=inputs.device)
        doubled[: self.token_size] = 2.0
        weight, bias = self.day.weight * doubled.unsqueeze(1), self.day.bias * doubled
        value, gate = torch.sigmoid(nn.functional.linear(inputs, weight, bias)).split(self.token_size, -1)
        gates = sum_months(gate, month)
        values = 2.0 * sum_months(gate * value, month) - gates
        sums = sum_months(inputs, month)
        days = torch.bincount(month, minlength=12).to(inputs.dtype).view(12, 1, 1)
        days = days.expand(-1, inputs.shape[1], self.n_drivers)
        observed_days = torch.cat([days, sums[..., self.n_drivers + self.n_targets :]], dim=2)
        mean = sums[..., : self.n_drivers + self.n_targets] / observed_days.clamp(min=1.0)
        deviation = inputs[..., : self.n_drivers + self.n_targets] - mean.index_select(0, month)
        deviation = torch.cat([deviation[..., : self.n_drivers], deviation[..., self.n_drivers :] * observed], dim=2)
        return torch.cat([gates, values, observed_days, mean, sum_months(deviation * deviation, month)], dim=2)

    def add_day(self, drivers: Tensor, flux: Tensor, month: Tensor) -> Tensor:
        """Sums of gates and values, and running count, mean and squared deviations (Welford) of the month so far."""
        gates, values, observed_days, mean, squares = self.month_fields(month)
        inputs = self.day_inputs(drivers, flux)
        value, gate = self.day(inputs).split(self.token_size, -1)
        gate = torch.sigmoid(gate)
        features = inputs[:, : self.n_drivers + self.n_targets]
        mask = torch.cat([torch.ones_like(drivers), inputs[:, self.n_drivers + self.n_targets :]], dim=1)
        observed_days = observed_days + mask
        deviation = features - mean
        mean = mean + mask * deviation / observed_days.clamp(min=1.0)
        squares = squares + mask * deviation * (features - mean)
        return torch.cat([gates + gate, values + gate * torch.tanh(value), observed_days, mean, squares], dim=1)

    def month_token(self, month: MonthRow) -> MonthTokens:
        """Tokens of whole months, in rows (R, ...)."""
        days = month.observed_days[:, :1]
        present = (days > 0).to(month.observed_days.dtype)
        spread = torch.sqrt(month.squares / month.observed_days.clamp(min=1.0) + self.spread_floor**2)
        known_share = month.observed_days[:, self.n_drivers :] / days.clamp(min=1.0)
        pooled = month.values / month.gates.clamp(min=1e-6)
        token = torch.tanh(self.month(torch.cat([pooled, month.mean, spread, known_share], dim=1))) * present
        flux_statistics = torch.cat([known_share * month.mean[:, self.n_drivers :], known_share], dim=1)
        return MonthTokens(token, present, flux_statistics)

    # --- months to years ---

    def add_month(self, embedding: Tensor, token: Tensor, present: Tensor) -> Tensor:
        """Embedding of the year so far (..., year) after a month (..., token); an absent month (present = 0) changes
        nothing.
        """
        if self.hierarchy:
            rows = embedding.reshape(-1, self.year_size)
            next_embedding = self.year(token.reshape(-1, self.token_size), rows).view_as(embedding)
        else:
            next_embedding = embedding + self.mean_month(token) / 12.0
        return torch.where(present > 0, next_embedding, embedding)

    def turn_month(self, month: Tensor, year: Tensor, number: Tensor) -> Tensor:
        """Close a month, `number` (1,), 0 to 11: write its token and statistics into the year."""
        month_token, month_present, month_flux = self.month_token(self.month_fields(month))
        embedding, tokens, present, flux_statistics = year.split(self.year_layout, 1)
        embedding = self.add_month(embedding, month_token, month_present)
        tokens = tokens.reshape(-1, 12, self.token_size).index_copy(1, number, month_token.unsqueeze(1))
        present = present.index_copy(1, number, month_present)
        flux_statistics = flux_statistics.reshape(-1, 12, 2 * self.n_targets)
        flux_statistics = flux_statistics.index_copy(1, number, month_flux.unsqueeze(1))
        return torch.cat([embedding, tokens.flatten(1), present, flux_statistics.flatten(1)], dim=1)

    def turn_year(self, past: Tensor, embedding: Tensor, months: MonthTokens) -> Tensor:
        """Close a year, which counts by the share of its months that there are. embedding: (N, year); months: of the
        year, (N, 12, ...).
        """
        year_sums, year_weights, month_sums, month_weights, flux_sums, _ = self.past_fields(past)
        rows = past.shape[0]
        gate = nn.functional.softplus(self.year_gate(embedding)) * months.present.mean(dim=1)
        year_sums, year_weights = self.years.push(
            year_sums.reshape(rows, self.kernels, -1), year_weights, self.year_value(embedding), gate
        )
        if self.hierarchy:
            gate = nn.functional.softplus(self.month_gate(months.token)) * months.present
            month_sums, month_weights = self.months.push(
                month_sums.reshape(rows, 12, self.kernels, -1), month_weights.reshape(rows, 12, -1), months.token, gate
            )
        last_flux = months.flux_statistics.flatten(1)
        row = PastRow(
            year_sums.flatten(1),
            year_weights,
            month_sums.flatten(1),
            month_weights.flatten(1),
            flux_sums + last_flux,
            last_flux,
        )
        return torch.cat(row, dim=1)

    # --- context ---

    def annual_context(self, past: Tensor) -> Tensor:
        """(N, past) -> (N, annual_size)."""
        years = self.past_fields(past)
        return self.years(years.year_sums.reshape(past.shape[0], self.kernels, -1), years.year_weights)

    def season_table(self, past: Tensor, months: Tensor) -> Tensor:
        """Values of some months (m, 0 to 11), which are interpolated to days: (N, m, season + 4 C)."""
        rows = past.shape[0]
        years = self.past_fields(past)
        sums = years.month_sums.reshape(rows, 12, self.kernels, -1).index_select(1, months)
        pooled = self.months(sums, years.month_weights.reshape(rows, 12, -1).index_select(1, months))
        flux = torch.cat([years.flux_sums.reshape(rows, 12, -1), years.last_flux.reshape(rows, 12, -1)], dim=2)
        return torch.cat([self.season(pooled), flux.index_select(1, months)], dim=2)

    def season_features(self, interpolated: Tensor) -> Tensor:
        """Turn interpolated sums (..., season + 4 C) into context, mean flux of past years and of last year, and how
        known they are.
        """
        c = self.n_targets
        context, flux_sum, years_known, last_flux, last_known = interpolated.split([self.context_size, c, c, c, c], -1)
        climatology = flux_sum / (years_known + self.known_floor)
        climatology_known = years_known / (years_known + 1.0)
        last_mean = last_flux / (last_known + self.known_floor)
        return torch.cat([context, climatology, climatology_known, last_mean, last_known], dim=-1)


class NoHistory(nn.Module):
    """Stands where :class:`HistoryEncoder` would, for a model that has no history: state, contexts and embedding of
    size 0.
    """

    full_precision = True

    def __init__(self) -> None:
        super().__init__()
        self.annual_size = self.season_size = self.state_size = 0

    def forward(self, drivers: Tensor, flux: Tensor, calendar: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # noqa: ARG002
        """See HistoryEncoder.forward."""
        days, batch = drivers.shape[0], drivers.shape[1]
        annual = drivers.new_zeros([batch, len(days_of_years(calendar)), 0])
        return annual, drivers.new_zeros([days, batch, 0]), annual

    @torch.jit.export
    def init_state(self, like: Tensor) -> Tensor:
        """See HistoryEncoder.init_state."""
        return torch.zeros([like.shape[0], 0], dtype=torch.float32, device=like.device)

    @torch.jit.export
    def annual(self, state: Tensor) -> Tensor:
        """See HistoryEncoder.annual."""
        return state

    @torch.jit.export
    def seasonal(self, calendar: Tensor, state: Tensor) -> Tensor:  # noqa: ARG002
        """See HistoryEncoder.seasonal."""
        return state

    @torch.jit.export
    def advance(self, drivers: Tensor, flux: Tensor, calendar: Tensor, state: Tensor) -> Tensor:  # noqa: ARG002
        """See HistoryEncoder.advance."""
        return state
