"""Games of a player against opponents, all of them side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from layerwise.games import checkers
from layerwise.games.checkers import Moves, Positions
from layerwise.games.players import Player, chosen, fixed_chance


@dataclass(frozen=True)
class Played:
    """How games ended.

    results : (games,) 1.0 won, 0.0 drawn, -1.0 lost, for the player in question
    lengths : (games,) int64, moves of both players together
    """

    results: np.ndarray
    lengths: np.ndarray

    @property
    def won(self) -> np.ndarray:
        """1.0 where won, 0.0 where drawn or lost; (games,)."""
        return (self.results > 0).astype(np.float64)


def play(
    player: Player,
    opponents: dict[int, Player],
    against: np.ndarray,
    seeds: np.ndarray,
    begins: np.ndarray,
    watch: list[Positions] | None = None,
) -> Played:
    """Play one game per row.

    opponents : players by number
    against : (games,) int64, numbers of ``opponents``
    seeds : (games,) int64, the one source of chance of each game
    begins : (games,) bool, whether ``player`` has the first move
    watch : gets the positions of the first game, one entry for each move
    """
    games = len(seeds)
    results, lengths = np.zeros(games), np.zeros(games, dtype=np.int64)
    positions, active = checkers.start(games), np.arange(games)
    while len(active):
        over = ~checkers.can_move(positions)
        if over.any():
            mine = positions.first[over] == begins[active[over]]
            worth = checkers.outcome(positions.take(over))
            results[active[over]] = np.where(mine, worth, -worth)
            active, positions = active[~over], positions.take(~over)
            continue
        if watch is not None and active[0] == 0:
            watch.append(positions.take(np.array([0])))
        sides = np.where(positions.first == begins[active], -1, against[active])
        for side in np.unique(sides):
            rows = np.flatnonzero(sides == side)
            who = player if side < 0 else opponents[int(side)]
            moved = _moved(who, positions.take(rows), seeds[active[rows]], lengths[active[rows]])
            positions.put(rows, moved)
        lengths[active] += 1
    return Played(results, lengths)


def _moved(player: Player, positions: Positions, seeds: np.ndarray, turns: np.ndarray) -> Positions:
    """The positions after the player's moves."""
    found = checkers.moves(positions)
    chance = fixed_chance(seeds[found.rows], turns[found.rows], found.codes)
    places = chosen(found, player(positions, found), chance)
    return checkers.after(positions, Moves(found.rows[places], found.codes[places]))[0]
