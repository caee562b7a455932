"""A plain convolutional network: convolution and pooling, over and over, then one full layer."""

from math import prod
from typing import ClassVar

from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.errors import SettingsError
from layerwise.layers.activations import activation as make_activation
from layerwise.layers.activations import channels_before, start_weights
from layerwise.layers.images import check_images
from layerwise.layers.sequences import check_dropout


class CNN(nn.Module):
    """Blocks of a convolution, an activation and 2x2 pooling; then a full layer with dropout.

    Source: LeCun et al. 1998 (see ``lenet5``) with what came later: ReLU (Nair and Hinton 2010),
    pooling by the maximum, dropout (Srivastava et al. 2014, JMLR 15), and where asked for batch
    normalization (Ioffe and Szegedy 2015). With 32 and 64 channels, the usual first network for
    small images: 421,642 parameters for 1x28x28 and ten classes.

    Parameters
    ----------
    input_shape : tuple of int
        (channels, height, width); each block halves the sides, which must leave a pixel.
    output_size : int
        Number of outputs.
    channels : tuple of int
        Maps of each block.
    kernel : int
        Side of the convolutions, odd; the borders are padded with zeros to keep the size.
    hidden : int
        Units of the full layer.
    activation : str
        relu or another of ``layers.activations``.
    batch_norm : bool
        Whether the maps are normalized over the batch before the activation.
    dropout : float
        Chance that a unit of the full layer is silent in a training step.
    """

    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (
            Stage(
                None, "adamw", {"weight_decay": 0.01}, 0.002, "one_cycle", epochs=15, batch_size=128
            ),
        ),
        "historic": (Stage(None, "sgd", {"momentum": 0.9}, 0.01, epochs=15, batch_size=128),),
    }
    departures = ("No single paper describes it; the historic recipe is descent with momentum.",)

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int,
        *,
        channels: tuple[int, ...] = (32, 64),
        kernel: int = 3,
        hidden: int = 128,
        activation: str = "relu",
        batch_norm: bool = False,
        dropout: float = 0.3,
    ):
        super().__init__()
        _check(input_shape, channels, kernel, hidden, dropout)
        blocks = [
            _block(before, after, kernel, activation, batch_norm)
            for before, after in zip((input_shape[0], *channels), channels, strict=False)
        ]
        pixels = prod(side >> len(channels) for side in input_shape[1:])
        full = nn.Linear(channels[-1] * pixels, channels_before(activation, hidden))
        last = nn.Linear(hidden, output_size)
        start_weights(full, activation)
        start_weights(last, "softmax")
        self.layers = nn.Sequential(
            *blocks, nn.Flatten(), full, make_activation(activation), nn.Dropout(dropout), last
        )

    def forward(self, images: Tensor) -> Tensor:
        """(rows, channels, height, width) -> (rows, output_size)."""
        return self.layers(images)


def _block(
    before: int, after: int, kernel: int, activation: str, batch_norm: bool
) -> nn.Sequential:
    """Give a convolution, its activation, and pooling that halves the sides."""
    maps = channels_before(activation, after)
    layer = nn.Conv2d(before, maps, kernel, padding=kernel // 2, bias=not batch_norm)
    start_weights(layer, activation)
    normal = [nn.BatchNorm2d(maps)] if batch_norm else []
    return nn.Sequential(layer, *normal, make_activation(activation), nn.MaxPool2d(2))


def _check(
    input_shape: tuple[int, ...], channels: tuple[int, ...], kernel: int, hidden: int,
    dropout: float,
) -> None:  # fmt: skip
    """Refuse what is no image, too small a one, or options that can not be."""
    check_images("cnn", input_shape, 1)
    if not channels or min(*channels, hidden) < 1:
        raise SettingsError(
            f"Options channels and hidden of cnn must be 1 or more, got {channels} and {hidden}."
        )
    smallest = 2 ** len(channels)
    if min(input_shape[1:]) < smallest:
        raise SettingsError(
            f"cnn with {len(channels)} blocks needs images of at least {smallest}x{smallest} "
            f"pixels, got {input_shape[1]}x{input_shape[2]}. Use fewer --network.channels."
        )
    if kernel < 1 or kernel % 2 == 0:
        raise SettingsError(f"Option kernel of cnn must be odd, such as 3 or 5, got {kernel}.")
    check_dropout("cnn", dropout)
