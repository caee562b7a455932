"""Simple segmentation: the commonest class, Otsu's threshold, logistic regression of pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from layerwise.data.mask_preparation import MaskPreparation, class_pixels
from layerwise.data.mask_target import IGNORED
from layerwise.data.source import Source
from layerwise.errors import SettingsError, nearest
from layerwise.evaluation.baselines import BaselineResult

NAMES = ("majority_class", "otsu", "pixel_logistic")
LEVELS = 256  # of grey
AT_ONCE = 8  # images
MOST_JUDGED = 200  # training images that choose Otsu's rule
MOST_PIXELS = 100_000  # training pixels of the logistic regression
AROUND = (5, 15)  # sides of the squares around a pixel whose mean and deviation it sees
ITERATIONS = 200  # of lbfgs


def fit(
    names: Sequence[str],
    source: Source,
    preparation: MaskPreparation,
    parts: np.ndarray,
    *,
    seconds: float,
    seed: int,
) -> list[BaselineResult]:
    """Segment every image by simple methods.

    Parameters
    ----------
    names : sequence of str
        "majority_class": of the training pixels. "otsu": a threshold of grey values. In each image
        or one for all, and which side is the second class, is chosen on training images.
        "pixel_logistic": each pixel by its colours and those around it.
    source, preparation : Source, MaskPreparation
        Images and masks, and how they become numbers.
    parts : array of str
        (rows,); what is fitted sees the rows with "train".
    seconds : float
        For all of them together; what finds no time says so.
    seed : int
        Of the pixels that the logistic regression learns from.

    Returns
    -------
    list of BaselineResult
        Scores are pixel counts as ``MaskPreparation.compared`` gives them.
    """
    train, ends, found = np.flatnonzero(np.asarray(parts) == "train"), monotonic() + seconds, []
    for name in names:
        if name not in NAMES:
            raise SettingsError(f"There is no baseline '{name}' of masks.{nearest(name, NAMES)}")
        began = monotonic()
        say, note = _fitted(name, source, preparation, train, ends, seed)
        scores = _judged(source, preparation, say)
        found.append(BaselineResult(name, scores, monotonic() - began, note))
    return found


Says = Callable[[np.ndarray], np.ndarray]  # images (rows, channels, height, width) -> codes


def _fitted(
    name: str, source: Source, preparation: MaskPreparation, train: np.ndarray, ends: float,
    seed: int,
) -> tuple[Says | None, str]:  # fmt: skip
    """What a method says of images, None where it was not fitted; and a note."""
    classes = len(preparation.target.classes)
    pixels = np.asarray(source.inputs)
    if not len(train):
        return None, "Not fitted: there are no training images."
    if name == "majority_class":
        code = int(class_pixels(pixels, train, classes).argmax())
        return lambda images: np.full(images[:, 0].shape, code, np.uint8), (
            f"'{preparation.target.classes[code]}' for every pixel."
        )
    if monotonic() > ends:
        return None, "Not fitted: no time was left."
    if name == "otsu":
        if classes != 2:
            return None, f"Not fitted: a threshold makes two classes, here are {classes}."
        return choose_otsu(pixels[train[:: max(1, len(train) // MOST_JUDGED)]])
    return _logistic(pixels, preparation, train, seed)


def _judged(source: Source, preparation: MaskPreparation, say: Says | None) -> np.ndarray:
    """Pixel counts of all rows, (rows, 2 x classes)."""
    rows, classes = np.arange(len(source.frame)), len(preparation.target.classes)
    if say is None:
        return np.full((len(rows), 2 * classes), np.nan)
    pixels = np.asarray(source.inputs)
    blocks = np.array_split(rows, max(1, len(rows) // AT_ONCE))
    counts = [preparation.compared(source, some, say(pixels[some, :-1])) for some in blocks]
    return np.concatenate(counts)


def otsu(grey: np.ndarray) -> int:
    """Give the threshold that parts grey values best: those above it are one side.

    Source: Otsu 1979, "A threshold selection method from gray-level histograms", IEEE Trans. SMC
    9, eq. 18: the variance between both sides, w0 w1 (m0 - m1)^2, is largest.

    grey : uint8, of any shape
    """
    counts = np.bincount(grey.reshape(-1), minlength=LEVELS).astype(float)
    below = counts.cumsum()
    sums = (counts * np.arange(LEVELS)).cumsum()
    above, total = below[-1] - below, sums[-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (total - sums) / above) ** 2
    return int(np.nan_to_num(between).argmax())


def grey_of(images: np.ndarray) -> np.ndarray:
    """Grey values (rows, height, width) uint8 of images (rows, channels, height, width)."""
    if images.shape[1] < 3:
        return images[:, 0]
    weights = np.array([0.299, 0.587, 0.114], np.float32)  # of ITU-R BT.601
    grey = [np.tensordot(weights, image[:3].astype(np.float32), 1) for image in images]
    return np.round(grey).astype(np.uint8)


def choose_otsu(pixels: np.ndarray) -> tuple[Says, str]:
    """Give the rule with the best Dice on training images, and what it is.

    pixels : (rows, channels + 1, height, width) uint8, the codes of the classes last
    """
    grey, masks = grey_of(pixels[:, :-1]), pixels[:, -1]
    overall = otsu(grey)
    rules = {
        f"{where}, {side}": (threshold, side)
        for where, threshold in (("in each image", None), (f"at {overall} in all", overall))
        for side in ("what is brighter", "what is darker", "the smaller side")
    }
    scores = {name: _dice(_sides(grey, *rule), masks) for name, rule in rules.items()}
    best = max(scores, key=lambda name: scores[name])
    note = (
        f"The threshold {best}: of {len(rules)} rules the best on {len(grey)} training images "
        f"(Dice {scores[best]:.3f})."
    )
    return lambda images: _sides(grey_of(images), *rules[best]), note


def _sides(grey: np.ndarray, threshold: int | None, side: str) -> np.ndarray:
    """Codes of the second class on one side of a threshold, (rows, height, width) uint8."""
    limits = [otsu(image) if threshold is None else threshold for image in grey]
    bright = grey > np.array(limits).reshape(-1, 1, 1)
    if side == "what is darker":
        bright = ~bright
    if side == "the smaller side":
        most = bright.mean(axis=(1, 2), keepdims=True) > 0.5
        bright = bright ^ most
    return bright.astype(np.uint8)


def _dice(said: np.ndarray, masks: np.ndarray) -> float:
    """Overlap with the second class over all known pixels."""
    known = masks != IGNORED
    said, true = (said == 1) & known, masks == 1
    total = said.sum() + true.sum()
    return float(2 * (said & true).sum() / total) if total else 0.0


def _logistic(
    pixels: np.ndarray, preparation: MaskPreparation, train: np.ndarray, seed: int
) -> tuple[Says | None, str]:
    """Logistic regression on an even share of pixels of every training image."""
    from sklearn.linear_model import LogisticRegression  # half a second to import

    generator = np.random.default_rng(seed)
    each = max(1, MOST_PIXELS // len(train))
    rows, codes = [], []
    for some in np.array_split(train, max(1, len(train) // AT_ONCE)):
        numbers = features(preparation.network_inputs(torch.from_numpy(pixels[some, :-1])))
        for image, mask in zip(numbers, pixels[some, -1].reshape(len(some), -1), strict=True):
            known = np.flatnonzero(mask != IGNORED)
            chosen = generator.choice(known, min(each, len(known)), replace=False)
            rows.append(image.reshape(len(image), -1)[:, torch.from_numpy(chosen)].T.numpy())
            codes.append(mask[chosen])
    inputs, answers = np.concatenate(rows), np.concatenate(codes)
    if len(np.unique(answers)) < 2:
        return None, "Not fitted: the pixels that were drawn have one class."
    model: Any = LogisticRegression(max_iter=ITERATIONS).fit(inputs, answers)
    note = f"Fitted on {len(answers):,} pixels of {len(train)} images, {inputs.shape[1]} numbers."
    return lambda images: _by_pixel(model, preparation, images), note


def _by_pixel(model: Any, preparation: MaskPreparation, images: np.ndarray) -> np.ndarray:
    """The likeliest class of every pixel, (rows, height, width) uint8."""
    found = []
    for numbers in features(preparation.network_inputs(torch.from_numpy(images))):
        said = model.predict(numbers.reshape(len(numbers), -1).T.numpy())
        found.append(said.reshape(images.shape[2:]))
    return np.stack(found).astype(np.uint8)


def features(inputs: Tensor) -> Tensor:
    """What a pixel is told by: its channels, and mean and deviation of squares around it.

    inputs : (rows, channels, height, width), as the network sees them
    returns : (rows, channels x 5, height, width)
    """
    found = [inputs]
    for side in AROUND:
        padded = F.pad(torch.cat([inputs, inputs**2], dim=1), [side // 2] * 4, mode="replicate")
        mean, square = F.avg_pool2d(padded, side, stride=1).chunk(2, dim=1)
        found += [mean, (square - mean**2).clamp(min=0).sqrt()]
    return torch.cat(found, dim=1)
