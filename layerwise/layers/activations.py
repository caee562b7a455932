"""Activations by name, and the weights that a layer before each of them starts with."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from layerwise.errors import SettingsError, nearest


class Step(nn.Module):
    """One where the input is at least zero, else zero; its gradient is zero everywhere.

    Source: McCulloch and Pitts 1943. Layers below it cannot learn by gradient descent.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Give 0 or 1 per entry, in the shape of ``x``."""
        return (x >= 0).to(x.dtype)


class ScaledTanh(nn.Module):
    """1.7159 tanh(2x/3): tanh with values +1 and -1 at inputs +1 and -1.

    Source: LeCun, Bottou, Bengio and Haffner 1998, "Gradient-based learning applied to document
    recognition", appendix A.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Give values in (-1.7159, 1.7159), in the shape of ``x``."""
        return 1.7159 * torch.tanh(x * (2 / 3))


class Maxout(nn.Module):
    """The largest of every ``pieces`` neighbouring channels: a learned convex activation.

    Source: Goodfellow et al. 2013, "Maxout networks", equation 1. The layer before it needs
    ``pieces`` times the channels that shall come out.

    Parameters
    ----------
    pieces : int
        Linear pieces per unit; 2 halves the channels.
    """

    def __init__(self, pieces: int = 2):
        super().__init__()
        self.pieces = pieces

    def forward(self, x: Tensor) -> Tensor:
        """(rows, channels, ...) -> (rows, channels / pieces, ...)."""
        return x.unflatten(1, (-1, self.pieces)).amax(dim=2)


ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "step": Step,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "scaled_tanh": ScaledTanh,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "maxout": Maxout,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "softmax": partial(nn.Softmax, dim=1),
}


def activation(name: str) -> nn.Module:
    """Make the activation of that name; SettingsError names the nearest if there is none."""
    if name not in ACTIVATIONS:
        raise SettingsError(f"There is no activation '{name}'.{nearest(name, ACTIVATIONS)}")
    return ACTIVATIONS[name]()


def channels_before(name: str, channels: int) -> int:
    """Channels that a layer must give so that ``channels`` come out of the activation."""
    return channels * getattr(activation(name), "pieces", 1)


def start_weights(layer: nn.Linear | nn.Conv2d, name: str) -> None:
    """Draw the weights of the layer before an activation; biases become zero.

    Keeps the variance of the signal from layer to layer. He et al. 2015 for those that cut
    one side (variance 2 / inputs); LeCun et al. 1998 for scaled_tanh and
    maxout, which keep the mean square (variance 1 / inputs); Glorot and Bengio 2010 for the
    others (variance 2 / (inputs + outputs)).
    """
    if name in ("relu", "leaky_relu", "elu", "gelu", "silu"):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    elif name in ("scaled_tanh", "maxout"):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="linear")
    else:
        nn.init.xavier_uniform_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
