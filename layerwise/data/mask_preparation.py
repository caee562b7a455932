"""Preparation of images with masks: standardized channels, and how often each class is there."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import asdict
from hashlib import blake2b
from typing import Any

import numpy as np
import torch
from torch import Tensor

from layerwise.contracts import Target
from layerwise.data.encoding import fit_channels
from layerwise.data.mask_dataset import MaskDataset
from layerwise.data.mask_target import IGNORED
from layerwise.data.preparation import as_tensor
from layerwise.data.roles import Roles, load_roles, row_weights
from layerwise.data.source import Source
from layerwise.data.standardize import ImageInputs
from layerwise.errors import DataError

AT_ONCE = 64  # images whose masks are counted at a time


class MaskPreparation:
    """The one way from images and masks to batches, in training and in prediction.

    ``content`` (JSON) says what is done; ``tensors`` holds the constants: mean and scale of each
    channel, and class weights that give every class the same say. ``fit`` makes one.
    """

    form = "masks"
    feature_names = ()
    categories = ()
    encodings = ()

    def __init__(self, content: dict, tensors: dict[str, Tensor]):
        self.content, self._tensors = content, tensors
        self.roles: Roles = load_roles(content["roles"])
        self.target = Target("mask", ("mask",), tuple(content["target"]["classes"]))
        self.input_shape: tuple[int, ...] = tuple(content["inputs"]["shape"])
        self.network_inputs = ImageInputs(tensors["mean"], tensors["scale"])

    @classmethod
    def fit(
        cls,
        source: Source,
        roles: Roles,
        target: Target,
        rows: np.ndarray,
        *,
        inputs_as: str = "standard",
    ) -> MaskPreparation:
        """Learn every constant from the training rows ``rows`` and no others.

        Raises DataError where there are none, or where no pixel of their masks has a class.
        """
        if not len(rows):
            raise DataError("There are no training rows. Give smaller fractions or more images.")
        pixels = _pixels(source)
        constants = fit_channels(pixels[:, :-1], np.asarray(rows))
        mean, scale = constants.mean, constants.scale
        if inputs_as != "standard":
            mean, scale = np.zeros_like(mean), np.full_like(scale, 255.0)
        counts = class_pixels(pixels, np.asarray(rows), len(target.classes))
        _check_counts(counts, target)
        weights = np.ones(len(counts))
        weights[counts > 0] = counts.sum() / ((counts > 0).sum() * counts[counts > 0])
        fitted = {"split": "train", "rows": len(rows)}
        content = {
            "inputs": {
                "form": "masks", "shape": [pixels.shape[1] - 1, *pixels.shape[2:]],
                "dtype": "uint8", "categories_as": "", "inputs_as": inputs_as, "fitted": fitted,
            },
            "columns": [],
            "roles": asdict(roles),
            "target": asdict(target) | {"fitted": fitted, "pixels": counts.tolist()},
        }  # fmt: skip
        tensors = {
            "mean": torch.from_numpy(mean), "scale": torch.from_numpy(scale),
            "class_weights": torch.from_numpy(weights.astype(np.float32)),
        }  # fmt: skip
        return cls(content, tensors)

    def to_json(self) -> dict:
        """Roles, classes, and how many training images each constant saw."""
        return copy.deepcopy(self.content)

    def tensors(self) -> dict[str, Tensor]:
        """Every constant: name -> tensor."""
        return dict(self._tensors)

    @property
    def network_options(self) -> dict[str, Any]:
        """Nothing that only the data know."""
        return {}

    @property
    def class_weights(self) -> Tensor:
        """(classes,) float32: weights that give every class the same say; training pixels only."""
        return self._tensors["class_weights"]

    def dataset(self, source: Source) -> MaskDataset:
        """All images of the source with the classes of their pixels, -1 where none is known."""
        self._check_shape(source)
        weight = row_weights(source, self.roles, np.arange(len(source.frame)))
        return MaskDataset(
            as_tensor(_pixels(source)),
            self.network_inputs,
            None if weight is None else torch.from_numpy(weight.astype(np.float32)),
        )

    def truth(self, source: Source, rows: np.ndarray) -> np.ndarray:
        """How many pixels of each class some images have, (rows, classes); NaN without a mask."""
        classes, found = len(self.target.classes), []
        for some in _blocks(len(rows)):
            masks = _pixels(source)[rows[some], -1]
            found.append(_unless_unknown(_counts(masks, classes), masks))
        return np.concatenate(found) if found else np.empty((0, classes))

    def compared(self, source: Source, rows: np.ndarray, said: np.ndarray) -> np.ndarray:
        """What ``said`` (rows, height, width) about some images comes to, (rows, 2 x classes).

        First how many pixels each class was said of, among those whose class is known, then how
        many of these rightly, NaN without a mask. Without one the first count all pixels.
        """
        classes, said, found = len(self.target.classes), np.asarray(said), []
        for some in _blocks(len(rows)):
            masks = _pixels(source)[rows[some], -1]
            unmasked = (masks == IGNORED).all(axis=(1, 2))
            known = (masks != IGNORED) | unmasked[:, None, None]
            right = _counts(np.where(said[some] == masks, masks, IGNORED), classes)
            counts = _counts(np.where(known, said[some], IGNORED), classes)
            found.append(np.concatenate([counts, _unless_unknown(right, masks)], axis=1))
        return np.concatenate(found) if found else np.empty((0, 2 * classes))

    def in_units(self, outputs: Tensor) -> np.ndarray:
        """Codes of classes (rows, height, width) as they are, uint8."""
        return outputs.numpy()

    def check(self, source: Source) -> tuple[str, ...]:
        """What is odd about a source. DataError where there are no images, or of another shape."""
        if not len(source.frame):
            raise DataError(f"{source.name} has no images.")
        self._check_shape(source)
        strange = sorted(set(source.options.get("classes", ())) - set(self.target.classes))
        if strange:
            raise DataError(
                f"The masks of {source.name} have the class {strange[0]}, which training did not "
                f"know. Its classes are: {', '.join(self.target.classes)}."
            )
        return ()

    def fingerprints(self, source: Source) -> np.ndarray:
        """One number per image that its pixels decide, not its mask; (rows,) uint64."""
        pixels = _pixels(source)
        marks = [blake2b(row[:-1].tobytes(), digest_size=8).digest() for row in pixels]
        return np.frombuffer(b"".join(marks), dtype="<u8").astype(np.uint64)

    def fitted_in_words(self) -> dict[str, str]:
        """Channel -> its mean and scale, and the training images that they saw."""
        rows = self.content["inputs"]["fitted"]["rows"]
        constants = (self._tensors[name].tolist() for name in ("mean", "scale"))
        return {
            f"channel {place}": f"mean {mean:.4g}, scale {scale:.4g}, from {rows:,} training images"
            for place, (mean, scale) in enumerate(zip(*constants, strict=True), start=1)
        }

    def _check_shape(self, source: Source) -> None:
        shape = (_pixels(source).shape[1] - 1, *_pixels(source).shape[2:])
        if shape != self.input_shape:
            raise DataError(
                f"The images of {source.name} are of shape {shape} (channels, height, width), "
                f"those of training of {self.input_shape}. Read them with the same "
                "--data.image_size and --data.image_mode."
            )


def class_pixels(pixels: np.ndarray, rows: np.ndarray, classes: int) -> np.ndarray:
    """How many pixels of some rows each class has, (classes,) int64."""
    total = np.zeros(classes, np.int64)
    for some in _blocks(len(rows)):
        masks = pixels[rows[some], -1]
        total += np.bincount(masks.reshape(-1), minlength=IGNORED + 1)[:classes]
    return total


def _blocks(rows: int) -> Iterator[slice]:
    return (slice(first, first + AT_ONCE) for first in range(0, rows, AT_ONCE))


def _pixels(source: Source) -> np.ndarray:
    """(rows, channels + 1, height, width) uint8, the codes of the classes last."""
    assert source.inputs is not None
    return np.asarray(source.inputs)


def _counts(masks: np.ndarray, classes: int) -> np.ndarray:
    """How many pixels of each image have each class, (rows, classes) float64."""
    return np.stack([(masks == code).sum(axis=(1, 2)) for code in range(classes)], 1).astype(float)


def _unless_unknown(counts: np.ndarray, masks: np.ndarray) -> np.ndarray:
    known = (masks != IGNORED).any(axis=(1, 2))
    return np.where(known[:, None], counts, np.nan)


def _check_counts(counts: np.ndarray, target: Target) -> None:
    """Raise where the training masks have fewer than two classes."""
    present = [name for name, pixels in zip(target.classes, counts, strict=True) if pixels]
    if len(present) < 2:
        only = f"only the class {present[0]}" if present else "no class"
        raise DataError(
            f"The masks of the training rows have {only}: there "
            "is nothing to tell apart. Give more images, or other parts with --seed."
        )
