"""Baselines of games, what a run shows of them, and its pictures."""

import numpy as np
import pytest
import torch

from layerwise.contracts import Target
from layerwise.data.game import checkers_source
from layerwise.data.game_preparation import GamePreparation
from layerwise.data.roles import Roles
from layerwise.evaluation.game_baselines import fit
from layerwise.evaluation.game_specimens import show
from layerwise.games.matches import play
from layerwise.games.players import OPPONENTS, opponent
from layerwise.networks.checkers_net import CheckersNet
from layerwise.report.draw_game import draw_game
from layerwise.report.record import Record
from layerwise.tasks.self_play import SelfPlay


@pytest.fixture(scope="module")
def source():
    return checkers_source({"practice": 20, "games": 6, "opponents": "random,minimax1"})


@pytest.fixture(scope="module")
def preparation(source):
    return GamePreparation.fit(source, Roles(), Target("none"), np.arange(20))


def test_baselines_play_the_same_games(source, preparation):
    found = fit(
        ("random_player", "material", "untrained"), source, preparation, source.parts,
        seconds=60.0, seed=0,
    )  # fmt: skip
    assert [one.name for one in found] == ["random_player", "material", "untrained"]
    data, rows = preparation.dataset(source), np.flatnonzero(source.parts != "train")
    for one in found:
        assert one.scores.shape == (len(source.frame), 1)
        assert np.isnan(one.scores[:20]).all()
        assert set(one.scores[rows, 0]) <= {0.0, 1.0}
    opponents = {number: opponent(name) for number, name in enumerate(OPPONENTS)}
    again = play(
        opponent("minimax1"), opponents, data.opponents.numpy()[rows], data.seeds.numpy()[rows],
        data.begins.numpy()[rows],
    )  # fmt: skip
    assert np.array_equal(found[1].scores[rows, 0], again.won)


def test_a_baseline_without_time_says_so(source, preparation):
    (one,) = fit(("material",), source, preparation, source.parts, seconds=0.0, seed=0)
    assert np.isnan(one.scores).all()
    assert one.note == "It did not play: no time was left."


def test_what_is_shown_counts_every_game_and_is_drawn(source, preparation):
    torch.manual_seed(0)
    network, task = CheckersNet((9, 32), hidden=(8,)), SelfPlay(Target("none"))
    rows = np.flatnonzero(source.parts == "test")
    made = show(network, task, preparation, source, rows, seed=0)
    table = made["tables"][0]["rows"]
    assert {line[0] for line in table} == {"random", "minimax1"}
    for line in table:
        assert line[2] == 6 == sum(line[3:6])
        assert line[7] <= line[6] <= line[8]
    dataset = preparation.dataset(source)
    outputs = task.outputs(network, dataset.batch(torch.from_numpy(rows)))
    ahead = sum(line[3] for line in table if line[1] == "one move ahead")
    assert ahead == int(outputs.sum())
    boards = made["arrays"]["boards"]
    assert boards.shape[1] == 32
    assert (boards[0] > 0).sum() == (boards[0] < 0).sum() == 12
    assert (boards[0][20:] > 0).all()  # its own men are near
    record = Record(
        "run", {}, plan={"splits": {"validation": 6}}, specimens={"boards": boards},
        journal=[{"epoch": n, "scores": {"win_fraction": n / 4}} for n in (1, 2, 3)],
    )  # fmt: skip
    practice, game = draw_game(record)
    assert practice.numbers["win_fraction"].tolist() == [0.25, 0.5, 0.75]
    assert (practice.numbers["low"] <= practice.numbers["win_fraction"]).all()
    assert len(game.numbers) == len(boards)


def test_nothing_is_shown_of_practice_alone(source, preparation):
    network = CheckersNet((9, 32), hidden=(8,))
    made = show(network, SelfPlay(Target("none")), preparation, source, np.arange(5), seed=0)
    assert made == {"sentences": [], "tables": [], "arrays": {}}
