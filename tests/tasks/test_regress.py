"""Regress: each loss by hand, and what it predicts."""

import math

import pytest
from torch import nn, tensor
from torch.testing import assert_close

from layerwise.contracts import Batch, Target
from layerwise.errors import SettingsError
from layerwise.tasks.regress import Regress

REAL = Target("real", ("y",))
COUNT = Target("count", ("y",))


def value(task, predicted, targets, weight=None):
    (loss,) = task.losses(nn.Identity(), Batch(tensor(predicted), tensor(targets), weight))
    return loss.value.item()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("auto", (0.25 + 9) / 2),
        ("squared", (0.25 + 9) / 2),
        ("absolute", (0.5 + 3) / 2),
        ("huber", (0.125 + 2.5) / 2),
    ],
)
def test_losses_of_errors_of_a_half_and_three(name, expected):
    found = value(Regress(REAL, loss=name), [[0.5], [-3.0]], [[0.0], [0.0]])
    assert found == pytest.approx(expected, rel=1e-6)


def test_the_turn_of_hubers_loss_can_be_moved():
    assert value(Regress(REAL, loss="huber", huber_delta=2.0), [[3.0]], [[0.0]]) == 4.0


def test_a_gaussian_has_two_outputs_and_predicts_its_mean():
    task = Regress(REAL, loss="gaussian_nll")
    assert task.output_size == 2
    found = value(task, [[1.0, math.log(4.0)]], [[3.0]])
    assert found == pytest.approx(0.5 * (math.log(4) + 1))
    assert task.outputs(nn.Identity(), Batch(tensor([[1.0, 5.0]]))).tolist() == [[1.0]]


def test_a_count_is_predicted_by_its_mean():
    task = Regress(COUNT)
    assert task.loss == "poisson"
    assert value(task, [[math.log(2.0)]], [[3.0]]) == pytest.approx(2 - 3 * math.log(2))
    predicted = task.outputs(nn.Identity(), Batch(tensor([[math.log(2.0)]])))
    assert_close(predicted, tensor([[2.0]]))


def test_several_targets_count_alike_and_rows_by_their_weight():
    task = Regress(Target("real", ("y", "z")))
    assert task.output_size == 2
    found = value(task, [[1.0, 0], [0, 3]], [[0.0, 0], [0, 0]], tensor([3.0, 1.0]))
    assert found == pytest.approx((3 * 0.5 + 1 * 4.5) / 4)


@pytest.mark.parametrize(
    ("target", "options", "says"),
    [
        (Target("binary", ("y",), ("a", "b")), {}, "--task classify"),
        (REAL, {"loss": "poisson"}, "is for counts"),
        (REAL, {"loss": "square"}, "Did you mean 'squared'"),
        (REAL, {"huber_delta": 0.0}, "above 0"),
    ],
)
def test_what_cannot_be_is_explained(target, options, says):
    with pytest.raises(SettingsError, match=says):
        Regress(target, **options)
