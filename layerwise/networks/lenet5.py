"""LeNet-5: the convolutional network that read cheques."""

from typing import ClassVar

from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.errors import SettingsError, nearest
from layerwise.layers.activations import activation as make_activation
from layerwise.layers.activations import channels_before, start_weights
from layerwise.layers.images import check_images
from layerwise.layers.sequences import check_dropout

POOLINGS = {"max": nn.MaxPool2d, "average": nn.AvgPool2d}
SMALLEST = 4  # pixels on a side that leave one after two poolings


class LeNet5(nn.Module):
    """Two convolutions with pooling, then three full layers: 61,706 parameters for 1x28x28.

    Source: LeCun, Bottou, Bengio and Haffner 1998, "Gradient-based learning applied to document
    recognition", Proceedings of the IEEE 86, section II.B. The first convolution keeps the size
    (28x28 padded to the paper's 32x32); the second one does so only below 16x16 pixels.

    Parameters
    ----------
    input_shape : tuple of int
        (channels, height, width), at least 4x4 pixels.
    output_size : int
        Number of outputs.
    activation : str
        relu, scaled_tanh (the paper's) or another of ``layers.activations``.
    pooling : str
        max or average (near the paper's).
    dropout : float
        Chance that a unit of the two full layers is silent in a training step.
    """

    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (
            Stage(
                None, "adamw", {"weight_decay": 0.01}, 0.004, "one_cycle", epochs=30, batch_size=32
            ),
        ),
        "historic": (
            Stage(
                None,
                "sgd",
                {},
                0.05,
                "step",
                {"every": 4, "factor": 0.375},
                epochs=20,
                batch_size=16,
            ),
        ),
    }
    historic_options: ClassVar[dict[str, str]] = {"activation": "scaled_tanh", "pooling": "average"}
    departures = (
        "The second convolution sees all six maps, not the paper's table of pairs and triples.",
        "The outputs are a softmax with cross-entropy, not distances to drawn bitmaps (RBF).",
        "Pooling takes the plain average, without a trained factor and bias per map.",
        "Gradient descent in batches of 16 with one rate for all weights, not single examples "
        "with stochastic diagonal Levenberg-Marquardt; the rate falls 50-fold in five steps over "
        "twenty epochs, as the paper's does.",
        "Weights are drawn from a normal distribution of the same order, not uniformly.",
    )

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int,
        *,
        activation: str = "relu",
        pooling: str = "max",
        dropout: float = 0.0,
    ):
        super().__init__()
        _check(input_shape, pooling, dropout)
        channels, height, width = input_shape
        padding = 0 if min(height, width) >= 16 else 2
        pixels = _pooled(height, padding) * _pooled(width, padding)
        pool = POOLINGS[pooling]
        last = nn.Linear(84, output_size)
        start_weights(last, "softmax")
        self.layers = nn.Sequential(
            *_convolution(channels, 6, 2, activation),
            pool(2),
            *_convolution(6, 16, padding, activation),
            pool(2),
            nn.Flatten(),
            *_full(16 * pixels, 120, activation, dropout),
            *_full(120, 84, activation, dropout),
            last,
        )

    def forward(self, images: Tensor) -> Tensor:
        """(rows, channels, height, width) -> (rows, output_size)."""
        return self.layers(images)


def _pooled(side: int, padding: int) -> int:
    """Pixels of a side after both convolutions and poolings."""
    return (side // 2 + 2 * padding - 4) // 2


def _convolution(before: int, after: int, padding: int, activation: str) -> list[nn.Module]:
    """Give a 5x5 convolution and its activation."""
    layer = nn.Conv2d(before, channels_before(activation, after), 5, padding=padding)
    start_weights(layer, activation)
    return [layer, make_activation(activation)]


def _full(before: int, after: int, activation: str, dropout: float) -> list[nn.Module]:
    """Give a full layer, its activation, and dropout where wanted."""
    layer = nn.Linear(before, channels_before(activation, after))
    start_weights(layer, activation)
    return [layer, make_activation(activation), *([nn.Dropout(dropout)] if dropout else [])]


def _check(input_shape: tuple[int, ...], pooling: str, dropout: float) -> None:
    """Refuse what is no image, or too small a one."""
    check_images("lenet5", input_shape, 1)
    if min(input_shape[1:]) < SMALLEST:
        raise SettingsError(
            f"LeNet-5 needs images of at least {SMALLEST}x{SMALLEST} pixels, got "
            f"{input_shape[1]}x{input_shape[2]}. Choose --network mlp for smaller ones."
        )
    if pooling not in POOLINGS:
        raise SettingsError(f"There is no pooling '{pooling}'.{nearest(pooling, POOLINGS)}")
    check_dropout("lenet5", dropout)
