"""The rules of checkers, against OpenSpiel's and by hand."""

import numpy as np
import pytest

from layerwise.games import checkers


def spiel_moves(state, first):
    """OpenSpiel's legal moves as codes, seen by the player to move."""
    codes = []
    for action in state.legal_actions():
        row, column, direction = action // 64, action // 8 % 8, action // 2 % 4
        square = row * 4 + column // 2
        if not first:
            square, direction = 31 - square, (direction + 2) % 4
        codes.append((direction * 32 + square, action))
    return dict(codes)


def test_random_games_have_the_same_moves_boards_and_outcomes_as_openspiel():
    pyspiel = pytest.importorskip("pyspiel")
    game, generator, games = pyspiel.load_game("checkers"), np.random.default_rng(0), 300
    states = [game.new_initial_state() for _ in range(games)]
    positions, outcomes = checkers.start(games), []
    while len(states):
        found, chosen = checkers.moves(positions), []
        for row, state in enumerate(states):
            ours = np.flatnonzero(found.rows == row)
            theirs = spiel_moves(state, bool(positions.first[row]))
            assert set(found.codes[ours]) == set(theirs)
            assert state.current_player() == (0 if positions.first[row] else 1)
            chosen.append(generator.choice(ours))
            state.apply_action(theirs[found.codes[chosen[-1]]])
        chosen = np.array(chosen)
        made = checkers.Moves(found.rows[chosen], found.codes[chosen])
        positions, _ = checkers.after(positions, made)
        over = ~checkers.can_move(positions)
        for row in range(len(states)):
            lines = [line[1:] for line in str(states[row]).splitlines()[:8]]
            assert checkers.board_text(positions, row) == "\n".join(lines)
            assert states[row].is_terminal() == over[row]
        for row in np.flatnonzero(over):
            worth = checkers.outcome(positions)[row] * (1 if positions.first[row] else -1)
            assert worth == states[row].returns()[0]
            outcomes.append(worth)
        states = [state for row, state in enumerate(states) if not over[row]]
        positions = positions.take(~over)
    assert set(outcomes) == {-1.0, 0.0, 1.0}
