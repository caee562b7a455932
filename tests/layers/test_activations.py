"""Activations have the values of their definitions."""

import math

import pytest
import torch
from torch import nn, tensor
from torch.testing import assert_close

from layerwise.errors import SettingsError
from layerwise.layers.activations import ACTIVATIONS, Maxout, activation, start_weights

VALUES = {  # at -1, 0, 1
    "step": [0, 1, 1],
    "sigmoid": [1 / (1 + math.e), 0.5, math.e / (1 + math.e)],
    "tanh": [-math.tanh(1), 0, math.tanh(1)],
    "scaled_tanh": [-1, 0, 1],
    "relu": [0, 0, 1],
    "leaky_relu": [-0.01, 0, 1],
    "elu": [1 / math.e - 1, 0, 1],
    "gelu": [-0.158655, 0, 0.841345],
    "silu": [-1 / (1 + math.e), 0, math.e / (1 + math.e)],
}


@pytest.mark.parametrize("name", VALUES)
def test_values_at_minus_one_zero_and_one(name):
    assert_close(
        activation(name)(tensor([-1.0, 0.0, 1.0])),
        tensor(VALUES[name]),
        rtol=1e-4,
        atol=1e-5,
        check_dtype=False,
    )


def test_softmax_is_over_the_units():
    assert_close(activation("softmax")(torch.zeros(2, 4)), torch.full((2, 4), 0.25))


def test_maxout_takes_the_largest_of_each_group():
    assert Maxout(3)(tensor([[1.0, 5, 2, -3, -1, -2]])).tolist() == [[5, -1]]
    assert Maxout()(torch.zeros(2, 6, 4, 4)).shape == (2, 3, 4, 4)


def test_torchs_own_module_is_used_where_there_is_one():
    own = {name for name in ACTIVATIONS if type(activation(name)).__module__.startswith("layer")}
    assert own == {"step", "scaled_tanh", "maxout"}


def test_a_misspelt_activation_names_the_nearest():
    with pytest.raises(SettingsError, match=r"no activation 'sigmiod'.*Did you mean 'sigmoid'"):
        activation("sigmiod")


@pytest.mark.parametrize(
    ("name", "variance"), [("relu", 2 / 300), ("scaled_tanh", 1 / 300), ("tanh", 2 / 500)]
)
def test_first_weights_have_the_variance_of_their_source(name, variance):
    torch.manual_seed(0)
    layer = nn.Linear(300, 200)
    start_weights(layer, name)
    assert layer.weight.var().item() == pytest.approx(variance, rel=0.03)
    assert not layer.bias.any()
