"""The multi-layer perceptron: any depth, any activation, embeddings for categories."""

from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.errors import SettingsError
from layerwise.layers.activations import activation as make_activation
from layerwise.layers.activations import channels_before, start_weights


class MLP(nn.Module):
    """Layers of units, each fed by all of the layer before; learns by back-propagation.

    Source: Rumelhart, Hinton and Williams 1986, "Learning representations by back-propagating
    errors", Nature 323. h = f(W x + b) per hidden layer, the last layer linear. Weights start
    after He et al. 2015 or Glorot and Bengio 2010, as the activation asks; categories are
    embedded after Guo and Berkhahn 2016, "Entity embeddings of categorical variables".

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one example's numbers; it is flattened.
    output_size : int
        Number of outputs.
    hidden : tuple of int
        Units of each hidden layer; () is a linear map.
    activation : str
        step, sigmoid, tanh, scaled_tanh, relu, leaky_relu, elu, maxout, gelu, silu or softmax.
    dropout : float
        Chance that a hidden unit is silent in a training step.
    batch_norm : bool
        Normalize each unit over the batch, before its activation.
    categories : tuple of int
        Codes that each category column can have; its vector has about their square root times
        two, at most 32, numbers.
    """

    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (
            Stage(
                None, "adamw", {"weight_decay": 0.01}, 0.004, "one_cycle", epochs=60, batch_size=32
            ),
        ),
        "historic": (Stage(None, "sgd", {"momentum": 0.9}, 0.05, epochs=1000, batch_size="all"),),
    }
    historic_options: ClassVar[dict[str, str]] = {"activation": "sigmoid"}
    departures = (
        "The error is the task's (cross-entropy for classes), not the squared error of sigmoids.",
        "Weights start after Glorot and Bengio, not uniformly between -0.3 and 0.3.",
        "The learning rate is 0.05, not 0.1, with which wide layers diverged on real targets.",
    )

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int,
        *,
        hidden: tuple[int, ...] = (128, 128),
        activation: str = "relu",
        dropout: float = 0.0,
        batch_norm: bool = False,
        categories: tuple[int, ...] = (),
    ):
        super().__init__()
        hidden = (hidden,) if isinstance(hidden, int) else tuple(hidden)
        _check(hidden, dropout)
        sizes = [min(32, round(2 * codes**0.5)) for codes in categories]
        self.embeddings = nn.ModuleList(map(_embedding, categories, sizes))
        widths = [torch.Size(input_shape).numel() + sum(sizes), *hidden]
        layers = []
        for before, after in pairwise(widths):
            layers += _hidden_layer(before, after, activation, dropout, batch_norm)
        last = nn.Linear(widths[-1], output_size)
        start_weights(last, "softmax")
        self.layers = nn.Sequential(*layers, last)

    def forward(self, inputs: Tensor | dict[str, Tensor]) -> Tensor:
        """(rows, *input_shape) -> (rows, output_size).

        With categories the inputs are {"numbers": as above, "codes": (rows, columns) int64}.
        """
        if not isinstance(inputs, dict):
            return self.layers(inputs.flatten(1))
        codes = inputs["codes"].unbind(1)
        vectors = [table(code) for table, code in zip(self.embeddings, codes, strict=True)]
        return self.layers(torch.cat([inputs["numbers"].flatten(1), *vectors], dim=1))


def _hidden_layer(
    before: int, after: int, activation: str, dropout: float, batch_norm: bool
) -> list[nn.Module]:
    """Linear, then what is wanted of batch normalization, activation and dropout."""
    units = channels_before(activation, after)
    layer = nn.Linear(before, units)
    start_weights(layer, activation)
    parts: list[nn.Module] = [layer]
    if batch_norm:
        parts.append(nn.BatchNorm1d(units))
    parts.append(make_activation(activation))
    if dropout:
        parts.append(nn.Dropout(dropout))
    return parts


def _embedding(codes: int, size: int) -> nn.Embedding:
    """Vectors for codes; code 0, the unknown, starts at zero and so says nothing."""
    table = nn.Embedding(codes, size)
    nn.init.normal_(table.weight, std=size**-0.5)
    with torch.no_grad():
        table.weight[0] = 0
    return table


def _check(hidden: tuple[int, ...], dropout: float) -> None:
    """Refuse widths and chances that cannot be."""
    if not all(isinstance(units, int) and units > 0 for units in hidden):
        raise SettingsError(
            f"Option hidden of mlp must be whole numbers above 0, such as 64,64; got {hidden}."
        )
    if not 0 <= dropout < 1:
        raise SettingsError(f"Option dropout of mlp must be from 0 to below 1, got {dropout}.")
