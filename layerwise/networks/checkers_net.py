"""A net for checkers: what a position is worth, and which move is likely the best."""

from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.errors import SettingsError
from layerwise.layers.activations import activation as make_activation
from layerwise.layers.activations import start_weights

MOVES = 128  # four directions times 32 squares


class CheckersNet(nn.Module):
    """Worth of a position to who is to move, and a logit for each move, from one trunk.

    Source: Tesauro 1995, "Temporal difference learning and TD-Gammon", CACM 38: one hidden layer
    of sigmoids whose output is trained towards its own later values. Two heads on one trunk: Silver
    et al. 2017, "Mastering the game of Go without human knowledge", Nature 550.

    Parameters
    ----------
    input_shape : tuple of int
        (9, 32): nine planes of the 32 dark squares, see ``games.checkers.planes``.
    output_size : int
        0; worth and moves have their own sizes.
    hidden : tuple of int
        Units of each layer of the trunk, at least one.
    activation : str
        Of the trunk.
    """

    task = "self_play"
    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (Stage(None, "adamw", {}, 3e-3, "cosine", epochs=400, batch_size=256),),
        "historic": (Stage(None, "sgd", {}, 0.1, epochs=50, batch_size=1),),
    }
    historic_options: ClassVar[dict[str, Any]] = {"hidden": (80,), "activation": "sigmoid"}
    departures = (
        "Checkers instead of backgammon; the planes also show which pieces can be captured.",
        "Some moves are random in place of the dice.",
        "The games of a round are played before their positions are learned from.",
        "A head for the moves beside that for the worth.",
    )

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int = 0,
        *,
        hidden: tuple[int, ...] = (256, 128),
        activation: str = "relu",
    ):
        super().__init__()
        hidden = (hidden,) if isinstance(hidden, int) else tuple(int(one) for one in hidden)
        if not hidden or min(hidden) < 1:
            raise SettingsError(
                "Option hidden of checkers_net must be one or more whole numbers above 0, such as "
                f"256,128; got {hidden}."
            )
        widths = [torch.Size(input_shape).numel(), *hidden]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layer = nn.Linear(before, after)
            start_weights(layer, activation)
            layers += [layer, make_activation(activation)]
        self.trunk = nn.Sequential(*layers)
        self.worth = nn.Linear(widths[-1], 1)
        self.moves = nn.Linear(widths[-1], MOVES)
        nn.init.zeros_(self.worth.weight)

    def forward(self, inputs: Tensor | dict[str, Tensor]) -> Tensor:
        """Worth of each position, (rows, 9, 32) -> (rows,), -1 to 1; or {"planes": as above}."""
        return self.value(inputs["planes"] if isinstance(inputs, dict) else inputs)

    def value(self, inputs: Tensor) -> Tensor:
        """Worth of each position to who is to move, (rows, 9, 32) -> (rows,), -1 to 1."""
        return torch.tanh(self.worth(self.trunk(inputs.flatten(1)))).squeeze(1)

    def policy(self, inputs: Tensor) -> Tensor:
        """Logit of each move, direction x 32 + square, (rows, 9, 32) -> (rows, 128)."""
        return self.moves(self.trunk(inputs.flatten(1)))

    def value_and_policy(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Both, with the trunk worked out once."""
        hidden = self.trunk(inputs.flatten(1))
        return torch.tanh(self.worth(hidden)).squeeze(1), self.moves(hidden)
