"""Every loss of the autoencoder is the formula of its paper, written plainly here."""

import math

import pytest
import torch
from torch import nn, tensor
from torch.testing import assert_close

from layerwise.contracts import Batch, Stage, Target
from layerwise.data.datasets import TensorDataset
from layerwise.errors import SettingsError
from layerwise.networks.autoencoder import Autoencoder
from layerwise.networks.conv_autoencoder import ConvAutoencoder
from layerwise.networks.mlp import MLP
from layerwise.tasks.reconstruct import Reconstruct, squared_jacobian
from layerwise.training import train

NONE = Target("none")
SIGMOID = {"hidden": (), "code": 3, "code_activation": "sigmoid"}


def network(shape=(4,), **options):
    torch.manual_seed(0)
    return Autoencoder(shape, **options)


def loss_of(task, net, batch, seed=0):
    torch.manual_seed(seed)
    (loss,) = task.losses(net, batch)
    return loss


def learnt(net, task, inputs, epochs=150, rate=0.01):
    stage = Stage(task, "adam", {}, rate, epochs=epochs, batch_size="all")
    for _ in train(net, (stage,), TensorDataset(inputs)):
        pass
    return net


def test_the_loss_is_the_weighted_mean_of_the_rows_mean_squared_errors():
    net, inputs, weight = network(), torch.randn(5, 4), tensor([1.0, 2, 0, 3, 1])
    loss = loss_of(Reconstruct(NONE), net, Batch(inputs, weight=weight))
    rows = [((net(inputs[i : i + 1]) - inputs[i]) ** 2).sum() / 4 for i in range(5)]
    assert_close(loss.value, sum(w * row for w, row in zip(weight, rows, strict=True)) / 7)
    assert float(loss.terms) == 7


def test_binary_cross_entropy_reads_the_outputs_as_log_odds():
    task, net = Reconstruct(NONE, loss="binary_cross_entropy"), network()
    inputs = tensor([[0.0, 1.0, 0.3, 1.7]])  # the last is beyond 1 and cut off
    chance = 1 / (1 + torch.exp(-net(inputs)))
    cut = tensor([[0.0, 1.0, 0.3, 1.0]])
    expected = -(cut * chance.log() + (1 - cut) * (1 - chance).log()).mean()
    assert_close(loss_of(task, net, Batch(inputs)).value, expected)
    assert_close(task.outputs(net, Batch(inputs)), ((chance - inputs) ** 2).mean(1, keepdim=True))


def test_l1_adds_the_sum_of_the_codes_sizes():
    net, inputs = network(), torch.randn(5, 4)
    plain = loss_of(Reconstruct(NONE), net, Batch(inputs)).value
    found = loss_of(Reconstruct(NONE, penalty="l1", penalty_weight=0.1), net, Batch(inputs)).value
    assert_close(found, plain + 0.1 * net.encode(inputs).abs().sum() / 5)


@pytest.mark.parametrize("weight", [None, tensor([1.0, 2, 0, 3, 1])])
def test_kl_is_the_divergence_of_ngs_notes(weight):
    net, inputs = network(**SIGMOID), torch.randn(5, 4)
    batch = Batch(inputs, weight=weight)
    task = Reconstruct(NONE, penalty="kl", penalty_weight=0.5, sparsity=0.1)
    codes, shares = net.encode(inputs).detach(), torch.ones(5) if weight is None else weight
    expected = loss_of(Reconstruct(NONE), net, batch).value
    for unit in range(3):
        mean = float((shares * codes[:, unit]).sum() / shares.sum())
        expected = expected + 0.5 * (0.1 * math.log(0.1 / mean) + 0.9 * math.log(0.9 / (1 - mean)))
    assert_close(loss_of(task, net, batch).value, expected)


def test_kl_needs_the_whole_batch_and_the_others_do_not():
    assert not Reconstruct(NONE, penalty="kl").splittable
    assert Reconstruct(NONE, penalty="l1").splittable


def test_kl_brings_the_mean_activity_to_the_wanted_one():
    inputs = torch.rand(60, 4, generator=torch.Generator().manual_seed(0))
    task = Reconstruct(NONE, penalty="kl", penalty_weight=1.0, sparsity=0.2)
    net = learnt(network(**SIGMOID), task, inputs, rate=0.05)
    assert_close(net.encode(inputs).mean(0), torch.full((3,), 0.2), atol=0.03, rtol=0)


def test_the_contractive_penalty_of_one_sigmoid_layer_is_that_of_rifai():
    net, inputs = network(**SIGMOID), torch.randn(5, 4)
    task = Reconstruct(NONE, penalty="contractive", penalty_weight=0.1)
    weight, codes = net.encoder[0][1].weight, net.encode(inputs)
    penalty = 0  # equation 3: sum over units and inputs of (h (1 - h))^2 W^2
    for unit in range(3):
        for column in range(4):
            slope = codes[:, unit] * (1 - codes[:, unit])
            penalty = penalty + slope**2 * weight[unit, column] ** 2
    expected = loss_of(Reconstruct(NONE), net, Batch(inputs)).value + 0.1 * penalty.mean()
    found = loss_of(task, net, Batch(inputs)).value
    assert_close(found, expected)
    parameters = list(net.parameters())
    for one, other in zip(
        torch.autograd.grad(found, parameters),
        torch.autograd.grad(expected, parameters),
        strict=True,
    ):
        assert_close(one, other)


