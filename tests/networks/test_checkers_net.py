"""The net for checkers."""

import pytest
import torch

from layerwise.errors import SettingsError
from layerwise.networks.checkers_net import CheckersNet


def test_both_heads_stand_on_one_trunk():
    torch.manual_seed(0)
    network, inputs = CheckersNet((9, 32), hidden=(16,)), torch.rand(5, 9, 32)
    worth, moves = network.value_and_policy(inputs)
    assert worth.shape == (5,)
    assert moves.shape == (5, 128)
    assert worth.abs().max() <= 1
    assert torch.equal(worth, network.value(inputs))
    assert torch.equal(worth, network({"planes": inputs}))
    assert torch.equal(moves, network.policy(inputs))


@pytest.mark.parametrize("hidden", [(), (0,)])
def test_a_trunk_without_units_is_refused(hidden):
    with pytest.raises(SettingsError, match="hidden of checkers_net"):
        CheckersNet((9, 32), hidden=hidden)
