"""GoogLeNet: inception blocks, which look at each place through windows of several sizes."""

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.errors import SettingsError
from layerwise.layers.activations import start_weights
from layerwise.layers.images import check_images, check_width, scaled
from layerwise.layers.inception import ConvNorm
from layerwise.layers.sequences import check_dropout

SMALLEST = 15  # pixels on a side that leave one before the last blocks
# The paper's table 1, maps of: 1x1; 1x1 before 3x3, 3x3; 1x1 before 5x5, 5x5; 1x1 after pooling
BLOCKS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
AUXILIARY = {"4a": "aux1", "4d": "aux2"}  # blocks whose maps a head of their own is put on
AUXILIARY_WEIGHT = 0.3  # of such a head's loss, section 5
AUXILIARY_PLACES = 4  # on a side of the maps that such a head sees


class GoogLeNet(nn.Module):
    """Nine inception blocks, the mean of each map, one full layer; two heads help in training.

    Source: Szegedy et al. 2015, "Going deeper with convolutions", CVPR, table 1 and section 5. With
    1000 classes 6,624,904 parameters, 13,004,888 with the auxiliary heads, whose losses count
    0.3 times beside that of the last layer; they take no part in prediction. Names and shapes of
    the weights are those of torchvision's ``googlenet``, as it was brought over from TensorFlow:
    with batch normalization, and with 3x3 in place of the 5x5 convolutions.

    Parameters
    ----------
    input_shape : tuple of int
        (channels, height, width), at least 15x15 pixels.
    output_size : int
        Number of outputs.
    auxiliary : bool
        Whether there are the two auxiliary heads.
    largest_kernel : int
        Side of the largest convolutions of a block, odd: 3 as in torchvision, 5 as in the paper.
    width : float
        Share of the published channels and units; 1 is the published network.
    dropout : float
        Chance that a number before the last layer is silent in a training step.

    Raises
    ------
    SettingsError
        The images are too small, or an option cannot be.
    """

    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (
            Stage(
                None, "adamw", {"weight_decay": 0.05}, 0.001, "one_cycle", epochs=30, batch_size=128
            ),
        ),
        "historic": (
            Stage(
                None,
                "sgd",
                {"momentum": 0.9, "weight_decay": 2e-4},
                0.01,
                "step",
                {"every": 8, "factor": 0.96},
                epochs=250,
                batch_size=32,
            ),
        ),
    }
    historic_options: ClassVar[dict[str, Any]] = {"largest_kernel": 5, "dropout": 0.4}
    departures = (
        "Batch normalization before each ReLU, as its authors added it in the next paper, in "
        "place of the normalization between neighbouring maps after the first layers.",
        "One process descends; the paper's are asynchronous.",
        "Batch, first rate, epochs and weight decay are a choice: the paper names only the "
        "momentum of 0.9 and 4 % less rate each 8 epochs.",
        "Weights are those of the last step, not a running mean of them.",
        "The maps that an auxiliary head sees are averaged to 4x4 places whatever their size.",
        "Images come in the size they have, without the paper's crops and changes of colour.",
        "Option width, for smaller tasks, is not in the paper.",
    )

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int,
        *,
        auxiliary: bool = True,
        largest_kernel: int = 3,
        width: float = 1.0,
        dropout: float = 0.2,
    ):
        super().__init__()
        _check(input_shape, largest_kernel, width, dropout)
        small, large = scaled(64, width), scaled(192, width)
        self.conv1 = ConvNorm(input_shape[0], small, 7, stride=2, padding=3)
        self.maxpool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2 = ConvNorm(small, small)
        self.conv3 = ConvNorm(small, large, 3, padding=1)
        self.maxpool2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        for name, published in BLOCKS.items():
            sizes = [scaled(size, width) for size in published]
            block = Inception(large, sizes, largest_kernel)
            self.add_module(f"inception{name}", block)
            large = sizes[0] + sizes[2] + sizes[4] + sizes[5]
            if auxiliary and name in AUXILIARY:
                self.add_module(AUXILIARY[name], Auxiliary(large, output_size, width))
        self.maxpool3 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.maxpool4 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.auxiliary = auxiliary
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(large, output_size)
        start_weights(self.fc, "softmax")

    def forward(self, images: Tensor) -> Tensor:
        """(rows, channels, height, width) -> (rows, output_size)."""
        return self._last(self._blocks(images)["5b"])

    def scores_with_auxiliary(self, images: Tensor) -> tuple[Tensor, list[tuple[float, Tensor]]]:
        """Scores of the last layer, and of each auxiliary head with the weight of its loss.

        images : (rows, channels, height, width)
        returns : (rows, output_size), and such scores with their weights
        """
        maps = self._blocks(images)
        heads = AUXILIARY.items() if self.auxiliary else ()
        beside = [(AUXILIARY_WEIGHT, getattr(self, head)(maps[block])) for block, head in heads]
        return self._last(maps["5b"]), beside

    def _blocks(self, images: Tensor) -> dict[str, Tensor]:
        """Maps after each inception block."""
        maps = self.maxpool1(self.conv1(images))
        maps = self.maxpool2(self.conv3(self.conv2(maps)))
        found = {}
        for name in BLOCKS:
            if name == "4a":
                maps = self.maxpool3(maps)
            elif name == "5a":
                maps = self.maxpool4(maps)
            found[name] = maps = getattr(self, f"inception{name}")(maps)
        return found

    def _last(self, maps: Tensor) -> Tensor:
        return self.fc(self.dropout(maps.mean(dim=(2, 3))))


