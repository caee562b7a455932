"""VGG: the columns of the paper's table, sizes, names that stand for options."""

import pytest
import torch
from torch import nn

from layerwise.errors import SettingsError
from layerwise.networks import variant_options
from layerwise.networks.vgg import CONFIGURATIONS, SMALLEST, VGG


def build(configuration, **options):
    with torch.device("meta"):
        return VGG((3, 224, 224), 1000, configuration=configuration, **options)


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize(
    ("configuration", "parameters", "layers", "kernels"),
    [  # table 2 of the paper gives 133, 133, 133, 134, 138 and 144 millions
        ("A", 132863336, 11, {3}),
        ("A-LRN", 132863336, 11, {3}),
        ("B", 133047848, 13, {3}),
        ("C", 133638952, 16, {1, 3}),
        ("D", 138357544, 16, {3}),
        ("E", 143667240, 19, {3}),
    ],
)
def test_columns_have_the_published_layers_and_parameters(
    configuration, parameters, layers, kernels, batch_norm
):
    network = build(configuration, batch_norm=batch_norm)
    convolutions = [one for one in network.modules() if isinstance(one, nn.Conv2d)]
    normed = 2 * sum(one.out_channels for one in convolutions) if batch_norm else 0
    assert sum(p.numel() for p in network.parameters()) == parameters + normed
    assert len(convolutions) + 3 == layers
    assert {one.kernel_size[0] for one in convolutions} == kernels


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_five_poolings_leave_seven_places_on_a_side(configuration):
    maps = build(configuration).features(torch.empty(1, 3, 224, 224, device="meta"))
    assert maps.shape == (1, 512, 7, 7)


def test_configuration_c_ends_its_blocks_of_three_with_a_convolution_of_one():
    kernels = [one.kernel_size[0] for one in build("C").features if isinstance(one, nn.Conv2d)]
    assert kernels == [3, 3, 3, 3, 3, 3, 1, 3, 3, 1, 3, 3, 1]


def test_a_lrn_normalizes_after_the_first_convolution_alone():
    layers = [type(one) for one in build("A-LRN").features]
    assert layers[:4] == [nn.Conv2d, nn.ReLU, nn.LocalResponseNorm, nn.MaxPool2d]
    assert layers.count(nn.LocalResponseNorm) == 1


def test_the_smallest_image_is_the_smallest_that_the_layers_allow():
    with torch.device("meta"):
        network = VGG((1, 40, SMALLEST), 5, width=0.1)
        assert network(torch.empty(3, 1, 40, SMALLEST)).shape == (3, 5)
        with pytest.raises(RuntimeError, match="too small"):
            network(torch.empty(3, 1, SMALLEST - 1, 40))


@pytest.mark.parametrize(
    ("shape", "options", "says"),
    [
        ((3, 40, 31), {}, "vgg needs images of at least 32x32 pixels, got 40x31"),
        ((3, 32, 32), {"configuration": "F"}, "one of A, A-LRN, B, C, D, E, got 'F'"),
        ((3, 32, 32), {"width": -1.0}, "width of vgg must be a number above 0"),
        ((3, 32, 32), {"dropout": 1.5}, "dropout of vgg must be from 0 to below 1"),
    ],
)
def test_what_cannot_be_is_explained(shape, options, says):
    with pytest.raises(SettingsError, match=says):
        VGG(shape, 10, **options)


def test_a_name_stands_for_an_option_that_cannot_be_given_beside_it():
    assert variant_options("vgg19", {"width": 0.5}) == {"configuration": "E", "width": 0.5}
    with pytest.raises(SettingsError, match=r"vgg16 is D, as its name says, got E.*vgg11, .*vgg19"):
        variant_options("vgg16", {"configuration": "E"})
