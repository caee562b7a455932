"""The negative evidence lower bound, against torch's densities and plain Monte Carlo."""

from contextlib import nullcontext

import pytest
import torch
from torch import tensor
from torch.distributions import Bernoulli, Normal, kl_divergence
from torch.testing import assert_close

from layerwise.contracts import Batch, Stage, Target
from layerwise.data.datasets import TensorDataset
from layerwise.errors import SettingsError
from layerwise.networks.vae import VAE
from layerwise.tasks.variational import Variational, divergence_from_standard
from layerwise.training import train
from layerwise.training.tracing import Tracer

NONE = Target("none")
LIKELIHOODS = pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])


def vae(**options):
    torch.manual_seed(0)
    return VAE((6,), **{"hidden": (8,), "code": 3, **options})


def rows(count=10):
    return torch.rand(count, 6, generator=torch.Generator().manual_seed(1))


def loss(network, batch, seed=5, **options):
    torch.manual_seed(seed)
    (found,) = Variational(NONE, **options).losses(network, batch)
    return found


def test_the_divergence_is_that_of_torch():
    mean, log_variance = torch.randn(20, 7), torch.randn(20, 7)
    normal = Normal(mean, torch.exp(0.5 * log_variance))
    truth = kl_divergence(normal, Normal(0.0, 1.0)).sum(1)
    assert_close(divergence_from_standard(mean, log_variance), truth)


def test_the_divergence_is_the_mean_of_the_log_ratio():
    mean, log_variance = tensor([[0.8, -0.3]]), tensor([[-1.0, 0.4]])
    normal = Normal(mean, torch.exp(0.5 * log_variance))
    torch.manual_seed(2)
    codes = normal.sample((200_000,))
    ratio = (normal.log_prob(codes) - Normal(0.0, 1.0).log_prob(codes)).sum(2)
    assert_close(divergence_from_standard(mean, log_variance), ratio.mean(0), atol=0.01, rtol=0)


def test_a_step_is_the_textbook_bound():
    network, inputs = vae(), rows().round()
    found = loss(network, Batch(inputs), binarize=False)
    torch.manual_seed(5)
    mean, log_variance = network.posterior(inputs)
    posterior = Normal(mean, torch.exp(0.5 * log_variance))
    codes = mean + posterior.scale * torch.randn(10, 3)
    fit = Bernoulli(logits=network.logits(codes)).log_prob(inputs).sum(1)
    truth = (kl_divergence(posterior, Normal(0.0, 1.0)).sum(1) - fit).mean()
    assert_close(found.value, truth)
    assert found.terms == 10
    wanted = torch.autograd.grad(truth, list(network.parameters()))
    for one, other in zip(
        torch.autograd.grad(found.value, list(network.parameters())), wanted, strict=True
    ):
        assert_close(one, other)


def test_pixels_are_drawn_anew_in_each_step_with_their_own_chance():
    seen = []

    class Watched(VAE):
        def posterior(self, inputs):
            seen.append(inputs)
            return super().posterior(inputs)

    network = Watched((6,), hidden=(8,), code=3)
    inputs = torch.linspace(0, 1, 6).expand(4000, 6)
    for seed in (1, 2):
        loss(network, Batch(inputs), seed=seed)
    assert set(seen[0].unique().tolist()) == {0.0, 1.0}
    assert not torch.equal(seen[0], seen[1])
    assert_close(seen[0].mean(0), inputs[0], atol=0.03, rtol=0)
    loss(network, Batch(inputs), binarize=False)
    assert seen[2] is inputs


def test_real_values_stay_as_they_are_under_the_gaussian_likelihood():
    network, inputs = vae(likelihood="gaussian"), rows()
    assert_close(
        loss(network, Batch(inputs), binarize=False).value, loss(network, Batch(inputs)).value
    )


