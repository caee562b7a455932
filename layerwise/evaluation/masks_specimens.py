"""What a network that segments says: judged images, the worst and the best, and every class."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from layerwise.data.mask_preparation import MaskPreparation
from layerwise.data.source import Source
from layerwise.evaluation.evaluate import predict
from layerwise.evaluation.intervals import intervals
from layerwise.metrics import Metric, Predictions
from layerwise.metrics.masks import dice_of_classes, image_dice_rows, iou_of_classes

MOST_JUDGED = 1000  # images
EACH = 2  # worst, middle and best images that are drawn
MOST_SIDE = 160  # pixels of a drawn image
MOST_CLASSES = 40  # lines of the table of classes
TABLE = "The images that are drawn"


def show(
    network: nn.Module,
    task: Any,
    preparation: MaskPreparation,
    source: Source,
    rows: np.ndarray,
    *,
    seed: int,
) -> dict[str, Any]:
    """The worst, middle and best judged images by Dice, and the overlaps of every class.

    "pictures" (images, 3, height, width) 0 to 255, "truth" and "said" (images, height, width),
    codes of classes, 255 where none is known.
    """
    chosen = np.asarray(rows)
    if len(chosen) > MOST_JUDGED:
        chosen = chosen[np.linspace(0, len(chosen) - 1, MOST_JUDGED).round().astype(int)]
    some = source.take(chosen)
    said = preparation.in_units(predict(network, task, preparation.dataset(some)))
    every = np.arange(len(chosen))
    judged = Predictions(
        "mask", preparation.target.classes, preparation.truth(some, every),
        preparation.compared(some, every, said),
    )  # fmt: skip
    known = np.flatnonzero(np.isfinite(judged.scores).all(axis=1))
    found: dict[str, Any] = {"sentences": [], "tables": [], "arrays": {}}
    if not len(known):
        return found
    judged = judged.take(known)
    found["tables"].append(_of_classes(judged, seed))
    dice = image_dice_rows(judged)[:, 0]
    places = _worst_to_best(dice)
    drawn = known[places]
    found["tables"].append(_listed(some, chosen, drawn, dice[places]))
    found["arrays"] = _pictures(np.asarray(some.inputs)[drawn], said[drawn])
    found["sentences"].append(
        f"Of {len(known):,} judged images the Dice of single ones is from {dice.min():.3f} to "
        f"{dice.max():.3f}, half of them below {np.median(dice):.3f}; drawn are the worst, those "
        "in the middle, and the best."
    )
    return found


def _worst_to_best(dice: np.ndarray) -> np.ndarray:
    """Places of the worst, middle and best images, worst first."""
    order = np.argsort(dice, kind="stable")
    if len(order) <= 3 * EACH:
        return order
    middle = len(order) // 2 - EACH // 2
    return np.concatenate([order[:EACH], order[middle : middle + EACH], order[-EACH:]])


def _of_classes(judged: Predictions, seed: int) -> dict[str, Any]:
    """The table of classes: share of the pixels, Dice and IoU with intervals over images."""
    shares = judged.truth.sum(axis=0) / judged.truth.sum()
    lines = []
    for code, name in enumerate(judged.classes[:MOST_CLASSES]):
        measures = {
            "dice": Metric(lambda each, code=code: dice_of_classes(each)[code], True, ("mask",)),
            "iou": Metric(lambda each, code=code: iou_of_classes(each)[code], True, ("mask",)),
        }
        scores = intervals(measures, judged, seed=seed)
        lines.append([name, f"{shares[code]:.1%}", *(_in_words(score) for score in scores)])
    return {
        "title": "Every class",
        "columns": ["class", "share of pixels", "Dice (95 % interval)", "IoU (95 % interval)"],
        "rows": lines,
    }


def _in_words(score: Any) -> str:
    if not np.isfinite(score.value):
        return "not there"
    if not np.isfinite(score.low):
        return f"{score.value:.3f}"
    return f"{score.value:.3f} ({score.low:.3f} to {score.high:.3f})"


def _listed(some: Source, rows: np.ndarray, drawn: np.ndarray, dice: np.ndarray) -> dict[str, Any]:
    files = some.frame["file"].to_numpy() if "file" in some.frame else rows
    lines = [
        [str(rows[place]), str(files[place]), f"{value:.3f}"]
        for place, value in zip(drawn, dice, strict=True)
    ]
    return {"title": TABLE, "columns": ["row", "file", "Dice"], "rows": lines}


def _pictures(pixels: np.ndarray, said: np.ndarray) -> dict[str, np.ndarray]:
    """Images, truth and what was said, every so many pixels where they are large."""
    step = -(-max(pixels.shape[2:]) // MOST_SIDE)
    images, codes = torch.from_numpy(pixels[:, :-1]).float(), pixels[:, -1]
    if step > 1:
        images = nn.functional.avg_pool2d(images, step, ceil_mode=True)
    colours = images if images.shape[1] >= 3 else images[:, :1].expand(-1, 3, -1, -1)
    return {
        "pictures": colours[:, :3].numpy(),
        "truth": codes[:, ::step, ::step].astype(np.float32),
        "said": said[:, ::step, ::step].astype(np.float32),
    }
