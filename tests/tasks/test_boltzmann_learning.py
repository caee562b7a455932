"""Clamped minus free statistics, and that they teach a small machine its data."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from layerwise.contracts import Batch, Stage, Target
from layerwise.data.datasets import TensorDataset
from layerwise.errors import SettingsError
from layerwise.networks.boltzmann import BoltzmannMachine, all_states
from layerwise.tasks.boltzmann_learning import BoltzmannLearning
from layerwise.training import train

TASK = BoltzmannLearning(Target("none"))


def small():
    torch.manual_seed(0)
    return BoltzmannMachine((4,), hidden=2)


def parity():
    """The eight states of four units of which an even number is on: no pair of them is related."""
    states = all_states(4).float()
    return states[states.sum(dim=1) % 2 == 0]


def divergence(network, inputs):
    """KL(data || machine) in nats, by the sum over all 16 visible states."""
    with torch.no_grad():
        log_chances = torch.log_softmax(-network.free_energy(all_states(4).float()), dim=0)
    numbers = (inputs.long() * torch.tensor([8, 4, 2, 1])).sum(dim=1)
    shares = torch.bincount(numbers, minlength=16) / len(inputs)
    seen = shares > 0
    return float((shares[seen] * (shares[seen].log() - log_chances[seen])).sum())


def test_one_step_is_the_rule_of_ackley_hinton_and_sejnowski():
    network, inputs, rate = small(), parity()[:5], 0.1
    before, bias = network.symmetric_weights().detach(), network.bias.detach().clone()
    torch.manual_seed(7)
    clamped = network.clamped_states(inputs, TASK.sweeps)
    free = network.free_states(5, TASK.sweeps)
    torch.manual_seed(7)
    (loss,) = TASK.losses(network, Batch(inputs))
    loss.value.backward()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter -= 2 * rate * parameter.grad
    after = network.symmetric_weights()
    for i in range(6):
        for j in range(6):
            together = [float((s[:, i] * s[:, j]).mean()) for s in (clamped, free)]
            change = rate * (together[0] - together[1]) if i != j else 0.0
            assert float((after - before)[i, j].detach()) == pytest.approx(change, abs=1e-6)
    on = clamped.mean(dim=0) - free.mean(dim=0)
    assert_close(network.bias.detach() - bias, 2 * rate * on)


def test_the_gradient_is_that_of_the_log_likelihood_in_equilibrium():
    network, inputs = small(), parity()[:3]
    nn.init.normal_(network.weight, std=0.7)
    everything = all_states(4).float()
    exact = network.free_energy(inputs).mean() + torch.logsumexp(
        -network.free_energy(everything), dim=0
    )
    wanted = torch.autograd.grad(exact, list(network.parameters()))
    many = inputs.repeat(20000, 1)
    (loss,) = BoltzmannLearning(Target("none"), sweeps=15).losses(network, Batch(many))
    found = torch.autograd.grad(loss.value, list(network.parameters()))
    for one, other in zip(found, wanted, strict=True):
        assert (one - other).abs().max() < 0.01


def test_it_learns_a_small_distribution_with_its_hidden_units():
    inputs = torch.tensor([[1.0, 1, 0, 0], [0, 0, 1, 1]]).repeat(16, 1)
    inputs = torch.cat([inputs, torch.tensor([[1.0, 1, 1, 1]]).repeat(8, 1)])
    network = small()
    before = divergence(network, inputs)
    recipe = (Stage(TASK, "adam", {}, 0.1, "cosine", epochs=100, batch_size="all"),)
    for _ in train(network, recipe, TensorDataset(inputs)):
        pass
    after = divergence(network, inputs)
    assert before > 1.5
    assert after < 0.3
    assert TASK.outputs(network, Batch(inputs)).mean() < 1.5  # nats; at first 4 log 2 = 2.8


def test_outputs_by_hand():
    network = BoltzmannMachine((2,), hidden=0)
    with torch.no_grad():
        network.weight.zero_()
        network.bias.copy_(torch.tensor([3.0, 0.25]).log())  # on with chances 3/4 and 1/5
    found = TASK.outputs(network, Batch(torch.tensor([[1.0, 0], [0, 1]])))
    assert_close(found, -torch.tensor([[0.75 * 0.8], [0.25 * 0.2]]).log())


def test_what_cannot_be_is_refused():
    with pytest.raises(SettingsError, match="sweeps of boltzmann_learning must be 1 or more"):
        BoltzmannLearning(Target("none"), sweeps=0)
    with pytest.raises(SettingsError, match="Choose --network boltzmann"):
        list(TASK.losses(nn.Linear(2, 2), Batch(torch.ones(1, 2))))
