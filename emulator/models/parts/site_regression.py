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

import torch
from torch import Tensor, nn

DAYS_PER_YEAR = 365.0


class SiteRegression(nn.Module):
    """Regression of C targets on p features, vectorised over years (`forward`) and streaming (`advance`).

    State row: sums of the year under way (twice, high and low part, so that adding up days loses nothing), the two
    memories, and the coefficients (C p) that hold in the present year. Sums are, per target, the upper triangle of the
    Gram matrix of the features and their product with the target, in units of years.
    """

    full_precision = True

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
        self.layout = [self.sums_size, self.sums_size, 2 * self.sums_size, self.coefficients_size]
        self.state_size = sum(self.layout)

    def forward(self, features: list[Tensor], error: list[Tensor], prior: Tensor) -> Tensor:
        """Coefficients that hold in each year, from the years before it: (B, Y, C, p).

        features: of each year (T, B, p); error: of each year (T, B, C), NaN = not known; prior: (B, C, p).
        """
        memory = torch.zeros([prior.shape[0], 2, self.sums_size], dtype=torch.float64, device=prior.device)
        found = [prior]
        for year in range(len(features) - 1):
            memory = self.turn_year(memory, self.sums_of_year(features[year], error[year]))
            found.append(self.solve(memory, prior))
        return torch.stack(found, dim=1)

    def sums_of_year(self, features: Tensor, error: Tensor) -> Tensor:
        """(T, B, p), (T, B, C) -> (B, sums), double."""
        known = torch.isfinite(error)
        error = torch.where(known, error, torch.zeros_like(error))
        # one product gives the Gram matrix and the moments
        both = torch.cat([features, error], dim=2).double().transpose(0, 1)
        features = both[:, :, : self.features].transpose(1, 2)
        weight = known.double().permute(1, 2, 0) / self.days_per_year
        upper = self.row * (self.features + self.targets) + self.column
        alike = bool((known == known[:, :, :1]).all())
        grams, moments, product = [], [], both
        for target in range(self.targets):
            if target == 0 or not alike:
                product = torch.matmul(features * weight[:, target : target + 1], both)
            grams.append(product.flatten(1).index_select(1, upper))
            moments.append(product[:, :, self.features + target])
        return torch.cat(grams + moments, dim=1)

    @torch.jit.export
    def init_state(self, prior: Tensor) -> Tensor:
        """Nothing known yet. prior: (N, C, p) -> (N, state_size)."""
        nothing = torch.zeros([prior.shape[0], 4 * self.sums_size], dtype=prior.dtype, device=prior.device)
        return torch.cat([nothing, prior.flatten(1)], dim=1)

    @torch.jit.export
    def read(self, state: Tensor) -> Tensor:
        """Coefficients that hold today, (N, C, p)."""
        return state.split(self.layout, 1)[3].view(-1, self.targets, self.features)

    @torch.jit.export
    def advance(self, features: Tensor, error: Tensor, calendar: Tensor, state: Tensor, prior: Tensor) -> Tensor:
        """Take in a day. features: (N, p); error: (N, C), NaN = not known; calendar: (6,); prior: (N, C, p)."""
        high, low, memory, coefficients = state.split(self.layout, 1)
        sums = high.double() + (low.double() + self.sums_of_day(features, error))
        if bool(calendar[3] == calendar[5]):
            both = self.turn_year(memory.double().view(-1, 2, self.sums_size), sums)
            coefficients = self.solve(both, prior).flatten(1)
            memory, sums = both.float().flatten(1), torch.zeros_like(sums)
        high = sums.float()
        return torch.cat([high, (sums - high.double()).float(), memory, coefficients], dim=1)

    def sums_of_day(self, features: Tensor, error: Tensor) -> Tensor:
        """(N, sums), double."""
        known = torch.isfinite(error)
        weight = known.double() / self.days_per_year
        value = torch.where(known, error, torch.zeros_like(error)).double() * weight
        features = features.double()
        products = features.index_select(1, self.row) * features.index_select(1, self.column)
        gram = (weight.unsqueeze(2) * products.unsqueeze(1)).flatten(1)
        return torch.cat([gram, (value.unsqueeze(2) * features.unsqueeze(1)).flatten(1)], dim=1)

    def turn_year(self, memory: Tensor, sums: Tensor) -> Tensor:
        """Close a year. memory: (N, 2, sums); sums: (N, sums)."""
        decay = torch.sigmoid(self.decay_logit).double().unsqueeze(1)
        return decay * (memory + sums.unsqueeze(1))

    def solve(self, memory: Tensor, prior: Tensor) -> Tensor:
        """Posterior means (N, C, p) from memories (N, 2, sums) and the prior (N, C, p)."""
        gram, moment = memory.split([self.targets * self.triangle, self.coefficients_size], 2)
        gram = gram.reshape(-1, 2, self.targets, self.triangle).index_select(3, self.square)
        gram = gram.view(-1, 2, self.targets, self.features, self.features)
        moment = moment.reshape(-1, 2, self.targets, self.features)
        precision = torch.exp(self.log_precision.double().clamp(-6.0, 6.0))
        found = prior.double()
        for number in range(2):
            matrix = gram[:, number] + torch.diag_embed(precision[number])
            right = moment[:, number] + precision[number] * found
            factor = torch.linalg.cholesky(matrix)
            found = torch.cholesky_solve(right.unsqueeze(3), factor).squeeze(3)
        return found.float()


def adaptation(coefficients: Tensor, features: Tensor) -> Tensor:
    """Correction of each target, softly bounded at 5 standard deviations.

    coefficients: (..., C, p); features: (..., p) -> (..., C).
    """
    bound = 5.0
    return bound * torch.tanh((coefficients * features.unsqueeze(-2)).sum(-1) / bound)
