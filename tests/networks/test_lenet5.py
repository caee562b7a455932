"""LeNet-5 over image sizes, and its historic form."""

import pytest
import torch
from torch import nn

from layerwise.errors import SettingsError
from layerwise.layers.activations import ScaledTanh
from layerwise.networks.lenet5 import LeNet5


@pytest.mark.parametrize(
    "shape", [(1, 4, 4), (1, 8, 8), (3, 15, 15), (3, 16, 16), (3, 32, 32), (2, 9, 50), (1, 64, 48)]
)
def test_any_image_of_four_pixels_or_more_works(shape):
    assert LeNet5(shape, 7)(torch.zeros(2, *shape)).shape == (2, 7)


def test_the_layers_have_the_papers_parameters():
    counts = [
        sum(p.numel() for p in layer.parameters()) for layer in LeNet5((1, 28, 28), 10).layers
    ]
    # C1 156; the full C3 2,416 (the paper's table: 1,516); C5 48,120; F6 10,164; outputs 850
    assert [count for count in counts if count] == [156, 2416, 48120, 10164, 850]


def test_the_historic_form_has_the_papers_activation_and_pooling():
    kinds = {type(layer) for layer in LeNet5((1, 28, 28), 10, **LeNet5.historic_options).layers}
    assert {ScaledTanh, nn.AvgPool2d} <= kinds
    assert not {nn.ReLU, nn.MaxPool2d} & kinds


def test_maxout_fits_between_its_layers():
    assert LeNet5((1, 8, 8), 3, activation="maxout")(torch.zeros(2, 1, 8, 8)).shape == (2, 3)


@pytest.mark.parametrize(
    ("shape", "options", "says"),
    [
        ((64,), {}, r"shape \(channels, height, width\), got \(64,\).*--network mlp"),
        ((1, 3, 8), {}, "at least 4x4 pixels, got 3x8"),
        ((1, 8, 8), {"pooling": "maximum"}, "no pooling 'maximum'"),
        ((1, 8, 8), {"dropout": -0.1}, "dropout of lenet5"),
    ],
)
def test_what_cannot_be_is_explained(shape, options, says):
    with pytest.raises(SettingsError, match=says):
        LeNet5(shape, 10, **options)
