"""U-Net: an answer for every pixel, from what is there and what lies around it."""

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.errors import SettingsError, nearest
from layerwise.layers.activations import start_weights

CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
NORMS = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
POOLINGS = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}
INTERPOLATIONS = {1: "linear", 2: "bilinear", 3: "trilinear"}
UPS = ("transposed", "interpolation")


class UNet(nn.Module):
    """Convolutions down to coarse maps and up again, the fine maps of the way down beside them.

    Source: Ronneberger, Fischer and Brox 2015, "U-Net: convolutional networks for biomedical
    image segmentation", MICCAI, figure 1. In three dimensions it is that of Cicek et al. 2016. Each
    level has two convolutions with 3 taps per side; going down, sides halve and channels double.
    With width 64, depth 4 and no normalization it has 31,030,658 parameters for one channel and two
    classes, as the paper's.

    The maps keep their size: convolutions pad by one place. Sides that ``2 ** depth`` does not
    divide are extended at both ends by their last values, and the answer is cut to the
    inputs' size. The inputs of ``forward`` may be of any size from ``2 ** depth`` on.

    Parameters
    ----------
    input_shape : tuple of int
        (channels, length), (channels, height, width) or (channels, depth, height, width); each
        side at least ``2 ** depth``.
    output_size : int
        Numbers at every place: classes, or channels of the answer.
    depth : int
        How often the sides are halved.
    width : int
        Channels of the first level; 2 ** depth times as many of the deepest.
    batch_norm : bool
        Normalization between each convolution and its ReLU (Ioffe and Szegedy 2015).
    up : str
        transposed: convolutions that double the sides, as in the paper; interpolation: linear
        interpolation after a convolution of one tap, which draws no chequered pattern (Odena et
        al. 2016, "Deconvolution and checkerboard artifacts").
    dropout : float
        Chance that a number of the deepest maps is silent in a training step.

    Raises
    ------
    SettingsError
        A shape is too small, has no channels, or more than three sides; or an option cannot be.
    """

    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (
            Stage(
                None, "adamw", {"weight_decay": 0.01}, 0.005, "one_cycle", epochs=40, batch_size=8
            ),
        ),
        "historic": (Stage(None, "sgd", {"momentum": 0.99}, 0.001, epochs=40, batch_size=1),),
    }
    historic_options: ClassVar[dict[str, Any]] = {
        "width": 64, "depth": 4, "batch_norm": False, "up": "transposed", "dropout": 0.5,
    }  # fmt: skip
    departures = (
        "Convolutions pad, so that the answer is as large as the image; the paper's lose two "
        "pixels at each, and large images are cut into overlapping tiles.",
        "No weight is put on the borders between touching cells.",
        "Rate, epochs and the chance of dropout are a choice: the paper names only the momentum of "
        "0.99, batches of one tile, and dropout at the end of the way down.",
        "Images are not deformed elastically.",
    )

    answers_pixels = True

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int,
        *,
        depth: int = 4,
        width: int = 16,
        batch_norm: bool = True,
        up: str = "transposed",
        dropout: float = 0.0,
    ):
        super().__init__()
        _check_options(depth, width, up, dropout)
        _check_shape(input_shape, depth)
        self.depth, sides = depth, len(input_shape) - 1
        widths = [width * 2**level for level in range(depth + 1)]
        before = [input_shape[0], *widths[:-1]]
        self.down = nn.ModuleList(
            _block(sides, one, other, batch_norm) for one, other in zip(before, widths, strict=True)
        )
        self.pool = POOLINGS[sides](2)
        self.dropout = nn.Dropout(dropout)
        coarse_first = list(reversed(widths[:-1]))
        self.ups = nn.ModuleList(_up(sides, 2 * one, one, up) for one in coarse_first)
        self.merge = nn.ModuleList(_block(sides, 2 * one, one, batch_norm) for one in coarse_first)
        self.last = CONVOLUTIONS[sides](width, output_size, 1)
        start_weights(self.last, "softmax")

    def forward(self, inputs: Tensor) -> Tensor:
        """(rows, channels, *sides) -> (rows, output_size, *sides)."""
        sides = inputs.shape[2:]
        maps, kept = _extended(inputs, 2**self.depth), []
        for block in self.down[:-1]:
            maps = block(maps)
            kept.append(maps)
            maps = self.pool(maps)
        maps = self.dropout(self.down[-1](maps))
        for up, merge, fine in zip(self.ups, self.merge, reversed(kept), strict=True):
            maps = merge(torch.cat([fine, up(maps)], dim=1))
        return _middle(self.last(maps), sides)


def _block(sides: int, before: int, after: int, batch_norm: bool) -> nn.Sequential:
    """Give two convolutions, each with its normalization where wanted and a ReLU."""
    layers: list[nn.Module] = []
    for channels in (before, after):
        layer = CONVOLUTIONS[sides](channels, after, 3, padding=1, bias=not batch_norm)
        start_weights(layer, "relu")
        layers += [layer, *([NORMS[sides](after)] if batch_norm else []), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def _up(sides: int, before: int, after: int, kind: str) -> nn.Module:
    """Give what doubles the sides of the maps."""
    if kind == "transposed":
        return TRANSPOSED[sides](before, after, 2, 2)
    # one tap and interpolation may change places; this order has less to do
    upsample = nn.Upsample(scale_factor=2, mode=INTERPOLATIONS[sides], align_corners=False)
    return nn.Sequential(CONVOLUTIONS[sides](before, after, 1), upsample)


def _extended(inputs: Tensor, multiple: int) -> Tensor:
    """Inputs whose sides are multiples, by repeating what stands at the ends."""
    pads: list[int] = []
    for side in reversed(inputs.shape[2:]):
        lacking = -side % multiple
        pads += [lacking // 2, lacking - lacking // 2]
    return F.pad(inputs, pads, mode="replicate") if any(pads) else inputs


def _middle(maps: Tensor, sides: torch.Size) -> Tensor:
    """The places that are not from ``_extended``."""
    for place, side in enumerate(sides, start=2):
        lacking = maps.shape[place] - side
        maps = maps.narrow(place, lacking // 2, side) if lacking else maps
    return maps


def _check_options(depth: int, width: int, up: str, dropout: float) -> None:
    for name, value in (("depth", depth), ("width", width)):
        if not isinstance(value, int) or value < 1:
            raise SettingsError(
                f"Option {name} of unet must be a whole number above 0, got {value}."
            )
    if up not in UPS:
        raise SettingsError(f"Option up of unet cannot be '{up}'.{nearest(up, UPS)}")
    if not 0 <= dropout < 1:
        raise SettingsError(f"Option dropout of unet must be from 0 to below 1, got {dropout}.")


def _check_shape(input_shape: tuple[int, ...], depth: int) -> None:
    """Refuse what has no places, or too few to be halved so often."""
    if len(input_shape) - 1 not in CONVOLUTIONS:
        raise SettingsError(
            "U-Net needs images of shape (channels, height, width), or with one or three sides, "
            f"got {tuple(input_shape)}. For a table choose --network mlp."
        )
    smallest, given = min(input_shape[1:]), " x ".join(str(side) for side in input_shape[1:])
    if smallest < 2**depth:
        fitting = smallest.bit_length() - 1
        least = " x ".join([str(2**depth)] * (len(input_shape) - 1))
        shallower = f", or choose --network.depth {fitting}" if fitting else ""
        raise SettingsError(
            f"U-Net of depth {depth} halves each side {depth} times, so it needs at least {least}, "
            f"got {given}. Give larger images{shallower}."
        )
