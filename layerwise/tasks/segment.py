"""Segment: which class every pixel of an image has."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.contracts import Batch, Loss, Target
from layerwise.errors import SettingsError, nearest
from layerwise.layers.losses import row_mean

LOSSES = ("both", "cross_entropy", "dice")
SMOOTH = 1.0  # pixels added to both sides of Dice's ratio, so that an absent class is no 0 / 0


class Segment:
    """Learn the class of each pixel; the network gives one map of log chances per class.

    Source: Ronneberger, Fischer and Brox 2015, "U-Net", eq. 1 (softmax and cross-entropy over
    pixels); the loss on Dice's overlap: Milletari, Navab and Ahmadi 2016, "V-Net", section 3, here
    2 sum(p t) / (sum(p) + sum(t)) without squares, as in Sudre et al. 2017. It cares for small
    objects as for large ones; cross-entropy has the steadier gradient: ``both`` adds them.

    Parameters
    ----------
    target : Target
        Of kind mask.
    loss : str
        both, cross_entropy or dice (1 - Dice, the mean over classes, image by image; of two
        classes that of the second).
    class_weight : tuple of float
        Weight of the pixels of each class in the cross-entropy. () is 1 each.

    Raises
    ------
    SettingsError
        The target is no mask, or an option cannot be.
    """

    form = "masks"
    kinds = ("mask",)
    metrics = ("dice", "iou", "pixel_accuracy", "image_dice")
    baselines = ("majority_class", "otsu", "pixel_logistic")
    rows_at_once = 16  # images in prediction: a network's maps of them are large
    watches_loss = True  # metrics count pixels against masks, which stand beside the outputs
    judged_by = (
        "Overlaps are of pixels counted over all images together, but image_dice; intervals draw "
        "whole images, since the pixels of one are alike."
    )

    def __init__(self, target: Target, *, loss: str = "both", class_weight: tuple[float, ...] = ()):
        if target.kind != "mask":
            raise SettingsError(
                f"The task segment needs images with masks, got a target of kind '{target.kind}'. "
                "Put images into a folder 'images' and their masks into a folder 'masks' beside it."
            )
        if loss not in LOSSES:
            raise SettingsError(f"There is no loss '{loss}' in segment.{nearest(loss, LOSSES)}")
        weights = tuple(class_weight)
        if weights and (
            len(weights) != len(target.classes) or min(weights) < 0 or not any(weights)
        ):
            raise SettingsError(
                "Option class_weight of segment must have one number, not negative, for each of "
                f"{len(target.classes)} classes, got {', '.join(map(str, weights))}."
            )
        self.loss, self.class_weight = loss, weights
        self.output_size = len(target.classes)

    def losses(self, network: nn.Module, batch: Batch) -> Iterator[Loss]:
        """Yield one loss: the mean over images, in nats per pixel, plus 1 - Dice."""
        assert batch.targets is not None
        scores = self._scores(network, batch)
        known = batch.targets >= 0
        codes = batch.targets.clamp(min=0)
        rows = scores.new_zeros(len(scores))
        if self.loss != "dice":
            rows = rows + self._cross_entropy(scores, codes, known)
        if self.loss != "cross_entropy":
            rows = rows + self._missing_overlap(scores, codes, known)
        yield Loss(*row_mean(rows, batch.weight))

    def outputs(self, network: nn.Module, batch: Batch) -> Tensor:
        """The likeliest class of each pixel, (rows, height, width) uint8."""
        return self._scores(network, batch).argmax(dim=1).to(torch.uint8)

    def _scores(self, network: nn.Module, batch: Batch) -> Tensor:
        """(rows, classes, height, width); SettingsError where the network gives something else."""
        images, scores = batch.inputs, network(batch.inputs)
        sides = tuple(images.shape[2:]) if isinstance(images, Tensor) else ()
        if scores.shape[1:] != (self.output_size, *sides):
            raise SettingsError(
                f"To segment, a network must give {self.output_size} maps of "
                f"{' x '.join(map(str, sides))} pixels, one per class, but "
                f"{type(network).__name__} gives {tuple(scores.shape[1:])}. Choose --network unet."
            )
        return scores

    def _cross_entropy(self, scores: Tensor, codes: Tensor, known: Tensor) -> Tensor:
        """Weighted mean of -log of the chance of the true class over each image's pixels."""
        weight = known.to(scores.dtype)
        if self.class_weight:
            weight = weight * scores.new_tensor(self.class_weight)[codes]
        each = F.cross_entropy(scores, codes, reduction="none") * weight
        return each.flatten(1).sum(1) / weight.flatten(1).sum(1).clamp(min=1e-6)

    def _missing_overlap(self, scores: Tensor, codes: Tensor, known: Tensor) -> Tensor:
        """1 - Dice of chances and truth, image by image, the mean over the classes."""
        names = torch.arange(self.output_size, device=codes.device).reshape(-1, 1, 1)
        counts = known.unsqueeze(1).to(scores.dtype)
        truth = (codes.unsqueeze(1) == names).to(scores.dtype) * counts
        chances = torch.softmax(scores, dim=1) * counts
        both = (chances * truth).flatten(2).sum(2)
        all_of_them = chances.flatten(2).sum(2) + truth.flatten(2).sum(2)
        dice = (2 * both + SMOOTH) / (all_of_them + SMOOTH)
        return 1 - dice[:, 1 if self.output_size == 2 else 0 :].mean(dim=1)
