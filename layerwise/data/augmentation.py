"""Augmentation: whole batches of images, moved and changed on their device, each row its own way.

A row's changes depend on (seed, key of the row) alone, the seed being that of the epoch; neither
the batch that it comes in nor the number of processes has a say. Only mixup and cutmix look at
other rows, and so need whole batches.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from layerwise.contracts import Batch
from layerwise.data.row_chance import uniforms
from layerwise.errors import SettingsError

NUMBERS = 17  # of each row; the names say which decides what, and new ones go to the end
FLIP, FLIP_VERTICAL, DOWN, RIGHT, ROTATE, SCALE, SHEAR, BRIGHTNESS, CONTRAST = range(9)
ERASE, ERASE_HEIGHT, ERASE_WIDTH, ERASE_TOP, ERASE_LEFT, MIX, MIX_TOP, MIX_LEFT = range(9, NUMBERS)
QUANTILES = 4096  # of a beta distribution, from which shares are taken


@dataclass(frozen=True)
class Augment:
    """Changes images as they are learned; masks (rows, height, width) move with their images.

    Flips and moves by whole pixels copy pixels as they are, and come first. Turning, scaling and
    shearing are one interpolation (bilinear; masks take the nearest pixel). What comes in from
    outside is the nearest pixel of the border.

    Parameters
    ----------
    flip : bool
        Left and right are swapped in every second image, by chance.
    flip_vertical : bool
        The same for top and bottom.
    crop : int
        The image is padded by so many pixels on each side, and cropped again at random.
    shift : float
        Largest move, as a share of the side, by whole pixels.
    rotate : float
        Largest turn, in degrees.
    scale : float
        Largest change of size: 0.1 is from 1 / 1.1 to 1.1.
    shear : float
        Largest shear, in degrees.
    brightness : float
        Largest amount that is added to all pixels, in units of the network's inputs (of
        standardized ones: deviations over the training rows).
    contrast : float
        Largest change of the distance of pixels to the image's mean: 0.2 is from 0.8 to 1.2 times.
    erase : float
        Largest height and width, as shares, of a rectangle that is set to 0, which in standardized
        inputs is the mean (Zhong et al. 2017, "Random erasing"); in every second image.
    mixup : float
        An image becomes a weighted mean of itself and another one of the batch, its classes
        likewise; the weight is drawn from Beta(mixup, mixup) (Zhang et al. 2018, equation 1).
    cutmix : float
        A rectangle of the image comes from another one of the batch, and of its classes as much;
        its area is drawn from Beta(cutmix, cutmix) (Yun et al. 2019, equations 1 and 2).
    classes : int
        Number of classes, filled in from the data, for mixup and cutmix; 0 where targets are
        numbers.
    """

    flip: bool = False
    flip_vertical: bool = False
    crop: int = 0
    shift: float = 0.0
    rotate: float = 0.0
    scale: float = 0.0
    shear: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    erase: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    classes: int = 0

    def __post_init__(self):
        for name, (must, fits) in LIMITS.items():
            value = getattr(self, name)
            if not (type(value) in (int, float) and fits(value)):
                raise SettingsError(f"--augment.{name} must be {must}, got {value!r}.")
        for name in ("flip", "flip_vertical"):
            if not isinstance(getattr(self, name), bool):
                raise SettingsError(
                    f"--augment.{name} must be true or false, got {getattr(self, name)!r}."
                )
        if self.mixup and self.cutmix:
            raise SettingsError(
                "--augment.mixup and --augment.cutmix both mix an image with another one. Leave "
                "one of them out."
            )

    @property
    def splittable(self) -> bool:
        """Whether pieces of a batch give what the whole batch would."""
        return not (self.mixup or self.cutmix)

    def __call__(self, batch: Batch, seed: int) -> Batch:
        """The batch with every row changed by its own random numbers.

        batch : inputs (rows, channels, height, width); targets class codes, numbers, or masks
            (rows, height, width) int64; its keys say which rows these are
        seed : of this epoch
        returns : inputs in the same layout; after mixup and cutmix class codes have become chances
            (rows, classes)
        """
        inputs, targets = batch.inputs, batch.targets
        assert isinstance(inputs, Tensor) and inputs.ndim == 4, "augmentation is for images"
        assert batch.keys is not None, "augmentation needs to know which row is which"
        masks = targets if targets is not None and _are_masks(targets) else None
        if masks is not None and self.mixup:
            raise SettingsError(
                "--augment.mixup blends two images, and masks cannot be blended. Use "
                "--augment.cutmix, which pastes both, or leave it out."
            )
        last = inputs.is_contiguous(memory_format=torch.channels_last)
        layout = torch.channels_last if last else torch.contiguous_format
        drawn = uniforms(seed, batch.keys, NUMBERS)
        inputs, masks = self._moved(inputs, masks, drawn)
        inputs, masks = self._bent(inputs, masks, drawn)
        if self.contrast or self.brightness or self.erase:
            inputs = inputs.clone() if inputs is batch.inputs else inputs
            self._recolour(inputs, drawn)
            self._erase(inputs, drawn)
        targets, weight = targets if masks is None else masks, batch.weight
        if not self.splittable:
            inputs, targets, weight = self._mixed(inputs, targets, weight, drawn)
        inputs = inputs.contiguous(memory_format=layout)
        return Batch(inputs, targets, weight, batch.done, batch.keys)

    def record(self) -> dict[str, Any]:
        """The options that do something, as JSON values."""
        chosen = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in chosen.items() if value and name != "classes"}

    def in_words(self) -> str:
        """Such as "flip, crop 4"; "none" where nothing is changed."""
        shown = [name if value is True else f"{name} {value:g}" for name, value in
                 self.record().items()]  # fmt: skip
        return ", ".join(shown) or "none"

    def _moved(self, images: Tensor, masks: Tensor | None, drawn: Tensor):
        """Flips and moves by whole pixels, as one copy."""
        height, width = images.shape[2:]
        down, right = (self.crop + round(self.shift * side) for side in (height, width))
        if not (down or right or self.flip or self.flip_vertical):
            return images, masks
        y = _places(
            height, _whole(drawn[:, DOWN], down), self.flip_vertical, drawn[:, FLIP_VERTICAL]
        )
        x = _places(width, _whole(drawn[:, RIGHT], right), self.flip, drawn[:, FLIP])
        moved = _pixels(images, y, x)
        return moved, masks if masks is None else _pixels(masks[:, None], y, x)[:, 0]

    def _bent(self, images: Tensor, masks: Tensor | None, drawn: Tensor):
        """Turned, scaled and sheared about the middle, in one interpolation."""
        if not (self.rotate or self.scale or self.shear):
            return images, masks
        height, width = images.shape[2:]
        grid = _grid(self._matrices(drawn, height, width).to(images.dtype), height, width)
        bent = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
        if masks is not None:
            found = F.grid_sample(
                masks[:, None].double(), grid.double(), mode="nearest", padding_mode="border",
                align_corners=False,
            )  # fmt: skip
            masks = found[:, 0].to(masks.dtype)
        return bent, masks

    def _matrices(self, drawn: Tensor, height: int, width: int) -> Tensor:
        """From places in the result to places in the image, both from -1 to 1; (rows, 2, 2)."""
        angle = math.radians(self.rotate) * _signed(drawn[:, ROTATE])
        shear = torch.tan(math.radians(self.shear) * _signed(drawn[:, SHEAR]))
        smaller = (1 + self.scale) ** -_signed(drawn[:, SCALE])
        cosine, sine = torch.cos(angle) * smaller, torch.sin(angle) * smaller
        turn = torch.stack(
            [cosine, cosine * shear - sine, sine, sine * shear + cosine], dim=1
        ).view(-1, 2, 2)
        sides = drawn.new_tensor([width, height])  # places are from -1 to 1 along both
        return turn * sides / sides[:, None]

    def _recolour(self, images: Tensor, drawn: Tensor) -> None:
        """Change contrast and brightness in place, as new memory costs more than the sums."""
        if self.contrast:
            mean = _per_image(_mean(images), images)
            factor = 1 + self.contrast * _signed(drawn[:, CONTRAST])
            images.sub_(mean).mul_(_per_image(factor, images)).add_(mean)
        if self.brightness:
            images.add_(_per_image(self.brightness * _signed(drawn[:, BRIGHTNESS]), images))

    def _erase(self, images: Tensor, drawn: Tensor) -> None:
        if not self.erase:
            return
        height, width = images.shape[2:]
        is_erased = drawn[:, ERASE] < 0.5
        box = _box(
            (1 - drawn[:, ERASE_HEIGHT]) * self.erase * is_erased * height,
            (1 - drawn[:, ERASE_WIDTH]) * self.erase * is_erased * width,
            drawn[:, ERASE_TOP] * height, drawn[:, ERASE_LEFT] * width, height, width,
        )  # fmt: skip
        images.masked_fill_(box[:, None], 0.0)

    def _mixed(self, images: Tensor, targets: Tensor | None, weight: Tensor | None, drawn: Tensor):
        """Mixup or cutmix; each row's partner is the row before it in the batch."""
        assert targets is not None, "mixing needs targets"
        quantiles = _beta_quantiles(self.mixup or self.cutmix).to(drawn)
        own = quantiles[(drawn[:, MIX] * QUANTILES).long()]
        if self.mixup:
            images = torch.lerp(images.roll(1, 0), images, _per_image(own, images))
        else:
            height, width = images.shape[2:]
            side = (1 - own).sqrt()
            box = _box(
                side * height, side * width, drawn[:, MIX_TOP] * height,
                drawn[:, MIX_LEFT] * width, height, width,
            )  # fmt: skip
            images = torch.where(box[:, None], images.roll(1, 0), images)
            own = 1 - box.double().mean(dim=(1, 2))
            if _are_masks(targets):
                return images, torch.where(box, targets.roll(1, 0), targets), weight
        chances = _as_chances(targets, self.classes)
        share = own.to(chances.dtype).reshape(-1, *[1] * (chances.ndim - 1))
        targets = torch.lerp(chances.roll(1, 0), chances, share)
        if weight is not None:
            weight = torch.lerp(weight.roll(1, 0), weight, own.to(weight.dtype))
        return images, targets, weight


