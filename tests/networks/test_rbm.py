"""Energies and chances of a restricted Boltzmann machine against sums over all states."""

import math

import pytest
import torch
from torch import tensor
from torch.testing import assert_close

from layerwise.contracts import Batch
from layerwise.errors import SettingsError
from layerwise.networks.rbm import RBM


def machine(**more):
    torch.manual_seed(0)
    made = RBM((2, 2), hidden=3, **more)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return made.requires_grad_(False)


def all_states(units):
    return torch.cartesian_prod(*[tensor([0.0, 1.0])] * units)


@pytest.mark.parametrize("visible", ["binary", "gaussian"])
def test_the_energy_is_that_of_the_textbook(visible):
    made, v, h = machine(visible=visible), torch.rand(1, 2, 2), tensor([[1.0, 0.0, 1.0]])
    made.deviation.uniform_(0.5, 2)
    flat, s = v[0].flatten(), made.deviation
    if visible == "binary":
        energy = -made.visible_bias @ flat - made.hidden_bias @ h[0] - h[0] @ made.weight @ flat
    else:
        energy = 0.5 * (((flat - made.visible_bias) / s) ** 2).sum()
        energy = energy - made.hidden_bias @ h[0] - h[0] @ made.weight @ (flat / s)
    assert_close(made.energy(v, h), energy[None])


@pytest.mark.parametrize("visible", ["binary", "gaussian"])
def test_the_free_energy_sums_over_the_hidden_states(visible):
    made, v = machine(visible=visible), torch.rand(5, 2, 2)
    made.deviation.uniform_(0.5, 2)
    energies = torch.stack([made.energy(v, h.expand(5, 3)) for h in all_states(3)])
    assert_close(made.free_energy(v), -torch.logsumexp(-energies, 0))


def test_the_free_energy_of_hidden_states_sums_over_the_visible():
    made, h = machine(), all_states(3)
    energies = [made.energy(v.view(1, 2, 2).expand(8, 2, 2), h) for v in all_states(4)]
    assert_close(made.hidden_free_energy(h), -torch.logsumexp(-torch.stack(energies), 0))


def test_chances_are_ratios_of_summed_weights():
    made, v, h = machine(), torch.rand(2, 2).round()[None], tensor([[1.0, 1.0, 0.0]])
    weights = torch.stack([torch.exp(-made.energy(v, one[None])) for one in all_states(3)])
    chances = (weights * all_states(3)).sum(0) / weights.sum()
    assert_close(made.hidden_chances(v)[0], chances)
    weights = torch.stack([torch.exp(-made.energy(o.view(1, 2, 2), h)) for o in all_states(4)])
    chances = (weights * all_states(4)).sum(0) / weights.sum()
    assert_close(made.visible_chances(h).flatten(), chances)


def test_gaussian_units_are_drawn_with_their_mean_and_deviation():
    made = machine(visible="gaussian")
    made.deviation.copy_(tensor([0.5, 1.0, 2.0, 3.0]))
    made.weight.zero_()
    drawn = made.gibbs(torch.zeros(20_000, 2, 2)).flatten(1)
    assert_close(drawn.mean(0), made.visible_bias, atol=0.08, rtol=0)
    assert_close(drawn.std(0), made.deviation, atol=0, rtol=0.03)


def test_the_start_is_the_log_odds_of_the_rows_with_their_weight():
    made = machine()
    first, second = tensor([[[0.0, 1], [1, 1]]]), tensor([[[0.0, 0], [1, 1]]])
    made.solve([Batch(first, weight=tensor([3.0])), Batch(second, weight=tensor([1.0]))])
    rare = math.log(0.1 / 0.9)  # half an example of 4 + 1
    expected = [rare, math.log(3), -rare, -rare]
    assert_close(made.visible_bias, tensor(expected))


def test_the_start_of_gaussian_units_is_mean_and_deviation():
    made, rows = machine(visible="gaussian"), 3 + 2 * torch.randn(500, 2, 2)
    made.solve([Batch(rows[:100]), Batch(rows[100:])])
    assert_close(made.visible_bias, rows.flatten(1).mean(0))
    assert_close(made.deviation, rows.flatten(1).std(0, correction=0))


def test_samples_have_the_shape_of_examples_and_come_from_torchs_generator():
    made = machine()
    torch.manual_seed(5)
    first = made.sample(6)
    torch.manual_seed(5)
    assert torch.equal(made.sample(6), first)
    assert first.shape == (6, 2, 2)
    assert set(first.unique().tolist()) <= {0.0, 1.0}


def test_a_reconstruction_is_the_way_up_and_down():
    made, rows = machine(), torch.rand(4, 2, 2)
    assert made.encode(rows).shape == (4, 3)
    assert_close(made(rows), made.decode(made.encode(rows)))
    assert made(rows).shape == rows.shape


def test_it_has_a_weight_per_pair_and_a_bias_per_unit():
    made = RBM((28, 28), hidden=500)
    assert sum(one.numel() for one in made.parameters()) == 784 * 500 + 784 + 500


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"output_size": 2}, "rbm predicts nothing, but 2 outputs"),
        ({"hidden": 0}, "hidden of rbm must be a whole number above 0, got 0"),
        ({"visible": "ternary"}, "visible of rbm must be binary or gaussian, got 'ternary'"),
    ],
)
def test_what_it_cannot_be_is_refused(options, says):
    with pytest.raises(SettingsError, match=says):
        RBM((4,), **options)
