"""Linear regression in closed form, against the textbook and scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression, Ridge
from torch.testing import assert_close

from layerwise.contracts import Batch
from layerwise.errors import SettingsError
from layerwise.networks.linear import Linear


def rows(count=40, features=3, targets=2):
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(count, features, generator=generator)
    mixing = torch.randn(features, targets, generator=generator)
    noise = 0.1 * torch.randn(count, targets, generator=generator)
    weight = torch.rand(count, generator=generator)
    return inputs, inputs @ mixing + 1.5 + noise, weight


def batches(inputs, targets, weight=None, size=7):
    for start in range(0, len(inputs), size):
        piece = slice(start, start + size)
        yield Batch(inputs[piece], targets[piece], None if weight is None else weight[piece])


def test_a_line_through_three_points_is_the_one_worked_by_hand():
    # x = 0, 1, 2 and y = 1, 3, 4: slope 3/2, intercept 7/6
    network = Linear((1,), 1)
    network.solve([Batch(torch.tensor([[0.0], [1], [2]]), torch.tensor([[1.0], [3], [4]]))])
    assert_close(network.weight, torch.tensor([[1.5]]))
    assert_close(network.bias, torch.tensor([7 / 6]))


def test_the_solution_over_weighted_batches_is_that_of_all_rows():
    inputs, targets, weight = rows()
    network = Linear((3,), 2)
    network.solve(batches(inputs, targets, weight))
    model = LinearRegression().fit(inputs.numpy(), targets.numpy(), weight.numpy())
    assert_close(network.weight.detach().numpy(), model.coef_.astype(np.float32))
    assert_close(network.bias.detach().numpy(), model.intercept_.astype(np.float32))


def test_ridge_is_a_penalty_on_the_mean_squared_error():
    inputs, targets, _ = rows()
    network = Linear((3,), 2, ridge=0.5)
    network.solve(batches(inputs, targets))
    model = Ridge(alpha=0.5 * len(inputs)).fit(inputs.double().numpy(), targets.double().numpy())
    assert_close(network.weight.detach().numpy(), model.coef_.astype(np.float32))


def test_a_column_given_twice_shares_its_weight():
    inputs, targets, _ = rows(features=1, targets=1)
    network = Linear((2,), 1)
    network.solve([Batch(torch.cat([inputs, inputs], dim=1), targets)])
    assert_close(network.weight[0, 0], network.weight[0, 1])
    assert ((network(torch.cat([inputs, inputs], dim=1)) - targets) ** 2).mean() < 0.05


@pytest.mark.parametrize("targets", [torch.tensor([0, 1, 2]), torch.tensor([0.0, 1, 1]), None])
def test_classes_have_no_closed_form(targets):
    with pytest.raises(SettingsError, match="must have a numeric target"):
        Linear((2,), 3).solve([Batch(torch.zeros(3, 2), targets)])


def test_a_negative_ridge_is_refused():
    with pytest.raises(SettingsError, match="ridge of linear must be 0 or more"):
        Linear((2,), 1, ridge=-1.0)
