"""The very deep networks of Oxford's Visual Geometry Group: 3x3 convolutions, one on another."""

from typing import ClassVar

from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.layers.activations import start_weights
from layerwise.layers.images import check_images, check_width, scaled
from layerwise.layers.sequences import check_choice, check_dropout

CONFIGURATIONS = {  # columns of the paper's table 1: convolutions between two poolings
    "A": (1, 1, 2, 2, 2),
    "A-LRN": (1, 1, 2, 2, 2),  # normalization after the first one
    "B": (2, 2, 2, 2, 2),
    "C": (2, 2, 3, 3, 3),  # where there are three, the last is of 1x1
    "D": (2, 2, 3, 3, 3),
    "E": (2, 2, 4, 4, 4),
}
CHANNELS = (64, 128, 256, 512, 512)
SMALLEST = 2 ** len(CHANNELS)  # pixels on a side that leave one after five halvings
PLACES = 7  # on a side of the maps that the full layers see


class VGG(nn.Module):
    """Blocks of 3x3 convolutions, each halving the sides, then three full layers.

    Source: Simonyan and Zisserman 2015, "Very deep convolutional networks for large-scale image
    recognition", ICLR, table 1. Layers with weights: 11 in configuration A, 13 in B, 16 in C and D,
    19 in E. For 3x224x224 and 1000 classes D has 138,357,544 parameters and E 143,667,240. Maps of
    any size are averaged to the 7x7 places that the full layers see. The names of the weights are
    those of torchvision's ``vgg11``, ``vgg16_bn`` and so on.

    Parameters
    ----------
    input_shape : tuple of int
        (channels, height, width), at least 32x32 pixels.
    output_size : int
        Number of outputs.
    configuration : str
        Column of the paper's table: A, A-LRN, B, C, D or E.
    batch_norm : bool
        Whether each convolution is normalized over the batch before its ReLU (Ioffe and Szegedy
        2015); deep ones then learn from random weights.
    width : float
        Share of the published channels and units; 1 is the published network.
    dropout : float
        Chance that a unit of the first two full layers is silent in a training step.

    Raises
    ------
    SettingsError
        The images are too small, or an option cannot be.
    """

    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (
            Stage(
                None, "adamw", {"weight_decay": 0.05}, 5e-4, "one_cycle", epochs=30, batch_size=128
            ),
        ),
        "historic": (
            Stage(
                None,
                "sgd",
                {"momentum": 0.9, "weight_decay": 5e-4},
                0.01,
                "step",
                {"every": 18.5},
                epochs=74,
                batch_size=256,
            ),
        ),
    }
    departures = (
        "Weights start after He et al.; the paper's deeper nets start from a trained A.",
        "The rate falls tenfold at the quarters of 74 epochs, not where the validation accuracy "
        "stands still.",
        "Weight decay is also put on biases, as torch does.",
        "Images come in the size they have; the paper crops from several sizes, and averages over "
        "places in the test.",
        "Options batch_norm and width are not in the paper.",
    )

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int,
        *,
        configuration: str = "D",
        batch_norm: bool = False,
        width: float = 1.0,
        dropout: float = 0.5,
    ):
        super().__init__()
        check_images("vgg", input_shape, SMALLEST)
        check_choice("vgg", "configuration", configuration, tuple(CONFIGURATIONS))
        check_width("vgg", width)
        check_dropout("vgg", dropout)
        channels, units = [scaled(size, width) for size in CHANNELS], scaled(4096, width)
        self.features = nn.Sequential(
            *_blocks([input_shape[0], *channels], configuration, batch_norm)
        )
        self.avgpool = nn.AdaptiveAvgPool2d(PLACES)
        last = nn.Linear(units, output_size)
        start_weights(last, "softmax")
        self.classifier = nn.Sequential(
            *_full(channels[-1] * PLACES**2, units, dropout), *_full(units, units, dropout), last
        )

    def forward(self, images: Tensor) -> Tensor:
        """(rows, channels, height, width) -> (rows, output_size)."""
        return self.classifier(self.avgpool(self.features(images)).flatten(1))


def _blocks(channels: list[int], configuration: str, batch_norm: bool) -> list[nn.Module]:
    """Give the layers of all blocks in a row, as torchvision numbers them."""
    found: list[nn.Module] = []
    for block, count in enumerate(CONFIGURATIONS[configuration]):
        before, after = channels[block], channels[block + 1]
        for place in range(count):
            pointwise = configuration == "C" and place == 2
            found += _convolution(after if place else before, after, pointwise, batch_norm)
            if configuration == "A-LRN" and block == 0:
                # torch divides alpha by the 5 neighbours, the paper does not
                found.append(nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0))
        found.append(nn.MaxPool2d(2))
    return found


def _convolution(before: int, after: int, pointwise: bool, batch_norm: bool) -> list[nn.Module]:
    """Give a convolution that keeps the size, its normalization where wanted, and its ReLU."""
    layer = nn.Conv2d(before, after, 1) if pointwise else nn.Conv2d(before, after, 3, padding=1)
    start_weights(layer, "relu")
    return [layer, *([nn.BatchNorm2d(after)] if batch_norm else []), nn.ReLU()]


def _full(before: int, after: int, dropout: float) -> list[nn.Module]:
    """Give a full layer, its ReLU and dropout."""
    layer = nn.Linear(before, after)
    start_weights(layer, "relu")
    return [layer, nn.ReLU(), nn.Dropout(dropout)]
