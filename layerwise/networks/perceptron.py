"""The perceptron: one layer of threshold units that learns from its mistakes."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from layerwise.contracts import Recipe, Stage


class Perceptron(nn.Module):
    """One threshold unit per output; two classes need one, several one each.

    Source: Rosenblatt 1958, "The perceptron: a probabilistic model for information storage and
    organization in the brain", Psychological Review 65. Net input s = w x + b; the unit fires
    where s > 0. Learns with the task perceptron_rule, and finds a separating line if there is
    one (Novikoff 1962).

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one example; it is flattened.
    output_size : int
        Number of units.
    start : float
        Standard deviation of the first weights; 0 starts at zero, as is usual for the rule.
    """

    task = "perceptron_rule"
    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (Stage(task, "sgd", {}, 0.1, schedule="cosine", epochs=30, batch_size=1),),
        "historic": (Stage(task, "sgd", {}, 1.0, epochs=30, batch_size=1),),
    }
    departures = (
        "The fixed random layer of association units before the learning one is left out.",
    )

    def __init__(self, input_shape: tuple[int, ...], output_size: int = 1, *, start: float = 0.0):
        super().__init__()
        features = torch.Size(input_shape).numel()
        self.weight = nn.Parameter(start * torch.randn(output_size, features))
        self.bias = nn.Parameter(torch.zeros(output_size))

    def forward(self, inputs: Tensor) -> Tensor:
        """(rows, *input_shape) -> (rows, output_size), the net input of every unit."""
        return linear(inputs.flatten(1), self.weight, self.bias)
