"""The linear map of the window: the equation, and least squares."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from layerwise.contracts import Batch
from layerwise.errors import SettingsError
from layerwise.networks.window_linear import WindowLinear


def made(**options):
    torch.manual_seed(0)
    network = WindowLinear((6, 3), 8, **{"variables": 2, "subtract": "none", **options})
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_()
    return network


def test_every_variable_goes_through_the_same_map():
    network, inputs = made(), torch.randn(5, 6, 3)
    outputs = network(inputs).reshape(5, 2, 4)
    others = torch.einsum("on,rn->ro", network.beside[0], inputs[:, :, 2])
    for variable in range(2):
        own = inputs[:, :, variable] @ network.weight[0].T + network.bias[0]
        assert_close(outputs[:, variable], own + others)


def test_or_each_through_its_own():
    network, inputs = made(shared=False), torch.randn(5, 6, 3)
    outputs = network(inputs).reshape(5, 2, 4)
    for v in range(2):
        own = inputs[:, :, v] @ network.weight[v].T + network.bias[v]
        assert_close(outputs[:, v], own + inputs[:, :, 2] @ network.beside[v].T)


@pytest.mark.parametrize("subtract", ["last", "mean"])
def test_what_is_subtracted_comes_back(subtract):
    network, inputs = made(subtract=subtract), torch.randn(5, 6, 3)
    moved = inputs.clone()
    moved[:, :, 0] += 10
    difference = network(moved) - network(inputs)
    assert_close(difference[:, :4], torch.full((5, 4), 10.0), atol=1e-4, rtol=0)
    assert_close(difference[:, 4:], torch.zeros(5, 4))


@pytest.mark.parametrize("shared", [True, False])
def test_solve_is_least_squares(shared):
    torch.manual_seed(1)
    inputs, targets = torch.randn(200, 6, 3), torch.randn(200, 8)
    network = WindowLinear((6, 3), 8, variables=2, shared=shared, subtract="none", ridge=0)
    network.solve([Batch(inputs[:150], targets[:150]), Batch(inputs[150:], targets[150:])])
    answers = targets.reshape(200, 2, 4).numpy()
    features = [
        np.hstack([inputs[:, :, v].numpy(), inputs[:, :, 2].numpy(), np.ones((200, 1))])
        for v in range(2)
    ]
    if shared:
        both = np.vstack(features), np.vstack([answers[:, 0], answers[:, 1]])
        found = [np.linalg.lstsq(*both, rcond=None)[0]] * 2
    else:
        found = [np.linalg.lstsq(features[v], answers[:, v], rcond=None)[0] for v in range(2)]
    expected = np.stack([features[v] @ found[v] for v in range(2)], axis=1).reshape(200, 8)
    with torch.no_grad():
        assert_close(network(inputs).numpy(), expected.astype("f4"), atol=1e-4, rtol=1e-4)


def test_ridge_is_a_penalty_on_the_mean_error_that_leaves_the_constant_free():
    torch.manual_seed(1)
    inputs, targets = torch.randn(50, 4, 1), torch.randn(50, 2) + 3
    network = WindowLinear((4, 1), 2, ridge=0.5, subtract="none")
    network.solve([Batch(inputs, targets)])
    features = np.hstack([inputs[:, :, 0].numpy(), np.ones((50, 1))]).astype("f8")
    penalty = np.diag([0.5 * 50] * 4 + [0])
    expected = np.linalg.solve(features.T @ features + penalty, features.T @ targets.numpy())
    assert_close(network.weight[0].T.detach().numpy(), expected[:4].astype("f4"))
    assert_close(network.bias[0].detach().numpy(), expected[4].astype("f4"))


def test_row_weights_count_in_the_solution():
    torch.manual_seed(1)
    inputs, targets = torch.randn(20, 3, 1), torch.randn(20, 1)
    weight = torch.ones(20)
    weight[:5] = 2
    weighted, repeated = WindowLinear((3, 1), 1), WindowLinear((3, 1), 1)
    weighted.solve([Batch(inputs, targets, weight)])
    repeated.solve([Batch(torch.cat([inputs, inputs[:5]]), torch.cat([targets, targets[:5]]))])
    assert_close(weighted.weight, repeated.weight)


def test_a_row_of_numbers_is_a_window_of_one_channel():
    assert WindowLinear((12,), 3)(torch.randn(2, 12)).shape == (2, 3)


def test_quantiles_have_no_closed_form():
    with pytest.raises(SettingsError, match=r"squared loss.*adamw"):
        WindowLinear((4, 1), 6).solve([Batch(torch.randn(5, 4, 1), torch.randn(5, 2))])


@pytest.mark.parametrize(
    ("options", "said"),
    [({"variables": 4}, "from 1 to the 3 channels"), ({"variables": 3}, "divide the 8 outputs"),
     ({"subtract": "first"}, "'first'"), ({"ridge": -1}, "0 or more")],
)  # fmt: skip
def test_options_that_cannot_be_are_refused(options, said):
    with pytest.raises(SettingsError, match=said):
        made(**options)
