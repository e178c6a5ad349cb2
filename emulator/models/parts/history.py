"""History of a site: what CHAM-net's encoder makes of the years before the one that is predicted.

After CHAM-net (arXiv 2606.00338), of which the abstract is public: a hierarchical encoder learns site characteristics
and cross-year evolution from historical context. The layers are our reading: days are pooled to month tokens (learned
embeddings beside explicit means and spreads), a recurrence over twelve tokens gives the year's embedding, and past
years are pooled causally with a learned positive gate and a kernel over lag that is a mixture of exponentials, so that
a running sum is all that must be remembered. Beside the annual context stands a season-resolved one, and the past flux
of each season as plain statistics.
"""

import torch
from torch import Tensor, nn

from emulator.models.parts.layers import mlp
from emulator.models.parts.seasons import days_of_years, month_neighbour, month_weights, sum_months

SPREAD_FLOOR = 0.02
"""Standard deviations within a month are at least this, in training standard deviations: the root has a slope there."""
KNOWN_FLOOR = 0.02
"""Past flux known for less of a month than this counts little."""


class KernelPooling(nn.Module):
    """Causal weighted mean over past years: weight = gate x kernel(lag), kernel = mixture of exponentials, one mixture
    per head.

    A learned token takes part with a learned weight, and is all there is without a past. Running sums (..., K, V),
    weights (..., K).
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
        """(..., K, V), (..., K) -> context (..., heads * V)."""
        mixture = torch.softmax(self.mixture, dim=1)
        prior = nn.functional.softplus(self.prior)
        numerator = torch.matmul(mixture, sums) + prior * self.token
        denominator = torch.matmul(weights, mixture.t()).unsqueeze(-1) + prior
        return (numerator / denominator).flatten(-2)

    @torch.jit.export
    def push(self, sums: Tensor, weights: Tensor, value: Tensor, gate: Tensor) -> tuple[Tensor, Tensor]:
        """Let a year pass that had this value (..., V) and gate (..., 1)."""
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
        self.daily_layout = [token, token, features, features, features]
        self.yearly_layout = [year, 12 * token, 12, 12 * 2 * targets]
        self.past_layout = [
            kernels * year,
            kernels,
            12 * kernels * token,
            12 * kernels,
            12 * 2 * targets,
            12 * 2 * targets,
        ]
        self.layout = [sum(self.daily_layout), sum(self.yearly_layout), sum(self.past_layout)]
        self.state_size = sum(self.layout)

    def forward(self, drivers: Tensor, flux: Tensor, calendar: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """drivers: (T, B, D); flux: (T, B, C); calendar: (T, 6), that of all sites.

        Returns the annual context each year starts with (B, Y, annual_size), the season vector of each day (T, B,
        season_size) and the embedding of each year (B, Y, year).
        """
        tokens, present, statistics = self.encode_months(drivers, flux, calendar)
        batch, years = tokens.shape[0], tokens.shape[1]
        embedding = torch.zeros([batch, years, self.year_size], dtype=drivers.dtype, device=drivers.device)
        for month in range(12):
            embedding = self.add_month(embedding, tokens[:, :, month], present[:, :, month])
        past = torch.zeros([batch, self.layout[2]], dtype=drivers.dtype, device=drivers.device)
        annual, season, months = [], [], torch.arange(12, device=drivers.device)
        for year, weights in enumerate(month_weights(calendar).split(days_of_years(calendar))):
            annual.append(self.annual_context(past))
            if self.hierarchy:
                table = self.season_table(past, months).transpose(0, 1)
                daily = torch.matmul(weights, table.flatten(1)).view(-1, batch, table.shape[2])
                season.append(self.season_features(daily))
            else:
                season.append(drivers.new_zeros([weights.shape[0], batch, 0]))
            past = self.turn_year(past, embedding[:, year], tokens[:, year], present[:, year], statistics[:, year])
        return torch.stack(annual, 1), torch.cat(season), embedding

    @torch.jit.export
    def init_state(self, like: Tensor) -> Tensor:
        """An empty history for each row of `like` (N, ...): (N, state_size)."""
        return torch.zeros([like.shape[0], self.state_size], dtype=torch.float32, device=like.device)

    @torch.jit.export
    def annual(self, state: Tensor) -> Tensor:
        """Annual context (N, annual_size), which changes when the year turns."""
        return self.annual_context(state.split(self.layout, 1)[2])

    @torch.jit.export
    def seasonal(self, calendar: Tensor, state: Tensor) -> Tensor:
        """Season vector (N, season_size) of a day; calendar: (6,)."""
        past = state.split(self.layout, 1)[2]
        season = state[:, :0]
        if self.hierarchy:
            offset, weight = month_neighbour(calendar)
            month = calendar[1] - 1
            which = torch.stack([month, (month + offset) % 12])
            here, there = self.season_table(past, which).unbind(1)
            season = self.season_features(here + weight * (there - here))
        return season

    @torch.jit.export
    def advance(self, drivers: Tensor, flux: Tensor, calendar: Tensor, state: Tensor) -> Tensor:
        """Take in a day. drivers: (N, D); flux: (N, C), NaN = not known; calendar: (6,)."""
        parts = state.split(self.layout, 1)
        daily, yearly, past = self.add_day(drivers, flux, parts[0]), parts[1], parts[2]
        if bool(calendar[2] == calendar[4]):
            yearly = self.turn_month(daily, yearly, calendar[1:2] - 1)
            daily = torch.zeros_like(daily)
        if bool(calendar[3] == calendar[5]):
            year = yearly.split(self.yearly_layout, 1)
            tokens, statistics = year[1].view(-1, 12, self.token_size), year[3].view(-1, 12, 2 * self.n_targets)
            past = self.turn_year(past, year[0], tokens, year[2].unsqueeze(-1), statistics)
            yearly = torch.zeros_like(yearly)
        return torch.cat([daily, yearly, past], dim=1)

    # --- days to months ---

    def day_inputs(self, drivers: Tensor, flux: Tensor) -> Tensor:
        """Drivers, flux (0 where not known) and whether it is known, (..., D + 2 C)."""
        known = torch.isfinite(flux)
        return torch.cat([drivers, torch.where(known, flux, torch.zeros_like(flux)), known.to(drivers.dtype)], dim=-1)

    def encode_months(self, drivers: Tensor, flux: Tensor, calendar: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Tokens (B, Y, 12, token), presence (B, Y, 12, 1) and flux statistics (B, Y, 12, 2 C) of all months of a
        series, see `forward`.
        """
        years, month = days_of_years(calendar), calendar[:, 1] - 1
        sums: list[Tensor] = []
        first = 0
        for length in years:
            last = first + length
            sums.append(self.month_sums(self.day_inputs(drivers[first:last], flux[first:last]), month[first:last]))
            first = last
        gates, values, count, mean, squares = torch.stack(sums).flatten(0, 1).split(self.daily_layout, 2)
        parts = self.month_token(
            gates.flatten(0, 1), values.flatten(0, 1), count.flatten(0, 1), mean.flatten(0, 1), squares.flatten(0, 1)
        )
        token, present, statistics = [
            part.view(len(years), 12, drivers.shape[1], -1).permute(2, 0, 1, 3) for part in parts
        ]
        return token, present, statistics

    def month_sums(self, inputs: Tensor, month: Tensor) -> Tensor:
        """What `add_day` leaves at the end of each month of a year, (12, B, state of a month under way).

        inputs: (T, B, D + 2 C); month: (T,), 0 to 11.
        """
        known = inputs[..., self.n_drivers + self.n_targets :]
        # tanh(x) = 2 sigmoid(2 x) - 1, which is quicker
        doubled = torch.ones([2 * self.token_size], dtype=inputs.dtype, device=inputs.device)
        doubled[: self.token_size] = 2.0
        weight, bias = self.day.weight * doubled.unsqueeze(1), self.day.bias * doubled
        value, gate = torch.sigmoid(nn.functional.linear(inputs, weight, bias)).split(self.token_size, -1)
        gates = sum_months(gate, month)
        values = 2.0 * sum_months(gate * value, month) - gates
        sums = sum_months(inputs, month)
        number = torch.bincount(month, minlength=12).to(inputs.dtype).view(12, 1, 1)
        number = number.expand(-1, inputs.shape[1], self.n_drivers)
        count = torch.cat([number, sums[..., self.n_drivers + self.n_targets :]], dim=2)
        mean = sums[..., : self.n_drivers + self.n_targets] / count.clamp(min=1.0)
        away = inputs[..., : self.n_drivers + self.n_targets] - mean.index_select(0, month)
        away = torch.cat([away[..., : self.n_drivers], away[..., self.n_drivers :] * known], dim=2)
        return torch.cat([gates, values, count, mean, sum_months(away * away, month)], dim=2)

    def add_day(self, drivers: Tensor, flux: Tensor, daily: Tensor) -> Tensor:
        """Sums of gates and values, and running count, mean and squared deviations (Welford) of the month so far."""
        gates, values, count, mean, squares = daily.split(self.daily_layout, 1)
        inputs = self.day_inputs(drivers, flux)
        value, gate = self.day(inputs).split(self.token_size, -1)
        gate = torch.sigmoid(gate)
        features = inputs[:, : self.n_drivers + self.n_targets]
        mask = torch.cat([torch.ones_like(drivers), inputs[:, self.n_drivers + self.n_targets :]], dim=1)
        count = count + mask
        before = features - mean
        mean = mean + mask * before / count.clamp(min=1.0)
        squares = squares + mask * before * (features - mean)
        return torch.cat([gates + gate, values + gate * torch.tanh(value), count, mean, squares], dim=1)

    def month_token(
        self, gates: Tensor, values: Tensor, count: Tensor, mean: Tensor, squares: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Token (R, token), presence (R, 1), and flux statistics (R, 2 C): known share x mean, known share; rows R =
        months.
        """
        days = count[:, :1]
        present = (days > 0).to(count.dtype)
        spread = torch.sqrt(squares / count.clamp(min=1.0) + self.spread_floor**2)
        known = count[:, self.n_drivers :] / days.clamp(min=1.0)
        pooled = values / gates.clamp(min=1e-6)
        token = torch.tanh(self.month(torch.cat([pooled, mean, spread, known], dim=1))) * present
        return token, present, torch.cat([known * mean[:, self.n_drivers :], known], dim=1)

    # --- months to years ---

    def add_month(self, embedding: Tensor, token: Tensor, present: Tensor) -> Tensor:
        """Embedding of the year so far (..., year) after a month (..., token); an absent month (present = 0) changes
        nothing.
        """
        if self.hierarchy:
            rows = embedding.reshape(-1, self.year_size)
            after = self.year(token.reshape(-1, self.token_size), rows).view_as(embedding)
        else:
            after = embedding + self.mean_month(token) / 12.0
        return torch.where(present > 0, after, embedding)

    def turn_month(self, daily: Tensor, yearly: Tensor, month: Tensor) -> Tensor:
        """Close a month (1,), 0 to 11: write its token and statistics into the year."""
        gates, values, count, mean, squares = daily.split(self.daily_layout, 1)
        token, present, statistics = self.month_token(gates, values, count, mean, squares)
        embedding, tokens, presence, past_flux = yearly.split(self.yearly_layout, 1)
        embedding = self.add_month(embedding, token, present)
        tokens = tokens.reshape(-1, 12, self.token_size).index_copy(1, month, token.unsqueeze(1))
        presence = presence.index_copy(1, month, present)
        past_flux = past_flux.reshape(-1, 12, 2 * self.n_targets).index_copy(1, month, statistics.unsqueeze(1))
        return torch.cat([embedding, tokens.flatten(1), presence, past_flux.flatten(1)], dim=1)

    def turn_year(self, past: Tensor, embedding: Tensor, tokens: Tensor, present: Tensor, statistics: Tensor) -> Tensor:
        """Close a year. embedding: (N, year); tokens: (N, 12, token); present: (N, 12, 1); statistics: (N, 12, 2 C)."""
        years, year_weights, months, month_weights, climate, _ = past.split(self.past_layout, 1)
        rows = past.shape[0]
        gate = nn.functional.softplus(self.year_gate(embedding)) * present.amax(dim=1)
        years, year_weights = self.years.push(
            years.reshape(rows, self.kernels, -1), year_weights, self.year_value(embedding), gate
        )
        if self.hierarchy:
            gate = nn.functional.softplus(self.month_gate(tokens)) * present
            months, month_weights = self.months.push(
                months.reshape(rows, 12, self.kernels, -1), month_weights.reshape(rows, 12, -1), tokens, gate
            )
        last = statistics.flatten(1)
        return torch.cat(
            [years.flatten(1), year_weights, months.flatten(1), month_weights.flatten(1), climate + last, last], dim=1
        )

    # --- context ---

    def annual_context(self, past: Tensor) -> Tensor:
        """(N, past) -> (N, annual_size)."""
        years, weights, _, _, _, _ = past.split(self.past_layout, 1)
        return self.years(years.reshape(past.shape[0], self.kernels, -1), weights)

    def season_table(self, past: Tensor, which: Tensor) -> Tensor:
        """Values of some months (m, 0 to 11), which are interpolated to days: (N, m, season + 4 C)."""
        rows = past.shape[0]
        _, _, months, weights, climate, last = past.split(self.past_layout, 1)
        months = months.reshape(rows, 12, self.kernels, -1).index_select(1, which)
        pooled = self.months(months, weights.reshape(rows, 12, -1).index_select(1, which))
        statistics = torch.cat([climate.reshape(rows, 12, -1), last.reshape(rows, 12, -1)], dim=2)
        return torch.cat([self.season(pooled), statistics.index_select(1, which)], dim=2)

    def season_features(self, interpolated: Tensor) -> Tensor:
        """Turn interpolated sums (..., season + 4 C) into context, mean flux of past years and of last year, and how
        known they are.
        """
        c = self.n_targets
        context, total, years, last, known = interpolated.split([self.context_size, c, c, c, c], -1)
        climatology = total / (years + self.known_floor)
        return torch.cat(
            [context, climatology, years / (years + 1.0), last / (known + self.known_floor), known], dim=-1
        )


class NoHistory(nn.Module):
    """Stands where :class:`HistoryEncoder` would, for a model that has no history: state, contexts and embedding of
    size 0.
    """

    full_precision = True

    def __init__(self) -> None:
        super().__init__()
        self.annual_size = self.season_size = self.state_size = 0
        self.layout = [0, 0, 0]

    def forward(self, drivers: Tensor, flux: Tensor, calendar: Tensor) -> tuple[Tensor, Tensor, Tensor]:
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
    def seasonal(self, calendar: Tensor, state: Tensor) -> Tensor:
        """See HistoryEncoder.seasonal."""
        return state

    @torch.jit.export
    def advance(self, drivers: Tensor, flux: Tensor, calendar: Tensor, state: Tensor) -> Tensor:
        """See HistoryEncoder.advance."""
        return state

    @torch.jit.export
    def annual_context(self, past: Tensor) -> Tensor:
        """See HistoryEncoder.annual_context."""
        return past
