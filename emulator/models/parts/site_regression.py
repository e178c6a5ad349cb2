"""What a site's own past says of its response: a Bayesian linear regression in the feature space of the decoder.

Our reading of the adaptive meta-network of CHAM-net (arXiv 2606.00338, abstract only). The head of the decoder is
linear in daily features; where past flux is known, the error of the head is regressed on these features, year by year,
and the regression's coefficients correct the head in later years. Everything is differentiable, so that training shapes
features in which few years suffice: meta-learning with a closed-form solver (Bertinetto et al. 2019, arXiv 1805.08136;
Harrison et al. 2018, arXiv 1807.08912). Unlike the mean flux of past years, coefficients separate what the site is from
what its weather was.

Two memories with different decay are solved in turn: the long one, whose prior is the mean over sites (or, for models
that retrieve, what neighbours say), gives the prior of the short one, which follows sites that change.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from emulator.models.parts.seasons import ends_year
from emulator.models.parts.state_row import field_sizes

DAYS_PER_YEAR = 365.0
BOUND = 5.0
"""Corrections are softly bounded at so many standard deviations."""


class SiteRegressionRow(NamedTuple):
    """State row: sums of the year under way, high and low part, so that adding up days loses nothing; the sums of the
    two memories; the coefficients (L K) that hold in the present year.
    """

    sums_high: Tensor
    sums_low: Tensor
    memories: Tensor
    coefficients: Tensor


class SiteRegression(nn.Module):
    """Regression of L targets on K features, vectorised over years (`forward`) and streaming (`advance`).

    For each target and memory m, with the days' features x and residuals r of past years, weighted w by age,

        coefficients_m = (sum w x x' + P_m)^-1 (sum w x r + P_m coefficients_(m-1)),    P_m = diag(precision_m)

    from the prior (m = 0) by the long memory to the short one, whose coefficients hold. Sums are, per target, the upper
    triangle of the Gram matrix of the features and their product with the residual, in units of years.
    """

    full_precision = True
    row: Tensor
    column: Tensor
    square: Tensor

    def __init__(self, features: int, targets: int, *, memory_years: tuple[float, float] = (30.0, 2.0)) -> None:
        super().__init__()
        self.features, self.targets = features, targets
        self.days_per_year = DAYS_PER_YEAR
        upper = torch.triu_indices(features, features)
        self.register_buffer("row", upper[0])
        self.register_buffer("column", upper[1])
        square = torch.zeros(features, features, dtype=torch.int64)
        square[upper[0], upper[1]] = torch.arange(upper.shape[1])
        square = torch.maximum(square, square.t())
        self.register_buffer("square", square.flatten())
        self.triangle = upper.shape[1]
        self.sums_size = targets * (self.triangle + features)
        self.coefficients_size = targets * features
        self.log_precision = nn.Parameter(torch.zeros(2, targets, features))
        self.decay_logit = nn.Parameter(torch.logit(torch.exp(-1.0 / torch.tensor(memory_years))))
        self.layout = field_sizes(
            SiteRegressionRow,
            sums_high=self.sums_size,
            sums_low=self.sums_size,
            memories=2 * self.sums_size,
            coefficients=self.coefficients_size,
        )
        self.state_size = sum(self.layout)

    def forward(self, features: list[Tensor], residual: list[Tensor], prior: Tensor) -> Tensor:
        """Coefficients that hold in each year, from the years before it: (B, Y, L, K).

        features: of each year (T, B, K); residual: of each year (T, B, L), NaN = not known; prior: (B, L, K).
        """
        memories = torch.zeros([prior.shape[0], 2, self.sums_size], dtype=torch.float64, device=prior.device)
        coefficients = [prior]
        for year in range(len(features) - 1):
            memories = self.turn_year(memories, self.sums_of_year(features[year], residual[year]))
            coefficients.append(self.solve(memories, prior))
        return torch.stack(coefficients, dim=1)

    def sums_of_year(self, features: Tensor, residual: Tensor) -> Tensor:
        """(T, B, K), (T, B, L) -> (B, sums), double."""
        observed = torch.isfinite(residual)
        residual = torch.where(observed, residual, torch.zeros_like(residual))
        # one product gives the Gram matrix and the moments
        features_and_residual = torch.cat([features, residual], dim=2).double().transpose(0, 1)
        features = features_and_residual[:, :, : self.features].transpose(1, 2)
        weight = observed.double().permute(1, 2, 0) / self.days_per_year
        upper = self.row * (self.features + self.targets) + self.column
        observed_alike = bool((observed == observed[:, :, :1]).all())
        grams, moments, product = [], [], features_and_residual
        for target in range(self.targets):
            if target == 0 or not observed_alike:
                product = torch.matmul(features * weight[:, target : target + 1], features_and_residual)
            grams.append(product.flatten(1).index_select(1, upper))
            moments.append(product[:, :, self.features + target])
        return torch.cat(grams + moments, dim=1)

    @torch.jit.export
    def init_state(self, prior: Tensor) -> Tensor:
        """Nothing known yet. prior: (N, L, K) -> (N, state_size)."""
        sums = torch.zeros([prior.shape[0], 4 * self.sums_size], dtype=prior.dtype, device=prior.device)
        return torch.cat([sums, prior.flatten(1)], dim=1)

    @torch.jit.export
    def read(self, state: Tensor) -> Tensor:
        """Coefficients that hold today, (N, L, K)."""
        return self.fields(state).coefficients.view(-1, self.targets, self.features)

    @torch.jit.export
    def advance(self, features: Tensor, residual: Tensor, calendar: Tensor, state: Tensor, prior: Tensor) -> Tensor:
        """Take in a day. features: (N, K); residual: (N, L), NaN = not known; calendar: (6,); prior: (N, L, K)."""
        sums_high, sums_low, memories, coefficients = self.fields(state)
        sums = sums_high.double() + (sums_low.double() + self.sums_of_day(features, residual))
        if ends_year(calendar):
            memory_sums = self.turn_year(memories.double().view(-1, 2, self.sums_size), sums)
            coefficients = self.solve(memory_sums, prior).flatten(1)
            memories, sums = memory_sums.float().flatten(1), torch.zeros_like(sums)
        sums_high = sums.float()
        sums_low = (sums - sums_high.double()).float()
        return torch.cat(SiteRegressionRow(sums_high, sums_low, memories, coefficients), dim=1)

    def fields(self, state: Tensor) -> SiteRegressionRow:
        """State row (N, state_size) -> its fields."""
        sums_high, sums_low, memories, coefficients = state.split(self.layout, 1)
        return SiteRegressionRow(sums_high, sums_low, memories, coefficients)

    def sums_of_day(self, features: Tensor, residual: Tensor) -> Tensor:
        """(N, K), (N, L) -> (N, sums), double."""
        observed = torch.isfinite(residual)
        weight = observed.double() / self.days_per_year
        weighted = torch.where(observed, residual, torch.zeros_like(residual)).double() * weight
        features = features.double()
        products = features.index_select(1, self.row) * features.index_select(1, self.column)
        gram = (weight.unsqueeze(2) * products.unsqueeze(1)).flatten(1)
        return torch.cat([gram, (weighted.unsqueeze(2) * features.unsqueeze(1)).flatten(1)], dim=1)

    def turn_year(self, memories: Tensor, sums: Tensor) -> Tensor:
        """Close a year. memories: (N, 2, sums); sums: (N, sums)."""
        decay = torch.sigmoid(self.decay_logit).double().unsqueeze(1)
        return decay * (memories + sums.unsqueeze(1))

    def solve(self, memories: Tensor, prior: Tensor) -> Tensor:
        """Posterior means (N, L, K) from memories (N, 2, sums) and the prior (N, L, K)."""
        gram, moment = memories.split([self.targets * self.triangle, self.coefficients_size], 2)
        gram = gram.reshape(-1, 2, self.targets, self.triangle).index_select(3, self.square)
        gram = gram.view(-1, 2, self.targets, self.features, self.features)
        moment = moment.reshape(-1, 2, self.targets, self.features)
        precision = torch.exp(self.log_precision.double().clamp(-6.0, 6.0))
        coefficients = prior.double()
        for memory in range(2):
            matrix = gram[:, memory] + torch.diag_embed(precision[memory])
            right_side = moment[:, memory] + precision[memory] * coefficients
            factor = torch.linalg.cholesky(matrix)
            coefficients = torch.cholesky_solve(right_side.unsqueeze(3), factor).squeeze(3)
        return coefficients.float()


def adaptation(coefficients: Tensor, features: Tensor, bound: float = BOUND) -> Tensor:
    """Correction of each target, bound x tanh(coefficients features / bound), in standard deviations.

    coefficients: (..., L, K); features: (..., K) -> (..., L).
    """
    return bound * torch.tanh((coefficients * features.unsqueeze(-2)).sum(-1) / bound)
