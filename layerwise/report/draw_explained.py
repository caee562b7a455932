"""Figures of what a convolutional network looks at: filters, exciting patches, maps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from pandas import DataFrame

from layerwise.report.boards import as_heat, board, in_colour, sheet
from layerwise.report.figures import Drawing, blank, short
from layerwise.report.record import Record

ACROSS = 16  # filters side by side
MAPS = {
    "saliency": "gradient",
    "integrated": "integrated gradients",
    "cam": "Grad-CAM",
    "occlusion": "occlusion",
}


def draw_explained(record: Record) -> Iterator[Drawing]:
    """Filters, patches and maps, as far as the run has them."""
    tensors = record.explanations
    if "filters" in tensors and min(tensors["filters"].shape[2:]) > 1:
        yield _filters(tensors["filters"], record.explained["filters"])
    if record.explained.get("layers"):
        yield _patches(record)
    if record.explained.get("examples"):
        yield _maps(record)


def _filters(filters: np.ndarray, layer: str) -> Drawing:
    scaled = [one / (2 * np.abs(one).max() or 1.0) + 0.5 for one in filters]
    rows = [scaled[start : start + ACROSS] for start in range(0, len(scaled), ACROSS)]
    canvas = sheet(rows)
    figure, axes = blank(width=10, height=10 * canvas.shape[0] / canvas.shape[1])
    axes.imshow(canvas, interpolation="nearest")
    axes.set_axis_off()
    caption = (
        f"The weights of {layer}, each filter on its own scale: grey is 0, bright is positive."
    )
    numbers = DataFrame(filters.reshape(len(filters), -1))
    return Drawing("filters", "columns", "Filters of the first layer", caption, figure, numbers,
                   wide=True)  # fmt: skip


def _patches(record: Record) -> Drawing:
    layers = record.explained["layers"]
    figure, _ = blank(width=10, height=4.8)
    figure.clear()
    panels = figure.subplots(1, len(layers), squeeze=False)[0]
    for place, (axes, layer) in enumerate(zip(panels, layers, strict=True)):
        patches = record.explanations[f"patches.{place}"]
        axes.imshow(sheet(list(patches)), interpolation="nearest")
        high, wide = patches.shape[3:]
        axes.set_title(f"{short(layer['layer'], 24)}: {high}x{wide} pixels", fontsize=9)
        axes.set_axis_off()
    caption = (
        f"One line for each of some units, with the parts of {record.explained['looked_at']} that "
        "excite it most: what the place of the strongest activation can see. From left to right "
        "the layers from first to last, then the outputs."
    )
    numbers = DataFrame(
        [
            {"layer": layer["layer"], "unit": unit, "row": row, "activation": value}
            for layer in layers
            for unit, rows, values in zip(
                layer["units"], layer["rows"], layer["values"], strict=True
            )
            for row, value in zip(rows, values, strict=True)
        ]
    )
    title = "What excites the units of each layer most"
    return Drawing("excitations", "columns", title, caption, figure, numbers, wide=True)


def _maps(record: Record) -> Drawing:
    examples, tensors = record.explained["examples"], record.explanations
    pictures = [[in_colour(image) for image in tensors["images"]]]
    pictures += [[as_heat(found) for found in tensors[f"maps.{name}"]] for name in MAPS]
    words = [[_verdict(one) for one in examples]]
    words += [[text, *[""] * (len(examples) - 1)] for text in MAPS.values()]
    figure = board(pictures, words, lines=2)
    caption = (
        "Red speaks for the class that was said, blue against it. Gradient: how much the score "
        "moves with a pixel, of either sign. Integrated gradients: each pixel's share in what the "
        "score is above that of a black image. Grad-CAM: where the maps of the last convolution "
        "speak for the class. Occlusion: what of the score is lost when the place is covered."
    )
    title = "Where it sees what it says"
    return Drawing("maps", "columns", title, caption, figure, DataFrame(examples), wide=True)


def _verdict(one: dict[str, Any]) -> str:
    """What was said of a row, how surely, and what it is."""
    truth = "right" if one["said"] == one["truth"] else f"is {short(one['truth'], 10)}"
    return f"{short(one['said'], 12)} ({100 * one['chance']:.0f} %)\n{truth}"