class Inception(nn.Module):
    """Convolutions of 1x1, 3x3 and a larger one, and pooling, side by side.

    Source: Szegedy et al. 2015, figure 2b; a 1x1 convolution before each larger one saves work.

    Parameters
    ----------
    before : int
        Maps that come in.
    sizes : list of int
        Maps of each convolution, in the order of ``BLOCKS``.
    largest_kernel : int
        Side of the larger one.
    """

    def __init__(self, before: int, sizes: list[int], largest_kernel: int):
        super().__init__()
        self.branch1 = ConvNorm(before, sizes[0])
        self.branch2 = nn.Sequential(
            ConvNorm(before, sizes[1]), ConvNorm(sizes[1], sizes[2], 3, padding=1)
        )
        self.branch3 = nn.Sequential(
            ConvNorm(before, sizes[3]),
            ConvNorm(sizes[3], sizes[4], largest_kernel, padding=largest_kernel // 2),
        )
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, padding=1), ConvNorm(before, sizes[5]))

    def forward(self, maps: Tensor) -> Tensor:
        """(rows, before, height, width) -> (rows, maps of all branches, height, width)."""
        branches = (self.branch1, self.branch2, self.branch3, self.branch4)
        return torch.cat([branch(maps) for branch in branches], dim=1)


class Auxiliary(nn.Module):
    """A small classifier on maps half way up, so that gradients reach the layers below.

    Source: Szegedy et al. 2015, section 5.

    Parameters
    ----------
    before : int
        Maps that come in.
    output_size : int
        Number of outputs.
    width : float
        Share of the published channels and units.
    """

    def __init__(self, before: int, output_size: int, width: float):
        super().__init__()
        maps, units = scaled(128, width), scaled(1024, width)
        self.conv = ConvNorm(before, maps)
        self.fc1 = nn.Linear(maps * AUXILIARY_PLACES**2, units)
        self.dropout = nn.Dropout(0.7)
        self.fc2 = nn.Linear(units, output_size)
        start_weights(self.fc1, "relu")
        start_weights(self.fc2, "softmax")

    def forward(self, maps: Tensor) -> Tensor:
        """(rows, before, height, width) -> (rows, output_size)."""
        seen = self.conv(F.adaptive_avg_pool2d(maps, AUXILIARY_PLACES)).flatten(1)
        return self.fc2(self.dropout(F.relu(self.fc1(seen))))


def _check(input_shape: tuple[int, ...], kernel: int, width: float, dropout: float) -> None:
    """Refuse images that are too small, and options that cannot be."""
    check_images("googlenet", input_shape, SMALLEST)
    check_width("googlenet", width)
    check_dropout("googlenet", dropout)
    if kernel < 1 or kernel % 2 == 0:
        raise SettingsError(
            f"Option largest_kernel of googlenet must be odd, such as 3 or 5, got {kernel}."
        )
