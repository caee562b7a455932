"""One pass of descent over the energy is Hebb's rule."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from layerwise.contracts import Batch, Stage, Target
from layerwise.data.datasets import TensorDataset
from layerwise.errors import DataError, SettingsError
from layerwise.networks.hopfield import Hopfield
from layerwise.tasks.hebb import Hebb
from layerwise.training import train

TASK = Hebb(Target("none"))


def patterns(rows=7, units=12):
    generator = torch.Generator().manual_seed(0)
    return 2.0 * torch.randint(0, 2, (rows, units), generator=generator) - 1


def textbook(examples):
    """Hebb's rule, pair by pair: W_ij = 1/N sum x_i x_j, W_ii = 0."""
    units = examples.shape[1]
    weights = torch.zeros(units, units)
    for i in range(units):
        for j in range(units):
            if i != j:
                weights[i, j] = sum(x[i] * x[j] for x in examples) / units
    return weights


def learned(examples, rate, batch_size):
    network = Hopfield((examples.shape[1],))
    recipe = (Stage(TASK, "sgd", {}, rate, epochs=1, batch_size=batch_size),)
    for _ in train(network, recipe, TensorDataset(examples)):
        pass
    return network.symmetric_weights().detach()


def test_one_step_over_all_rows_is_hebbs_rule():
    examples = patterns()
    rate = 2 * len(examples) / examples.shape[1]
    assert_close(learned(examples, rate, "all"), textbook(examples))


def test_one_pass_over_single_rows_is_the_sum_of_hopfields_paper():
    examples = patterns()
    (stage,) = Hopfield.recipes["historic"]
    found = learned(examples, stage.learning_rate, stage.batch_size)
    assert_close(found, examples.shape[1] * textbook(examples))


def test_the_closed_form_is_the_same():
    examples = patterns()
    network = Hopfield((12,))
    network.solve([Batch(examples)])
    assert_close(network.symmetric_weights(), textbook(examples))


def test_outputs_are_the_share_of_units_that_recall_changes():
    network = Hopfield((4,))
    network.solve([Batch(torch.tensor([[1.0, 1, 1, 1]]))])
    rows = torch.tensor([[1.0, 1, 1, 1], [1, 1, 1, -1], [-1, -1, -1, -1]])
    assert TASK.outputs(network, Batch(rows)).tolist() == [[0.0], [0.25], [0.0]]


def test_patterns_of_more_than_two_values_are_refused():
    with pytest.raises(DataError, match=r"-1 and \+1 only"):
        list(TASK.losses(Hopfield((2,)), Batch(torch.tensor([[0.3, 1.0]]))))


def test_a_network_without_an_energy_is_refused():
    with pytest.raises(SettingsError, match="Choose --network hopfield"):
        list(TASK.losses(nn.Linear(2, 2), Batch(torch.ones(1, 2))))
