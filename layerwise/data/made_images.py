"""Made images of the size of ImageNet's, for measurements of speed: they take next to no memory."""

from typing import Any

import numpy as np
from pandas import DataFrame

from layerwise.data.source import Source
from layerwise.errors import SettingsError

SIDE = 224  # pixels
COUNT, CLASSES = 2000, 10
STEP = 8  # pixels from one image to the next; fewer where there are many
MOST_BYTES = 1 << 28  # of the strip


def synthetic_imagenet(options: dict) -> Source:
    """Images (count, 3, 224, 224) uint8 of several classes, told apart by colour and stripes.

    All are windows into one long strip, each some pixels to the right of the one before: an image
    is drawn when it is looked at, and 2,000 of them take 11 MB in place of 301 MB (or 1.2 GB as
    float32). The same options give the same images; neighbours overlap, so that nothing can be
    learned about accuracy.

    options : "count" images and "classes", whole numbers; 2,000 and 10 without them
    """
    count = _whole(options, "count", COUNT, 1)
    classes = _whole(options, "classes", CLASSES, 1)
    if classes > count:
        raise SettingsError(f"--data.classes is {classes:,}, more than --data.count {count:,}.")
    step = max(1, min(STEP, MOST_BYTES // (3 * SIDE * count)))
    strip = _strip(count, classes, step)
    images = np.lib.stride_tricks.sliding_window_view(strip, SIDE, axis=2)[:, :, ::step]
    images = images[:, :, :count].transpose(2, 0, 1, 3)
    frame = DataFrame({"label": _codes(np.arange(count), count, classes)})
    return Source(
        "synthetic_imagenet", frame, images, ("label",),
        about=f"made: {count:,} images of {SIDE} x {SIDE} pixels in {classes:,} classes, for speed",
        options={"count": count, "classes": classes},
    )  # fmt: skip


def _strip(count: int, classes: int, step: int) -> np.ndarray:
    """(3, 224, length) uint8: noise on stripes and a colour of the class of each place."""
    generator = np.random.default_rng(0)
    length = SIDE + step * (count - 1)
    places = np.arange(length)
    codes = _codes(np.minimum(places // step, count - 1), count, classes)
    colours = generator.uniform(60, 195, (3, classes))[:, codes]  # (3, length)
    waves = 30 * np.sin(2 * np.pi * places / (6 + codes % 29))
    strip = np.empty((3, SIDE, length), dtype=np.uint8)
    for row in range(SIDE):
        noise = generator.normal(0, 12, (3, length))
        strip[:, row] = np.clip(colours + waves + noise, 0, 255)
    return strip


def _codes(numbers: np.ndarray, count: int, classes: int) -> np.ndarray:
    """Neighbours are of the same class, and every class has as many, to one."""
    return numbers * classes // count


def _whole(options: dict, name: str, default: int, least: int) -> Any:
    value: Any = options.get(name, default)
    if not str(value).isdigit() or int(value) < least:
        raise SettingsError(f"--data.{name} must be a whole number, at least {least}: '{value}'.")
    return int(value)
