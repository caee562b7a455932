"""Figures of segmented images: the truth, what was said, and where they differ."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from pandas import DataFrame

from layerwise.evaluation.masks_specimens import TABLE
from layerwise.report.figures import COLOURS, SERIES, Drawing, blank, short
from layerwise.report.record import Record

WIDTH = 10.0  # inches
ROWS = ("image", "truth", "network", "mistakes")
GAP = 4  # pixels between pictures
UNKNOWN = 255  # the code of a pixel whose class nobody knows
COVERS = 0.55  # how much of a pixel a class covers
DIMMED = 0.6  # of the pictures under mistakes
LEGEND = 12  # classes that it names


def draw_masks(record: Record) -> Iterator[Drawing]:
    """Judged images with their masks; nothing where there are none."""
    made = record.specimens or {}
    if not {"pictures", "truth", "said"} <= set(made):
        return
    classes = record.target.classes
    truth, said = (made[name].astype(int) for name in ("truth", "said"))
    tables = (record.results.get("made") or {}).get("tables") or []
    listed = next((one["rows"] for one in tables if one["title"] == TABLE), [])
    wrong = (
        f"Orange: '{classes[1]}' that was missed; red: what was wrongly taken for it"
        if len(classes) == 2
        else "Red: pixels with another class than the true one"
    )
    yield Drawing(
        "masks",
        "made",
        "Judged images, from the worst to the best",
        "From above: the image (its contrast stretched), its true mask, what the network says, and "
        f"its mistakes. {wrong}. Above each image its Dice.",
        _sheet(made["pictures"], truth, said, classes, [line[-1] for line in listed]),
        _numbers(truth, said, classes),
        wide=True,
    )


def _sheet(
    pictures: np.ndarray, truth: np.ndarray, said: np.ndarray, classes: tuple, dice: list[str]
) -> Figure:
    """Pictures in columns, ``ROWS`` below each other."""
    pictures = _stretched(pictures)
    grey = _pale(pictures)
    first = 1 if len(classes) == 2 else 0
    shown = [
        pictures.transpose(0, 2, 3, 1),
        _covered(grey, truth, first),
        _covered(grey, said, first),
        _mistakes(grey, truth, said, len(classes)),
    ]
    count, height, width = truth.shape
    down, across = height + GAP, width + GAP
    canvas = np.ones((len(shown) * down - GAP, count * across - GAP, 4))
    canvas[..., 3] = 0
    for line, row in enumerate(shown):
        for column, image in enumerate(row):
            place = canvas[line * down :, column * across :][:height, :width]
            place[..., :3], place[..., 3] = image.clip(0, 1), 1
    figure, axes = blank(WIDTH, 0.5 + WIDTH * canvas.shape[0] / canvas.shape[1])
    axes.imshow(canvas, interpolation="nearest")
    axes.set_xticks([column * across + width / 2 for column in range(count)])
    axes.set_xticklabels((dice + [""] * count)[:count])
    axes.set_yticks([line * down + height / 2 for line in range(len(shown))], ROWS)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    named = list(enumerate(classes))[first : first + LEGEND]
    patches = [Patch(color=_colour(code, first), label=short(name)) for code, name in named]
    figure.legend(handles=patches, loc="outside lower center", ncols=min(6, len(patches)))
    return figure


def _colour(code: int, first: int) -> tuple[float, float, float]:
    names = ("blue", *SERIES)
    return to_rgb(COLOURS[names[(code - first) % len(names)]])


def _stretched(pictures: np.ndarray) -> np.ndarray:
    """Each picture from 0 to 1 between its darkest and (but for a few pixels) brightest values."""
    flat = pictures.reshape(len(pictures), -1)
    low, high = np.quantile(flat, 0.005, axis=1), np.quantile(flat, 0.99, axis=1)
    span = np.maximum(high - low, 1.0)
    shape = (-1, 1, 1, 1)
    return ((pictures - low.reshape(shape)) / span.reshape(shape)).clip(0, 1)


def _pale(pictures: np.ndarray) -> np.ndarray:
    """Pictures in grey, (images, height, width, 3) from 0 to 1."""
    return np.repeat(pictures.mean(axis=1)[..., None], 3, axis=3)


def _covered(grey: np.ndarray, codes: np.ndarray, first: int) -> np.ndarray:
    """The classes from ``first`` on in colour over the grey pictures."""
    found = grey.copy()
    for code in range(first, max(first + 1, int(codes[codes != UNKNOWN].max(initial=0)) + 1)):
        _paint(found, codes == code, _colour(code, first))
    return found


def _mistakes(grey: np.ndarray, truth: np.ndarray, said: np.ndarray, classes: int) -> np.ndarray:
    """What was missed and what was wrongly said, in colour over the grey pictures."""
    found, known = DIMMED * grey, truth != UNKNOWN
    wrong = known & (truth != said)
    missed = wrong & (truth == 1) if classes == 2 else np.zeros_like(wrong)
    _paint(found, wrong & ~missed, to_rgb(COLOURS["red"]))
    _paint(found, missed, to_rgb(COLOURS["orange"]))
    return found


def _paint(pictures: np.ndarray, where: np.ndarray, colour: tuple[float, float, float]) -> None:
    pictures[where] = (1 - COVERS) * pictures[where] + COVERS * np.array(colour)


def _numbers(truth: np.ndarray, said: np.ndarray, classes: tuple[str, ...]) -> DataFrame:
    """Pixels per drawn image and class: true, said, and both."""
    known = truth != UNKNOWN
    lines = [
        {
            "image": place + 1,
            "class": name,
            "true": int((truth[place] == code).sum()),
            "said": int(((said[place] == code) & known[place]).sum()),
            "both": int(((said[place] == code) & (truth[place] == code)).sum()),
        }
        for place in range(len(truth))
        for code, name in enumerate(classes)
    ]
    return DataFrame(lines)
