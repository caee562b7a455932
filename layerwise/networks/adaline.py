"""Adaline: a linear unit that learns from how far it is off, before the threshold."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from layerwise.contracts import Recipe, Stage


class Adaline(nn.Module):
    """Adaptive linear neurons: one per output, trained on their linear output.

    Source: Widrow and Hoff 1960, "Adaptive switching circuits", IRE WESCON Convention Record 4.
    s = w x + b; a decision is the sign of s. Learns with the task delta_rule.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one example; it is flattened.
    output_size : int
        Number of neurons.
    start : float
        Standard deviation of the first weights.
    """

    task = "delta_rule"
    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (Stage(task, "adam", {}, 0.01, schedule="cosine", epochs=30, batch_size=32),),
        "historic": (Stage(task, "sgd", {}, 0.001, epochs=30, batch_size=1),),
    }
    departures = (
        "A step is a fixed fraction (0.001) of the gradient; the paper corrected the whole error "
        "of an example, shared equally between the weights.",
    )

    def __init__(self, input_shape: tuple[int, ...], output_size: int = 1, *, start: float = 0.0):
        super().__init__()
        features = torch.Size(input_shape).numel()
        self.weight = nn.Parameter(start * torch.randn(output_size, features))
        self.bias = nn.Parameter(torch.zeros(output_size))

    def forward(self, inputs: Tensor) -> Tensor:
        """(rows, *input_shape) -> (rows, output_size), the linear output of every neuron."""
        return linear(inputs.flatten(1), self.weight, self.bias)
