"""Classify: each loss by hand, weights, chances, refusals."""

import math

import pytest
import torch
from torch import nn, tensor
from torch.testing import assert_close

from layerwise.contracts import Batch, Target
from layerwise.errors import SettingsError
from layerwise.tasks.classify import Classify

BINARY = Target("binary", ("y",), ("no", "yes"))
CLASSES = Target("classes", ("y",), ("a", "b", "c"))
LABELS = Target("labels", ("p", "q"), ("p", "q"))
LOG4 = math.log(4)  # a chance of 0.8


def loss_of(task, scores, targets, weight=None):
    """The inputs are the scores: the network is the identity."""
    (loss,) = task.losses(nn.Identity(), Batch(tensor(scores), tensor(targets), weight))
    return loss


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("auto", -math.log(0.8)),
        ("cross_entropy", -math.log(0.8)),
        ("binary_cross_entropy", -math.log(0.8)),
        ("focal", 0.2**2 * -math.log(0.8)),
        ("hinge", 0.0),
        ("squared", 0.2**2),
    ],
)
def test_losses_of_two_classes(name, expected):
    found = loss_of(Classify(BINARY, loss=name), [[LOG4], [-LOG4]], [1.0, 0.0])
    assert found.value.item() == pytest.approx(expected, abs=1e-6)
    assert found.terms == 2


def test_negative_log_likelihood_takes_the_log_chances_of_both_classes():
    task = Classify(BINARY, loss="negative_log_likelihood")
    assert task.output_size == 2
    found = loss_of(task, [[math.log(0.3), math.log(0.7)]], [1.0])
    assert found.value.item() == pytest.approx(-math.log(0.7))
    chances = task.outputs(nn.Identity(), Batch(tensor([[math.log(0.3), math.log(0.7)]])))
    assert_close(chances, tensor([[0.3, 0.7]]))


SCORES = [[math.log(0.7), math.log(0.2), math.log(0.1)]]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("auto", -math.log(0.2)),
        ("negative_log_likelihood", -math.log(0.2)),
        ("focal", 0.8**2 * -math.log(0.2)),
        ("squared", 0.7**2 + 0.8**2 + 0.1**2),
        # margins: 1 - log 0.2 + log 0.7 and 1 - log 0.2 + log 0.1, over three classes
        ("hinge", (2 - 2 * math.log(0.2) + math.log(0.7) + math.log(0.1)) / 3),
        # the sigmoid of log p is p / (1 + p)
        ("binary_cross_entropy", (math.log(1.7) - math.log(0.2 / 1.2) + math.log(1.1)) / 3),
    ],
)
def test_losses_of_three_classes(name, expected):
    found = loss_of(Classify(CLASSES, loss=name), SCORES, [1])
    assert found.value.item() == pytest.approx(expected, rel=1e-5)


def test_labels_are_decided_one_by_one():
    task = Classify(LABELS)
    found = loss_of(task, [[LOG4, LOG4]], [[1.0, 0.0]])
    assert found.value.item() == pytest.approx(-(math.log(0.8) + math.log(0.2)) / 2)
    assert_close(task.outputs(nn.Identity(), Batch(tensor([[LOG4, 0.0]]))), tensor([[0.8, 0.5]]))


def test_chances_of_two_classes_have_two_columns():
    found = Classify(BINARY).outputs(nn.Identity(), Batch(tensor([[LOG4]])))
    assert_close(found, tensor([[0.2, 0.8]]))


def test_label_smoothing_spreads_a_share_of_the_truth():
    found = loss_of(Classify(CLASSES, label_smoothing=0.3), SCORES, [1])
    expected = -(0.1 * math.log(0.7) + 0.8 * math.log(0.2) + 0.1 * math.log(0.1))
    assert found.value.item() == pytest.approx(expected, rel=1e-5)
    found = loss_of(Classify(BINARY, label_smoothing=0.3), [[LOG4]], [1.0])
    assert found.value.item() == pytest.approx(-0.85 * math.log(0.8) - 0.15 * math.log(0.2))


@pytest.mark.parametrize("name", ["auto", "focal", "hinge", "squared", "negative_log_likelihood"])
@pytest.mark.parametrize("target", [BINARY, CLASSES], ids=["binary", "classes"])
def test_a_weighted_mean_is_that_of_repeated_rows(target, name):
    task = Classify(target, loss=name)
    torch.manual_seed(0)
    scores = torch.randn(3, task.output_size)
    codes = tensor([1, 0, 1]) if target is CLASSES else tensor([1.0, 0.0, 1.0])
    (weighted,) = task.losses(nn.Identity(), Batch(scores, codes, tensor([1.0, 2.0, 1.0])))
    order = tensor([0, 1, 1, 2])
    (repeated,) = task.losses(nn.Identity(), Batch(scores[order], codes[order]))
    assert_close(weighted.value, repeated.value)
    assert weighted.terms.item() == repeated.terms == 4


def test_class_weights_are_torchs_own():
    torch.manual_seed(0)
    scores, codes = torch.randn(6, 3), tensor([0, 1, 2, 2, 1, 0])
    (found,) = Classify(CLASSES, class_weight=(1.0, 2.0, 0.5)).losses(
        nn.Identity(), Batch(scores, codes)
    )
    expected = nn.functional.cross_entropy(scores, codes, weight=tensor([1.0, 2.0, 0.5]))
    assert_close(found.value, expected)
    assert found.terms.item() == 7


def test_class_weights_multiply_row_weights():
    task = Classify(BINARY, class_weight=(1.0, 3.0))
    found = loss_of(task, [[LOG4], [LOG4]], [1.0, 0.0], weight=tensor([2.0, 4.0]))
    assert found.terms.item() == 10
    expected = (6 * -math.log(0.8) + 4 * -math.log(0.2)) / 10
    assert found.value.item() == pytest.approx(expected, rel=1e-5)


def test_a_labels_weight_counts_where_it_is_true():
    found = loss_of(Classify(LABELS, class_weight=(3.0, 3.0)), [[LOG4, LOG4]], [[1.0, 0.0]])
    assert found.value.item() == pytest.approx(-(3 * math.log(0.8) + math.log(0.2)) / 2)
    assert found.terms == 1


@pytest.mark.parametrize(
    ("target", "options", "says"),
    [
        (Target("real", ("y",)), {}, "--task regress"),
        (BINARY, {"loss": "crossentropy"}, r"no loss 'crossentropy'.*Did you mean 'cross_entropy'"),
        (LABELS, {"loss": "cross_entropy"}, "several labels can be right"),
        (CLASSES, {"label_smoothing": 1.0}, "from 0 to below 1"),
        (CLASSES, {"label_smoothing": 0.1, "loss": "hinge"}, "not with hinge"),
        (CLASSES, {"class_weight": (1.0, 2.0)}, "each of 3 classes, got 2"),
    ],
)
def test_what_cannot_be_is_explained(target, options, says):
    with pytest.raises(SettingsError, match=says):
        Classify(target, **options)
