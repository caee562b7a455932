"""Radial basis functions against the textbook: interpolation, least squares, k-means."""

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans
from torch import nn
from torch.testing import assert_close

from layerwise.contracts import Batch, Stage, Target
from layerwise.data.datasets import TensorDataset
from layerwise.errors import SettingsError
from layerwise.networks.rbf import RBF, nearest_distances, weighted_ridge
from layerwise.tasks.classify import Classify
from layerwise.tasks.regress import Regress
from layerwise.training import train


def rows(count=40, features=2, targets=1):
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(count, features, generator=generator)
    return inputs, torch.randn(count, targets, generator=generator)


def blobs(classes=3, rows_each=20):
    generator = torch.Generator().manual_seed(0)
    codes = torch.arange(classes).repeat_interleave(rows_each)
    corners = 4 * torch.randn(classes, 2, generator=generator)
    return corners[codes] + torch.randn(len(codes), 2, generator=generator), codes


def loss_of(task, network, inputs, targets):
    (loss,) = task.losses(network, Batch(inputs, targets))
    return loss.value.item()


def test_bumps_by_hand():
    network = RBF((1,), 1, centres=2)
    with torch.no_grad():
        network.centres.copy_(torch.tensor([[0.0], [2.0]]))
        network.log_widths.copy_(torch.tensor([1.0, 2.0]).log())
    wanted = torch.tensor([[1.0, np.exp(-0.5)], [np.exp(-0.5), np.exp(-1 / 8)]])
    assert_close(network.bumps(torch.tensor([[0.0], [1.0]])), wanted.float())


def test_as_many_centres_as_rows_interpolate():
    inputs, targets = rows(count=15)
    network = RBF((2,), 1, centres=15, ridge=0.0).double()
    network.solve([Batch(inputs.double(), targets.double())])
    assert_close(network(inputs.double()), targets.double(), atol=1e-6, rtol=0)


def test_the_output_weights_are_those_of_textbook_least_squares():
    torch.manual_seed(0)
    inputs, targets = rows(targets=2)
    weight = torch.rand(40, generator=torch.Generator().manual_seed(1))
    network = RBF((2,), 2, centres=6, ridge=0.01).double()
    pieces = [slice(0, 7), slice(7, 40)]
    network.solve(
        [Batch(inputs[p].double(), targets[p].double(), weight[p].double()) for p in pieces]
    )
    design = torch.cat([network.bumps(inputs.double()), torch.ones(40, 1)], dim=1).detach()
    by_row = torch.diag(weight.double())
    penalty = 0.01 * weight.double().sum() * torch.eye(7).double()
    penalty[-1, -1] = 0
    normal = design.T @ by_row @ design + penalty
    wanted = torch.linalg.solve(normal, design.T @ by_row @ targets.double())
    assert_close(network.last.weight, wanted[:-1].T)
    assert_close(network.last.bias, wanted[-1])


def test_the_centres_are_a_fixed_point_of_k_means():
    torch.manual_seed(0)
    inputs, targets = rows(count=60)
    network = RBF((2,), 1, centres=4)
    network.solve([Batch(inputs, targets)])
    nearest = torch.cdist(inputs, network.centres).argmin(dim=1)
    means = torch.stack([inputs[nearest == j].mean(dim=0) for j in range(4)])
    assert_close(network.centres, means, atol=1e-4, rtol=0)
    start = network.centres.detach().numpy()
    again = KMeans(4, init=start, n_init=1).fit(inputs.numpy()).cluster_centers_
    assert_close(network.centres.detach().numpy(), again, atol=1e-4, rtol=0)


def test_chance_is_that_of_torchs_generator():
    inputs, targets = rows(count=200)
    found = []
    for seed in (3, 3, 4):
        network = RBF((2,), 1, centres=20)
        torch.manual_seed(seed)
        network.solve([Batch(inputs, targets)])
        found.append(network.centres.detach())
    assert found[0].equal(found[1])
    assert not found[0].equal(found[2])


