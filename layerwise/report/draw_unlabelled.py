"""Figures of learning without labels: originals beside reconstructions, and samples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pandas import DataFrame

from layerwise.report.figures import COLOURS, Drawing, blank
from layerwise.report.record import Record

LEAST_SIDE = 4  # pixels, below which rows are drawn as curves
ACROSS = 12  # pictures in a row of the sheet


def draw_unlabelled(record: Record) -> Iterator[Drawing]:
    """Originals above what comes back, and a sheet of samples; nothing where there are none."""
    made = record.specimens or {}
    if "reconstructions" in made:
        pairs = [made["originals"], made["reconstructions"]]
        caption = "Above: rows that were held out. Below: what the network gives back of them."
        title = "Originals and reconstructions"
        yield _drawing("reconstructions", title, caption, pairs)
    if "samples" in made:
        drawn = made["samples"]
        rows = [drawn[start : start + ACROSS] for start in range(0, len(drawn), ACROSS)]
        caption = "Drawn by the network from noise."
        yield _drawing("samples", "Samples", caption, rows)
    if "nearest" in made:
        pairs = [made["samples"][:ACROSS], made["nearest"][:ACROSS]]
        caption = "Above: samples. Below: the training row that each is nearest to."
        yield _drawing("nearest", "Samples and their nearest training rows", caption, pairs)


def _drawing(name: str, title: str, caption: str, rows: list[np.ndarray]) -> Drawing:
    shape = rows[0].shape[1:]
    numbers = DataFrame(np.concatenate([row.reshape(len(row), -1) for row in rows]))
    figure = sheet(rows) if len(shape) == 3 and min(shape[1:]) >= LEAST_SIDE else _lines(rows)
    return Drawing(name, "made", title, caption, figure, numbers, wide=True)


def sheet(rows: list[np.ndarray]):
    """Images side by side, all on one scale of grey or colour."""
    _, height, width = rows[0].shape[1:]
    low, high = (float(end(np.concatenate(rows))) for end in (np.min, np.max))
    across = max(len(row) for row in rows)
    canvas = np.ones((len(rows) * (height + 1), across * (width + 1), 3))
    for place, row in enumerate(rows):
        for column, image in enumerate((row - low) / max(high - low, 1e-12)):
            top, left = place * (height + 1), column * (width + 1)
            canvas[top : top + height, left : left + width] = _in_colour(image)
    figure, axes = blank(width=10, height=10 * canvas.shape[0] / canvas.shape[1])
    axes.imshow(canvas.clip(0, 1), interpolation="nearest")
    axes.set_axis_off()
    return figure


def _in_colour(image: np.ndarray) -> np.ndarray:
    """(channels, height, width) as (height, width, 3): three channels are colours, else grey."""
    if len(image) == 3:
        return image.transpose(1, 2, 0)
    return np.repeat(image.mean(axis=0)[..., None], 3, axis=2)


def _lines(rows: list[np.ndarray]):
    """Rows of numbers as curves over their places, in one panel per kind."""
    figure, axes = blank(width=10, height=2.2)
    for row, name in zip(rows[:2], ("blue", "orange"), strict=False):
        flat = row.reshape(len(row), -1)
        axes.plot(flat.T, color=COLOURS[name], linewidth=0.8, alpha=0.6)
    axes.set_xlabel("input, in the order of the columns")
    axes.set_ylabel("as the network sees it")
    return figure
