"""The task self_play: its loss by hand, its games, and what it refuses."""

import math

import pytest
import torch
from torch import nn

from layerwise.contracts import Batch, Target
from layerwise.errors import SettingsError
from layerwise.games.players import OPPONENTS, PRACTICE
from layerwise.networks.checkers_net import CheckersNet
from layerwise.tasks.self_play import SelfPlay


class Fixed(nn.Module):
    """Values every position 0.5 and every move alike."""

    def __init__(self):
        super().__init__()
        self.worth = nn.Parameter(torch.tensor(0.5))

    def value(self, planes):
        return self.worth.expand(len(planes))

    def policy(self, planes):
        return torch.zeros(len(planes), 128)

    def value_and_policy(self, planes):
        return self.value(planes), self.policy(planes)


def games(opponents):
    count = len(opponents)
    inputs = {
        "planes": torch.zeros(count, 9, 32),
        "legal": torch.zeros(count, 128, dtype=torch.bool),
        "best": torch.zeros(count, dtype=torch.int64),
        "opponent": torch.tensor(opponents),
        "seed": torch.arange(count),
        "begins": torch.arange(count) % 2 == 0,
    }
    return Batch(inputs, torch.zeros(count))


def test_the_loss_is_squared_error_and_the_nats_of_the_best_move():
    batch = games([PRACTICE, PRACTICE])
    batch.inputs["legal"][0, :4] = True
    batch.inputs["legal"][1, 6:8] = True
    batch.inputs["best"][1] = 7
    batch = Batch(batch.inputs, torch.tensor([1.0, -0.5]))
    (loss,) = SelfPlay(Target("none"), policy=0.1).losses(Fixed(), batch)
    expected = ((0.25 + 0.1 * math.log(4)) + (1.0 + 0.1 * math.log(2))) / 2
    assert loss.value.item() == pytest.approx(expected)
    assert loss.terms == 2


@pytest.mark.parametrize("plays", ["look_ahead", "policy"])
def test_games_are_won_or_not_and_practice_is_not_judged(plays):
    torch.manual_seed(0)
    network = CheckersNet((9, 32), hidden=(8,))
    task = SelfPlay(Target("none"), plays=plays)
    batch = games([0, 0, PRACTICE, OPPONENTS.index("minimax2"), 0])
    found = task.outputs(network, batch)
    assert found.shape == (5, 1)
    assert found[2].isnan()
    assert set(found[[0, 1, 3, 4], 0].tolist()) <= {0.0, 1.0}
    assert torch.equal(found.nan_to_num(2), task.outputs(network, batch).nan_to_num(2))


def test_what_it_cannot_do_is_refused():
    with pytest.raises(SettingsError, match="must have no target"):
        SelfPlay(Target("binary", ("y",), ("a", "b")))
    with pytest.raises(SettingsError, match="policy of self_play must be 0 or more"):
        SelfPlay(Target("none"), policy=-1)
    with pytest.raises(SettingsError, match="look_ahead or policy"):
        SelfPlay(Target("none"), plays="well")
    with pytest.raises(SettingsError, match="has no value and no policy"):
        SelfPlay(Target("none")).outputs(nn.Linear(2, 2), games([0]))
