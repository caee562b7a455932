"""FGSM and PGD where their outcome can be worked out: linear networks."""

import numpy as np
import pytest
import torch
from pandas import DataFrame
from torch import nn
from torch.testing import assert_close

from layerwise.contracts import Batch, Target
from layerwise.errors import SettingsError
from layerwise.evaluation.attack import STRENGTHS, Attack, attack, read_strengths
from layerwise.layers.perturbation import projected_gradient
from layerwise.tasks.classify import Classify

BINARY = Target("binary", ("y",), ("no", "yes"))


class Score(nn.Module):
    """s = w x."""

    def __init__(self, weights):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weights))

    def forward(self, inputs):
        return (inputs * self.weight).sum(dim=1, keepdim=True)


def attacked(network, inputs, truth, **changed):
    task = Classify(BINARY)
    how = {"method": "fgsm", "strengths": (0.1, 0.3), "steps": 10,
           "low": torch.tensor(-10.0), "high": torch.tensor(10.0)}  # fmt: skip

    def scores_of(moved):
        with torch.no_grad():
            return task.outputs(network, Batch(moved)).double().numpy()

    table = DataFrame({"truth": truth, "score:no": 0.5, "score:yes": 0.5})
    return attack(network, task, inputs, table, BINARY, scores_of, Attack(**how | changed))


def test_one_step_lowers_a_linear_score_by_the_radius_times_the_sum_of_its_weights():
    """w = (2, -1): a strength of 0.1 of a range of 20 is 2, so scores fall (rise) by 6."""
    network = Score([2.0, -1.0])
    inputs = torch.tensor([[2.0, 0.0], [2.5, -2.0], [-4.0, 1.0]])  # scores 4, 7, -9
    found = attacked(network, inputs, ["yes", "yes", "no"])
    assert found.strengths == (0.0, 0.1, 0.3)
    assert [one.value for one in found.scores] == pytest.approx([1, 2 / 3, 0])
    expected = inputs + torch.tensor([[-6.0, 6.0], [-6.0, 6.0], [6.0, -6.0]])
    order = found.examples["rows"]
    assert_close(found.examples["attacked"], expected[order])
    assert found.examples["said"].tolist() == [[1 - row // 2, row // 2] for row in order.tolist()]


def test_no_value_leaves_the_range_that_it_can_have():
    inputs = torch.tensor([[0.9, 0.1]])
    ends = {"low": torch.tensor(0.0), "high": torch.tensor(1.0)}
    found = attacked(Score([2.0, -1.0]), inputs, ["yes"], strengths=(1.0,), **ends)
    assert_close(found.examples["attacked"], torch.tensor([[0.0, 1.0]]))


def test_a_sure_network_still_has_a_gradient():
    """In float32 a score of 90 is a chance of 1, whose logarithm is flat."""
    found = attacked(Score([30.0, 0.0]), torch.tensor([[3.0, 0.0]]), ["yes"], strengths=(0.3,))
    assert [one.value for one in found.scores] == [1, 0]


def test_projected_gradient_ends_at_the_border_of_a_linear_network():
    network, inputs = Score([2.0, -1.0]), torch.tensor([[2.0, 0.0], [-4.0, 1.0]])
    radius, low, high = torch.tensor(1.5), torch.tensor(-10.0), torch.tensor(10.0)
    moved = projected_gradient(network, inputs, radius, low, high, steps=10)
    assert_close(moved, inputs + torch.tensor([1.5, -1.5]))
    found = attacked(network, inputs, ["yes", "no"], method="pgd", strengths=(0.3,))
    assert [one.value for one in found.scores] == [1, 0]


def test_a_network_of_steps_is_refused():
    class Steps(Score):
        def forward(self, inputs):
            return super().forward(inputs.round().detach() + 0 * inputs)

    with pytest.raises(SettingsError, match="no gradient"):
        attacked(Steps([2.0, -1.0]), torch.tensor([[2.0, 0.0]]), ["yes"])


def test_strengths_are_numbers_texts_or_several():
    assert read_strengths(None) == STRENGTHS
    assert read_strengths(0.25) == (0.25,)
    assert read_strengths("0.1, 0.25,") == (0.1, 0.25)
    assert read_strengths(np.array([0.1, 0.2])) == (0.1, 0.2)
    for wrong in ("much", "0.1,-0.2", 2, ""):
        with pytest.raises(SettingsError, match="from 0 to 1"):
            read_strengths(wrong)
