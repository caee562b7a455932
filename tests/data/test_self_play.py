"""Games as experience: the source, its preparation, and practice against oneself."""

import numpy as np
import pytest
import torch

from layerwise.contracts import Stage, Target
from layerwise.data.datasets import Rows
from layerwise.data.game import checkers_source
from layerwise.data.game_preparation import GamePreparation
from layerwise.data.roles import Roles
from layerwise.data.self_play import Habits, SelfPlay, lambda_returns, practise
from layerwise.errors import DataError, SettingsError
from layerwise.games import checkers
from layerwise.games.players import PRACTICE
from layerwise.networks.checkers_net import CheckersNet
from layerwise.tasks.self_play import SelfPlay as Task
from layerwise.training import train

SMALL = {"practice": 60, "games": 4, "opponents": "random,minimax1"}


def network():
    torch.manual_seed(0)
    return CheckersNet((9, 32), hidden=(8,))


def dataset(rows=60):
    none = torch.zeros(rows, dtype=torch.int64)
    return SelfPlay(torch.full((rows,), PRACTICE), none, none.bool(), Habits())


def preparation(source):
    rows = np.flatnonzero(source.parts == "train")
    return GamePreparation.fit(source, Roles(carry=("opponent",)), Target("none"), rows)


def test_the_source_has_practice_and_games_with_seeds_of_their_own():
    source = checkers_source(SMALL)
    assert (source.parts == "train").sum() == 60
    assert source.frame.loc[source.parts == "test", "opponent"].value_counts().to_dict() == {
        "random": 4,
        "minimax1": 4,
    }
    judged = source.frame[source.parts != "train"]
    assert judged["seed"].is_unique
    assert judged["begins"].mean() == 0.5


@pytest.mark.parametrize("bad", ["-3", "0", "many", 1.5, True])
def test_numbers_that_cannot_be_are_refused(bad):
    with pytest.raises(DataError, match="at least 1"):
        checkers_source({"games": bad})


def test_unknown_opponents_are_refused():
    with pytest.raises(SettingsError, match=r"no opponent 'me'.*There are: random"):
        checkers_source({"opponents": "random,me"})


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [("opponent", "me", "must be one of"), ("seed", -1, "0 or more")],
)
def test_rows_that_are_no_games_are_refused(column, value, says):
    source = checkers_source(SMALL)
    source.frame.loc[0, column] = value
    with pytest.raises(DataError, match=says):
        preparation(checkers_source(SMALL)).check(source)
    lacking = source.frame.drop(columns=column)
    source = type(source)("games", lacking, form="game")
    with pytest.raises(DataError, match=f"lacks the column '{column}'"):
        preparation(checkers_source(SMALL)).dataset(source)


def test_the_preparation_is_the_same_after_it_was_stored():
    source = checkers_source(SMALL)
    first = preparation(source)
    second = GamePreparation(first.to_json(), first.tensors())
    assert second.to_json() == first.to_json()
    assert second.roles == first.roles
    assert len(np.unique(first.fingerprints(source)[60:])) == 12
    assert np.array_equal(first.fingerprints(source), second.fingerprints(source))


def test_practice_changes_with_the_network_and_its_seed_alone():
    def played(seed, weight=0.0):
        data, net = dataset(), network()
        with torch.no_grad():
            net.worth.weight += weight * torch.randn(8)
        torch.manual_seed(seed)
        data.refresh(net)
        return data.batch(torch.arange(60))

    assert torch.equal(played(1).inputs["planes"], played(1).inputs["planes"])
    assert not torch.equal(played(1).inputs["planes"], played(2).inputs["planes"])
    assert not torch.equal(played(1).targets, played(1, weight=1.0).targets)


def test_every_row_of_practice_has_a_best_move_that_is_allowed():
    data = dataset(300)
    data.refresh(network())
    batch = data.batch(torch.arange(300))
    assert batch.inputs["legal"].gather(1, batch.inputs["best"][:, None]).all()
    assert batch.targets.abs().max() <= 1


def test_practice_goes_on_where_it_stood_after_a_resume():
    first, second, net = dataset(), dataset(), network()
    for turn in range(3):
        torch.manual_seed(turn)
        first.refresh(net)
    second.load_state_dict({name: part.clone() for name, part in first.state_dict().items()})
    for data in (first, second):
        torch.manual_seed(9)
        data.refresh(net)
    assert first.state_dict().keys() == second.state_dict().keys()
    for name, part in first.state_dict().items():
        assert torch.equal(part, second.state_dict()[name]), name


def test_a_resume_amid_a_round_gives_the_same_weights():
    def learned(state=None, stop=None):
        net, data = network(), dataset(24)
        recipe = (Stage(Task(Target("none")), "adamw", {}, 0.01, epochs=2, batch_size=8),)
        for progress in train(net, recipe, Rows(data, torch.arange(24)), seed=4, state=state):
            if progress.step == stop:
                return torch.utils._pytree.tree_map_only(
                    torch.Tensor, torch.clone, progress.state()
                )
        return net.state_dict()

    whole, resumed = learned(), learned(learned(stop=4))
    assert all(torch.equal(part, resumed[name]) for name, part in whole.items())


def test_lambda_returns_are_the_textbook_sum_over_later_values():
    value = np.array([[0.1], [0.3], [-0.2], [0.4]])
    follows, sign = np.array([[True], [True], [False], [True]]), np.array([[-1.0], [1], [-1], [-1]])
    discount, trace = 0.9, 0.6
    third = value[2, 0]  # its move was drawn at random
    second = (1 - trace) * 0.3 + trace * discount * third
    first = (1 - trace) * 0.1 + trace * discount * -second
    found = lambda_returns(value, follows, sign, discount, trace)[:, 0]
    assert found.tolist() == pytest.approx([first, second, third, 0.4])


def test_without_traces_the_target_is_the_value_one_move_ahead():
    games = checkers.start(5)
    found = practise(
        lambda positions: np.full(len(positions), 0.5), games, np.zeros((5, 2)), 4,
        Habits(0.9, 0.0, (0.0,)),
        np.random.default_rng(0),
    )  # fmt: skip
    assert len(found["worth"]) == 20
    assert found["worth"].abs().numpy() == pytest.approx(0.45)
    assert games.quiet.max() > 0  # they were played on in place


def test_judged_rows_bring_no_practice_along():
    source = checkers_source(SMALL)
    data = preparation(source).dataset(source)
    data.refresh(network())
    batch = data.batch(torch.arange(60, 72))
    assert not batch.inputs["planes"].any()
    assert not batch.targets.any()
    assert (batch.inputs["opponent"] >= 0).all()