def test_widths_are_the_mean_distance_to_the_nearest_centres():
    centres = torch.tensor([[0.0], [1.0], [3.0], [10.0]])
    assert nearest_distances(centres, 2).tolist() == [2.0, 1.5, 2.5, 8.0]
    assert nearest_distances(centres[:1], 2).tolist() == [1.0]


def test_classes_are_solved_and_then_descended_on():
    inputs, codes = blobs()
    target = Target("classes", ("y",), ("a", "b", "c"))
    torch.manual_seed(0)
    network, task, losses = RBF((2,), 3, centres=6), Classify(target), []
    recipe = (
        Stage(task, "closed_form", batch_size="all"),
        Stage(task, "adamw", {}, 0.01, epochs=10, batch_size="all"),
    )
    for _ in train(network, recipe, TensorDataset(inputs, codes)):
        losses.append(loss_of(task, network, inputs, codes))
    right = task.outputs(network, Batch(inputs)).argmax(dim=1) == codes
    assert right.double().mean() > 0.9
    assert losses[-1] < losses[0]  # the first one is that of the closed form


def test_two_classes_are_solved_as_signs():
    inputs, codes = blobs(classes=2)
    torch.manual_seed(0)
    network = RBF((2,), 1, centres=6)
    network.solve([Batch(inputs, codes.float())])
    assert ((network(inputs)[:, 0] > 0) == (codes == 1)).double().mean() > 0.9


def test_descent_alone_learns_too():
    inputs, targets = rows(count=20)
    torch.manual_seed(0)
    network, task = RBF((2,), 1, centres=10), Regress(Target("real", ("y",)))
    before = loss_of(task, network, inputs, targets)
    starts = [parameter.clone() for parameter in network.parameters()]
    recipe = (Stage(task, "adam", {}, 0.05, epochs=200, batch_size="all"),)
    for _ in train(network, recipe, TensorDataset(inputs, targets)):
        pass
    assert loss_of(task, network, inputs, targets) < 0.3 * before
    for start, parameter in zip(starts, network.parameters(), strict=True):
        assert not start.equal(parameter)


def test_columns_that_are_alike_share_their_weight():
    design = torch.ones(5, 1).double()
    found = weighted_ridge(
        torch.cat([design, design], 1), 2 * design, torch.ones(5).double(), ridge=0.0
    )
    assert_close(found, torch.ones(2, 1).double())


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"centres": 0}, "centres of rbf must be 1 or more, got 0"),
        ({"neighbours": 0}, "neighbours of rbf must be 1 or more"),
        ({"ridge": -1.0}, "ridge of rbf must be 0 or more"),
    ],
)
def test_options_that_cannot_be_are_refused(options, says):
    with pytest.raises(SettingsError, match=says):
        RBF((2,), 1, **options)


def test_more_centres_than_different_rows_are_refused():
    inputs, targets = torch.ones(8, 2), torch.zeros(8, 1)
    with pytest.raises(SettingsError, match="different training rows, 1, got 3"):
        RBF((2,), 1, centres=3).solve([Batch(inputs, targets)])


def test_rows_without_targets_and_weights_below_zero_are_refused():
    with pytest.raises(SettingsError, match="Name one with --target"):
        RBF((2,), 1).solve([Batch(torch.zeros(3, 2))])
    inputs, targets = rows(count=4)
    with pytest.raises(SettingsError, match="weights of 0 or more"):
        RBF((2,), 1, centres=2).solve([Batch(inputs, targets, torch.tensor([1.0, -1, 1, 1]))])


def test_it_is_a_module_of_the_stated_size():
    network = RBF((12,), 3)
    assert sum(one.numel() for one in network.parameters()) == 32 * 12 + 32 + 32 * 3 + 3
    assert isinstance(network, nn.Module)
