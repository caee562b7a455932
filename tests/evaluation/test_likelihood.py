"""Importance sampling against the exact likelihood of a linear Gaussian network."""

import pytest
import torch
from torch.distributions import MultivariateNormal
from torch.testing import assert_close

from layerwise.contracts import Batch, Target
from layerwise.errors import SettingsError
from layerwise.evaluation.likelihood import log_likelihood
from layerwise.networks.vae import VAE
from layerwise.tasks.variational import Variational


def linear_network(exact_posterior):
    """Probabilistic PCA (Tipping and Bishop 1999): x = W z + b + noise of deviation s.

    Its posterior is normal with precision I + W'W / s^2; with orthogonal columns of W that is
    diagonal, so that a linear encoder holds it exactly.
    """
    generator = torch.Generator().manual_seed(0)
    columns = torch.linalg.qr(torch.randn(5, 2, generator=generator, dtype=torch.float64))[0]
    weight, bias = columns * torch.tensor([2.0, 0.7]), torch.arange(5.0).double() / 5
    network = VAE((5,), hidden=(), code=2, likelihood="gaussian").double()
    deviation, precision = 0.5, 1 + weight.square().sum(0) / 0.25
    with torch.no_grad():
        network.log_deviation.fill_(torch.tensor(deviation).log())
        network.decoder[0].weight.copy_(weight)
        network.decoder[0].bias.copy_(bias)
        mean = weight.T / 0.25 / precision[:, None]
        network.encoder[0].weight.zero_()
        network.encoder[0].weight[:2] = mean
        network.encoder[0].bias.copy_(torch.cat([-mean @ bias, -precision.log()]))
        if not exact_posterior:
            network.encoder[0].bias[:2] += 0.3
            network.encoder[0].bias[2:] += 0.5
    covariance = weight @ weight.T + 0.25 * torch.eye(5, dtype=torch.float64)
    density = MultivariateNormal(bias, covariance)
    torch.manual_seed(1)
    inputs = density.sample((60,))
    return network, inputs, density.log_prob(inputs)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_with_the_exact_posterior_one_sample_is_exact():
    network, inputs, truth = linear_network(exact_posterior=True)
    assert_close(log_likelihood(network, inputs, 1, seeded()), truth)


def test_with_another_posterior_many_samples_are_near():
    network, inputs, truth = linear_network(exact_posterior=False)
    found = log_likelihood(network, inputs, 5000, seeded())
    assert_close(found, truth, atol=0.1, rtol=0)
    assert_close(found.mean(), truth.mean(), atol=0.01, rtol=0)


def test_it_rises_with_the_samples_and_stays_below_the_truth():
    network, inputs, truth = linear_network(exact_posterior=False)
    many = inputs.repeat(40, 1)
    means = [log_likelihood(network, many, k, seeded()).mean() for k in (1, 3, 10, 100)]
    assert means == sorted(means)
    assert means[0] < truth.mean() - 0.2
    assert means[-1] < truth.mean() + 0.005


def test_one_sample_is_the_evidence_lower_bound():
    network, inputs, _ = linear_network(exact_posterior=False)
    many = inputs.repeat(200, 1)
    torch.manual_seed(2)
    (bound,) = Variational(Target("none")).losses(network, Batch(many))
    found = log_likelihood(network, many, 1, seeded()).mean()
    assert_close(found, -bound.value.detach(), atol=0.05, rtol=0)


@pytest.mark.parametrize("block", [1, 7, 64])
def test_blocks_bound_what_is_decoded_at_once(block):
    network, inputs, truth = linear_network(exact_posterior=False)
    widest = []
    network.decoder.register_forward_pre_hook(lambda _, given: widest.append(len(given[0])))
    found = log_likelihood(network, inputs, 30, seeded(), block=block)
    assert max(widest) <= block
    assert sum(widest) == 30 * len(inputs)
    assert_close(found.mean(), truth.mean(), atol=0.1, rtol=0)


def test_the_seed_of_the_caller_decides():
    network, inputs, _ = linear_network(exact_posterior=False)
    before = torch.get_rng_state()
    one, same, other = (log_likelihood(network, inputs, 5, seeded(seed)) for seed in (3, 3, 4))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(before, torch.get_rng_state())


def test_without_rows_there_is_nothing():
    network, inputs, _ = linear_network(exact_posterior=True)
    assert log_likelihood(network, inputs[:0], 5, seeded()).shape == (0,)


@pytest.mark.parametrize("wrong", [{"samples": 0}, {"samples": 5, "block": 0}])
def test_less_than_one_is_refused(wrong):
    network, inputs, _ = linear_network(exact_posterior=True)
    with pytest.raises(SettingsError, match="must be at least 1, got 0"):
        log_likelihood(network, inputs, generator=seeded(), **wrong)