LIMITS = {  # option -> what it must be, in words and as a test
    "crop": ("a whole number of pixels, not negative", lambda v: isinstance(v, int) and v >= 0),
    "shift": ("a share of the side, from 0 to below 1", lambda v: 0 <= v < 1),
    "rotate": ("degrees from 0 to 180", lambda v: 0 <= v <= 180),
    "scale": ("a number, not negative", lambda v: 0 <= v < math.inf),
    "shear": ("degrees from 0 to below 90", lambda v: 0 <= v < 90),
    "brightness": ("a number, not negative", lambda v: 0 <= v < math.inf),
    "contrast": ("a number from 0 to 1", lambda v: 0 <= v <= 1),
    "erase": ("a share of the side, from 0 to 1", lambda v: 0 <= v <= 1),
    "mixup": ("a number, not negative", lambda v: 0 <= v < math.inf),
    "cutmix": ("a number, not negative", lambda v: 0 <= v < math.inf),
}


def _are_masks(targets: Tensor) -> bool:
    return targets.ndim == 3 and not targets.is_floating_point()


def _signed(drawn: Tensor) -> Tensor:
    """Even numbers from 0 to 1 as such from -1 to 1."""
    return 2 * drawn - 1


def _whole(drawn: Tensor, most: int) -> Tensor:
    """Even numbers from 0 to 1 as whole ones from -most to most."""
    return (drawn * (2 * most + 1)).long() - most


