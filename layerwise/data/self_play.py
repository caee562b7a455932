"""Practice: positions of games that the live network plays against itself, played anew per epoch.

A row of practice is a position with what it turned out to be worth, the move that looking one move
ahead found best, and the moves that were allowed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from layerwise.contracts import Batch
from layerwise.games import checkers
from layerwise.games.checkers import Moves, Positions
from layerwise.games.players import PRACTICE, Judge, Player, chosen, judge_of, one_ply

SIDE_BY_SIDE = 256  # games of practice at once, at most
TURNS = 64  # moves that each of them goes on in a round, at least


@dataclass(frozen=True)
class Habits:
    """How practice games are played and what is learned from them.

    discount : worth of a game that is won one move later, below 1 so that it is won soon
    trace : lambda of TD(lambda): 0 learns from the next position alone, 1 from the game's end
    exploration : chances of a random move, one of which each player draws for each game: careful
        players meet careless ones, so games are won by far, as against weak opponents. What
        follows a random move is not learned from
    """

    discount: float = 0.98
    trace: float = 0.7
    exploration: tuple[float, ...] = (0.02, 0.1, 0.5)


class SelfPlay:
    """Judged games by their seeds, and rows of practice that ``refresh`` plays.

    Source: Samuel 1959, "Some studies in machine learning using the game of checkers", IBM Journal
    3; Tesauro 1995, "Temporal difference learning and TD-Gammon", CACM 38; the lambda-return after
    Sutton and Barto 2018, section 12.1, cut where a move was drawn at random (Watkins 1989).

    Parameters
    ----------
    opponents : Tensor
        (rows,) int64, numbers of the opponents; ``PRACTICE`` in rows of practice.
    seeds : Tensor
        (rows,) int64, chance of each judged game.
    begins : Tensor
        (rows,) bool, whether the network has the first move in a judged game.
    habits : Habits
        How it practises.
    """

    def __init__(self, opponents: Tensor, seeds: Tensor, begins: Tensor, habits: Habits):
        self.opponents, self.seeds, self.begins, self.habits = opponents, seeds, begins, habits
        practice = opponents == PRACTICE
        self.place = torch.cumsum(practice, 0) - 1  # of a row among those of practice
        self.rounds = int(practice.sum())  # rows of practice, all of one round
        count = max(1, min(SIDE_BY_SIDE, self.rounds // TURNS))
        self.games = checkers.start(count)
        self.care = np.full((count, 2), min(habits.exploration))
        self.practice = _unplayed(self.rounds)

    def __len__(self) -> int:
        return len(self.opponents)

    def batch(self, indices: Tensor | slice) -> Batch:
        """Rows as one batch; the parts that a row has nothing in are zero.

        inputs : "planes" (rows, 9, 32) float32, "legal" (rows, 128) bool, "best" (rows,) int64,
            "opponent", "seed" (rows,) int64, "begins" (rows,) bool
        targets : (rows,) float32, worth of the position to who is to move, -1 to 1
        """
        rows = torch.arange(len(self))[indices]
        opponents, place = self.opponents[rows], self.place[rows].clamp(min=0)
        rests = opponents == PRACTICE
        if not self.rounds:
            place, found = torch.zeros_like(rows), _unplayed(1)
        else:
            found = self.practice
        planes = found["planes"][place] * rests[:, None, None]
        inputs = {
            "planes": planes.float(),
            "legal": found["legal"][place] & rests[:, None],
            "best": found["best"][place] * rests,
            "opponent": opponents,
            "seed": self.seeds[rows],
            "begins": self.begins[rows],
        }
        return Batch(inputs, found["worth"][place] * rests, keys=rows)

    def refresh(self, network: Any) -> None:
        """Play a round of practice with the network as it is; chance from torch's generator."""
        if not self.rounds:
            return
        seed = int(torch.randint(1 << 62, ()))
        was_training = network.training
        network.eval()
        try:
            turns = -(-self.rounds // len(self.games))
            generator = np.random.default_rng(seed)
            judge = judge_of(network)
            played = practise(judge, self.games, self.care, turns, self.habits, generator)
        finally:
            network.train(was_training)
        self.practice = {name: part[: self.rounds] for name, part in played.items()}

    def state_dict(self) -> dict[str, Tensor]:
        """The games that are under way, and the last round of practice."""
        games = {f"games.{name}": _tensor(part) for name, part in vars(self.games).items()}
        games["care"] = _tensor(self.care)
        return games | {f"practice.{name}": part for name, part in self.practice.items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take back what ``state_dict`` gave."""
        for name, part in vars(self.games).items():
            part[...] = state[f"games.{name}"].numpy().view(part.dtype)
        self.care[...] = state["care"].numpy()
        self.practice = {name: state[f"practice.{name}"].clone() for name in self.practice}


def _tensor(array: np.ndarray) -> Tensor:
    """A copy as a tensor; words as int64, the same bits."""
    return torch.from_numpy(array.view(np.int64) if array.dtype == np.uint64 else array).clone()


def _unplayed(rows: int) -> dict[str, Tensor]:
    """Rows of practice before the first round: the first position of a game, worth nothing."""
    positions = checkers.start(1)
    planes, legal = checkers.planes(positions), checkers.legal(positions)
    return {
        "planes": torch.from_numpy(planes).repeat(rows, 1, 1),
        "legal": torch.from_numpy(legal).repeat(rows, 1),
        "best": torch.full((rows,), int(np.flatnonzero(legal[0])[0])),
        "worth": torch.zeros(rows),
    }


def practise(
    judge: Judge,
    games: Positions,
    care: np.ndarray,
    turns: int,
    habits: Habits,
    generator: np.random.Generator,
) -> dict[str, Tensor]:
    """Play every game on for ``turns`` moves, in place; one that ends begins anew.

    care : (games, 2) chance of a random move, of the player who began and of the other; in place
    returns : "planes" (turns x games, 9, 32) uint8, "legal" (.., 128) bool, "best" (..,) int64,
        "worth" (..,) float32: TD(lambda)'s target for the one to move
    """
    player, steps = one_ply(judge, habits.discount), []
    for _ in range(turns):
        steps.append(_step(player, games, care, habits, generator))
    value, follows, sign = (
        np.stack([step[name] for step in steps]) for name in ("value", "follows", "sign")
    )
    worth = lambda_returns(value, follows, sign, habits.discount, habits.trace)
    found = {
        name: torch.from_numpy(np.concatenate([step[name] for step in steps]))
        for name in ("planes", "legal", "best")
    }
    return found | {"worth": torch.from_numpy(worth.reshape(-1).astype(np.float32))}


def _step(
    player: Player,
    games: Positions,
    care: np.ndarray,
    habits: Habits,
    generator: np.random.Generator,
) -> dict[str, np.ndarray]:
    """One move in every game; what was seen before it.

    value : of the best move; follows : whether the game went on by it; sign : 1 where the same
    player moves next, else -1
    """
    legal = checkers.legal(games)
    found = Moves(*np.nonzero(legal))
    worth = player(games, found)
    best = chosen(found, worth, generator.random(len(worth)))
    some = chosen(found, np.zeros(len(worth)), generator.random(len(worth)))
    chance = np.where(games.first, care[:, 0], care[:, 1])
    explores = generator.random(len(games)) < chance
    places = np.where(explores, some, best)
    step = {"planes": checkers.planes(games), "legal": legal, "best": found.codes[best]}
    reached, same = checkers.after(games, Moves(found.rows[places], found.codes[places]))
    over = ~checkers.can_move(reached)
    games.put(np.arange(len(games)), reached)
    games.put(np.flatnonzero(over), checkers.start(int(over.sum())))
    care[over] = generator.choice(habits.exploration, size=(int(over.sum()), 2))
    return step | {
        "value": worth[best],
        "follows": (places == best) & ~over,
        "sign": np.where(same, 1.0, -1.0),
    }


def lambda_returns(
    value: np.ndarray, follows: np.ndarray, sign: np.ndarray, discount: float, trace: float
) -> np.ndarray:
    """Targets of TD(lambda) for every position, seen by the one to move; all (turns, games).

    G_t = (1 - lambda) v_t + lambda discount sign_t G_{t+1}, where v_t is the worth of the best
    move; G_t = v_t where the next row does not follow from it, and at the end.
    """
    worth = value.copy()
    for turn in reversed(range(len(value) - 1)):
        later = discount * sign[turn] * worth[turn + 1]
        mixed = (1 - trace) * value[turn] + trace * later
        worth[turn] = np.where(follows[turn], mixed, value[turn])
    return worth
