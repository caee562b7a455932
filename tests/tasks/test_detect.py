"""Badly rebuilt rows are anomalies; losses and scores by hand, and a network that learns."""

import pytest
import torch
from torch import nn, tensor
from torch.testing import assert_close

from layerwise.contracts import Batch, Stage, Target
from layerwise.data.datasets import TensorDataset
from layerwise.errors import SettingsError
from layerwise.tasks.detect import Detect
from layerwise.training import train

BINARY, NONE = Target("binary", ("y",), ("usual", "odd")), Target("none")


class Narrow(nn.Module):
    """A line through the origin: one number is the code of a row."""

    def __init__(self, features=2):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(features, 1))

    def encode(self, inputs):
        return inputs @ self.weight

    def decode(self, codes):
        return codes @ self.weight.T

    def forward(self, inputs):
        return self.decode(self.encode(inputs))


class Zero(nn.Module):
    """Rebuilds zeros: the error of a number is its square."""

    def forward(self, inputs):
        return 0 * inputs


ROWS = Batch(tensor([[1.0, 1.0], [0.0, 2.0], [3.0, 0.0]]))  # errors 1, 2 and 4.5 per number


def test_the_loss_is_the_mean_squared_error_per_number():
    (loss,) = Detect(BINARY).losses(Zero(), ROWS)
    assert loss.value.item() == pytest.approx((1 + 2 + 4.5) / 3)
    assert loss.terms == 3


def test_rows_count_as_they_weigh():
    (loss,) = Detect(NONE).losses(Zero(), Batch(ROWS.inputs, weight=tensor([1.0, 0.0, 3.0])))
    assert loss.value.item() == pytest.approx((1 + 3 * 4.5) / 4)
    assert loss.terms == 4


def test_scores_rise_with_the_error_from_0_to_1():
    found = Detect(BINARY).outputs(Zero(), ROWS)
    assert found.dtype == torch.float64
    assert_close(found[:, 1], tensor([1 / 2, 2 / 3, 4.5 / 5.5], dtype=torch.float64))
    assert_close(found.sum(dim=1), torch.ones(3, dtype=torch.float64))


def test_scores_hold_at_both_ends_and_part_large_errors():
    found = Detect(BINARY).outputs(
        Zero(), Batch(tensor([[0.0], [1e-20], [1000.0], [1000.1], [1e30]]))
    )
    assert found[0].tolist() == [1, 0]
    assert found[4].tolist() == [pytest.approx(0), 1]
    assert found[:, 1].isfinite().all()
    assert (found[1:, 1] > found[:-1, 1]).all()  # as float32 the scores of 1000 and 1000.1 tie


def test_without_classes_the_error_itself_is_given():
    assert Detect(NONE).outputs(Zero(), ROWS).tolist() == [[1], [2], [4.5]]


def test_images_are_rebuilt_in_their_own_shape():
    batch = Batch(torch.full((2, 1, 3, 3), 2.0))
    (loss,) = Detect(NONE).losses(Zero(), batch)
    assert loss.value.item() == pytest.approx(4)
    assert Detect(NONE).errors(Zero(), batch).shape == (2, 9)


def test_it_learns_the_usual_direction_and_finds_what_leaves_it():
    torch.manual_seed(0)
    usual = torch.randn(200, 1) @ tensor([[0.6, 0.8]])
    network, task = Narrow(), Detect(BINARY)
    stage = Stage(task, "adam", learning_rate=0.05, epochs=20, batch_size=20)
    for _ in train(network, (stage,), TensorDataset(usual)):
        pass
    direction = (network.weight / network.weight.norm()).flatten()
    assert_close((direction @ tensor([0.6, 0.8])).abs(), tensor(1.0), atol=1e-3, rtol=0)
    scores = task.outputs(network, Batch(tensor([[3.0, 4.0], [0.8, -0.6]])))[:, 1]
    assert scores[0] < 0.01 < 0.3 < scores[1]  # the second is rebuilt as 0: e = 1/2, s = 1/3


def test_noise_is_held_against_the_clean_row():
    torch.manual_seed(0)
    (loss,) = Detect(NONE, noise=2.0).losses(nn.Identity(), Batch(torch.zeros(4000, 3)))
    assert loss.value.item() == pytest.approx(4, rel=0.05)  # the variance of the noise
    assert Detect(NONE, noise=2.0).outputs(nn.Identity(), ROWS).tolist() == [[0], [0], [0]]


def test_accuracy_is_never_reported():
    assert Detect(BINARY).metrics == ("pr_auc", "roc_auc", "precision", "recall", "f1")
    assert Detect(BINARY).baselines == ("isolation_forest", "pca_error")
    assert Detect(NONE).metrics == ("mean_error",)
    assert Detect(NONE).baselines == ("pca_error",)  # errors of a row, comparable with the task's


def test_the_rule_of_the_threshold_follows_the_budget_of_alarms():
    assert Detect(BINARY).threshold == "f1"
    assert Detect(BINARY, alarms=2.5).threshold == "alarms:2.5"


@pytest.mark.parametrize(
    ("target", "options", "said"),
    [
        (Target("real", ("y",)), {}, "two classes.*got one of kind 'real'"),
        (Target("classes", ("y",), ("a", "b", "c")), {}, "Leave out --target"),
        (BINARY, {"noise": -1}, "noise of detect must not be negative, got -1"),
        (BINARY, {"alarms": 0}, "alarms per 1,000 rows, got 0"),
        (BINARY, {"alarms": 1001}, "got 1001"),
    ],
)
def test_what_cannot_be_is_refused(target, options, said):
    with pytest.raises(SettingsError, match=said):
        Detect(target, **options)
