"""Convolutional autoencoders give back the very size of the image, odd or even."""

import pytest
import torch
from torch.testing import assert_close

from layerwise.errors import SettingsError
from layerwise.networks.conv_autoencoder import ConvAutoencoder


@pytest.mark.parametrize("sides", [(28, 28), (7, 7), (5, 8), (1, 1), (2, 9), (13, 4)])
@pytest.mark.parametrize("channels", [(4,), (4, 8), (4, 8, 8)])
def test_every_size_of_image_comes_back(sides, channels):
    network, images = (
        ConvAutoencoder((3, *sides), channels=channels, code=5),
        torch.randn(2, 3, *sides),
    )
    assert network.encode(images).shape == (2, 5)
    assert network(images).shape == images.shape
    for encoder, decoder in network.layer_pairs():
        codes = encoder(images)
        assert decoder(codes).shape == images.shape
        images = codes


def test_has_the_parameters_worked_by_hand():
    network = ConvAutoencoder((1, 28, 28))
    maps = 32 * 7 * 7
    encoder = (9 * 1 * 16 + 16) + (9 * 16 * 32 + 32) + (maps * 32 + 32)
    decoder = (32 * maps + maps) + (9 * 32 * 16 + 16) + (9 * 16 * 1 + 1)
    assert sum(one.numel() for one in network.parameters()) == encoder + decoder == 111521


def test_the_signal_keeps_its_size_at_the_start():
    torch.manual_seed(0)
    network = ConvAutoencoder((3, 32, 32), channels=(32, 64), code=64)
    made = network(torch.randn(20, 3, 32, 32))
    assert_close(made.std().detach(), torch.tensor(1.0), atol=0.5, rtol=0)


def test_overfits_eight_images():
    torch.manual_seed(0)
    network, images = ConvAutoencoder((1, 9, 7), channels=(8,), code=8), torch.rand(8, 1, 9, 7)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(300):
        optimizer.zero_grad()
        (network(images) - images).square().mean().backward()
        optimizer.step()
    assert (network(images) - images).square().mean() < 0.1 * images.var()


@pytest.mark.parametrize("activation", ["maxout", "tanh", "scaled_tanh"])
def test_other_activations_fit(activation):
    network = ConvAutoencoder((1, 6, 6), activation=activation, code_activation=activation, code=4)
    assert network.encode(torch.randn(2, 1, 6, 6)).shape == (2, 4)
    assert network(torch.randn(2, 1, 6, 6)).shape == (2, 1, 6, 6)


@pytest.mark.parametrize(
    ("shape", "options", "says"),
    [
        ((12,), {}, r"needs images of shape .* got \(12,\)"),
        ((1, 8, 8), {"channels": ()}, "channels of conv_autoencoder must be whole numbers above 0"),
        ((1, 8, 8), {"code": 0}, "code of conv_autoencoder must be a whole number above 0, got 0"),
    ],
)
def test_what_cannot_be_is_refused(shape, options, says):
    with pytest.raises(SettingsError, match=says):
        ConvAutoencoder(shape, **options)
