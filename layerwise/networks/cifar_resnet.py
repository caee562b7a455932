"""Residual networks for small images, and their plain twins without shortcuts."""

from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.errors import SettingsError
from layerwise.layers.activations import start_weights
from layerwise.layers.images import check_images, check_width, scaled
from layerwise.layers.residual import BasicBlock, SubsampleAndPad, convolution


class CifarResNet(nn.Module):
    """Three stages of residual blocks for images of about 32x32; or the same without shortcuts.

    Source: He, Zhang, Ren and Sun 2016, "Deep residual learning for image recognition", CVPR,
    section 4.2. A 3x3 convolution, three stages of (depth - 2) / 6 blocks with 16, 32 and 64
    channels that halve the sides twice, the mean of each map, one full layer. The shortcuts have
    no parameters (option A), so that a plain twin has the same number: 0.27 million with 20
    layers, 0.85 with 56, 1.7 with 110 (three channels, ten outputs).

    Parameters
    ----------
    input_shape : tuple of int
        (channels, height, width).
    output_size : int
        Number of outputs.
    depth : int
        Layers with weights, 6 n + 2: 8, 14, 20, 32, 44, 56, 110, ...
    width : float
        Share of the published channels; 1 is the published network, which starts with 16.
    shortcuts : bool
        Whether the input of each block is added to its output; without it is the plain network.

    Raises
    ------
    SettingsError
        The inputs are no images, or an option cannot be.
    """

    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (
            Stage(
                None,
                "sgd",
                {"momentum": 0.9, "nesterov": True, "weight_decay": 5e-4},
                0.1,
                "one_cycle",
                epochs=30,
                batch_size=128,
            ),
        ),
        "historic": (
            Stage(
                None,
                "sgd",
                {"momentum": 0.9, "weight_decay": 1e-4},
                0.1,
                "step",
                {"every": 82, "factor": 0.1},
                epochs=164,
                batch_size=128,
            ),
        ),
    }
    departures = (
        "The rate falls tenfold once, after half of 164 epochs (32,000 steps of 64,000 on "
        "CIFAR-10); the paper lets it fall again after 48,000.",
        "110 layers begin with the full rate, not with a tenth of it.",
        "Images are not cropped and flipped unless --augment asks for it.",
    )

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int,
        *,
        depth: int = 20,
        width: float = 1.0,
        shortcuts: bool = True,
    ):
        super().__init__()
        check_images("cifar_resnet", input_shape, 1)
        check_width("cifar_resnet", width)
        if depth < 8 or depth % 6 != 2:
            raise SettingsError(
                "Option depth of cifar_resnet must be 6 n + 2 with n from 1 on, such as 20, 32 or "
                f"56, got {depth}."
            )
        count, plain = (depth - 2) // 6, not shortcuts
        first, second, third = (scaled(channels, width) for channels in (16, 32, 64))
        self.conv1 = convolution(input_shape[0], first, 3)
        self.bn1 = nn.BatchNorm2d(first)
        self.layer1 = _stage(first, first, 1, count, plain)
        self.layer2 = _stage(first, second, 2, count, plain)
        self.layer3 = _stage(second, third, 2, count, plain)
        self.fc = nn.Linear(third, output_size)
        start_weights(self.fc, "softmax")

    def forward(self, images: Tensor) -> Tensor:
        """(rows, channels, height, width) -> (rows, output_size)."""
        maps = F.relu(self.bn1(self.conv1(images)))
        maps = self.layer3(self.layer2(self.layer1(maps)))
        return self.fc(maps.mean(dim=(2, 3)))


def _stage(before: int, after: int, stride: int, count: int, plain: bool) -> nn.Sequential:
    """Give the blocks of a stage; the first one changes sides and channels."""
    around = None if plain or stride == 1 else SubsampleAndPad(stride, after - before)
    first = BasicBlock(before, after, stride, around, plain=plain)
    return nn.Sequential(first, *(BasicBlock(after, after, plain=plain) for _ in range(1, count)))
