"""Metrics of masks, from pixels counted per image and class, so that images can be drawn anew.

``truth`` (images, classes) counts the pixels that have a class; ``scores`` (images, 2 x classes)
those it was said of, and then those of which it was said rightly. Of two classes the first one is
the background, and overlaps are those of the second; of more they are the mean over all.
"""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from layerwise.metrics.predictions import Predictions


def dice(predictions: Predictions) -> float:
    """Give 2 |A and B| / (|A| + |B|) of said and true pixels, 0 to 1, all images together.

    Dice 1945, "Measures of the amount of ecologic association between species". A class that is
    neither there nor said is left out.
    """
    return _mean_over_classes(dice_of_classes(predictions))


def iou(predictions: Predictions) -> float:
    """Give |A and B| / |A or B| of said and true pixels, 0 to 1, all images together.

    Jaccard 1912; "mean IU" of Long, Shelhamer and Darrell 2015, section 5.
    """
    return _mean_over_classes(iou_of_classes(predictions))


def pixel_accuracy(predictions: Predictions) -> float:
    """Give the share of pixels whose class was said rightly, all images together."""
    true, _, right = _summed(predictions)
    return float(right.sum() / true.sum()) if true.sum() else nan


def image_dice(predictions: Predictions) -> float:
    """Give the mean over images of each one's Dice; see ``image_dice_rows``."""
    total = predictions.weights.sum()
    rows = predictions.once(image_dice_rows)[:, 0]
    return float(predictions.weights @ rows / total) if total else nan


def image_dice_rows(predictions: Predictions) -> np.ndarray:
    """Give the Dice of each image, (images, 1); 1 where nothing is there and nothing was said."""
    true, said, right = _counts(predictions)
    both = true + said
    each = np.divide(2 * right, both, out=np.full_like(both, nan), where=both > 0)
    each = each[:, 1:] if each.shape[1] == 2 else each
    there = np.isfinite(each)
    means = np.where(there, each, 0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    return np.where(there.any(axis=1), means, 1.0)[:, None]


def dice_of_classes(predictions: Predictions) -> np.ndarray:
    """Give the Dice of each class, (classes,); NaN where it is neither there nor said."""
    true, said, right = _summed(predictions)
    return 2 * right / np.where(true + said > 0, true + said, nan)


def iou_of_classes(predictions: Predictions) -> np.ndarray:
    """Give the intersection over union of each class, (classes,); NaN as above."""
    true, said, right = _summed(predictions)
    union = true + said - right
    return right / np.where(union > 0, union, nan)


def _counts(predictions: Predictions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels that have each class, that it was said of, and both; (images, classes) each."""
    classes = predictions.truth.shape[1]
    return predictions.truth, predictions.scores[:, :classes], predictions.scores[:, classes:]


def _summed(predictions: Predictions) -> list[np.ndarray]:
    """The same over all images by weight, (classes,) each."""
    return [predictions.weights @ counts for counts in _counts(predictions)]


def _mean_over_classes(each: np.ndarray) -> float:
    each = each[1:] if len(each) == 2 else each
    known = each[np.isfinite(each)]
    return float(known.mean()) if len(known) else nan
