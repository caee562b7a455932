"""Figures of language models: how the loss falls as more of the text is seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from pandas import DataFrame

from layerwise.evaluation.text_specimens import LOOKED
from layerwise.report.draw_words import draw_words
from layerwise.report.figures import COLOURS, Drawing, blank
from layerwise.report.record import Record

LEAST = 2  # places that make a curve


def draw_text(record: Record) -> Iterator[Drawing]:
    """Loss at each place of the context, attention, or a map of words; what there is of them."""
    yield from draw_words(record)
    yield from _loss(record)
    maps = (record.specimens or {}).get("attention")
    if maps is not None:
        yield _attention(record, maps)


def _attention(record: Record, maps: np.ndarray) -> Drawing:
    """The heads of the last layer side by side."""
    heads, size, _ = maps.shape
    said = (record.results.get("made") or {}).get("sentences") or []
    tokens = next(
        (one.removeprefix(LOOKED).split(" ") for one in said if one.startswith(LOOKED)), []
    )
    figure, panels = blank(width=10, height=min(4.0, 10 / heads) + 0.6, ncols=heads, squeeze=False)
    every: Any = panels  # an array of axes
    colours = LinearSegmentedColormap.from_list("attention", ["#ffffff", COLOURS["blue"]])
    for number, axes in enumerate(every.flat):
        axes.imshow(maps[number], cmap=colours, vmin=0, vmax=1, interpolation="nearest")
        axes.set_title(f"head {number + 1}", fontsize=9)
        axes.grid(visible=False)
        names = tokens if len(tokens) == size else [str(place) for place in range(1, size + 1)]
        axes.set_xticks(range(size), names, fontsize=6)
        axes.set_yticks(range(size), names, fontsize=6)
    places = np.indices(maps.shape).reshape(3, -1)
    numbers = DataFrame(dict(zip(("head", "place", "looks_at"), places + 1, strict=True)))
    caption = (
        "Each line is a place of the first judged row; dark squares are the places that it takes "
        "most from to say what comes next. Every line sums to 1."
    )
    title = "Attention in the last layer"
    return Drawing(
        "attention", "made", title, caption, figure, numbers.assign(weight=maps.ravel()), wide=True
    )


def _loss(record: Record) -> Iterator[Drawing]:
    """Loss at each place of the context; nothing where it was not measured."""
    course = (record.specimens or {}).get("loss_by_position")
    if course is None or np.isfinite(course).sum() < LEAST:
        return
    places = np.arange(1, len(course) + 1)
    figure, axes = blank(height=3.0)
    axes.plot(places, course, color=COLOURS["blue"], marker="." if len(course) <= 32 else "")
    axes.set_xlabel("place in the context, in tokens")
    axes.set_ylabel("nats per token")
    axes.set_ylim(bottom=0)
    yield Drawing(
        "loss_by_position",
        "made",
        "Loss by place in the context",
        "Mean loss of the judged rows at each place: what comes later has more before it to learn "
        "from. Where the curve is flat, more context did not help.",
        figure,
        DataFrame({"place": places, "nats per token": course}),
    )
