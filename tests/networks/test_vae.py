import pytest
import torch
from torch.distributions import Bernoulli, Normal
from torch.testing import assert_close

from layerwise.errors import SettingsError
from layerwise.networks.vae import VAE


def vae(shape=(2, 3), **options):
    torch.manual_seed(0)
    return VAE(shape, **{"hidden": (7,), "code": 4, **options})


def pixels(rows=5, shape=(2, 3)):
    return torch.rand(rows, *shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
@pytest.mark.parametrize("hidden", [(), (7,), (6, 5)])
def test_shapes(likelihood, hidden):
    network, inputs = vae(likelihood=likelihood, hidden=hidden), pixels()
    assert network.encode(inputs).shape == (5, 4)
    assert [part.shape for part in network.posterior(inputs)] == [(5, 4), (5, 4)]
    assert network.logits(network.encode(inputs)).shape == (5, 2, 3)
    assert network(inputs).shape == (5, 2, 3)
    assert network.sample(9).shape == (9, 2, 3)
    assert network.log_likelihood(inputs, network.encode(inputs)).shape == (5,)


def test_the_number_of_parameters_is_that_worked_by_hand():
    # 785 x 400 + 401 x 80 in the encoder, 41 x 400 + 401 x 784 in the decoder
    count = sum(one.numel() for one in VAE((28, 28)).parameters())
    assert count == 785 * 400 + 401 * 80 + 41 * 400 + 401 * 784 == 676864


def test_the_bernoulli_likelihood_is_that_of_torch():
    network, inputs = vae(), pixels().round()
    codes = torch.randn(5, 4)
    truth = Bernoulli(logits=network.logits(codes)).log_prob(inputs).sum((1, 2))
    assert_close(network.log_likelihood(inputs, codes), truth)
    assert_close(network.decode(codes), torch.sigmoid(network.logits(codes)))


def test_the_gaussian_likelihood_is_that_of_torch():
    network, inputs = vae(likelihood="gaussian"), pixels()
    codes = torch.randn(5, 4)
    density = Normal(network.decode(codes), network.log_deviation.exp())
    assert_close(network.log_likelihood(inputs, codes), density.log_prob(inputs).sum((1, 2)))


def test_the_gaussian_deviation_learns_the_size_of_the_noise():
    network = vae(likelihood="gaussian")
    inputs, codes = network.decode(torch.zeros(400, 4)).detach(), torch.zeros(400, 4)
    inputs = inputs + 0.2 * torch.randn_like(inputs)
    optimizer = torch.optim.Adam([network.log_deviation], 0.05)
    for _ in range(200):
        optimizer.zero_grad()
        (-network.log_likelihood(inputs, codes).mean()).backward()
        optimizer.step()
    assert_close(network.log_deviation.exp().item(), 0.2, atol=0.01, rtol=0)


def test_reconstruction_goes_through_the_mean_code():
    network, inputs = vae(), pixels()
    assert torch.equal(network(inputs), network.decode(network.posterior(inputs)[0]))


def test_samples_are_decoded_codes_of_the_prior():
    network = vae()
    torch.manual_seed(3)
    made = network.sample(6)
    torch.manual_seed(3)
    assert torch.equal(made, network.decode(torch.randn(6, 4)))


def test_the_decoder_has_the_hidden_layers_in_reverse():
    network = vae(hidden=(6, 5))
    widths = [layer.out_features for layer in network.decoder if hasattr(layer, "out_features")]
    assert widths == [5, 6, 6]


@pytest.mark.parametrize("activation", ["maxout", "softmax", "tanh"])
def test_any_activation_fits(activation):
    assert vae(activation=activation)(pixels()).shape == (5, 2, 3)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"output_size": 3}, "output_size must be 0, got 3"),
        ({"hidden": (3, 0)}, "hidden of vae"),
        ({"code": 0}, "code of vae"),
        ({"likelihood": "poisson"}, "bernoulli or gaussian, got 'poisson'"),
    ],
)
def test_what_cannot_be_built_is_refused(options, says):
    with pytest.raises(SettingsError, match=says):
        vae(**options)
