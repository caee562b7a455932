"""Those who play: a player gives every legal move a worth, and the best is played.

Chance comes from a game's own seed and the number of the move alone, so a game is the same
whatever other games are played beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from layerwise.errors import SettingsError, nearest
from layerwise.games import checkers
from layerwise.games.checkers import Moves, Positions

Player = Callable[[Positions, Moves], np.ndarray]  # worth of each move to who moves, (moves,)
Judge = Callable[[Positions], np.ndarray]  # worth of each position to who is to move, (rows,)

WON = 100.0  # to a player who counts material: more than all pieces
DEEPEST = 4  # moves that minimax may look ahead
PRACTICE = -1  # number of the opponent in rows of practice, which are no judged games
OPPONENTS = ("random", *(f"minimax{depth}" for depth in range(1, DEEPEST + 1)))


def opponent(name: str) -> Player:
    """Give the player of a name in ``OPPONENTS``; SettingsError where there is none."""
    if name not in OPPONENTS:
        raise SettingsError(
            f"There is no opponent '{name}' in checkers.{nearest(name, OPPONENTS)} "
            f"There are: {', '.join(OPPONENTS)}."
        )
    if name == "random":
        return random_player
    return minimax(int(name.removeprefix("minimax")))


def random_player(positions: Positions, found: Moves) -> np.ndarray:
    """Every legal move is worth the same; chance decides."""
    return np.zeros(len(found.rows))


def minimax(depth: int) -> Player:
    """The player who looks ``depth`` moves ahead, at least 1, and then counts material.

    Source: Shannon 1950, "Programming a computer for playing chess", Philosophical Magazine 41.
    A king counts 1.5 men, a won game more than all pieces. Each jump of several is one move.
    """
    assert depth >= 1, depth

    def worth(positions: Positions, found: Moves) -> np.ndarray:
        reached, same = checkers.after(positions, found)
        return np.where(same, 1.0, -1.0) * searched(reached, depth - 1)

    return worth


def searched(positions: Positions, depth: int) -> np.ndarray:
    """Best material that who is to move can reach in ``depth`` moves, (rows,)."""
    if depth == 0:
        over = ~checkers.can_move(positions)
        return np.where(over, WON * checkers.outcome(positions), checkers.material(positions))
    found = checkers.moves(positions)
    values = WON * checkers.outcome(positions)
    if len(found.rows):
        reached, same = checkers.after(positions, found)
        worth = np.where(same, 1.0, -1.0) * searched(reached, depth - 1)
        some, starts = groups(found.rows)
        values[some] = np.maximum.reduceat(worth, starts)
    return values


def groups(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different ones of sorted numbers, and the place where each begins."""
    starts = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]])
    return rows[starts], starts


def one_ply(judge: Judge, discount: float = 1.0) -> Player:
    """The player who chooses the move whose position it judges best for itself.

    discount : what a judged position counts; below 1 an end now is worth more than one later
    """

    def worth(positions: Positions, found: Moves) -> np.ndarray:
        reached, same = checkers.after(positions, found)
        over = ~checkers.can_move(reached)
        values = np.where(over, checkers.outcome(reached), 0.0)
        values[~over] = discount * judge(reached.take(~over))
        return np.where(same, values, -values)

    return worth


def judge_of(network: Any) -> Judge:
    """The judgement of a network that offers ``value(inputs)``."""

    def judge(positions: Positions) -> np.ndarray:
        with torch.no_grad():
            return network.value(seen(positions, network)).double().cpu().numpy()

    return judge


def policy_of(network: Any) -> Player:
    """The player who does not look ahead: the move that ``policy(inputs)`` finds likeliest."""

    def worth(positions: Positions, found: Moves) -> np.ndarray:
        with torch.no_grad():
            logits = network.policy(seen(positions, network)).double().cpu().numpy()
        return logits[found.rows, found.codes]

    return worth


def seen(positions: Positions, network: Any) -> torch.Tensor:
    """Positions as a network's inputs, (rows, 9, 32) in its own type and on its device."""
    weights = next(network.parameters())
    return torch.from_numpy(checkers.planes(positions)).to(weights.device, weights.dtype)


def chosen(found: Moves, worth: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """The place of the best move of every position; among equals the highest ``chance``.

    worth, chance : (moves,)
    returns : (positions with a move,) int64
    """
    _, starts = groups(found.rows)
    best = np.maximum.reduceat(worth, starts)
    lengths = np.diff(np.r_[starts, len(worth)])
    drawn = np.where(worth == np.repeat(best, lengths), chance, -1.0)
    highest = np.repeat(np.maximum.reduceat(drawn, starts), lengths)
    places = np.flatnonzero(drawn == highest)
    return places[groups(found.rows[places])[1]]


def fixed_chance(seeds: np.ndarray, turns: np.ndarray | int, codes: np.ndarray) -> np.ndarray:
    """Numbers that look uniform in [0, 1), decided by seed, turn and move alone; (moves,).

    splitmix64 (Steele, Lea and Flood 2014) of the three.
    """
    state = seeds.astype(np.uint64) * np.uint64(0xD1342543DE82EF95)
    state += np.asarray(turns, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    for extra in (codes.astype(np.uint64), np.uint64(0)):
        state = state + extra + np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state = state ^ (state >> np.uint64(31))
    return (state >> np.uint64(11)).astype(np.float64) * 2.0**-53
