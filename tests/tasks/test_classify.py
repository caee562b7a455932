"""Classify: each loss by hand, weights, chances, refusals."""

import math

import pytest
import torch
from torch import nn, tensor
from torch.testing import assert_close

from layerwise.contracts import Batch, Target
from layerwise.errors import SettingsError
from layerwise.tasks.classify import LOSSES, SOFT, Classify

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


# ----------------------------------------------------- chances in place of classes


@pytest.mark.parametrize("name", SOFT)
@pytest.mark.parametrize("target", [BINARY, CLASSES], ids=["binary", "classes"])
def test_certain_chances_are_classes(target, name):
    task = Classify(target, loss=name, class_weight=(1.0, 3.0, 2.0)[: len(target.classes)])
    scores = torch.linspace(-1, 1, 3 * task.output_size).reshape(3, -1)
    codes = tensor([0, 1, len(target.classes) - 1])
    chances = torch.eye(len(target.classes))[codes]
    (wanted,) = task.losses(nn.Identity(), Batch(scores, codes.float()))
    (found,) = task.losses(nn.Identity(), Batch(scores, chances))
    assert_close(found.value, wanted.value)
    assert float(found.terms) == pytest.approx(float(wanted.terms))


def test_cross_entropy_of_chances_is_the_mean_over_them():
    scores = tensor([[math.log(0.7), math.log(0.2), math.log(0.1)]])
    found = loss_of(Classify(CLASSES), scores.tolist(), [[0.25, 0.75, 0.0]])
    by_hand = -0.25 * math.log(0.7) - 0.75 * math.log(0.2)
    assert found.value.item() == pytest.approx(by_hand, abs=1e-6)


def test_hinge_and_focal_take_no_chances():
    taking = {name: Classify(CLASSES, loss=name).takes_chances for name in LOSSES[1:]}
    assert [name for name, takes in taking.items() if not takes] == ["focal", "hinge"]


def by_goodfellows_equation(network, inputs, codes, strength, low, high):
    """(J(x, y) + J(x + epsilon sign(grad of J), y)) / 2, as section 6 writes it; one row a time."""
    total = 0.0
    for row, code in zip(inputs, codes, strict=True):
        row = row.clone().requires_grad_()
        clean = -torch.log_softmax(network(row.unsqueeze(0)), dim=1)[0, code]
        (gradient,) = torch.autograd.grad(clean, row)
        moved = row.detach() + strength * (high - low) * gradient.sign()
        moved = moved.clamp(low, high)
        other = -torch.log_softmax(network(moved.unsqueeze(0)), dim=1)[0, code]
        clean = -torch.log_softmax(network(row.detach().unsqueeze(0)), dim=1)[0, code]
        total = total + (clean + other) / 2
    return total / len(inputs)


def small_network():
    torch.manual_seed(0)
    layers = nn.Conv2d(1, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(4 * 16, 3)
    network = nn.Sequential(*layers).double()
    inputs = torch.rand(5, 1, 6, 6, dtype=torch.float64) * 3 - 1
    return network, inputs, tensor([0, 2, 1, 1, 0])


def test_adversarial_training_is_goodfellows_equation():
    network, inputs, codes = small_network()
    task = Classify(CLASSES, adversarial=0.1, adversarial_range=(-1.0, 2.0))
    (loss,) = task.losses(network, Batch(inputs, codes))
    assert all(weight.grad is None for weight in network.parameters()), "the engine's, not ours"
    found = torch.autograd.grad(loss.value, list(network.parameters()))
    value = by_goodfellows_equation(network, inputs, codes, 0.1, -1.0, 2.0)
    assert_close(loss.value, value)
    assert_close(found, torch.autograd.grad(value, list(network.parameters())))


def test_projected_gradient_training_stays_within_the_strength():
    network, inputs, codes = small_network()
    seen = []
    network.register_forward_pre_hook(lambda _, given: seen.append(given[0].detach().clone()))
    task = Classify(CLASSES, adversarial=0.1, adversarial_steps=3, adversarial_range=(-1.0, 2.0))
    (loss,) = task.losses(network, Batch(inputs, codes))
    assert len(seen) == 5, "the clean rows, three steps, the attacked rows"
    assert all((moved - inputs).abs().max() <= 0.3 + 1e-12 for moved in seen)
    assert all(moved.min() >= -1 and moved.max() <= 2 for moved in seen)
    plain = nn.functional.cross_entropy(network(inputs), codes)
    assert loss.value > plain


def test_a_row_of_negative_weight_is_attacked_like_any_other():
    network, inputs, codes = small_network()
    weight = tensor([1.0, -0.5, 1.0, 1.0, 1.0], dtype=torch.float64)
    task = Classify(CLASSES, adversarial=0.1, adversarial_range=(-1.0, 2.0))
    (loss,) = task.losses(network, Batch(inputs, codes, weight))
    alone = [
        next(task.losses(network, Batch(inputs[[row]], codes[[row]]))).value for row in range(5)
    ]
    assert_close(loss.value, (weight * torch.stack(alone)).sum() / weight.sum())


def test_adversarial_training_gives_the_loss_without_gradients_too():
    network, inputs, codes = small_network()
    task = Classify(CLASSES, adversarial=0.1, adversarial_range=(-1.0, 2.0))
    (with_tape,) = task.losses(network, Batch(inputs, codes))
    with torch.no_grad():
        (without,) = task.losses(network, Batch(inputs, codes))
    assert_close(without.value, with_tape.value.detach())


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"adversarial": -0.1}, "from 0 to 1"),
        ({"adversarial": 1.5, "adversarial_range": (0.0, 1.0)}, "from 0 to 1"),
        ({"adversarial": 0.1, "adversarial_steps": 0}, "at least 1"),
    ],
)
def test_an_attack_that_cannot_be_is_refused(options, told):
    with pytest.raises(SettingsError, match=told):
        Classify(CLASSES, **options)
