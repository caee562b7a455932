"""A deep belief net goes up, down and sideways as its stack of machines does."""

import pytest
import torch
from torch.testing import assert_close

from layerwise.errors import SettingsError
from layerwise.networks.dbn import DBN


def net(output_size=0, **more):
    torch.manual_seed(0)
    made = DBN((2, 3), output_size, hidden=(5, 4), **more)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return made.requires_grad_(False)


def test_the_way_up_is_that_of_sigmoid_layers():
    made, rows = net(3), torch.rand(7, 2, 3)
    first, second = made.machines()
    hidden = torch.sigmoid(rows.flatten(1) @ first.weight.T + first.hidden_bias)
    hidden = torch.sigmoid(hidden @ second.weight.T + second.hidden_bias)
    assert_close(made.encode(rows), hidden)
    assert made.classifier is not None
    assert_close(made(rows), hidden @ made.classifier.weight.T + made.classifier.bias)


def test_without_outputs_it_reconstructs():
    made, rows = net(), torch.rand(7, 2, 3)
    first, second = made.machines()
    down = torch.sigmoid(made.encode(rows) @ second.weight + second.visible_bias)
    down = torch.sigmoid(down @ first.weight + first.visible_bias)
    assert_close(made(rows), down.unflatten(1, (2, 3)))


def test_samples_have_the_distribution_of_top_machine_then_down():
    made = net()
    with torch.no_grad():
        made.machines()[1].weight.zero_()  # the units between are then free of each other
    torch.manual_seed(1)
    found = made.sample(4000).flatten(1)
    between = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 5)
    chance = torch.sigmoid(made.machines()[1].visible_bias)
    weights = (between * chance + (1 - between) * (1 - chance)).prod(1)
    expected = weights @ made.machines()[0].visible_chances(between).flatten(1)
    assert_close(found.mean(0), expected, atol=0.035, rtol=0)
    assert set(found.unique().tolist()) <= {0.0, 1.0}


def test_gaussian_inputs_only_concern_the_first_layer():
    made = net(visible="gaussian")
    assert [layer.visible for layer in made.machines()] == ["gaussian", "binary"]
    assert made.sample(3).shape == (3, 2, 3)


def test_it_has_a_machine_per_layer_and_a_classifier():
    made = DBN((28, 28), 10, hidden=(500, 500, 2000))
    machines = 784 * 500 + 784 + 500 + 500 * 500 + 1000 + 500 * 2000 + 2500
    assert sum(one.numel() for one in made.parameters()) == machines + 2000 * 10 + 10


@pytest.mark.parametrize("hidden", [(), (5, 0), (2.5,)])
def test_widths_that_cannot_be_are_refused(hidden):
    with pytest.raises(SettingsError, match="hidden of dbn must be whole numbers above 0"):
        DBN((4,), hidden=hidden)
