"""The criterion's descent is Rosenblatt's rule, step by step."""

import pytest
import torch
from torch import nn, tensor
from torch.testing import assert_close

from layerwise.contracts import Batch, Target
from layerwise.errors import SettingsError
from layerwise.networks.perceptron import Perceptron
from layerwise.tasks.perceptron_rule import PerceptronRule

BINARY = Target("binary", ("y",), ("no", "yes"))
CLASSES = Target("classes", ("y",), ("a", "b", "c"))


def descend(network, task, batch, learning_rate):
    network.zero_grad()
    (loss,) = task.losses(network, batch)
    loss.value.backward()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter -= learning_rate * parameter.grad


@pytest.mark.parametrize("target", [BINARY, CLASSES], ids=["binary", "classes"])
def test_two_hundred_steps_are_those_of_the_textbook(target):
    torch.manual_seed(0)
    task = PerceptronRule(target)
    network = Perceptron((3,), task.output_size)
    units = max(2, task.output_size)
    weight, bias = torch.zeros(task.output_size, 3), torch.zeros(task.output_size)
    for _ in range(200):
        x, code = torch.randn(3), int(torch.randint(units, ()))
        label = tensor([float(code)]) if target is BINARY else tensor([code])
        descend(network, task, Batch(x[None], label), learning_rate=0.5)
        for unit in range(task.output_size):  # Rosenblatt 1958: only a mistake moves the weights
            wanted = 1 if (code == 1 if target is BINARY else code == unit) else -1
            if wanted * (weight[unit] @ x + bias[unit]) <= 0:
                weight[unit] += 0.5 * wanted * x
                bias[unit] += 0.5 * wanted
        assert_close(network.weight, weight)
        assert_close(network.bias, bias)


def test_a_net_input_of_zero_is_a_mistake():
    network, x = Perceptron((2,)), tensor([[1.0, 2.0]])
    descend(network, PerceptronRule(BINARY), Batch(x, tensor([0.0])), learning_rate=1.0)
    assert_close(network.weight, -x)
    assert_close(network.bias, tensor([-1.0]))


def test_targets_of_minus_and_plus_one_are_understood():
    network, x = Perceptron((2,)), tensor([[1.0, 2.0]])
    descend(network, PerceptronRule(BINARY), Batch(x, tensor([-1.0])), learning_rate=1.0)
    assert_close(network.weight, -x)


def test_it_separates_what_a_line_can_separate():
    torch.manual_seed(0)
    inputs = torch.randn(50, 2)
    truth = (inputs @ tensor([1.0, -2.0]) + 0.3 > 0).float()
    network, task = Perceptron((2,)), PerceptronRule(BINARY)
    for _ in range(100):
        for row in range(50):
            descend(network, task, Batch(inputs[row : row + 1], truth[row : row + 1]), 1.0)
    assert task.outputs(network, Batch(inputs)).argmax(1).equal(truth.long())


def test_exclusive_or_is_never_more_than_three_of_four():
    inputs, truth = tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]]), tensor([0, 1, 1, 0])
    network, task, best = Perceptron((2,)), PerceptronRule(BINARY), 0
    for _ in range(100):
        for row in range(4):
            descend(network, task, Batch(inputs[row : row + 1], truth[row : row + 1].float()), 1.0)
            right = (task.outputs(network, Batch(inputs)).argmax(1) == truth).sum().item()
            best = max(best, right)
    assert best <= 3


def test_a_row_that_weighs_nothing_moves_nothing():
    network = Perceptron((2,))
    batch = Batch(tensor([[1.0, 2.0], [5.0, 5.0]]), tensor([1.0, 0.0]), tensor([1.0, 0.0]))
    descend(network, PerceptronRule(BINARY), batch, learning_rate=1.0)
    assert_close(network.weight, tensor([[1.0, 2.0]]))


def test_decisions_are_zero_or_one():
    found = PerceptronRule(BINARY).outputs(nn.Identity(), Batch(tensor([[0.3], [0.0], [-2.0]])))
    assert found.tolist() == [[0, 1], [1, 0], [1, 0]]
    found = PerceptronRule(CLASSES).outputs(nn.Identity(), Batch(tensor([[-3.0, -1, -2]])))
    assert found.tolist() == [[0, 1, 0]]


def test_numbers_are_refused():
    with pytest.raises(SettingsError, match="--task regress"):
        PerceptronRule(Target("real", ("y",)))
