"""U-Net: the paper's count, any size, and an answer that reaches as far as it should."""

import pytest
import torch

from layerwise.errors import SettingsError
from layerwise.networks.unet import UNet


def count(*shape, outputs=1, **options):
    return sum(one.numel() for one in UNet(shape, outputs, **options).parameters())


def test_the_papers_network_has_its_number_of_parameters():
    # two convolutions per level, 64 to 1024 channels; four up-convolutions, four merged levels
    widths = [64, 128, 256, 512, 1024]
    before = [1, *widths[:-1]]
    down = sum(9 * a * b + b + 9 * b * b + b for a, b in zip(before, widths, strict=True))
    up = sum(4 * 2 * b * b + b + 9 * 2 * b * b + b + 9 * b * b + b for b in widths[:-1])
    assert down + up + 64 * 2 + 2 == 31_030_658
    assert count(1, 64, 64, outputs=2, width=64, batch_norm=False) == 31_030_658


@pytest.mark.parametrize("up", ["transposed", "interpolation"])
@pytest.mark.parametrize("shape", [(2, 37), (3, 37, 49), (1, 9, 8, 11)])
def test_gives_an_answer_at_every_place_in_one_two_and_three_dimensions(shape, up):
    network = UNet(shape, 4, depth=3, width=2, up=up)
    assert network(torch.randn(2, *shape)).shape == (2, 4, *shape[1:])


def test_inputs_of_another_size_are_answered_at_their_size():
    network = UNet((1, 16, 16), 1, depth=2, width=2).eval()
    assert network(torch.randn(1, 1, 21, 34)).shape == (1, 1, 21, 34)


def test_what_is_extended_leaves_the_answers_in_their_places():
    network = UNet((1, 8, 8), 1, depth=2, width=2).eval()
    whole = torch.randn(1, 1, 8, 8)
    whole[..., :1], whole[..., -1:] = whole[..., 1:2], whole[..., -2:-1]  # as 6 columns extend
    with torch.no_grad():
        assert torch.equal(network(whole[..., 1:-1]), network(whole)[..., 1:-1])


def test_the_fine_maps_reach_the_answer_past_the_coarse_ones():
    network = UNet((1, 16, 16), 1, depth=2, width=4).eval()
    with torch.no_grad():
        for block in network.merge:  # nothing comes up from below
            half = block[0].weight.shape[1] // 2
            block[0].weight[:, half:] = 0
    one = torch.randn(1, 1, 16, 16)
    other = one.clone()
    other[0, 0, 0, 0] += 1
    changed = (network(one) != network(other))[0, 0].nonzero()
    assert changed.max() == 4  # four convolutions of three taps on the finest level


@pytest.mark.parametrize(
    ("shape", "options", "says"),
    [
        ((1, 15, 40), {}, "needs at least 16 x 16, got 15 x 40.*--network.depth 3"),
        ((1, 1), {"depth": 1}, "needs at least 2, got 1. Give larger images.$"),
        ((12,), {}, "choose --network mlp"),
        ((1, 16, 16), {"depth": 0}, "depth of unet must be a whole number above 0"),
        ((1, 16, 16), {"width": 0}, "width of unet must be a whole number above 0"),
        ((1, 16, 16), {"up": "transpose"}, "cannot be 'transpose'.*'transposed'"),
        ((1, 16, 16), {"dropout": 1.0}, "dropout of unet must be from 0 to below 1"),
    ],
)
def test_what_cannot_be_is_refused_with_what_would_do(shape, options, says):
    with pytest.raises(SettingsError, match=says):
        UNet(shape, 1, **options)
