"""Descent on the difference of free energies is the textbook's update of CD-k."""

import copy

import pytest
import torch
from torch import tensor
from torch.testing import assert_close

from layerwise.contracts import Batch, Stage, Target
from layerwise.data.datasets import TensorDataset
from layerwise.errors import SettingsError
from layerwise.evaluation.partition import log_likelihood, log_partition_exact
from layerwise.networks.rbm import RBM
from layerwise.tasks.contrastive_divergence import ContrastiveDivergence
from layerwise.training import train

NONE = Target("none")


def machine(**more):
    torch.manual_seed(0)
    made = RBM((6,), hidden=4, **more)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return made


def binary_rows(count=10):
    torch.manual_seed(1)
    return torch.bernoulli(torch.full((count, 6), 0.4))


def gradients(network, task, batch, seed=7):
    network.zero_grad()
    torch.manual_seed(seed)
    (loss,) = task.losses(network, batch)
    loss.value.backward()
    return network.weight.grad, network.visible_bias.grad, network.hidden_bias.grad


def outer_products(network, data, dreamt):
    """Hinton 2002: what is learned of v_i h_j is its mean on data minus that on dreams."""
    up = lambda v: torch.sigmoid(v @ network.weight.T + network.hidden_bias)  # noqa: E731
    with torch.no_grad():
        positive, negative = up(data), up(dreamt)
        return (
            positive.T @ data / len(data) - negative.T @ dreamt / len(dreamt),
            data.mean(0) - dreamt.mean(0),
            positive.mean(0) - negative.mean(0),
        )


@pytest.mark.parametrize("steps", [1, 3])
def test_the_gradient_is_minus_the_update_of_the_textbook(steps):
    network, data = machine(), binary_rows()
    task = ContrastiveDivergence(NONE, steps=steps, binarize=False)
    found = gradients(network, task, Batch(data))
    torch.manual_seed(7)
    dreamt = data
    for _ in range(steps):  # the same draws, written plainly
        with torch.no_grad():
            chances = torch.sigmoid(dreamt @ network.weight.T + network.hidden_bias)
            hidden = (torch.rand(10, 4) < chances).float()
            chances = torch.sigmoid(hidden @ network.weight + network.visible_bias)
            dreamt = (torch.rand(10, 6) < chances).float()
    for gradient, update in zip(found, outer_products(network, data, dreamt), strict=True):
        assert_close(gradient, -update)


def test_persistent_chains_go_on_from_where_they_were():
    network, data = machine(), binary_rows()
    task = ContrastiveDivergence(NONE, persistent=True, chains=25, binarize=False)
    gradients(network, task, Batch(data))
    before = task.state_dict()["chains"].clone()
    found = gradients(network, task, Batch(data), seed=9)
    torch.manual_seed(9)
    dreamt = network.gibbs(before, 1)
    assert torch.equal(task.state_dict()["chains"], dreamt)
    for gradient, update in zip(found, outer_products(network, data, dreamt), strict=True):
        assert_close(gradient, -update)


def test_the_first_dreams_are_moved_examples():
    network, data = machine(), binary_rows(3)
    task = ContrastiveDivergence(NONE, persistent=True, chains=5, binarize=False)
    torch.manual_seed(7)
    next(iter(task.losses(network, Batch(data))))
    torch.manual_seed(7)
    assert torch.equal(task.state_dict()["chains"], network.gibbs(data[[0, 1, 2, 0, 1]], 1))


def test_a_resumed_run_ends_with_the_same_bits():
    rows = TensorDataset(torch.rand(40, 6, generator=torch.Generator().manual_seed(3)))

    def run(state=None):
        """The weights at the end, and the state after the sixth step."""
        task = ContrastiveDivergence(NONE, persistent=True, chains=8)
        network, kept = machine(), {}
        stages = (Stage(task, "sgd", {"momentum": 0.5}, 0.1, epochs=4, batch_size=10),)
        for progress in train(network, stages, rows, state=state):
            if progress and progress.step == 6:
                kept = copy.deepcopy(progress.state())
        return network.weight, kept

    weight, state = run()
    assert torch.equal(run(state)[0], weight)


def test_only_persistent_chains_have_state_and_need_the_batch_whole():
    plain, persistent = ContrastiveDivergence(NONE), ContrastiveDivergence(NONE, persistent=True)
    assert plain.splittable
    assert not hasattr(plain, "state_dict")
    assert not persistent.splittable
    assert persistent.state_dict() == {}


def test_greys_are_drawn_as_zeros_and_ones_with_their_chance():
    network, seen = machine(), []
    network.free_energy = lambda visible: seen.append(visible) or visible.sum(1)
    grey = torch.linspace(0, 1, 6).expand(5000, 6)
    next(iter(ContrastiveDivergence(NONE).losses(network, Batch(grey))))
    assert set(seen[0].unique().tolist()) == {0.0, 1.0}
    assert_close(seen[0].mean(0), grey[0], atol=0.03, rtol=0)


def test_gaussian_inputs_are_left_as_they_are():
    network, seen = machine(visible="gaussian"), []
    network.free_energy = lambda visible: seen.append(visible) or visible.sum(1)
    rows = torch.randn(5, 6)
    next(iter(ContrastiveDivergence(NONE).losses(network, Batch(rows))))
    assert torch.equal(seen[0], rows)


def test_a_row_that_weighs_nothing_moves_nothing():
    network, data = machine(), binary_rows(2)
    task = ContrastiveDivergence(NONE, binarize=False)
    other = torch.cat([data[:1], 1 - data[1:]])
    weight = tensor([2.0, 0.0])
    one = gradients(network, task, Batch(data, weight=weight))
    torch.manual_seed(7)
    dreamt = network.gibbs(data)[:1]
    for gradient, update in zip(one, outer_products(network, other[:1], dreamt), strict=True):
        assert_close(gradient, -update)


@pytest.mark.parametrize("options", [{"steps": 5}, {"persistent": True}])
def test_learning_raises_the_exact_likelihood_nearly_to_the_entropy_of_the_data(options):
    bars = tensor([[1.0, 1, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1]]).repeat(30, 1)
    torch.manual_seed(0)
    network, task = RBM((6,), hidden=8), ContrastiveDivergence(NONE, **options)
    stages = (
        Stage(task, "closed_form"),
        Stage(task, "sgd", {"momentum": 0.5}, 0.2, "cosine", epochs=250, batch_size=30),
    )
    for _ in train(network, stages, TensorDataset(bars)):
        pass
    mean = log_likelihood(network, bars, log_partition_exact(network)).mean().item()
    assert -1.4 < mean < -1.0986  # log(1/3) is the best that can be


def test_outputs_are_reconstruction_errors():
    network, rows = machine(), binary_rows(3)
    with torch.no_grad():
        hidden = torch.sigmoid(rows @ network.weight.T + network.hidden_bias)
        again = torch.sigmoid(hidden @ network.weight + network.visible_bias)
        found = ContrastiveDivergence(NONE).outputs(network, Batch(rows))
    assert_close(found, ((again - rows) ** 2).mean(1, keepdim=True))


@pytest.mark.parametrize("options", [{"steps": 0}, {"chains": 0}])
def test_less_than_one_step_or_chain_is_refused(options):
    with pytest.raises(SettingsError, match="must be a whole number above 0, got 0"):
        ContrastiveDivergence(NONE, **options)
