"""AlexNet: the convolutional network that won ImageNet in 2012."""

from typing import Any, ClassVar

from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.layers.activations import start_weights
from layerwise.layers.images import check_images, check_width, scaled
from layerwise.layers.sequences import check_dropout

SMALLEST = 63  # pixels on a side that leave one after the last pooling
PLACES = 6  # on a side of the maps that the full layers see


class AlexNet(nn.Module):
    """Five convolutions and three full layers: 61,100,840 parameters for 3x224x224, 1000 classes.

    Source: Krizhevsky, Sutskever and Hinton 2012, "ImageNet classification with deep convolutional
    neural networks", NIPS, section 3, in the one-tower form of Krizhevsky 2014, "One weird trick
    for parallelizing convolutional neural networks", arXiv:1404.5997. Maps of any size are averaged
    to the 6x6 places that the full layers see. The names of the weights are those of
    torchvision's ``alexnet``.

    Parameters
    ----------
    input_shape : tuple of int
        (channels, height, width), at least 63x63 pixels.
    output_size : int
        Number of outputs.
    width : float
        Share of the published channels and units; 1 is the published network.
    response_norm : bool
        Whether the maps of the first two convolutions are divided by those of their neighbours
        (2012, section 3.3); the weights then have other names.
    dropout : float
        Chance that an input of the first two full layers is silent in a training step.

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
                {"every": 22.5},
                epochs=90,
                batch_size=128,
            ),
        ),
    }
    historic_options: ClassVar[dict[str, Any]] = {"response_norm": True}
    departures = (
        "One tower of 64, 192, 384, 256 and 256 maps, as the 2014 paper has it; the towers of "
        "2012 lie on two cards, with 96, 256, 384, 384 and 256 maps.",
        "The rate falls tenfold at the quarters of 90 epochs, not where the validation error "
        "stands still.",
        "Weights start after He et al. and biases at 0, not at deviation 0.01 and partly at 1.",
        "Weight decay is also put on biases, as torch does.",
        "Colours are not shifted along their principal components, and predictions are of one "
        "view, not of ten.",
        "Option width, for smaller tasks, is not in the paper.",
    )

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int,
        *,
        width: float = 1.0,
        response_norm: bool = False,
        dropout: float = 0.5,
    ):
        super().__init__()
        check_images("alexnet", input_shape, SMALLEST)
        check_width("alexnet", width)
        check_dropout("alexnet", dropout)
        maps = [input_shape[0], *(scaled(size, width) for size in (64, 192, 384, 256, 256))]
        units = scaled(4096, width)
        last = nn.Linear(units, output_size)
        start_weights(last, "softmax")
        self.features = nn.Sequential(
            *_convolution(maps[0], maps[1], 11, response_norm, stride=4, padding=2),
            nn.MaxPool2d(3, 2),
            *_convolution(maps[1], maps[2], 5, response_norm, padding=2),
            nn.MaxPool2d(3, 2),
            *_convolution(maps[2], maps[3], 3, padding=1),
            *_convolution(maps[3], maps[4], 3, padding=1),
            *_convolution(maps[4], maps[5], 3, padding=1),
            nn.MaxPool2d(3, 2),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(PLACES)
        self.classifier = nn.Sequential(
            nn.Dropout(dropout),
            *_full(maps[5] * PLACES**2, units),
            nn.Dropout(dropout),
            *_full(units, units),
            last,
        )

    def forward(self, images: Tensor) -> Tensor:
        """(rows, channels, height, width) -> (rows, output_size)."""
        return self.classifier(self.avgpool(self.features(images)).flatten(1))


def _convolution(
    before: int, after: int, kernel: int, normed: bool = False, *, stride: int = 1, padding: int
) -> list[nn.Module]:
    """Give a convolution, its ReLU, and normalization between neighbouring maps where wanted."""
    layer = nn.Conv2d(before, after, kernel, stride, padding)
    start_weights(layer, "relu")
    # torch divides alpha by the 5 neighbours, the paper does not
    norm = [nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)] if normed else []
    return [layer, nn.ReLU(), *norm]


def _full(before: int, after: int) -> list[nn.Module]:
    """Give a full layer and its ReLU."""
    layer = nn.Linear(before, after)
    start_weights(layer, "relu")
    return [layer, nn.ReLU()]
