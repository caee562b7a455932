"""ResNets for small images and their plain twins, against the paper's section 4.2."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from layerwise.errors import SettingsError
from layerwise.layers.residual import SubsampleAndPad
from layerwise.networks.cifar_resnet import CifarResNet

# table 6 of the paper, in millions, with ten outputs: 0.27, 0.46, 0.66, 0.85, 1.7
PUBLISHED = {20: 269_722, 32: 464_154, 44: 658_586, 56: 853_018, 110: 1_727_962}


def by_hand(depth):
    """Convolutions without biases, two numbers of normalization per map, one full layer."""
    blocks = (depth - 2) // 6
    found = 3 * 9 * 16 + 2 * 16 + 65 * 10
    for before, after in ((16, 16), (16, 32), (32, 64)):
        found += 9 * before * after + (2 * blocks - 1) * 9 * after**2 + 2 * blocks * 2 * after
    return found


@pytest.mark.parametrize("depth", PUBLISHED)
def test_has_the_published_number_of_parameters_with_and_without_shortcuts(depth):
    for shortcuts in (True, False):
        with torch.device("meta"):
            network = CifarResNet((3, 32, 32), 10, depth=depth, shortcuts=shortcuts)
        count = sum(one.numel() for one in network.parameters())
        assert count == PUBLISHED[depth] == by_hand(depth)


@pytest.mark.parametrize("depth", [8, 20, 56])
def test_its_depth_is_the_number_of_layers_with_weights(depth):
    network = CifarResNet((3, 32, 32), 10, depth=depth, width=0.25)
    layers = [one for one in network.modules() if isinstance(one, (nn.Conv2d, nn.Linear))]
    assert len(layers) == depth


def test_the_shortcut_keeps_every_other_pixel_and_adds_maps_of_zeros():
    x = torch.arange(18.0).reshape(1, 2, 3, 3)
    made = SubsampleAndPad(2, 3)(x)
    assert made.shape == (1, 5, 2, 2)
    assert made[0, 0].tolist() == [[0, 2], [6, 8]]
    assert made[0, 1].tolist() == [[9, 11], [15, 17]]
    assert not made[0, 2:].any()


def test_the_plain_twin_is_the_same_net_with_nothing_added():
    torch.manual_seed(0)
    residual, plain = (CifarResNet((3, 8, 8), 4, depth=8, shortcuts=it) for it in (True, False))
    plain.load_state_dict(residual.state_dict())
    x = torch.rand(2, 16, 8, 8)
    one, other = (network.eval().layer1[0] for network in (residual, plain))
    scale = (1 + 1e-5) ** -0.5  # normalization that has seen nothing yet
    hidden = F.relu(scale * F.conv2d(x, one.conv1.weight, padding=1))
    learned = scale * F.conv2d(hidden, one.conv2.weight, padding=1)
    torch.testing.assert_close(other(x), F.relu(learned))
    torch.testing.assert_close(one(x), F.relu(learned + x))


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 7, 5), (3, 32, 32)])
def test_takes_images_of_any_size_and_channels(shape):
    for shortcuts in (True, False):
        network = CifarResNet(shape, 4, depth=8, width=0.25, shortcuts=shortcuts)
        assert network(torch.randn(2, *shape)).shape == (2, 4)


@pytest.mark.parametrize(
    ("shape", "options", "says"),
    [
        ((12,), {}, "needs images"),
        ((3, 32, 32), {"depth": 18}, r"must be 6 n \+ 2 .*got 18"),
        ((3, 32, 32), {"depth": 2}, "got 2"),
        ((3, 32, 32), {"width": -1.0}, "width of cifar_resnet must be a number above 0"),
    ],
)
def test_what_cannot_be_is_refused(shape, options, says):
    with pytest.raises(SettingsError, match=says):
        CifarResNet(shape, 3, **options)
