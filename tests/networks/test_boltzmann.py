"""The Boltzmann machine against sums over all of its states."""

import pytest
import torch
from torch.testing import assert_close

from layerwise.errors import DataError, SettingsError
from layerwise.networks.boltzmann import BoltzmannMachine, all_states


def machine(visible=3, hidden=2, scale=1.0):
    torch.manual_seed(0)
    network = BoltzmannMachine((visible,), hidden=hidden)
    torch.nn.init.normal_(network.weight, std=scale)
    torch.nn.init.normal_(network.bias, std=scale)
    return network


@torch.no_grad()
def chances(network):
    """Chance of every state of all units, by the definition."""
    weights = torch.exp(-network.energy(all_states(network.units).float()))
    return weights / weights.sum()


def counted(states):
    """Share of each state among the rows."""
    places = 2 ** torch.arange(states.shape[1] - 1, -1, -1)
    numbers = (states.long() * places).sum(dim=1)
    return torch.bincount(numbers, minlength=2 ** states.shape[1]) / len(states)


def test_all_states_count_up_in_binary():
    assert all_states(2).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert all_states(0).shape == (1, 0)


def test_energy_is_that_of_a_sum_over_all_pairs():
    network, states = machine(), all_states(5).float()
    weights = network.symmetric_weights()
    for state, energy in zip(states, network.energy(states), strict=True):
        wanted = -(state * network.bias).sum()
        for i in range(5):
            for j in range(i + 1, 5):
                wanted = wanted - weights[i, j] * state[i] * state[j]
        assert_close(energy, wanted)


def test_free_energy_gives_the_chances_of_the_visible_states():
    network = machine()
    found = torch.softmax(-network.free_energy(all_states(3).float()), dim=0)
    assert_close(found, chances(network).reshape(8, 4).sum(dim=1))


def test_free_energy_without_hidden_units_is_the_energy():
    network, states = machine(hidden=0), all_states(3).float()
    assert_close(network.free_energy(states), network.energy(states))


def test_forward_is_the_chance_of_each_unit_given_the_others():
    network = machine()
    joint = chances(network).reshape(2, 2, 2, 4).sum(dim=3)  # three visible units
    found = network(torch.tensor([[1.0, 0, 1]]))
    wanted = [joint[1, 0, 1] / joint[:, 0, 1].sum(), joint[1, 1, 1] / joint[1, :, 1].sum()]
    wanted += [joint[1, 0, 1] / joint[1, 0, :].sum()]
    assert_close(found, torch.stack(wanted)[None])


def test_free_states_come_with_their_chances():
    network = machine()
    found = counted(network.free_states(20000, sweeps=30))
    assert (found - chances(network)).abs().sum() < 0.06


def test_clamped_states_keep_the_inputs_and_sample_the_hidden_units():
    network, visible = machine(), torch.tensor([[1.0, 0, 1]])
    found = network.clamped_states(visible.expand(20000, 3), sweeps=10)
    assert found[:, :3].equal(visible.expand(20000, 3))
    wanted = chances(network).reshape(8, 4)[5]
    assert (counted(found[:, 3:]) - wanted / wanted.sum()).abs().sum() < 0.04


def test_samples_have_the_shape_of_the_inputs_and_two_values():
    found = BoltzmannMachine((1, 2, 3)).sample(5, sweeps=3)
    assert found.shape == (5, 1, 2, 3)
    assert set(found.unique().tolist()) <= {0.0, 1.0}


def test_what_cannot_be_is_refused():
    with pytest.raises(SettingsError, match="from 0 to 12, got 13"):
        BoltzmannMachine((3,), hidden=13)
    with pytest.raises(DataError, match="from 0 to 1, got -1"):
        machine().free_energy(torch.tensor([[-1.0, 0, 1]]))
