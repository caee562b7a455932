"""Style transfer: a picture with the content of one photograph and the style of another.

The picture itself is what is learned: it is the one parameter of a small network, and what it is to
look like is a task, so that the engine descends as for any other network.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from layerwise.contracts import Batch, Loss

CONTENT = "conv4_2"  # Gatys et al. 2016, section 2.4
CONTENT_OF_RANDOM = "conv2_1"  # deeper maps of random weights no longer tell where things are
STYLE = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's colours, 0 to 1


class Picture(nn.Module):
    """Pixels (1, 3, height, width) from 0 to 1, which are learned; no inputs are looked at."""

    def __init__(self, start: Tensor):
        super().__init__()
        self.pixels = nn.Parameter(start.clone())

    def forward(self, inputs: Tensor) -> Tensor:
        """(rows, ...) -> (1, 3, height, width)."""
        return self.pixels


class Stylize:
    """Make a picture whose maps are those of the content, and whose maps' products are the style's.

    Source: Gatys, Ecker and Bethge 2016, "Image style transfer using convolutional neural
    networks", CVPR, equations 1 to 7. Pooling is by the mean, as they advise. Departures: both
    distances are divided by the size of what they are from, so that no layer's scale decides and
    one weight does for trained and for random networks; and neighbouring pixels may be held
    together (Mahendran and Vedaldi 2015, "Understanding deep image representations by inverting
    them", CVPR, equation 5 with exponent 2).

    Parameters
    ----------
    features : nn.Sequential
        Convolutions, ReLUs and poolings of a VGG.
    content, style : Tensor
        (1, 3, height, width) from 0 to 1, each of its own size.
    style_weight : float
        What the style counts, the content counting 1.
    smoothness : float
        What the mean squared difference of neighbouring pixels counts.
    content_layer : str
        Layer whose maps are the content, such as "conv4_2".
    """

    def __init__(
        self,
        features: nn.Sequential,
        content: Tensor,
        style: Tensor,
        *,
        style_weight: float,
        smoothness: float,
        content_layer: str = CONTENT,
    ):
        self.layers = named_layers(features)
        self.style_weight, self.smoothness = style_weight, smoothness
        self.content_layer = content_layer
        with torch.no_grad():
            self.content = self.maps(content)[content_layer]
            painted = self.maps(style)
            self.grams = {name: gram(painted[name]) for name in STYLE}

    def losses(self, network: nn.Module, batch: Batch) -> Iterator[Loss]:
        """Yield one loss: distance of the content, and weighted those of style and neighbours."""
        picture = network(batch.inputs)
        maps = self.maps(picture)
        content = relative_distance(maps[self.content_layer], self.content)
        styles = [relative_distance(gram(maps[name]), self.grams[name]) for name in STYLE]
        style = self.style_weight * torch.stack(styles).mean()
        yield Loss(content + style + self.smoothness * roughness(picture), 1.0)

    def outputs(self, network: nn.Module, batch: Batch) -> Tensor:
        """The picture, (1, 3, height, width) from 0 to 1."""
        return network(batch.inputs).clamp(0, 1)

    def maps(self, picture: Tensor) -> dict[str, Tensor]:
        """The maps of the picture in the layers of content and style, (1, maps, ...)."""
        mean, deviation = (
            picture.new_tensor(one).reshape(-1, 1, 1) for one in (MEAN, DEVIATION)
        )  # fmt: skip
        made, found = (picture - mean) / deviation, {}
        for name, layer in self.layers:
            made = layer(made)
            if name in (self.content_layer, *STYLE):
                found[name] = made
        return found


def gram(maps: Tensor) -> Tensor:
    """Products of the maps with each other, meaned over places: equation 3; (maps, maps)."""
    flat = maps.flatten(2)[0]
    return flat @ flat.T / flat.shape[1]


def roughness(picture: Tensor) -> Tensor:
    """Mean squared difference of pixels from those below them and from those beside them."""
    below = picture[..., 1:, :] - picture[..., :-1, :]
    beside = picture[..., 1:] - picture[..., :-1]
    return below.square().mean() + beside.square().mean()


def relative_distance(found: Tensor, wanted: Tensor) -> Tensor:
    """Sum of squared differences, over the sum of squares of what is wanted."""
    return (found - wanted).square().sum() / wanted.square().sum()


def named_layers(features: nn.Sequential) -> list[tuple[str, nn.Module]]:
    """The layers that are needed, with "conv4_2" for the ReLU after that convolution, else ""."""
    block, place, found = 1, 0, []
    for layer in features:
        name = ""
        if isinstance(layer, nn.MaxPool2d):
            block, place = block + 1, 0
            layer = nn.AvgPool2d(2)
        elif isinstance(layer, nn.Conv2d):
            place += 1
        elif isinstance(layer, nn.ReLU):
            name, layer = f"conv{block}_{place}", nn.ReLU()  # not in place: maps are kept
        found.append((name, layer))
        if name == STYLE[-1]:
            break
    return found


class OneRow:
    """A dataset of one row that says nothing: all that is learned from stands in the task."""

    def __len__(self) -> int:
        return 1

    def batch(self, indices: Any) -> Batch:
        """The row."""
        return Batch(torch.zeros(1, 1), torch.zeros(1))