def test_beta_weighs_the_divergence_and_rises_in_the_warm_up():
    network, inputs = vae(), rows()
    divergence = divergence_from_standard(*network.posterior(inputs)).mean()
    values = {
        done: loss(
            network,
            Batch(inputs, done=tensor(done, dtype=torch.float64)),
            beta=2.0,
            warm_up=0.4,
            binarize=False,
        ).value
        for done in (0.0, 0.1, 0.4, 0.9)
    }
    assert_close(values[0.1] - values[0.0], 0.5 * divergence)
    assert_close(values[0.4] - values[0.0], 2 * divergence)
    assert values[0.9] == values[0.4]
    assert values[0.4] == loss(network, Batch(inputs), beta=2.0, binarize=False).value


def test_sums_stay_in_float32_where_the_layers_compute_in_bf16():
    network, inputs = vae(), rows()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        coarse = loss(network, Batch(inputs)).value
    assert coarse.dtype == torch.float32
    assert_close(coarse, loss(network, Batch(inputs)).value, atol=0.05, rtol=0)


def test_weights_count_rows():
    network, inputs = vae(), rows(2)
    found = loss(network, Batch(inputs, weight=tensor([1.0, 0.0])), binarize=False)
    both = loss(network, Batch(inputs[[0, 0]], weight=tensor([3.0, 0.0])), binarize=False)
    assert_close(found.value, both.value)
    assert both.terms == 3


@LIKELIHOODS
@pytest.mark.parametrize("warm_up", [0.0, 0.5])
def test_a_step_is_traced_and_follows_the_warm_up(likelihood, warm_up):
    network, task = vae(likelihood=likelihood), Variational(NONE, warm_up=warm_up)
    tracer = Tracer(network, task, list(network.parameters()), None, nullcontext)

    def seed(turn=0, micro=0):
        torch.manual_seed(5)

    for done in (0.1, 0.1, 0.7):
        batch = Batch(rows(), done=tensor(done, dtype=torch.float64))
        found = tracer.gradients(batch, seed)
    assert found is not None, "the step could not be traced"
    network.zero_grad()
    eager = loss(network, batch, warm_up=warm_up)
    eager.value.backward()
    assert torch.equal(found[0], eager.value.detach())
    for gradient, parameter in zip(found[2], network.parameters(), strict=True):
        assert torch.equal(gradient, parameter.grad)


@LIKELIHOODS
def test_outputs_are_fixed_and_do_not_depend_on_the_rows_beside(likelihood):
    network, task, inputs = vae(likelihood=likelihood), Variational(NONE), rows()
    before = torch.get_rng_state()
    found = task.outputs(network, Batch(inputs))
    assert torch.equal(before, torch.get_rng_state())
    assert found.shape == (10, 1)
    assert_close(task.outputs(network, Batch(inputs[4:5])), found[4:5])


def test_outputs_are_near_the_mean_bound():
    network, task, inputs = vae(), Variational(NONE), rows(4000)
    with torch.no_grad():
        bound = sum(loss(network, Batch(inputs), seed=seed).value for seed in range(20)) / 20
        found = task.outputs(network, Batch(inputs)).mean()
    assert_close(found, bound, atol=0.1, rtol=0)


def test_the_engine_learns_two_patterns():
    inputs = tensor([[1.0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]]).repeat(32, 1)
    network, task = vae(), Variational(NONE)
    stage = Stage(task, "adam", {}, 0.02, epochs=100, batch_size=16)
    for _ in train(network, (stage,), TensorDataset(inputs)):
        pass
    bound = task.outputs(network, Batch(inputs)).mean()
    assert 0.69 < bound < 1.2  # log 2 is the entropy of the data
    assert torch.equal(network(inputs).round(), inputs)


@pytest.mark.parametrize(
    ("target", "options", "says"),
    [
        (Target("real", ("y",)), {}, "must have no target, got one of kind 'real'"),
        (NONE, {"beta": -1.0}, "beta of variational must be 0 or more"),
        (NONE, {"warm_up": 1.5}, "warm_up of variational must be a part of the stage"),
    ],
)
def test_what_cannot_be_is_refused(target, options, says):
    with pytest.raises(SettingsError, match=says):
        Variational(target, **options)
