"""Multi-layer perceptrons: shapes, options, first weights, embeddings."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from layerwise.errors import SettingsError
from layerwise.layers.activations import ACTIVATIONS
from layerwise.networks.mlp import MLP


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_gives_outputs_and_finite_gradients(activation):
    network = MLP((6,), 3, hidden=(8, 4), activation=activation)
    network(torch.randn(5, 6)).square().sum().backward()
    found = [one.grad for one in network.parameters() if one.grad is not None]
    assert all(torch.isfinite(gradient).all() for gradient in found)
    assert len(found) == (2 if activation == "step" else 6)  # no gradient passes a step


@pytest.mark.parametrize("hidden", [(), (4,), (16, 8, 4), 4])
def test_any_depth_has_the_parameters_of_its_widths(hidden):
    widths = [6, *((hidden,) if isinstance(hidden, int) else hidden), 2]
    expected = sum((widths[i] + 1) * widths[i + 1] for i in range(len(widths) - 1))
    assert sum(p.numel() for p in MLP((6,), 2, hidden=hidden).parameters()) == expected


def test_an_image_is_flattened():
    assert MLP((3, 4, 4), 2)(torch.zeros(5, 3, 4, 4)).shape == (5, 2)


def test_maxout_has_twice_the_units_before_it():
    layers = MLP((6,), 2, hidden=(5,), activation="maxout").layers
    assert (layers[0].out_features, layers[2].in_features) == (10, 5)


@pytest.mark.parametrize("activation", ["relu", "gelu", "maxout", "tanh", "scaled_tanh"])
def test_the_signal_keeps_its_size_through_ten_layers(activation):
    torch.manual_seed(0)
    network = MLP((256,), 256, hidden=(256,) * 10, activation=activation)
    with torch.no_grad():
        size = network(torch.randn(64, 256)).std()
    assert 0.1 < size < 10


def test_dropout_and_batch_normalization_are_where_they_belong():
    kinds = [
        type(layer) for layer in MLP((4,), 1, hidden=(8,), dropout=0.5, batch_norm=True).layers
    ]
    assert kinds == [nn.Linear, nn.BatchNorm1d, nn.ReLU, nn.Dropout, nn.Linear]


def test_categories_are_embedded_beside_the_numbers():
    network = MLP((3,), 2, categories=(5, 100))
    inputs = {"numbers": torch.randn(7, 3), "codes": torch.randint(0, 5, (7, 2))}
    assert network(inputs).shape == (7, 2)
    # 2 sqrt(5) = 4 and 2 sqrt(100) = 20 numbers
    assert [table.weight.shape for table in network.embeddings] == [(5, 4), (100, 20)]


def test_categories_alone_are_enough():
    network = MLP((0,), 2, categories=(5,))
    assert network({"numbers": torch.zeros(4, 0), "codes": torch.zeros(4, 1).long()}).shape == (
        4,
        2,
    )


def test_an_unknown_category_says_nothing_before_it_is_learned():
    network = MLP((1,), 1, categories=(5,))
    assert_close(network.embeddings[0](torch.tensor([0])), torch.zeros(1, 4))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"hidden": (0,)}, "hidden of mlp must be whole numbers above 0"),
        ({"hidden": (2.5,)}, "hidden of mlp"),
        ({"dropout": 1.0}, "dropout of mlp must be from 0 to below 1"),
        ({"activation": "rely"}, "no activation 'rely'.*Did you mean 'relu'"),
    ],
)
def test_an_option_that_cannot_be_is_explained(options, says):
    with pytest.raises(SettingsError, match=says):
        MLP((4,), 1, **options)
