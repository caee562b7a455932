"""Batches of images with the class of every pixel."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from layerwise.contracts import Batch
from layerwise.data.mask_target import IGNORED

UNKNOWN = -1  # a pixel that counts for nothing, in the targets


class MaskDataset:
    """Images (rows, channels, height, width) float32, targets (rows, height, width) int64.

    Pixels stay bytes until a batch is taken. A target of -1 counts for nothing.

    Parameters
    ----------
    pixels : Tensor
        (rows, channels + 1, height, width) uint8, the codes of the classes last.
    prepare : function
        Turns bytes (rows, channels, height, width) into what a network sees.
    weight : Tensor
        (rows,) or None.
    keys : Tensor
        (rows,) row numbers in the source; absent: 0, 1, 2, ...
    """

    def __init__(
        self,
        pixels: Tensor,
        prepare: Callable[[Tensor], Tensor],
        weight: Tensor | None = None,
        keys: Tensor | None = None,
    ):
        self.pixels, self.prepare, self.weight = pixels, prepare, weight
        self.keys = torch.arange(len(pixels)) if keys is None else keys

    def __len__(self) -> int:
        return len(self.pixels)

    def batch(self, indices: Tensor | slice) -> Batch:
        """The rows ``indices`` as one batch."""
        pixels = self.pixels[indices]
        codes = pixels[:, -1].to(torch.int64)
        return Batch(
            inputs=self.prepare(pixels[:, :-1]),
            targets=torch.where(codes == IGNORED, UNKNOWN, codes),
            weight=None if self.weight is None else self.weight[indices],
            keys=self.keys[indices],
        )

    def arrange(self, order: Tensor) -> MaskDataset:
        """The rows ``order`` as a dataset of its own, copied once, still as bytes."""
        weight = None if self.weight is None else self.weight[order]
        return MaskDataset(self.pixels[order], self.prepare, weight, self.keys[order])
