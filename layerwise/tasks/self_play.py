"""Self-play: learn what positions are worth, and which moves are good, from one's own games."""

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from layerwise.contracts import Batch, Loss, Target
from layerwise.errors import SettingsError
from layerwise.games.matches import play
from layerwise.games.players import OPPONENTS, PRACTICE, judge_of, one_ply, opponent, policy_of
from layerwise.layers.losses import row_mean

PLAYS = ("look_ahead", "policy")


class SelfPlay:
    """Bring the worth of a position towards its target, and the moves towards the best one.

    Loss of a row: (target - worth)^2 + policy x (-log of the chance of the best allowed move).
    The targets are the lambda-returns of ``data.self_play``. Sum of a value's and a policy's loss:
    Silver et al. 2017, "Mastering the game of Go without human knowledge", equation 1; theirs
    learns the moves from a tree search, this one from looking one move ahead.

    Parameters
    ----------
    target : Target
        Of kind none: the games are what is learned from.
    policy : float
        How much the moves' loss counts, 0 or more.
    plays : str
        How it plays judged games. look_ahead: the move whose position it values most. policy: the
        likeliest move, without looking ahead.

    Raises
    ------
    SettingsError
        There is a target, or an option cannot be.
    """

    kinds = ("none",)
    form = "game"
    output_size = 0
    metrics = ("win_fraction",)
    judged_by = "Win fraction: games won of all games; draws are not won."
    baselines = ("random_player", "material", "untrained")

    def __init__(self, target: Target, *, policy: float = 0.5, plays: str = "look_ahead"):
        if target.kind != "none":
            raise SettingsError(
                "The task self_play learns from its own games, so it must have no target, got one "
                f"of kind '{target.kind}'. Leave --target out."
            )
        if not policy >= 0:
            raise SettingsError(f"Option policy of self_play must be 0 or more, got {policy}.")
        if plays not in PLAYS:
            raise SettingsError(
                f"Option plays of self_play must be {' or '.join(PLAYS)}, got '{plays}'."
            )
        self.policy, self.plays = policy, plays

    def losses(self, network: Any, batch: Batch) -> Iterator[Loss]:
        """Yield one loss: the mean over the rows of squared error and weighted nats."""
        _check(network)
        inputs: Any = batch.inputs
        worth, logits = network.value_and_policy(inputs["planes"])
        allowed = logits.masked_fill(~inputs["legal"], -1e9)
        nats = F.cross_entropy(allowed, inputs["best"], reduction="none")
        errors = (worth - batch.targets).square()
        yield Loss(*row_mean(errors + self.policy * nats, batch.weight))

    def outputs(self, network: Any, batch: Batch) -> Tensor:
        """Play each row's game: 1 where it is won, 0 where drawn or lost; (rows, 1) float32.

        NaN for rows of practice, which are no judged games.
        """
        _check(network)
        inputs: Any = batch.inputs
        result = torch.full((len(inputs["seed"]), 1), torch.nan)
        judged = (inputs["opponent"] != PRACTICE).nonzero()[:, 0].cpu()
        against, seeds, begins = (
            inputs[name].cpu()[judged].numpy() for name in ("opponent", "seed", "begins")
        )
        opponents = {int(number): opponent(OPPONENTS[number]) for number in set(against.tolist())}
        player = one_ply(judge_of(network)) if self.plays == "look_ahead" else policy_of(network)
        won = play(player, opponents, against, seeds, begins).won
        result[judged, 0] = torch.from_numpy(won).float()
        return result.to(inputs["seed"].device)


def _check(network: Any) -> None:
    """Refuse a network without what the task asks of it."""
    lacking = [name for name in ("value", "policy", "value_and_policy")
               if not hasattr(network, name)]  # fmt: skip
    if lacking:
        raise SettingsError(
            "The task self_play needs a network that values positions and moves, but "
            f"{type(network).__name__} has no {' and no '.join(lacking)}. "
            "Choose --network checkers_net."
        )
