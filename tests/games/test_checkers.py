"""The rules of checkers, against OpenSpiel's and by hand."""

import numpy as np
import pytest

from layerwise.games import checkers
from layerwise.games.checkers import Moves, Positions

WORD = checkers.WORD


def position(text, quiet=0):
    """One position from eight lines of OpenSpiel's signs; the player with o and 8 is to move."""
    words = {sign: WORD(0) for sign in "o8+*"}
    for row, line in enumerate(text.split()):
        for column, sign in enumerate(line):
            if sign != ".":
                words[sign] |= WORD(1) << checkers.BITS[row * 4 + column // 2]
    own, other = words["o"] | words["8"], words["+"] | words["*"]
    kings = words["8"] | words["*"]
    columns = [np.array([word], dtype=WORD) for word in (own, other, kings, 0)]
    return Positions(*columns, np.array([quiet]), np.array([True]))


def spiel_moves(state, first):
    """OpenSpiel's legal moves by their codes, as the player to move sees them."""
    codes = {}
    for action in state.legal_actions():
        row, column, direction = action // 64, action // 8 % 8, action // 2 % 4
        square = row * 4 + column // 2
        if not first:
            square, direction = 31 - square, (direction + 2) % 4
        codes[direction * 32 + square] = action
    return codes


def test_random_games_have_the_moves_boards_and_outcomes_of_openspiel():
    pyspiel = pytest.importorskip("pyspiel")
    game, generator, games = pyspiel.load_game("checkers"), np.random.default_rng(0), 100
    states = [game.new_initial_state() for _ in range(games)]
    positions, outcomes = checkers.start(games), []
    while states:
        found, chosen = checkers.moves(positions), []
        borders = np.searchsorted(found.rows, np.arange(len(states) + 1))
        for row, state in enumerate(states):
            ours = found.codes[borders[row] : borders[row + 1]]
            theirs = spiel_moves(state, bool(positions.first[row]))
            assert set(ours) == set(theirs)
            assert state.current_player() == (0 if positions.first[row] else 1)
            chosen.append(generator.choice(ours))
            state.apply_action(theirs[chosen[-1]])
        made = Moves(np.arange(len(states)), np.array(chosen))
        positions, _ = checkers.after(positions, made)
        over = ~checkers.can_move(positions)
        for row, state in enumerate(states):
            assert state.is_terminal() == over[row]
        for row in np.flatnonzero(over):
            lines = [line[1:] for line in str(states[row]).splitlines()[:8]]
            assert checkers.board_text(positions, row) == "\n".join(lines)
            worth = checkers.outcome(positions)[row] * (1 if positions.first[row] else -1)
            assert worth == states[row].returns()[0]
            outcomes.append(worth)
        states = [state for row, state in enumerate(states) if not over[row]]
        positions = positions.take(~over)
    assert set(outcomes) == {-1.0, 0.0, 1.0}


def test_a_game_begins_with_twelve_men_each_and_seven_moves():
    begun = checkers.start(2)
    assert checkers.material(begun).tolist() == [0.0, 0.0]
    assert checkers.planes(begun)[0, :4].sum(axis=1).tolist() == [12, 0, 12, 0]
    assert len(checkers.moves(begun.take(np.array([0]))).codes) == 7
    assert np.array_equal(checkers.turned(checkers.turned(begun.own)), begun.own)


def test_captures_are_mandatory_and_a_piece_that_can_must_go_on():
    before = position("........ ........ .+...... ........ .+...... o....... ........ ..o.....")
    found = checkers.moves(before)
    assert len(found.codes) == 1
    jumped, same = checkers.after(before, found)
    assert same.tolist() == [True]
    assert jumped.quiet.tolist() == [0]
    again = checkers.moves(jumped)
    assert len(again.codes) == 1
    ended, same = checkers.after(jumped, again)
    assert same.tolist() == [False]
    assert not checkers.can_move(ended)[0]
    assert checkers.outcome(ended).tolist() == [-1.0]


def test_a_man_that_is_crowned_by_a_capture_stops():
    before = position("........ ..+.+... .o...... ........ ........ ........ ........ ........")
    reached, same = checkers.after(before, checkers.moves(before))
    assert same.tolist() == [False]
    assert int(np.bitwise_count(reached.kings)[0]) == 1


def test_forty_moves_without_a_capture_are_a_draw():
    text = "........ ........ ..8..... ........ ........ ........ ......*. ........"
    assert checkers.can_move(position(text, quiet=39))[0]
    over = position(text, quiet=40)
    assert not checkers.can_move(over)[0]
    assert checkers.outcome(over).tolist() == [0.0]


def test_planes_show_who_can_capture_whom_and_how_near_a_draw_is():
    seen = checkers.planes(
        position(
            "........ ........ ........ ..+..... .o...... ........ ........ ........", quiet=10
        )
    )[0]
    taker, taken = 4 * 4 + 0, 3 * 4 + 1
    assert np.flatnonzero(seen[4]).tolist() == [taker]
    assert np.flatnonzero(seen[5]).tolist() == [taken]
    assert np.flatnonzero(seen[6]).tolist() == [taken]
    assert np.flatnonzero(seen[7]).tolist() == [taker]
    assert seen[8].sum() == 8
