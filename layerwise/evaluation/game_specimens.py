"""What a network that plays has to show: games won, drawn and lost, and one game move by move."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import nn

from layerwise.data.game_preparation import GamePreparation
from layerwise.data.source import Source
from layerwise.evaluation.shares import share_ends
from layerwise.games.checkers import Positions, planes
from layerwise.games.matches import Played, play
from layerwise.games.players import OPPONENTS, PRACTICE, judge_of, one_ply, opponent, policy_of

MOST_GAMES = 200  # against each opponent without looking ahead
OWN, OTHER = np.array([1.0, 2.0]), np.array([-1.0, -2.0])  # man and king in an array of boards


def show(
    network: nn.Module,
    task: Any,
    preparation: GamePreparation,
    source: Source,
    rows: np.ndarray,
    *,
    seed: int,
) -> dict[str, Any]:
    """Games against each opponent with 95 % intervals, and the boards of one game.

    rows : numbers of the judged rows
    returns : "arrays": "boards" (moves, 32), the squares of the first game from the view of the
        network: 1 its men, 2 its kings, -1 and -2 the other's
    """
    dataset, rows = preparation.dataset(source), np.asarray(rows)
    rows = rows[dataset.opponents.numpy()[rows] != PRACTICE]
    if not len(rows):
        return {"sentences": [], "tables": [], "arrays": {}}
    against, begins = dataset.opponents.numpy()[rows], dataset.begins.numpy()[rows]
    seeds, table, watched = dataset.seeds.numpy()[rows], [], []
    for number in np.unique(against):
        name, some = OPPONENTS[number], np.flatnonzero(against == number)
        for how, player, most in (
            ("one move ahead", one_ply(judge_of(network)), len(some)),
            ("its first thought", policy_of(network), MOST_GAMES),
        ):
            few = some[:most]
            watch = watched if not watched else None
            played = play(
                player, {int(number): opponent(name)}, against[few], seeds[few], begins[few], watch
            )
            table.append(_line(name, how, played))
    first = watched and _boards(watched, bool(begins[np.flatnonzero(against == against.min())[0]]))
    return {
        "sentences": [_sentence(line) for line in table if line[1] == "one move ahead"],
        "tables": [{
            "title": "Games against each opponent",
            "columns": ["opponent", "how it plays", "games", "won", "drawn", "lost", "share won",
                        "95 % from", "to", "moves"],
            "rows": table,
        }],
        "arrays": {"boards": first} if watched else {},
    }  # fmt: skip


def _line(name: str, how: str, played: Played) -> list[Any]:
    """A row of the table of games."""
    games, won = len(played.results), int(played.won.sum())
    drawn = int((played.results == 0).sum())
    shares = [round(share, 3) for share in (won / games, *share_ends(won, games))]
    moves = round(float(played.lengths.mean()), 1)
    return [name, how, games, won, drawn, games - won - drawn, *shares, moves]


def _sentence(line: list[Any]) -> str:
    name, _, games, won, drawn, lost, share, low, high, _ = line
    return (
        f"Against {name} it won {won} of {games} games ({share:.3f}, 95 % from {low:.3f} to "
        f"{high:.3f}), drew {drawn} and lost {lost}."
    )


def _boards(watched: list[Positions], begins: bool) -> np.ndarray:
    """The squares of each position from the view of the player who began or did not."""
    boards = []
    for positions in watched:
        men = planes(positions)[0, :4].astype(np.float32)
        mine = bool(positions.first[0]) == begins
        board = OWN @ men[:2] + OTHER @ men[2:]
        boards.append(board if mine else -board[::-1])
    return np.stack(boards).astype(np.float32)