@pytest.mark.parametrize(
    "build",
    [
        lambda: Autoencoder((1, 4, 3), hidden=(6,), code=3, activation="tanh"),
        lambda: ConvAutoencoder((1, 4, 3), channels=(3,), code=3, activation="tanh"),
    ],
)
def test_the_contractive_penalty_is_exact_for_deep_encoders(build):
    torch.manual_seed(0)
    net, inputs = build(), torch.randn(5, 1, 4, 3).requires_grad_()
    found = squared_jacobian(net.encode(inputs), inputs)
    for row in range(5):
        slopes = torch.autograd.functional.jacobian(net.encode, inputs[row : row + 1].detach())
        assert_close(found[row], slopes.square().sum())
    found.sum().backward()
    assert all(
        one.grad.isfinite().all() for one in net.encoder.parameters() if one.grad is not None
    )


def test_the_contractive_penalty_flattens_the_encoder():
    inputs = torch.randn(60, 4, generator=torch.Generator().manual_seed(0))
    sizes = []
    for penalty_weight in (0.0, 1.0):
        task = Reconstruct(NONE, penalty="contractive", penalty_weight=penalty_weight)
        net = learnt(network(**SIGMOID), task, inputs)
        given = inputs.clone().requires_grad_()
        sizes.append(float(squared_jacobian(net.encode(given), given).mean().detach()))
    assert sizes[1] < 0.5 * sizes[0]


def test_noise_is_on_the_inputs_and_not_on_what_is_to_be_given_back():
    net, inputs = network(), torch.randn(5, 4)
    loss = loss_of(Reconstruct(NONE, noise="masking", noise_level=0.5), net, Batch(inputs), seed=3)
    torch.manual_seed(3)
    noisy = torch.where(torch.rand(5, 4) < 0.5, 0.0, inputs)
    assert_close(loss.value, ((net(noisy) - inputs) ** 2).mean())


def test_noise_is_only_in_training():
    net, inputs = network().eval(), torch.randn(5, 4)
    found = Reconstruct(NONE, noise="gaussian").outputs(net, Batch(inputs))
    assert found.shape == (5, 1)
    assert_close(found, ((net(inputs) - inputs) ** 2).mean(1, keepdim=True))


def test_masking_teaches_to_fill_in_what_is_missing():
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(300, 1, generator=generator).repeat(1, 4)  # all columns say the same
    errors = []
    for noise in ("none", "masking"):
        task = Reconstruct(NONE, noise=noise, noise_level=0.25)
        net = learnt(network(hidden=(16,), code=1), task, inputs, epochs=300)
        missing = inputs.clone()
        missing[:, 2] = 0
        errors.append(float((net(missing) - inputs)[:, 2].square().mean().detach()))
    assert errors[1] < 0.7 * errors[0]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"noise": "salt_and_pepper"},
        {"penalty": "contractive"},
        {"penalty": "kl"},
        {"loss": "binary_cross_entropy", "noise": "gaussian"},
    ],
)
def test_learning_by_the_engine_lowers_the_error(options):
    inputs = torch.rand(64, 6, generator=torch.Generator().manual_seed(0))
    net, task = network((6,), code=3, code_activation="sigmoid"), Reconstruct(NONE, **options)
    before = task.outputs(net, Batch(inputs)).mean()
    learnt(net, task, inputs, epochs=60)
    assert task.outputs(net, Batch(inputs)).mean() < before


def test_a_code_that_can_copy_is_noted_unless_something_hinders_it():
    wide = network(code=4)
    assert "not smaller than the inputs" in Reconstruct(NONE).notes(wide)[0]
    assert Reconstruct(NONE, penalty="l1").notes(wide) == ()
    assert Reconstruct(NONE, noise="masking").notes(wide) == ()
    assert Reconstruct(NONE).notes(network(code=3)) == ()


def test_cross_entropy_of_standardized_inputs_is_noted():
    task = Reconstruct(NONE, loss="binary_cross_entropy")
    assert "for inputs from 0 to 1" in task.notes(network(code=2))[0]
    assert task.notes(ConvAutoencoder((1, 4, 4), code=2)) == ()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"penalty": "l2"}, "no penalty 'l2'"),
        ({"penalty_weight": -1.0}, "penalty_weight of reconstruct must be 0 or more, got -1.0"),
        ({"sparsity": 1.0}, "sparsity of reconstruct must be between 0 and 1, got 1.0"),
        ({"noise": "salt"}, "no noise 'salt'"),
        ({"noise": "masking", "noise_level": 1.5}, "from 0 to below 1 with noise masking"),
        ({"loss": "cross"}, "no loss 'cross'"),
    ],
)
def test_options_that_cannot_be_are_refused(options, says):
    with pytest.raises(SettingsError, match=says):
        Reconstruct(NONE, **options)


@pytest.mark.parametrize(
    ("net", "options", "says"),
    [
        (MLP((4,), 3), {}, r"made \(5, 3\). Choose --network autoencoder"),
        (nn.Identity(), {"penalty": "l1"}, "needs a network with encode and decode"),
        (Autoencoder((4,)), {"penalty": "kl"}, "--network.code_activation sigmoid"),
    ],
)
def test_networks_that_do_not_fit_are_refused(net, options, says):
    with pytest.raises(SettingsError, match=says):
        next(Reconstruct(NONE, **options).losses(net, Batch(torch.randn(5, 4))))
