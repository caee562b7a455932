"""AlexNet: sizes, layers, normalization between neighbouring maps."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from layerwise.errors import SettingsError
from layerwise.networks.alexnet import SMALLEST, AlexNet


def test_the_smallest_image_is_the_smallest_that_the_layers_allow():
    with torch.device("meta"):
        network = AlexNet((2, SMALLEST, 99), 5, width=0.1)
        assert network(torch.empty(3, 2, SMALLEST, 99)).shape == (3, 5)
        with pytest.raises(RuntimeError, match="too small"):
            network(torch.empty(3, 2, 99, SMALLEST - 1))


def test_its_layers_have_the_parameters_of_the_one_tower_form():
    with torch.device("meta"):
        network = AlexNet((3, 224, 224), 1000)
        maps = network.features(torch.empty(1, 3, 224, 224))
    assert maps.shape == (1, 256, 6, 6)
    counted = [sum(p.numel() for p in layer.parameters()) for layer in network.features]
    # maps x (inputs x side^2 + 1)
    by_hand = [64 * 364, 192 * 1601, 384 * 1729, 256 * 3457, 256 * 2305]
    assert [count for count in counted if count] == by_hand
    counted = [sum(p.numel() for p in layer.parameters()) for layer in network.classifier]
    assert [count for count in counted if count] == [4096 * 9217, 4096 * 4097, 1000 * 4097]


def test_the_historic_form_divides_maps_by_their_neighbours_as_the_paper_does():
    network = AlexNet((3, 63, 63), 10, width=1 / 8, **AlexNet.historic_options)
    norms = [one for one in network.features if isinstance(one, nn.LocalResponseNorm)]
    assert len(norms) == 2
    torch.manual_seed(0)
    maps = 100 * torch.randn(1, 8, 1, 1, dtype=torch.float64)
    a = maps.flatten().tolist()
    expected = [  # section 3.3: k 2, n 5, alpha 1e-4, beta 0.75
        a[i] / (2 + 1e-4 * sum(one**2 for one in a[max(0, i - 2) : i + 3])) ** 0.75
        for i in range(8)
    ]
    assert_close(norms[0](maps).flatten(), torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize(
    ("shape", "options", "says"),
    [
        ((64,), {}, r"alexnet needs images of shape .*got \(64,\).*--network mlp"),
        ((3, 62, 80), {}, "alexnet needs images of at least 63x63 pixels, got 62x80.*cnn"),
        ((3, 64, 64), {"width": 0.0}, "width of alexnet must be a number above 0, got 0"),
        ((3, 64, 64), {"width": float("nan")}, "width of alexnet must be a number above 0"),
        ((3, 64, 64), {"dropout": 1.0}, "dropout of alexnet must be from 0 to below 1"),
    ],
)
def test_what_cannot_be_is_explained(shape, options, says):
    with pytest.raises(SettingsError, match=says):
        AlexNet(shape, 10, **options)
