"""Linear, logistic and softmax regression: one layer; the task says which it is."""

from collections.abc import Iterable
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from layerwise.contracts import Batch, Recipe, Stage
from layerwise.errors import SettingsError


class Linear(nn.Module):
    """One linear map: least squares for numbers, logistic or softmax regression for classes.

    Source: Legendre 1805 (least squares); Cox 1958, "The regression analysis of binary
    sequences" (logistic); Hoerl and Kennard 1970 (ridge). s = w x + b.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one example; it is flattened.
    output_size : int
        Number of targets, or of classes (1 for two classes).
    ridge : float
        Penalty of ``solve``: this times the sum of squared weights is added to the mean squared
        error. Descent takes the flag l2 instead.
    """

    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (
            Stage(None, "adamw", {"weight_decay": 0.0}, 0.03, "cosine", epochs=100, batch_size=32),
        ),
        "historic": (
            Stage(
                None, "lbfgs", {"line_search_fn": "strong_wolfe"}, 1.0, epochs=20, batch_size="all"
            ),
        ),
    }
    departures = ("The likelihood is climbed by LBFGS over all rows, not by Newton's own method.",)

    def __init__(self, input_shape: tuple[int, ...], output_size: int, *, ridge: float = 0.0):
        super().__init__()
        if ridge < 0:
            raise SettingsError(f"Option ridge of linear must be 0 or more, got {ridge}.")
        self.ridge = ridge
        features = torch.Size(input_shape).numel()
        self.weight = nn.Parameter(torch.zeros(output_size, features))  # convex: zero is fair
        self.bias = nn.Parameter(torch.zeros(output_size))

    def forward(self, inputs: Tensor) -> Tensor:
        """(rows, *input_shape) -> (rows, output_size), numbers or unnormalized log chances."""
        return linear(inputs.flatten(1), self.weight, self.bias)

    @torch.no_grad()
    def solve(self, batches: Iterable[Batch]) -> None:
        """Set the weights to the least squares solution by the normal equations.

        They are summed over the batches in float64, so memory does not grow with the rows.
        Columns that depend on each other share their weight (the smallest solution).

        Raises
        ------
        SettingsError
            The targets are not numbers of shape (rows, output_size).
        """
        size = self.weight.shape[1] + 1
        moments = self.weight.new_zeros((size, size), dtype=torch.float64)
        products = self.weight.new_zeros((size, len(self.bias)), dtype=torch.float64)
        total = self.weight.new_zeros((), dtype=torch.float64)
        for batch in batches:
            inputs, targets, weight = self._as_float64(batch)
            moments += inputs.T @ (weight * inputs)
            products += inputs.T @ (weight * targets)
            total += weight.sum()
        penalty = self.ridge * total * torch.eye(size, dtype=torch.float64, device=total.device)
        penalty[-1, -1] = 0  # the bias is free
        solution = torch.linalg.pinv(moments + penalty, hermitian=True) @ products
        self.weight.copy_(solution[:-1].T)
        self.bias.copy_(solution[-1])

    def _as_float64(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Give inputs with a last column of ones, targets, and weights as a column."""
        inputs, targets = batch.inputs, batch.targets
        if targets is None or targets.dim() != 2 or targets.shape[1] != len(self.bias):
            raise SettingsError(
                "The closed form is least squares: it must have a numeric target and the squared "
                "loss. For classes choose another optimizer, such as lbfgs."
            )
        assert isinstance(inputs, Tensor)
        flat = inputs.flatten(1).double()
        ones = flat.new_ones((len(flat), 1))
        weight = ones if batch.weight is None else batch.weight.double().unsqueeze(1)
        return torch.cat([flat, ones], dim=1), targets.double(), weight
