"""Contrastive learning of site representations."""

import torch
from torch import Tensor

from emulator.data.processes import gather_rows


def info_nce(embedding: Tensor, site: Tensor, temperature: float) -> Tensor:
    """InfoNCE (van den Oord et al. 2018, arXiv 1807.03748) with other years of the same site as positives, as a scalar.

        loss = - mean over pairs of  log( exp(cos(a, b) / temperature) / sum over c of exp(cos(a, c) / temperature) )

    embedding: (B, Y, E); site: (B,). Years of other sites are negatives; 0 where no year has a positive or a negative.
    In training on several processes it is the loss of the whole batch, whose embeddings are gathered.
    """
    embedding, site = gather_rows(embedding.float()), gather_rows(site)
    unit = torch.nn.functional.normalize(embedding.flatten(0, 1), dim=1)
    site_of_year = site.repeat_interleave(embedding.shape[1])
    itself = torch.eye(len(site_of_year), dtype=torch.bool, device=embedding.device)
    same_site = site_of_year[:, None] == site_of_year[None, :]
    positive = same_site & ~itself
    comparable = positive.any(1) & (~same_site).any(1)
    if not comparable.any():
        return embedding.sum() * 0.0
    similarity = (unit @ unit.T / temperature).masked_fill(itself, -torch.inf)
    log_share = similarity - torch.logsumexp(similarity, dim=1, keepdim=True)
    mean_positive = torch.where(positive, log_share, torch.zeros_like(log_share)).sum(1) / positive.sum(1).clamp(min=1)
    return -mean_positive[comparable].mean()
