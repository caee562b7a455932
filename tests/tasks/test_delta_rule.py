"""The criterion's descent is Widrow and Hoff's rule, step by step."""

import pytest
import torch
from torch import nn, tensor
from torch.testing import assert_close

from layerwise.contracts import Batch, Target
from layerwise.errors import SettingsError
from layerwise.networks.adaline import Adaline
from layerwise.tasks.delta_rule import DeltaRule

BINARY = Target("binary", ("y",), ("no", "yes"))
CLASSES = Target("classes", ("y",), ("a", "b", "c"))
REAL = Target("real", ("y", "z"))


def descend(network, task, batch, learning_rate):
    network.zero_grad()
    (loss,) = task.losses(network, batch)
    loss.value.backward()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter -= learning_rate * parameter.grad


def example(target):
    if target is REAL:
        return torch.randn(1, 2)
    return torch.randint(2, (1,)).float() if target is BINARY else torch.randint(3, (1,))


def wanted(target, truth):
    if target is REAL:
        return truth[0]
    if target is BINARY:
        return 2 * truth - 1
    return tensor([1.0 if int(truth) == unit else -1.0 for unit in range(3)])


@pytest.mark.parametrize("target", [BINARY, CLASSES, REAL], ids=["binary", "classes", "real"])
def test_a_hundred_steps_are_those_of_the_textbook(target):
    torch.manual_seed(0)
    task = DeltaRule(target)
    network = Adaline((3,), task.output_size)
    weight, bias = torch.zeros(task.output_size, 3), torch.zeros(task.output_size)
    for _ in range(100):
        x, truth = torch.randn(3), example(target)
        descend(network, task, Batch(x[None], truth), learning_rate=0.1)
        error = wanted(target, truth) - (weight @ x + bias)  # Widrow and Hoff 1960
        weight += 0.1 * error[:, None] * x
        bias += 0.1 * error
        assert_close(network.weight, weight)
        assert_close(network.bias, bias)


def test_rows_count_by_their_weight():
    batch = Batch(tensor([[1.0], [0.0]]), tensor([0.0, 1.0]), tensor([3.0, 1.0]))
    (loss,) = DeltaRule(BINARY).losses(nn.Identity(), batch)
    assert loss.value.item() == (3 * 2.0 + 1 * 0.5) / 4


def test_classes_are_decided_and_numbers_given():
    batch = Batch(tensor([[0.3, -0.2, 0.9]]))
    assert DeltaRule(CLASSES).outputs(nn.Identity(), batch).tolist() == [[0, 0, 1]]
    assert_close(DeltaRule(REAL).outputs(nn.Identity(), batch), batch.inputs)
    assert DeltaRule(REAL).metrics[0] == "rmse"


def test_labels_are_refused():
    with pytest.raises(SettingsError, match="needs a target of classes"):
        DeltaRule(Target("labels", ("p", "q"), ("p", "q")))
