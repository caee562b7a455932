"""Losses that torch lacks, by hand."""

import math

import pytest
import torch
from torch import tensor
from torch.testing import assert_close

from layerwise.layers.losses import (
    binary_hinge,
    focal_from_logits,
    focal_from_scores,
    gaussian_negative_log_likelihood,
    row_mean,
)


def test_plain_rows_have_their_mean_and_number():
    mean, terms = row_mean(tensor([1.0, 2.0, 6.0]), None)
    assert (mean.item(), terms) == (3.0, 3.0)


def test_weighted_rows_have_the_mean_of_their_weights():
    mean, terms = row_mean(tensor([1.0, 2.0, 6.0]), tensor([1.0, -1.0, 2.0]))
    assert (mean.item(), terms.item()) == (5.5, 2.0)


def test_weights_that_cancel_give_the_sum_over_one_term():
    mean, terms = row_mean(tensor([1.0, 3.0]), tensor([1.0, -1.0]))
    assert (mean.item(), terms.item()) == (-2.0, 1.0)


@pytest.mark.parametrize("truth", [0.0, 1.0])
def test_focal_loss_of_one_logit(truth):
    chance = 0.8 if truth else 0.2
    logit = tensor([math.log(4.0)])
    expected = (1 - chance) ** 2 * -math.log(chance)
    assert focal_from_logits(logit, tensor([truth])).item() == pytest.approx(expected, rel=1e-5)


def test_focal_loss_of_several_classes():
    scores = torch.log(tensor([[0.7, 0.2, 0.1]]))
    found = focal_from_scores(scores, tensor([1]), focusing=3.0)
    assert found.item() == pytest.approx(0.8**3 * -math.log(0.2), rel=1e-5)


def test_focal_loss_without_focusing_is_cross_entropy():
    scores, truth = tensor([[0.3, -1.0, 2.0]]), tensor([0])
    expected = torch.nn.functional.cross_entropy(scores, truth, reduction="none")
    assert_close(focal_from_scores(scores, truth, focusing=0.0), expected)


def test_hinge_is_zero_beyond_the_margin():
    found = binary_hinge(tensor([2.0, 0.5, 0.5, -3.0]), tensor([1.0, 1.0, 0.0, 0.0]))
    assert found.tolist() == [0, 0.5, 1.5, 0]


def test_gaussian_likelihood_is_that_of_torch():
    mean, log_variance, truth = torch.randn(3, 5, 2).unbind()
    expected = torch.nn.functional.gaussian_nll_loss(
        mean, truth, log_variance.exp(), reduction="none"
    )
    assert_close(gaussian_negative_log_likelihood(mean, log_variance, truth), expected)
