"""How the flux of a site departs from what the shared network says: coefficients of a ridge regression, site by site.

The network gives daily features; a site's response is how much of each must be added to its prediction, in the space of
standardised transformed flux. Regression has a closed form, so a site's whole record becomes a few numbers.
"""

import torch
from torch import Tensor

RIDGE = 0.05
"""Ridge as a share of the known days, for features of order one: a prior that responses are small."""
PRIOR_DAYS = 60.0
"""Days that the prior counts for: responses known from few days stay near zero."""


def response_statistics(features: Tensor, residual: Tensor) -> tuple[Tensor, Tensor]:
    """Sums over days with known flux.

    features: (B, T, K); residual: (B, T, L) observed minus predicted, NaN = not known
    -> gram, products of features (B, L, K, K), and moment, of features and residual (B, L, K).
    """
    observed = torch.isfinite(residual)
    residual = torch.where(observed, residual, torch.zeros_like(residual))
    grams, moments = [], []
    for target in range(residual.shape[2]):
        masked = (features * observed[:, :, target : target + 1].to(features.dtype)).transpose(1, 2)
        grams.append(torch.matmul(masked, features))
        moments.append(torch.matmul(masked, residual[:, :, target : target + 1]).squeeze(2))
    return torch.stack(grams, 1), torch.stack(moments, 1)


def sites_with_flux(flux: Tensor) -> Tensor:
    """Rows of the sites (N, T, C) with any known flux: of the others nothing is known, which is not a response of 0."""
    return torch.nonzero(torch.isfinite(flux).any(2).any(1)).flatten()


def site_responses(gram: Tensor, moment: Tensor) -> Tensor:
    """Ridge coefficients (B, L, K) from sums of `response_statistics`; the first feature is the constant 1.

    coefficients = (gram + RIDGE (days + PRIOR_DAYS) I)^-1 moment
    """
    days = gram[:, :, :1, :1]
    eye = torch.eye(gram.shape[3], dtype=gram.dtype, device=gram.device)
    return torch.linalg.solve(gram + (RIDGE * days + RIDGE * PRIOR_DAYS) * eye, moment.unsqueeze(3)).squeeze(3)


def principal_components(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Mean (H,) and projection (H, count) of values (rows, H) on their leading components, each of variance 1."""
    mean = values.double().mean(0)
    centred = values.double() - mean
    variance, vectors = torch.linalg.eigh(centred.t() @ centred / len(values))
    scale = variance.flip(0)[:count].clamp(min=1e-4).sqrt()
    return mean.float(), (vectors.flip(1)[:, :count] / scale).float().contiguous()
