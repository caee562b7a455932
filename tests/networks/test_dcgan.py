"""The DCGAN: sizes by arithmetic, its paper's layers, classes, and that it learns."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from layerwise.contracts import Stage, Target
from layerwise.data.datasets import TensorDataset
from layerwise.errors import SettingsError
from layerwise.networks.dcgan import DCGAN
from layerwise.tasks.adversarial import Adversarial
from layerwise.training import train


@pytest.mark.parametrize(
    ("shape", "smallest"),
    [
        ((1, 8, 8), (2, 2)),
        ((1, 28, 28), (7, 7)),
        ((3, 32, 32), (4, 4)),
        ((3, 64, 64), (4, 4)),
        ((1, 12, 20), (3, 5)),
        ((1, 4, 4), (1, 1)),
    ],
)
def test_sizes_are_halved_and_doubled_back(shape, smallest):
    network = DCGAN(shape, channels=2)
    assert network.generator[1].unflattened_size[1:] == smallest
    made = network.sample(3)
    assert made.shape == (3, *shape)
    assert network.discriminate(made).shape == (3,)
    assert_close(network.eval()(made), network.discriminate(made)[:, None])


def test_has_the_parameters_worked_by_hand():
    generator = 64 * 64 * 49 + 128 + 64 * 32 * 16 + 64 + 32 * 16 + 1
    critic = 32 * 16 + 32 + 32 * 64 * 16 + 128 + 64 * 49 + 1
    found = sum(one.numel() for one in DCGAN((1, 28, 28)).parameters())
    assert found == generator + critic == 270754


def test_the_ends_of_both_players_are_not_normalized():
    network = DCGAN((3, 32, 32), channels=2)
    kinds = [type(layer) for layer in network.generator]
    assert kinds[-2:] == [nn.ConvTranspose2d, nn.Tanh]
    assert kinds.count(nn.BatchNorm2d) == 3
    kinds = [type(layer) for layer in network.critic]
    assert kinds[:3] == [nn.Conv2d, nn.LeakyReLU, nn.Conv2d]
    assert kinds.count(nn.BatchNorm2d) == 2
    assert nn.MaxPool2d not in kinds


def test_pixels_are_from_0_to_1_and_weights_start_small():
    torch.manual_seed(0)
    network = DCGAN((1, 28, 28))
    made = network.generate(30 * torch.randn(8, 64))
    assert made.min() >= 0
    assert made.max() <= 1
    assert network.critic[2].weight.std().item() == pytest.approx(0.02, rel=0.05)


def test_classes_change_what_is_generated_and_how_it_is_judged():
    torch.manual_seed(0)
    network, noise = DCGAN((1, 8, 8), channels=4, classes=2).eval(), torch.randn(4, 64)
    first, second = torch.zeros(4, dtype=torch.int64), torch.ones(4, dtype=torch.int64)
    made = network.generate(noise, first)
    assert not made.equal(network.generate(noise, second))
    chances = [torch.sigmoid(network.discriminate(made, code)) for code in (first, second)]
    assert not chances[0].equal(chances[1])
    assert_close(torch.sigmoid(network(made))[:, 0], (chances[0] + chances[1]) / 2)
    with pytest.raises(SettingsError, match="classes=2, but classes were not given"):
        network.generate(noise)


@pytest.mark.parametrize(
    ("shape", "options", "says"),
    [
        ((12,), {}, "--network gan"),
        ((1, 10, 8), {}, "multiples of 4, such as 8x8 or 28x28, got 10x8"),
        ((1, 0, 8), {}, "got 0x8"),
        ((1, 8, 8), {"channels": 0}, "above 0, got 64 and 0"),
        ((1, 8, 8), {"classes": 1}, "got 1"),
    ],
)
def test_what_cannot_be_is_refused(shape, options, says):
    with pytest.raises(SettingsError, match=says):
        DCGAN(shape, **options)


def test_it_learns_that_bright_images_are_bright_above_and_dark_below():
    torch.manual_seed(0)
    images = 0.1 * torch.rand(256, 1, 8, 8)
    images[:, :, :4] += 0.9 * (0.8 + 0.2 * torch.rand(256, 1, 1, 1))
    network = DCGAN((1, 8, 8), noise_size=8, channels=8)
    stage = Stage(
        Adversarial(Target("none")),
        "adam",
        {"betas": (0.5, 0.999)},
        0.002,
        epochs=30,
        batch_size=64,
    )
    for _ in train(network, (stage,), TensorDataset(images)):
        pass
    with torch.no_grad():
        made = network.sample(100)
    assert made[:, :, :4].mean() > 0.7
    assert made[:, :, 4:].mean() < 0.2
