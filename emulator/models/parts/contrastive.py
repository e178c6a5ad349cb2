"""Contrastive learning of site representations."""

import torch
from torch import Tensor

from emulator.data.processes import gather_rows


def info_nce(embedding: Tensor, site: Tensor, temperature: float) -> Tensor:
    """InfoNCE (van den Oord et al. 2018, arXiv 1807.03748) with other years of the same site as positives, as a scalar.

    embedding: (B, Y, E); site: (B,). Years of other sites are negatives; 0 where no year has a positive or a negative.
    In training on several processes it is the loss of the whole batch, whose embeddings are gathered.
    """
    embedding, site = gather_rows(embedding.float()), gather_rows(site)
    unit = torch.nn.functional.normalize(embedding.flatten(0, 1), dim=1)
    owner = site.repeat_interleave(embedding.shape[1])
    itself = torch.eye(len(owner), dtype=torch.bool, device=embedding.device)
    positive = (owner[:, None] == owner[None, :]) & ~itself
    usable = positive.any(1) & (owner[:, None] != owner[None, :]).any(1)
    if not usable.any():
        return embedding.sum() * 0.0
    similarity = (unit @ unit.T / temperature).masked_fill(itself, -torch.inf)
    log_share = similarity - torch.logsumexp(similarity, dim=1, keepdim=True)
    mean_positive = torch.where(positive, log_share, torch.zeros_like(log_share)).sum(1) / positive.sum(1).clamp(min=1)
    return -mean_positive[usable].mean()