def _per_image(values: Tensor, images: Tensor) -> Tensor:
    return values.to(images.dtype).reshape(-1, 1, 1, 1)


def _mean(images: Tensor) -> Tensor:
    """Mean of each image, float64, by whole numbers: no order of summing changes its bits."""
    whole = (images * 2.0**20).long().sum(dim=(1, 2, 3))
    return whole.double() / (2.0**20 * images[0].numel())


def _places(side: int, moves: Tensor, flips: bool, drawn: Tensor) -> Tensor:
    """Which place of the image comes to each place of the result; (rows, side)."""
    places = torch.arange(side, device=moves.device)
    if flips:
        places = torch.where(drawn[:, None] < 0.5, places.flip(0), places)
    return (places + moves[:, None]).clamp_(0, side - 1)


def _grid(matrices: Tensor, height: int, width: int) -> Tensor:
    """Where each pixel of the result comes from, for ``grid_sample``; (rows, height, width, 2).

    What torch's ``affine_grid`` gives without a move, ten times as fast on a processor.
    """
    x, y = (
        (torch.arange(side, device=matrices.device, dtype=matrices.dtype) * 2 + 1) / side - 1
        for side in (width, height)
    )
    grid = matrices.new_empty(len(matrices), height, width, 2)
    for axis in (0, 1):
        along, across = matrices[:, axis, :1] * x, matrices[:, axis, 1:] * y
        torch.add(along[:, None, :], across[:, :, None], out=grid[..., axis])
    return grid


def _pixels(images: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """The pixels at rows y (rows, height) and columns x (rows, width), in the layout given."""
    rows, channels, height, width = images.shape
    if channels > 1 and images.is_contiguous(memory_format=torch.channels_last):
        first = torch.arange(0, rows * height, height, device=y.device)[:, None]
        places = ((first + y) * width)[:, :, None] + x[:, None, :]
        flat = images.permute(0, 2, 3, 1).reshape(-1, channels)
        found = flat.index_select(0, places.view(-1))
        return found.view(rows, height, width, channels).permute(0, 3, 1, 2)
    places = ((y * width)[:, :, None] + x[:, None, :]).view(rows, 1, -1)
    flat = images.reshape(rows, channels, -1)
    return flat.gather(2, places.expand_as(flat)).view(images.shape)


def _box(
    tall: Tensor, broad: Tensor, middle_y: Tensor, middle_x: Tensor, height: int, width: int
) -> Tensor:
    """True within a rectangle about a middle, cut at the border; (rows, height, width)."""
    y = torch.arange(height, device=tall.device) + 0.5
    x = torch.arange(width, device=tall.device) + 0.5
    inside_y = (y - middle_y[:, None]).abs() < tall[:, None] / 2
    inside_x = (x - middle_x[:, None]).abs() < broad[:, None] / 2
    return inside_y[:, :, None] & inside_x[:, None, :]


def _as_chances(targets: Tensor, classes: int) -> Tensor:
    """Class codes as chances (rows, classes); numbers and labels as they are."""
    if not classes or targets.ndim > 1:
        return targets
    names = torch.arange(classes, device=targets.device)
    return (targets.long()[:, None] == names).to(torch.float32)


@functools.cache
def _beta_quantiles(shape: float) -> Tensor:
    """Of Beta(shape, shape) at the middles of ``QUANTILES`` equal parts; float64."""
    from scipy.special import betaincinv

    parts = (np.arange(QUANTILES) + 0.5) / QUANTILES
    return torch.from_numpy(betaincinv(shape, shape, parts))
