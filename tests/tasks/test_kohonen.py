"""Descent on the task is Kohonen's rule, step by step, with a radius that shrinks."""

import math

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from layerwise.contracts import Batch, Stage, Target
from layerwise.data.datasets import TensorDataset
from layerwise.errors import SettingsError
from layerwise.networks.self_organizing_map import SelfOrganizingMap
from layerwise.tasks.kohonen import Kohonen
from layerwise.training import train


def textbook_step(prototypes, sides, x, rate, radius):
    """Kohonen 1990: w_j += rate exp(-d_j^2 / (2 radius^2)) (x - w_j)."""
    rows, columns = sides
    best = min(range(len(prototypes)), key=lambda j: float((x - prototypes[j]).norm()))
    changed = prototypes.clone()
    for j in range(rows * columns):
        apart = (j // columns - best // columns) ** 2 + (j % columns - best % columns) ** 2
        changed[j] += rate * math.exp(-apart / (2 * radius**2)) * (x - prototypes[j])
    return changed


def test_an_epoch_of_single_rows_is_that_of_the_textbook():
    torch.manual_seed(0)
    network = SelfOrganizingMap((3,), rows=3, columns=4).double()
    task = Kohonen(Target("none"), radius=2.0, last_radius=0.5)
    inputs = torch.randn(12, 3, dtype=torch.float64)
    wanted, seen = network.prototypes.detach().clone(), []

    class Noting(TensorDataset):  # the engine decides the order
        def batch(self, rows):
            seen.append(super().batch(rows).inputs)
            return super().batch(rows)

        arrange = property()  # so that every batch is asked for

    recipe = (Stage(task, "sgd", {}, 0.3, epochs=2, batch_size=1),)
    for progress in train(network, recipe, Noting(inputs), traced=False):
        radius = 2.0 * (0.5 / 2.0) ** ((progress.step - 1) / 24)
        wanted = textbook_step(wanted, (3, 4), seen[-1][0], 0.3, radius)
        assert_close(network.prototypes.detach(), wanted)


def test_the_radius_shrinks_by_equal_factors_from_half_the_longer_side():
    task, network = Kohonen(Target("none"), last_radius=1.0), SelfOrganizingMap((2,), columns=16)
    found = [float(task.radius_at(network, done)) for done in (0.0, 1 / 3, 2 / 3, 1.0)]
    assert found == pytest.approx([8, 4, 2, 1])
    given = Kohonen(Target("none"), radius=3.0)
    assert float(given.radius_at(network, 0.0)) == pytest.approx(3.0)


def test_a_small_radius_is_k_means_of_single_rows():
    torch.manual_seed(0)
    network = SelfOrganizingMap((2,), rows=2, columns=2)
    task = Kohonen(Target("none"), radius=0.05, last_radius=0.05)
    inputs = torch.randn(1, 2)
    best = int(network.best(inputs))
    (loss,) = task.losses(network, Batch(inputs))
    loss.value.backward()
    wanted = torch.zeros(4, 2)
    wanted[best] = (network.prototypes - inputs)[best]
    assert_close(network.prototypes.grad, wanted)


def test_outputs_are_the_quantization_error():
    network = SelfOrganizingMap((2,), rows=1, columns=2)
    with torch.no_grad():
        network.prototypes.copy_(torch.tensor([[0.0, 0], [9, 9]]))
    found = Kohonen(Target("none")).outputs(network, Batch(torch.tensor([[3.0, 4], [9, 9]])))
    assert found.tolist() == [[5.0], [0.0]]


def test_a_row_that_weighs_nothing_moves_nothing():
    network, task = SelfOrganizingMap((2,)), Kohonen(Target("none"))
    inputs = torch.randn(2, 2)
    found = []
    for batch in (Batch(inputs, weight=torch.tensor([1.0, 0.0])), Batch(inputs[:1])):
        network.zero_grad()
        next(iter(task.losses(network, batch))).value.backward()
        found.append(network.prototypes.grad)
    assert_close(*found)


def test_what_cannot_be_is_refused():
    with pytest.raises(SettingsError, match="last_radius above 0"):
        Kohonen(Target("none"), last_radius=0.0)
    with pytest.raises(SettingsError, match="Choose --network self_organizing_map"):
        list(Kohonen(Target("none")).losses(nn.Linear(2, 2), Batch(torch.ones(1, 2))))
