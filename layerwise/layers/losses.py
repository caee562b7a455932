"""Losses that torch lacks, and the weighted mean over rows that every task takes."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

Scores = tuple[Tensor, list[tuple[float, Tensor]]]


def row_mean(losses: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor | float]:
    """Mean of the losses of single rows, and the terms it is a mean over.

    losses : (rows,)
    weight : (rows,), may be negative; None: every row counts once
    returns : mean, and the number of rows or the sum of their weights. Weights that sum to zero
        have no mean: then it is the sum, over one term.
    """
    if weight is None:
        return losses.mean(), float(losses.shape[0])
    total = weight.sum()
    terms = torch.where(total == 0, torch.ones_like(total), total)
    return (weight * losses).sum() / terms, terms


def scores_in_training(network: Any, inputs: Any) -> Scores:
    """Scores to learn from, and those of auxiliary heads, each with the weight of its loss.

    Heads that only help to learn are offered by a network as ``scores_with_auxiliary``; outside of
    training mode they are left out.

    Source: Szegedy et al. 2015, "Going deeper with convolutions", CVPR, section 5.

    returns : (rows, outputs), and pairs of a weight and scores of the same shape
    """
    if hasattr(network, "scores_with_auxiliary") and network.training:
        return network.scores_with_auxiliary(inputs)
    return network(inputs), []


def focal_from_logits(logits: Tensor, targets: Tensor, focusing: float = 2.0) -> Tensor:
    """Cross-entropy that fades where the network is already right: (1 - p)^focusing (-log p).

    Source: Lin et al. 2017, "Focal loss for dense object detection", equation 4.

    logits : any shape, one sigmoid each
    targets : the same shape, 0 or 1
    returns : the same shape, in nats
    """
    entropy = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    chance_of_error = torch.sigmoid(torch.where(targets > 0, -logits, logits))
    return chance_of_error**focusing * entropy


def focal_from_scores(scores: Tensor, targets: Tensor, focusing: float = 2.0) -> Tensor:
    """Focal loss over a softmax of several classes.

    scores : (rows, classes)
    targets : (rows,), class codes
    returns : (rows,), in nats
    """
    entropy = F.cross_entropy(scores, targets, reduction="none")
    return (1 - torch.exp(-entropy)) ** focusing * entropy


def binary_hinge(scores: Tensor, targets: Tensor) -> Tensor:
    """max(0, 1 - s t) with t = +1 where the target is above zero, else -1.

    Source: Cortes and Vapnik 1995, "Support-vector networks"; for several classes torch has
    ``multi_margin_loss``.

    scores, targets : the same shape, which is also that of the result
    """
    signs = torch.where(targets > 0, 1.0, -1.0).to(scores.dtype)
    return torch.relu(1 - signs * scores)


def gaussian_negative_log_likelihood(mean: Tensor, log_variance: Tensor, targets: Tensor) -> Tensor:
    """-log of the normal density, less its constant: (log v + (t - m)^2 / v) / 2, in nats.

    torch's own takes the variance and looks at its values, which cannot be traced.
    All three, and the result, have the same shape.
    """
    return 0.5 * (log_variance + (targets - mean) ** 2 * torch.exp(-log_variance))
