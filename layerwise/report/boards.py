"""Pictures side by side in one axes, which is drawn many times sooner than an axes for each."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from layerwise.report.figures import COLOURS

WIDTH = 10.0  # inches
LINE = 0.17  # inches of a line of words above a picture


def board(
    pictures: Sequence[Sequence[np.ndarray]], words: Sequence[Sequence[str]], lines: int = 1
) -> Figure:
    """Rows of pictures, each with its words above it.

    pictures : (height, width, 3) from 0 to 1, all of one size
    words : one text for each picture, of at most ``lines`` lines; "" is nothing
    """
    high, wide = pictures[0][0].shape[:2]
    across = max(len(row) for row in pictures)
    inch = max(1.0, wide * across * 1.06 / WIDTH)  # in pixels of the pictures
    gap, above = 0.06 * wide, 1.15 * lines * LINE * inch
    tall = len(pictures) * (high + above)
    figure = Figure(figsize=(WIDTH, WIDTH * tall / (across * (wide + gap))))
    axes = figure.add_axes((0, 0, 1, 1))
    for down, (row, texts) in enumerate(zip(pictures, words, strict=True)):
        for right, (image, text) in enumerate(zip(row, texts, strict=True)):
            left, top = right * (wide + gap) + gap / 2, down * (high + above) + above
            axes.imshow(
                image.clip(0, 1), extent=(left, left + wide, top + high, top),
                interpolation="nearest",
            )  # fmt: skip
            axes.text(
                left + wide / 2, top - 0.04 * inch, text, ha="center", va="bottom", fontsize=8.5,
                color=COLOURS["ink"],
            )  # fmt: skip
    axes.set_xlim(0, across * (wide + gap))
    axes.set_ylim(tall, 0)
    axes.set_axis_off()
    return figure


def sheet(rows: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
    """Pictures (channels, height, width) from 0 to 1 in rows, a white pixel between them."""
    high, wide = rows[0][0].shape[1:]
    across = max(len(row) for row in rows)
    canvas = np.ones((len(rows) * (high + 1) - 1, across * (wide + 1) - 1, 3))
    for top, row in enumerate(rows):
        for left, image in enumerate(row):
            y, x = top * (high + 1), left * (wide + 1)
            canvas[y : y + high, x : x + wide] = in_colour(image)
    return canvas


def in_colour(image: np.ndarray) -> np.ndarray:
    """(channels, height, width) as (height, width, 3): three channels are colours, else grey."""
    if len(image) == 3:
        return image.transpose(1, 2, 0).clip(0, 1)
    return np.repeat(image.mean(axis=0)[..., None], 3, axis=2).clip(0, 1)


def as_heat(values: np.ndarray) -> np.ndarray:
    """A map (height, width) in colours: red above 0, blue below, on the scale of its largest."""
    most = float(np.abs(values).max()) or 1.0
    return matplotlib.colormaps["coolwarm"](0.5 + values / (2 * most))[..., :3]
