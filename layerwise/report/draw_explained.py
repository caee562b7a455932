"""Figures of what a convolutional network looks at: filters, exciting patches, maps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pandas import DataFrame

from layerwise.report.draw_attack import as_picture
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
    figure, _ = blank(width=10, height=2.05 * (1 + len(MAPS)))
    figure.clear()
    panels = figure.subplots(1 + len(MAPS), len(examples), squeeze=False)
    for place, (column, one) in enumerate(zip(panels.T, examples, strict=True)):
        image = as_picture(tensors["images"][place])
        column[0].imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        verdict = "right" if one["said"] == one["truth"] else f"is {short(one['truth'], 10)}"
        title = f"{short(one['said'], 12)} ({100 * one['chance']:.0f} %)\n{verdict}"
        column[0].set_title(title, fontsize=8.5)
        for axes, (name, words) in zip(column[1:], MAPS.items(), strict=True):
            found = tensors[f"maps.{name}"][place]
            most = float(np.abs(found).max()) or 1.0
            axes.imshow(found, cmap="coolwarm", vmin=-most, vmax=most, interpolation="nearest")
            axes.set_title(words if place == 0 else "", fontsize=8.5)
        for axes in column:
            axes.set_axis_off()
    caption = (
        "Red speaks for the class that was said, blue against it. Gradient: how much the score "
        "moves with a pixel, of either sign. Integrated gradients: each pixel's share in what the "
        "score is above that of a black image. Grad-CAM: where the maps of the last convolution "
        "speak for the class. Occlusion: what of the score is lost when the place is covered."
    )
    title = "Where it sees what it says"
    return Drawing("maps", "columns", title, caption, figure, DataFrame(examples), wide=True)


def sheet(rows: list) -> np.ndarray:
    """Pictures (channels, height, width) from 0 to 1 in rows, a white pixel between them."""
    high, wide = rows[0][0].shape[1:]
    across = max(len(row) for row in rows)
    canvas = np.ones((len(rows) * (high + 1) - 1, across * (wide + 1) - 1, 3))
    for top, row in enumerate(rows):
        for left, image in enumerate(row):
            shown = as_picture(np.asarray(image))
            shown = shown if shown.ndim == 3 else np.repeat(shown[..., None], 3, axis=2)
            y, x = top * (high + 1), left * (wide + 1)
            canvas[y : y + high, x : x + wide] = shown
    return canvas
