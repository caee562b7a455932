"""Inception blocks: convolutions of several sizes on the same maps, their results side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.layers.activations import start_weights
from layerwise.layers.images import scaled


class ConvNorm(nn.Module):
    """A convolution without bias, normalization over the batch, ReLU.

    Source: Ioffe and Szegedy 2015, "Batch normalization: accelerating deep network training by
    reducing internal covariate shift", ICML, section 3.2. Weights are named ``conv`` and ``bn``.

    Parameters
    ----------
    before, after : int
        Maps that come in and go out.
    kernel : int or tuple of int
        Side, or height and width.
    stride, padding : int or tuple of int
        As of torch's convolution.
    """

    def __init__(
        self,
        before: int,
        after: int,
        kernel: int | tuple[int, int] = 1,
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
    ):
        super().__init__()
        self.conv = nn.Conv2d(before, after, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(after, eps=0.001)
        start_weights(self.conv, "relu")

    def forward(self, maps: Tensor) -> Tensor:
        """(rows, before, height, width) -> (rows, after, new height, new width)."""
        return F.relu(self.bn(self.conv(maps)))


@dataclass(frozen=True)
class Step:
    """A convolution on the way through a block, by its name there.

    maps : that come out, in the published network
    kernel : its side, or (height, width)
    padded : whether zeros around the maps keep their size; never with a stride
    """

    name: str
    maps: int
    kernel: int | tuple[int, int] = 1
    stride: int = 1
    padded: bool = True

    def layer(self, before: int, width: float) -> ConvNorm:
        """Make it for so many maps, with a share of its own."""
        height, breadth = self.kernel if isinstance(self.kernel, tuple) else (self.kernel,) * 2
        padded = self.padded and self.stride == 1
        padding = (height // 2, breadth // 2) if padded else 0
        return ConvNorm(before, scaled(self.maps, width), (height, breadth), self.stride, padding)


@dataclass(frozen=True)
class Pool:
    """The average or the largest of each 3x3 places, on the way through a block.

    kind : "average" or "max"
    stride : 1 keeps the size, with zeros around the maps; 2 halves it without
    """

    kind: str
    stride: int = 1

    def __call__(self, maps: Tensor) -> Tensor:
        """(rows, maps, height, width) -> (rows, maps, new height, new width)."""
        pool = F.avg_pool2d if self.kind == "average" else F.max_pool2d
        return pool(maps, 3, self.stride, padding=1 if self.stride == 1 else 0)


Way = Sequence[Step | Pool | tuple[Step, ...]]


class Branches(nn.Module):
    """Several ways from the same maps, their results one after the other as channels.

    Source: Szegedy et al. 2015, "Going deeper with convolutions", CVPR, figure 2; Szegedy et al.
    2016, "Rethinking the inception architecture for computer vision", CVPR, figures 5 to 7.

    Parameters
    ----------
    before : int
        Maps that come in.
    ways : sequence
        Each a sequence of ``Step`` and ``Pool``; a tuple of steps at its end parts it in several.
    width : float
        Share of the published maps.

    Attributes
    ----------
    maps : int
        That go out.
    """

    def __init__(self, before: int, ways: Sequence[Way], width: float = 1.0):
        super().__init__()
        self.ways = ways
        self.maps = sum(add_way(self, before, way, width) for way in ways)

    def forward(self, maps: Tensor) -> Tensor:
        """(rows, before, height, width) -> (rows, maps, new height, new width)."""
        return torch.cat([walk(self, way, maps) for way in self.ways], dim=1)


def add_way(module: nn.Module, before: int, way: Way, width: float) -> int:
    """Add the convolutions of a way to a module, by their names; give how many maps come out.

    before : maps that come in
    width : share of the published maps
    """
    for step in way:
        if isinstance(step, Pool):
            continue
        parted = (step,) if isinstance(step, Step) else step
        layers = [one.layer(before, width) for one in parted]
        for one, layer in zip(parted, layers, strict=True):
            module.add_module(one.name, layer)
        before = sum(layer.conv.out_channels for layer in layers)
    return before


def walk(module: nn.Module, way: Way, maps: Tensor) -> Tensor:
    """(rows, before, height, width) -> what comes out at the end of a way that was added."""
    for step in way:
        if isinstance(step, Pool):
            maps = step(maps)
        elif isinstance(step, Step):
            maps = module.get_submodule(step.name)(maps)
        else:
            maps = torch.cat([module.get_submodule(one.name)(maps) for one in step], dim=1)
    return maps
