"""Blocks with a shortcut around them: what a block learns is added to what came in."""

import torch.nn.functional as F
from torch import Tensor, nn


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with batch normalization, and the shortcut added before the last ReLU.

    Source: He, Zhang, Ren and Sun 2016, "Deep residual learning for image recognition", CVPR,
    figure 5 left. y = relu(F(x) + shortcut(x)); without a shortcut y = relu(F(x)), the plain
    network of the paper. Names are those of torchvision, so that its weights fit.

    Parameters
    ----------
    before, after : int
        Channels of the input and of the output.
    stride : int
        Of the first convolution.
    shortcut : nn.Module or None
        What x goes through on its way around, None for x itself.
    plain : bool
        Nothing goes around.
    """

    expansion = 1

    def __init__(
        self,
        before: int,
        after: int,
        stride: int = 1,
        shortcut: nn.Module | None = None,
        *,
        plain: bool = False,
    ):
        super().__init__()
        self.conv1 = convolution(before, after, 3, stride)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = convolution(after, after, 3)
        self.bn2 = nn.BatchNorm2d(after)
        self.downsample = shortcut
        self.plain = plain

    def forward(self, x: Tensor) -> Tensor:
        """(rows, before, height, width) -> (rows, after, height / stride, width / stride)."""
        learned = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.plain:
            return F.relu(learned)
        return F.relu(learned + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """1x1 to fewer channels, 3x3, and 1x1 to four times as many; with the shortcut around.

    Source: He et al. 2016, figure 5 right. The stride is that of the 3x3 convolution, as in
    torchvision; the paper has it in the first one, where it throws away three numbers of four.

    Parameters
    ----------
    before, after : int
        Channels of the input and of the 3x3 convolution; 4 x after come out.
    stride : int
        Of the 3x3 convolution.
    shortcut : nn.Module or None
        What x goes through on its way around, None for x itself.
    """

    expansion = 4

    def __init__(self, before: int, after: int, stride: int = 1, shortcut: nn.Module | None = None):
        super().__init__()
        self.conv1 = convolution(before, after, 1)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = convolution(after, after, 3, stride)
        self.bn2 = nn.BatchNorm2d(after)
        self.conv3 = convolution(after, 4 * after, 1)
        self.bn3 = nn.BatchNorm2d(4 * after)
        self.downsample = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """(rows, before, height, width) -> (rows, 4 x after, height / stride, width / stride)."""
        narrow = F.relu(self.bn1(self.conv1(x)))
        learned = self.bn3(self.conv3(F.relu(self.bn2(self.conv2(narrow)))))
        return F.relu(learned + (x if self.downsample is None else self.downsample(x)))


class SubsampleAndPad(nn.Module):
    """A shortcut without parameters: every ``stride``-th pixel, and zeros for the new channels.

    Source: He et al. 2016, section 3.3, option A.

    Parameters
    ----------
    stride : int
        Pixels from one that is kept to the next.
    channels : int
        New ones, whose maps are zero.
    """

    def __init__(self, stride: int, channels: int):
        super().__init__()
        self.stride, self.channels = stride, channels

    def forward(self, x: Tensor) -> Tensor:
        """(rows, C, height, width) -> (rows, C + channels, height / stride, width / stride)."""
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.channels))


def convolution(before: int, after: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """Give a convolution that keeps the size at stride 1; normalization follows, so no bias.

    It starts after He et al. 2015: variance 2 / (kernel^2 x after), which keeps the size of the
    gradient.
    """
    layer = nn.Conv2d(before, after, kernel, stride, padding=kernel // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return layer
