"""The convolutional autoencoder: images through a narrow code and back."""

from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.errors import SettingsError
from layerwise.layers.activations import activation as make_activation
from layerwise.layers.activations import channels_before, start_weights

KERNEL, STRIDE, PADDING = 3, 2, 1


class ConvAutoencoder(nn.Module):
    """Strided convolutions down to a code, transposed convolutions up again; linear outputs.

    Source: Masci, Meier, Ciresan and Schmidhuber 2011, "Stacked convolutional auto-encoders for
    hierarchical feature extraction", ICANN; strides in place of pooling after Springenberg et al.
    2015, "Striving for simplicity: the all convolutional net". Each 3x3 convolution halves the
    sides, rounding up; its mirror gives back the very size, odd or even.

    Parameters
    ----------
    input_shape : tuple of int
        (channels, height, width), of any size.
    output_size : int
        Not used: there is nothing to predict.
    channels : tuple of int
        Channels of each convolution of the encoder; the decoder has them in reverse.
    code : int
        Units of the code, behind one dense layer.
    activation : str
        Of the convolutions: relu, tanh or another of ``layers.activations``.
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
            Stage("greedy_reconstruct", "sgd", {"momentum": 0.9}, 0.1, epochs=30, batch_size=32),
            Stage(None, "sgd", {"momentum": 0.9}, 0.1, epochs=30, batch_size=32),
        ),
    }
    historic_options: ClassVar[dict[str, str]] = {"activation": "scaled_tanh"}
    departures = (
        "Strides of 2 halve the sides, not max pooling, and the decoder is not the transpose of "
        "the encoder's kernels.",
        "A dense layer makes the code; the paper's code is the last maps.",
        "The paper's noise on the inputs (30 % masking) is an option of the task.",
    )
    task = "reconstruct"
    inputs_as = "unit"

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int = 0,
        *,
        channels: tuple[int, ...] = (16, 32),
        code: int = 32,
        activation: str = "relu",
        code_activation: str = "linear",
    ):
        super().__init__()
        channels = (channels,) if isinstance(channels, int) else tuple(channels)
        _check(input_shape, channels, code)
        self.code_activation = code_activation
        encoder, decoder = [], []
        sides = (input_shape[1], input_shape[2])
        for number, (wide, narrow) in enumerate(pairwise([input_shape[0], *channels])):
            encoder.append(_down(wide, narrow, activation))
            decoder.insert(0, _up(narrow, wide, sides, activation if number else "linear"))
            sides = (_halved(sides[0]), _halved(sides[1]))
        maps = (channels[-1], *sides)
        encoder.append(_to_code(maps, code, code_activation))
        decoder.insert(0, _from_code(maps, code, activation))
        self.encoder, self.decoder = nn.Sequential(*encoder), nn.Sequential(*decoder)
        self.overcomplete = code >= torch.Size(input_shape).numel()

    def encode(self, inputs: Tensor) -> Tensor:
        """(rows, channels, height, width) -> codes (rows, code)."""
        return self.encoder(inputs)

    def decode(self, codes: Tensor) -> Tensor:
        """Codes (rows, code) -> (rows, channels, height, width)."""
        return self.decoder(codes)

    def forward(self, inputs: Tensor) -> Tensor:
        """(rows, channels, height, width) -> the same shape, as the code keeps it."""
        return self.decode(self.encode(inputs))

    def layer_pairs(self) -> list[tuple[nn.Module, nn.Module]]:
        """The layers from the image to the code, each with the one that undoes it."""
        return list(zip(self.encoder, reversed(list(self.decoder)), strict=True))


def _halved(side: int) -> int:
    """Pixels of a side after a convolution."""
    return (side + 2 * PADDING - KERNEL) // STRIDE + 1


def _down(before: int, after: int, activation: str) -> nn.Sequential:
    """Give a convolution that halves the sides, and its activation."""
    units = channels_before(activation, after)
    layer = nn.Conv2d(before, units, KERNEL, STRIDE, PADDING)
    start_weights(layer, activation)
    return nn.Sequential(layer, make_activation(activation))


def _up(before: int, after: int, sides: tuple[int, int], activation: str) -> nn.Sequential:
    """Give a transposed convolution to maps of ``sides``, and its activation unless linear."""
    units = after if activation == "linear" else channels_before(activation, after)
    lacking = [side - (_halved(side) - 1) * STRIDE + 2 * PADDING - KERNEL for side in sides]
    layer = nn.ConvTranspose2d(
        before, units, KERNEL, STRIDE, PADDING, output_padding=(lacking[0], lacking[1])
    )
    _start_transposed(layer, activation)
    return nn.Sequential(layer, *_activation(activation))


def _to_code(maps: tuple[int, ...], code: int, activation: str) -> nn.Sequential:
    """Give the dense layer from the last maps, and its activation unless linear."""
    units = code if activation == "linear" else channels_before(activation, code)
    layer = nn.Linear(torch.Size(maps).numel(), units)
    start_weights(layer, activation)
    return nn.Sequential(nn.Flatten(), layer, *_activation(activation))


def _from_code(maps: tuple[int, ...], code: int, activation: str) -> nn.Sequential:
    """Give the dense layer to the last maps, and its activation."""
    units = channels_before(activation, maps[0])
    layer = nn.Linear(code, units * maps[1] * maps[2])
    start_weights(layer, activation)
    unflatten = nn.Unflatten(1, (units, *maps[1:]))
    return nn.Sequential(layer, unflatten, make_activation(activation))


def _activation(name: str) -> list[nn.Module]:
    return [] if name == "linear" else [make_activation(name)]


@torch.no_grad()
def _start_transposed(layer: nn.ConvTranspose2d, activation: str) -> None:
    """Draw weights that keep the variance: a pixel is fed by 9 / 4 places of each map, not 9."""
    cut = activation in ("relu", "leaky_relu", "elu", "gelu", "silu")
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu" if cut else "linear")
    layer.weight *= STRIDE
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def _check(input_shape: tuple[int, ...], channels: tuple[int, ...], code: int) -> None:
    """Refuse what is no image, and channels or codes that cannot be."""
    if len(input_shape) != 3:
        raise SettingsError(
            "The convolutional autoencoder needs images of shape (channels, height, width), got "
            f"{tuple(input_shape)}. For a table choose --network autoencoder."
        )
    if not channels or not all(isinstance(maps, int) and maps > 0 for maps in channels):
        raise SettingsError(
            "Option channels of conv_autoencoder must be whole numbers above 0, such as 16,32; "
            f"got {channels}."
        )
    if not isinstance(code, int) or code < 1:
        raise SettingsError(
            f"Option code of conv_autoencoder must be a whole number above 0, got {code}."
        )
