"""What simple players reach in the same games: chance, counting pieces, random weights."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic

import numpy as np
import torch
from torch import nn

from layerwise.data.game_preparation import GamePreparation
from layerwise.data.source import Source
from layerwise.evaluation.baselines import BaselineResult
from layerwise.games.checkers import PLANES, SQUARES, Positions, planes
from layerwise.games.matches import play
from layerwise.games.players import (
    OPPONENTS,
    PRACTICE,
    Judge,
    Player,
    minimax,
    one_ply,
    opponent,
    random_player,
)

UNITS = 256  # of the network of random weights
LEAST_SECONDS = 5.0  # a player who has less time left does not begin


def fit(
    names: Sequence[str],
    source: Source,
    preparation: GamePreparation,
    parts: np.ndarray,
    *,
    seconds: float,
    seed: int,
) -> list[BaselineResult]:
    """Let simple players play the judged games: same opponents, same seeds, same first moves.

    names : "random_player", "material" (looks one move ahead and counts pieces), "untrained"
        (looks one move ahead with the judgement of random weights)
    seconds : for all together; who finds no time says so
    seed : of the random weights
    returns : scores (rows, 1): 1 won, 0 drawn or lost, NaN in rows of practice
    """
    ends, dataset = monotonic() + seconds, preparation.dataset(source)
    against = dataset.opponents.numpy()
    games = np.flatnonzero((against != PRACTICE) & (np.asarray(parts) != "train"))
    opponents = {int(number): opponent(OPPONENTS[number]) for number in set(against[games])}
    results = []
    for name in names:
        began, scores = monotonic(), np.full((len(against), 1), np.nan)
        note = f"Nothing was fitted; it played the same {len(games):,} games."
        if ends - began < LEAST_SECONDS:
            note = "It did not play: no time was left."
        else:
            some = (dataset.seeds.numpy()[games], dataset.begins.numpy()[games])
            scores[games, 0] = play(_player(name, seed), opponents, against[games], *some).won
        results.append(BaselineResult(name, scores, monotonic() - began, note))
    return results


def _player(name: str, seed: int) -> Player:
    """The player of a baseline's name."""
    assert name in ("random_player", "material", "untrained"), name
    if name == "random_player":
        return random_player
    return minimax(1) if name == "material" else one_ply(_random_judge(seed))


def _random_judge(seed: int) -> Judge:
    """The judgement of one hidden layer of random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        network = nn.Sequential(
            nn.Flatten(), nn.Linear(PLANES * SQUARES, UNITS), nn.ReLU(), nn.Linear(UNITS, 1),
            nn.Tanh(),
        )  # fmt: skip

    def judge(positions: Positions) -> np.ndarray:
        with torch.no_grad():
            return network(torch.from_numpy(planes(positions)).float())[:, 0].double().numpy()

    return judge
