"""Figure: training images as the network saw them in the first epochs, changed by chance."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.colors import to_rgb
from pandas import DataFrame

from layerwise.report.draw_unlabelled import sheet
from layerwise.report.figures import COLOURS, Drawing
from layerwise.report.record import Record

TINT = 0.45  # share of the colour of a mask


def draw_augmented(record: Record) -> Iterator[Drawing]:
    """A line for each image: itself, then as it came in epochs 1, 2, ...; nothing without them."""
    made = record.augmented or {}
    if "sheet" not in made:
        return
    known = made["sheet"][:, 0]
    images = made["sheet"].clip(known.min(), known.max())  # as bright as screens can be
    rows, times = images.shape[:2]
    options = record.plan.get("augment") or {}
    how = ", ".join(k if v is True else f"{k} {v}" for k, v in options.items())
    caption = (
        f"Training images: on the left as they are, then as they came in epochs 1 to {times - 1} "
        f"({how}). Validation and test rows are never changed."
    )
    masks = made.get("masks")
    if masks is not None:
        caption += " The classes of their masks are tinted."
        images = np.stack([_tinted(*pair) for pair in zip(images, masks, strict=True)])
    pixels = made["sheet"].reshape(rows * times, -1)
    numbers = DataFrame(  # the pixels themselves would be megabytes of text
        {
            "image": np.repeat(np.arange(rows), times),
            "epoch": np.tile(np.arange(times), rows),
            "mean": pixels.mean(axis=1),
            "deviation": pixels.std(axis=1),
        }
    )
    yield Drawing(
        "augmented", "training", "Augmented images", caption, sheet(list(images)), numbers,
        wide=True,
    )  # fmt: skip


def _tinted(images: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Images (n, channels, height, width) in colour, with every class but the first tinted."""
    low, high = images.min(), images.max()
    shown = (images - low) / max(float(high - low), 1e-12)
    if shown.shape[1] != 3:
        shown = np.repeat(shown.mean(axis=1, keepdims=True), 3, axis=1)
    names = ("orange", "blue", "green", "purple", "teal", "gold", "pink", "brown")
    for code in range(1, int(masks.max()) + 1):
        colour = np.array(to_rgb(COLOURS[names[(code - 1) % len(names)]])).reshape(3, 1, 1)
        inside = (masks == code)[:, None]
        shown = np.where(inside, (1 - TINT) * shown + TINT * colour, shown)
    return shown
