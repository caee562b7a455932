import pytest
import torch
from torch.distributions import Normal
from torch.testing import assert_close

from layerwise.errors import DataError, SettingsError
from layerwise.evaluation.latent import attribute_vector, interpolation, latent_scan
from layerwise.networks.vae import VAE


def vae(code=2):
    torch.manual_seed(0)
    return VAE((2, 3), hidden=(7,), code=code)


def pixels(rows=5):
    return torch.rand(rows, 2, 3, generator=torch.Generator().manual_seed(1))


def test_a_scan_of_two_numbers_goes_through_the_quantiles_of_the_prior():
    network = vae()
    found = latent_scan(network, 3)
    assert found.shape == (3, 3, 2, 3)
    quantiles = Normal(0.0, 1.0).icdf(torch.tensor([0.25, 0.5, 0.75]))
    for down in range(3):
        for right in range(3):
            code = torch.stack([quantiles[down], quantiles[right]])[None]
            assert_close(found[down, right], network.decode(code)[0])


def test_a_scan_of_longer_codes_moves_two_of_them():
    network = vae(code=5)
    found = latent_scan(network, 4, axes=(3, 1))
    assert_close(found[0, 3], network.decode(torch.tensor([[0.0, 3, 0, -3, 0]]))[0])
    assert_close(found[1, 1], network.decode(torch.tensor([[0.0, -1, 0, -1, 0]]))[0])


def test_an_interpolation_begins_and_ends_with_the_reconstructions():
    network, (one, other) = vae(code=4), pixels(2)
    found = interpolation(network, one, other, 5)
    assert found.shape == (5, 2, 3)
    assert_close(found[[0, -1]], network(torch.stack([one, other])))
    middle = network.encode(torch.stack([one, other])).mean(0, keepdim=True)
    assert_close(found[2], network.decode(middle)[0])


def test_an_attribute_is_the_mean_code_with_minus_the_mean_code_without():
    network, inputs = vae(code=4), pixels()
    codes = network.encode(inputs)
    found = attribute_vector(network, inputs, torch.tensor([1, 0, 0, 1, 0]))
    assert_close(found, (codes[0] + codes[3]) / 2 - (codes[1] + codes[2] + codes[4]) / 3)
    assert not found.requires_grad


@pytest.mark.parametrize("has", [[True] * 5, [False] * 5])
def test_an_attribute_of_all_or_none_is_refused(has):
    with pytest.raises(DataError, match="some rows and lacked by others"):
        attribute_vector(vae(), pixels(), torch.tensor(has))


def test_walks_that_go_nowhere_are_refused():
    with pytest.raises(SettingsError, match="steps must be at least 2, got 1"):
        latent_scan(vae(), 1)
    with pytest.raises(SettingsError, match="steps must be at least 2, got 1"):
        interpolation(vae(), *pixels(2), 1)
    for axes in ((0, 0), (0, 5), (-1, 0)):
        with pytest.raises(SettingsError, match="two different ones below 2"):
            latent_scan(vae(), 3, axes=axes)
    with pytest.raises(SettingsError, match="longer code"):
        latent_scan(vae(code=1), 3)
