"""Blocks of several ways, and the shapes of images that a network takes."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from layerwise.errors import SettingsError
from layerwise.layers.images import check_images, scaled
from layerwise.layers.inception import Branches, ConvNorm, Pool, Step
from layerwise.layers.losses import scores_in_training

WAYS = (
    [Step("point", 4)],
    [Step("first", 2), (Step("row", 3, (1, 3)), Step("column", 3, (3, 1)))],
    [Pool("average"), Step("pooled", 2)],
)


def test_a_block_gives_its_ways_side_by_side():
    torch.manual_seed(0)
    block, maps = Branches(5, WAYS), torch.randn(2, 5, 6, 7)
    first = block.get_submodule("first")(maps)
    by_hand = [
        block.get_submodule("point")(maps),
        block.get_submodule("row")(first),
        block.get_submodule("column")(first),
        block.get_submodule("pooled")(F.avg_pool2d(maps, 3, 1, 1)),
    ]
    assert block.maps == 4 + 3 + 3 + 2
    assert_close(block(maps), torch.cat(by_hand, dim=1))


def test_the_width_is_a_share_of_the_maps_of_each_step_and_never_none():
    block = Branches(5, WAYS, width=0.25)
    assert block.maps == 1 + 1 + 1 + 1
    assert [scaled(64, width) for width in (1, 0.5, 1 / 1000, 2)] == [64, 32, 1, 128]


def test_a_stride_halves_without_a_border():
    maps = torch.randn(1, 2, 9, 9)
    halved = Branches(2, ([Step("three", 3, 3, stride=2)], [Pool("max", 2)]))(maps)
    assert halved.shape == (1, 5, 4, 4)
    assert_close(halved[:, 3:], F.max_pool2d(maps, 3, 2))


def test_a_convolution_is_normalized_and_then_cut_at_zero():
    torch.manual_seed(0)
    layer, maps = ConvNorm(2, 3), torch.randn(8, 2, 4, 4)
    made = F.conv2d(maps, layer.conv.weight)
    mean, variance = (
        getattr(made, one)((0, 2, 3), keepdim=True, **options)
        for one, options in (("mean", {}), ("var", {"correction": 0}))
    )
    assert_close(layer(maps), torch.relu((made - mean) / (variance + 0.001).sqrt()))


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ((7,), r"net needs images of shape \(channels, height, width\), got \(7,\)"),
        ((3, 4, 5, 6), r"got \(3, 4, 5, 6\)"),
        ((1, 8, 7), "net needs images of at least 8x8 pixels, got 8x7.*--network cnn"),
    ],
)
def test_what_is_no_image_or_too_small_a_one_is_refused(shape, says):
    check_images("net", (1, 8, 8), 8)
    with pytest.raises(SettingsError, match=says):
        check_images("net", shape, 8)


def test_heads_are_left_out_when_a_network_does_not_learn():
    class Headed(torch.nn.Module):
        def forward(self, inputs):
            return inputs

        def scores_with_auxiliary(self, inputs):
            return inputs, [(0.5, -inputs)]

    network, inputs = Headed(), torch.ones(2, 1)
    assert [weight for weight, _ in scores_in_training(network.train(), inputs)[1]] == [0.5]
    assert scores_in_training(network.eval(), inputs)[1] == []
    assert scores_in_training(torch.nn.Identity(), inputs)[1] == []
