"""The dense GAN: shapes, bounds, classes, and that it learns where rows lie."""

import pytest
import torch
from torch.testing import assert_close

from layerwise.contracts import Stage, Target
from layerwise.data.datasets import TensorDataset
from layerwise.errors import SettingsError
from layerwise.networks.gan import GAN
from layerwise.tasks.adversarial import Adversarial
from layerwise.training import train


def test_generates_and_judges_rows_of_the_given_shape():
    network = GAN((1, 4, 5), noise_size=3, hidden=(8,))
    made = network.generate(torch.randn(6, 3))
    assert made.shape == network.sample(6).shape == (6, 1, 4, 5)
    assert network.discriminate(made).shape == (6,)
    assert_close(network(made), network.discriminate(made)[:, None])


def test_has_the_parameters_worked_by_hand():
    generator = 33 * 128 + 129 * 128 + 129 * 12
    critic = 13 * 128 + 129 * 128 + 129
    assert sum(one.numel() for one in GAN((12,)).parameters()) == generator + critic == 40589


def test_a_sigmoid_keeps_rows_within_0_and_1_and_linear_does_not():
    torch.manual_seed(0)
    noise = 100 * torch.randn(50, 32)
    made = GAN((3,)).generate(noise)
    assert made.min() >= 0
    assert made.max() <= 1
    assert GAN((3,), output="linear").generate(noise).abs().max() > 1


def test_samples_follow_the_seed():
    network = GAN((3,))
    torch.manual_seed(5)
    first = network.sample(4)
    torch.manual_seed(5)
    assert network.sample(4).equal(first)
    assert not network.sample(4).equal(first)


def test_classes_change_what_is_generated_and_how_it_is_judged():
    torch.manual_seed(0)
    network, noise = GAN((3,), classes=2), torch.randn(4, 32)
    first, second = torch.zeros(4, dtype=torch.int64), torch.ones(4, dtype=torch.int64)
    made = network.generate(noise, first)
    assert not made.equal(network.generate(noise, second))
    assert not network.discriminate(made, first).equal(network.discriminate(made, second))
    assert network.sample(4).shape == network.sample(4, second).shape == (4, 3)
    chances = [torch.sigmoid(network.discriminate(made, code)) for code in (first, second)]
    assert_close(torch.sigmoid(network(made))[:, 0], (chances[0] + chances[1]) / 2)


def test_classes_where_there_are_none_or_none_where_there_are_are_refused():
    with pytest.raises(SettingsError, match="classes=0, but classes were given"):
        GAN((3,)).generate(torch.zeros(2, 32), torch.zeros(2))
    with pytest.raises(SettingsError, match="classes=2, but classes were not given"):
        GAN((3,), classes=2).discriminate(torch.zeros(2, 3))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"noise_size": 0}, "whole numbers above 0"),
        ({"hidden": (8, 0)}, r"got 32 and \(8, 0\)"),
        ({"dropout": 1.0}, "below 1, got 1.0"),
        ({"output": "sigmoyd"}, "Did you mean 'sigmoid'"),
        ({"classes": 1}, "got 1"),
    ],
)
def test_options_that_cannot_be_are_refused(options, says):
    with pytest.raises(SettingsError, match=says):
        GAN((3,), **options)


def test_it_learns_where_the_rows_of_each_class_lie():
    """Class 0 lies at (-1, 2), class 1 at (3, 0), both with deviation 0.2."""
    torch.manual_seed(0)
    centres = torch.tensor([[-1.0, 2.0], [3.0, 0.0]])
    codes = torch.arange(512) % 2
    inputs = centres[codes] + 0.2 * torch.randn(512, 2)
    network = GAN((2,), noise_size=4, hidden=(32,), output="linear", classes=2)
    task = Adversarial(Target("classes", ("y",), ("a", "b")), conditional=True)
    stage = Stage(task, "adam", {"betas": (0.5, 0.999)}, 0.002, epochs=150, batch_size=128)
    for _ in train(network, (stage,), TensorDataset(inputs, codes)):
        pass
    with torch.no_grad():
        for code in (0, 1):
            made = network.sample(500, torch.full((500,), code))
            assert (made.mean(0) - centres[code]).norm() < 0.4
