"""A linear map of the window onto what comes after it: the mark that forecasters must beat."""

from collections.abc import Iterable
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from layerwise.contracts import Batch, Recipe, Stage
from layerwise.errors import SettingsError, nearest

SUBTRACT = ("none", "last", "mean")


class WindowLinear(nn.Module):
    """The future of each variable is one linear map of its own window.

    Source: Zeng, Chen, Zhang and Xu 2023, "Are Transformers effective for time series
    forecasting?", AAAI; "Linear" is without and "NLinear" with ``subtract`` last. y = W x + b per
    variable, W of (horizon, lookback). Channels that are not forecast have a map of their own onto
    every variable.

    Parameters
    ----------
    input_shape : tuple of int
        (lookback, channels), the forecast variables first; (lookback,) is one channel.
    output_size : int
        Outputs of all variables, one variable after the other.
    variables : int
        How many of the channels are forecast; it divides ``output_size``.
    subtract : str
        What is taken from each variable's window and added to its outputs: none, its last value,
        or its mean. Outputs that are quantiles are all moved alike.
    shared : bool
        One map for all variables, or one each.
    ridge : float
        Penalty of ``solve``: this times the sum of squared weights is added to the mean squared
        error. Descent takes the flag l2 instead.
    """

    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (  # epochs and the rest are for another --optimizer, such as adamw for quantiles
            Stage(None, "closed_form", {}, 2e-3, "cosine", epochs=50, batch_size=64),
        ),
        "historic": (
            Stage(
                None, "adam", {}, 5e-3, "step", {"every": 1, "factor": 0.5},
                epochs=10, batch_size=32,
            ),
        ),
    }  # fmt: skip
    task = "forecast"
    departures = ("All ten epochs are run; the paper stops after three without a better one.",)

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int,
        *,
        variables: int = 1,
        subtract: str = "last",
        shared: bool = True,
        ridge: float = 0.01,
    ):
        super().__init__()
        length, *others = input_shape
        channels = torch.Size(others).numel()
        _check(variables, channels, output_size, subtract, ridge)
        self.variables, self.subtract, self.ridge = variables, subtract, ridge
        maps, size = 1 if shared else variables, output_size // variables
        extra = (channels - variables) * length
        self.weight = nn.Parameter(torch.full((maps, size, length), 1 / length))
        self.beside = nn.Parameter(torch.zeros(maps, size, extra)) if extra else None
        self.bias = nn.Parameter(torch.zeros(maps, size))

    def forward(self, inputs: Tensor) -> Tensor:
        """(rows, lookback, channels) -> (rows, output_size), one variable after the other."""
        windows, others, level = self._split(inputs)
        outputs = _mapped(windows, self.weight) + self.bias
        if self.beside is not None:
            outputs = outputs + _mapped(others.unsqueeze(1), self.beside)
        return (outputs + level).flatten(1)

    @torch.no_grad()
    def solve(self, batches: Iterable[Batch]) -> None:
        """Set the maps to the least squares solution, by normal equations summed in float64.

        Memory does not grow with the rows. Raises SettingsError where the targets are not one
        number per output.
        """
        moments, products, total = torch.zeros(()), torch.zeros(()), 0.0
        for batch in batches:
            features, answers, weight = self._equations(batch)
            moments = moments + features.transpose(1, 2) @ (weight * features)
            products = products + features.transpose(1, 2) @ (weight * answers)
            total += float(weight.sum()) / len(weight)
        penalty = self.ridge * total * torch.eye(moments.shape[-1], dtype=torch.float64)
        penalty[-1, -1] = 0  # the bias is free
        solution = torch.linalg.pinv(moments + penalty.to(moments), hermitian=True) @ products
        length = self.weight.shape[2]
        solution = solution.transpose(1, 2)
        self.weight.copy_(solution[..., :length])
        self.bias.copy_(solution[..., -1])
        if self.beside is not None:
            self.beside.copy_(solution[..., length:-1])

    def _split(self, inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Windows (rows, variables, lookback) less their level, others (rows, n), level."""
        sequence = inputs.reshape(len(inputs), inputs.shape[1], -1).transpose(1, 2)
        windows, others = sequence[:, : self.variables], sequence[:, self.variables :]
        if self.subtract == "none":
            return windows, others.flatten(1), windows.new_zeros((1, 1, 1))
        level = windows[..., -1:] if self.subtract == "last" else windows.mean(2, keepdim=True)
        return windows - level, others.flatten(1), level

    def _equations(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Per map: features (rows, n) with a last 1, answers (rows, outputs), weights (rows, 1)."""
        size = self.bias.shape[1]
        if batch.targets is None or batch.targets.shape[1:] != (self.variables * size,):
            raise SettingsError(
                "The closed form is least squares: it must have one number per output and the "
                "squared loss. For quantiles choose another optimizer, such as adamw."
            )
        inputs = batch.inputs
        assert isinstance(inputs, Tensor)
        windows, others, level = self._split(inputs.double())
        rows = len(windows)
        spread = others.unsqueeze(1).expand(rows, self.variables, others.shape[1])
        ones = windows.new_ones((rows, self.variables, 1))
        features = torch.cat([windows, spread, ones], dim=2).transpose(0, 1)
        answers = batch.targets.double().unflatten(1, (self.variables, size)) - level
        weight = ones if batch.weight is None else ones * batch.weight.double()[:, None, None]
        answers, weight = answers.transpose(0, 1), weight.transpose(0, 1)
        if len(self.weight) > 1:
            return features, answers, weight
        features, answers, weight = (
            part.reshape(1, -1, part.shape[2]) for part in (features, answers, weight)
        )
        return features, answers, weight


def _mapped(windows: Tensor, weight: Tensor) -> Tensor:
    """(rows, variables, n) by (maps, outputs, n) -> (rows, variables, outputs)."""
    if len(weight) == 1:
        return linear(windows, weight[0])
    return torch.einsum("rvn,von->rvo", windows.expand(-1, len(weight), -1), weight)


def _check(variables: int, channels: int, outputs: int, subtract: str, ridge: float) -> None:
    """Refuse options that cannot be."""
    if not 1 <= variables <= channels or outputs % variables:
        raise SettingsError(
            f"Option variables of window_linear must be from 1 to the {channels} channels and "
            f"divide the {outputs} outputs, got {variables}."
        )
    if subtract not in SUBTRACT:
        raise SettingsError(
            f"Option subtract of window_linear is not known: '{subtract}'."
            f"{nearest(subtract, SUBTRACT)}"
        )
    if ridge < 0:
        raise SettingsError(f"Option ridge of window_linear must be 0 or more, got {ridge}.")
