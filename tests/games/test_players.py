"""Those who play, and their games."""

import numpy as np
import pytest

from layerwise.errors import SettingsError
from layerwise.games import checkers
from layerwise.games.matches import play
from layerwise.games.players import (
    WON,
    chosen,
    fixed_chance,
    minimax,
    one_ply,
    opponent,
    random_player,
    searched,
)


def games(count, first=0):
    return np.zeros(count, int), np.arange(first, first + count), np.arange(count) % 2 == 0


def plain_search(positions, depth):
    """Minimax for one position, as textbooks write it."""
    if not checkers.can_move(positions)[0]:
        return WON * checkers.outcome(positions)[0]
    if depth == 0:
        return checkers.material(positions)[0]
    values, found = [], checkers.moves(positions)
    for code in found.codes:
        made = checkers.Moves(np.array([0]), np.array([code]))
        reached, same = checkers.after(positions, made)
        value = plain_search(reached, depth - 1)
        values.append(value if same[0] else -value)
    return max(values)


def test_search_side_by_side_is_the_textbook_search():
    positions, generator = checkers.start(6), np.random.default_rng(1)
    for _ in range(12):
        found = checkers.moves(positions)
        places = chosen(found, np.zeros(len(found.rows)), generator.random(len(found.rows)))
        made = checkers.Moves(found.rows[places], found.codes[places])
        positions, _ = checkers.after(positions, made)
    plain = [plain_search(positions.take(np.array([row])), 3) for row in range(len(positions))]
    assert searched(positions, 3).tolist() == plain


def test_a_game_is_the_same_whatever_is_played_beside_it():
    against, seeds, begins = games(30)
    together = play(minimax(1), {0: random_player}, against, seeds, begins)
    alone = play(minimax(1), {0: random_player}, against[7:8], seeds[7:8], begins[7:8])
    assert together.results[7] == alone.results[0]
    assert together.lengths[7] == alone.lengths[0]
    assert set(np.unique(together.results)) <= {-1.0, 0.0, 1.0}


def test_looking_further_ahead_wins_more():
    shallow = play(random_player, {0: random_player}, *games(40)).won.mean()
    deep = play(minimax(2), {0: random_player}, *games(40)).won.mean()
    assert shallow < 0.6 < 0.85 < deep


def test_who_gives_pieces_away_loses():
    worst = one_ply(lambda positions: checkers.material(positions))
    played = play(lambda *given: -worst(*given), {0: minimax(2)}, *games(20))
    assert played.won.sum() <= 1


def test_chance_is_even_and_decided_by_seed_turn_and_move():
    numbers = fixed_chance(np.arange(10000), 3, np.full(10000, 5))
    assert abs(numbers.mean() - 0.5) < 0.02
    assert numbers.min() >= 0
    assert numbers.max() < 1
    assert fixed_chance(np.array([7]), 3, np.array([5]))[0] == numbers[7]
    assert fixed_chance(np.array([7]), 4, np.array([5]))[0] != numbers[7]


def test_no_games_are_no_games():
    assert len(play(random_player, {0: random_player}, *games(0)).results) == 0


def test_an_unknown_opponent_names_those_there_are():
    with pytest.raises(SettingsError, match=r"no opponent 'minmax2'.*minimax2"):
        opponent("minmax2")
