"""Layers, shapes and work of a network, without running it."""

import torch
from torch import nn

from layerwise.networks.lenet5 import LeNet5
from layerwise.networks.mlp import MLP
from layerwise.networks.summary import Layer, summarize


def test_a_small_network_is_listed_as_worked_by_hand():
    assert summarize(MLP((3,), 2, hidden=(4,)), (3,)) == [
        Layer("layers.0", "Linear", (4,), 16, 12),
        Layer("layers.1", "ReLU", (4,), 0, 0),
        Layer("layers.2", "Linear", (2,), 10, 8),
    ]


def test_lenet5_has_the_multiply_adds_of_its_paper_with_full_connections():
    # 28*28*6*25 + 10*10*16*6*25 + 400*120 + 120*84 + 84*10
    layers = summarize(LeNet5((1, 28, 28), 10), (1, 28, 28))
    assert sum(layer.multiply_adds for layer in layers) == 416_520


def test_categories_are_counted():
    layers = summarize(MLP((3,), 2, categories=(5, 7)), (3,), categories=(5, 7))
    assert [layer.output_shape for layer in layers[:2]] == [(4,), (5,)]


def test_a_huge_layer_is_not_computed():
    with torch.device("meta"):
        network = nn.Linear(1_000_000, 1_000_000)
    assert summarize(network, (1_000_000,))[0].multiply_adds == 10**12


class Own(nn.Module):
    """Has a parameter of its own beside a layer."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3, 4))
        self.last = nn.Linear(4, 2)
        self.unused = nn.Linear(5, 5)

    def forward(self, x):
        return self.last(x @ self.weight)


def test_work_outside_of_listed_layers_is_the_networks_own():
    assert summarize(Own(), (3,)) == [
        Layer("last", "Linear", (2,), 10, 8),
        Layer("Own", "Own", (2,), 12, 12),
        Layer("unused", "Linear", (), 30, 0),
    ]


def test_a_shared_layer_is_counted_once_with_the_work_of_both_uses():
    layer = nn.Linear(4, 4)
    found = summarize(nn.Sequential(layer, nn.ReLU(), layer), (4,))
    assert sum(one.parameters for one in found) == 20
    assert sum(one.multiply_adds for one in found) == 32


class Looks(nn.Module):
    """Looks at a value, which has none before it runs."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, x):
        return self.layer(x) if x.sum().item() > 0 else x


def test_a_network_that_looks_at_values_still_has_its_parameters():
    assert summarize(Looks(), (2,)) == [Layer("layer", "Linear", (), 6, 0)]
