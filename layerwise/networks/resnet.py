"""Residual networks for photographs: ResNet-18 to ResNet-152."""

from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.errors import SettingsError
from layerwise.layers.activations import start_weights
from layerwise.layers.images import check_images, check_width, scaled
from layerwise.layers.residual import BasicBlock, Bottleneck, convolution

BLOCKS = {  # depth -> the kind of its blocks, and how many of them each of the four stages has
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
    152: (Bottleneck, (3, 8, 36, 3)),
}


class ResNet(nn.Module):
    """Blocks whose input is added to their output, so that depth does not hinder learning.

    Source: He, Zhang, Ren and Sun 2016, "Deep residual learning for image recognition", CVPR,
    table 1. A 7x7 convolution and pooling, four stages of residual blocks that halve the sides
    and double the channels, the mean of each map, one full layer. 11,689,512 parameters with 18
    layers, 21,797,672 with 34, 25,557,032 with 50, 44,549,160 with 101, 60,192,808 with 152 (three
    channels, 1000 outputs). The names in its ``state_dict`` are those of torchvision. Images of
    any size go; below about 64 pixels the first layers throw most of it away (see the CIFAR
    ResNets, such as resnet20).

    Parameters
    ----------
    input_shape : tuple of int
        (channels, height, width).
    output_size : int
        Number of outputs.
    depth : int
        Layers with weights: 18, 34, 50, 101 or 152.
    width : float
        Share of the published channels; 1 is the published network, which starts with 64.

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
                0.05,
                "one_cycle",
                epochs=30,
                batch_size=64,
            ),
        ),
        "historic": (
            Stage(
                None,
                "sgd",
                {"momentum": 0.9, "weight_decay": 1e-4},
                0.1,
                "step",
                {"every": 30, "factor": 0.1},
                epochs=90,
                batch_size=256,
            ),
        ),
    }
    departures = (
        "The stride of a bottleneck is in its 3x3 convolution (as torchvision has it), not in the "
        "first 1x1.",
        "The rate falls tenfold every 30 of 90 epochs, not when the error stands still.",
    )

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int,
        *,
        depth: int = 18,
        width: float = 1.0,
    ):
        super().__init__()
        check_images("resnet", input_shape, 1)
        check_width("resnet", width)
        if depth not in BLOCKS:
            raise SettingsError(
                f"Option depth of resnet must be one of {', '.join(map(str, BLOCKS))}, got "
                f"{depth}. Small images have resnet20 and its like."
            )
        block, counts = BLOCKS[depth]
        widths = [scaled(channels, width) for channels in (64, 128, 256, 512)]
        before = [widths[0], *(channels * block.expansion for channels in widths)]
        self.conv1 = convolution(input_shape[0], widths[0], 7, 2)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.layer1 = _stage(block, before[0], widths[0], counts[0], 1)
        self.layer2 = _stage(block, before[1], widths[1], counts[1], 2)
        self.layer3 = _stage(block, before[2], widths[2], counts[2], 2)
        self.layer4 = _stage(block, before[3], widths[3], counts[3], 2)
        self.fc = nn.Linear(before[4], output_size)
        start_weights(self.fc, "softmax")

    def forward(self, images: Tensor) -> Tensor:
        """(rows, channels, height, width) -> (rows, output_size)."""
        maps = F.max_pool2d(F.relu(self.bn1(self.conv1(images))), 3, 2, padding=1)
        maps = self.layer4(self.layer3(self.layer2(self.layer1(maps))))
        return self.fc(maps.mean(dim=(2, 3)))


def _stage(
    block: type[BasicBlock] | type[Bottleneck], before: int, after: int, count: int, stride: int
) -> nn.Sequential:
    """Give the blocks of a stage; the first one changes sides and channels."""
    out = after * block.expansion
    around = None
    if stride != 1 or before != out:  # a learned projection where shapes change: option B
        around = nn.Sequential(convolution(before, out, 1, stride), nn.BatchNorm2d(out))
    first = block(before, after, stride, around)
    return nn.Sequential(first, *(block(out, after) for _ in range(1, count)))
