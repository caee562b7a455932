"""The autoencoder: gives its inputs back through a narrow code."""

from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from layerwise.contracts import Recipe, Stage
from layerwise.errors import SettingsError
from layerwise.layers.activations import activation as make_activation
from layerwise.layers.activations import channels_before, start_weights


class Autoencoder(nn.Module):
    """Dense layers down to a code, and the same widths up again; linear code and outputs.

    Source: Rumelhart, Hinton and Williams 1986 (the encoder problem, as a network that learns its
    own inputs); Hinton and Salakhutdinov 2006, "Reducing the dimensionality of data with neural
    networks", Science 313 (deep). c = W_k f(...f(W_1 x + b_1)...) + b_k, the decoder mirrored.
    Without hidden layers it spans the subspace of PCA (Baldi and Hornik 1989).

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one example; it is flattened, and given back in that shape.
    output_size : int
        Not used: there is nothing to predict.
    hidden : tuple of int
        Units of each layer of the encoder before the code; the decoder has them in reverse. () is
        linear.
    code : int
        Units of the code.
    activation : str
        Of the hidden layers: relu, sigmoid, tanh or another of ``layers.activations``.
    tied : bool
        The decoder's weights are the encoder's, transposed; its biases are its own.
    code_activation : str
        linear, or an activation for the code: sigmoid for the penalty kl, relu for sparse codes.
    """

    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (
            Stage(
                None, "adamw", {"weight_decay": 0.0}, 0.003, "one_cycle", epochs=60, batch_size=32
            ),
        ),
        "historic": (
            Stage("greedy_reconstruct", "adam", {}, 0.001, epochs=60, batch_size=32),
            Stage(None, "adam", {}, 0.001, epochs=60, batch_size=32),
        ),
    }
    historic_options: ClassVar[dict[str, str]] = {"activation": "sigmoid"}
    departures = (
        "Layers are pretrained as autoencoders (Bengio et al. 2007), not as Boltzmann machines.",
        "Adam descends on batches of 32, not conjugate gradients on batches of 1000.",
        "The outputs are linear with the squared error, not logistic with the cross-entropy.",
    )
    task = "reconstruct"
    inputs_as = "standard"

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int = 0,
        *,
        hidden: tuple[int, ...] = (64,),
        code: int = 8,
        activation: str = "relu",
        tied: bool = False,
        code_activation: str = "linear",
    ):
        super().__init__()
        hidden = (hidden,) if isinstance(hidden, int) else tuple(hidden)
        _check(hidden, code, tied, (activation, code_activation))
        self.input_shape, self.code_activation = tuple(input_shape), code_activation
        widths = [torch.Size(input_shape).numel(), *hidden, code]
        down = [*[activation] * len(hidden), code_activation]
        up = ["linear", *[activation] * len(hidden)]  # what comes out of the decoder's layers
        encoder, decoder = [], []
        for (wide, narrow), name, name_up in zip(pairwise(widths), down, up, strict=True):
            below = _linear(wide, narrow, name)
            above = Mirror(below) if tied else _linear(narrow, wide, name_up)
            encoder.append(nn.Sequential(below, *_activation(name)))
            decoder.insert(0, nn.Sequential(above, *_activation(name_up)))
        encoder[0].insert(0, nn.Flatten())
        decoder[-1].append(nn.Unflatten(1, self.input_shape))
        self.encoder, self.decoder = nn.Sequential(*encoder), nn.Sequential(*decoder)
        self.overcomplete = code >= widths[0]

    def encode(self, inputs: Tensor) -> Tensor:
        """(rows, *input_shape) -> codes (rows, code)."""
        return self.encoder(inputs)

    def decode(self, codes: Tensor) -> Tensor:
        """Codes (rows, code) -> (rows, *input_shape)."""
        return self.decoder(codes)

    def forward(self, inputs: Tensor) -> Tensor:
        """(rows, *input_shape) -> (rows, *input_shape), the inputs as the code keeps them."""
        return self.decode(self.encode(inputs))

    def layer_pairs(self) -> list[tuple[nn.Module, nn.Module]]:
        """The layers from the inputs to the code, each with the one that undoes it."""
        return list(zip(self.encoder, reversed(list(self.decoder)), strict=True))


class Mirror(nn.Module):
    """The transpose of another layer's weights, with biases of its own.

    Parameters
    ----------
    mirrored : nn.Linear
        The layer of the encoder whose weights are used; it stays the encoder's.
    """

    def __init__(self, mirrored: nn.Linear):
        super().__init__()
        self._mirrored = (mirrored,)  # in a tuple, so that its weights are not listed twice
        self.bias = nn.Parameter(torch.zeros(mirrored.in_features))

    def forward(self, codes: Tensor) -> Tensor:
        """(rows, outputs of the layer) -> (rows, its inputs)."""
        return linear(codes, self._mirrored[0].weight.T, self.bias)


def _linear(before: int, after: int, activation: str) -> nn.Linear:
    """Give a linear layer whose weights start as the activation after it asks."""
    units = after if activation == "linear" else channels_before(activation, after)
    layer = nn.Linear(before, units)
    start_weights(layer, activation)
    return layer


def _activation(name: str) -> list[nn.Module]:
    return [] if name == "linear" else [make_activation(name)]


def _check(hidden: tuple[int, ...], code: int, tied: bool, activations: tuple[str, str]) -> None:
    """Refuse widths that cannot be, and weights that cannot be shared."""
    if not all(isinstance(units, int) and units > 0 for units in hidden):
        raise SettingsError(
            f"Option hidden of autoencoder must be whole numbers above 0, such as 64,32; got "
            f"{hidden}."
        )
    if not isinstance(code, int) or code < 1:
        raise SettingsError(
            f"Option code of autoencoder must be a whole number above 0, got {code}."
        )
    if tied and "maxout" in activations:
        raise SettingsError(
            "Option tied of autoencoder must be false with maxout, whose layers have another "
            "shape than their mirror; choose another activation."
        )
