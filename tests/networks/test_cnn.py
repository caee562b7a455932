"""The plain convolutional network over sizes and options."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from layerwise.errors import SettingsError
from layerwise.networks.cnn import CNN


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 4, 9), (5, 33, 17)])
def test_any_image_that_leaves_a_pixel_works(shape):
    assert CNN(shape, 7)(torch.zeros(2, *shape)).shape == (2, 7)


def test_its_outputs_are_convolution_activation_and_pooling_written_plainly():
    network = CNN((1, 8, 8), 3, channels=(2, 4), hidden=5).eval()
    first, second, _, full, _, _, last = network.layers
    images = torch.randn(2, 1, 8, 8)
    places = images
    for block in (first, second):
        maps = F.conv2d(places, block[0].weight, block[0].bias, padding=1).clamp_min(0)
        places = torch.stack(
            [maps[..., i::2, j::2] for i in (0, 1) for j in (0, 1)]
        ).amax(dim=0)  # fmt: skip
    hidden = (places.flatten(1) @ full.weight.T + full.bias).clamp_min(0)
    assert_close(network(images), hidden @ last.weight.T + last.bias)


def test_batch_normalization_comes_before_the_activation_and_replaces_the_bias():
    block = CNN((1, 8, 8), 3, batch_norm=True).layers[0]
    assert [type(layer) for layer in block] == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.MaxPool2d]
    assert block[0].bias is None


@pytest.mark.parametrize(
    ("shape", "options", "says"),
    [
        ((64,), {}, r"shape \(channels, height, width\), got \(64,\).*--network mlp"),
        ((1, 3, 8), {}, "2 blocks needs images of at least 4x4 pixels, got 3x8"),
        ((1, 8, 8), {"kernel": 4}, "kernel of cnn must be odd.*got 4"),
        ((1, 8, 8), {"channels": ()}, "channels and hidden of cnn must be 1 or more"),
        ((1, 8, 8), {"dropout": 1.0}, "dropout of cnn"),
    ],
)
def test_what_cannot_be_is_explained(shape, options, says):
    with pytest.raises(SettingsError, match=says):
        CNN(shape, 10, **options)
